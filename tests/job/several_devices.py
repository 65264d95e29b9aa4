"""Runs on several devices of the Braket on this machine: solved, verified, and what they cost."""

from __future__ import annotations

import time
from contextlib import closing
from pathlib import Path
from typing import Any, Protocol

import pytest

from hybrid_job.journal import Journal
from hybrid_job.main import solve
from quantum_pipeline.devices.catalogue import find
from quantum_pipeline.local.braket.billing import qpu_task_usd
from quantum_pipeline.planning.costs import bill
from quantum_pipeline.planning.prepared import PreparedRun
from quantum_pipeline.results import JobResult, QuantumTask, read_result
from tests.job.braket_job import tasks_of
from tests.local.braket.server import Server
from tests.planned import planned
from tests.unit.finished_run import CREATED, EXECUTION

GARNET, EMERALD = find("Garnet").arn, find("Emerald").arn
BOTH = ["Garnet", "Emerald"]


class Paid(Protocol):
    """A result, as far as its tasks go."""

    @property
    def tasks(self) -> tuple[QuantumTask, ...]:
        """Tasks that are billed."""


def prepared_of(request: dict[str, Any], run_id: str, **room: Any) -> PreparedRun:
    """Return a run on devices with such fields of their states; its tasks are its own by its id."""
    return PreparedRun.of(
        planned(request, emulated="Emulated", **room),
        run_id=run_id,
        execution_arn=f"{EXECUTION}-{run_id}",
        problem_uri=None,
        created_at=CREATED,
        prepare_seconds=0.0,
    )


def verified(prepared: PreparedRun, folder: Path) -> JobResult:
    """Return the result of a job with its journal in a folder, as it is verified."""
    with closing(Journal(folder, prepared.request)) as journal:
        result = solve(prepared, journal, time.monotonic())
    return read_result(result.model_dump(mode="json"), prepared)


def done_in(braket: Server, run_id: str) -> list[dict[str, Any]]:
    """Return the tasks of a run that ended with shots."""
    return [each for each in tasks_of(braket, run_id) if each["status"] == "COMPLETED"]


def check_bill(braket: Server, prepared: PreparedRun, result: Paid) -> list[dict[str, Any]]:
    """Hold the bill of a result to the tasks that Braket has of it; return them."""
    done = done_in(braket, prepared.run_id)
    assert {each["quantumTaskArn"] for each in done} == {task.arn for task in result.tasks}
    cost = bill(
        instance_seconds=0,
        instance=prepared.instance,
        device=prepared.device,
        others=prepared.devices[1:],
        tasks=result.tasks,
    ).total_usd
    billed = sum(qpu_task_usd(each["deviceArn"], each["shots"]) for each in done)
    assert cost == pytest.approx(float(billed))
    return done
