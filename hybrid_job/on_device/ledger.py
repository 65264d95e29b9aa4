"""The run's tasks over all attempts: which exist, which are created, and how they ended.

Each task is announced in the journal before it is created and noted with its ARN after. A job
that starts again finds it there. What the journal lacks, since the job died between the two or its
last lines were lost with its instance, Braket finds by the tags of the run: it is taken over, and
counts, whether a batch asks for it again or not. The token, which is the batch's digest, keeps
Braket from creating a task twice.

A task that ended without shots is replaced, under the next digest of its part, where it failed (up
to RETRIES times) or was cancelled with the attempt that it was for. It is not replaced where
somebody else cancelled it, another task of its batch failed for good, or a limit was reached.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace

from braket.aws import AwsQuantumTask

from hybrid_job.job import Job
from hybrid_job.on_device import cancelling, tasks
from hybrid_job.on_device.measurement import Counts
from hybrid_job.on_device.named_errors import is_taken
from hybrid_job.on_device.spending import CapReached, Spending
from hybrid_job.on_device.tasks import CANCELLED, COMPLETED, FAILED, Found, Session
from hybrid_job.on_device.waiting import RETRIES, Part, TimeReached
from quantum_pipeline.devices.catalogue import Device
from quantum_pipeline.errors import InvalidRequest, JobFailed, PipelineError, ServiceUnavailable

SEARCHES = (0.0, 1.0, 2.0, 4.0)
"""Seconds before each search for a task that Braket has and does not show yet."""

CLOSE_SECONDS = 20.0
"""How long the end of a run tries to cancel what it leaves, where Braket does not answer."""

ENDED_RUN = "the run ended"
"""Why a task is cancelled that waits when its run, or an attempt at it, ends."""

_AGAIN: Mapping[str, type[TimeReached | CapReached]] = {
    error.__name__: error for error in (TimeReached, CapReached)
}
"""Limits that ended a batch in one attempt, which went on without it: so does each later one."""

_FINAL = (None, "JobFailed", *_AGAIN)
"""``Batch.given_up`` of cancelled tasks that are not replaced; None: somebody else cancelled it."""


class Ledger:
    """Creates tasks, or finds them, and keeps account of them."""

    def __init__(
        self, job: Job, session: Session, spending: Spending, device: Device | None = None
    ) -> None:
        self._job = job
        self._device = device or job.prepared.device
        self._session = session
        self.spending = spending

    def adopt(self, found: Iterable[Found]) -> None:
        """Take over the tasks that Braket has and the journal does not know."""
        journal = self._job.journal
        for each in found:
            known = journal.batch(each.digest)
            if known is not None and known.arn is not None:
                continue
            assert each.batch.arn is not None
            if known is None:
                batch = replace(each.batch, device=self.spending.device_name)
                journal.record_intent(each.digest, batch)
            journal.record_batch(each.digest, each.batch.arn)
            if each.status in (FAILED, CANCELLED):
                # Cancelled with the attempt that knew it: had somebody else done so, it would have
                # ended the run.
                if each.status == CANCELLED:
                    journal.record_given_up(each.digest, ENDED_RUN)
                task = AwsQuantumTask(each.batch.arn, self._session)
                tasks.status(task)
                self._record_end(each.digest, task)
            self.spending.publish()

    def recall(self, parts: Sequence[Part]) -> None:
        """Raise again what ended a batch in an earlier attempt, which then decided otherwise.

        Raises:
            TimeReached, CapReached: as it was.
        """
        journal = self._job.journal
        batches = filter(None, (journal.batch(each) for part in parts for each in part.digests))
        for batch in batches:
            again = _AGAIN.get(batch.given_up or "")
            if again is not None and batch.status != COMPLETED:
                self._end({self.digest(part) for part in parts}, cancelling.END_SECONDS)
                raise again(
                    f"{again.limit}: {batch.arn or 'a quantum task'} for {batch.purpose} was not "
                    "done in an earlier attempt, and cancelled"
                )

    def digest(self, part: Part) -> str:
        """Return the digest of the try that counts: the first that is not to be replaced."""
        failed = 0
        for digest in part.digests:
            batch = self._job.journal.batch(digest)
            if batch is None or batch.successful_shots:
                return digest
            if batch.status == FAILED and failed < RETRIES:
                failed += 1
            elif batch.status != CANCELLED or batch.given_up in _FINAL:
                return digest
        return part.digests[-1]

    def arn(self, part: Part) -> str | None:
        """Return the task of a part, if there is one."""
        batch = self._job.journal.batch(self.digest(part))
        return None if batch is None else batch.arn

    def task(self, part: Part) -> AwsQuantumTask:
        """Return the task of a part: the one that exists, or else a new one."""
        arn = self.arn(part)
        if arn is not None:
            return part.program.known(self._session, arn)
        digest, prepared = self.digest(part), self._job.prepared
        self._intend(part, digest)
        try:
            task = part.program.create(
                self._session,
                self._device.arn,
                tags=tasks.tags(prepared, digest, part.batch),
                reservation=prepared.request.reservation_arn,
            )
        except (JobFailed, InvalidRequest) as error:
            if not is_taken(error.__cause__):
                raise
            return self._hidden(part, error)
        self._job.journal.record_batch(digest, task.id)
        self.spending.publish()
        return task

    def finished(self, part: Part) -> list[Counts] | None:
        """Return the counts of a part that was done; None where it was not, and never will be.

        What waits is cancelled: its circuits may go elsewhere, and be paid for there.

        Raises:
            ServiceUnavailable: that is not sure yet.
        """
        digest = self.digest(part)
        batch = self._job.journal.batch(digest)
        if batch is None or batch.arn is None:
            return None
        if batch.status is None:
            self._end([digest], cancelling.END_SECONDS)
            batch = self._job.journal.batch(digest)
            assert batch is not None
        if batch.status is None:
            raise ServiceUnavailable(f"{batch.arn} on {self._device.name} could not be cancelled")
        if batch.status != COMPLETED or batch.arn is None:
            return None
        counts, _ = part.program.read(part.program.known(self._session, batch.arn))
        return counts

    def note_end(self, part: Part, task: AwsQuantumTask, seconds: float | None) -> None:
        """Keep how a task ended."""
        digest = self.digest(part)
        batch = self._job.journal.batch(digest)
        assert batch is not None
        if batch.status is None:
            self._record_end(digest, task, seconds)
            self.spending.publish()

    def give_up(self, parts: Sequence[Part], error: PipelineError) -> dict[str, AwsQuantumTask]:
        """Cancel what there is of some parts, for an error; return the tasks that have ended."""
        waiting = []
        for part in parts:
            digest = self.digest(part)
            self._intend(part, digest)
            batch = self._job.journal.batch(digest)
            assert batch is not None
            if batch.status is None:
                self._job.journal.record_given_up(digest, type(error).__name__)
                waiting += [batch.arn] if batch.arn else []
        return self._cancelled(waiting, cancelling.END_SECONDS)

    def close(self) -> None:
        """Cancel all tasks that have not ended, and note how they do; no call if there are none."""
        self._end(self._job.journal.batches, CLOSE_SECONDS)

    def _end(self, digests: Iterable[str], seconds: float) -> None:
        journal, waiting = self._job.journal, {}
        for digest in digests:
            batch = journal.batch(digest)
            if batch is not None and batch.arn is not None and batch.status is None:
                waiting[batch.arn] = digest
        for digest in waiting.values():
            batch = journal.batch(digest)
            if batch is not None and batch.given_up is None:
                journal.record_given_up(digest, ENDED_RUN)
        for arn, task in self._cancelled(waiting, seconds).items():
            self._record_end(waiting[arn], task)
            self.spending.publish()

    def _cancelled(self, arns: Collection[str], seconds: float) -> dict[str, AwsQuantumTask]:
        if not arns:
            return {}
        return cancelling.cancelled(self._job.prepared.device.region, arns, seconds=seconds)

    def _intend(self, part: Part, digest: str) -> None:
        if self._job.journal.batch(digest) is None:
            self._job.journal.record_intent(digest, part.batch)

    def _hidden(self, part: Part, error: PipelineError) -> AwsQuantumTask:
        """Return the task of an earlier attempt that has the token, once Braket shows it.

        If it is cancelled by now, it is another in its place.
        """
        before = self.digest(part)
        for seconds in SEARCHES:
            time.sleep(seconds)
            self.adopt(search(self._job, self._session, self._device))
            if self.arn(part) is not None or self.digest(part) != before:
                return self.task(part)
        raise error

    def _record_end(self, digest: str, task: AwsQuantumTask, seconds: float | None = None) -> None:
        batch = self._job.journal.batch(digest)
        assert batch is not None
        self._job.journal.record_end(
            digest,
            task.metadata(use_cached_value=True)["status"],
            successful_shots=tasks.successful_shots(task, batch.executables * batch.shots),
            minutes=self.spending.bounded_minutes(batch, seconds),
        )


def search(job: Job, session: Session, device: Device) -> list[Found]:
    """Return the tasks of a job's run on a device, oldest first, as Braket has them."""
    prepared = job.prepared
    return tasks.find(session, device.arn, prepared.run_id, prepared.created_at)
