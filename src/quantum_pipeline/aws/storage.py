"""Reads and writes objects in S3: the run's records as models, files as bytes."""

from __future__ import annotations

from typing import TypeVar

from botocore.exceptions import ClientError
from pydantic import BaseModel

from quantum_pipeline.answers import require
from quantum_pipeline.aws.clients import client
from quantum_pipeline.error_codes import Meaning, meaning_of
from quantum_pipeline.errors import InvalidResult

Record = TypeVar("Record", bound=BaseModel)


def read(bucket: str, key: str, limit: int | None = None) -> bytes | None:
    """Return an object's content, None where there is no such object.

    Raises:
        ValueError: larger than ``limit`` bytes; nothing of it is read.
    """
    try:
        answer = client("s3").get_object(Bucket=bucket, Key=key)
    except ClientError as error:
        if meaning_of(error.response) is Meaning.NO_OBJECT:
            return None
        raise
    require(answer, "Body", "ContentLength")
    if limit is not None and answer["ContentLength"] > limit:
        raise ValueError(f"{answer['ContentLength']} bytes; allowed: up to {limit}")
    content: bytes = answer["Body"].read()
    return content


def read_model(bucket: str, key: str, model: type[Record]) -> Record | None:
    """Return a record, None where there is none."""
    content = read(bucket, key)
    return None if content is None else model.model_validate_json(content)


def need_model(bucket: str, key: str, model: type[Record]) -> Record:
    """Return a record that an earlier stage has left.

    Raises:
        InvalidResult: it is not there.
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
    try:
        client("s3").put_object(
            Bucket=bucket,
            Key=key,
            Body=_json(record),
            ContentType="application/json",
            IfNoneMatch="*",
        )
    except ClientError as error:
        if meaning_of(error.response) is Meaning.CONFLICT:
            return False
        raise
    return True


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
