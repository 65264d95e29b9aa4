"""Jobs of hours and of a minute: how often the machine looks at them, and how late it notices.

Only the clock is replaced: Wait states move it instead of sleeping, Braket's times are read off it,
and the job is a timetable on it. State machine, functions and history are the real ones.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from moto.stepfunctions.parser.asl.component.state.wait.wait_function.wait_function import (
    WaitFunction,
)
from werkzeug.wrappers import Request, Response

from quantum_pipeline.local.aws import LocalAws
from quantum_pipeline.local.braket import BraketService, Job
from quantum_pipeline.polling import LONGEST_SECONDS, wait_seconds
from tests.stack import Stack

DAY = 86_400
HOURS = 4 * 3600
"""In which the looks come to be as far apart as they ever are."""
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
def run_job(clock: Clock) -> Iterator[Callable[[float, float], tuple[int, float]]]:
    """A function that runs a job of given seconds in queue and running: events, seconds late."""
    names = (f"long-{number}" for number in count())
    timetable: dict[str, float] = {}

    def follow_timetable(job: Job) -> None:
        started = clock() + timetable["queue"]
        timetable["end"] = started + timetable["run"]
        job.record("RUNNING", at=started)
        job.record("COMPLETED", at=timetable["end"])

    def service(environment: Any, folder: Path) -> BraketService:
        return BraketService(environment, folder, clock=clock, runner=follow_timetable)

    with LocalAws(braket=service) as aws:
        stack = Stack(aws)

        def run(queue_seconds: float, run_seconds: float) -> tuple[int, float]:
            timetable.clear()
            timetable.update(queue=queue_seconds, run=run_seconds)

            def note(service: str, request: Request) -> Response | None:
                if service == "lambda" and "PostProcess" in request.path:
                    timetable.setdefault("noticed", clock())
                return None

            aws.router.intercept = note
            request = {
                "problem": {"type": "ising", "fields": [1.0]},
                "limits": {"max_runtime_seconds": 432_000, "max_cost_usd": 1000.0},
            }
            execution = stack.start(request, next(names))
            # There is no result to process: the run ends in InvalidResult, after all the polls.
            assert stack.ended(execution)["error"] == "InvalidResult"
            events = stack.states.get_execution_history(executionArn=execution)["events"]
            return len(events), timetable["noticed"] - timetable["end"]

        yield run


def test_a_job_of_five_days_after_three_in_the_queue_fits_half_the_history(
    run_job: Callable[[float, float], tuple[int, float]],
) -> None:
    of_hours, late = run_job(HOURS / 3, 2 * HOURS / 3)
    assert 0 <= late <= LONGEST_SECONDS
    # After some hours of looks ever further apart, all the others are alike.
    of_a_look = of_hours / looks_of(HOURS)
    further = (8 * DAY - HOURS) / LONGEST_SECONDS
    assert 9_000 < of_hours + further * of_a_look < HALF_OF_ALL_EVENTS


def looks_of(seconds: float) -> int:
    """Return how often a job is looked at until it is so old."""
    age, looks = 0, 0
    while age < seconds:
        age += wait_seconds(age, looks, 0)
        looks += 1
    assert wait_seconds(age, looks, 0) == LONGEST_SECONDS
    return looks


def test_the_end_of_a_minutes_job_is_noticed_within_four_seconds(
    run_job: Callable[[float, float], tuple[int, float]],
) -> None:
    events, late = run_job(0, 60)
    assert 0 <= late <= 4
    assert events < 400
