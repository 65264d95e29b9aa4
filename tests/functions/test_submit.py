"""State Submit: one job an attempt, of the deployed code, and none for a run that has ended."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import pytest

from quantum_pipeline.errors import (
    BudgetExceeded,
    DeviceUnavailable,
    InvalidResult,
    JobFailed,
    PipelineError,
    ServiceUnavailable,
)
from quantum_pipeline.local.braket import BraketError
from quantum_pipeline.planning.runtimes import STARTUP_SECONDS
from tests.functions.stages import SUBMIT, prepared
from tests.stack import Stack


@pytest.fixture(autouse=True)
def queued(stack: Stack) -> None:
    """Jobs that wait in the queue: what they do is nothing to Submit."""
    stack.aws.braket.queue_seconds = 3600


def test_submit_twice_returns_the_same_job(stack: Stack, request_data: dict[str, Any]) -> None:
    asked = prepared(stack, "twice", request_data)
    first = stack.invoke("Submit", asked)
    assert stack.invoke("Submit", asked) == first
    assert len(stack.job_statuses("twice")) == 1


def test_a_submit_that_lost_its_record_finds_its_job(
    stack: Stack, request_data: dict[str, Any]
) -> None:
    asked = prepared(stack, "lost", request_data)
    first = stack.invoke("Submit", asked)
    stack.s3.delete_object(Bucket=stack.bucket, Key="runs/lost/job.json")
    assert stack.invoke("Submit", asked) == first
    assert len(stack.job_statuses("lost")) == 1


@pytest.mark.parametrize("name", ["prepared.json", "job.json"])
@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"{", r"the record: no JSON \("),
        (b"[" * 5000, r"the record: no JSON \("),
        (b"{}", "run_id: missing; "),
    ],
)
def test_a_record_that_is_none_of_ours_is_refused_by_its_name(
    stack: Stack, request_data: dict[str, Any], name: str, content: bytes, reason: str
) -> None:
    run_id = f"damaged-{name}"
    asked = prepared(stack, run_id, request_data)
    key = f"runs/{run_id}/{name}"
    stack.s3.put_object(Bucket=stack.bucket, Key=key, Body=content)
    with pytest.raises(InvalidResult, match=rf"^s3://{stack.bucket}/{key}: .*{reason}"):
        stack.invoke("Submit", asked)
    assert stack.job_statuses(run_id) == []


def test_a_submit_of_another_release_finds_the_job_of_its_earlier_try(
    stack: Stack, request_data: dict[str, Any]
) -> None:
    """It asks for the same job in other words, which Braket refuses as a conflict."""
    asked = prepared(stack, "released", request_data)
    first = stack.invoke("Submit", asked)
    stack.s3.delete_object(Bucket=stack.bucket, Key="runs/released/job.json")
    record = stack.record("released", "prepared.json")
    record["request"]["limits"]["max_runtime_seconds"] += 1
    stack.s3.put_object(
        Bucket=stack.bucket, Key="runs/released/prepared.json", Body=json.dumps(record)
    )
    assert stack.invoke("Submit", asked) == first
    assert len(stack.job_statuses("released")) == 1


def test_a_next_attempt_gets_a_job_of_its_own(stack: Stack, request_data: dict[str, Any]) -> None:
    asked = prepared(stack, "attempts", request_data)
    first = stack.invoke("Submit", asked)
    second = stack.invoke("Submit", asked | {"attempt": 2})
    assert second["job_arn"] != first["job_arn"]
    record = stack.record("attempts", "job.json")
    assert (record["attempt"], record["earlier"]) == (2, [first["job_arn"]])


def interrupted(stack: Stack, run_id: str, request: dict[str, Any]) -> tuple[dict[str, Any], float]:
    """End the first attempt at a run; return what Submit gets for the second, and what is paid."""
    asked = prepared(stack, run_id, request)
    stack.aws.braket.queue_seconds = 0
    arn = stack.invoke("Submit", asked)["job_arn"]
    stack.aws.braket.queue_seconds = 3600
    return asked | {"attempt": 2}, float(stack.job_ended(arn)["billableDuration"])


def limits_of(seconds: float, max_runtime_seconds: int = 3600) -> dict[str, Any]:
    """Limits of a request: the job's instance can be paid for so many seconds, starts included."""
    usd = seconds * 0.115 / 3600
    return {"limits": {"max_cost_usd": usd, "max_runtime_seconds": max_runtime_seconds}}


@pytest.mark.parametrize("max_runtime_seconds", [3600, 300])
def test_a_next_attempt_has_the_time_that_the_budget_has_left(
    stack: Stack, request_data: dict[str, Any], max_runtime_seconds: int
) -> None:
    run_id = f"rest-of-{max_runtime_seconds}"
    limits = limits_of(1000.5, max_runtime_seconds)
    second, paid = interrupted(stack, run_id, request_data | limits)
    job = stack.braket.get_job(jobArn=stack.invoke("Submit", second)["job_arn"])
    left = 1000 - paid - STARTUP_SECONDS
    assert 300 < left < 3600
    assert job["stoppingCondition"]["maxRuntimeInSeconds"] == min(left, max_runtime_seconds)


def test_a_next_attempt_that_the_budget_does_not_cover_is_refused(
    stack: Stack, request_data: dict[str, Any]
) -> None:
    second, paid = interrupted(stack, "used-up", request_data | limits_of(400))
    assert 400 - paid - STARTUP_SECONDS < 60
    with pytest.raises(BudgetExceeded, match=f"attempt 2 .* after {paid:.0f} s .* up to 0.0128"):
        stack.invoke("Submit", second)
    assert len(stack.job_statuses("used-up")) == 1


