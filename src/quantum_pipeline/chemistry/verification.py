"""Verifies a job's result for a molecule by recomputing it: nothing in a result is trusted.

The integrals themselves are the job's: that they are Hartree-Fock's is not recomputed, only that
they are of the right molecule's size and charge, and that every energy follows from them.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from quantum_pipeline.chemistry.active_space import ActiveSpace
from quantum_pipeline.chemistry.excitations import Excitation, state_of
from quantum_pipeline.chemistry.hamiltonian import Hamiltonian, energy_of
from quantum_pipeline.chemistry.integrals import Integrals
from quantum_pipeline.chemistry.molecules import Geometry, nuclear_repulsion
from quantum_pipeline.chemistry.sector import Sector
from quantum_pipeline.errors import InvalidResult
from quantum_pipeline.wording import refusal

TOLERANCE = 1e-7
"""Hartree between two computations of one energy."""


def check_molecule(geometry: Geometry, space: ActiveSpace, integrals: Integrals) -> None:
    """Refuse integrals of other sizes, nuclei or Hartree-Fock energy than the molecule's.

    Raises:
        InvalidResult: names the figure, the claim and what it must be.
    """
    for name in ("n_core", "n_orbitals", "n_alpha", "n_beta"):
        claimed, expected = getattr(integrals, name), getattr(space, name)
        if claimed != expected:
            raise InvalidResult(refusal(f"integrals.{name}", claimed, str(expected)))
    _near("integrals.nuclear_repulsion", integrals.nuclear_repulsion, nuclear_repulsion(geometry))
    if space.n_core == 0:
        _near("integrals.core_energy", integrals.core_energy, integrals.nuclear_repulsion)
    _near("hartree_fock", integrals.hartree_fock, integrals.recomputed_hartree_fock())


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


def exact_energies(integrals: Integrals) -> tuple[float, float]:
    """Return the lowest energies, of the least spin and of any, by dense diagonalisation.

    S_- S_+ of ``Sector.raising`` commutes with H, and is at least 2 but for the least spin: times
    the width of the spectrum, all other states come to lie above it. Cost: O(dimension^3).
    """
    sector = Sector.of(integrals)
    matrix = Hamiltonian.of(integrals, sector).dense()
    values = np.linalg.eigvalsh(matrix)
    target, source, sign = sector.raising()
    raising = np.zeros((1 + target.max(initial=0), sector.dimension))
    raising[target, source] = sign
    raised = (1 + values[-1] - values[0]) * (raising.T @ raising)
    return float(np.linalg.eigvalsh(matrix + raised)[0]), float(values[0])


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
