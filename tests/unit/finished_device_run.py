"""A run on an emulated QPU that has finished, made by hand: a ring of six on a lattice."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from quantum_pipeline.ising import all_energies
from quantum_pipeline.planning.costs import FREE, InstancePrice, estimate
from quantum_pipeline.planning.prepared import PreparedRun, StateSummary
from quantum_pipeline.reports import OptimisationReport
from quantum_pipeline.results import (
    Check,
    CircuitSize,
    Compilation,
    DepthStep,
    DeviceRun,
    Estimated,
    MitigationOutcome,
    OptimisationResult,
    QuantumTask,
    ScaledEnergy,
)
from tests.unit.finished_run import history, job_result, prepared_run, report_of
from tests.unit.textbook import qaoa_probabilities

RING = {"type": "maxcut", "edges": [[i, (i + 1) % 6] for i in range(6)]}
ROWS = ((1, 2), (3, 4, 5, 6, 7), (8, 9, 10, 11, 12), (13, 14, 15, 16, 17), (18, 19, 20))
BELOW = ((1, 4), (2, 5), (14, 18), (15, 19), (16, 20), *((q, q + 5) for q in range(3, 13)))
LATTICE = tuple(sorted([(a, a + 1) for row in ROWS for a in row[:-1]] + list(BELOW)))
ON_LATTICE = (4, 5, 10, 15, 14, 9)
EMULATED = "Emulated; topology: a lattice; errors: assumed, gates on two qubits 0.5 %, readout 2 %."
ALL = {"readout": True, "symmetry": True, "zne": "linear", "scales": [1.0, 3.0, 5.0]}
CUT = "limits.max_cost_usd = 10: no mitigation, 400 of 1000 shots"
CUT_SHORT: dict[str, Any] = {"cut_short": CUT, "cut_short_by": ("limits.max_cost_usd",)}
TASK = "arn:aws:braket:eu-north-1:123456789012:quantum-task/5a1e"

COMPILATION = Compilation(
    native_gates=("cz", "prx"),
    verbatim=True,
    plain=CircuitSize(
        by="the circuit as it is written, each ZZ one gate", depth=9, two_qubit_gates=12
    ),
    reference=CircuitSize(by="qiskit, level 3", depth=61, two_qubit_gates=36),
    compiled=CircuitSize(by="this pipeline", depth=29, two_qubit_gates=24),
    qubits=ON_LATTICE,
    couplers=LATTICE,
    used=tuple(zip(ON_LATTICE, ON_LATTICE[1:] + ON_LATTICE[:1], strict=True)),
    estimated_fidelity=0.74,
    calibrated_at="2026-08-20T06:00:00Z",
)


def estimated(energy: float, standard_error: float) -> Estimated:
    return Estimated(energy=energy, standard_error=standard_error)


def mitigation_outcome(raw: Estimated, changes: Mapping[str, Any]) -> MitigationOutcome:
    """Return what readout correction, symmetry and three noise scales made of a raw energy."""
    fields: dict[str, Any] = {
        "methods": ("readout", "symmetry", "zne"),
        "extrapolation": "linear",
        "extrapolation_used": ("linear",),
        "raw": raw,
        "mitigated": estimated(-4.96, 0.055),
        "scaled": (
            ScaledEnergy(scale=1, energy=-4.74, standard_error=0.035, accepted=0.86),
            ScaledEnergy(scale=3, energy=-4.33, standard_error=0.041, accepted=0.74),
            ScaledEnergy(scale=5, energy=-3.86, standard_error=0.049, accepted=0.66),
        ),
        "checks": (
            Check(exact=-6, raw=estimated(-5.21, 0.03), mitigated=estimated(-5.93, 0.06)),
            Check(exact=-6, raw=estimated(-5.28, 0.03), mitigated=estimated(-6.05, 0.06)),
        ),
        "kept": "mitigated",
        "kept_because": "on 2 calibration circuits of known energy the error is 0.0608 mitigated "
        "and 0.756 raw (root mean square)",
        "extra_shots": 13_000,
    }
    return MitigationOutcome(**(fields | dict(changes)))


def prepared_on_device(
    problem: Mapping[str, Any] = RING, *, emulated: str | None = EMULATED, **request: Any
) -> PreparedRun:
    """Return what prepare leaves of a request for Garnet."""
    request = {"shots": 1000, "mitigation": ALL, "limits": {"max_cost_usd": 30.0}} | request
    prepared = prepared_run(problem, device="garnet", **request)
    summary = StateSummary(
        status="ONLINE",
        n_qubits=20,
        queue=3,
        native_gates=COMPILATION.native_gates,
        max_executables=100,
        two_qubit_fidelity=0.995,
        calibrated_at=COMPILATION.calibrated_at,
        emulated=emulated,
    )
    return prepared.model_copy(update={"state_summary": summary})


def not_billed() -> PreparedRun:
    """Return what prepare leaves on this machine, where the job's instance is free."""
    prepared = prepared_on_device()
    free = InstancePrice(instance_type="ml.m5.large", usd_per_hour=0, as_of=FREE)
    cost = estimate(prepared.request, free, [(prepared.device, prepared.plan)])
    return prepared.model_copy(update={"estimate": cost})


