"""Measures the energy of a trained state on the run's device, within the limits of the run.

All circuits are one batch. Where the limit on cost leaves too few shots for it, errors are not
mitigated, so that the energy itself has its shots; the result says so.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from braket.circuits import Circuit
from numpy.typing import NDArray

from hybrid_job.job import Job
from hybrid_job.journal import Kept as Record
from hybrid_job.on_device.executor import Executor
from hybrid_job.on_device.kept import Kept
from hybrid_job.on_device.measurement import Compiled, Counts, Measurement
from hybrid_job.on_device.mitigating.checks import calibration_angles
from hybrid_job.on_device.mitigating.measured import raw_energy
from hybrid_job.on_device.mitigating.protocol import MakeReadout, Protocol
from hybrid_job.on_device.mitigating.readout import in_native_gates, readout_circuits
from hybrid_job.on_device.molecules.settings import Settings
from hybrid_job.on_device.spending import NotAffordable
from quantum_pipeline.chemistry.factorisation import Group, groups
from quantum_pipeline.chemistry.integrals import Integrals
from quantum_pipeline.chemistry.measuring import diagonals, pair_counts
from quantum_pipeline.planning.tasks import SAMPLES
from quantum_pipeline.quantities import Count, Flag
from quantum_pipeline.requests.limits import RunLimit
from quantum_pipeline.requests.mitigation import CHECKS, Noise
from quantum_pipeline.results import (
    Compilation,
    DeviceRun,
    Estimated,
    MitigationOutcome,
    MoleculePoint,
    QuantumTask,
)
from quantum_pipeline.wording import refusal

FEWEST = 0.25
"""Part of the shots that were asked for, below which there are none for mitigation."""

CAP: RunLimit = "limits.max_cost_usd"

DECISION = "shots of the energy"
"""What the journal keeps before they are paid for: a job that starts again has less money left."""

GROUPS = "groups of the energy"
"""What it keeps before that: where they are not unique, another processor makes other ones."""


class _Groups(Record):
    groups: tuple[Group, ...]


class _Shots(Record):
    shots: Count
    mitigated: Flag


@dataclass(frozen=True)
class MeasuredEnergy:
    """What the device made of a state: ``raw`` is the energy of all shots, as they were read.

    ``counts`` are those of the first circuit, which measures the state's determinants;
    ``groups`` are what the others measure, ``pair_counts`` of each circuit stand for its shots.
    """

    raw: Estimated
    counts: Counts
    groups: tuple[Group, ...]
    pair_counts: tuple[tuple[int, ...], ...]
    run: DeviceRun
    tasks: tuple[QuantumTask, ...]


def measured_energy(job: Job, point: MoleculePoint) -> MeasuredEnergy:
    """Return the energy of a point's state from the shots of the run's device.

    Raises:
        CapReached: the limit on cost leaves not even the fewest shots.
        InvalidRequest: the mitigation that was asked for is not for so many qubits.
        DeviceUnavailable, QuotaExceeded, ServiceUnavailable, JobFailed: as the executor says.
    """
    with Executor(job) as executor:
        return _measured_energy(job, executor, point)


def _measured_energy(job: Job, executor: Executor, point: MoleculePoint) -> MeasuredEnergy:
    measuring = _Measuring(job, executor, point)
    shots, mitigated = measuring.affordable()
    try:
        counts, outcome = measuring.measured(shots, mitigated=mitigated)
    except NotAffordable:  # decided by an attempt that was interrupted before it paid: less is left
        shots, mitigated = measuring.decide()
        counts, outcome = measuring.measured(shots, mitigated=mitigated)
    left_out = measuring.left_out(shots, outcome)
    return MeasuredEnergy(
        raw=raw_energy(measuring.measurement.plain, counts),
        counts=counts[0],
        groups=measuring.groups,
        pair_counts=tuple(map(pair_counts, counts)),
        run=DeviceRun(
            emulated=executor.state.emulated,
            compilation=measuring.compilation(),
            mitigation=outcome,
            trained_energy=point.energy,
            cut_short=f"{CAP}: {', '.join(left_out)}" if left_out else None,
            cut_short_by=(CAP,) if left_out else (),
        ),
        tasks=executor.tasks,
    )


def _groups(job: Job, integrals: Integrals) -> tuple[Group, ...]:
    """Return what is measured, as the first attempt decided."""
    found = job.journal.decided(GROUPS, _Groups, lambda: _Groups(groups=tuple(groups(integrals))))
    with job.journal.checked(GROUPS):
        diagonals(integrals, found.groups)
    return found.groups


class _Measuring:
    """A point's circuits on the device, compiled, and how many shots of them there can be."""

    def __init__(self, job: Job, executor: Executor, point: MoleculePoint) -> None:
        self._job, self._executor = job, executor
        self._request = job.prepared.request
        self._kept = Kept(job.journal, executor.state)
        self.groups = _groups(job, point.integrals)
        self._settings, self._amplitudes = Settings.of(point, self.groups)
        self._logical = self._settings.circuits(self._amplitudes.tolist())
        self.measurement = self._compiled(self._amplitudes)

    @property
    def nothing_to_mitigate(self) -> bool:
        """Whether none was asked for."""
        return self._request.mitigation.is_none

    @property
    def circuits(self) -> list[Compiled]:
        """The circuits of the energy alone."""
        return [each.compiled for each in self.measurement.plain]

    def affordable(self) -> tuple[int, bool]:
        """Return the shots of each circuit that the limit on cost leaves, and if for mitigation."""
        decided = self._job.journal.decision(DECISION, _Shots)
        if decided is None:
            return self.decide()
        with self._job.journal.checked(DECISION):
            most = max(self._request.shots, self._executor.state.min_shots)
            if decided.shots > most:
                raise ValueError(refusal("shots", decided.shots, f"up to {most}"))
        return decided.shots, decided.mitigated

    def decide(self) -> tuple[int, bool]:
        """Return the same for what is left of it now, and keep it for attempts to come."""
        shots, mitigated = self._affordable()
        self._job.journal.record_decision(DECISION, _Shots(shots=shots, mitigated=mitigated))
        return shots, mitigated

    def measured(
        self, shots: int, *, mitigated: bool
    ) -> tuple[list[Counts], MitigationOutcome | None]:
        """Return the counts of the energy's own circuits, and what mitigation makes of the rest."""
        if not mitigated:
            return self._executor.run(self.circuits, shots, SAMPLES), None
        protocol = self.protocol(shots)
        return protocol.outcome(self._executor.run(protocol.circuits, shots, SAMPLES))

    def _affordable(self) -> tuple[int, bool]:
        asked, executor, settings = self._request.shots, self._executor, len(self._logical)
        if not self.nothing_to_mitigate:
            circuits = self._request.mitigation.executables(settings, verified_apart=False)
            shots = executor.affordable_shots(circuits, asked, SAMPLES)
            if shots >= FEWEST * asked:
                return shots, True
        shots = executor.affordable_shots(settings, asked, SAMPLES)
        return max(shots, executor.state.min_shots), False  # too few are refused by name

    def protocol(self, shots: int) -> Protocol:
        """Return how the energy is mitigated, with circuits of other amplitudes to judge by."""
        checks = list(map(self._compiled, calibration_angles(self._amplitudes, CHECKS)))
        mitigation = self._request.mitigation
        made = self._readout()
        return Protocol(mitigation, self.measurement, checks, shots, readout=made, unit="hartree")

    def compilation(self) -> Compilation | None:
        """Return how the circuit with the most gates on two qubits was compiled."""
        return self._kept.summary(self._amplitudes, self._compilation)

    def _compilation(self) -> Compilation | None:
        if self._executor.state.kind == "simulator":
            return None
        from hybrid_job.on_device.compilation import summarise  # noqa: PLC0415 (imports qiskit)

        largest = max(range(len(self._logical)), key=lambda k: self.circuits[k].two_qubit_gates)
        return summarise(self._logical[largest], self.circuits[largest], self._executor.state)

    def left_out(self, shots: int, outcome: MitigationOutcome | None) -> list[str]:
        """Return what was left out for the limit on cost."""
        left_out = []
        if outcome is None and not self.nothing_to_mitigate:
            left_out.append("no mitigation of errors")
        if shots < self._request.shots:
            left_out.append(f"{shots} of {self._request.shots} shots")
        return left_out

    def _compiled(self, amplitudes: NDArray[np.float64]) -> Measurement:
        settings, chosen = self._settings, amplitudes.tolist()
        compiled = self._kept.circuits(
            "circuits",
            amplitudes,
            lambda: list(map(self._for_device, settings.circuits(chosen))),
        )
        return settings.measurement(chosen, compiled)

    def _for_device(self, circuit: Circuit) -> Compiled:
        state, noise = self._executor.state, self._request.noise or Noise()
        if state.kind == "simulator":  # it takes any gates, so nothing is to be compiled
            return Compiled(circuit, tuple(range(self._settings.sector.n_qubits)), noise=noise)
        from hybrid_job.on_device.compilation import compile_circuit  # noqa: PLC0415 (as above)

        return compile_circuit(circuit, state, noise=noise, seed=self._request.seed)

    def _readout(self) -> MakeReadout:
        if not self.circuits[0].verbatim:
            return readout_circuits
        prepare = in_native_gates(self._executor.state.native_gates)
        return lambda compiled: readout_circuits(compiled, prepare)
