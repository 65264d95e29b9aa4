"""Recomputes what a job claims of a molecule, from the integrals that it found.

That these are the molecule's is the job's word. They must be of its size and charge, with the
repulsion of its nuclei and their own Hartree-Fock energy; every other energy follows from them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from quantum_pipeline.chemistry.active_space import ActiveSpace
from quantum_pipeline.chemistry.davidson import Lowest, lowest
from quantum_pipeline.chemistry.excitations import Excitation, state_of
from quantum_pipeline.chemistry.hamiltonian import Hamiltonian, energy_of
from quantum_pipeline.chemistry.integrals import Integrals, OrbitalIntegrals
from quantum_pipeline.chemistry.sector import Real, Sector
from quantum_pipeline.errors import InvalidResult
from quantum_pipeline.wording import refusal

TOLERANCE = 1e-7
"""Hartree between two computations of one energy."""

DIAGONALISED = 32_000
"""Determinants, of all geometries together, of which exact energies are computed again: CH4 in
STO-3G has 15,876, which takes 5 to 15 seconds and 300 MB."""


def check_molecule(
    repulsion: float,
    space: ActiveSpace,
    integrals: Integrals,
    given: OrbitalIntegrals | None = None,
) -> None:
    """Refuse integrals of other sizes, nuclei or Hartree-Fock energy than the molecule's.

    ``repulsion`` is that of its nuclei. Where all orbitals of ``given`` integrals are active, those
    of the result are the same ones rotated: traces and norms do not change.

    Raises:
        InvalidResult: names the figure, the claim and what it must be.
    """
    for name in ("n_core", "n_orbitals", "n_alpha", "n_beta"):
        claimed, expected = getattr(integrals, name), getattr(space, name)
        if claimed != expected:
            raise InvalidResult(refusal(f"integrals.{name}", claimed, str(expected)))
    _near("integrals.nuclear_repulsion", integrals.nuclear_repulsion, repulsion)
    if space.n_core == 0:
        _near("integrals.core_energy", integrals.core_energy, integrals.nuclear_repulsion)
    _near("hartree_fock", integrals.hartree_fock, integrals.recomputed_hartree_fock())
    if given is not None and given.n_orbitals == integrals.n_orbitals:
        for name, figure in _INVARIANT.items():
            _near(f"integrals.{name}", figure(integrals), figure(given))


_INVARIANT: dict[str, Callable[[OrbitalIntegrals], float]] = {
    "one_electron: trace": lambda each: float(np.trace(each.h)),
    "one_electron: norm": lambda each: float(np.linalg.norm(each.h)),
    "two_electron: trace": lambda each: float(np.einsum("ppqq->", each.eri)),
    "two_electron: norm": lambda each: float(np.linalg.norm(each.eri)),
}
"""What a rotation of orbitals leaves as it is."""


def check_solution(
    integrals: Integrals,
    excitations: Sequence[Excitation],
    parameters: Sequence[float],
    energy: float,
    ground: float | None,
) -> None:
    """Prepare the state anew and refuse an energy that is not its own, or not between the bounds.

        ground <= energy <= Hartree-Fock

    ``ground`` is the lowest of any spin: the product of excitations may mix spins.

    Cost: O(dimension) for each excitation, and O(dimension * row_width) for the energy.

    Raises:
        InvalidResult: names the figure, the claim and what it must be.
    """
    sector = Sector.of(integrals)
    if len(excitations) != len(parameters):
        raise InvalidResult(
            refusal("length of parameters", len(parameters), f"{len(excitations)}, as excitations")
        )
    for position, each in enumerate(excitations):
        _check_excitation(f"excitations.{position}", each, sector)
    state = state_of(sector, excitations, parameters)
    _near("energy", energy, energy_of(integrals, state))
    lowest = -np.inf if ground is None else ground
    if not lowest - TOLERANCE <= energy <= integrals.hartree_fock + TOLERANCE:
        allowed = f"from the lowest {lowest} to Hartree-Fock's {integrals.hartree_fock}"
        raise InvalidResult(refusal("energy", energy, allowed))


def exact_energies(integrals: Integrals) -> tuple[Lowest, Lowest]:
    """Return the lowest energies, of the least spin and of any, by diagonalisation.

    S_- S_+ of ``Sector.raising`` commutes with H, and is at least 2 but for the least spin. That of
    Hartree-Fock's determinant is the least: with its distance from the lowest energy for a weight,
    all states of other spins come to lie above it.

    Cost: some 50 products with the matrix for each energy, and the memory of ``Hamiltonian.of``.
    """
    sector = Sector.of(integrals)
    matrix = Hamiltonian.of(integrals, sector)
    ground = lowest(matrix.product, matrix.diagonal)
    weight = max(0.0, integrals.hartree_fock - ground.value) + 0.5
    target, source, sign = sector.raising()

    def raised(state: Real) -> Real:
        above = np.bincount(target, sign * state[source], minlength=1 + target.max(initial=0))
        back = np.bincount(source, sign * above[target], minlength=len(state))
        return np.asarray(matrix.product(state) + weight * back)

    often = np.bincount(source, minlength=sector.dimension)
    return lowest(raised, matrix.diagonal + weight * often), ground


def _check_excitation(name: str, excitation: Excitation, sector: Sector) -> None:
    low, high = (list(each) for each in excitation)
    orbitals = low + high
    right = (
        len(low) == len(high) in (1, 2)
        and len(set(orbitals)) == len(orbitals)
        and all(0 <= each < sector.n_qubits for each in orbitals)
        and (low, high) == (sorted(low), sorted(high))
        and sum(each % 2 for each in low) == sum(each % 2 for each in high)
    )
    if not right:
        allowed = f"one or two rising spin orbitals below {sector.n_qubits} each, spin conserved"
        raise InvalidResult(refusal(name, [low, high], allowed))


def _near(name: str, claimed: float, recomputed: float) -> None:
    if not abs(claimed - recomputed) <= TOLERANCE:
        raise InvalidResult(f"{name}: got {claimed}; recomputed it is {recomputed}")
