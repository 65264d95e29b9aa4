"""Measures the energy of a trained state on the run's device, within the limits of the run.

All circuits are one batch. Where the limit on cost leaves too few shots for it, errors are not
mitigated, so that the energy itself has its shots; the result says so.
"""

from __future__ import annotations

from typing import Protocol

import numpy as np
from braket.circuits import Circuit
from numpy.typing import NDArray

from hybrid_job.job import Job
from hybrid_job.journal import Kept as Record
from hybrid_job.metrics import log_phase
from hybrid_job.on_device.executor import Executor
from hybrid_job.on_device.kept import Kept
from hybrid_job.on_device.measurement import Compiled, Counts, Measurement
from hybrid_job.on_device.mitigating.checks import calibration_angles
from hybrid_job.on_device.mitigating.protocol import MakeReadout
from hybrid_job.on_device.mitigating.protocol import Protocol as Mitigated
from hybrid_job.on_device.mitigating.readout import in_native_gates, readout_circuits
from hybrid_job.on_device.spending import NotAffordable
from quantum_pipeline.planning.tasks import SAMPLES
from quantum_pipeline.quantities import Count, Flag
from quantum_pipeline.requests.limits import RunLimit
from quantum_pipeline.requests.mitigation import CHECKS, Noise
from quantum_pipeline.results import Compilation, DeviceRun, MitigationOutcome
from quantum_pipeline.wording import refusal

Real = NDArray[np.float64]

FEWEST = 0.25
"""Part of the shots that were asked for, below which there are none for mitigation."""

CAP: RunLimit = "limits.max_cost_usd"

DECISION = "shots of the energy"
"""What the journal keeps before they are paid for: a job that starts again has less money left."""


class _Shots(Record):
    shots: Count
    mitigated: Flag


class Settings(Protocol):
    """The circuits of an energy, for any parameters of the same circuit."""

    @property
    def n_qubits(self) -> int:
        """Qubits of each circuit."""

    def circuits(self, parameters: Real) -> list[Circuit]:
        """Return the logical circuits, on qubits 0 .. n-1."""

    def measurement(self, parameters: Real, compiled: list[Compiled]) -> Measurement:
        """Return the settings of compiled ``circuits``, and the exact energy of their state."""


