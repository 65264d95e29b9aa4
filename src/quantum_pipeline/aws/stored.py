"""Reads what a request or a pack refers to: a problem, or the runs, stored in the input bucket."""

from __future__ import annotations

from typing import Any

from quantum_pipeline.aws import storage
from quantum_pipeline.errors import InvalidRequest
from quantum_pipeline.requests.json_text import MAX_VALUES, parse_json
from quantum_pipeline.requests.pack import PackOutline, StoredPack
from quantum_pipeline.requests.request import (
    MAX_OBJECT_BYTES,
    ProblemReference,
    Reference,
    Request,
    TableReference,
    parse_problem,
)


def with_problem(
    request: Request, bucket: str, limit: int = MAX_OBJECT_BYTES
) -> tuple[Request, int]:
    """Return the request with its problem in it, and how many bytes were read for that.

    Raises:
        InvalidRequest: the problem is in another bucket, not there, larger than ``limit`` bytes, or
            none.
    """
    reference = request.problem
    if not isinstance(reference, ProblemReference):
        return request, 0
    content = _content(reference, "problem.uri", bucket, limit)
    data = (
        _table(reference, content)
        if isinstance(reference, TableReference)
        else _json(content, f"problem.uri: {reference.uri}")
    )
    return request.model_copy(update={"problem": parse_problem(data)}), len(content)


def with_runs(pack: StoredPack, bucket: str) -> PackOutline:
    """Return the pack with its runs in it.

    Raises:
        InvalidRequest: they are in another bucket, not there, too large, or none.
    """
    content = _content(pack.pack, "pack.uri", bucket, MAX_OBJECT_BYTES)
    return pack.filled(_json(content, f"pack.uri: {pack.pack.uri}"))


def _content(reference: Reference, field: str, bucket: str, limit: int) -> bytes:
    if reference.bucket != bucket:
        raise InvalidRequest.of(field, reference.uri, f"an object below s3://{bucket}/")
    try:
        content = storage.read(bucket, reference.key, limit)
    except ValueError as error:
        raise InvalidRequest(f"{field}: {reference.uri} has {error}") from error
    if content is None:
        raise InvalidRequest.of(field, reference.uri, "an object that exists")
    return content


def _json(content: bytes, what: str) -> Any:
    return parse_json(content, what, max_values=MAX_VALUES)


def _table(reference: TableReference, content: bytes) -> dict[str, Any]:
    """Return the problem of a table that is stored as text."""
    try:
        return reference.with_rows(content.decode().removeprefix("\ufeff"))
    except UnicodeDecodeError as error:
        wrong = f"byte {error.start + 1} is not UTF-8; allowed: CSV as text in UTF-8, unpacked"
        raise InvalidRequest(f"problem.uri: {reference.uri}: {wrong}") from None
    except ValueError as error:
        raise InvalidRequest(f"problem.uri: {reference.uri}: {error}") from None
