"""Decomposes orbital rotations into Givens rotations of neighbours, of which circuits are made.

    b_i = sum_p R_ip a_p,    R = D G_m ... G_2 G_1,    D diagonal with entries +-1

G turns the orbitals q and q + 1: G_qq = G_q+1,q+1 = cos t, G_q+1,q = -G_q,q+1 = sin t. A turn is
the operator exp(t (a+_q+1 a_q - a+_q a_q+1)) of each spin, the first one first; after all of them
the occupation of orbital i is that of b_i before. The signs D change no occupation.

Source: W. Huggins et al., npj Quantum Inf. 7, 23 (2021), arXiv:1907.13117; the network is that of
M. Reck et al., Phys. Rev. Lett. 73, 58 (1994).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from quantum_pipeline.quantities import Finite, Number

Real = NDArray[np.float64]

NEGLIGIBLE = 1e-11
"""Entries of a rotation, and angles in radians, that are rounding."""


class Turn(NamedTuple):
    """The orbitals ``lower`` and ``lower + 1`` turned by an angle in radians."""

    lower: Number
    angle: Finite


def network(rotation: Real) -> tuple[list[Turn], list[int]]:
    """Return the turns of a rotation, and the row that each orbital holds after them.

    At most n (n - 1) / 2 turns, fewer where orbitals are not mixed: the rows, whose order nobody
    asked for, are taken in the order that takes the fewest.

    Args:
        rotation: orthogonal, shape (n, n); row i has b_i in the orbitals p.

    >>> network(np.eye(3))
    ([], [0, 1, 2])
    """
    left = rotation.copy()
    turns: list[Turn] = []
    order: list[int] = []
    waiting = list(range(len(left)))
    for place in range(len(left)):
        row = min(waiting, key=lambda each: _last(left[each]))
        waiting.remove(row)
        order.append(row)
        for q in range(_last(left[row]) - 1, place - 1, -1):
            angle = float(np.arctan2(left[row, q + 1], left[row, q]))
            # Half a turn is a sign, which D has already.
            angle -= np.pi * np.round(angle / np.pi)
            if abs(angle) > NEGLIGIBLE:
                turns.append(Turn(q, -angle))
                left[:, q : q + 2] @= _turned(angle)
    return turns, order


def turned(turns: Iterable[Turn], n: int) -> Real:
    """Return the rotation that turns of n orbitals make, orthogonal as they are, shape (n, n).

    Row i has the orbital at i after them, up to its sign, in the orbitals before.

    >>> turned([Turn(0, np.pi / 2)], 2).round(6).tolist()
    [[0.0, -1.0], [1.0, 0.0]]
    """
    rotation = np.eye(n)
    for turn in turns:
        rows = slice(turn.lower, turn.lower + 2)
        rotation[rows] = _turned(turn.angle) @ rotation[rows]
    return rotation


def _last(row: Real) -> int:
    """Return the last orbital that a row has a part in."""
    return int(np.flatnonzero(np.abs(row) > NEGLIGIBLE)[-1])


def _turned(angle: float) -> Real:
    cosine, sine = np.cos(angle), np.sin(angle)
    return np.array([[cosine, -sine], [sine, cosine]])
