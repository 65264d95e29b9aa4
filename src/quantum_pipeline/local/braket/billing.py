"""Bills what runs on the local Braket: a ledger of its own, independent of the estimates.

A task on a QPU costs a fee and a price for each shot that succeeded; FAILED and CANCELLED ones cost
nothing, nor do those under a reservation, which is billed by the hour (both as the Tracker of the
SDK counts). A task on a simulator costs its time, at least 3 s of it, once it has run. A job costs
its billed seconds (`Job.billable_seconds`) at the price of its instance.

Prices: the public page of Amazon Braket, read 2026-08-21. Those of instances are not in it: the
service is given.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from quantum_pipeline.local.braket.job import Job
    from quantum_pipeline.local.braket.task import Task

TASK_USD = Decimal("0.30")
SHOT_USD = {
    "aqt/Ibex-Q1": Decimal("0.0235"),
    "ionq/Forte-1": Decimal("0.08"),
    "ionq/Forte-Enterprise-1": Decimal("0.08"),
    "iqm/Garnet": Decimal("0.00145"),
    "iqm/Emerald": Decimal("0.0016"),
    "rigetti/Cepheus-1-108Q": Decimal("0.000425"),
    "quera/Aquila": Decimal("0.01"),
}
MINUTE_USD = {"amazon/sv1": Decimal("0.075"), "amazon/dm1": Decimal("0.075")}
LEAST_SECONDS = Decimal(3)
"""Billed of a task on a simulator, however short it was."""


@dataclass(frozen=True)
class Line:
    """One line of the bill: a task, or a job's instance."""

    arn: str
    kind: str
    """task or job."""

    device: str
    job_arn: str | None
    """The job itself, or the one that the task is of."""

    tags: dict[str, str]
    usd: Decimal


class Billing:
    """The ledger: lines of all tasks and jobs, worked out from what they are when it is read.

    >>> qpu_task_usd("arn:aws:braket:eu-north-1::device/qpu/iqm/Garnet", 1000)
    Decimal('1.75000')
    """

    def __init__(
        self,
        tasks: Callable[[], Iterable[Task]],
        jobs: Callable[[], Iterable[Job]],
        instance_usd_per_hour: float,
    ) -> None:
        self._tasks = tasks
        self._jobs = jobs
        self._instance_second = Decimal(str(instance_usd_per_hour)) / 3600

    def lines(self, of: str | None = None) -> list[Line]:
        """Return the lines, jobs after tasks; those ``of`` an ARN, or of the value of a tag.

        Those of a job's ARN are its own and its tasks'.
        """
        lines = [
            Line(
                task.arn,
                "task",
                task.device.arn,
                task.job.arn if task.job else None,
                dict(task.tags),
                task_usd(task),
            )
            for task in self._tasks()
        ]
        lines += [
            Line(job.arn, "job", job.device, job.arn, dict(job.tags), self._job_usd(job))
            for job in self._jobs()
        ]
        return [
            line
            for line in lines
            if of is None or of in (line.arn, line.job_arn, *line.tags.values())
        ]

    def total(self, of: str | None = None) -> float:
        """Return the USD of some lines, or of all: see `lines`."""
        return float(sum(line.usd for line in self.lines(of)))

    def _job_usd(self, job: Job) -> Decimal:
        return (job.billable_seconds or 0) * self._instance_second


def task_usd(task: Task) -> Decimal:
    """Return what a task costs as it is now."""
    if task.reserved:
        return Decimal(0)
    if _key(task.device.arn) in MINUTE_USD:
        if task.device_seconds is None:
            return Decimal(0)
        seconds = max(Decimal(str(task.device_seconds)), LEAST_SECONDS)
        return seconds / 60 * MINUTE_USD[_key(task.device.arn)]
    if task.status != "COMPLETED":
        return Decimal(0)
    return qpu_task_usd(task.device.arn, task.successful_shots or 0)


def qpu_task_usd(device_arn: str, shots: int) -> Decimal:
    """Return what a task of some shots on a QPU costs. KeyError if it has no price."""
    return TASK_USD + shots * SHOT_USD[_key(device_arn)]


def _key(device_arn: str) -> str:
    return "/".join(device_arn.split("/")[-2:])
