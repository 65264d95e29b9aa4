"""State Cancel: a mark, no job left, the topic told; once, whoever calls."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from quantum_pipeline import runs
from quantum_pipeline.aws import jobs, tasks
from quantum_pipeline.errors import ServiceUnavailable
from quantum_pipeline.local.braket import BraketError
from tests.functions.stages import ALWAYS, GARNET, create_task, execution_of, prepared, task_status
from tests.local.braket.server import ENDED, task
from tests.stack import LONG, Stack
from tests.waiting import PATIENCE_SECONDS, wait_for

EVENT: dict[str, Any] = json.loads(Path("events/functions/cancel.json").read_text("utf-8"))
STOPPED: dict[str, Any] = json.loads(
    Path("events/functions/cancel_stopped.json").read_text("utf-8")
)


def failed(run_id: str) -> dict[str, Any]:
    return EVENT | {"run_id": run_id, "execution_arn": execution_of(run_id)}


def stopped(run_id: str, status: str, **more: Any) -> dict[str, Any]:
    arn = execution_of(run_id)
    detail = STOPPED["detail"] | {"name": run_id, "executionArn": arn, "status": status, **more}
    return {**STOPPED, "detail": detail}


def just_stopped(run_id: str) -> dict[str, Any]:
    return stopped(run_id, "ABORTED", stopDate=int(1000 * (time.time() + PATIENCE_SECONDS)))


@pytest.fixture(autouse=True)
def queued(stack: Stack) -> None:
    """Jobs that wait in the queue, but for those of tests in which a job does something."""
    stack.aws.braket.queue_seconds = 3600


@pytest.fixture(scope="module")
def devices_ready(stack: Stack) -> None:
    """What processes of devices are forks of has imported all: until then, no job of it can end."""
    arn = stack.braket.create_quantum_task(**task())["quantumTaskArn"]
    wait_for(lambda: task_status(stack, arn) in ENDED)


@pytest.fixture
def on_device(
    stack: Stack, devices_ready: None, request_data: dict[str, Any]
) -> Iterator[dict[str, Any]]:
    """A request that runs on a QPU, which is open and busy: its tasks wait."""
    stack.aws.braket.queue_seconds = 0
    stack.aws.braket.devices.set(GARNET, windows=ALWAYS, waiting=9)
    yield request_data | {"device": "garnet", "limits": {"max_cost_usd": 1000}}
    stack.aws.braket.devices.set(GARNET, waiting=0)


def test_a_failure_before_anything_was_submitted_leaves_its_mark(stack: Stack, told: Any) -> None:
    told()
    answer = stack.invoke("Cancel", failed("early"))
    assert (answer["error"], answer["job_cancelled"]) == ("JobFailed", False)
    assert answer["cause"].endswith("FAILED: InvalidResult: no samples")
    mark = stack.record("early", "failure.json")
    assert (mark["status"], mark["error"]) == ("FAILED", "JobFailed")
    assert stack.record("early", "end.json")["told"]
    assert [(each["run_id"], each["status"]) for each in told()] == [("early", "FAILED")]


def test_cancel_cancels_the_runs_job(stack: Stack, request_data: dict[str, Any]) -> None:
    arn = stack.invoke("Submit", prepared(stack, "job", LONG))["job_arn"]
    assert stack.invoke("Cancel", failed("job"))["job_cancelled"]
    assert set(stack.job_statuses("job")) <= {"CANCELLING", "CANCELLED"}
    failure = stack.record("job", "failure.json")
    assert failure["job_arn"] == arn
    assert stack.record("job", "end.json")["end"] == failure  # claimed before the job was known


def test_cancel_finds_a_job_that_left_no_record(stack: Stack, request_data: dict[str, Any]) -> None:
    stack.invoke("Submit", prepared(stack, "unrecorded", LONG))
    stack.s3.delete_object(Bucket=stack.bucket, Key="runs/unrecorded/job.json")
    assert stack.invoke("Cancel", failed("unrecorded"))["job_cancelled"]


def test_cancel_finds_the_job_of_an_attempt_that_left_no_record(
    stack: Stack, request_data: dict[str, Any]
) -> None:
    asked = prepared(stack, "half-recorded", LONG)
    stack.invoke("Submit", asked)
    first = stack.record("half-recorded", "job.json")
    second = stack.invoke("Submit", asked | {"attempt": 2})["job_arn"]
    key = runs.key("half-recorded", "job.json")
    stack.s3.put_object(Bucket=stack.bucket, Key=key, Body=json.dumps(first))
    assert stack.invoke("Cancel", failed("half-recorded"))["job_cancelled"]
    assert set(stack.job_statuses("half-recorded")) <= {"CANCELLING", "CANCELLED"}
    assert stack.record("half-recorded", "failure.json")["job_arn"] == second


def test_cancel_leaves_no_task_of_any_attempt_in_a_devices_queue(
    stack: Stack, on_device: dict[str, Any]
) -> None:
    asked = prepared(stack, "two-attempts", on_device)
    first = stack.invoke("Submit", asked)["job_arn"]
    second = stack.invoke("Submit", asked | {"attempt": 2})["job_arn"]
    created = [create_task(stack, "two-attempts", arn) for arn in (first, second)]
    assert [task_status(stack, arn) for arn in created] == ["QUEUED"] * 2
    answer = stack.invoke("Cancel", failed("two-attempts"))
    assert answer["quantum_tasks_cancelled"] >= 2
    assert set(stack.task_statuses("two-attempts")) == {"CANCELLED"}


def test_a_task_that_a_dying_job_creates_is_cancelled_too(
    stack: Stack, on_device: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    job = stack.invoke("Submit", prepared(stack, "dying", on_device))["job_arn"]
    searched = threading.Event()
    created: list[str] = []

    def create_after_the_search(operation: str, params: dict[str, Any]) -> None:
        if operation == "SearchQuantumTasks":
            searched.set()
        elif operation == "GetJob" and searched.is_set() and not created:
            created.append("soon")  # creating one is a call that comes here, too
            created.append(create_task(stack, "dying", job))

    monkeypatch.setattr(stack.aws.braket, "intercept", create_after_the_search)
    stack.invoke("Cancel", failed("dying"))
    assert task_status(stack, created[-1]) == "CANCELLED"
    assert set(stack.job_statuses("dying")) == {"CANCELLED"}  # it was waited for


def test_a_cancel_that_is_tried_again_tells_once_and_cancels_what_is_left(
    stack: Stack, on_device: dict[str, Any], monkeypatch: pytest.MonkeyPatch, told: Any
) -> None:
    told()
    job = stack.invoke("Submit", prepared(stack, "retried", on_device))["job_arn"]
    searches: list[str] = []

    def throttle_the_second_look(operation: str, params: dict[str, Any]) -> None:
        if operation == "SearchQuantumTasks":
            searches.append(operation)
            if len(searches) > 1:
                raise BraketError("ThrottlingException", "Rate exceeded")

    monkeypatch.setattr(stack.aws.braket, "intercept", throttle_the_second_look)
    with pytest.raises(ServiceUnavailable):
        stack.invoke("Cancel", failed("retried"))
    monkeypatch.undo()
    late = create_task(stack, "retried", job)
    stack.invoke("Cancel", failed("retried"))
    assert task_status(stack, late) == "CANCELLED"
    assert [each["run_id"] for each in told()] == ["retried"]


def test_a_job_that_does_not_end_is_looked_at_again_by_a_later_call(
    stack: Stack, on_device: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    job = stack.invoke("Submit", prepared(stack, "undying", on_device))["job_arn"]
    task = create_task(stack, "undying", job)
    for module in (jobs, tasks):
        monkeypatch.setattr(module, "client", lambda _: stack.braket)
    with pytest.raises(ServiceUnavailable, match="not ended in 0 s"):
        tasks.cancel_until_ended([job], 0)  # nobody has cancelled it
    assert task_status(stack, task) == "CANCELLED"
    stack.invoke("Cancel", failed("undying"))


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
    stack.invoke("Submit", prepared(stack, run_id, LONG))
    assert stack.invoke("Cancel", stopped(run_id, status))["job_cancelled"]
    assert stack.record(run_id, record)["error"] == error


def test_cancel_comes_back_while_a_submit_may_yet_create_its_job(stack: Stack, told: Any) -> None:
    told()
    prepared(stack, "submitting", LONG)
    with pytest.raises(ServiceUnavailable, match="a Submit that was running may create a job"):
        stack.invoke("Cancel", just_stopped("submitting"))
    assert [each["run_id"] for each in told()] == ["submitting"]  # without waiting for that
    stack.invoke("Cancel", stopped("submitting", "ABORTED"))  # a while later: none is alive
    assert told() == []


def test_cancel_comes_back_while_a_submit_may_create_the_job_of_a_second_attempt(
    stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    def break_entry_point(operation: str, params: dict[str, Any]) -> None:
        if operation == "CreateJob":
            script = params["algorithmSpecification"]["scriptModeConfig"]
            script["entryPoint"] = "hybrid_job.main:no_such_function"

    monkeypatch.setattr(stack.aws.braket, "intercept", break_entry_point)
    stack.aws.braket.queue_seconds = 0
    asked = prepared(stack, "resuming", LONG)
    assert stack.job_ended(stack.invoke("Submit", asked)["job_arn"])["status"] == "FAILED"
    with pytest.raises(ServiceUnavailable, match="may create a job"):
        stack.invoke("Cancel", just_stopped("resuming"))


def test_cancel_does_not_come_back_where_no_other_job_can_follow(stack: Stack) -> None:
    stack.invoke("Cancel", just_stopped("unprepared"))
    stack.invoke("Submit", prepared(stack, "running", LONG))
    assert stack.invoke("Cancel", just_stopped("running"))["job_cancelled"]


def test_a_second_cancel_changes_nothing_and_tells_nobody(
    stack: Stack, request_data: dict[str, Any], told: Any
) -> None:
    stack.invoke("Submit", prepared(stack, "again", LONG))
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
    service, error = ("service", "quantum-pipeline"), ("ErrorName", "JobFailed")

    def found() -> list[set[tuple[str, str]]]:
        metrics = cloudwatch.list_metrics(Namespace="QuantumPipeline", MetricName="RunsFailed")
        return [{(d["Name"], d["Value"]) for d in m["Dimensions"]} for m in metrics["Metrics"]]

    wait_for(lambda: {service} in found() and {service, error} in found(), told=found)
