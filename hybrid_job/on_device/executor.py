"""Runs circuits on the run's device: paid once, within the limits of cost and time, by name if not.

Each task is announced in the journal before it is created and noted with its ARN after. A job
that starts again finds it there; where the job died between the two, Braket finds it by its tags,
and the token, which is the batch's digest, keeps Braket from creating it twice.

Circuits that are measured together are program sets where the device takes them, and else one
task each, all in its queue at once.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import islice

from braket.aws import AwsQuantumTask

from hybrid_job.job import Job
from hybrid_job.journal import Batch
from hybrid_job.on_device import tasks
from hybrid_job.on_device.measurement import Compiled, Counts
from hybrid_job.on_device.spending import CapReached, Spending
from hybrid_job.on_device.tasks import FAILED, Program
from hybrid_job.on_device.waiting import Part, Round, TimeReached
from quantum_pipeline import device_states
from quantum_pipeline.device_states import DeviceState
from quantum_pipeline.errors import (
    DeviceUnavailable,
    InvalidRequest,
    JobFailed,
)
from quantum_pipeline.results import QuantumTask
from quantum_pipeline.runs import BATCH_TAG, RUN_ID_TAG

__all__ = ["CapReached", "Executor", "TimeReached"]

RETRIES = 1
"""How often a task that FAILED, and is not billed, is created once more."""

SEARCHES = (0.0, 1.0, 2.0, 4.0)
"""Seconds before each search for a task that Braket has and does not show yet."""


class Executor:
    """Runs circuits for a job.

    Args:
        job: its prepared run names the device; its environment says how to reach Braket.

    Raises:
        DeviceUnavailable: the device went offline, or was retired, since the run was prepared.
        ServiceUnavailable: Braket does not answer.
    """

    def __init__(self, job: Job) -> None:
        self._job = job
        prepared, journal = job.prepared, job.journal
        left = job.deadline(reserved=0.5) - time.monotonic()
        self._session = tasks.connect(prepared.device.region, left)
        resumed = bool(journal.attempts) or prepared.attempt > 1
        journal.record_attempt(time.time() - job.seconds)
        self._found: Mapping[str, str] | None = None if resumed else {}
        """Tasks of earlier attempts by their batch; None until Braket is asked for them."""
        self._ordinals: Counter[str] = Counter()
        self.state = self._state()
        self.spending = Spending(job, self.state)

    @property
    def tasks(self) -> tuple[QuantumTask, ...]:
        """Tasks that are billed, of all attempts."""
        return self.spending.tasks

    def keep(self, usd: float) -> None:
        """Set an amount aside for a batch that is to come; a later call replaces it."""
        self.spending.kept = usd

    def affordable_shots(self, executables: int, shots: int, purpose: str = "samples") -> int:
        """Return the most shots, up to ``shots``, of the next batch that the limit leaves.

        It is 0 where not even the fewest fit. Of a batch that an earlier attempt has paid for it
        is what was paid for.
        """
        ordinal = self._ordinals[purpose]
        for batch in self._job.journal.batches.values():
            if (batch.purpose, batch.ordinal) == (purpose, ordinal):
                return min(batch.shots, shots)
        return self.spending.affordable_shots(executables, min(shots, self.state.max_shots))

    def run(
        self,
        circuits: Sequence[Compiled],
        shots: int,
        purpose: str,
        *,
        deadline: float | None = None,
    ) -> list[Counts]:
        """Return the counts of each circuit, ``shots`` in all; bit k is ``qubits[k]``.

        Args:
            circuits: at least one.
            shots: of each.
            purpose: what it is for, as the bill is to say.
            deadline: time of ``time.monotonic`` until which to wait, by default the job's.

        Raises:
            CapReached: it could take the run past limits.max_cost_usd; nothing was created, or
                what was created is cancelled.
            TimeReached: it is not done in time, and cancelled.
            InvalidRequest, DeviceUnavailable, QuotaExceeded, ServiceUnavailable: as Braket refuses.
            JobFailed: a task FAILED, was CANCELLED by somebody else, or its result is missing.
        """
        self._check(circuits, shots)
        parts = self._parts(circuits, shots, purpose)
        unpaid = [part for part in parts if self._arn(part) is None]
        if unpaid:
            try:
                self.spending.require(sum(len(part.program.circuits) for part in unpaid), shots)
            except CapReached:
                self._ordinals[purpose] -= 1  # nothing came of it: another decision takes its place
                raise
        by_part = Round(self, self._job.deadline(0.5) if deadline is None else deadline).run(parts)
        return [counts for part in parts for counts in by_part[part.first]]

    def _state(self) -> DeviceState:
        """Return the device's state: that of the first circuits that were paid for, else today's.

        Circuits that are compiled for another calibration would be others, and paid for again.
        """
        journal, device = self._job.journal, self._job.prepared.device
        if journal.batches and journal.device is not None:
            return DeviceState.model_validate(journal.device)
        with tasks.named(f"device {device.name}"):
            state = device_states.read(self._session.get_device(device.arn))
        if state.status != "ONLINE":
            raise DeviceUnavailable(
                f"device: {device.name} is {state.status} since the run was prepared; "
                "allowed: one that is ONLINE"
            )
        journal.record_device(state.model_dump(mode="json"))
        return state

    def _check(self, circuits: Sequence[Compiled], shots: int) -> None:
        """Refuse what the device would refuse, before anything is created."""
        state = self.state
        most = state.max_shots or shots
        if not state.min_shots <= shots <= most:
            raise InvalidRequest.of("shots", shots, f"{state.min_shots} to {most} on {state.name}")
        width = max(len(circuit.qubits) for circuit in circuits)
        if state.n_qubits is not None and width > state.n_qubits:
            raise DeviceUnavailable(
                f"device: {state.name} has {state.n_qubits} qubits, the circuit {width}; "
                "allowed: a device with as many"
            )

    def _parts(self, circuits: Sequence[Compiled], shots: int, purpose: str) -> list[Part]:
        ordinal = self._ordinals[purpose]
        self._ordinals[purpose] += 1
        rest = iter(circuits)
        parts: list[Part] = []
        for number, size in enumerate(self.spending.sizes(len(circuits), shots)):
            chosen = tuple(islice(rest, size))
            program = Program(chosen, shots, as_set=len(circuits) > 1 and self._takes_sets)
            prepared = self._job.prepared
            what = [prepared.execution_arn, prepared.device.arn, program.text()]
            place = [shots, purpose, ordinal, number]
            digests = tuple(
                hashlib.sha256(json.dumps([what, place, retry]).encode()).hexdigest()
                for retry in range(1 + RETRIES)
            )
            first = sum(len(part.program.circuits) for part in parts)
            parts.append(Part(first, program, purpose, ordinal, digests))
        return parts

    @property
    def _takes_sets(self) -> bool:
        return self.state.max_executables > 1

    def digest(self, part: Part) -> str:
        """Return the digest of the try that counts: the first that did not fail for free."""
        return next(filter(self._counts, part.digests), part.digests[-1])

    def _counts(self, digest: str) -> bool:
        batch = self._job.journal.batch(digest)
        return batch is None or batch.status != FAILED or batch.successful_shots > 0

    def _arn(self, part: Part) -> str | None:
        """Return the task of a part, if there is one: as the journal has it, or else Braket."""
        digest = self.digest(part)
        batch = self._job.journal.batch(digest)
        if batch is not None and batch.arn is not None:
            return batch.arn
        if self._found is None:
            self._found = self._search()
        if digest in self._found:
            self._note_creation(part, digest, self._found[digest])
        return self._found.get(digest)

    def _search(self) -> Mapping[str, str]:
        prepared = self._job.prepared
        return tasks.find(self._session, prepared.device.arn, prepared.run_id, prepared.created_at)

    def _intend(self, part: Part, digest: str) -> None:
        if self._job.journal.batch(digest) is None:
            program = part.program
            batch = Batch(part.purpose, part.ordinal, len(program.circuits), program.shots)
            self._job.journal.record_intent(digest, batch)

    def _note_creation(self, part: Part, digest: str, arn: str) -> None:
        self._intend(part, digest)
        self._job.journal.record_batch(digest, arn)
        self.spending.tell()

    def task(self, part: Part) -> AwsQuantumTask:
        """Return the task of a part: the one that exists, or else a new one."""
        arn = self._arn(part)
        if arn is not None:
            return part.program.known(self._session, arn)
        digest, prepared = self.digest(part), self._job.prepared
        self._intend(part, digest)
        try:
            task = part.program.create(
                self._session,
                prepared.device.arn,
                tags={RUN_ID_TAG: prepared.run_id, BATCH_TAG: digest},
                reservation=prepared.request.reservation_arn,
            )
        except JobFailed as error:
            if not tasks.is_taken(error.__cause__):
                raise
            return part.program.known(self._session, self._hidden(part, digest, error))
        self._note_creation(part, digest, task.id)
        return task

    def _hidden(self, part: Part, digest: str, error: JobFailed) -> str:
        """Return the task of an earlier attempt that has the token, once Braket shows it."""
        for seconds in SEARCHES:
            time.sleep(seconds)
            self._found = self._search()
            if digest in self._found:
                self._note_creation(part, digest, self._found[digest])
                return self._found[digest]
        raise error

    def note_end(self, part: Part, task: AwsQuantumTask, seconds: float | None) -> None:
        """Keep how a task ended."""
        digest, metadata = self.digest(part), task.metadata(use_cached_value=True)
        batch = self._job.journal.batch(digest)
        assert batch is not None
        if batch.status is not None:
            return
        self._job.journal.record_end(
            digest,
            metadata["status"],
            successful_shots=metadata.get("numSuccessfulShots") or 0,
            minutes=self.spending.bounded_minutes(batch.executables, batch.shots, seconds),
        )
        self.spending.tell()
