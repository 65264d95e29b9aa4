"""The Coulomb repulsion of two Hermite Gaussians, by the Boys function and its recursion.

Source: McMurchie, Davidson, J. Comput. Phys. 26, 218 (1978).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.special import gamma, gammainc

from quantum_pipeline.chemistry.basis import Powers

Real = NDArray[np.float64]


def coulomb(orders: list[Powers], p: Real, separation: Real) -> Real:
    """Return R_tuv(p, separation) for each order, shape (orders, *p.shape).

    R^n_000 = (-2 p)^n F_n(p r^2),    R^n_{t+1,u,v} = t R^{n+1}_{t-1,u,v} + x R^{n+1}_{t,u,v}
    """
    highest = max(sum(order) for order in orders)
    boys = _boys(highest, p * np.sum(separation**2, axis=-1))
    known: dict[tuple[int, Powers], Real] = {
        (n, (0, 0, 0)): (-2 * p) ** n * boys[n] for n in range(highest + 1)
    }

    def element(n: int, order: Powers) -> Real:
        if (n, order) not in known:
            axis = next(k for k in range(3) if order[k])
            value: Real = separation[..., axis] * element(n + 1, _stepped(order, axis, -1))
            if order[axis] > 1:
                value = value + (order[axis] - 1) * element(n + 1, _stepped(order, axis, -2))
            known[n, order] = value
        return known[n, order]

    return np.array([element(0, order) for order in orders])


def _stepped(powers: Powers, axis: int, step: int) -> Powers:
    x, y, z = (each + step * (k == axis) for k, each in enumerate(powers))
    return x, y, z


def _boys(highest: int, t: Real) -> list[Real]:
    """Return F_n(t) = int_0^1 x^2n exp(-t x^2) dx for n = 0 to ``highest``.

    The highest one is an incomplete gamma function; from there  F_n = (2 t F_{n+1} + exp(-t)) /
    (2 n + 1), which loses no digits.
    """
    half = highest + 0.5
    small = t < 1e-13
    safe = np.where(small, 1.0, t)
    values = gammainc(half, safe) * gamma(half) / (2 * safe**half)
    boys = [np.where(small, 1 / (2 * half), values)]
    decay = np.exp(-t)
    for n in reversed(range(highest)):
        boys.append((2 * t * boys[-1] + decay) / (2 * n + 1))
    return boys[::-1]