def test_a_reservation_is_named_to_braket(stack: Stack, request_data: dict[str, Any]) -> None:
    reservation = "arn:aws:braket:eu-north-1:123456789012:reservation/a1b2c3"
    asked = prepared(
        stack, "reserved", request_data | {"device": "garnet", "reservation_arn": reservation}
    )
    job = stack.braket.get_job(jobArn=stack.invoke("Submit", asked)["job_arn"])
    assert job["associations"] == [{"arn": reservation, "type": "RESERVATION_TIME_WINDOW_ARN"}]


def test_the_job_runs_the_published_source(stack: Stack, request_data: dict[str, Any]) -> None:
    asked = prepared(stack, "source", request_data)
    arn = stack.invoke("Submit", asked)["job_arn"]
    job = stack.braket.get_job(jobArn=arn)
    record = stack.record("source", "job.json")
    uri = job["algorithmSpecification"]["scriptModeConfig"]["s3Uri"]
    assert uri == record["source_uri"]
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    content = stack.s3.get_object(Bucket=bucket, Key=key)["Body"].read()
    assert hashlib.sha256(content).hexdigest() == record["source_sha256"]
    assert record["source_sha256"] in key


def test_the_job_is_bounded_and_carries_its_run(stack: Stack, request_data: dict[str, Any]) -> None:
    asked = prepared(stack, "bounded", request_data | {"limits": {"max_runtime_seconds": 77}})
    job = stack.braket.get_job(jobArn=stack.invoke("Submit", asked)["job_arn"])
    assert job["stoppingCondition"]["maxRuntimeInSeconds"] == 77
    assert job["tags"]["quantum-pipeline:run-id"] == "bounded"
    assert job["tags"]["quantum-pipeline:stack"] == "quantum-pipeline"
    assert len(job["jobName"]) <= 50


@pytest.mark.parametrize("end", ["completed.json", "failure.json", "cancelled.json"])
def test_a_run_that_has_ended_gets_no_job(
    stack: Stack, request_data: dict[str, Any], end: str
) -> None:
    run_id = f"ended-{end.removesuffix('.json')}"
    asked = prepared(stack, run_id, request_data)
    stack.put_end(run_id, end)
    with pytest.raises(JobFailed, match=end):
        stack.invoke("Submit", asked)
    assert stack.job_statuses(run_id) == []


def test_a_run_that_is_cancelled_while_its_job_is_created_keeps_no_job(
    stack: Stack, request_data: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = prepared(stack, "race", request_data)

    def cancel_meanwhile(operation: str, params: dict[str, Any]) -> None:
        if operation == "CreateJob":  # cancel's mark comes after submit's first look for one
            stack.put_end("race", "cancelled.json")

    monkeypatch.setattr(stack.aws.braket, "intercept", cancel_meanwhile)
    with pytest.raises(JobFailed, match=r"cancelled\.json"):
        stack.invoke("Submit", asked)
    assert set(stack.job_statuses("race")) <= {"CANCELLING", "CANCELLED"}


@pytest.mark.parametrize(
    ("code", "error"),
    [
        ("ThrottlingException", ServiceUnavailable),
        ("InternalServiceException", ServiceUnavailable),
        ("DeviceOfflineException", DeviceUnavailable),
        ("DeviceRetiredException", DeviceUnavailable),
        ("AccessDeniedException", PipelineError),
    ],
)
def test_a_refused_create_job_is_raised_by_its_name(
    stack: Stack,
    request_data: dict[str, Any],
    monkeypatch: pytest.MonkeyPatch,
    code: str,
    error: type[Exception],
) -> None:
    asked = prepared(stack, code, request_data)

    def refuse(operation: str, params: dict[str, Any]) -> None:
        if operation == "CreateJob":
            raise BraketError(code, "no")

    monkeypatch.setattr(stack.aws.braket, "intercept", refuse)
    with pytest.raises(error) as raised:
        stack.invoke("Submit", asked)
    assert type(raised.value) is error
    assert "job.json" not in stack.records(code)


def test_a_run_that_was_never_prepared_is_refused(stack: Stack) -> None:
    with pytest.raises(InvalidResult, match=r"prepared\.json: missing"):
        stack.invoke("Submit", SUBMIT | {"run_id": "unknown"})


def test_no_job_runs_what_is_not_the_source_whose_hash_names_it(
    stack: Stack, request_data: dict[str, Any]
) -> None:
    asked = prepared(stack, "tampered", request_data)
    stack.invoke("Submit", prepared(stack, "published", request_data))
    bucket = stack.aws.outputs["CodeBucketName"]
    [published] = stack.s3.list_objects_v2(Bucket=bucket, Prefix="source/")["Contents"]
    where = {"Bucket": bucket, "Key": published["Key"]}
    content = stack.s3.get_object(**where)["Body"].read()
    assert hashlib.sha256(content).hexdigest() in published["Key"]
    for other in (content[:-1] + b"x", content + b"x", b""):
        stack.s3.put_object(**where, Body=other)
        with pytest.raises(InvalidResult, match=f"{published['Key']}: other content"):
            stack.invoke("Submit", asked)
    assert stack.job_statuses("tampered") == []
    stack.s3.put_object(**where, Body=content)
    stack.invoke("Submit", asked)
