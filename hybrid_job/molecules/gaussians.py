"""Integrals over contracted s, p and d Gaussians, by expansion in Hermite Gaussians.

The product of two primitives of exponents a, b at A, B is a sum of Hermite Gaussians at one point:

    g_a g_b = sum_tuv E_t E_u E_v Lambda_tuv(p, P),    p = a + b,    P = (a A + b B) / p

Those depend on exponents and centres alone: all functions that share these (2s and 2p of STO-3G,
the directions of p and d) share them. So the Coulomb repulsion is computed once, among the Hermite
Gaussians of the distinct pairs of primitives, of two of s type only one, and (ij|kl) are the
elements of  E V E^T. The five functions of a d shell are sums over its six directions, and their
products sums of the products of these.

Source: McMurchie, Davidson, J. Comput. Phys. 26, 218 (1978), in the notation of Helgaker,
Jorgensen, Olsen, Molecular Electronic-Structure Theory, chapter 9. Lengths in bohr.
"""

from __future__ import annotations

from itertools import product
from math import pi
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import block_diag

from hybrid_job.molecules.coulomb import coulomb
from quantum_pipeline.chemistry.basis import DIRECTIONS, HARMONICS, Powers, shells
from quantum_pipeline.chemistry.molecules import BOHR_ANGSTROM, Geometry, nuclear_charge

Real = NDArray[np.float64]
Index = NDArray[np.int64]

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
    """The directions of all shells as combinations of distinct primitives (centre, exponent).

    ``weights`` has shape (directions, primitives), norms included; ``powers`` are those of x, y, z,
    and ``momenta`` the highest of each primitive. ``harmonics``, shape (n, directions), has the
    basis functions as sums of them.
    """

    def __init__(self, geometry: Geometry, basis: str) -> None:
        primitives: dict[tuple[int, float], int] = {}
        rows: list[dict[int, float]] = []
        momenta: dict[int, int] = {}
        self.powers: list[Powers] = []
        functions: list[Real] = []
        for atom, (symbol, _) in enumerate(geometry):
            for shell in shells(basis, symbol):
                places = [
                    primitives.setdefault((atom, exponent), len(primitives))
                    for exponent in shell.exponents
                ]
                momenta |= {each: max(shell.momentum, momenta.get(each, 0)) for each in places}
                weights = _normalised(shell.momentum, shell.exponents, shell.coefficients)
                functions.append(np.array(HARMONICS[shell.momentum]))
                for powers in DIRECTIONS[shell.momentum]:
                    self.powers.append(powers)
                    rows.append(dict(zip(places, weights.tolist(), strict=True)))
        self.harmonics: Real = block_diag(*functions)
        self.nuclei = np.array([point for _, point in geometry]) / BOHR_ANGSTROM
        self.charges = [nuclear_charge(symbol) for symbol, _ in geometry]
        self.centres: Real = self.nuclei[[atom for atom, _ in primitives]]
        self.exponents: Real = np.array([exponent for _, exponent in primitives])
        self.momenta: Index = np.array([momenta[each] for each in range(len(primitives))])
        self.weights: Real = np.zeros((len(rows), len(primitives)))
        for row, weight in enumerate(rows):
            self.weights[row, list(weight)] = list(weight.values())


def _normalised(
    momentum: int, exponents: tuple[float, ...], coefficients: tuple[float, ...]
) -> Real:
    """Return the weights of exp(-a r^2) in a function of norm 1, by itself or times x or xy."""
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
        self.momentum: Index = functions.momenta[a] + functions.momenta[b]
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
    pairs = _Pairs(functions, int(functions.momenta.max()))
    hermite = _Hermite(pairs)
    products = _Products(functions.harmonics)
    densities = products.among(
        np.array([_density(functions, pairs, i, j, hermite) for i, j in products.directions])
    )
    kinetic = products.among(
        np.array([_kinetic(functions, pairs, i, j) for i, j in products.directions])
    )
    volumes = np.where(hermite.order == 0, ((pi / pairs.exponent) ** 1.5)[hermite.pair], 0.0)
    core = kinetic + densities @ _attraction(functions, pairs, hermite)
    repulsion = _repulsion(densities, pairs, hermite)
    index, n = products.index, len(functions.harmonics)
    return AtomicIntegrals(
        (densities @ volumes)[index], core[index], repulsion[index.reshape(n, n, 1, 1), index]
    )


