"""Measures entries of a fidelity kernel on the run's device: K(x, y) = P(all zeros of U(y)^+ U(x)).

All entries are circuits of one form, on the same qubits of the device, and one batch with the two
that readout is corrected by. Of bits b_k that are read with frequencies f(b), each misread on its
own, the entry is sum_b f(b) prod_k M_k[0, b_k], M_k taking what is read of qubit k to what it was:
``mitigating.readout``, which has the source.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from functools import cached_property, partial
from math import prod
from typing import Literal

import numpy as np
from braket.circuits import Circuit

from hybrid_job.job import KernelJob
from hybrid_job.journal import Kept as Record
from hybrid_job.learning.measured_kernel import MeasuredEntries
from hybrid_job.metrics import log_phase
from hybrid_job.on_device.executor import Executor
from hybrid_job.on_device.kept import Kept
from hybrid_job.on_device.measurement import Compiled, Counts
from hybrid_job.on_device.mitigating.readout import (
    LEAST_CONTRAST,
    Misreading,
    Prepare,
    in_native_gates,
    in_plain_gates,
    misreading,
    readout_circuits,
)
from hybrid_job.on_device.spending import NotAffordable
from quantum_pipeline.classification.encodings import Encoding, Gate, overlap_gates
from quantum_pipeline.classification.measured import Pairs
from quantum_pipeline.errors import BudgetExceeded
from quantum_pipeline.planning.tasks import SAMPLES
from quantum_pipeline.quantities import Count
from quantum_pipeline.requests.limits import RunLimit
from quantum_pipeline.requests.mitigation import Noise
from quantum_pipeline.results import Compilation, DeviceRun
from quantum_pipeline.wording import refusal

TOGETHER = 250
"""Circuits that are kept in one decision of the journal."""

CAP: RunLimit = "limits.max_cost_usd"

DECISION = "shots of the entries"
"""What the journal keeps before they are paid for."""


class _Shots(Record):
    shots: Count


def measured_entries(job: KernelJob, encoding: Encoding, pairs: Pairs) -> MeasuredEntries:
    """Return the entries of a kernel on pairs of rows, which have the bandwidth in them.

    Raises:
        BudgetExceeded: the limit on cost leaves not even the fewest shots.
        PipelineError: by name, as ``Executor.run`` raises.
    """
    with Executor(job) as executor:
        print(f"{executor.device.name}: measuring {len(pairs.rows)} entries", flush=True)
        measuring = _Measuring(job, executor, encoding, pairs)
        counts, shots = measuring.counts()
        executor.close()  # what is cancelled now is not billed
        readout = counts[len(pairs.rows) :]
        entries = counts[: len(pairs.rows)]
        mitigation, because, shares = measuring.corrected(entries, readout)
        asked = job.prepared.request.shots
        cut = f"{CAP}: {shots} of {asked} shots" if shots < asked else None
        return MeasuredEntries(
            zeros=tuple(each.get("0" * encoding.n_qubits, 0) for each in entries),
            shots=tuple(sum(each.values()) for each in entries),
            entries=tuple(min(1.0, max(0.0, share)) for share in shares),
            mitigation=mitigation,
            because=because,
            run=DeviceRun(
                emulated=executor.state.emulated,
                compilation=measuring.compilation(),
                mitigation=None,
                cut_short=cut,
                cut_short_by=(CAP,) if cut else (),
            ),
            tasks=executor.tasks,
        )


class _Measuring:
    """The circuits of the entries, compiled, and those that readouts are corrected by."""

    def __init__(
        self, job: KernelJob, executor: Executor, encoding: Encoding, pairs: Pairs
    ) -> None:
        self._job, self._executor, self._encoding, self._pairs = job, executor, encoding, pairs
        self._request = job.prepared.request
        self._kept = Kept(job.journal, executor.state)
        self._entries = list(self._compiled())
        self._readout = list(self._readout_circuits()) if self._request.mitigation.readout else []

    def counts(self) -> tuple[list[Counts], int]:
        """Return the counts of all circuits, and the shots of each."""
        decided = self._job.journal.decision(DECISION, _Shots)
        if decided is None:
            shots = self._decide()
        else:
            shots = decided.shots
            with self._job.journal.checked(DECISION):
                if shots > self._request.shots:
                    raise ValueError(refusal("shots", shots, f"up to {self._request.shots}"))
        circuits = [*self._entries, *self._readout]
        try:
            return self._executor.run(circuits, shots, SAMPLES), shots
        except NotAffordable:  # decided by an attempt that was interrupted before it paid
            shots = self._decide()
            return self._executor.run(circuits, shots, SAMPLES), shots

    def _decide(self) -> int:
        count, asked = len(self._entries) + len(self._readout), self._request.shots
        shots = self._executor.affordable_shots(count, asked)
        if not shots:
            limit = f"{CAP} = {self._request.limits.max_cost_usd:g}"
            raise BudgetExceeded(f"{limit}: what is left of it pays for no {count} circuits")
        self._job.journal.record_decision(DECISION, _Shots(shots=shots))
        return shots

    def corrected(
        self, entries: Sequence[Counts], readout: Sequence[Counts]
    ) -> tuple[Literal["none", "readout"], str, Iterator[float]]:
        """Return what was mitigated, why, and the share of all zeros of each entry."""
        zeros = "0" * self._encoding.n_qubits
        raw = (each.get(zeros, 0) / max(1, sum(each.values())) for each in entries)
        if not readout:
            return "none", "readout correction was not asked for", raw
        wrong = misreading(*readout)
        if not wrong.can_be_corrected:
            words = f"a qubit's readout carries less than {LEAST_CONTRAST:g} of its bit"
            return "none", words, raw
        return (
            "readout",
            f"qubits are misread with probabilities up to {wrong.wrong.max():.2g}",
            (
                share_of_zeros(counts, wrong.of([self._measured.index(q) for q in each.qubits]))
                for counts, each in zip(entries, self._entries, strict=True)
            ),
        )

    def compilation(self) -> Compilation | None:
        """Return how the first entry was compiled; None on simulators."""
        if self._executor.state.kind == "simulator":
            return None
        from hybrid_job.on_device.compilation import summarise  # noqa: PLC0415 (imports qiskit)

        return self._kept.summary(
            self._pairs.rows[:1],
            lambda: summarise(self._logical(0), self._entries[0], self._executor.state),
        )

    def _logical(self, place: int) -> Circuit:
        rows, others = self._pairs
        return circuit_of(overlap_gates(self._encoding, rows[place], others[place]))

    def _compiled(self) -> Iterator[Compiled]:
        """Yield the circuits of all entries, as an earlier attempt sent them."""
        count = len(self._pairs.rows)
        for first in range(0, count, TOGETHER):
            places = range(first, min(first + TOGETHER, count))
            log_phase("compiling", first, count)
            angles = np.stack([each[places.start : places.stop] for each in self._pairs])
            yield from self._kept.circuits(
                f"entries {first}", angles, partial(self._for_device, places)
            )

    def _for_device(self, places: Iterable[int]) -> list[Compiled]:
        from hybrid_job.on_device.compilation import compile_alike  # noqa: PLC0415 (imports qiskit)

        state, encoding = self._executor.state, self._encoding
        rows = self._job.rng("form of the entries").normal(size=(2, encoding.n_qubits))
        form = circuit_of(overlap_gates(encoding, *rows))
        noise, seed = self._request.noise or Noise(), self._request.seed
        made = compile_alike(map(self._logical, places), form, state, noise=noise, seed=seed)
        return list(map(self._acted_on, made))

    def _acted_on(self, compiled: Compiled) -> Compiled:
        """Return a circuit with a gate on each measured qubit: of equal rows none is left."""
        idle = set(compiled.qubits) - {int(qubit) for qubit in compiled.circuit.qubits}
        circuit = Circuit().add_circuit(compiled.circuit)
        for qubit in sorted(idle):
            circuit.add_circuit(self._prepare(qubit, 0))
        return compiled.of(circuit)

    @property
    def _prepare(self) -> Prepare:
        state = self._executor.state
        return in_native_gates(state.native_gates) if state.verbatim else in_plain_gates

    @cached_property
    def _measured(self) -> tuple[int, ...]:
        """The device's qubits that any entry is read from."""
        return tuple(sorted({qubit for each in self._entries for qubit in each.qubits}))

    def _readout_circuits(self) -> tuple[Compiled, ...]:
        read = replace(self._entries[0], qubits=self._measured)
        return readout_circuits(read, self._prepare)


def circuit_of(gates: Iterable[Gate]) -> Circuit:
    """Return gates as a circuit of Braket."""
    circuit = Circuit()
    for gate in gates:
        angles = () if gate.name in ("h", "cz") else (gate.angle,)
        getattr(circuit, gate.name)(*gate.qubits, *angles)
    return circuit


def share_of_zeros(counts: Counts, wrong: Misreading) -> float:
    """Return the probability of all zeros, misreadings undone.

    >>> wrong = Misreading(np.array([[0.1, 0.2]]), np.zeros((1, 2)))
    >>> round(share_of_zeros({"0": 90, "1": 10}, wrong), 12)
    1.0
    """
    first = [wrong.inverse(k)[0] for k in range(len(wrong.wrong))]
    total = sum(
        shots * prod(row[int(bit)] for row, bit in zip(first, bits, strict=True))
        for bits, shots in counts.items()
    )
    return float(total / max(1, sum(counts.values())))
