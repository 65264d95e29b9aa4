"""Whole runs: the shipped state machine, functions and job on the local AWS, over HTTP."""

from __future__ import annotations

import json
import math
import os
import re
import signal
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from moto.stepfunctions.parser.asl.component.state.wait.wait_function.wait_function import (
    WaitFunction,
)
from PIL import Image
from werkzeug.wrappers import Request, Response

from quantum_pipeline.local import lambdas
from tests.calls import Calls
from tests.stack import HYDROGEN, LONG, POLLS_AT_ONCE, Stack
from tests.waiting import wait_for

POLLED = ["Prepare", "Submit", "HasJob", "Wait", "Monitor", "IsFinished"]
DONE = ["PostProcess", "Succeeded"]
GAVE_UP = ["Cancel", "Failed"]
JOB_FAILED = ["HasResults", "GiveUp", *GAVE_UP]
MARKS = {"completed.json", "failure.json", "cancelled.json"}
ENDED = {"COMPLETED", "FAILED", "CANCELLED"}

DRAWN = True


@pytest.fixture(autouse=True)
def no_interception(stack: Stack) -> Iterator[None]:
    yield
    stack.aws.braket.intercept = None
    stack.aws.router.intercept = None
    stack.aws.braket.queue_seconds = 0


def without_polls(states: list[str]) -> list[str]:
    """Return the states with the last round of Wait, Monitor and IsFinished alone."""
    return re.sub("(Wait Monitor IsFinished )+(?=Wait )", "", " ".join(states)).split()


def test_a_maxcut_problem_goes_in_and_a_right_report_comes_out(
    stack: Stack, request_data: dict[str, Any]
) -> None:
    execution = stack.start(request_data, "petersen")
    ended = stack.ended(execution)
    assert ended["status"] == "SUCCEEDED", ended
    assert without_polls(stack.visited(execution)) == [*POLLED, *DONE]

    report = stack.record("petersen", "report.json")
    bits = [int(bit) for bit in report["solution"]["bitstring"]]
    cut = sum(bits[i] != bits[j] for i, j in request_data["problem"]["edges"])
    assert report["solution"]["objective"] == cut == 12
    assert report["quality"]["approximation_ratio"] == 1.0
    assert report["quality"]["best_known_by"] == "exact"
    assert json.loads(ended["output"])["objective"] == 12
    assert {"prepared.json", "job.json", "completed.json", "report.html"} <= stack.records(
        "petersen"
    )
    plots = report["artifacts"]["plots"]
    assert "plots/convergence.png" in plots
    for name in plots:
        content = stack.s3.get_object(Bucket=stack.bucket, Key=f"runs/petersen/{name}")
        assert Image.open(content["Body"]).width > 500
    assert stack.job_statuses("petersen") == ["COMPLETED"]


def test_a_refused_request_submits_nothing_and_fails_by_name(
    stack: Stack, request_data: dict[str, Any]
) -> None:
    execution = stack.start(request_data | {"shots": -1}, "refused")
    ended = stack.ended(execution)
    assert (ended["status"], ended["error"]) == ("FAILED", "InvalidRequest")
    assert "shots: got -1" in ended["cause"]
    assert stack.visited(execution) == ["Prepare", *GAVE_UP]
    assert stack.job_statuses("refused") == []
    assert stack.records("refused") == {"end.json", "failure.json"}
    assert stack.record("refused", "failure.json")["error"] == "InvalidRequest"


def test_a_failed_job_fails_the_run_with_the_jobs_reason(
    stack: Stack, request_data: dict[str, Any]
) -> None:
    def break_entry_point(operation: str, params: dict[str, Any]) -> None:
        if operation == "CreateJob":
            script = params["algorithmSpecification"]["scriptModeConfig"]
            script["entryPoint"] = "hybrid_job.main:no_such_function"

    stack.aws.braket.intercept = break_entry_point
    execution = stack.start(request_data, "broken")
    ended = stack.ended(execution)
    assert (ended["status"], ended["error"]) == ("FAILED", "JobFailed")
    assert "no_such_function" in ended["cause"]
    assert without_polls(stack.visited(execution)) == [*POLLED[:-1], *JOB_FAILED]
    assert stack.job_statuses("broken") == ["FAILED"]
    assert "no_such_function" in stack.record("broken", "failure.json")["cause"]


RESUMED = ["MayResume", "Resume", *POLLED[1:]]