class _Hermite:
    """The Hermite Gaussians that products of functions are sums of.

    Of a pair whose primitives have momenta l and m these have orders t + u + v up to l + m. They
    lie pair after pair; ``order`` is a place in ``orders``, which begins with (0, 0, 0).
    """

    def __init__(self, pairs: _Pairs) -> None:
        highest = int(pairs.momentum.max())
        every = product(range(highest + 1), range(highest + 1), range(highest + 1))
        self.orders: list[Powers] = sorted((o for o in every if sum(o) <= highest), key=sum)
        sums = np.array([sum(order) for order in self.orders])
        there = sums <= pairs.momentum[:, None]
        self.pair, self.order = (each.astype(np.int64) for each in np.nonzero(there))


class _Products:
    """Distinct products of two basis functions, as sums of those of two directions."""

    def __init__(self, harmonics: Real) -> None:
        n, m = harmonics.shape
        i, j = np.tril_indices(n)
        a, b = np.tril_indices(m)
        self.directions = list(zip(a.tolist(), b.tolist(), strict=True))
        self.index: Index = np.empty((n, n), dtype=np.int64)
        self.index[i, j] = self.index[j, i] = np.arange(len(i))
        self._sums: Real | None = None
        if n < m:
            once = harmonics[i][:, a] * harmonics[j][:, b]
            turned = harmonics[i][:, b] * harmonics[j][:, a]
            turned[:, a == b] = 0.0
            self._sums = np.asarray(once + turned, dtype=np.float64)

    def among(self, values: Real) -> Real:
        """Return what is given for the products of directions, of those of functions."""
        if self._sums is None:
            return values
        return np.asarray(np.tensordot(self._sums, values, axes=1), dtype=np.float64)


def _density(functions: _Functions, pairs: _Pairs, i: int, j: int, hermite: _Hermite) -> Real:
    """Return the product of two directions as a sum of the Hermite Gaussians."""
    weights = _pair_weights(functions, pairs, i, j)
    one, other = functions.powers[i], functions.powers[j]
    found = np.array(
        [np.sum(weights * pairs.hermite(one, other, order), axis=0) for order in hermite.orders]
    )
    kept: Real = found[hermite.order, hermite.pair]
    return kept


def _pair_weights(functions: _Functions, pairs: _Pairs, i: int, j: int) -> Real:
    first, second = functions.weights[i], functions.weights[j]
    weights: Real = first[pairs.first] * second[pairs.second] * pairs.halved
    return weights


def _kinetic(functions: _Functions, pairs: _Pairs, i: int, j: int) -> float:
    """Return <i| -1/2 nabla^2 |j>, by the second derivatives of each primitive of j.

    (x^m exp(-b x^2))'' = (4 b^2 x^{m+2} - 2 b (2 m + 1) x^m + m (m - 1) x^{m-2}) exp(-b x^2)
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


def _attraction(functions: _Functions, pairs: _Pairs, hermite: _Hermite) -> Real:
    """Return the energy of each Hermite Gaussian in the field of the nuclei."""
    total = np.zeros(len(hermite.pair))
    for charge, nucleus in zip(functions.charges, functions.nuclei, strict=True):
        field = coulomb(hermite.orders, pairs.exponent, pairs.point - nucleus)
        total -= charge * (2 * pi / pairs.exponent * field)[hermite.order, hermite.pair]
    return total


def _repulsion(densities: Real, pairs: _Pairs, hermite: _Hermite) -> Real:
    """Return (ij|kl) for the distinct pairs ij and kl of functions.

    [tuv|t'u'v'] = 2 pi^(5/2) / (p q sqrt(p + q)) (-1)^(t'+u'+v') R_{t+t',u+u',v+v'}
    """
    orders = hermite.orders
    all_orders = sorted({(a + d, b + e, c + f) for a, b, c in orders for d, e, f in orders})
    place = {order: at for at, order in enumerate(all_orders)}
    sums = np.array([[place[a + d, b + e, c + f] for d, e, f in orders] for a, b, c in orders])
    signs = np.array([(-1.0) ** sum(order) for order in orders])
    signed = densities * signs[hermite.order]
    q, n = pairs.exponent, len(pairs.exponent)
    step = max(1, BLOCK // (n * len(all_orders)))
    total = np.zeros((len(densities), len(densities)))
    for start in range(0, n, step):
        rows = slice(*np.searchsorted(hermite.pair, (start, start + step)))
        p = q[start : start + step, None]
        between = pairs.point[start : start + step, None] - pairs.point
        field = coulomb(all_orders, p * q / (p + q), between)
        field *= 2 * pi**2.5 / (p * q * np.sqrt(p + q))
        left = hermite.pair[rows, None] - start
        among = field[sums[hermite.order[rows]][:, hermite.order], left, hermite.pair]
        total += densities[:, rows] @ (among @ signed.T)
    return total
