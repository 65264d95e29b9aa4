"""What AWS's error codes mean here: no error that its own models name is left without a meaning."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import botocore.session
import pytest
from botocore.retries import standard

from quantum_pipeline import error_codes
from quantum_pipeline.error_codes import IN_FUNCTION, IN_JOB, MEANINGS, Meaning, meaning_of
from quantum_pipeline.errors import (
    BudgetExceeded,
    DeviceUnavailable,
    InvalidRequest,
    JobFailed,
    PipelineError,
    QuotaExceeded,
    ServiceUnavailable,
)

CALLED = {
    "sns": ["Publish"],
    "logs": ["FilterLogEvents"],
    "dynamodb": ["PutItem", "GetItem", "Query"],
    "cloudformation": ["DescribeStacks", "DeleteStack"],
}
"""Of services of which little is used, the operations that are called."""

S3_WITHOUT_SHAPE = """
    AccessDenied ExpiredToken InternalError InvalidAccessKeyId OperationAborted
    ConditionalRequestConflict PreconditionFailed RequestTimeout RequestTimeTooSkewed
    ServiceUnavailable SignatureDoesNotMatch SlowDown 403 404 412
"""
"""Codes of the S3 User Guide, "List of error codes", that its model has no shape for."""


def model_of(service: str) -> Any:
    return botocore.session.get_session().get_service_model(service)


def code(shape: Any) -> str:
    return str(shape.metadata.get("error", {}).get("code") or shape.name)


@pytest.mark.parametrize("service", ["braket", "s3", "stepfunctions", "lambda"])
def test_every_error_that_the_model_of_a_service_names_has_a_meaning(service: str) -> None:
    model = model_of(service)
    shapes = map(model.shape_for, model.shape_names)
    codes = {code(shape) for shape in shapes if shape.metadata.get("exception")}
    assert len(codes) > 5
    assert codes - MEANINGS.keys() == set()


@pytest.mark.parametrize(
    ("service", "operation"), [(service, each) for service in CALLED for each in CALLED[service]]
)
def test_every_error_of_a_called_operation_has_a_meaning(service: str, operation: str) -> None:
    shapes = model_of(service).operation_model(operation).error_shapes
    assert set(map(code, shapes)) - MEANINGS.keys() == set()


def test_codes_that_s3_documents_beside_its_model_have_a_meaning() -> None:
    assert set(S3_WITHOUT_SHAPE.split()) - MEANINGS.keys() == set()


def test_what_botocore_itself_tries_again_can_succeed_later() -> None:
    untyped: Any = standard  # the stubs leave out what is not public
    throttled = untyped.ThrottledRetryableChecker._THROTTLED_ERROR_CODES
    transient = untyped.TransientRetryableChecker._TRANSIENT_ERROR_CODES
    assert {MEANINGS.get(code) for code in (*throttled, *transient)} == {Meaning.UNAVAILABLE}


def test_what_the_state_machine_retries_of_lambda_can_succeed_later() -> None:
    text = Path("statemachine/pipeline.asl.json").read_text("utf-8")
    retried = set(re.findall(r'"Lambda\.(\w+)"', text)) & MEANINGS.keys()
    assert retried >= {"ServiceException", "TooManyRequestsException"}
    assert {MEANINGS[each] for each in retried} == {Meaning.UNAVAILABLE}


def test_every_code_is_in_the_table_once() -> None:
    listed = [each for codes in error_codes._CODES_BY_MEANING.values() for each in codes.split()]
    assert sorted(listed) == sorted(MEANINGS)


def test_every_meaning_is_an_error_in_a_function_and_in_a_job() -> None:
    assert IN_FUNCTION.keys() == IN_JOB.keys() == set(Meaning)


@pytest.mark.parametrize(
    ("code", "in_function", "in_job"),
    [
        ("ThrottlingException", ServiceUnavailable, ServiceUnavailable),
        ("SlowDown", ServiceUnavailable, ServiceUnavailable),
        ("ConditionalRequestConflict", ServiceUnavailable, ServiceUnavailable),
        ("InternalServiceException", ServiceUnavailable, ServiceUnavailable),
        ("ServiceQuotaExceededException", QuotaExceeded, QuotaExceeded),
        ("DeviceOfflineException", DeviceUnavailable, DeviceUnavailable),
        ("DeviceRetiredException", DeviceUnavailable, DeviceUnavailable),
        ("ValidationException", InvalidRequest, InvalidRequest),
        ("ResourceNotFoundException", PipelineError, DeviceUnavailable),
        ("AccessDeniedException", PipelineError, JobFailed),
        ("403", PipelineError, JobFailed),
        ("NoSuchKey", PipelineError, JobFailed),
        ("ConflictException", PipelineError, JobFailed),
    ],
)
def test_a_code_is_our_error_of_its_meaning_where_it_arises(
    code: str, in_function: type[PipelineError], in_job: type[PipelineError]
) -> None:
    meaning = meaning_of({"Error": {"Code": code, "Message": "no"}})
    assert (IN_FUNCTION[meaning], IN_JOB[meaning]) == (in_function, in_job)


def test_a_spending_limit_is_told_apart_from_what_is_invalid_by_its_text() -> None:
    message = "The task would exceed the spending limit of the device"
    answer = {"Error": {"Code": "ValidationException", "Message": message}}
    assert IN_JOB[meaning_of(answer)] is BudgetExceeded


@pytest.mark.parametrize(
    ("status", "meaning"), [(500, "UNAVAILABLE"), (503, "UNAVAILABLE"), (400, "REFUSED")]
)
def test_a_code_that_no_model_names_means_what_its_status_says(status: int, meaning: str) -> None:
    answer = {"Error": {"Code": "New"}, "ResponseMetadata": {"HTTPStatusCode": status}}
    assert meaning_of(answer) is Meaning[meaning]


def test_an_answer_without_a_code_is_refused() -> None:
    assert meaning_of({}) is Meaning.REFUSED
