"""Solves a molecule at one geometry: integrals, amplitudes on the exact state, exact energy.

What is trained and what it is compared to are of the same orbitals and the same determinants.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from hybrid_job.molecules.exact import lowest_eigenvalue
from hybrid_job.molecules.excitation_search import Budget, Real, Search
from hybrid_job.molecules.integrals import integrals
from hybrid_job.stopwatch import Stopwatch
from quantum_pipeline.chemistry.integrals import Integrals
from quantum_pipeline.problems import Chemistry
from quantum_pipeline.requests.algorithm import Ansatz
from quantum_pipeline.results import Amplitude, MoleculePoint, PointSeconds


@dataclass(frozen=True)
class Solved:
    """A geometry's part of the result, and the energies of its evaluations."""

    point: MoleculePoint
    energies: Sequence[float]


def solve_point(
    problem: Chemistry,
    length: float | None,
    ansatz: Ansatz,
    budget: Callable[[], Budget],
    *,
    start: Real | None = None,
    deadline: float = math.inf,
    report: Callable[[str], None] = lambda _: None,
) -> Solved:
    """Return the state of lowest energy that the budget finds, and the exact energy beside it.

    Args:
        problem: the molecule.
        length: one of its ``lengths``.
        ansatz: "uccsd" or "adapt".
        budget: makes the limits of the training when that begins: time may be a share of what is
            left then.
        start: amplitudes of UCCSD, as of a neighbouring geometry, used if better than zeros.
        deadline: time of ``time.monotonic`` after which there is no exact energy.
        report: called with each stage, in words, before it begins.

    Raises:
        InvalidRequest: Hartree-Fock does not converge.
    """
    at = "" if length is None else f" at {length:g} angstrom"
    report(f"{problem.formula}{at}, {problem.basis}: integrals and orbitals")
    watch = Stopwatch()
    made = _integrals(problem, length)
    integrals_seconds = watch.lap()
    report(f"Hamiltonian of {problem.sector.dimension} determinants")
    search = Search(made, budget())
    setup_seconds = watch.lap()
    search.run(ansatz, start)
    optimise_seconds = watch.lap()
    report(f"{search.stop_reason}; exact diagonalisation")
    exact = lowest_eigenvalue(search.matrix) if time.monotonic() < deadline else None
    seconds = PointSeconds(
        integrals=integrals_seconds,
        setup=setup_seconds,
        optimise=optimise_seconds,
        exact=watch.lap(),
    )
    return Solved(_point(length, search, exact, seconds), search.budget.history)


def _integrals(problem: Chemistry, length: float | None) -> Integrals:
    return integrals(
        problem.geometry_at(length),
        problem.basis,
        charge=problem.charge or 0,
        multiplicity=problem.multiplicity,
        active_electrons=problem.active_electrons,
        active_orbitals=problem.active_orbitals,
    )


def _point(
    length: float | None, search: Search, exact: float | None, seconds: PointSeconds
) -> MoleculePoint:
    chosen = zip(search.chosen, search.parameters.tolist(), strict=True)
    return MoleculePoint(
        bond_length_angstrom=length,
        integrals=search.integrals,
        amplitudes=tuple(
            Amplitude(annihilate=each.annihilate, create=each.create, amplitude=amplitude)
            for each, amplitude in chosen
        ),
        growth=tuple(search.growth),
        energy=search.energy,
        exact=exact,
        evaluations=len(search.budget.history),
        converged=search.converged,
        stop_reason=search.stop_reason,
        stopped_by=search.stopped_by,
        seconds=seconds,
    )