def test_a_job_whose_instance_dies_goes_on_in_a_second_one(
    stack: Stack, request_data: dict[str, Any]
) -> None:
    killed = stack.once("GetQuantumTask", lambda _: stack.kill_job())  # it waits for its task
    execution = stack.start(request_data | {"device": "sv1"}, "interrupted")
    ended = stack.ended(execution)
    assert ended["status"] == "SUCCEEDED", ended
    assert killed.is_set()
    assert without_polls(stack.visited(execution)) == [*POLLED[:-1], *RESUMED, *DONE]
    assert stack.job_statuses("interrupted") == ["COMPLETED", "FAILED"]
    assert stack.task_statuses("interrupted") == ["COMPLETED"]  # paid for once
    [first] = stack.record("interrupted", "job.json")["earlier"]
    cost = stack.record("interrupted", "report.json")["cost"]
    jobs = [first, stack.record("interrupted", "job.json")["job_arn"]]
    seconds = sum(stack.braket.get_job(jobArn=arn)["billableDuration"] for arn in jobs)
    [instance] = [each for each in cost["breakdown"] if each["unit"] == "s"]
    assert instance["quantity"] == pytest.approx(seconds, rel=1e-6)


def test_a_run_whose_jobs_die_again_and_again_fails_by_name(
    stack: Stack, request_data: dict[str, Any]
) -> None:
    def kill(operation: str, params: dict[str, Any]) -> None:
        if operation == "GetQuantumTask":  # in every attempt: the task is there from the first on
            stack.kill_job()

    stack.aws.braket.intercept = kill
    execution = stack.start(request_data | {"device": "sv1"}, "doomed")
    ended = stack.ended(execution)
    assert (ended["status"], ended["error"]) == ("FAILED", "JobInterrupted")
    assert without_polls(stack.visited(execution))[-5:] == ["MayResume", *JOB_FAILED]
    assert stack.job_statuses("doomed") == ["FAILED"] * 2


def test_a_throttled_look_at_the_job_is_tried_again(stack: Stack) -> None:
    refused = stack.refuse("GetJob", "ThrottlingException", times=5)
    execution = stack.start(HYDROGEN, "throttled")
    ended = stack.ended(execution)
    assert ended["status"] == "SUCCEEDED", ended
    assert len(refused) == 5
    assert without_polls(stack.visited(execution)) == [*POLLED, *DONE]


