"""Runs circuits on the run's device: each paid for once, within the limits of cost and time.

Circuits that are measured together are program sets where the device takes them, and else one
task each, all in its queue at once.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections import Counter
from collections.abc import Sequence
from itertools import islice
from types import TracebackType
from typing import Self

from hybrid_job.job import Job
from hybrid_job.journal import Batch
from hybrid_job.on_device import tasks
from hybrid_job.on_device.ledger import Ledger, search
from hybrid_job.on_device.measurement import Compiled, Counts
from hybrid_job.on_device.named_errors import named
from hybrid_job.on_device.spending import CapReached, NotAffordable, Spending
from hybrid_job.on_device.tasks import CANCELLED, FAILED, Program
from hybrid_job.on_device.waiting import RETRIES, Lost, Part, Round, TimeReached
from quantum_pipeline.devices.catalogue import Device
from quantum_pipeline.devices.states import DeviceState, read_state
from quantum_pipeline.errors import DeviceUnavailable, InvalidRequest, ServiceUnavailable
from quantum_pipeline.planning.tasks import SAMPLES, Purpose
from quantum_pipeline.results import QuantumTask
from quantum_pipeline.runs import MAX_ATTEMPTS
from quantum_pipeline.wording import refusal

__all__ = ["CapReached", "Executor", "NotAffordable", "TimeReached"]


class Executor:
    """Runs circuits for a job.

    Args:
        job: its prepared run names the device; its environment says how to reach Braket.
        device: that of several on which these circuits run, by default the run's first.

    Raises:
        DeviceUnavailable: the device went offline, or was retired, since the run was prepared.
        ServiceUnavailable: Braket does not answer.
    """

    def __init__(self, job: Job, device: Device | None = None) -> None:
        self._job = job
        self.device = device or job.prepared.device
        journal = job.journal
        left = job.deadline(reserved=0.5) - time.monotonic()
        self._session = tasks.connect(self.device.region, left)
        if self.device == job.prepared.device:
            journal.record_attempt(time.time() - job.seconds)
        # Always: an empty journal may be that of a first attempt, or of one that lost it.
        found = search(job, self._session, self.device)
        self._ordinals: Counter[Purpose] = Counter()
        self._refused: set[tuple[Purpose, int]] = set()
        """Purpose and ordinal of batches that there was no money for."""
        self.state = self._state(paid=bool(found or journal.batches))
        self.spending = Spending(job, self.state, self.device)
        self._ledger = Ledger(job, self._session, self.spending, self.device)
        self._ledger.adopt(found)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        """Close, unless a service failed: the next attempt takes over what waits."""
        if not isinstance(error, ServiceUnavailable):
            self.close()

    def close(self) -> None:
        """Cancel every task of the run that has not ended: without a call where all have.

        It takes up to CLOSE_SECONDS where Braket does not answer. What has ended by then is billed
        as it ended, which ``tasks`` shows from then on.
        """
        self._ledger.close()

    @property
    def tasks(self) -> tuple[QuantumTask, ...]:
        """Tasks that are billed, of all attempts."""
        return self.spending.tasks

    def keep(self, usd: float) -> None:
        """Set an amount aside for a batch that is to come; a later call replaces it."""
        self.spending.kept = usd

    def affordable_shots(self, executables: int, shots: int, purpose: Purpose = SAMPLES) -> int:
        """Return the most shots, up to ``shots``, of the next batch that the limit leaves.

        It is 0 where not even the fewest fit. Of a batch that an earlier attempt has paid for it
        is what was paid for.
        """
        for batch in self._paid(purpose):
            # Of as many circuits: mitigation may take fewer than are planned for, never under half.
            if batch.together <= executables <= 2 * batch.together:
                return min(batch.shots, shots)
        return self.spending.affordable_shots(executables, min(shots, self.state.max_shots))

    def _paid(self, purpose: Purpose) -> list[Batch]:
        """Return what is paid for at the place of the next batch, if that was not refused since."""
        place = purpose, self._ordinals[purpose]
        return [
            batch
            for batch in self._job.journal.batches.values()
            if (batch.purpose, batch.ordinal) == place
            and place not in self._refused
            and batch.arn is not None
            and batch.status not in (FAILED, CANCELLED)
        ]

    def run(
        self,
        circuits: Sequence[Compiled],
        shots: int,
        purpose: Purpose,
        *,
        deadline: float | None = None,
        ordinal: int | None = None,
        lost: Lost | None = None,
    ) -> list[Counts]:
        """Return the counts of each circuit, ``shots`` in all; bit k is ``qubits[k]``.

        Args:
            circuits: at least one.
            shots: of each.
            purpose: what it is for, as the bill is to say.
            deadline: time of ``time.monotonic`` until which to wait, by default the job's.
            ordinal: what tells it from others of its purpose, by default its place among them.
            lost: says while it waits that the device is gone.

        Raises:
            NotAffordable: it could take the run past limits.max_cost_usd. Nothing was created, and
                another batch may take its place.
            CapReached: the limit was reached while it waited, now or in an earlier attempt: it is
                cancelled.
            TimeReached: it was not done in time, now or in an earlier attempt, and is cancelled.
            QuotaExceeded: others' tasks filled the quota until then.
            BudgetExceeded: it passes a spending limit of the account.
            InvalidRequest, DeviceUnavailable, ServiceUnavailable: as Braket refuses.
            JobFailed: a task FAILED, was CANCELLED by somebody else, its result is missing, or the
                job lacks a permission.
        """
        self._check(circuits, shots)
        counted = ordinal is None
        parts = self._parts(circuits, shots, purpose, ordinal)
        self._ledger.recall(parts)
        unpaid = [part for part in parts if self._ledger.arn(part) is None]
        if unpaid:
            try:
                self.spending.require(sum(len(part.program.circuits) for part in unpaid), shots)
            except NotAffordable:
                if not counted:
                    raise
                self._ordinals[purpose] -= 1  # nothing came of it: another decision takes its place
                self._refused.add((purpose, self._ordinals[purpose]))
                raise
        until = self._job.deadline(0.5) if deadline is None else deadline
        by_part = Round(self._ledger, until, lost).run(parts)
        return [counts for part in parts for counts in by_part[part.first]]

    def unpaid(
        self, circuits: Sequence[Compiled], shots: int, purpose: Purpose, ordinal: int
    ) -> int:
        """Return how many circuits of a batch have no task yet."""
        parts = self._parts(circuits, shots, purpose, ordinal)
        return sum(len(each.program.circuits) for each in parts if self._ledger.arn(each) is None)

    def finished(
        self, circuits: Sequence[Compiled], shots: int, purpose: Purpose, ordinal: int
    ) -> list[Counts | None]:
        """Return what was done of a batch, None for each circuit that never will be there.

        Raises:
            ServiceUnavailable: a task that waits could not be cancelled.
        """
        found: list[Counts | None] = []
        for part in self._parts(circuits, shots, purpose, ordinal):
            found += self._ledger.finished(part) or [None] * len(part.program.circuits)
        return found

    def now(self) -> DeviceState:
        """Return the device's state as Braket has it now: its status, its queue."""
        with named(f"device {self.device.name}"):
            return read_state(self._session.get_device(self.device.arn))

    def _state(self, *, paid: bool) -> DeviceState:
        """Return the device's state: that of the first circuits that were paid for, else today's.

        Circuits that are compiled for another calibration would be others, and paid for again.
        """
        journal, device, known = self._job.journal, self.device, self._job.journal.devices
        arns = [each.arn for each in self._job.prepared.devices]
        if paid and known:
            with journal.checked("device"):
                for arn in known:
                    if arn not in arns:
                        raise ValueError(refusal("arn", arn, ", ".join(arns)))
            if device.arn in known:
                return known[device.arn]
        state = self.now()
        if state.status != "ONLINE":
            raise DeviceUnavailable(
                f"device: {device.name} is {state.status} since the run was prepared; "
                "allowed: one that is ONLINE"
            )
        journal.record_device(state)
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

    def _parts(
        self, circuits: Sequence[Compiled], shots: int, purpose: Purpose, ordinal: int | None
    ) -> list[Part]:
        if ordinal is None:
            ordinal = self._ordinals[purpose]
            self._ordinals[purpose] += 1
        rest = iter(circuits)
        parts: list[Part] = []
        for number, size in enumerate(self.spending.sizes(len(circuits), shots)):
            chosen = tuple(islice(rest, size))
            program = Program(chosen, shots, as_set=len(circuits) > 1 and self._takes_sets)
            prepared = self._job.prepared
            what = [prepared.execution_arn, self.device.arn, program.text()]
            place = [shots, purpose, ordinal, number]
            digests = tuple(
                hashlib.sha256(json.dumps([what, place, retry]).encode()).hexdigest()
                for retry in range(1 + RETRIES + MAX_ATTEMPTS)
            )
            first = sum(len(part.program.circuits) for part in parts)
            batch = Batch(
                purpose=purpose,
                ordinal=ordinal,
                executables=size,
                shots=shots,
                together=len(circuits),
                device=self.spending.device_name,
            )
            parts.append(Part(first, program, batch, digests))
        return parts

    @property
    def _takes_sets(self) -> bool:
        return self.state.max_executables > 1
