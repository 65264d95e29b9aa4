"""The molecules that can be named, the positions of their nuclei, and the nuclear repulsion.

A named molecule has one length, ``bond_length_angstrom``; every other shape is given as a geometry.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import combinations
from math import cos, dist, pi, sin
from typing import NamedTuple

from quantum_pipeline.refusals import did_you_mean
from quantum_pipeline.wording import refusal

Point = tuple[float, float, float]
Geometry = tuple[tuple[str, Point], ...]
"""Element and position in angstrom of each nucleus."""

BOHR_ANGSTROM = 0.529177210544
"""Length of one bohr in angstrom. Source: CODATA 2022."""

ELEMENTS = (
    *("H", "He", "Li", "Be", "B", "C", "N", "O", "F", "Ne"),
    *("Na", "Mg", "Al", "Si", "P", "S", "Cl", "Ar"),
)
"""The elements by nuclear charge, from 1."""

CLOSEST = 0.1
"""Smallest distance of two nuclei in angstrom: nearer, basis functions are nearly the same."""

WATER_ANGLE = 104.5
TETRAHEDRAL = 1 / 3**0.5


class NamedMolecule(NamedTuple):
    """A shape of one free length, and the charge that the name says."""

    place: Callable[[float], Geometry]
    charge: int = 0
    length: str = "distance of its atoms"


def _line(*symbols: str) -> Callable[[float], Geometry]:
    """Return the placement of nuclei on the z axis, all at one distance."""
    return lambda length: tuple(
        (symbol, (0.0, 0.0, position * length)) for position, symbol in enumerate(symbols)
    )


def _ring(symbol: str, n: int) -> Callable[[float], Geometry]:
    """Return the placement of nuclei on the corners of a regular polygon."""
    turns = [2 * pi * k / n for k in range(n)]
    radius = 1 / (2 * sin(pi / n))
    return lambda length: tuple(
        (symbol, (length * radius * cos(turn), length * radius * sin(turn), 0.0)) for turn in turns
    )


def _water(length: float) -> Geometry:
    half = WATER_ANGLE * pi / 360
    x, z = length * sin(half), length * cos(half)
    return ("O", (0.0, 0.0, 0.0)), ("H", (x, 0.0, z)), ("H", (-x, 0.0, z))


def _methane(length: float) -> Geometry:
    side = length * TETRAHEDRAL
    corners = [(side, side, side), (side, -side, -side), (-side, side, -side), (-side, -side, side)]
    return ("C", (0.0, 0.0, 0.0)), *(("H", corner) for corner in corners)


NAMED = {
    "H2": NamedMolecule(_line("H", "H")),
    "H3+": NamedMolecule(_ring("H", 3), 1, "side of the triangle"),
    "H4": NamedMolecule(_line("H", "H", "H", "H"), 0, "distance of neighbours in the chain"),
    "H6": NamedMolecule(_line(*"HHHHHH"), 0, "distance of neighbours in the chain"),
    "HeH+": NamedMolecule(_line("He", "H"), 1),
    "LiH": NamedMolecule(_line("Li", "H")),
    "BeH2": NamedMolecule(_line("H", "Be", "H"), 0, "distance of Be and H, on a line"),
    "BH": NamedMolecule(_line("B", "H")),
    "CH4": NamedMolecule(_methane, 0, "distance of C and H, tetrahedral"),
    "H2O": NamedMolecule(_water, 0, f"distance of O and H, at an angle of {WATER_ANGLE} degrees"),
    "HF": NamedMolecule(_line("H", "F")),
    "N2": NamedMolecule(_line("N", "N")),
    "CO": NamedMolecule(_line("C", "O")),
    "F2": NamedMolecule(_line("F", "F")),
    "NaH": NamedMolecule(_line("Na", "H")),
    "HCl": NamedMolecule(_line("H", "Cl")),
}
"""Molecules that a request can name."""


def geometry_of(molecule: str, bond_length_angstrom: float) -> Geometry:
    """Return the nuclei of a named molecule.

    >>> geometry_of("LiH", 1.5)
    (('Li', (0.0, 0.0, 0.0)), ('H', (0.0, 0.0, 1.5)))

    Raises:
        ValueError: the name is not in ``NAMED``, or the length is too short.
    """
    if molecule not in NAMED:
        allowed = f"{', '.join(NAMED)}; any other one as geometry{did_you_mean(molecule, NAMED)}"
        raise ValueError(refusal("molecule", molecule, allowed))
    if not bond_length_angstrom >= CLOSEST:
        allowed = f"at least {CLOSEST} angstrom"
        raise ValueError(refusal("bond_length_angstrom", bond_length_angstrom, allowed))
    return NAMED[molecule].place(bond_length_angstrom)


def check_geometry(geometry: Geometry) -> None:
    """Refuse nuclei of unknown elements, or nearer to each other than ``CLOSEST``.

    Raises:
        ValueError: names the entry and what is allowed.
    """
    for position, (symbol, _) in enumerate(geometry):
        if symbol not in ELEMENTS:
            allowed = f"an element from {ELEMENTS[0]} to {ELEMENTS[-1]}"
            raise ValueError(refusal(f"geometry.{position}.0", symbol, allowed))
    for (i, (_, a)), (j, (_, b)) in combinations(enumerate(geometry), 2):
        if not dist(a, b) >= CLOSEST:
            allowed = f"at least {CLOSEST} angstrom from nucleus {i}"
            raise ValueError(refusal(f"geometry.{j}.1", list(b), allowed))


def nuclear_charge(symbol: str) -> int:
    """Return the number of protons.

    >>> nuclear_charge("Li")
    3
    """
    return ELEMENTS.index(symbol) + 1


def n_electrons(geometry: Geometry, charge: int = 0) -> int:
    """Return the number of electrons: protons less charge."""
    return sum(nuclear_charge(symbol) for symbol, _ in geometry) - charge


def nuclear_repulsion(geometry: Geometry) -> float:
    """Return sum_{A<B} Z_A Z_B / |R_A - R_B| in hartree.

    >>> round(nuclear_repulsion(geometry_of("H2", BOHR_ANGSTROM)), 12)
    1.0
    """
    return BOHR_ANGSTROM * sum(
        nuclear_charge(one) * nuclear_charge(other) / dist(a, b)
        for (one, a), (other, b) in combinations(geometry, 2)
    )
