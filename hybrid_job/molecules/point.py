"""Solves a molecule at one geometry: integrals, amplitudes on the exact state, exact energy.

What is trained and what it is compared to are of the same orbitals and the same determinants.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from hybrid_job.molecules.exact import Exact, exact_energies
from hybrid_job.molecules.excitation_search import Budget, Real, Search
from hybrid_job.molecules.integrals import integrals_at
from hybrid_job.stopwatch import Stopwatch
from quantum_pipeline.chemistry.integrals import Integrals
from quantum_pipeline.problems import Chemistry
from quantum_pipeline.requests.algorithm import Ansatz
from quantum_pipeline.results import Amplitude, MoleculePoint, PointSeconds

Made = tuple[Integrals, Real]
"""Integrals over active orbitals, and all orbitals, shape (n, n)."""


@dataclass(frozen=True)
class Solved:
    """A geometry's part of the result, the energies of its evaluations, and its orbitals.

    ``orbitals`` has shape (n, n), None where they are not needed any more.
    """

    point: MoleculePoint
    energies: Sequence[float]
    orbitals: Real | None = None


def solve_point(
    problem: Chemistry,
    length: float | None,
    ansatz: Ansatz,
    budget: Callable[[], Budget],
    *,
    start: Real | None = None,
    near: Real | None = None,
    kept: Callable[[Callable[[], Made]], Made] = lambda make: make(),
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
        near: orbitals of a neighbouring geometry, one more start of Hartree-Fock.
        kept: returns integrals and orbitals that were made before in place of making them: they
            are not unique, and amplitudes belong to those that they were trained with.
        deadline: time of ``time.monotonic`` after which there is no exact energy.
        report: called with each stage, in words, before it begins.

    Raises:
        NoOrbitals: Hartree-Fock has none for this geometry.
    """
    at = "" if length is None else f" at {length:g} angstrom"
    basis = "" if problem.basis is None else f", {problem.basis}"
    report(f"{problem.formula}{at}{basis}: integrals and orbitals")
    watch = Stopwatch()
    made, orbitals = kept(lambda: integrals_at(problem, length, near))
    integrals_seconds = watch.lap()
    report(f"Hamiltonian of {problem.sector.dimension} determinants")
    search = Search(made, budget())
    setup_seconds = watch.lap()
    search.run(ansatz, start)
    optimise_seconds = watch.lap()
    report(f"{search.stop_reason}; exact diagonalisation")
    in_time = time.monotonic() < deadline
    exact = exact_energies(search.matrix, search.sector) if in_time else None
    seconds = PointSeconds(
        integrals=integrals_seconds,
        setup=setup_seconds,
        optimise=optimise_seconds,
        exact=watch.lap(),
    )
    return Solved(_point(length, search, exact, seconds), search.budget.history, orbitals)


def _point(
    length: float | None, search: Search, exact: Exact | None, seconds: PointSeconds
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
        exact=None if exact is None else exact.energy,
        ground=None if exact is None else exact.ground,
        evaluations=len(search.budget.history),
        converged=search.converged,
        stop_reason=search.stop_reason,
        stopped_by=search.stopped_by,
        seconds=seconds,
    )