def test_a_full_quota_of_jobs_is_waited_for(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    waited: list[int] = []
    monkeypatch.setattr(
        WaitFunction, "_wait_interval", lambda _, env, wait_seconds: waited.append(wait_seconds)
    )
    refused = stack.refuse("CreateJob", "ServiceQuotaExceededException", times=5)
    execution = stack.start(HYDROGEN, "crowded")
    ended = stack.ended(execution)
    assert ended["status"] == "SUCCEEDED", ended
    assert len(refused) == 5
    states = stack.visited(execution)
    assert states[1:7] == ["Submit", "HasJob", "WaitInLine"] * 2  # the second tries three times
    assert waited[:2] == [2, 2]
    assert without_polls(["Prepare", *states[7:]]) == [*POLLED, *DONE]
    assert stack.job_statuses("crowded") == ["COMPLETED"]


def test_a_run_that_waits_for_a_full_quota_can_be_stopped(
    stack: Stack, request_data: dict[str, Any]
) -> None:
    refused = stack.refuse("CreateJob", "ServiceQuotaExceededException", times=10**6)
    execution = stack.start(request_data, "given-up")
    wait_for(lambda: refused)
    stack.states.stop_execution(executionArn=execution)
    assert stack.ended(execution)["status"] == "ABORTED"
    stack.wait_for_record("given-up", "cancelled.json")
    assert stack.job_statuses("given-up") == []


def test_a_job_cancelled_by_somebody_else_fails_the_run(
    stack: Stack, request_data: dict[str, Any]
) -> None:
    stack.once("GetJob", lambda params: stack.braket.cancel_job(jobArn=params["jobArn"]))
    execution = stack.start(LONG, "cancelled-outside")
    ended = stack.ended(execution)
    assert (ended["status"], ended["error"]) == ("FAILED", "JobFailed")
    assert "CANCELLED" in ended["cause"]
    assert without_polls(stack.visited(execution)) == [*POLLED[:-1], *JOB_FAILED]
    assert stack.job_statuses("cancelled-outside") == ["CANCELLED"]


def test_a_missing_result_is_an_error_and_never_made_up(
    stack: Stack, request_data: dict[str, Any]
) -> None:
    def hide(service: str, request: Request) -> Response | None:
        hidden = service == "s3" and request.method == "GET" and "model.tar.gz" in request.path
        body = "<Error><Code>NoSuchKey</Code><Message>hidden</Message></Error>"
        return Response(body, 404, content_type="application/xml") if hidden else None

    stack.aws.router.intercept = hide
    execution = stack.start(request_data, "lost")
    ended = stack.ended(execution)
    assert (ended["status"], ended["error"]) == ("FAILED", "InvalidResult")
    assert "model.tar.gz: missing" in ended["cause"]
    assert without_polls(stack.visited(execution)) == [*POLLED, "PostProcess", *GAVE_UP]
    assert "report.json" not in stack.records("lost")


@pytest.mark.parametrize("state", ["Prepare", "Submit", "Wait", "Monitor", "PostProcess"])
def test_a_run_stopped_in_any_state_leaves_no_job_running(
    stack: Stack, request_data: dict[str, Any], monkeypatch: pytest.MonkeyPatch, state: str
) -> None:
    run_id = f"stopped-in-{state.lower()}"
    data = request_data if state == "PostProcess" else LONG
    calls = Calls(stack, monkeypatch)

    def let_cancel_end_it() -> None:
        if state == "PostProcess":  # which would end the run as well
            calls.wait_for_run(run_id, "Cancel")

    stop = _stop_at_invoke(stack, state, run_id, let_cancel_end_it)
    stack.aws.braket.queue_seconds = 3600 if state == "Wait" else 0  # it takes no processor time
    execution = stack.start(data, run_id)
    if state == "Wait":
        wait_for(lambda: stack.visited(execution).count("Wait") > POLLS_AT_ONCE)
        stop()
    assert stack.ended(execution)["status"] == "ABORTED"
    calls.wait_for_run(run_id, "Cancel", *[state] * (state != "Wait"))  # a Submit goes on
    _assert_cancelled(stack, run_id)


def test_a_run_stopped_while_its_job_is_created_leaves_no_job_running(
    stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls, stop = Calls(stack, monkeypatch), _stopper(stack, "stopped-in-create")

    def stop_and_cancel(_: dict[str, Any]) -> None:
        stop()  # Submit has looked for an end
        # And Cancel has for a job: neither has seen the other's.
        calls.wait_for_run("stopped-in-create", "Cancel")

    stack.once("CreateJob", stop_and_cancel)
    execution = stack.start(LONG, "stopped-in-create")
    assert stack.ended(execution)["status"] == "ABORTED"
    calls.wait_for_run("stopped-in-create", "Submit", "Cancel")
    _assert_cancelled(stack, "stopped-in-create")
    assert len(stack.job_statuses("stopped-in-create")) == 1


def _assert_cancelled(stack: Stack, run_id: str) -> None:
    """Hold a run to have ended as cancelled, and its jobs to end."""
    assert stack.record(run_id, "cancelled.json")["status"] == "CANCELLED"
    assert stack.records(run_id) & MARKS == {"cancelled.json"}
    wait_for(
        lambda: set(stack.job_statuses(run_id)) <= ENDED,
        told=lambda: stack.job_statuses(run_id),
    )


def _stopper(stack: Stack, run_id: str) -> Callable[[], None]:
    """Return what stops a run, once."""
    arn = stack.aws.outputs["StateMachineArn"].replace(":stateMachine:", ":execution:")
    stopped = threading.Event()

    def stop() -> None:
        if not stopped.is_set():
            stopped.set()
            stack.states.stop_execution(executionArn=f"{arn}:{run_id}")

    return stop


def _stop_at_invoke(
    stack: Stack, state: str, run_id: str, then: Callable[[], None] = lambda: None
) -> Callable[[], None]:
    """Have a run stopped when a state's function is called; return what stops it, once.

    The call goes on when ``then`` has returned.
    """
    stop = _stopper(stack, run_id)

    def stop_at_invoke(service: str, request: Request) -> Response | None:
        if service == "lambda" and f"{state}Function" in request.path:
            stop()
            then()
        return None

    stack.aws.router.intercept = stop_at_invoke
    return stop


def test_a_failing_run_stopped_while_it_is_cancelled_ends_once(
    stack: Stack, request_data: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    _stop_at_invoke(stack, "Cancel", "stopped-in-cancel")
    calls = Calls(stack, monkeypatch)
    execution = stack.start(request_data | {"shots": -1}, "stopped-in-cancel")
    assert stack.ended(execution)["status"] == "ABORTED"
    assert stack.visited(execution) == ["Prepare", "Cancel"]
    calls.wait_for_run("stopped-in-cancel", "Cancel", "Cancel")  # the state's and the event's
    assert len(stack.records("stopped-in-cancel") & MARKS) == 1
    assert stack.job_statuses("stopped-in-cancel") == []


def test_a_function_whose_process_is_killed_is_called_again(
    stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lambdas, "IDLE_SECONDS", math.inf)
    states = ("Prepare", "Submit", "Monitor", "PostProcess")
    names = [f"quantum-pipeline-{each}Function" for each in states]
    killed: list[int] = []

    def kill_once(operation: str, params: dict[str, Any]) -> None:
        if operation == "GetJob" and not killed:  # Monitor is waiting for this very answer
            killed.extend(stack.aws.functions.process_ids("quantum-pipeline-MonitorFunction"))
            for process_id in killed:
                os.kill(process_id, signal.SIGKILL)

    stack.aws.braket.intercept = kill_once
    execution = stack.start(HYDROGEN, "killed")
    assert stack.ended(execution)["status"] == "SUCCEEDED"
    assert killed
    assert "Cancel" not in stack.visited(execution)
    processes = [pid for name in names for pid in stack.aws.functions.process_ids(name)]
    assert len(processes) == len(set(processes)) >= len(states)
    assert not set(killed) & set(processes)