class Measuring:
    """An energy's circuits on the device, compiled, and how many shots of them there can be.

    Args:
        job: whose run it is.
        executor: of its device.
        settings: the circuits.
        parameters: those that were trained.
        unit: of the energies, for the reasons in words.
        lowest: lowest energy that there is, where it is known.
    """

    def __init__(
        self,
        job: Job,
        executor: Executor,
        settings: Settings,
        parameters: Real,
        *,
        unit: str = "",
        lowest: float | None = None,
    ) -> None:
        self._job, self._executor, self._settings = job, executor, settings
        self._request = job.prepared.request
        self._kept = Kept(job.journal, executor.state)
        self._parameters, self._unit, self._lowest = parameters, unit, lowest
        self._logical = settings.circuits(parameters)
        self.measurement = self._compiled(parameters)

    @property
    def circuits(self) -> list[Compiled]:
        """The circuits of the energy alone."""
        return [each.compiled for each in self.measurement.plain]

    def run(self, trained_energy: float) -> tuple[list[Counts], DeviceRun]:
        """Return the counts of the energy's own circuits, and what ran.

        Raises:
            CapReached: the limit on cost leaves not even the fewest shots.
            InvalidRequest: the mitigation that was asked for is not for so many qubits.
            DeviceUnavailable, QuotaExceeded, ServiceUnavailable, JobFailed: as the executor says.
        """
        shots, mitigated = self._affordable()
        try:
            counts, outcome = self._measured(shots, mitigated=mitigated)
        except NotAffordable:  # decided by an attempt that was interrupted before it paid
            shots, mitigated = self._decide()
            counts, outcome = self._measured(shots, mitigated=mitigated)
        left_out = self._left_out(shots, outcome)
        return counts, DeviceRun(
            emulated=self._executor.state.emulated,
            compilation=self._kept.summary(self._parameters, self._compilation),
            mitigation=outcome,
            trained_energy=trained_energy,
            cut_short=f"{CAP}: {', '.join(left_out)}" if left_out else None,
            cut_short_by=(CAP,) if left_out else (),
        )

    def protocol(self, shots: int) -> Mitigated:
        """Return how the energy is mitigated, with circuits of other angles to judge by."""
        checks = list(map(self._compiled, calibration_angles(self._parameters, CHECKS)))
        return Mitigated(
            self._request.mitigation,
            self.measurement,
            checks,
            shots,
            readout=self._readout(),
            lowest=self._lowest,
            unit=self._unit,
        )

    def _affordable(self) -> tuple[int, bool]:
        """Return the shots of each circuit that the limit on cost leaves, and if for mitigation."""
        decided = self._job.journal.decision(DECISION, _Shots)
        if decided is None:
            return self._decide()
        with self._job.journal.checked(DECISION):
            most = max(self._request.shots, self._executor.state.min_shots)
            if decided.shots > most:
                raise ValueError(refusal("shots", decided.shots, f"up to {most}"))
        return decided.shots, decided.mitigated

    def _decide(self) -> tuple[int, bool]:
        """Return the same for what is left of it now, and keep it for attempts to come."""
        shots, mitigated = self._left()
        self._job.journal.record_decision(DECISION, _Shots(shots=shots, mitigated=mitigated))
        return shots, mitigated

    def _left(self) -> tuple[int, bool]:
        asked, executor, settings = self._request.shots, self._executor, len(self._logical)
        if not self._request.mitigation.is_none:
            circuits = self._request.mitigation.executables(settings, verified_apart=False)
            shots = executor.affordable_shots(circuits, asked, SAMPLES)
            if shots >= FEWEST * asked:
                return shots, True
        shots = executor.affordable_shots(settings, asked, SAMPLES)
        return max(shots, executor.state.min_shots), False  # too few are refused by name

    def _measured(
        self, shots: int, *, mitigated: bool
    ) -> tuple[list[Counts], MitigationOutcome | None]:
        """Return the counts of the energy's own circuits, and what mitigation makes of the rest."""
        if not mitigated:
            return self._executor.run(self.circuits, shots, SAMPLES), None
        protocol = self.protocol(shots)
        counts = self._executor.run(protocol.circuits, shots, SAMPLES)
        log_phase("mitigating")
        return protocol.outcome(counts)

    def _compilation(self) -> Compilation | None:
        """Return how the circuit with the most gates on two qubits was compiled."""
        if self._executor.state.kind == "simulator":
            return None
        from hybrid_job.on_device.compilation import summarise  # noqa: PLC0415 (imports qiskit)

        largest = max(range(len(self._logical)), key=lambda k: self.circuits[k].two_qubit_gates)
        return summarise(self._logical[largest], self.circuits[largest], self._executor.state)

    def _left_out(self, shots: int, outcome: MitigationOutcome | None) -> list[str]:
        """Return what was left out for the limit on cost."""
        left_out = []
        if outcome is None and not self._request.mitigation.is_none:
            left_out.append("no mitigation of errors")
        if shots < self._request.shots:
            left_out.append(f"{shots} of {self._request.shots} shots")
        return left_out

    def _compiled(self, parameters: Real) -> Measurement:
        compiled = self._kept.circuits(
            "circuits",
            parameters,
            lambda: list(map(self._for_device, self._settings.circuits(parameters))),
        )
        return self._settings.measurement(parameters, compiled)

    def _for_device(self, circuit: Circuit) -> Compiled:
        state, noise = self._executor.state, self._request.noise or Noise()
        if state.kind == "simulator":  # it takes any gates, so nothing is to be compiled
            return Compiled(circuit, tuple(range(self._settings.n_qubits)), noise=noise)
        from hybrid_job.on_device.compilation import compile_circuit  # noqa: PLC0415 (as above)

        return compile_circuit(circuit, state, noise=noise, seed=self._request.seed)

    def _readout(self) -> MakeReadout:
        if not self.circuits[0].verbatim:
            return readout_circuits
        prepare = in_native_gates(self._executor.state.native_gates)
        return lambda compiled: readout_circuits(compiled, prepare)
