"""Turns errors of Braket and S3 into the pipeline's named errors."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from botocore.exceptions import BotoCoreError, ClientError

from quantum_pipeline.error_codes import IN_JOB, Meaning, code_of, meaning_of, message_of
from quantum_pipeline.errors import PipelineError, ServiceUnavailable

_PERMISSIONS = {"AccessDeniedException": "braket", "AccessDenied": "s3", "403": "s3"}
"""The service whose permission is lacking where the job's role is refused by these codes."""


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
    message = f"{what}: {error}"
    service = _PERMISSIONS.get(code_of(error.response))
    if service is not None:
        message += f"; allowed: a job whose role has {service}:{error.operation_name}"
    return IN_JOB[meaning_of(error.response)](message)


def is_taken(error: BaseException | None) -> bool:
    """Return whether Braket refused a token, since a task of other parameters has it.

    A job that starts again has another token of its own and another folder for results, which are
    among the parameters: the task of its first attempt is in the way.
    """
    if not isinstance(error, ClientError):
        return False
    meaning, message = meaning_of(error.response), message_of(error.response)
    return meaning is Meaning.CONFLICT or (
        meaning is Meaning.INVALID and "token" in message.lower()
    )
