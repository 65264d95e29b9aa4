"""Chooses which electrons and orbitals are active, and which stay frozen as in Hartree-Fock."""

from __future__ import annotations

from typing import NamedTuple

from quantum_pipeline.chemistry.basis import n_orbitals
from quantum_pipeline.chemistry.molecules import Geometry, n_electrons
from quantum_pipeline.wording import refusal


class ActiveSpace(NamedTuple):
    """The lowest ``n_core`` orbitals are doubly occupied, the next ``n_orbitals`` are free."""

    n_core: int
    n_orbitals: int
    n_alpha: int
    n_beta: int

    @property
    def n_qubits(self) -> int:
        """Spin orbitals, one qubit each."""
        return 2 * self.n_orbitals


def active_space(
    geometry: Geometry,
    basis: str = "sto-3g",
    *,
    charge: int = 0,
    multiplicity: int = 1,
    active_electrons: int | None = None,
    active_orbitals: int | None = None,
) -> ActiveSpace:
    """Return the active space of a molecule: all electrons and orbitals, unless fewer are asked.

    ``multiplicity`` is 1 + the number of unpaired electrons, all of them alpha.

    >>> from quantum_pipeline.chemistry.molecules import geometry_of
    >>> active_space(geometry_of("LiH", 1.546), active_electrons=2, active_orbitals=5)
    ActiveSpace(n_core=1, n_orbitals=5, n_alpha=1, n_beta=1)

    Raises:
        ValueError: names the field, its value and what is allowed.
    """
    electrons = n_electrons(geometry, charge)
    available = n_orbitals(geometry, basis)
    most = sum(n_electrons(((symbol, at),)) for symbol, at in geometry) - 1
    if not 1 <= electrons <= 2 * available:
        allowed = f"from {most + 1 - 2 * available} to {most}: 1 to {2 * available} electrons"
        raise ValueError(refusal("charge", charge, allowed))
    return space_within(
        electrons,
        available,
        multiplicity=multiplicity,
        active_electrons=active_electrons,
        active_orbitals=active_orbitals,
    )


def space_within(
    electrons: int,
    available: int,
    *,
    multiplicity: int = 1,
    active_electrons: int | None = None,
    active_orbitals: int | None = None,
) -> ActiveSpace:
    """Return the active space of so many electrons in so many orbitals.

    >>> space_within(4, 6, multiplicity=3)
    ActiveSpace(n_core=0, n_orbitals=6, n_alpha=3, n_beta=1)

    Raises:
        ValueError: names the field, its value and what is allowed.
    """
    unpaired = multiplicity - 1
    if not 0 <= unpaired <= electrons or (electrons - unpaired) % 2:
        allowed = f"{'odd' if electrons % 2 == 0 else 'even'} numbers up to {electrons + 1}"
        raise ValueError(
            refusal("multiplicity", multiplicity, f"{allowed}, of {electrons} electrons")
        )
    active = electrons if active_electrons is None else active_electrons
    if not max(unpaired, 1) <= active <= electrons or (electrons - active) % 2:
        step = "even" if electrons % 2 == 0 else "odd"
        allowed = f"{step} numbers from {max(unpaired, 2 - electrons % 2)} to {electrons}"
        raise ValueError(refusal("active_electrons", active_electrons, allowed))
    core, n_alpha = (electrons - active) // 2, (active + unpaired) // 2
    orbitals = available - core if active_orbitals is None else active_orbitals
    if not n_alpha <= orbitals <= available - core:
        allowed = (
            f"from {n_alpha} to {available - core}: {active} electrons, {core} frozen orbitals"
        )
        raise ValueError(refusal("active_orbitals", active_orbitals, allowed))
    return ActiveSpace(core, orbitals, n_alpha, active - n_alpha)
