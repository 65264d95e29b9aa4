"""Reads and writes objects in S3: the run's records as models, files as bytes."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any, Generic, NamedTuple, TypeVar

from botocore.exceptions import ClientError
from pydantic import BaseModel, ValidationError

from quantum_pipeline.answers import require
from quantum_pipeline.aws.clients import client
from quantum_pipeline.error_codes import Meaning, meaning_of
from quantum_pipeline.errors import InvalidResult
from quantum_pipeline.refusals import describe

Record = TypeVar("Record", bound=BaseModel)


class Tagged(NamedTuple, Generic[Record]):
    """A record, and the tag of the version that was read: S3 replaces no other."""

    record: Record
    tag: str


def read(bucket: str, key: str, limit: int | None = None) -> bytes | None:
    """Return an object's content, None where there is no such object.

    Raises:
        ValueError: larger than ``limit`` bytes; nothing of it is read.
    """
    answer = _get(bucket, key)
    if answer is None:
        return None
    if limit is not None and answer["ContentLength"] > limit:
        raise ValueError(f"{answer['ContentLength']} bytes; allowed: up to {limit}")
    content: bytes = answer["Body"].read()
    return content


def _get(bucket: str, key: str) -> dict[str, Any] | None:
    try:
        answer: dict[str, Any] = client("s3").get_object(Bucket=bucket, Key=key)
    except ClientError as error:
        if meaning_of(error.response) is Meaning.NO_OBJECT:
            return None
        raise
    require(answer, "Body", "ContentLength", "ETag")
    return answer


def read_model(bucket: str, key: str, model: type[Record]) -> Record | None:
    """Return a record, None where there is none.

    Raises:
        InvalidResult: what is there is none of ours.
    """
    content = read(bucket, key)
    return None if content is None else _record(content, bucket, key, model)


def read_tagged(bucket: str, key: str, model: type[Record]) -> Tagged[Record] | None:
    """Return a record with the tag of its version, None where there is none.

    Raises:
        InvalidResult: what is there is none of ours.
    """
    answer = _get(bucket, key)
    if answer is None:
        return None
    return Tagged(_record(answer["Body"].read(), bucket, key, model), answer["ETag"])


def _record(content: bytes, bucket: str, key: str, model: type[Record]) -> Record:
    try:
        return model.model_validate_json(content)
    except ValidationError as error:
        name = f"s3://{bucket}/{key}"
        raise InvalidResult(f"{name}: {describe(error, model, 'the record')}") from None


def need_model(bucket: str, key: str, model: type[Record]) -> Record:
    """Return a record that an earlier stage has left.

    Raises:
        InvalidResult: it is not there, or what is there is none of ours.
    """
    record = read_model(bucket, key, model)
    if record is None:
        raise InvalidResult(f"s3://{bucket}/{key}: missing; an earlier stage writes it")
    return record


def write(bucket: str, key: str, content: bytes, content_type: str) -> None:
    """Write an object."""
    client("s3").put_object(Bucket=bucket, Key=key, Body=content, ContentType=content_type)


def write_model(bucket: str, key: str, record: BaseModel) -> None:
    """Write a record as JSON."""
    write(bucket, key, _json(record), "application/json")


def write_once(bucket: str, key: str, record: BaseModel) -> bool:
    """Write a record if none is there yet; return whether it was written."""
    return _put_if(bucket, key, record, IfNoneMatch="*") is not None


def replace(bucket: str, key: str, changed: Tagged[Any]) -> str | None:
    """Write a record in place of the version that was read; return the new one's tag.

    None where another version is there by now: nothing is written then.
    """
    return _put_if(bucket, key, changed.record, IfMatch=changed.tag)


def _put_if(bucket: str, key: str, record: BaseModel, **condition: str) -> str | None:
    try:
        answer = client("s3").put_object(
            Bucket=bucket,
            Key=key,
            Body=_json(record),
            ContentType="application/json",
            **condition,
        )
    except ClientError as error:
        if meaning_of(error.response) is Meaning.CONFLICT:
            return None
        raise
    require(answer, "ETag")
    return str(answer["ETag"])


def copy(bucket: str, source: str, key: str) -> None:
    """Copy an object of up to 5 GB, with its type, inside the bucket."""
    client("s3").copy_object(Bucket=bucket, Key=key, CopySource={"Bucket": bucket, "Key": source})


def remove(bucket: str, prefix: str) -> None:
    """Remove the objects whose keys begin so.

    Raises:
        ClientError: S3 has kept one of them.
    """
    pages = client("s3").get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
    for page in pages:
        if keys := [{"Key": item["Key"]} for item in page.get("Contents", [])]:
            asked = {"Objects": keys, "Quiet": True}
            answer = client("s3").delete_objects(Bucket=bucket, Delete=asked)
            for error in answer.get("Errors", ()):  # of an answer that is a success
                raise ClientError({"Error": error}, "DeleteObjects")


def is_there(bucket: str, prefix: str) -> bool:
    """Return whether there is an object whose key begins so."""
    found = client("s3").list_objects_v2(Bucket=bucket, Prefix=prefix, MaxKeys=1)
    return bool(found.get("Contents"))


def delete(bucket: str, key: str) -> None:
    """Remove an object, if there is one."""
    client("s3").delete_object(Bucket=bucket, Key=key)


def listed(bucket: str, prefix: str) -> Iterator[tuple[str, datetime]]:
    """Yield the keys that begin so, in their order, each with the time of its last change."""
    pages = client("s3").get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
    for item in (item for page in pages for item in page.get("Contents", [])):
        yield item["Key"], item["LastModified"]


def exists(bucket: str, key: str) -> bool:
    """Return whether there is such an object."""
    try:
        client("s3").head_object(Bucket=bucket, Key=key)
    except ClientError as error:
        if meaning_of(error.response) is Meaning.NO_OBJECT:
            return False
        raise
    return True


def _json(record: BaseModel) -> bytes:
    return record.model_dump_json(by_alias=True).encode()
