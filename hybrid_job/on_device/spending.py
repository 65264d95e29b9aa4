"""Tracks what a run on a device has cost, and whether the next batch still fits its limit.

Everything counts as soon as it can no longer be undone: a task from its creation, a running task
of a simulator at its planned bound, the instance from its start, in every attempt. A price that is
unknown counts as the one that is assumed of it.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import ClassVar

from hybrid_job.job import Job
from hybrid_job.journal import Batch
from hybrid_job.metrics import log_metric
from hybrid_job.on_device.tasks import CANCELLED, FAILED
from quantum_pipeline.devices.catalogue import Device
from quantum_pipeline.devices.states import DeviceState
from quantum_pipeline.errors import BudgetExceeded
from quantum_pipeline.planning.costs import bill
from quantum_pipeline.planning.plan import task_seconds
from quantum_pipeline.planning.runtimes import QUEUE_SECONDS, STARTUP_SECONDS
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
    """The running total of a run, in USD. ``kept`` is set aside for a batch that is to come.

    It counts the tasks of all devices of the run, each at its own price; the batches that it is
    asked for are those of ``device``, the first one if none is given.
    """

    def __init__(self, job: Job, state: DeviceState, device: Device | None = None) -> None:
        self._job = job
        self._device = device or job.prepared.device
        self._devices = {each.name: each for each in job.prepared.devices}
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
        planned = sum(self._seconds(batch) for batch in billed)
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
        request = self._job.prepared.request
        seconds = sum(task_seconds(request, self._device, size, shots) for size in sizes)
        name = self.device_name
        planned = (
            Batch(purpose=SAMPLES, ordinal=0, executables=size, shots=shots, arn="", device=name)
            for size in sizes
        )
        return self._usd(seconds, [task for each in planned if (task := self._billed(each))])

    def require(self, executables: int, shots: int) -> None:
        """Refuse a batch that could take the run past its limit.

        Raises:
            NotAffordable: names the batch, what is spent and the limit.
        """
        self.check(self.worst_case(executables, shots), f"{executables} circuits of {shots} shots")

    def check(self, cost: float, what: str) -> None:
        """Refuse what could take the run past its limit.

        Raises:
            NotAffordable: names it, what is spent and the limit.
        """
        if cost > self._left():
            raise NotAffordable(
                f"limits.max_cost_usd: {what} can cost "
                f"{cost:.4f} USD after the {self.spent:.4f} that are spent and with "
                f"{self._reserved():.4f} kept for the end; allowed: up to {self._limit:.4f}"
            )

    def last_batch(self, executables: int, shots: int) -> float:
        """Return the most USD that the last batch of a run can cost, its wait in a queue included.

        While it waits the instance is paid for: as long as is allowed for queues, if need be.
        """
        limit = self._job.prepared.request.limits.max_runtime_seconds or math.inf
        queue = min(QUEUE_SECONDS[self._device.kind], limit)
        return self._usd(queue, ()) + self.worst_case(executables, shots)

    def affordable_shots(self, executables: int, shots: int) -> int:
        """Return the most shots, up to ``shots``, that the last batch can have; 0 if none fit."""
        least = self._state.min_shots
        return self.most_shots(least, shots, lambda each: self.last_batch(executables, each))

    def most_shots(self, least: int, most: int, cost: Callable[[int], float]) -> int:
        """Return the most shots of a range whose cost the limit leaves; 0 if none do."""
        left, low, high = self._left(), least, most
        if high < low or cost(low) > left:
            return 0
        while low < high:
            middle = (low + high + 1) // 2
            low, high = (middle, high) if cost(middle) <= left else (low, middle - 1)
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
            others=prepared.devices[1:],
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
            minutes = self.bounded_minutes(batch)
        return QuantumTask(
            arn=batch.arn,
            purpose=batch.purpose,
            executables=batch.executables,
            shots=max(shots, 1),  # one that completed without any has its fee
            billed_minutes=minutes,
            device=batch.device,
        )

    def bounded_minutes(self, batch: Batch, seconds: float | None = None) -> float:
        """Return the minutes that a simulator bills: of its ``seconds``, or of the planned ones."""
        device = self._device_of(batch)
        if not device.usd_per_minute:
            return 0.0
        if seconds is None:
            seconds = self._seconds(batch)
        return max(seconds, device.minimum_seconds) / 60

    @property
    def device_name(self) -> str | None:
        """The name of the device as batches have it: None where the run has no other."""
        return self._device.name if len(self._devices) > 1 else None

    def _device_of(self, batch: Batch) -> Device:
        return self._devices.get(batch.device or "", self._job.prepared.device)

    def _seconds(self, batch: Batch) -> float:
        device = self._device_of(batch)
        return task_seconds(self._job.prepared.request, device, batch.executables, batch.shots)
