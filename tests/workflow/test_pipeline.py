"""Whole runs: the shipped state machine, functions and job on the local AWS, over HTTP."""

from __future__ import annotations

import json
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from werkzeug.wrappers import Request, Response

from quantum_pipeline.local.braket import BraketError
from tests.stack import Stack, archive_of

DONE = ["PostProcess", "Succeeded"]
GAVE_UP = ["Cancel", "Failed"]
ENDED = {"COMPLETED", "FAILED", "CANCELLED"}


@pytest.fixture(autouse=True)
def no_interception(stack: Stack) -> Iterator[None]:
    yield
    stack.aws.braket.intercept = None
    stack.aws.router.intercept = None


def without_polls(states: list[str]) -> list[str]:
    """Return the states with the rounds of Wait, Monitor and IsFinished as one."""
    return [s for k, s in enumerate(states) if s not in states[:k] or s not in _ROUND]


_ROUND = ("Wait", "Monitor", "IsFinished")


def test_a_maxcut_problem_goes_in_and_a_right_report_comes_out(
    stack: Stack, request_data: dict[str, Any]
) -> None:
    execution = stack.start(request_data, "petersen")
    ended = stack.ended(execution)
    assert ended["status"] == "SUCCEEDED", ended
    assert without_polls(stack.visited(execution)) == ["Prepare", "Submit", *_ROUND, *DONE]

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
    assert {f"plots/{name}" for name in ("convergence.png",)} <= stack.records("petersen")
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
    assert stack.records("refused") == {"failure.json"}
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
    assert without_polls(stack.visited(execution))[-2:] == GAVE_UP
    assert stack.job_statuses("broken") == ["FAILED"]
    assert "no_such_function" in stack.record("broken", "failure.json")["cause"]


def test_a_throttled_look_at_the_job_is_tried_again(
    stack: Stack, request_data: dict[str, Any]
) -> None:
    refusals = iter(range(5))

    def throttle(operation: str, params: dict[str, Any]) -> None:
        if operation == "GetJob" and next(refusals, None) is not None:
            raise BraketError("ThrottlingException", "Rate exceeded")

    stack.aws.braket.intercept = throttle
    execution = stack.start(request_data, "throttled")
    ended = stack.ended(execution)
    assert ended["status"] == "SUCCEEDED", ended
    assert next(refusals, None) is None  # all five were met
    assert "Cancel" not in stack.visited(execution)


def test_a_full_quota_of_jobs_is_waited_for(stack: Stack, request_data: dict[str, Any]) -> None:
    refusals = iter(range(1))

    def refuse(operation: str, params: dict[str, Any]) -> None:
        if operation == "CreateJob" and next(refusals, None) is not None:
            raise BraketError("ServiceQuotaExceededException", "3 concurrent jobs")

    stack.aws.braket.intercept = refuse
    execution = stack.start(request_data, "crowded")
    deadline = time.monotonic() + 20
    while next(iter(refusals), None) is not None:
        assert time.monotonic() < deadline
    assert stack.states.describe_execution(executionArn=execution)["status"] == "RUNNING"
    stack.states.stop_execution(executionArn=execution)
    stack.wait_for_record("crowded", "cancelled.json")


def test_a_job_cancelled_by_somebody_else_fails_the_run(
    stack: Stack, request_data: dict[str, Any]
) -> None:
    cancelled = threading.Event()

    def cancel_once(operation: str, params: dict[str, Any]) -> None:
        if operation == "GetJob" and not cancelled.is_set():
            cancelled.set()
            stack.braket.cancel_job(jobArn=params["jobArn"])

    stack.aws.braket.intercept = cancel_once
    execution = stack.start(_long(request_data), "cancelled-outside")
    ended = stack.ended(execution)
    assert (ended["status"], ended["error"]) == ("FAILED", "JobFailed")
    assert "CANCELLED" in ended["cause"]
    assert stack.job_statuses("cancelled-outside") == ["CANCELLED"]


def _long(request: dict[str, Any]) -> dict[str, Any]:
    """Return a request whose job runs for many seconds."""
    problem = {"type": "random", "problem_size": 22}
    return request | {"problem": problem, "algorithm": {"depth": 8, "max_evaluations": 1000}}


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
    assert "report.json" not in stack.records("lost")


