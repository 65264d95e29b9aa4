"""A job that is killed anywhere and started again ends alike, and pays for nothing twice."""

from __future__ import annotations

import random
import signal
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from quantum_pipeline.planning.prepared import PreparedRun
from tests.job.attempts import CREATE, Machine, Point
from tests.job.braket_job import prepared_on
from tests.job.job_processes import JobProcesses
from tests.local.braket.server import Server

POINTS = (0, 6, 7, 8)
"""Before a task's creation, before and at its result, and between calls.

At each creation, and before it, the job is killed that is killed at each task.
"""


@pytest.fixture(scope="module")
def machine(server: Server) -> Iterator[Machine]:
    with JobProcesses() as processes:
        yield Machine(server, processes)


def run_on(device: str, run_id: str) -> PreparedRun:
    return prepared_on(
        device,
        run_id,
        shots=200,
        algorithm={
            "name": "qaoa",
            "depth": 1,
            "train_on": "device",
            "optimizer": "spsa",
            "max_evaluations": 6,
            "shots_per_evaluation": 100,
        },
        limits={"max_cost_usd": 100.0},
    )


@dataclass(frozen=True)
class Alone:
    """A run that nothing disturbed: its answer, what it paid for, and its calls."""

    answer: dict[str, Any]
    paid: list[tuple[str, int]]
    calls: list[str]


@pytest.fixture(scope="module")
def alone(machine: Machine, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Alone]:
    """Return the undisturbed run on a device, which is made once."""
    made: dict[str, Alone] = {}

    def alone(device: str) -> Alone:
        if device not in made:
            folder, prepared = tmp_path_factory.mktemp("alone"), run_on(device, f"alone-{device}")
            assert machine.attempt(prepared, folder) == 0
            calls = list(machine.watched.calls)
            made[device] = Alone(machine.answer(folder), machine.paid(prepared), calls)
        return made[device]

    return alone


def point(number: int, run: Alone) -> Point:
    """Return one of the points of a run, by chance: calls that pay, others, and between calls."""
    rng = random.Random(number)
    answered = bool(number % 2)
    if number < 6:
        return Point(CREATE, rng.randint(1, run.calls.count(CREATE)), answered=answered)
    if number < 8:
        return Point("GetQuantumTask", rng.randint(1, len(run.paid)), answered=answered)
    # Of as many calls as there are at least, so that the job has not ended by then.
    return Point(number=rng.randint(2, 2 * len(run.paid)), seconds=rng.uniform(0.001, 0.1))


@pytest.mark.parametrize("number", POINTS)
def test_job_that_is_killed_ends_alike_and_pays_for_nothing_twice(
    machine: Machine, alone: Callable[[str], Alone], tmp_path: Path, number: int
) -> None:
    device = "garnet" if number % 3 else "sv1"
    undisturbed, prepared = alone(device), run_on(device, f"killed-{number}")
    where = point(number, undisturbed)

    killed = machine.attempt(prepared, tmp_path, where)
    assert killed == -signal.SIGKILL
    assert machine.attempt(prepared, tmp_path) == 0

    assert machine.answer(tmp_path) == undisturbed.answer
    assert machine.paid(prepared) == undisturbed.paid


def test_job_that_is_killed_at_each_task_ends_alike_and_pays_for_nothing_twice(
    machine: Machine, alone: Callable[[str], Alone], tmp_path: Path
) -> None:
    undisturbed, prepared = alone("garnet"), run_on("garnet", "killed-always")
    for number in range(len(undisturbed.paid)):
        where = Point(CREATE, 1, answered=number % 2 == 0)
        assert machine.attempt(prepared, tmp_path, where) == -signal.SIGKILL
    assert machine.attempt(prepared, tmp_path) == 0
    assert machine.answer(tmp_path) == undisturbed.answer
    assert machine.paid(prepared) == undisturbed.paid
