"""A molecule whose run has finished: solved by the job's own solver, in milliseconds."""

from __future__ import annotations

import contextlib
import io
import tempfile
import time
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np

from hybrid_job import main
from hybrid_job.journal import Journal
from quantum_pipeline.chemistry.excitations import Excitation, rotate, rotation
from quantum_pipeline.chemistry.factorisation import groups
from quantum_pipeline.chemistry.measuring import diagonals, mean_energy, pair_counts
from quantum_pipeline.chemistry.sector import Sector
from quantum_pipeline.devices.catalogue import find
from quantum_pipeline.planning.prepared import PreparedRun
from quantum_pipeline.reports import MoleculeReport, build_report
from quantum_pipeline.results import (
    Check,
    DeviceRun,
    Estimated,
    MitigationOutcome,
    MoleculeResult,
    QuantumTask,
    ScaledEnergy,
)
from tests.unit.finished_run import outcome_of, prepared_run

H2 = {"molecule": "H2", "bond_length_angstrom": 0.74}
SCAN = {"molecule": "H2", "bond_lengths_angstrom": [0.5, 0.7, 0.8, 1.2, 2.0]}
OPEN_SHELL = {"geometry": [["O", [0, 0, 0]], ["H", [0, 0, 0.97]]], "multiplicity": 2}

PARTLY = {
    "molecule": "H4",
    "bond_lengths_angstrom": [0.8, 0.1, 1.0],
    "basis": "6-31g",
    "active_electrons": 2,
    "active_orbitals": 2,
}
"""At 0.1 angstrom its functions cannot be told apart."""


def prepared_molecule(molecule: Mapping[str, Any], **request: Any) -> PreparedRun:
    """Return what prepare leaves of a request for a molecule."""
    return prepared_run({"type": "chemistry", **molecule}, **request)


def solved_molecule(prepared: PreparedRun, folder: Path | None = None) -> MoleculeResult:
    """Return the result of the job, its log left out; ``folder`` keeps its journal."""
    with tempfile.TemporaryDirectory() as empty, contextlib.redirect_stdout(io.StringIO()):
        journal = Journal(folder or Path(empty), prepared.request)
        with closing(journal):
            result = main.solve(prepared, journal, time.monotonic())
    assert isinstance(result, MoleculeResult)
    return result


NOISE = {"one_qubit": 0.001, "two_qubit": 0.01, "readout": 0.02}
MITIGATION = {"readout": True, "symmetry": True, "zne": "linear", "scales": [1.0, 3.0]}


def measured_molecule(prepared: PreparedRun, misread: float = 0.02) -> MoleculeResult:
    """Return the result of a job on DM1, made by hand: shots of each group, some bits misread."""
    local = prepared.model_copy(update={"device": find("local")})
    solved, rng = solved_molecule(local), np.random.default_rng(11)
    integrals, shots = solved.lowest.integrals, prepared.request.shots
    sector, counts, energy = Sector.of(integrals), list[dict[str, int]](), 0.0
    measured = groups(integrals)
    for turns, model in diagonals(integrals, measured):
        state = solved.lowest.state()
        for turn in turns:
            for q in (2 * turn.lower, 2 * turn.lower + 1):
                rotate(state, rotation(sector, Excitation((q,), (q + 2,))), turn.angle)
        seen: dict[str, int] = {}
        for drawn in rng.choice(sector.dimension, shots, p=state**2 / np.sum(state**2)):
            wrong = rng.random(sector.n_qubits) < misread
            bits = zip(sector.bitstring(int(drawn)), wrong, strict=True)
            read = "".join(str(int(bit) ^ int(flip)) for bit, flip in bits)
            seen[read] = seen.get(read, 0) + 1
        counts.append(seen)
        energy += mean_energy(model, pair_counts(seen), shots)
    raw = Estimated(energy=energy, standard_error=0.006)
    executables = prepared.request.mitigation.executables(len(counts), verified_apart=False)
    outcome = None
    if not prepared.request.mitigation.is_none:
        outcome = mitigation_of(raw, solved.lowest.energy, (executables - len(counts)) * shots)
    task = QuantumTask(
        arn="arn:aws:braket:us-east-1:123456789012:quantum-task/5a1e",
        executables=executables,
        shots=executables * shots,
        billed_minutes=0.05,
    )
    return solved.model_copy(
        update={
            "counts": counts[0],
            "measured": raw,
            "groups": tuple(measured),
            "pair_counts": tuple(map(pair_counts, counts)),
            "device_run": DeviceRun(
                emulated=None,
                compilation=None,
                mitigation=outcome,
                trained_energy=solved.lowest.energy,
                cut_short=None,
                cut_short_by=(),
            ),
            "tasks": (task,),
        }
    )


def mitigation_of(raw: Estimated, exact: float, extra_shots: int) -> MitigationOutcome:
    """Return what mitigation made of a raw energy: an error of 2 mHa."""
    near = Estimated(energy=exact + 0.002, standard_error=0.004)
    return MitigationOutcome(
        methods=("readout", "symmetry", "zne"),
        extrapolation="linear",
        extrapolation_used=("linear",),
        raw=raw,
        mitigated=near,
        scaled=tuple(
            ScaledEnergy(
                scale=scale, energy=exact + 0.01 * scale, standard_error=0.003, accepted=0.9
            )
            for scale in (1.0, 3.0)
        ),
        checks=(Check(exact=exact, raw=raw, mitigated=near),),
        kept="mitigated",
        kept_because="on 1 calibration circuit of known energy the error is 0.002 mitigated",
        extra_shots=extra_shots,
    )


def report_of_molecule(
    prepared: PreparedRun, result: MoleculeResult | None = None
) -> MoleculeReport:
    """Return the report of a result, by default of the job's own."""
    outcome = outcome_of(prepared, () if result is None else result.tasks)
    report = build_report(prepared, outcome, result or solved_molecule(prepared))
    assert isinstance(report, MoleculeReport)
    return report
