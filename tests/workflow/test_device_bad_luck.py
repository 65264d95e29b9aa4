"""Whole runs whose device fails, closes or costs too much: each ends by name, nothing is left."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from werkzeug.wrappers import Request, Response

from quantum_pipeline.errors import ERRORS
from quantum_pipeline.local.braket import BraketService
from tests.stack import Stack, priced_stack
from tests.waiting import wait_for

GARNET = "arn:aws:braket:eu-north-1::device/qpu/iqm/Garnet"
ALWAYS = [("Everyday", "00:00:00", "23:59:59")]
TASK_USD, SHOT_USD = 0.30, 0.00145
"""Of Garnet, as the price list has them."""

REQUEST = {
    "problem": {"type": "maxcut", "edges": [[0, 1], [1, 2], [2, 3], [3, 0]]},
    "device": "Garnet",
    "shots": 100,
    "seed": 7,
    "algorithm": {"depth": 1, "optimizer": "none", "gammas": [0.6], "betas": [-0.4]},
}
REFUSED = ["Prepare", "Cancel", "Failed"]


@pytest.fixture(scope="module")
def stack() -> Iterator[Stack]:
    with priced_stack() as stack:
        yield stack


@pytest.fixture(autouse=True)
def braket(stack: Stack) -> Iterator[BraketService]:
    """Braket, which is afterwards as it was."""
    braket = stack.aws.braket
    yield braket
    braket.intercept = stack.aws.router.intercept = None
    braket.faults.throttle(0)
    braket.devices.set(GARNET, status="ONLINE", windows=ALWAYS, waiting=0)


def failed(stack: Stack, request: dict[str, Any], run_id: str) -> tuple[str, str, list[str]]:
    """Return error and cause of a run that failed, and its states; hold its record to them."""
    execution = stack.start(request, run_id)
    ended = stack.ended(execution)
    assert ended["status"] == "FAILED", ended
    cause = str(json.loads(ended["cause"])["errorMessage"])
    record = stack.record(run_id, "failure.json")
    assert (record["error"], record["cause"]) == (ended["error"], cause)
    assert "report.json" not in stack.records(run_id)
    return ended["error"], cause, stack.visited(execution)


def test_a_device_that_goes_offline_before_the_job_is_submitted_is_named(
    stack: Stack, braket: BraketService
) -> None:
    def go_offline(service: str, request: Request) -> Response | None:
        if service == "lambda" and "SubmitFunction" in request.path:
            braket.devices.set(GARNET, status="OFFLINE")
        return None

    stack.aws.router.intercept = go_offline
    error, cause, states = failed(stack, REQUEST, "offline-before")
    assert error == "DeviceUnavailable"
    assert "Garnet is OFFLINE" in cause
    assert states == ["Prepare", "Submit", "Cancel", "Failed"]
    assert stack.job_statuses("offline-before") == stack.task_statuses("offline-before") == []
    assert stack.billed("offline-before") == 0


def test_a_device_that_goes_offline_while_the_job_starts_is_named_and_no_task_is_created(
    stack: Stack, braket: BraketService
) -> None:
    created = threading.Event()

    def go_offline(operation: str, _: dict[str, Any]) -> None:
        if operation == "CreateJob":
            created.set()
        elif operation == "GetDevice" and created.is_set():  # the job's own look
            braket.devices.set(GARNET, status="OFFLINE")

    braket.intercept = go_offline
    error, cause, _ = failed(stack, REQUEST, "offline-meanwhile")
    assert error == "DeviceUnavailable"
    assert "DeviceUnavailable: device: Garnet is OFFLINE since the run was prepared" in cause
    assert stack.job_statuses("offline-meanwhile") == ["FAILED"]
    assert stack.task_statuses("offline-meanwhile") == []


def test_a_task_that_fails_twice_fails_the_run_with_its_reason_and_is_not_billed(
    stack: Stack, braket: BraketService
) -> None:
    braket.faults.end_next(GARNET, 2, reason="the cryostat warmed up")
    error, cause, states = failed(stack, REQUEST, "failing")
    assert error == "JobFailed"
    assert "ended FAILED: the cryostat warmed up" in cause
    assert states[-2:] == ["Cancel", "Failed"]
    assert stack.job_statuses("failing") == ["FAILED"]
    assert stack.task_statuses("failing") == ["FAILED"] * 2
    assert stack.billed_tasks("failing") == []


def test_a_task_that_somebody_cancels_fails_the_run_and_is_not_billed(
    stack: Stack, braket: BraketService
) -> None:
    def cancel(params: dict[str, Any]) -> None:
        stack.braket.cancel_quantum_task(quantumTaskArn=params["quantumTaskArn"])

    braket.devices.set(GARNET, waiting=1)  # so that it is in time
    stack.once("GetQuantumTask", cancel)
    error, cause, _ = failed(stack, REQUEST, "cancelled")
    [task] = stack.tasks("cancelled")
    assert error == "JobFailed"
    assert f"quantum task {task['quantumTaskArn']} ended CANCELLED" in cause
    assert (task["status"], stack.job_statuses("cancelled")) == ("CANCELLED", ["FAILED"])
    assert stack.billed_tasks("cancelled") == []


def test_a_result_that_is_missing_fails_the_run_and_is_never_made_up(
    stack: Stack, braket: BraketService
) -> None:
    braket.faults.lose_results(GARNET)
    error, cause, _ = failed(stack, REQUEST, "lost")
    [task] = stack.tasks("lost")
    assert error == "JobFailed"
    assert f"result of quantum task {task['quantumTaskArn']}" in cause
    assert stack.job_statuses("lost") == ["FAILED"]
    assert stack.billed_tasks("lost") == [pytest.approx(TASK_USD + 100 * SHOT_USD)]


def test_a_throttled_request_and_a_task_that_fails_once_are_made_good_for_nothing(
    stack: Stack, braket: BraketService
) -> None:
    requests: list[str] = []
    braket.intercept = lambda operation, _: requests.append(operation)
    braket.faults.throttle(2)
    braket.faults.end_next(GARNET, 1)
    ended = stack.ended(stack.start(REQUEST, "hiccups"))
    assert ended["status"] == "SUCCEEDED", ended
    assert stack.job_statuses("hiccups") == ["COMPLETED"]
    # Two throttled, one that failed, one that counts
    assert requests.count("CreateQuantumTask") == 4
    assert stack.task_statuses("hiccups") == ["COMPLETED", "FAILED"]
    assert stack.billed_tasks("hiccups") == [pytest.approx(TASK_USD + 100 * SHOT_USD)]
    report = stack.record("hiccups", "report.json")
    assert report["cost"]["actual_usd"] == pytest.approx(stack.billed("hiccups"), rel=1e-3)
    assert sum(report["samples"].values()) == 100


@pytest.mark.parametrize(
    ("change", "name", "exit_code", "reason"),
    [
        ({"shots": 20_001}, "InvalidRequest", 2, "shots: got 20001; allowed: 1 to 20000 on Garnet"),
        (
            {"problem": {"type": "maxcut", "edges": [[i, (i + 1) % 21] for i in range(21)]}},
            "DeviceUnavailable",
            4,
            "device: Garnet has 20 qubits, the problem needs 21",
        ),
    ],
    ids=["shots", "width"],
)
def test_what_a_device_cannot_run_is_refused_before_anything_is_submitted(
    stack: Stack, change: dict[str, Any], name: str, exit_code: int, reason: str
) -> None:
    run_id = f"refused-{exit_code}"
    error, cause, states = failed(
        stack, REQUEST | {"limits": {"max_cost_usd": 100.0}} | change, run_id
    )
    assert (error, ERRORS[error].exit_code) == (name, exit_code)
    assert cause.startswith(reason)
    assert states == REFUSED
    assert stack.job_statuses(run_id) == stack.task_statuses(run_id) == []


def test_a_device_that_opens_after_the_time_limit_is_refused_with_its_opening(
    stack: Stack, braket: BraketService
) -> None:
    opens = (datetime.now(UTC) + timedelta(hours=3)).replace(minute=0, second=0)
    window = (f"{opens:%A}", f"{opens:%H}:00:00", f"{opens:%H}:59:59")
    braket.devices.set(GARNET, windows=[window])
    error, cause, states = failed(stack, REQUEST, "closed")
    assert (error, ERRORS[error].exit_code) == ("DeviceUnavailable", 4)
    assert f"is outside its window and opens at {opens:%Y-%m-%d %H:%M} UTC" in cause
    assert states == REFUSED
    assert stack.job_statuses("closed") == stack.task_statuses("closed") == []


def test_a_run_that_is_stopped_while_its_task_waits_leaves_nothing_in_the_queue(
    stack: Stack, braket: BraketService
) -> None:
    stack.once("CreateJob", lambda _: braket.devices.set(GARNET, waiting=9))
    execution = stack.start(REQUEST, "stopped")
    wait_for(lambda: stack.task_statuses("stopped") == ["QUEUED"])
    stack.states.stop_execution(executionArn=execution)
    assert stack.ended(execution)["status"] == "ABORTED"
    assert stack.wait_for_record("stopped", "cancelled.json")["status"] == "CANCELLED"
    wait_for(lambda: stack.task_statuses("stopped") == ["CANCELLED"])
    wait_for(lambda: stack.job_statuses("stopped") == ["CANCELLED"])
    braket.devices.set(GARNET, waiting=0)  # what is still in the queue would run now
    time.sleep(0.5)
    assert stack.task_statuses("stopped") == ["CANCELLED"]
    assert stack.billed_tasks("stopped") == []


def test_a_cap_that_is_reached_while_a_device_trains_leaves_the_money_for_the_samples(
    stack: Stack,
) -> None:
    cap = 2.5  # USD: five batches of two circuits are planned, at 0.59 USD each
    training = {
        "depth": 1,
        "train_on": "device",
        "optimizer": "spsa",
        "max_evaluations": 13,
        "shots_per_evaluation": 100,
    }
    limits = {"max_cost_usd": cap, "allow_partial": True}
    request = REQUEST | {"algorithm": training, "limits": limits}
    ended = stack.ended(stack.start(request, "capped"))
    assert ended["status"] == "SUCCEEDED", ended
    report = stack.record("capped", "report.json")
    assert 0 < cap - stack.billed("capped") < TASK_USD + 2 * 100 * SHOT_USD
    assert report["cost"]["actual_usd"] == pytest.approx(stack.billed("capped"), rel=1e-3)
    assert report["cost"]["estimated_usd"] > cap
    *trained, sampled = [task["purpose"] for task in report["cost"]["tasks"]]
    assert (sampled, set(trained)) == ("samples", {"training"})
    assert sum(report["samples"].values()) == 100
    assert report["partial"]
    cut_short = report["cost"]["cut_short"]
    assert report["cost"]["cut_short_by"] == ["limits.max_cost_usd"]
    assert cut_short.startswith("limits.max_cost_usd")
    assert cut_short.endswith(": the training ended early")
    assert not report["convergence"]["converged"]
    assert report["convergence"]["stop_reason"].startswith("limits.max_cost_usd: ")
    assert report["convergence"]["stopped_by"] == "limits.max_cost_usd"
