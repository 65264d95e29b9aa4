"""Integrals over contracted s and p Gaussians, by expansion in Hermite Gaussians.

The product of two primitives of exponents a, b at A, B is a sum of Hermite Gaussians at one point:

    g_a g_b = sum_tuv E_t E_u E_v Lambda_tuv(p, P),    p = a + b,    P = (a A + b B) / p

Those depend on exponents and centres alone: all functions that share these (2s and 2p of STO-3G,
the three directions of p) share them. So the Coulomb repulsion is computed once, among the distinct
pairs of primitives, and (ij|kl) are the elements of  E V E^T.

Source: McMurchie, Davidson, J. Comput. Phys. 26, 218 (1978), in the notation of Helgaker,
Jorgensen, Olsen, Molecular Electronic-Structure Theory, chapter 9. Lengths in bohr.
"""

from __future__ import annotations

from itertools import product
from math import pi
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import gamma, gammainc

from quantum_pipeline.chemistry.basis import DIRECTIONS, shells
from quantum_pipeline.chemistry.molecules import BOHR_ANGSTROM, Geometry, nuclear_charge

Real = NDArray[np.float64]
Index = NDArray[np.int64]
Powers = tuple[int, int, int]

BLOCK = 2**21
"""Elements of the repulsion among Hermite Gaussians that are kept at once."""


class AtomicIntegrals(NamedTuple):
    """Integrals over the n basis functions; (ij|kl) in chemists' notation."""

    overlap: Real
    core: Real
    """Kinetic energy and attraction of the nuclei, shape (n, n)."""
    repulsion: Real
    """Shape (n, n, n, n)."""


class _Functions:
    """The basis functions as combinations of distinct primitives (centre, exponent).

    ``weights`` has shape (n, primitives), norms included; ``powers`` are those of x, y, z.
    """

    def __init__(self, geometry: Geometry, basis: str) -> None:
        primitives: dict[tuple[int, float], int] = {}
        rows: list[dict[int, float]] = []
        self.powers: list[Powers] = []
        for atom, (symbol, _) in enumerate(geometry):
            for shell in shells(basis, symbol):
                places = [
                    primitives.setdefault((atom, exponent), len(primitives))
                    for exponent in shell.exponents
                ]
                weights = _normalised(shell.momentum, shell.exponents, shell.coefficients)
                for powers in DIRECTIONS[shell.momentum]:
                    self.powers.append(powers)
                    rows.append(dict(zip(places, weights.tolist(), strict=True)))
        self.nuclei = np.array([point for _, point in geometry]) / BOHR_ANGSTROM
        self.charges = [nuclear_charge(symbol) for symbol, _ in geometry]
        self.centres: Real = self.nuclei[[atom for atom, _ in primitives]]
        self.exponents: Real = np.array([exponent for _, exponent in primitives])
        self.weights: Real = np.zeros((len(rows), len(primitives)))
        for row, weight in enumerate(rows):
            self.weights[row, list(weight)] = list(weight.values())


def _normalised(
    momentum: int, exponents: tuple[float, ...], coefficients: tuple[float, ...]
) -> Real:
    """Return the weights of primitives x^momentum exp(-a r^2) in a function of norm 1."""
    a = np.array(exponents)
    weights = np.array(coefficients) * (2 * a / pi) ** 0.75 * (4 * a) ** (momentum / 2)
    sums = a[:, None] + a
    overlaps = (pi / sums) ** 1.5 / (2 * sums) ** momentum
    normalised: Real = weights / np.sqrt(weights @ overlaps @ weights)
    return normalised


