"""State Cancel: a mark, no job left, the topic told; once, whoever calls."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest

from tests.functions.test_prepare import event as prepare_event
from tests.functions.test_submit import prepared
from tests.stack import Stack

EVENT: dict[str, Any] = json.loads(Path("events/functions/cancel.json").read_text("utf-8"))
STOPPED: dict[str, Any] = json.loads(
    Path("events/functions/cancel_stopped.json").read_text("utf-8")
)


def failed(run_id: str) -> dict[str, Any]:
    return EVENT | {"run_id": run_id, "execution_arn": prepare_event(run_id, None)["execution_arn"]}


def stopped(run_id: str, status: str) -> dict[str, Any]:
    arn = prepare_event(run_id, None)["execution_arn"]
    detail = STOPPED["detail"] | {"name": run_id, "executionArn": arn, "status": status}
    return {**STOPPED, "detail": detail}


def slow(request: dict[str, Any]) -> dict[str, Any]:
    problem = {"type": "random", "problem_size": 22}
    return request | {"problem": problem, "algorithm": {"depth": 8}}


@pytest.fixture(scope="module")
def told(stack: Stack) -> Any:
    """A function that returns what the topic's subscribers were told since it was last called."""
    sqs, sns = stack.client("sqs"), stack.client("sns")
    queue = sqs.create_queue(QueueName="told")["QueueUrl"]
    sns.subscribe(
        TopicArn=stack.aws.outputs["NotificationTopicArn"],
        Protocol="sqs",
        Endpoint="arn:aws:sqs:us-east-1:123456789012:told",
    )

    def receive() -> list[dict[str, Any]]:
        messages = sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10).get("Messages", [])
        for message in messages:
            sqs.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
        return [json.loads(json.loads(message["Body"])["Message"]) for message in messages]

    return receive


def test_a_failure_before_anything_was_submitted_leaves_its_mark(stack: Stack, told: Any) -> None:
    told()
    answer = stack.invoke("Cancel", failed("early"))
    assert (answer["error"], answer["job_cancelled"]) == ("JobFailed", False)
    assert answer["cause"].endswith("FAILED: InvalidResult: no samples")
    mark = stack.record("early", "failure.json")
    assert (mark["status"], mark["error"], mark["told"]) == ("FAILED", "JobFailed", True)
    assert [(each["run_id"], each["status"]) for each in told()] == [("early", "FAILED")]


def test_cancel_cancels_the_runs_job(stack: Stack, request_data: dict[str, Any]) -> None:
    arn = stack.invoke("Submit", prepared(stack, "job", slow(request_data)))["job_arn"]
    assert stack.invoke("Cancel", failed("job"))["job_cancelled"]
    assert set(stack.job_statuses("job")) <= {"CANCELLING", "CANCELLED"}
    assert stack.record("job", "failure.json")["job_arn"] == arn


def test_cancel_finds_a_job_that_left_no_record(stack: Stack, request_data: dict[str, Any]) -> None:
    stack.invoke("Submit", prepared(stack, "unrecorded", slow(request_data)))
    stack.s3.delete_object(Bucket=stack.bucket, Key="runs/unrecorded/job.json")
    assert stack.invoke("Cancel", failed("unrecorded"))["job_cancelled"]


@pytest.mark.parametrize(
    ("status", "record", "error"),
    [
        ("ABORTED", "cancelled.json", "ExecutionAborted"),
        ("TIMED_OUT", "failure.json", "ExecutionTimedOut"),
    ],
)
def test_cancel_hears_of_executions_that_end_without_a_catch(
    stack: Stack, request_data: dict[str, Any], status: str, record: str, error: str
) -> None:
    run_id = f"event-{status.lower()}"
    stack.invoke("Submit", prepared(stack, run_id, slow(request_data)))
    assert stack.invoke("Cancel", stopped(run_id, status))["job_cancelled"]
    assert stack.record(run_id, record)["error"] == error


def test_a_second_cancel_changes_nothing_and_tells_nobody(
    stack: Stack, request_data: dict[str, Any], told: Any
) -> None:
    stack.invoke("Submit", prepared(stack, "again", slow(request_data)))
    stack.invoke("Cancel", failed("again"))
    mark = stack.record("again", "failure.json")
    told()
    second = stack.invoke("Cancel", stopped("again", "FAILED"))
    assert not second["job_cancelled"]
    assert stack.record("again", "failure.json") == mark
    assert told() == []


def test_an_end_that_could_not_be_told_is_told_by_the_next_try(
    stack: Stack, monkeypatch: pytest.MonkeyPatch, told: Any
) -> None:
    from werkzeug.wrappers import Request, Response

    from quantum_pipeline.errors import PipelineError

    def refuse(service: str, request: Request) -> Response | None:
        return Response("<ErrorResponse/>", 500) if service == "sns" else None

    told()
    monkeypatch.setattr(stack.aws.router, "intercept", refuse)
    with pytest.raises(PipelineError):
        stack.invoke("Cancel", failed("untold"))
    monkeypatch.undo()
    stack.invoke("Cancel", failed("untold"))
    assert [each["run_id"] for each in told()] == ["untold"]


def test_a_completed_run_is_left_as_it_is(stack: Stack) -> None:
    stack.put_end("done", "completed.json", told=True)
    stack.invoke("Cancel", stopped("done", "ABORTED"))
    assert stack.records("done") == {"end.json", "completed.json"}


def test_a_failed_run_is_counted_by_its_error(stack: Stack) -> None:
    stack.invoke("Cancel", failed("counted"))
    cloudwatch = stack.client("cloudwatch")
    deadline = time.monotonic() + 10
    wanted = {("service", "quantum-pipeline"), ("ErrorName", "JobFailed")}
    while True:
        metrics = cloudwatch.list_metrics(Namespace="QuantumPipeline", MetricName="RunsFailed")
        found = [{(d["Name"], d["Value"]) for d in m["Dimensions"]} for m in metrics["Metrics"]]
        if wanted in found and {("service", "quantum-pipeline")} in found:
            return
        assert time.monotonic() < deadline, found
        time.sleep(0.1)
