"""VQE as the job runs it: point by point the integrals, the amplitudes and the exact energy.

The amplitudes are trained on the exact state, which is free. On a device the energy of the lowest
point is measured then.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Annotated, Any

import numpy as np
from pydantic import Field

from hybrid_job.job import VqeJob, versions
from hybrid_job.journal import Journal, Kept, Vector
from hybrid_job.metrics import log_metric, log_phase
from hybrid_job.molecules.ansatz import Ansatz
from hybrid_job.molecules.excitation_search import Budget, Real
from hybrid_job.molecules.hartree_fock import NoOrbitals
from hybrid_job.molecules.point import Made, Solved, solve_point
from quantum_pipeline.chemistry.integrals import Integrals
from quantum_pipeline.chemistry.sector import Sector
from quantum_pipeline.chemistry.verification import check_molecule
from quantum_pipeline.errors import InvalidRequest
from quantum_pipeline.problems import Chemistry
from quantum_pipeline.quantities import Text
from quantum_pipeline.results import Evaluation, FailedPoint, MoleculePoint, MoleculeResult
from quantum_pipeline.results.molecule import check_point
from quantum_pipeline.wording import refusal

DECISION = "states to measure"
"""What the journal keeps before a device is paid for it: time may end a training elsewhere."""


class Orbitals(Kept):
    """What was made of a geometry: integrals over active orbitals, and all orbitals."""

    integrals: Integrals
    orbitals: tuple[Vector, ...]


class States(Kept):
    """What was trained before a device was paid for, with the energies of the evaluations."""

    points: Annotated[tuple[MoleculePoint, ...], Field(min_length=1)]
    energies: tuple[Annotated[Vector, Field(min_length=1)], ...]
    failed: tuple[FailedPoint, ...]
    left_out: Text


@dataclass
class RecordedBudget(Budget):
    """A budget whose evaluations are in the journal: a job that starts again repeats none.

    ``point`` is the number of the geometry, ``before`` how many evaluations the others took.
    """

    journal: Journal = field(kw_only=True)
    point: int = field(kw_only=True)
    before: int = field(kw_only=True)

    def evaluate(self, ansatz: Ansatz, parameters: Real) -> tuple[float, Real]:
        """Return energy and gradient as they stand in the journal, or compute and record them."""
        key = np.array([self.point, ansatz.identity, *parameters])
        found = self.journal.evaluation(key, parameters.shape)
        if found is None or len(self.history) == self.max_evaluations:
            found = super().evaluate(ansatz, parameters)
            self.journal.record_evaluation(key, *found)
        else:
            self.history.append(found[0])
        log_metric("energy", found[0], self.before + len(self.history))
        return found


@dataclass
class Scan:
    """The geometries so far: solved ones, those that failed, and what ended it early, if it did."""

    solved: list[Solved] = field(default_factory=list)
    failed: list[FailedPoint] = field(default_factory=list)
    left_out: str = ""

    @property
    def end(self) -> dict[str, Any]:
        """The result's fields that say how the whole ended: the first that is less than asked."""
        stopped = [each.point for each in self.solved if not each.point.converged]
        reason, limit = self.solved[-1].point.stop_reason, None
        if self.left_out:
            reason, limit = self.left_out, "limits.max_runtime_seconds"
        elif stopped:
            reason, limit = stopped[0].stop_reason, stopped[0].stopped_by
        elif self.failed:
            first = self.failed[0]
            reason = f"no energy at {first.bond_length_angstrom:g} angstrom: {first.reason}"
        return {
            "converged": not (stopped or self.left_out or self.failed),
            "stop_reason": reason,
            "stopped_by": limit,
        }


def solve(job: VqeJob) -> MoleculeResult:
    """Return the result of a run: each geometry solved, the one of lowest energy sampled.

    The evaluations and the time are shared out evenly, what one geometry leaves to the next ones.
    Where the time ends first, the geometries from there on are left out. One that cannot be solved
    does not stop the others.

    Raises:
        InvalidRequest: no geometry can be solved.
        PipelineError: what happens on a device, see ``on_device.molecules.energy``.
    """
    scan = _recorded(job) or _trained(job)
    return MoleculeResult(
        run_id=job.prepared.run_id,
        algorithm="vqe",
        engine="exact state among the determinants, numpy",
        ansatz=job.algorithm.ansatz,
        points=tuple(each.point for each in scan.solved),
        failed=tuple(scan.failed),
        history=_history(scan.solved),
        **scan.end,
        **_sampled(job, scan),
        seconds=job.seconds,
        versions=versions(),
    )


def _trained(job: VqeJob) -> Scan:
    lengths, scan = job.problem.lengths, Scan()
    for number, length in enumerate(lengths):
        if scan.solved and time.monotonic() > job.training_deadline:
            scan.left_out = f"limits.max_runtime_seconds: {number} of {len(lengths)} lengths"
            break
        log_phase("geometries", number + 1, len(lengths))
        try:
            scan.solved.append(_solve_point(job, length, scan))
        except NoOrbitals as error:
            print(error, flush=True)
            if length is None or (not scan.solved and number + 1 == len(lengths)):
                raise _unsolvable(job.problem, str(error)) from None
            scan.failed.append(FailedPoint(bond_length_angstrom=length, reason=str(error)))
    return scan