class _Pairs:
    """Distinct pairs of primitives: exponent p and point P of their product, and how it expands.

    Every pair stands there in both orders, as rows 0 and 1 of ``first`` and ``second``.
    """

    def __init__(self, functions: _Functions, highest: int) -> None:
        a, b = np.tril_indices(len(functions.exponents))
        self.first: Index = np.array([a, b])
        self.second: Index = np.array([b, a])
        self.halved: Real = np.where(a == b, 0.5, 1.0)  # their two orders are one
        alpha, beta = functions.exponents[self.first], functions.exponents[self.second]
        start, end = functions.centres[self.first], functions.centres[self.second]
        self.exponent: Real = (alpha + beta)[0]
        self.point: Real = (alpha[0, :, None] * start[0] + beta[0, :, None] * end[0]) / (
            self.exponent[:, None]
        )
        self.beta = beta
        decay = np.exp(-((alpha * beta / (alpha + beta))[..., None]) * (start - end) ** 2)
        self.expansion = _expansion(
            self.exponent[:, None], self.point - start, self.point - end, decay, highest
        )

    def hermite(self, one: Powers, other: Powers, order: Powers) -> Real | float:
        """Return E_t E_u E_v of two functions' powers, shape (2, pairs), 0 beyond their sum."""
        if any(t > i + j for i, j, t in zip(one, other, order, strict=True)):
            return 0.0
        x, y, z = (
            self.expansion[i, j, t][..., axis]
            for axis, (i, j, t) in enumerate(zip(one, other, order, strict=True))
        )
        return x * y * z


def _expansion(
    p: Real, from_first: Real, from_second: Real, decay: Real, highest: int
) -> dict[tuple[int, int, int], Real]:
    """Return E_t^{ij} in each direction, for i up to ``highest`` and j up to ``highest`` + 2.

    E_t^{i+1,j} = E_{t-1}^{ij} / 2p + (P - A) E_t^{ij} + (t + 1) E_{t+1}^{ij},   so with j and B
    """
    table = {(0, 0, 0): decay}

    def element(i: int, j: int, t: int) -> Real | float:
        return table.get((i, j, t), 0.0)

    for i, j in product(range(highest + 1), range(highest + 3)):
        if i == j == 0:
            continue
        m, n, shift = (i, j - 1, from_second) if j else (i - 1, j, from_first)
        for t in range(i + j + 1):
            table[i, j, t] = np.asarray(
                element(m, n, t - 1) / (2 * p)
                + shift * element(m, n, t)
                + (t + 1) * element(m, n, t + 1)
            )
    return table


def atomic_integrals(geometry: Geometry, basis: str) -> AtomicIntegrals:
    """Return the integrals over the basis functions of a molecule.

    Cost: O(m^4) for m distinct primitives, in numpy: milliseconds to seconds.

    Raises:
        ValueError: the basis has no such element.
    """
    functions = _Functions(geometry, basis)
    highest = max(max(powers) for powers in functions.powers)
    pairs = _Pairs(functions, highest)
    orders = [
        (t, u, v)
        for t, u, v in product(range(2 * highest + 1), repeat=3)
        if t + u + v <= 2 * highest
    ]
    rows, columns = np.tril_indices(len(functions.powers))
    densities = np.array(
        [_density(functions, pairs, i, j, orders) for i, j in zip(rows, columns, strict=True)]
    )
    attraction = _attraction(functions, pairs, orders)
    overlap = densities[:, 0] @ (pi / pairs.exponent) ** 1.5
    core = densities.reshape(len(rows), -1) @ attraction.ravel()
    core += [_kinetic(functions, pairs, i, j) for i, j in zip(rows, columns, strict=True)]
    repulsion = _repulsion(densities, pairs, orders)
    n = len(functions.powers)
    index = np.empty((n, n), dtype=np.int64)
    index[rows, columns] = index[columns, rows] = np.arange(len(rows))
    return AtomicIntegrals(overlap[index], core[index], repulsion[index.reshape(n, n, 1, 1), index])


def _density(functions: _Functions, pairs: _Pairs, i: int, j: int, orders: list[Powers]) -> Real:
    """Return the product of two functions in Hermite Gaussians, shape (orders, pairs)."""
    weights = _pair_weights(functions, pairs, i, j)
    one, other = functions.powers[i], functions.powers[j]
    return np.array(
        [np.sum(weights * pairs.hermite(one, other, order), axis=0) for order in orders]
    )


