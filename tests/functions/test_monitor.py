"""State Monitor: the job's status and the next wait; a bad end is an error."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from werkzeug.http import http_date
from werkzeug.wrappers import Request, Response

from quantum_pipeline.errors import (
    BudgetExceeded,
    DeviceUnavailable,
    InvalidRequest,
    JobFailed,
    JobInterrupted,
    PipelineError,
)
from tests.stack import POLLS_AT_ONCE, Stack

EVENT = json.loads(Path("events/functions/monitor.json").read_text("utf-8"))
NOW = datetime(2026, 8, 24, 9, 30, tzinfo=UTC)


def job(status: str, age_seconds: float, **more: Any) -> dict[str, Any]:
    return {
        "status": status,
        "jobArn": EVENT["job_arn"],
        "roleArn": "arn:aws:iam::123456789012:role/Job",
        "jobName": "qpipe-1",
        "outputDataConfig": {"s3Path": "s3://bucket/runs/r/job/1"},
        "algorithmSpecification": {},
        "instanceConfig": {"instanceType": "ml.m5.large", "volumeSizeInGb": 30},
        "createdAt": (NOW - timedelta(seconds=age_seconds)).isoformat(),
        **more,
    }


def answer_with(stack: Stack, monkeypatch: pytest.MonkeyPatch, answer: dict[str, Any]) -> None:
    def say(service: str, request: Request) -> Response | None:
        if service != "braket":
            return None
        headers = {"Date": http_date(NOW)}
        return Response(json.dumps(answer), headers=headers, content_type="application/json")

    monkeypatch.setattr(stack.aws.router, "intercept", say)


@pytest.mark.parametrize("status", ["QUEUED", "RUNNING", "CANCELLING", "COMPLETED"])
@pytest.mark.parametrize(("age", "wait"), [(0, 2), (60, 3), (3600, 180), (691_200, 600)])
def test_monitor_waits_by_the_jobs_age(
    stack: Stack, monkeypatch: pytest.MonkeyPatch, status: str, age: int, wait: int
) -> None:
    answer_with(stack, monkeypatch, job(status, age))
    answer = stack.invoke("Monitor", {**EVENT, "polls": POLLS_AT_ONCE})
    assert (answer["status"], answer["polls"]) == (status, POLLS_AT_ONCE + 1)
    assert answer["wait_seconds"] == wait
    assert answer["job_arn"] == EVENT["job_arn"]


@pytest.mark.parametrize("status", ["FAILED", "CANCELLED"])
def test_monitor_raises_a_bad_end_with_its_reason(
    stack: Stack, monkeypatch: pytest.MonkeyPatch, status: str
) -> None:
    answer_with(stack, monkeypatch, job(status, 60, failureReason="InvalidResult: no samples"))
    with pytest.raises(JobFailed, match=f"{status}: InvalidResult: no samples"):
        stack.invoke("Monitor", EVENT)


@pytest.mark.parametrize(
    "reason",
    [
        "ServiceUnavailable: quantum task: ThrottlingException",
        "AlgorithmError: the process ended with code -9",
        "AlgorithmError: , exit code: 137",
        "InternalServerError: We encountered an internal error. Please try again.",
    ],
)
def test_monitor_tells_an_interrupted_job_from_one_that_is_wrong(
    stack: Stack, monkeypatch: pytest.MonkeyPatch, reason: str
) -> None:
    answer_with(stack, monkeypatch, job("FAILED", 60, failureReason=reason))
    with pytest.raises(JobInterrupted):
        stack.invoke("Monitor", EVENT)


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        ("FAILED", "ValueError: the job's code is wrong"),
        ("FAILED", "the job ran longer than its 60 seconds"),
        ("FAILED", "AlgorithmError: the process ended with code 1"),
        ("CANCELLED", "ServiceUnavailable: meanwhile"),
    ],
)
def test_monitor_lets_nobody_repeat_what_would_fail_again(
    stack: Stack, monkeypatch: pytest.MonkeyPatch, status: str, reason: str
) -> None:
    answer_with(stack, monkeypatch, job(status, 60, failureReason=reason))
    with pytest.raises(JobFailed) as error:
        stack.invoke("Monitor", EVENT)
    assert type(error.value) is JobFailed


@pytest.mark.parametrize("error", [InvalidRequest, BudgetExceeded, DeviceUnavailable])
def test_monitor_names_what_prepare_would_have_refused(
    stack: Stack, monkeypatch: pytest.MonkeyPatch, error: type[PipelineError]
) -> None:
    reason = f"{error.__name__}: device: Garnet is OFFLINE since the run was prepared"
    answer_with(stack, monkeypatch, job("FAILED", 60, failureReason=reason))
    with pytest.raises(PipelineError, match="since the run was prepared") as raised:
        stack.invoke("Monitor", EVENT)
    assert type(raised.value) is error


def test_monitor_of_an_unknown_job_is_an_error(stack: Stack) -> None:
    """It has none of the tags by which IAM knows the stack's jobs."""
    with pytest.raises(PipelineError, match=r"AccessDeniedException.*braket:GetJob on resource"):
        stack.invoke("Monitor", EVENT)
    stack.aws.authority.refused.clear()