def _unsolvable(problem: Chemistry, reason: str) -> InvalidRequest:
    """Return the refusal of a molecule of which no geometry can be solved."""
    if problem.integrals is not None:
        field, value = "integrals", problem.integrals.fingerprint
    elif problem.geometry is not None:
        field, value = "geometry", problem.formula
    elif problem.bond_lengths_angstrom is not None:
        field, value = "bond_lengths_angstrom", str(list(problem.bond_lengths_angstrom))
    else:
        field, value = "bond_length_angstrom", str(problem.bond_length_angstrom)
    basis = "" if problem.basis is None else f" with problem.basis {problem.basis}"
    allowed = f"one that can be solved{basis}"
    return InvalidRequest(f"problem.{field}: got {value}; allowed: {allowed}; {reason}")


def _recorded(job: VqeJob) -> Scan | None:
    """Return what an earlier attempt has trained, and began to pay for the energy of."""
    found = job.journal.decision(DECISION, States)
    if found is None:
        return None
    with job.journal.checked(DECISION):
        if len(found.energies) != len(found.points):
            length = len(found.energies)
            raise ValueError(refusal("length of energies", length, f"{len(found.points)}"))
        for point in found.points:
            check_point(point, job.problem, diagonalise=False)
    return Scan(list(map(Solved, found.points, found.energies)), list(found.failed), found.left_out)


def _solve_point(job: VqeJob, length: float | None, scan: Scan) -> Solved:
    before = scan.solved[-1] if scan.solved else None
    return solve_point(
        job.problem,
        length,
        job.algorithm.ansatz,
        partial(_budget, job, scan),
        start=None if before is None else _amplitudes(before),
        near=None if before is None else before.orbitals,
        kept=partial(_kept, job, length),
        deadline=job.deadline(reserved=0.5),
        report=partial(print, flush=True),
    )


def _kept(job: VqeJob, length: float | None, make: Callable[[], Made]) -> Made:
    """Return what the first attempt made of a geometry, whose energies are in the journal."""

    def decide() -> Orbitals:
        integrals, orbitals = make()
        return Orbitals(integrals=integrals, orbitals=orbitals.tolist())

    purpose, problem = f"integrals at {length}", job.problem
    found = job.journal.decided(purpose, Orbitals, decide)
    with job.journal.checked(purpose):
        repulsion = problem.nuclear_repulsion(length)
        check_molecule(repulsion, problem.space, found.integrals, problem.integrals)
        size = problem.n_basis_functions
        lengths = {len(found.orbitals), *map(len, found.orbitals)}
        if lengths != {size}:
            raise ValueError(refusal("lengths of orbitals", sorted(lengths), f"{size}"))
    return found.integrals, np.array(found.orbitals)


def _budget(job: VqeJob, scan: Scan) -> RecordedBudget:
    """Return an even share of the evaluations and of the time that are left."""
    tried = len(scan.solved) + len(scan.failed)
    left = len(job.problem.lengths) - tried
    done = sum(each.point.evaluations for each in scan.solved)
    now, end = time.monotonic(), job.training_deadline
    return RecordedBudget(
        max_evaluations=max(1, (job.algorithm.max_evaluations - done) // left),
        deadline=now + (end - now) / left,
        journal=job.journal,
        point=tried,
        before=done,
    )


def _amplitudes(before: Solved) -> Real:
    """Return the amplitudes of a geometry, near which those of the next one are."""
    return np.array([each.amplitude for each in before.point.amplitudes])


def _history(solved: Sequence[Solved]) -> tuple[Evaluation, ...]:
    flat = [(point, energy) for point, each in enumerate(solved, 1) for energy in each.energies]
    return tuple(
        Evaluation(evaluation=number, start=point, energy=energy)
        for number, (point, energy) in enumerate(flat, 1)
    )


def _sampled(job: VqeJob, scan: Scan) -> dict[str, Any]:
    """Return what was drawn of the state of lowest energy, or what a device measured of it."""
    lowest = min((each.point for each in scan.solved), key=lambda point: point.energy)
    if job.prepared.device.kind == "local":
        counts = _counts(job, lowest)
        return {"counts": counts, "measured": None, "groups": (), "pair_counts": ()}
    log_phase("compiling")
    from hybrid_job.on_device.molecules.energy import (  # noqa: PLC0415 (takes seconds to import)
        measured_energy,
    )

    if job.journal.decision(DECISION, States) is None:
        trained = States(
            points=tuple(each.point for each in scan.solved),
            energies=tuple(tuple(each.energies) for each in scan.solved),
            failed=tuple(scan.failed),
            left_out=scan.left_out,
        )
        job.journal.record_decision(DECISION, trained)
    found = measured_energy(job, lowest)
    return {
        "counts": found.counts,
        "measured": found.raw,
        "groups": found.groups,
        "pair_counts": found.pair_counts,
        "device_run": found.run,
        "tasks": found.tasks,
    }


def _counts(job: VqeJob, point: MoleculePoint) -> dict[str, int]:
    """Return determinants drawn from the state: what measured spin orbitals would show."""
    sector = Sector.of(point.integrals)
    probabilities = point.state() ** 2
    shots = job.prepared.request.shots
    drawn = job.rng("shots").multinomial(shots, probabilities / probabilities.sum())
    return {sector.bitstring(int(at)): int(drawn[at]) for at in np.flatnonzero(drawn)}
