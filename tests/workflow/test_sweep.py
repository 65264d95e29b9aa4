"""What an ended run has left, since whoever ends it died or was refused: found by the sweep."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest
from werkzeug.wrappers import Request, Response

from quantum_pipeline import runs
from quantum_pipeline.local.aws import read_stack
from quantum_pipeline.local.schedules import Schedules
from tests.calls import Calls
from tests.functions.stages import ALWAYS, GARNET, create_task, prepared, task_status
from tests.stack import LONG, PARAMETERS, Stack
from tests.waiting import wait_for

pytestmark = pytest.mark.usefixtures("queued")

SUBMIT = "quantum-pipeline-SubmitFunction"
RULE = "quantum-pipeline-StoppedExecutionRule"
Told = Callable[[], list[dict[str, Any]]]
Sweep = Callable[[], list[str]]


@pytest.fixture
def events_lost(stack: Stack) -> Iterator[None]:
    """Nobody hears of executions that end."""
    events = stack.client("events")
    events.disable_rule(Name=RULE)
    yield
    events.enable_rule(Name=RULE)


@pytest.fixture
def calls(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> Calls:
    return Calls(stack, monkeypatch)


@pytest.fixture
def sweep(stack: Stack, calls: Calls) -> Iterator[Sweep]:
    """A function that sweeps, waits for what Cancel makes of it, and returns the runs' ids.

    Afterwards nothing is left for the next test to find.
    """

    def run() -> list[str]:
        before = calls.all_ended
        left: list[str] = stack.invoke("Sweep", {"grace_seconds": 0})["left"]
        wait_for(lambda: all(calls.ended_for("Cancel", run_id, before) for run_id in left))
        return left

    yield run
    wait_for(lambda: not run())


def execution(stack: Stack, run_id: str) -> str:
    arn = stack.aws.outputs["StateMachineArn"].replace(":stateMachine:", ":execution:")
    return f"{arn}:{run_id}"


def lose_the_record(stack: Stack) -> None:
    def intercept(service: str, request: Request) -> Response | None:
        if service == "s3" and request.method == "PUT" and request.path.endswith("job.json"):
            return Response("<Error><Code>SlowDown</Code></Error>", 503)
        return None

    stack.aws.router.intercept = intercept


def kill_submit(stack: Stack) -> None:
    for process_id in stack.aws.functions.process_ids(SUBMIT):
        os.kill(process_id, signal.SIGKILL)


@pytest.mark.usefixtures("events_lost")
@pytest.mark.parametrize("device", ["local", "sv1"])
@pytest.mark.parametrize("fault", [lose_the_record, kill_submit])
def test_the_job_of_a_submit_that_was_stopped_and_failed_is_cancelled(
    stack: Stack, calls: Calls, sweep: Sweep, fault: Callable[[Stack], None], device: str
) -> None:
    run_id = f"{fault.__name__}-{device}"

    def stop(operation: str, _: dict[str, Any]) -> None:
        if operation == "CreateJob":
            stack.aws.braket.intercept = None
            stack.states.stop_execution(executionArn=execution(stack, run_id))
            fault(stack)

    stack.aws.braket.intercept = stop
    stack.start(LONG | {"device": device}, run_id)
    calls.wait_for_run(run_id, "Submit")
    stack.aws.router.intercept = None
    wait_for(lambda: stack.job_statuses(run_id))
    assert sweep() == [run_id]
    wait_for(lambda: stack.job_statuses(run_id) == ["CANCELLED"])
    assert stack.records(run_id) & set(runs.ENDS) == {"cancelled.json"}
    assert stack.record(run_id, "end.json")["told"]
    assert sweep() == []


def test_the_job_of_a_run_that_goes_on_is_left_alone_and_one_of_a_run_that_ended_is_not(
    stack: Stack, sweep: Sweep
) -> None:
    going_on = stack.start(LONG, "going-on")
    stack.wait_for_record("going-on", "job.json")
    for run_id in ("by-hand", "ended-by-hand"):  # whose executions nobody knows
        stack.invoke("Submit", prepared(stack, run_id, LONG))
    stack.put_end("ended-by-hand", "cancelled.json")
    assert sweep() == ["ended-by-hand"]
    wait_for(lambda: stack.job_statuses("ended-by-hand") == ["CANCELLED"])
    assert stack.job_statuses("going-on") == stack.job_statuses("by-hand") == ["QUEUED"]
    stack.states.stop_execution(executionArn=going_on)
    stack.wait_for_record("going-on", "cancelled.json")
    stack.put_end("by-hand", "cancelled.json")
    sweep()


@pytest.mark.usefixtures("events_lost")
def test_an_end_that_cancel_could_not_even_claim_is_told_with_its_first_error(
    stack: Stack, sweep: Sweep, told: Told
) -> None:
    told()

    def deny(service: str, request: Request) -> Response | None:
        if service == "s3" and request.method == "PUT" and request.path.endswith("end.json"):
            return Response("<Error><Code>AccessDenied</Code></Error>", 403)
        return None

    stack.aws.router.intercept = deny
    ended = stack.ended(stack.start(LONG | {"shots": -1}, "unclaimed"))
    assert (ended["status"], ended["error"]) == ("FAILED", "InvalidRequest")
    stack.aws.router.intercept = None
    assert told() == []
    assert sweep() == ["unclaimed"]
    assert stack.record("unclaimed", "failure.json")["error"] == "InvalidRequest"
    assert "shots: got -1" in stack.record("unclaimed", "failure.json")["cause"]
    assert [each["run_id"] for each in told()] == ["unclaimed"]
    assert sweep() == []


@pytest.mark.usefixtures("events_lost")
def test_a_topic_that_refuses_for_long_is_told_by_the_sweep(
    stack: Stack, sweep: Sweep, told: Told
) -> None:
    told()

    def refuse(service: str, request: Request) -> Response | None:
        if service != "sns":
            return None
        error = "<Error><Code>AuthorizationError</Code></Error>"
        return Response(f"<ErrorResponse>{error}</ErrorResponse>", 403)

    stack.aws.router.intercept = refuse
    stack.ended(stack.start(LONG | {"shots": -1}, "unheard"))
    assert sweep() == ["unheard"]
    assert told() == []
    stack.aws.router.intercept = None
    assert sweep() == ["unheard"]
    assert [(each["run_id"], each["error"]) for each in told()] == [("unheard", "InvalidRequest")]
    assert sweep() == []


def test_a_task_that_waits_for_a_device_after_its_run_has_ended_is_cancelled(
    stack: Stack, calls: Calls, sweep: Sweep
) -> None:
    started = stack.start(LONG | {"device": "sv1"}, "queue")
    job = stack.wait_for_record("queue", "job.json")
    stack.states.stop_execution(executionArn=started)
    calls.wait_for_run("queue", "Cancel")  # it has seen the job end
    stack.aws.braket.devices.set(GARNET, windows=ALWAYS, waiting=9)
    task = create_task(stack, "queue", job["job_arn"])
    assert task_status(stack, task) == "QUEUED"
    assert sweep() == ["queue"]
    wait_for(lambda: task_status(stack, task) == "CANCELLED")
    assert sweep() == []


def test_an_end_is_left_to_others_for_a_while_and_looked_at_once_when_nothing_is_left(
    stack: Stack, sweep: Sweep
) -> None:
    ended = stack.ended(stack.start(LONG | {"shots": -1}, "fresh"))
    stack.wait_for_record("fresh", "failure.json")
    assert stack.invoke("Sweep", {})["looked_at"] == 0
    assert stack.invoke("Sweep", {"grace_seconds": 0})["looked_at"] >= 1
    assert stack.invoke("Sweep", {"grace_seconds": 0})["looked_at"] == 0
    since = json.load(stack.s3.get_object(Bucket=stack.bucket, Key="sweep.json")["Body"])
    assert datetime.fromisoformat(since["runs_since"]) >= ended["stopDate"]


def test_what_is_staged_for_an_end_that_was_told_is_removed(stack: Stack, sweep: Sweep) -> None:
    stack.ended(stack.start(LONG | {"shots": -1}, "staged"))
    stack.wait_for_record("staged", "failure.json")
    sweep()
    key = runs.key("staged", "staged/dead/report.json")
    stack.s3.put_object(Bucket=stack.bucket, Key=key, Body=b"{")
    stack.s3.delete_object(Bucket=stack.bucket, Key="sweep.json")
    assert sweep() == ["staged"]
    # The call that ended may have been that of the execution's own event.
    wait_for(lambda: "staged/dead/report.json" not in stack.records("staged"))
    assert sweep() == []


@pytest.mark.usefixtures("events_lost")
def test_a_record_that_cannot_be_read_keeps_no_other_run_waiting(
    stack: Stack, sweep: Sweep
) -> None:
    for run_id in ("unreadable", "behind-it"):
        stack.ended(stack.start(LONG | {"shots": -1}, run_id))
        stack.s3.delete_object(Bucket=stack.bucket, Key=runs.key(run_id, "end.json"))
    key = runs.key("unreadable", "end.json")
    stack.s3.put_object(Bucket=stack.bucket, Key=key, Body=b"{")
    assert sweep() == ["behind-it", "unreadable"]
    assert stack.record("behind-it", "end.json")["told"]
    stack.put_end("unreadable", "failure.json")


def test_a_job_whose_runs_end_cannot_be_read_keeps_no_other_going(
    stack: Stack, sweep: Sweep
) -> None:
    for run_id in ("odd-end", "plain-end"):
        stack.invoke("Submit", prepared(stack, run_id, LONG))
        stack.put_end(run_id, "cancelled.json")
    key = runs.key("odd-end", "end.json")
    stack.s3.put_object(Bucket=stack.bucket, Key=key, Body=b"{")
    assert sweep() == ["odd-end", "plain-end"]
    wait_for(lambda: stack.job_statuses("plain-end") == ["CANCELLED"])
    stack.put_end("odd-end", "cancelled.json")
    sweep()
    wait_for(lambda: stack.job_statuses("odd-end") == ["CANCELLED"])


@pytest.mark.usefixtures("events_lost")
def test_a_ticket_that_an_ended_run_has_left_is_taken_away(stack: Stack, sweep: Sweep) -> None:
    ended = stack.ended(stack.start(LONG | {"shots": -1}, "left-in-line"))
    going_on = stack.start(LONG, "still-in-line")
    stack.wait_for_record("still-in-line", "job.json")  # it needed no ticket
    keys = [runs.ticket(run_id, ended["startDate"]) for run_id in ("left-in-line", "still-in-line")]
    for key in keys:
        stack.s3.put_object(Bucket=stack.bucket, Key=key, Body=b"")
    assert sweep() == ["left-in-line"]
    found = stack.s3.list_objects_v2(Bucket=stack.bucket, Prefix=runs.LINE)["Contents"]
    assert [each["Key"] for each in found] == keys[1:]
    stack.states.stop_execution(executionArn=going_on)
    assert sweep() == ["still-in-line"]
    assert "Contents" not in stack.s3.list_objects_v2(Bucket=stack.bucket, Prefix=runs.LINE)


def test_the_stack_on_this_machine_sweeps_by_the_templates_schedule(stack: Stack) -> None:
    [schedule] = read_stack(parameters=PARAMETERS).schedules
    often = replace(schedule, every_seconds=0.05)
    stack.s3.delete_object(Bucket=stack.bucket, Key="sweep.json")
    with closing(Schedules([often], stack.aws.functions, stack.aws.authority)):
        where = {"Bucket": stack.bucket, "Prefix": "sweep.json"}
        wait_for(lambda: stack.s3.list_objects_v2(**where).get("Contents"))
    cloudwatch = stack.client("cloudwatch")
    named = {"Namespace": "QuantumPipeline", "MetricName": "RunsSwept"}
    found = wait_for(lambda: cloudwatch.list_metrics(**named)["Metrics"])
    assert [each["Dimensions"] for each in found] == [
        [{"Name": "service", "Value": "quantum-pipeline"}]
    ]