def noisy_counts(prepared: PreparedRun, shots: int | None = None) -> dict[str, int]:
    """Return shots that favour low energies: exp(-1.1 E) of each bitstring, by chance."""
    energy = all_energies(prepared.ising)
    weights = np.exp(-1.1 * (energy - energy.min()))
    drawn = np.random.default_rng(7).multinomial(
        shots or prepared.request.shots, weights / weights.sum()
    )
    n = prepared.ising.n_variables
    return {format(k, f"0{n}b"): int(count) for k, count in enumerate(drawn) if count}


def device_result(
    prepared: PreparedRun,
    counts: Mapping[str, int] | None = None,
    *,
    mitigated: bool | Mapping[str, Any] = True,
    run: Mapping[str, Any] | None = None,
    **changes: Any,
) -> OptimisationResult:
    """Return the result of a job that measured ``counts`` on the device.

    ``mitigated`` has fields of the mitigation to be replaced, ``run`` those of the device run, and
    ``changes`` those of the result.
    """
    counts = noisy_counts(prepared) if counts is None else counts
    plain = job_result(prepared, counts)
    error = plain.standard_error
    assert error is not None
    outcome = None
    if mitigated is not False:
        replaced = mitigated if isinstance(mitigated, Mapping) else {}
        shots = sum(counts.values())
        raw = estimated(plain.mean_energy, error * math.sqrt(shots / (shots - 1)))
        outcome = mitigation_outcome(raw, replaced)
    summary = prepared.state_summary
    fields: dict[str, Any] = {
        "emulated": None if summary is None else summary.emulated,
        "compilation": COMPILATION,
        "mitigation": outcome,
        "trained_energy": -5.0,
        "cut_short": None,
        "cut_short_by": (),
    }
    shots = sum(counts.values())
    tasks = (
        QuantumTask(
            arn=TASK,
            executables=1 if outcome is None else 14,
            shots=shots if outcome is None else shots + outcome.extra_shots,
        ),
    )
    told = {"tasks": tasks, "device_run": DeviceRun(**(fields | dict(run or {})))}
    return job_result(prepared, counts, **(told | changes))


def trained(prepared: PreparedRun) -> float:
    """Return the energy that the circuit has without noise."""
    gammas, betas = (0.3, 0.6), (-0.6, -0.3)
    energy = all_energies(prepared.ising)
    return float(qaoa_probabilities(energy, gammas, betas) @ energy)


def honest_on_device(
    prepared: PreparedRun,
    counts: Mapping[str, int] | None = None,
    *,
    run: Mapping[str, Any] | None = None,
    **changes: Any,
) -> OptimisationResult:
    """Return such a result whose training is that of its circuit; arguments as before."""
    energy = trained(prepared)
    course = {
        "history": history([energy + 0.3, energy]),
        "depths": (DepthStep(depth=2, energy=energy, evaluations=2),),
    }
    return device_result(
        prepared, counts, run={"trained_energy": energy} | dict(run or {}), **(course | changes)
    )


def measured_on_device(prepared: PreparedRun | None = None, **changes: Any) -> OptimisationReport:
    """Return the report of a finished device run; ``changes`` as those of ``device_result``."""
    prepared = prepared_on_device() if prepared is None else prepared
    return report_of(prepared, device_result(prepared, **changes))
