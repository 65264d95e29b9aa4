"""Makes boto3 clients, one per service and process, and turns AWS's errors into the pipeline's."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConfigNotFound,
    ConfigParseError,
    NoCredentialsError,
    NoRegionError,
    PartialCredentialsError,
    ProfileNotFound,
)
from botocore.parsers import ResponseParserError

from quantum_pipeline import answers
from quantum_pipeline.error_codes import IN_FUNCTION, meaning_of
from quantum_pipeline.errors import InvalidRequest, ServiceUnavailable

# A call that is never answered ends within 22 seconds, before any function's own time-out: so it
# is a ServiceUnavailable, which the state machine retries for long.
CONFIG = Config(
    connect_timeout=3, read_timeout=8, retries={"mode": "standard", "total_max_attempts": 2}
)

_NOT_SET_UP = (
    ConfigNotFound,
    ConfigParseError,
    NoCredentialsError,
    NoRegionError,
    PartialCredentialsError,
    ProfileNotFound,
)
"""What a client meets on a machine where AWS is not set up, or not well."""


@cache
def client(service: str) -> Any:
    """Return the process's client of a service."""
    create: Any = boto3.client  # overloaded by name in the stubs; here the name is a variable
    created = create(service, config=CONFIG)
    answers.watch(created.meta.events)
    return created


@contextmanager
def named_errors() -> Iterator[None]:
    """Turn botocore's errors into ours: throttling, 5xx and lost connections can be retried.

    So can an answer of SNS that was cut off, whose error is none of botocore's own tree.

    Raises:
        ServiceUnavailable, QuotaExceeded, DeviceUnavailable, BudgetExceeded, InvalidRequest: by
            what AWS's error code means.
        PipelineError: any other refusal, such as AccessDenied, with AWS's code and message.
    """
    try:
        yield
    except ClientError as error:
        raise IN_FUNCTION[meaning_of(error.response)](str(error)) from error
    except _NOT_SET_UP as error:
        raise InvalidRequest(f"AWS settings: {error}") from error
    except (BotoCoreError, ResponseParserError) as error:
        raise ServiceUnavailable(f"{type(error).__name__}: {error}") from error
