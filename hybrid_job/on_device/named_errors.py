"""The errors of AWS by their names in the pipeline: what Braket and S3 refuse, and why."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from botocore.exceptions import BotoCoreError, ClientError

from quantum_pipeline.errors import (
    BudgetExceeded,
    DeviceUnavailable,
    InvalidRequest,
    JobFailed,
    PipelineError,
    QuotaExceeded,
    ServiceUnavailable,
)

_BY_CODE: Mapping[str, type[PipelineError]] = {
    "DeviceOfflineException": DeviceUnavailable,
    "DeviceRetiredException": DeviceUnavailable,
    "ResourceNotFoundException": DeviceUnavailable,
    "ServiceQuotaExceededException": QuotaExceeded,
    "ThrottlingException": ServiceUnavailable,
    "TooManyRequestsException": ServiceUnavailable,
    "SlowDown": ServiceUnavailable,
    "InternalServiceException": ServiceUnavailable,
    "InternalError": ServiceUnavailable,
    "ServiceUnavailable": ServiceUnavailable,
    "ValidationException": InvalidRequest,
}

_SPENDING_LIMIT = re.compile(r"spending[- ]?limit", re.IGNORECASE)
"""A task beyond a spending limit of the account is refused as invalid; only the text tells."""

_DENIED = {"AccessDeniedException": "braket", "AccessDenied": "s3", "403": "s3"}
"""Codes of a refusal for want of a permission, with the service that they are of."""


@contextmanager
def named(what: str) -> Iterator[None]:
    """Give the errors of AWS inside the block their names in the pipeline.

    Raises:
        InvalidRequest, BudgetExceeded, DeviceUnavailable, QuotaExceeded, ServiceUnavailable,
        JobFailed: as AWS answers.
    """
    try:
        yield
    except ClientError as error:
        raise _named(what, error) from error
    except BotoCoreError as error:
        raise ServiceUnavailable(f"{what}: {error}") from error


def _named(what: str, error: ClientError) -> PipelineError:
    told = error.response.get("Error", {})
    code = told.get("Code", "")
    if code in _DENIED:
        permission = f"{_DENIED[code]}:{error.operation_name}"
        return JobFailed(f"{what}: {error}; allowed: a job whose role has {permission}")
    if code == "ValidationException" and _SPENDING_LIMIT.search(told.get("Message", "")):
        return BudgetExceeded(f"{what}: {error}")
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 400)
    default = ServiceUnavailable if status >= 500 else JobFailed
    return _BY_CODE.get(code, default)(f"{what}: {error}")


def is_taken(error: BaseException | None) -> bool:
    """Return whether Braket refused a token, since a task of other parameters has it.

    A job that starts again has another token of its own and another folder for results, which are
    among the parameters: the task of its first attempt is in the way.
    """
    if not isinstance(error, ClientError):
        return False
    told = error.response["Error"]
    return told["Code"] == "ConflictException" or (
        told["Code"] == "ValidationException" and "token" in told.get("Message", "").lower()
    )
