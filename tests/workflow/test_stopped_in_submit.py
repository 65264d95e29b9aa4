"""Runs stopped while Submit works, whose clean-up then fails as well: no job is left."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from typing import Any

import pytest
from werkzeug.wrappers import Request, Response

from tests.calls import Calls
from tests.stack import LONG, Stack
from tests.waiting import wait_for

pytestmark = pytest.mark.usefixtures("queued")

SUBMIT = "quantum-pipeline-SubmitFunction"


def throttle(operation: str) -> Callable[[Stack], None]:
    """Return what has Braket refuse an operation, for longer than a client asks again."""

    def start(stack: Stack) -> None:
        stack.refuse(operation, "ThrottlingException", times=10**6)

    return start


def throttle_the_record(stack: Stack) -> None:
    def intercept(service: str, request: Request) -> Response | None:
        if service == "s3" and request.method == "PUT" and request.path.endswith("job.json"):
            return Response("<Error><Code>SlowDown</Code></Error>", 503)
        return None

    stack.aws.router.intercept = intercept


def kill_submit(stack: Stack) -> None:
    for process_id in stack.aws.functions.process_ids(SUBMIT):
        os.kill(process_id, signal.SIGKILL)  # the job that it has asked for is created


PLANS: dict[str, Callable[[Stack], None]] = {
    "nothing more": lambda _: None,
    "GetJob throttled": throttle("GetJob"),
    "CancelJob throttled": throttle("CancelJob"),
    "record throttled": throttle_the_record,
    "Submit killed": kill_submit,
}


@pytest.fixture
def stop_in_submit(
    stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> Callable[[str, dict[str, Any], str], None]:
    """A function that stops a run between Submit's look for an end and its job, and then fails it.

    Cancel comes and goes before the job is there; what goes wrong is over when Submit has ended.
    """
    monkeypatch.setattr(stack.aws.functions, "retry_seconds", (0.0, 0.0))

    def run(run_id: str, request: dict[str, Any], plan: str) -> None:
        calls = Calls(stack, monkeypatch)
        next_cancel = calls.hold("Cancel", run_id)

        def stop(operation: str, _: dict[str, Any]) -> None:
            if operation == "CreateJob":
                stack.aws.braket.intercept = None
                stack.states.stop_execution(executionArn=execution)
                calls.wait_for_run(run_id, "Cancel")
                PLANS[plan](stack)

        stack.aws.braket.intercept = stop
        execution = f"{stack.aws.outputs['StateMachineArn']}:{run_id}"
        execution = execution.replace(":stateMachine:", ":execution:")
        stack.start(request, run_id)
        calls.wait_for_run(run_id, "Submit")
        stack.aws.braket.intercept = stack.aws.router.intercept = None
        assert stack.ended(execution)["status"] == "ABORTED"
        wait_for(lambda: stack.job_statuses(run_id))
        next_cancel.set()

    return run


@pytest.mark.parametrize(
    ("plan", "device"),
    [*((plan, "local") for plan in PLANS), ("nothing more", "sv1"), ("Submit killed", "sv1")],
)
def test_cancel_comes_back_for_a_job_that_submit_could_not_clean_up(
    stack: Stack,
    stop_in_submit: Callable[[str, dict[str, Any], str], None],
    told: Callable[[], list[dict[str, Any]]],
    plan: str,
    device: str,
) -> None:
    run_id = f"{plan.replace(' ', '-')}-{device}"
    told()
    stop_in_submit(run_id, LONG | {"device": device}, plan)
    wait_for(lambda: stack.job_statuses(run_id) == ["CANCELLED"])
    assert stack.record(run_id, "cancelled.json")["status"] == "CANCELLED"
    assert set(stack.task_statuses(run_id)) <= {"CANCELLED"}
    assert [(each["run_id"], each["status"]) for each in told()] == [(run_id, "CANCELLED")]
