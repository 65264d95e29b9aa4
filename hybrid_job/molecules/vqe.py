"""The variational quantum eigensolver of molecules, on the exact state among the determinants.

Beside the energy found stand Hartree-Fock and full configuration interaction in the same orbitals.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.sparse.linalg import eigsh

from hybrid_job.molecules.ansatz import Ansatz
from hybrid_job.molecules.excitation_search import (
    SLOPE,
    Budget,
    Growth,
    LimitReached,
    Search,
    Watch,
)
from hybrid_job.molecules.integrals import integrals as integrals_of
from quantum_pipeline.chemistry.excitations import Excitation, rotation
from quantum_pipeline.chemistry.integrals import Integrals
from quantum_pipeline.chemistry.molecules import Geometry
from quantum_pipeline.chemistry.sector import Sector, leading
from quantum_pipeline.chemistry.sizes import check_size
from quantum_pipeline.errors import InvalidRequest

Real = NDArray[np.float64]
AnsatzName = Literal["uccsd", "adapt"]

DENSE = 64
"""Largest sector whose matrix is diagonalised whole, which is then faster than Lanczos."""


class Seconds(NamedTuple):
    """Where the time went; ``setup`` is matrix and excitations."""

    integrals: float
    setup: float
    optimise: float
    exact: float


@dataclass(frozen=True)
class MoleculeSolution:
    """The state of lowest energy found, in hartree, with what it is compared to.

    ``exact`` is the lowest eigenvalue in the same orbitals and sector, of whatever spin; None where
    time did not allow it. ``state`` has an amplitude per determinant of ``Sector.of(integrals)``.
    """

    integrals: Integrals
    ansatz: AnsatzName
    excitations: tuple[Excitation, ...]
    parameters: tuple[float, ...]
    energy: float
    exact: float | None
    state: Real
    history: tuple[float, ...]
    growth: tuple[Growth, ...]
    converged: bool
    stop_reason: str
    seconds: Seconds

    @property
    def sector(self) -> Sector:
        """The determinants that the state is made of."""
        return Sector.of(self.integrals)

    @property
    def hartree_fock(self) -> float:
        """The energy without correlation."""
        return self.integrals.hartree_fock

    @property
    def error_millihartree(self) -> float | None:
        """How far above the exact energy the state is; chemical accuracy is 1.6."""
        return None if self.exact is None else 1000 * (self.energy - self.exact)

    @property
    def correlation_recovered(self) -> float | None:
        """(E_HF - E) / (E_HF - E_exact), None where there is no correlation."""
        if self.exact is None or self.hartree_fock - self.exact < 1e-9:
            return None
        return (self.hartree_fock - self.energy) / (self.hartree_fock - self.exact)

    @property
    def spin_squared(self) -> float:
        """<S^2> of the state."""
        return self.sector.spin_squared(self.state)

    @property
    def determinants(self) -> Sequence[tuple[str, float]]:
        """The likeliest determinants as (bitstring, probability)."""
        return leading(self.sector, self.state)


def solve_molecules(
    geometries: Iterable[Geometry],
    basis: str = "sto-3g",
    ansatz: AnsatzName = "uccsd",
    *,
    charge: int = 0,
    multiplicity: int = 1,
    active_electrons: int | None = None,
    active_orbitals: int | None = None,
    **limits: Any,
) -> Iterator[MoleculeSolution]:
    """Yield the solution of each geometry, as of a bond that is stretched step by step.

    UCCSD starts from the parameters of the geometry before where they are better than none.
    ``limits`` are those of ``solve``, for each geometry; what is refused see ``molecules``.
    """
    start: Sequence[float] | None = None
    for geometry in geometries:
        began = time.monotonic()
        made = integrals_of(
            geometry,
            basis,
            charge=charge,
            multiplicity=multiplicity,
            active_electrons=active_electrons,
            active_orbitals=active_orbitals,
        )
        taken = time.monotonic() - began
        solution = solve(made, ansatz, start=start, **limits)
        start = solution.parameters
        yield replace(solution, seconds=solution.seconds._replace(integrals=taken))


def solve(
    integrals: Integrals,
    ansatz: AnsatzName = "uccsd",
    *,
    start: Sequence[float] | None = None,
    slope: float = SLOPE,
    max_evaluations: int = 10_000,
    deadline: float = math.inf,
    watch: Watch | None = None,
) -> MoleculeSolution:
    """Return the lowest state of the ansatz that the limits allow, and the exact energy.

    Args:
        integrals: from ``molecules.integrals``.
        ansatz: "uccsd" or "adapt".
        start: parameters of UCCSD, as of a neighbouring geometry, used if better than zeros.
        slope: norm of the gradient in hartree at which ADAPT stops.
        max_evaluations: of energy and gradient together.
        deadline: time of ``time.monotonic`` after which no evaluation but the first is begun.
        watch: called after each evaluation.

    Raises:
        InvalidRequest: the active space takes too much memory; says which would fit.
    """
    try:
        check_size(Sector.of(integrals))
    except ValueError as refused:
        raise InvalidRequest(str(refused)) from None
    times = [time.monotonic()]
    search = Search(integrals, Budget(max_evaluations, deadline, watch))
    times.append(time.monotonic())
    given = None if start is None or len(start) != len(search.pool) else np.array(start)
    if not search.pool:
        search.energy, _ = search.budget.evaluate(Ansatz(search.matrix), search.parameters)
        search.converged, search.stop_reason = True, "there is nothing to excite"
    else:
        try:
            search.uccsd(given) if ansatz == "uccsd" else search.adapt(slope)
        except LimitReached as limit:
            search.converged, search.stop_reason = False, str(limit)
    times.append(time.monotonic())
    exact = lowest_eigenvalue(search.matrix) if times[-1] < deadline else None
    times.append(time.monotonic())
    final = Ansatz(search.matrix, (rotation(search.sector, each) for each in search.chosen))
    return MoleculeSolution(
        integrals=integrals,
        ansatz=ansatz,
        excitations=tuple(search.chosen),
        parameters=tuple(search.parameters.tolist()),
        energy=search.energy,
        exact=exact,
        state=final.state(search.parameters),
        history=tuple(search.budget.history),
        growth=tuple(search.growth),
        converged=search.converged,
        stop_reason=search.stop_reason,
        seconds=Seconds(0.0, *np.diff(times).tolist()),
    )


def lowest_eigenvalue(matrix: csr_array) -> float:
    """Return the ground state's energy: full configuration interaction in the sector."""
    n = matrix.shape[0]
    if n <= DENSE:
        return float(np.linalg.eigvalsh(matrix.toarray())[0])
    start = np.random.default_rng(0).normal(size=n)  # of every symmetry, and the same each time
    return float(eigsh(matrix, k=1, which="SA", v0=start, return_eigenvectors=False)[0])
