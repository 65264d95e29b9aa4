"""Calls of Step Functions that AWS refuses before it looks at what they ask for."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import boto3
import pytest
from botocore.awsrequest import AWSRequest
from botocore.httpsession import URLLib3Session

from quantum_pipeline.local.aws import LocalAws
from tests.local.small_stack import client

StartAws = Callable[..., LocalAws]
ARN = "arn:aws:states:us-east-1:123456789012:execution:s-Machine:none"


def call(aws: LocalAws, operation: str, body: bytes) -> tuple[int, dict[str, Any]]:
    """Return what a signed call with this very body is answered."""
    session = boto3.Session(**aws.key.arguments())
    states: Any = session.client(
        "stepfunctions", region_name=aws.region, endpoint_url=aws.endpoint_url
    )
    headers = {
        "Content-Type": "application/x-amz-json-1.0",
        "X-Amz-Target": f"AWSStepFunctions.{operation}",
    }
    request = AWSRequest("POST", aws.endpoint_url, headers, body)
    states._request_signer.sign(operation, request)
    answer = URLLib3Session().send(request.prepare())
    return answer.status_code, json.loads(answer.content)


NULL = "Value null at 'executionArn' failed to satisfy constraint: Member must not be null"
MALFORMED: list[tuple[str, bytes, str, str]] = [
    ("GetExecutionHistory", b"{", "SerializationException", ""),
    ("GetExecutionHistory", b"", "SerializationException", ""),
    ("GetExecutionHistory", b"\xff", "SerializationException", ""),
    ("GetExecutionHistory", b"[" * 100_000, "SerializationException", ""),
    ("GetExecutionHistory", b"[]", "SerializationException", ""),
    ("StopExecution", b"null", "SerializationException", ""),
    ("GetExecutionHistory", b"{}", "ValidationException", f"1 validation error detected: {NULL}"),
    ("DescribeExecution", b'{"executionArn": null}', "ValidationException", NULL),
    ("StopExecution", b"{}", "ValidationException", NULL),
    ("StopExecution", b'{"executionArn": 7}', "SerializationException", "NUMBER_VALUE"),
    ("StartExecution", b'{"stateMachineArn": {}}', "SerializationException", "Start of structure"),
    ("StartExecution", b'{"stateMachineArn": ["a"]}', "SerializationException", "Start of list"),
    ("StartExecution", b'{"name": "a"}', "ValidationException", "'stateMachineArn'"),
    (
        "GetExecutionHistory",
        json.dumps({"executionArn": ARN, "reverseOrder": True, "maxResults": "9"}).encode(),
        "SerializationException",
        "STRING_VALUE",
    ),
    (
        "GetExecutionHistory",
        json.dumps({"executionArn": ARN, "reverseOrder": True, "maxResults": 1001}).encode(),
        "ValidationException",
        "Value '1001' at 'maxResults' failed to satisfy constraint: Member must have value less",
    ),
    (
        "ListExecutions",
        json.dumps({"stateMachineArn": ARN, "statusFilter": "GONE"}).encode(),
        "ValidationException",
        "Member must satisfy enum value set: [RUNNING, SUCCEEDED",
    ),
    ("GetExecutionHistory", b'{"executionArn": "arn"}', "InvalidArn", ""),
    ("StopExecution", json.dumps({"executionArn": ARN}).encode(), "ExecutionDoesNotExist", ""),
    ("SendTaskSuccess", b'{"taskToken": "t", "output": "{}"}', "InvalidToken", ""),
    ("NoSuchOperation", b"{}", "UnknownOperationException", ""),
    ("", b"{}", "UnknownOperationException", ""),
]  # fmt: skip


def test_a_malformed_call_is_refused_by_aws_own_names(start_aws: StartAws) -> None:
    aws = start_aws()
    for operation, body, code, message in MALFORMED:
        status, answer = call(aws, operation, body)
        assert status == 400, (operation, body[:80], answer)
        assert answer["__type"].rpartition("#")[2] == code, (operation, body[:80], answer)
        assert message in str(answer.get("message")), (operation, body[:80], answer)


def test_what_fails_inside_is_told_by_a_code(
    start_aws: StartAws, monkeypatch: pytest.MonkeyPatch
) -> None:
    aws = start_aws()
    arn = client(aws, "stepfunctions").start_execution(
        stateMachineArn=aws.outputs["StateMachineArn"], input='{"do": "Wait"}'
    )["executionArn"]

    def fail(*_: Any) -> None:
        raise KeyError("gone")

    monkeypatch.setattr(aws.router._executions, "newest_events", fail)
    body = json.dumps({"executionArn": arn, "reverseOrder": True}).encode()
    status, answer = call(aws, "GetExecutionHistory", body)
    assert (status, answer["__type"]) == (500, "InternalFailure")
