"""Places the nodes of a graph so that distances follow the number of edges between them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


def circle(position: NDArray[np.int64]) -> Array:
    """Return places on the unit circle, counterclockwise from its top."""
    angle = np.pi / 2 + 2 * np.pi * (position + 0.5) / len(position)
    return np.column_stack([np.cos(angle), np.sin(angle)])


def steps(n: int, edges: Array) -> Array:
    """Return the least number of edges between each two nodes, shape (n, n), by Floyd-Warshall.

    Nodes without a way to each other count as far apart as the farthest that have one.
    """
    apart = np.full((n, n), np.inf)
    np.fill_diagonal(apart, 0)
    apart[edges[:, 0], edges[:, 1]] = apart[edges[:, 1], edges[:, 0]] = 1
    for k in range(n):
        apart = np.minimum(apart, apart[:, k, None] + apart[k])
    return np.asarray(np.minimum(apart, apart[np.isfinite(apart)].max()))


def by_stress(apart: Array, first: Sequence[Array], rounds: int = 100) -> list[Array]:
    """Return places whose distances follow ``apart``, from each of the first guesses.

    Minimises sum (distance - apart)²/apart² by majorisation; O(n²) a round and guess. Source: E.
    Gansner, Y. Koren, S. North, "Graph drawing by stress majorization", GD 2004.
    """
    itself = np.eye(len(apart))
    weights = 1 / (apart + itself) ** 2 - itself
    inverse = np.linalg.pinv(np.diag(weights.sum(1)) - weights, hermitian=True)
    places, wanted = np.array(first), weights * apart
    for _ in range(rounds):
        squares = (places**2).sum(2)
        distance = squares[:, :, None] + squares[:, None] - 2 * places @ places.swapaxes(1, 2)
        pull = wanted / np.sqrt(np.maximum(distance, 1e-18))
        places = inverse @ (pull.sum(2)[..., None] * places - pull @ places)
    return list(places)


def by_scaling(apart: Array) -> Array:
    """Return places, shape (n, 2), by classical scaling: the two widest directions of ``apart``.

    B = -1/2 J D² J with J = 1 - 1/n has the inner products of the places; its two largest
    eigenvalues and their vectors are the places. Source: W. Torgerson, Psychometrika 17, 401
    (1952).
    """
    n = len(apart)
    centre = np.eye(n) - 1 / n
    values, vectors = np.linalg.eigh(-0.5 * centre @ apart**2 @ centre)
    return np.asarray(vectors[:, :-3:-1] * np.sqrt(np.maximum(values[:-3:-1], 0)))
