"""Angles of QAOA carried over: from one number of layers to another, from one unit to another.

Arrays have the shape (2, p): gammas, then betas. Sources: Zhou et al., arXiv:1812.01041
(interpolation); Sureshbabu et al., arXiv:2305.15201 (gammas in units of 1 / typical field).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Real = NDArray[np.float64]


def interpolated(angles: Real) -> Real:
    """Return angles of one layer more, along the same curves: INTERP of Zhou et al.

        new_k = (k - 1)/p old_(k-1) + (p - k + 1)/p old_k,    k = 1 .. p + 1

    Args:
        angles: shape (2, p): gammas, then betas.

    Returns:
        Shape (2, p + 1).

    >>> interpolated(np.array([[1.0, 3.0], [-4.0, -2.0]])).tolist()
    [[1.0, 2.0, 3.0], [-4.0, -3.0, -2.0]]
    """
    share = np.arange(angles.shape[1] + 1) / angles.shape[1]
    padded = np.pad(angles, ((0, 0), (1, 1)))
    between: Real = share * padded[:, :-1] + (1 - share) * padded[:, 1:]
    return between


def at_depth(angles: Real, depth: int) -> Real:
    """Return angles of as many layers, along the same curves.

    More layers are interpolated one by one. For fewer the curves are read at the middle of each
    layer, which undoes an interpolation of straight lines but for their ends.

    >>> at_depth(np.array([[1.0, 2.0, 3.0], [-4.0, -3.0, -2.0]]), 1).tolist()
    [[2.0], [-3.0]]
    """
    while angles.shape[1] < depth:
        angles = interpolated(angles)
    if angles.shape[1] == depth:
        return angles
    here, there = (np.arange(p) / p + 0.5 / p for p in (angles.shape[1], depth))
    return np.stack([np.interp(there, here, curve) for curve in angles])


def from_units(angles: Real, unit: float) -> Real:
    """Return the angles whose gammas are given in units of 1 over ``unit``, a typical field.

    The way back is by ``1 / unit``.

    >>> from_units(np.array([[2.0], [-0.7]]), 4.0).tolist()
    [[0.5], [-0.7]]
    """
    in_problem_units: Real = angles / np.array([[unit], [1.0]])
    return in_problem_units
