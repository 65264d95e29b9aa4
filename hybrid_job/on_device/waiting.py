"""Waits for the tasks of one batch, from their creation to their counts, but never forever.

All of them are in the device's queue at once. Where one fails for good, or time or money are up,
the others are cancelled, and what was done all the same is not lost.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import ClassVar, Protocol

from braket.aws import AwsQuantumTask

from hybrid_job.journal import Batch
from hybrid_job.metrics import log_phase
from hybrid_job.on_device import tasks
from hybrid_job.on_device.measurement import Counts
from hybrid_job.on_device.spending import CapReached, NotAffordable, Spending
from hybrid_job.on_device.tasks import CANCELLED, COMPLETED, FAILED, Program
from quantum_pipeline.errors import JobFailed, PipelineError, QuotaExceeded, ServiceUnavailable
from quantum_pipeline.planning.tasks import SAMPLES
from quantum_pipeline.requests.limits import RunLimit

AT_ONCE = 25
"""Most tasks that wait or run at once."""

POLL_SECONDS = (0.2, 30.0)
"""Shortest and longest time between two looks at a task; between them, a fiftieth of its wait."""


RETRIES = 1
"""How often a task that FAILED, and is not billed, is created once more."""


class TimeReached(JobFailed):
    """The job's time, or that of training, is up: a solver ends with what it has."""

    limit: ClassVar[RunLimit] = "limits.max_runtime_seconds"


@dataclass(frozen=True)
class Part:
    """One task of a batch; ``first`` is the place of its first circuit among those of the batch.

    ``batch`` is what the journal and the bill know of it. ``digests`` tell it apart: one for the
    first try, and one for each that may take its place.
    """

    first: int
    program: Program
    batch: Batch
    digests: tuple[str, ...]


class Maker(Protocol):
    """Who creates tasks and keeps account of them."""

    @property
    def spending(self) -> Spending:
        """The running total."""

    def task(self, part: Part) -> AwsQuantumTask:
        """Return the task of a part: the one that exists, or else a new one."""

    def digest(self, part: Part) -> str:
        """Return the digest of the try that counts."""

    def note_end(self, part: Part, task: AwsQuantumTask, seconds: float | None) -> None:
        """Keep how a task ended."""

    def give_up(self, parts: Sequence[Part], error: PipelineError) -> dict[str, AwsQuantumTask]:
        """Cancel what there is of some parts, for an error; return the tasks that have ended."""


Lost = Callable[[], PipelineError | None]
"""Says that a device is gone, for which nothing is to be waited any longer."""


class Round:
    """The tasks of one batch, from their creation to their counts."""

    def __init__(self, maker: Maker, deadline: float, lost: Lost | None = None) -> None:
        self._maker = maker
        self._lost = lost
        self._started = time.monotonic()
        self._deadline = deadline
        self._waiting: dict[int, tuple[Part, AwsQuantumTask]] = {}
        self._counts: dict[int, list[Counts]] = {}
        self._refused: QuotaExceeded | None = None
        """Why the next task could not be created: others fill the device's quota."""

    def run(self, parts: Sequence[Part]) -> dict[int, list[Counts]]:
        """Return the counts of all parts, each by the place of its first circuit."""
        coming = list(reversed(parts))
        self._tell(parts)
        try:
            while coming or self._waiting:
                while coming and len(self._waiting) < AT_ONCE and self._create(coming[-1]):
                    coming.pop()
                before = len(self._counts)
                self._look()
                if len(self._counts) > before:
                    self._tell(parts)
                over = self._over() if coming or self._waiting else None
                if over is not None:
                    raise over
                self._pause()
        except ServiceUnavailable:  # the next attempt takes over what waits
            raise
        except PipelineError as error:
            self._give_up(parts, error)
            if len(self._counts) < len(parts):
                raise
        return self._counts

    def _tell(self, parts: Sequence[Part]) -> None:
        """Say how many tasks of the samples are done; those of training have their energies."""
        if parts[0].batch.purpose == SAMPLES:
            log_phase("sampling", len(self._counts), len(parts))

    def _create(self, part: Part) -> bool:
        """Create the task of a part, or find it; False while others fill the device's quota."""
        try:
            self._waiting[part.first] = part, self._maker.task(part)
        except QuotaExceeded as refused:
            self._refused = refused
            return False
        self._refused = None
        return True

    def _look(self) -> None:
        """Take in what has ended."""
        for part, task in list(self._waiting.values()):
            try:
                status = tasks.status(task)
            except ServiceUnavailable:
                if self._over() is not None:
                    raise
                continue  # it costs nothing to ask again
            if status == COMPLETED:
                self._take(part, task)
            elif status in (FAILED, CANCELLED):
                del self._waiting[part.first]
                self._failed(part, task)

    def _take(self, part: Part, task: AwsQuantumTask) -> None:
        counts, seconds = part.program.read(task)
        self._maker.note_end(part, task, seconds)
        self._counts[part.first] = counts
        del self._waiting[part.first]

    def _failed(self, part: Part, task: AwsQuantumTask) -> None:
        """Create a task that failed once more, where that is allowed.

        Raises:
            JobFailed: it is not; with Braket's reason.
            CapReached: there is no money left for it.
        """
        maker, metadata = self._maker, task.metadata(use_cached_value=True)
        before = maker.digest(part)
        maker.note_end(part, task, None)
        if maker.digest(part) == before:
            reason = metadata.get("failureReason") or "no reason given"
            raise JobFailed(f"quantum task {task.id} ended {metadata['status']}: {reason}")
        try:
            maker.spending.require(len(part.program.circuits), part.program.shots)
        except NotAffordable as error:  # not as if nothing of the batch had been created
            raise CapReached(str(error)) from None
        self._waiting[part.first] = part, maker.task(part)

    def _over(self) -> PipelineError | None:
        """Return that the time is up, or that the instance has taken the money that is left."""
        lost = self._lost() if self._lost is not None and self._waiting else None
        if lost is not None:
            return lost
        late = time.monotonic() >= self._deadline
        if not late and self._maker.spending.seconds_left() > 0:
            return None
        after = f"after {time.monotonic() - self._started:.0f} s"
        if self._refused is not None and not self._waiting:
            return QuotaExceeded(f"{self._refused}; the quota was waited for, and given up {after}")
        names = ", ".join(task.id for _, task in self._waiting.values()) or "the next quantum task"
        advice = "cancelled; allowed: a limit that covers the device's queue"
        if late:
            return TimeReached(f"limits.max_runtime_seconds: {names} not done {after} and {advice}")
        return CapReached(
            f"limits.max_cost_usd: {names} not done when the job's instance had taken what is "
            f"left, and {advice}"
        )

    def _pause(self) -> None:
        shortest, longest = POLL_SECONDS
        waited = time.monotonic() - self._started
        left = min(self._deadline - time.monotonic(), self._maker.spending.seconds_left())
        if self._waiting or self._refused is not None:
            time.sleep(max(0.0, min(left, max(shortest, min(longest, waited / 50)))))

    def _give_up(self, parts: Sequence[Part], error: PipelineError) -> None:
        """Cancel what waits or runs, and take in what was done in between: it is paid for.

        What cannot be cancelled now is when the run ends.
        """
        missing = [part for part in parts if part.first not in self._counts]
        ended = self._maker.give_up(missing, error)
        for part, task in list(self._waiting.values()):
            with suppress(PipelineError):
                if task.id not in ended:
                    continue
                if tasks.status(task) == COMPLETED:
                    self._take(part, task)
                else:
                    self._maker.note_end(part, task, None)
        self._waiting.clear()
