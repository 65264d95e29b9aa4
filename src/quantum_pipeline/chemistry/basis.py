"""The basis sets that ship with the package: contracted Gaussians of s, p and d type.

The data are those of the Basis Set Exchange (Pritchard et al., J. Chem. Inf. Model. 59, 4814), in
basis_sets.json, so that the size of a molecule is known before anything is computed.
"""

from __future__ import annotations

import json
from functools import cache
from importlib import resources
from typing import Any, NamedTuple

from quantum_pipeline.chemistry.molecules import ELEMENTS, Geometry
from quantum_pipeline.wording import refusal

Powers = tuple[int, int, int]

DIRECTIONS: dict[int, tuple[Powers, ...]] = {
    0: ((0, 0, 0),),
    1: ((1, 0, 0), (0, 1, 0), (0, 0, 1)),
    2: ((1, 1, 0), (1, 0, 1), (0, 1, 1), (2, 0, 0), (0, 2, 0), (0, 0, 2)),
}
"""Powers of x, y and z before the exponential, by angular momentum."""

_ONES: dict[int, tuple[tuple[float, ...], ...]] = {
    0: ((1.0,),),
    1: ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0)),
}
_R12 = 12**-0.5
HARMONICS = {
    **_ONES,
    2: (
        (1.0, 0.0, 0.0, 0.0, 0.0, 0.0),
        (0.0, 1.0, 0.0, 0.0, 0.0, 0.0),
        (0.0, 0.0, 1.0, 0.0, 0.0, 0.0),
        (0.0, 0.0, 0.0, 0.5, -0.5, 0.0),
        (0.0, 0.0, 0.0, -_R12, -_R12, 2 * _R12),
    ),
}
"""The functions of a shell as sums of ``DIRECTIONS``, by angular momentum: of d five.

xy, xz, yz, (x^2 - y^2) / 2 and (2 z^2 - x^2 - y^2) / sqrt(12), which have one norm: real solid
harmonics. x^2 + y^2 + z^2 would be a function of s type, and is none of them.
"""


class Shell(NamedTuple):
    """Functions of one angular momentum: sum_k c_k N_k x^i y^j z^l exp(-exponent_k r^2), bohr."""

    momentum: int
    exponents: tuple[float, ...]
    coefficients: tuple[float, ...]


@cache
def _data() -> dict[str, Any]:
    file = resources.files("quantum_pipeline.chemistry") / "basis_sets.json"
    data: dict[str, Any] = json.loads(file.read_text("utf-8"))
    return data


def names() -> tuple[str, ...]:
    """Return the basis sets that there are.

    >>> names()
    ('sto-3g', '6-31g', '6-311g', 'cc-pvdz')
    """
    return tuple(name for name in _data() if name != "source")


def shells(basis: str, symbol: str) -> tuple[Shell, ...]:
    """Return the shells of one element, in the order of the basis set.

    >>> [shell.momentum for shell in shells("sto-3g", "Li")]
    [0, 0, 1]

    Raises:
        ValueError: basis or element is not there.
    """
    if basis not in names():
        raise ValueError(refusal("basis", basis, ", ".join(names())))
    if symbol not in ELEMENTS:
        raise ValueError(refusal("geometry", symbol, f"elements {ELEMENTS[0]} to {ELEMENTS[-1]}"))
    return tuple(
        Shell(momentum, tuple(entry["exponents"]), tuple(coefficients))
        for entry in _data()[basis][symbol]
        for momentum, coefficients in zip(entry["momenta"], entry["coefficients"], strict=True)
    )


def n_orbitals(geometry: Geometry, basis: str) -> int:
    """Return the number of spatial orbitals: basis functions of all nuclei.

    >>> n_orbitals((("Li", (0, 0, 0)), ("H", (0, 0, 1.5))), "sto-3g")
    6
    """
    return sum(
        len(HARMONICS[shell.momentum]) for symbol, _ in geometry for shell in shells(basis, symbol)
    )
