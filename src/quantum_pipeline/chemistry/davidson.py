"""Finds the lowest eigenvalue of a large symmetric matrix by products with vectors, in numpy alone.

Davidson's method: the lowest Ritz pair of a subspace that grows by its residual, each entry divided
by how far the diagonal is above the lowest energies, and shrinks to the lowest few Ritz vectors
when it is full. It starts from a random vector, which has a part of every symmetry.

Source: E. Davidson, J. Comput. Phys. 17, 87 (1975).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Real = NDArray[np.float64]

RESIDUAL = 1e-8
"""Length of the residual at which it ends: the error has its square, over the gap."""

VECTORS, KEPT, PRODUCTS = 24, 6, 400
"""Of the subspace; of them, when it shrinks; products after which it ends anyway."""

BELOW = 0.5
"""Below the least diagonal entry, the energy from which distances are: all are positive, so that no
step leads to the middle of the spectrum."""


class Lowest(NamedTuple):
    """A value above the lowest eigenvalue, and the length of its residual."""

    value: float
    residual: float


def lowest(apply: Callable[[Real], Real], diagonal: Real) -> Lowest:
    """Return the lowest eigenvalue of the matrix that ``apply`` multiplies vectors by.

    Cost: some 20 to 100 products, and 2 VECTORS vectors in memory.

    >>> matrix = np.diag([3.0, 1.0, 2.0]) + 0.1
    >>> found = lowest(lambda vector: matrix @ vector, np.diagonal(matrix))
    >>> bool(abs(found.value - np.linalg.eigvalsh(matrix)[0]) < 1e-9)
    True
    """
    vectors, products = [_start(len(diagonal))], list[Real]()
    found, away = Lowest(np.inf, np.inf), diagonal - diagonal.min() + BELOW
    for _ in range(PRODUCTS):
        products.append(apply(vectors[-1]))
        space, images = np.array(vectors), np.array(products)
        values, rotation = np.linalg.eigh(space @ images.T)
        rest = rotation[:, 0] @ images - values[0] * (rotation[:, 0] @ space)
        found = Lowest(float(values[0]), float(np.linalg.norm(rest)))
        if found.residual <= RESIDUAL or len(vectors) == len(diagonal):
            break
        if len(vectors) == VECTORS:
            kept = rotation[:, :KEPT].T
            vectors, products = list(kept @ space), list(kept @ images)
        direction = _orthogonal(rest / away, np.array(vectors))
        if direction is None:
            break
        vectors.append(direction)
    return found


def _start(size: int) -> Real:
    vector = np.random.default_rng(0).normal(size=size)
    return np.asarray(vector / np.linalg.norm(vector))


def _orthogonal(step: Real, space: Real) -> Real | None:
    """Return the direction of a step that is new to a space, None where there is none."""
    for _ in range(2):  # the second time for what the first left by rounding
        length = np.linalg.norm(step)
        if not length:
            return None
        step = step / length
        step -= (space @ step) @ space
    length = np.linalg.norm(step)
    return None if length < 1e-8 else np.asarray(step / length)
