"""The histories of a light cone's variables, layer by layer, and the factors that depend on them.

    <O> = sum_x prod_v f_v(x_v) prod_(u,v) exp(-i J_uv sum_k gamma_k delta_k(x_u, x_v))

The history x_v holds the spins (s_k, s'_k) of ket and bra before each mixer k that turns v, and
behind the last the classical one; delta_k = s_k^u s_k^v - s'_k^u s'_k^v. The factor f_v has the
mixers <s_(k+1)|exp(-i beta_k X)|s_k>, their conjugates in s', the phases of the field, and on a
measured variable Z. Derivation: write both exponentials of <psi|O|psi> in the basis of Z.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Real = NDArray[np.float64]
Complex = NDArray[np.complex128]


class Phases(NamedTuple):
    """The integers delta_k(x) of a field or a coupling: all that can be, and which of them x has.

    ``distinct`` has shape (layers, 3^layers), ``which`` the shape of x.
    """

    distinct: Real
    which: NDArray[np.intp]


@cache
def spins(depth: int, distance: int) -> tuple[Real, Real]:
    """Return s_k and s'_k of each history of a variable, both (layers, index_size).

    A measured variable has the ``depth`` layers; any other has depth - distance doubled ones, and
    a last one where both spins are one.
    """
    doubled = depth - distance
    bits = 2 * doubled + (distance > 0)
    numbers = np.arange(2**bits)
    values = 1.0 - 2.0 * (numbers >> np.arange(bits)[::-1, None] & 1)
    ket, bra = values[0 : 2 * doubled : 2], values[1 : 2 * doubled : 2]
    if distance:
        ket, bra = np.vstack([ket, values[-1:]]), np.vstack([bra, values[-1:]])
    return ket, bra


@cache
def coupling_phases(depth: int, near: int, far: int) -> Phases:
    """Return delta_k of a coupling of variables at distances near <= far; x is (x_near, x_far)."""
    (ket, bra), (far_ket, far_bra) = spins(depth, near), spins(depth, far)
    layers = depth - near
    delta = ket[:layers, :, None] * far_ket[:layers, None] - (
        bra[:layers, :, None] * far_bra[:layers, None]
    )
    return _phases(delta)


@cache
def field_phases(depth: int, distance: int) -> Phases:
    """Return delta_k = s_k - s'_k of a field."""
    ket, bra = spins(depth, distance)
    return _phases((ket - bra)[: depth - distance])


def _phases(delta: Real) -> Phases:
    """Number the columns of delta, entries -2, 0 and 2, in base three."""
    powers = 3 ** np.arange(len(delta))
    which = np.tensordot(powers, delta / 2 + 1, 1).astype(np.intp)
    distinct = 2.0 * (np.arange(3 ** len(delta)) // powers[:, None] % 3) - 2
    return Phases(distinct, which)


class Histories:
    """What depends on the angles alone: the mixers' part of f_v, at each distance."""

    def __init__(self, angles: Real) -> None:
        self.gammas, self.betas = angles
        self.depth = angles.shape[1]
        self._mixers: dict[int, tuple[Complex, Complex]] = {}

    def mixers(self, distance: int) -> tuple[Complex, Complex]:
        """Return the mixers' factor, shape (index_size,), and d/d(beta), (layers, index_size)."""
        if distance not in self._mixers:
            self._mixers[distance] = self._factors(distance)
        return self._mixers[distance]

    def _factors(self, distance: int) -> tuple[Complex, Complex]:
        ket, bra = spins(self.depth, distance)
        layers = self.depth - distance
        values, slopes = [], []
        for k in range(layers):
            cos, sin = np.cos(self.betas[k]), np.sin(self.betas[k])
            if distance == 0 and k == layers - 1:  # <s'|exp(i beta X) Z exp(-i beta X)|s>
                same = (ket[k] == bra[k]) * ket[k]
                other = 1j * (ket[k] - bra[k]) / 2
                turn = 2 * self.betas[k]
                values.append(np.cos(turn) * same + np.sin(turn) * other)
                slopes.append(2 * (np.cos(turn) * other - np.sin(turn) * same))
                continue
            stays, back = ket[k + 1] == ket[k], bra[k + 1] == bra[k]
            there = np.where(stays, cos, -1j * sin), np.where(stays, -sin, -1j * cos)
            here = np.where(back, cos, 1j * sin), np.where(back, -sin, 1j * cos)
            values.append(there[0] * here[0])
            slopes.append(there[1] * here[0] + there[0] * here[1])
        half: Complex = np.full(ket.shape[1], 0.5 + 0j)
        derivatives = np.zeros((layers, half.size), np.complex128)
        for k in range(layers):
            derivatives[k] = product(values[:k] + values[k + 1 :], half * slopes[k])
        return product(values, half), derivatives


def product(factors: Iterable[Complex], start: Complex) -> Complex:
    """Return the product of arrays that broadcast."""
    for factor in factors:
        start = start * factor
    return start
