"""Tracks what a run on a device has cost, and whether the next batch still fits its limit.

Everything counts as soon as it can no longer be undone: a task from its creation, a running task
of a simulator at its planned bound, the instance from its start, in every attempt. A price that is
unknown counts as the one that is assumed of it.
"""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from itertools import pairwise
from typing import ClassVar

from hybrid_job.job import Job
from hybrid_job.journal import Batch
from hybrid_job.metrics import log_metric
from hybrid_job.on_device.tasks import CANCELLED, FAILED
from quantum_pipeline.devices.states import DeviceState
from quantum_pipeline.errors import BudgetExceeded
from quantum_pipeline.planning.costs import QUEUE_SECONDS, STARTUP_SECONDS, bill
from quantum_pipeline.planning.plan import task_seconds
from quantum_pipeline.planning.tasks import SAMPLES, task_sizes
from quantum_pipeline.requests.limits import RunLimit
from quantum_pipeline.results import QuantumTask

ENDING_SECONDS = 30.0
"""Assumed: what a job takes to end after its last task, beside what STARTUP_SECONDS covers."""


class CapReached(BudgetExceeded):
    """The next thing to pay for would pass the limit: a solver ends with what it has."""

    limit: ClassVar[RunLimit] = "limits.max_cost_usd"


class NotAffordable(CapReached):
    """Nothing was created yet: another decision, of fewer shots, can take its place."""


class Spending:
    """The running total of a run, in USD. ``kept`` is set aside for a batch that is to come."""

    def __init__(self, job: Job, state: DeviceState) -> None:
        self._job = job
        self._state = state
        self._published = 0
        self.kept = 0.0

    @property
    def tasks(self) -> tuple[QuantumTask, ...]:
        """Tasks of all attempts that are billed, in the order of their creation."""
        billed = (self._billed(batch) for batch in self._job.journal.batches.values())
        return tuple(task for task in billed if task is not None)

    @property
    def spent(self) -> float:
        """USD that the run has cost until now.

        The planned time of tasks counts as the instance's beside the time that it has been up:
        where a device's time is simulated, it is billed to the job and not waited for.
        """
        billed = [
            batch for batch in self._job.journal.batches.values() if self._billed(batch) is not None
        ]
        planned = sum(self._planned_seconds(batch.executables, batch.shots) for batch in billed)
        return self._usd(self._instance_seconds() + planned, self.tasks)

    def publish(self) -> None:
        """Publish the running total as the job's metric ``cost_usd``."""
        self._published += 1
        log_metric("cost_usd", self.spent, self._published)

    def sizes(self, executables: int, shots: int) -> list[int]:
        """Return how many circuits each task of a batch has."""
        state = self._state
        return task_sizes(executables, shots, state.max_executables, state.max_set_shots)

    def worst_case(self, executables: int, shots: int) -> float:
        """Return the most USD that a batch can cost, with the instance's time while it runs."""
        sizes = self.sizes(executables, shots)
        seconds = sum(self._planned_seconds(size, shots) for size in sizes)
        planned = (
            Batch(purpose=SAMPLES, ordinal=0, executables=size, shots=shots, arn="")
            for size in sizes
        )
        return self._usd(seconds, [task for each in planned if (task := self._billed(each))])

    def require(self, executables: int, shots: int) -> None:
        """Refuse a batch that could take the run past its limit.

        Raises:
            NotAffordable: names the batch, what is spent and the limit.
        """
        cost = self.worst_case(executables, shots)
        if cost > self._left():
            raise NotAffordable(
                f"limits.max_cost_usd: {executables} circuits of {shots} shots can cost "
                f"{cost:.4f} USD after the {self.spent:.4f} that are spent and with "
                f"{self._reserved():.4f} kept for the end; allowed: up to {self._limit:.4f}"
            )

    def last_batch(self, executables: int, shots: int) -> float:
        """Return the most USD that the last batch of a run can cost, its wait in a queue included.

        While it waits the instance is paid for: as long as is allowed for queues, if need be.
        """
        limit = self._job.prepared.request.limits.max_runtime_seconds or math.inf
        queue = min(QUEUE_SECONDS[self._job.prepared.device.kind], limit)
        return self._usd(queue, ()) + self.worst_case(executables, shots)

    def affordable_shots(self, executables: int, shots: int) -> int:
        """Return the most shots, up to ``shots``, that the last batch can have; 0 if none fit."""
        left, low, high = self._left(), self._state.min_shots, shots
        if high < low or self.last_batch(executables, low) > left:
            return 0
        while low < high:
            middle = (low + high + 1) // 2
            fits = self.last_batch(executables, middle) <= left
            low, high = (middle, high) if fits else (low, middle - 1)
        return low

    def seconds_left(self) -> float:
        """Return how long the instance can go on until its time alone reaches the limit."""
        second = self._usd(1.0, ())
        return self._left() / second if second else float("inf")

    @property
    def _limit(self) -> float:
        return self._job.prepared.request.limits.max_cost_usd

    def _reserved(self) -> float:
        return self.kept + self._usd(ENDING_SECONDS, ())

    def _left(self) -> float:
        return self._limit - self.spent - self._reserved()

    def _usd(self, instance_seconds: float, tasks: Sequence[QuantumTask]) -> float:
        prepared = self._job.prepared
        return bill(
            instance_seconds=instance_seconds,
            instance=prepared.instance,
            device=prepared.device,
            tasks=tasks,
        ).total_usd

    def _instance_seconds(self) -> float:
        """Return the seconds of all attempts: of an earlier one, at most until the next started."""
        limit = self._job.prepared.request.limits.max_runtime_seconds
        assert limit is not None
        started = (*self._job.journal.attempts, time.time())
        lasted = [min(max(0.0, after - before), limit) for before, after in pairwise(started)]
        return sum(STARTUP_SECONDS + seconds for seconds in lasted)

    def _billed(self, batch: Batch) -> QuantumTask | None:
        """Return a task as it is billed: by the shots that succeeded, all of them until it ends."""
        if batch.arn is None:
            return None
        shots, minutes = batch.executables * batch.shots, batch.minutes
        if batch.status is not None:
            shots = batch.successful_shots
        if batch.status in (FAILED, CANCELLED) and not shots:
            return None
        if batch.status is None:
            minutes = self.bounded_minutes(batch.executables, batch.shots)
        return QuantumTask(
            arn=batch.arn,
            purpose=batch.purpose,
            executables=batch.executables,
            shots=max(shots, 1),  # one that completed without any has its fee
            billed_minutes=minutes,
        )

    def bounded_minutes(self, executables: int, shots: int, seconds: float | None = None) -> float:
        """Return the minutes that a simulator bills: of its ``seconds``, or of the planned ones."""
        device = self._job.prepared.device
        if not device.usd_per_minute:
            return 0.0
        if seconds is None:
            seconds = self._planned_seconds(executables, shots)
        return max(seconds, device.minimum_seconds) / 60

    def _planned_seconds(self, executables: int, shots: int) -> float:
        prepared = self._job.prepared
        return task_seconds(prepared.request, prepared.device, executables, shots)
