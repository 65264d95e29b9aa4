"""VQE as the job runs it: point by point the integrals, the amplitudes and the exact energy."""

from __future__ import annotations

import time
from collections.abc import Sequence

import numpy as np

from hybrid_job import vqe
from hybrid_job.job import Job, versions
from hybrid_job.metrics import log_metric
from hybrid_job.molecules import integrals
from hybrid_job.vqe import MoleculeSolution
from quantum_pipeline.algorithms import SettledVqe
from quantum_pipeline.chemistry.sector import Sector
from quantum_pipeline.problems import Chemistry
from quantum_pipeline.results import (
    Amplitude,
    Evaluation,
    Growth,
    MoleculePoint,
    MoleculeResult,
    PointSeconds,
)


def solve(job: Job) -> MoleculeResult:
    """Return the result of a run: each geometry solved, the one of lowest energy sampled.

    The evaluations and the time are shared out evenly, what one geometry leaves to the next ones.
    Where the time ends first, the geometries from there on are left out.
    """
    request, problem = job.prepared.request, job.prepared.request.problem
    algorithm = request.algorithm
    assert isinstance(problem, Chemistry)
    assert isinstance(algorithm, SettledVqe)
    solutions: list[MoleculeSolution] = []
    stop_reason = ""
    for number, length in enumerate(problem.lengths):
        left = len(problem.lengths) - number
        now, deadline = time.monotonic(), job.deadline(reserved=1.0)
        if solutions and now > deadline:
            stop_reason = f"limits.max_runtime_seconds: {number} of {number + left} lengths"
            break
        solutions.append(
            _solve_point(
                job,
                problem,
                length,
                before=solutions,
                max_evaluations=max(1, (algorithm.max_evaluations - _done(solutions)) // left),
                deadline=now + (deadline - now) / left,
            )
        )
    points = [
        _point(length, solution)
        for length, solution in zip(problem.lengths, solutions, strict=False)
    ]
    stopped = [point.stop_reason for point in points if not point.converged]
    return MoleculeResult(
        run_id=job.prepared.run_id,
        algorithm="vqe",
        engine="exact state among the determinants, numpy",
        ansatz=algorithm.ansatz,
        points=tuple(points),
        history=_history(solutions),
        converged=not stopped and not stop_reason,
        stop_reason=stop_reason or next(iter(stopped), points[-1].stop_reason),
        counts=_counts(job, min(solutions, key=lambda each: each.energy)),
        seconds=job.seconds,
        versions=versions(),
    )


def _solve_point(
    job: Job,
    problem: Chemistry,
    length: float | None,
    *,
    before: Sequence[MoleculeSolution],
    max_evaluations: int,
    deadline: float,
) -> MoleculeSolution:
    algorithm, done = job.prepared.request.algorithm, _done(before)
    assert isinstance(algorithm, SettledVqe)
    at = "" if length is None else f" at {length:g} angstrom"
    space = f"{problem.n_qubits} spin orbitals, {problem.sector.dimension} determinants"
    print(f"{problem.formula}{at}, {problem.basis}: integrals, {space}", flush=True)
    began = time.monotonic()
    made = integrals(
        problem.geometry_at(length),
        problem.basis,
        charge=problem.charge or 0,
        multiplicity=problem.multiplicity,
        active_electrons=problem.active_electrons,
        active_orbitals=problem.active_orbitals,
    )
    taken = time.monotonic() - began
    print(f"integrals: {taken:.3g} s; Hartree-Fock {made.hartree_fock:.6f} hartree", flush=True)
    solution = vqe.solve(
        made,
        algorithm.ansatz,
        start=before[-1].parameters if before else None,
        max_evaluations=max_evaluations,
        deadline=deadline,
        watch=lambda number, energy: log_metric("energy", energy, done + number),
    )
    print(f"{solution.energy:.6f} hartree: {solution.stop_reason}", flush=True)
    seconds = solution.seconds._replace(integrals=taken)
    return MoleculeSolution(**vars(solution) | {"seconds": seconds})


def _done(solutions: Sequence[MoleculeSolution]) -> int:
    return sum(len(solution.history) for solution in solutions)


def _history(solutions: Sequence[MoleculeSolution]) -> tuple[Evaluation, ...]:
    flat = [
        (point, energy)
        for point, solution in enumerate(solutions, 1)
        for energy in solution.history
    ]
    return tuple(
        Evaluation(evaluation=number, start=point, energy=energy)
        for number, (point, energy) in enumerate(flat, 1)
    )


def _point(length: float | None, solution: MoleculeSolution) -> MoleculePoint:
    pairs = zip(solution.excitations, solution.parameters, strict=True)
    return MoleculePoint(
        bond_length_angstrom=length,
        integrals=solution.integrals,
        amplitudes=tuple(
            Amplitude(annihilate=each.annihilate, create=each.create, amplitude=amplitude)
            for each, amplitude in pairs
        ),
        growth=tuple(Growth(**step._asdict()) for step in solution.growth),
        energy=solution.energy,
        exact=solution.exact,
        evaluations=len(solution.history),
        converged=solution.converged,
        stop_reason=solution.stop_reason,
        seconds=PointSeconds(**solution.seconds._asdict()),
    )


def _counts(job: Job, solution: MoleculeSolution) -> dict[str, int]:
    """Return determinants drawn from the state: what measured spin orbitals would show."""
    sector = Sector.of(solution.integrals)
    probabilities = solution.state**2
    shots = job.prepared.request.shots
    drawn = job.chance("shots").multinomial(shots, probabilities / probabilities.sum())
    return {sector.bitstring(int(at)): int(drawn[at]) for at in np.flatnonzero(drawn)}