def _pair_weights(functions: _Functions, pairs: _Pairs, i: int, j: int) -> Real:
    first, second = functions.weights[i], functions.weights[j]
    weights: Real = first[pairs.first] * second[pairs.second] * pairs.halved
    return weights


def _kinetic(functions: _Functions, pairs: _Pairs, i: int, j: int) -> float:
    """Return <i| -1/2 nabla^2 |j>, by the second derivatives of each primitive of j.

    (x^m exp(-b x^2))'' = (4 b^2 x^{m+2} - 2 b (2 m + 1) x^m) exp(-b x^2)    for m = 0, 1
    """
    weights = _pair_weights(functions, pairs, i, j)
    one, other = functions.powers[i], functions.powers[j]
    total = 0.0
    for axis, power in enumerate(other):
        up, down = (
            tuple(each + step * (k == axis) for k, each in enumerate(other)) for step in (2, -2)
        )
        derivative = (
            4 * pairs.beta** 2 * pairs.hermite(one, up, (0, 0, 0))  # type: ignore[arg-type]
            - 2 * pairs.beta * (2 * power + 1) * pairs.hermite(one, other, (0, 0, 0))
        )
        if power > 1:
            derivative += power * (power - 1) * pairs.hermite(one, down, (0, 0, 0))  # type: ignore[arg-type]
        total -= 0.5 * float(np.sum(weights * derivative * (pi / pairs.exponent) ** 1.5))
    return total


def _stepped(powers: Powers, axis: int, step: int) -> Powers:
    x, y, z = (each + step * (k == axis) for k, each in enumerate(powers))
    return x, y, z


def _attraction(functions: _Functions, pairs: _Pairs, orders: list[Powers]) -> Real:
    """Return the energy of each Hermite Gaussian in the field of the nuclei, (orders, pairs)."""
    total = np.zeros((len(orders), len(pairs.exponent)))
    for charge, nucleus in zip(functions.charges, functions.nuclei, strict=True):
        field = _coulomb(orders, pairs.exponent, pairs.point - nucleus)
        total -= charge * 2 * pi / pairs.exponent * field
    return total


def _repulsion(densities: Real, pairs: _Pairs, orders: list[Powers]) -> Real:
    """Return (ij|kl) for the distinct pairs ij and kl of functions.

    [tuv|t'u'v'] = 2 pi^(5/2) / (p q sqrt(p + q)) (-1)^(t'+u'+v') R_{t+t',u+u',v+v'}
    """
    all_orders = sorted({(a + d, b + e, c + f) for a, b, c in orders for d, e, f in orders})
    place = {order: at for at, order in enumerate(all_orders)}
    sums = np.array([[place[a + d, b + e, c + f] for d, e, f in orders] for a, b, c in orders])
    signs = np.array([(-1.0) ** sum(order) for order in orders])
    q, n = pairs.exponent, len(pairs.exponent)
    step = max(1, BLOCK // (n * len(orders) ** 2))
    total = np.zeros((len(densities), len(densities)))
    signed = (densities * signs[:, None]).reshape(len(densities), -1)
    for start in range(0, n, step):
        rows = slice(start, start + step)
        p = q[rows, None]
        field = _coulomb(all_orders, p * q / (p + q), pairs.point[rows, None] - pairs.point)
        field *= 2 * pi**2.5 / (p * q * np.sqrt(p + q))
        among = field[sums].transpose(0, 2, 1, 3)  # order, row, order', pair
        left = densities[:, :, rows].reshape(len(densities), -1)
        total += left @ (among.reshape(left.shape[1], -1) @ signed.T)
    return total


def _coulomb(orders: list[Powers], p: Real, separation: Real) -> Real:
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
