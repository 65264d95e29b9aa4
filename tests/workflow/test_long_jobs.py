"""A job of a minute: how often the machine looks at it, how late it notices, and one of days.

Only the clock is replaced: Wait states move it instead of sleeping, Braket's times are read off it,
and the job is a timetable on it. State machine, functions and history are the real ones. When they
look is tests/unit/test_polling.py's.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from moto.stepfunctions.parser.asl.component.state.wait.wait_function.wait_function import (
    WaitFunction,
)
from werkzeug.wrappers import Request, Response

from quantum_pipeline.aws.polling import wait_seconds
from quantum_pipeline.local.aws import LocalAws
from quantum_pipeline.local.braket import BraketService, Job
from tests.stack import Stack

DAY, MINUTE = 86_400, 60
HALF_OF_ALL_EVENTS = 12_500


class Clock:
    """A clock that only Wait states move."""

    def __init__(self) -> None:
        self.seconds = 1_787_563_800.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture(scope="module")
def clock() -> Iterator[Clock]:
    clock = Clock()

    def wait(_: WaitFunction, env: object, wait_seconds: float) -> None:
        clock.seconds += wait_seconds

    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setattr(WaitFunction, "_wait_interval", wait)
        yield clock


@pytest.fixture(scope="module")
def minute(clock: Clock) -> tuple[list[str], float]:
    """Events of a run whose job queues and runs for a minute, and by how late its end is noticed.

    There is no result to process: the run ends in InvalidResult, after all the polls.
    """
    times: dict[str, float] = {}

    def queue_and_run(job: Job) -> None:
        times["end"] = clock() + MINUTE
        job.record("RUNNING", at=clock() + MINUTE / 3)
        job.record("COMPLETED", at=times["end"])

    def service(environment: Any, folder: Path) -> BraketService:
        return BraketService(environment, folder, clock=clock, runner=queue_and_run)

    def note(service: str, request: Request) -> Response | None:
        if service == "lambda" and "PostProcess" in request.path:
            times.setdefault("noticed", clock())
        return None

    with LocalAws(braket=service) as aws:
        stack = Stack(aws)
        aws.router.intercept = note
        execution = stack.start({"problem": {"type": "ising", "fields": [1.0]}}, "minute")
        assert stack.ended(execution)["error"] == "InvalidResult"
        events = stack.states.get_execution_history(executionArn=execution)["events"]
        return [each["type"] for each in events], times["noticed"] - times["end"]


def test_the_end_of_a_minutes_job_is_noticed_within_four_seconds(
    minute: tuple[list[str], float],
) -> None:
    events, late = minute
    assert 0 <= late <= 4
    assert len(events) < 400


def test_a_job_of_five_days_after_three_in_the_queue_fits_half_the_history(
    minute: tuple[list[str], float],
) -> None:
    events, _ = minute
    looks = [place for place, each in enumerate(events) if each == "WaitStateEntered"]
    [of_a_look] = {after - before for before, after in pairwise(looks)}
    assert len(looks) == looks_of(MINUTE)
    further = looks_of(8 * DAY) - len(looks)
    assert 9_000 < len(events) + further * of_a_look < HALF_OF_ALL_EVENTS


def looks_of(seconds: float) -> int:
    """Return how often a job is looked at until it is so old."""
    age, looks = 0, 0
    while age < seconds:
        age += wait_seconds(age, looks, 0)
        looks += 1
    return looks