def _shortened(content: bytes) -> bytes:
    return content[: len(content) // 2]


def _emptied(content: bytes) -> bytes:
    return b""


def _wrong_energy(content: bytes) -> bytes:
    return archive_of({"dataDictionary": _results(content) | {"best_energy": -15.0}})


def _results(content: bytes) -> dict[str, Any]:
    import io
    import tarfile

    with tarfile.open(fileobj=io.BytesIO(content)) as tar:
        member = tar.extractfile("results.json")
        assert member is not None
        found: dict[str, Any] = json.load(member)["dataDictionary"]
        return found


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (_shortened, "not a readable archive"),
        (_emptied, "not a readable archive"),
        (_wrong_energy, "best_energy"),
        (lambda _: archive_of(b"{"), "not JSON"),
        (lambda _: archive_of({}), "no dataDictionary"),
    ],
)
def test_a_damaged_result_is_refused(
    stack: Stack,
    request_data: dict[str, Any],
    damage: Callable[[bytes], bytes],
    reason: str,
    request: pytest.FixtureRequest,
) -> None:
    run_id = f"damaged-{request.node.callspec.indices['damage']}"
    damaged = threading.Event()

    def damage_result(service: str, request: Request) -> Response | None:
        reading = service == "s3" and request.method == "GET" and "model.tar.gz" in request.path
        if reading and not damaged.is_set():
            damaged.set()
            stack.put_output(run_id, damage(stack.output(run_id)))
        return None

    stack.aws.router.intercept = damage_result
    ended = stack.ended(stack.start(request_data, run_id))
    assert (ended["status"], ended["error"]) == ("FAILED", "InvalidResult")
    assert reason in ended["cause"]


@pytest.mark.parametrize("state", ["Prepare", "Submit", "Wait", "Monitor", "PostProcess"])
def test_a_run_stopped_in_any_state_leaves_no_job_running(
    stack: Stack, request_data: dict[str, Any], state: str
) -> None:
    run_id = f"stopped-in-{state.lower()}"
    data = request_data if state == "PostProcess" else _long(request_data)
    arn = stack.aws.outputs["StateMachineArn"].replace(":stateMachine:", ":execution:")
    execution = f"{arn}:{run_id}"
    stopped = threading.Event()

    def stop() -> None:
        if not stopped.is_set():
            stopped.set()
            stack.states.stop_execution(executionArn=execution)

    def stop_at_invoke(service: str, request: Request) -> Response | None:
        if service == "lambda" and f"{state}Function" in request.path:
            stop()
        return None

    stack.aws.router.intercept = stop_at_invoke
    stack.start(data, run_id)
    if state == "Wait":
        stack.wait_for_record(run_id, "job.json")
        stop()
    assert stack.ended(execution)["status"] == "ABORTED"
    mark = stack.wait_for_record(run_id, "cancelled.json")
    assert mark["status"] == "CANCELLED"
    deadline = time.monotonic() + 20
    while not set(stack.job_statuses(run_id)) <= ENDED:
        assert time.monotonic() < deadline, stack.job_statuses(run_id)
        time.sleep(0.1)
    time.sleep(0.5)  # a Submit that was on its way has had its time
    assert set(stack.job_statuses(run_id)) <= ENDED
    assert "completed.json" not in stack.records(run_id)


def test_a_function_whose_process_is_killed_is_called_again(
    stack: Stack, request_data: dict[str, Any]
) -> None:
    names = [f"quantum-pipeline-{each}Function" for each in ("Prepare", "Submit", "Monitor")]
    names += [f"quantum-pipeline-{each}Function" for each in ("PostProcess", "Cancel")]
    killed: list[int] = []

    def kill_once(operation: str, params: dict[str, Any]) -> None:
        if operation == "GetJob" and not killed:  # Monitor is waiting for this very answer
            killed.extend(stack.aws.functions.process_ids("quantum-pipeline-MonitorFunction"))
            for process_id in killed:
                os.kill(process_id, signal.SIGKILL)

    stack.aws.braket.intercept = kill_once
    execution = stack.start(request_data, "killed")
    assert stack.ended(execution)["status"] == "SUCCEEDED"
    assert killed
    assert "Cancel" not in stack.visited(execution)
    processes = [pid for name in names for pid in stack.aws.functions.process_ids(name)]
    assert len(processes) == len(set(processes)) >= 5
    assert not set(killed) & set(processes)
