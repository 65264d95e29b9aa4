"""QAOA of depth 1 in closed form, for Ising problems of any size and density.

With s = sin(2 beta), c = cos(2 beta), g = 2 gamma, and products over all k but i and j,

    <Z_i>     = s sin(g h_i) prod_k cos(g J_ik)                        (k = j included here)
    <Z_i Z_j> = s c sin(g J_ij) (cos(g h_i) prod_k cos(g J_ik) + cos(g h_j) prod_k cos(g J_jk))
              + s^2/2 (cos(g (h_i - h_j)) prod_k cos(g (J_ik - J_jk))
                     - cos(g (h_i + h_j)) prod_k cos(g (J_ik + J_jk)))

Sources: Ozaeta, van Dam, McMahon, arXiv:2012.03421; Wang et al., arXiv:1706.02998, for MaxCut.
Angles have shape (2, 1): gamma, then beta. Conventions are those of ``statevector``; the model's
offset is left out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from quantum_pipeline.ising import IsingModel

Real = NDArray[np.float64]
Indices = NDArray[np.intp]
Pair = tuple[int, int]
Jet = tuple[Real, Real]
"""Values and their derivatives by gamma."""

FourProducts = Callable[[float], list[Jet]]
"""From gamma, the products of cos(g J_ik), cos(g J_jk), cos(g (J_ik -+ J_jk)) of each pair."""

CHUNK = 2**21
"""Factors of the pairs that are computed together where couplings are sparse."""

BLOCK = 2**14
"""The same where they are dense: their matrices stay in the cache."""

MOST_DENSE, DENSITY = 4096, 8
"""Variables of which a matrix may be made, and where that pays: an eighth of all factors there."""

TINY = 1e-150
"""Instead of a cosine of 0, so that product times sum of ratios still is the derivative."""

KEPT = 2**23
"""Most factors of which the weights are kept from one evaluation to the next."""


class ClosedForm:
    """QAOA of depth 1: energy, gradient and correlations.

    Cost of an energy: O(sum over couplings of what both variables are coupled to), at most
    O(couplings * n); the gradient comes with it.

    >>> ring = IsingModel.from_spins([0] * 99, [(i, (i + 1) % 99, 0.5) for i in range(99)])
    >>> angles = np.array([[np.pi / 4], [-np.pi / 8]])
    >>> print(round(ClosedForm(ring).energy(angles) / 99, 6))  # cut 3/4
    -0.25
    """

    depth = 1

    def __init__(self, model: IsingModel) -> None:
        self.n_qubits = n = model.n_variables
        self._fields = np.array(model.fields)
        pairs = np.array([(i, j) for i, j, _ in model.couplings], np.intp).reshape(-1, 2)
        self._pairs = pairs
        self._strengths = np.array([coupling for _, _, coupling in model.couplings])
        rows, columns = np.vstack([pairs, pairs[:, ::-1]]).T
        values = np.tile(self._strengths, 2)
        self._couplings = csr_array((values, (rows, columns)), shape=(n, n))
        self._degrees = np.diff(self._couplings.indptr)
        self._singles = Products(self._couplings)
        factors = int(self._degrees[pairs].sum())
        dense = n <= MOST_DENSE and factors > len(pairs) * n / DENSITY
        self._dense = self._couplings.toarray() if dense else None
        keep = dense or factors <= KEPT
        self._kept = list(self._parts(pairs, self._strengths)) if keep else None

    def energy(self, angles: Real) -> float:
        """Return the mean energy, without the model's offset."""
        return self.energy_and_gradient(angles)[0]

    def energy_and_gradient(self, angles: Real) -> tuple[float, Real]:
        """Return the mean energy, without the offset, and its derivatives, shape (2, 1)."""
        gamma, beta = angles.ravel()
        total = np.zeros(3)
        if self._fields.any():
            total += self._fields @ _single(self._fields, self._singles, gamma, beta)
        parts = self._parts(self._pairs, self._strengths) if self._kept is None else self._kept
        for part in parts:
            total += part.strengths @ part.means(gamma, beta)
        return float(total[0]), total[1:, None]

    def correlations(
        self, angles: Real, pairs: Iterable[Pair] | None = None
    ) -> tuple[Real, dict[Pair, float]]:
        """Return <Z_i> of each variable, shape (n,), and <Z_i Z_j> of each pair i < j.

        ``pairs`` are those asked for; all that are coupled if None.
        """
        gamma, beta = angles.ravel()
        magnetisations: Real = _single(self._fields, self._singles, gamma, beta)[:, 0]
        asked, strengths = self._pairs, self._strengths
        if pairs is not None:
            asked = np.array(list(pairs), np.intp).reshape(-1, 2)
            strengths = np.array([self._couplings[i, j] for i, j in asked.tolist()])
        parts = self._parts(asked, strengths)
        values = [value for part in parts for value in part.means(gamma, beta)[:, 0].tolist()]
        keys = ((i, j) for i, j in asked.tolist())
        return magnetisations, dict(zip(keys, values, strict=True))

    def _parts(self, pairs: Indices, strengths: Real) -> Iterator[Pairs]:
        """Return the pairs, those of about ``CHUNK`` factors together."""
        if self._dense is not None:
            yield Pairs(self._fields, pairs, strengths, _dense(self._dense, pairs))
            return
        factors = self._degrees[pairs].sum(axis=1).cumsum()
        cuts = np.flatnonzero(np.diff(factors // CHUNK)) + 1
        for at in np.split(np.arange(len(pairs)), cuts):
            products = _sparse(self._couplings, pairs[at])
            yield Pairs(self._fields, pairs[at], strengths[at], products)


class Products:
    """prod_k cos(2 gamma w_ik) for each row i of a sparse matrix w."""

    def __init__(self, weights: csr_array, left_out: tuple[Indices, ...] = ()) -> None:
        rows = np.repeat(np.arange(weights.shape[0]), np.diff(weights.indptr))
        self._weights = 2 * weights.data
        for columns in left_out:  # one of each row
            self._weights[weights.indices == columns[rows]] = 0.0
        self._filled = np.diff(weights.indptr) > 0
        self._starts = weights.indptr[:-1][self._filled]

    def at(self, gamma: float) -> Jet:
        """Return the products and their derivatives by gamma, both of shape (rows,)."""
        cosines, sines = np.cos(gamma * self._weights), np.sin(gamma * self._weights)
        cosines[cosines == 0] = TINY
        values, slopes = np.ones(self._filled.size), np.zeros(self._filled.size)
        if self._starts.size:
            products = np.multiply.reduceat(cosines, self._starts)
            ratios = np.add.reduceat(-self._weights * sines / cosines, self._starts)
            values[self._filled], slopes[self._filled] = products, products * ratios
        return values, slopes


class Pairs:
    """Some pairs with the products of their couplings, however those are stored."""

    def __init__(self, fields: Real, pairs: Indices, strengths: Real, products: FourProducts):
        self.strengths, self._products = strengths, products
        self._h_i, self._h_j = fields[pairs].T

    def means(self, gamma: float, beta: float) -> Real:
        """Return <Z_i Z_j> and its derivatives by gamma and beta, shape (pairs, 3)."""
        of_i, of_j, difference, total = self._products(gamma)
        beside = _plus(
            _times(_cosine(self._h_i, gamma), of_i), _times(_cosine(self._h_j, gamma), of_j)
        )
        along = _times(_sine(self.strengths, gamma), beside)
        apart = _times(_cosine(self._h_i - self._h_j, gamma), difference)
        together = _times(_cosine(self._h_i + self._h_j, gamma), total)
        both = (apart[0] - together[0]) / 2, (apart[1] - together[1]) / 2
        # sin(2 beta) cos(2 beta) = sin(4 beta)/2 and sin(2 beta)^2, with their derivatives.
        one, two = np.sin(4 * beta) / 2, np.sin(2 * beta) ** 2
        slope_one, slope_two = 2 * np.cos(4 * beta), 2 * np.sin(4 * beta)
        return np.stack(
            [
                one * along[0] + two * both[0],
                one * along[1] + two * both[1],
                slope_one * along[0] + slope_two * both[0],
            ],
            axis=1,
        )


def _sparse(couplings: csr_array, pairs: Indices) -> FourProducts:
    """Return the products of each pair over what either is coupled to."""
    i, j = pairs.T
    of_i, of_j = couplings[i], couplings[j]
    four = (
        Products(of_i, (j,)),
        Products(of_j, (i,)),
        Products(of_i - of_j, (i, j)),
        Products(of_i + of_j, (i, j)),
    )
    return lambda gamma: [products.at(gamma) for products in four]


def _dense(couplings: Real, pairs: Indices) -> FourProducts:
    """Return the products of each pair over all variables: cos(a +- b) from those of a and b."""
    weights = 2 * couplings

    def four(gamma: float) -> list[Jet]:
        cosines, sines = np.cos(gamma * weights), np.sin(gamma * weights)
        rows = max(1, BLOCK // len(weights))
        blocks = [
            _block(weights, cosines, sines, pairs[start : start + rows])
            for start in range(0, len(pairs), rows)
        ]
        return [
            (np.concatenate(values), np.concatenate(slopes))
            for values, slopes in (zip(*jets, strict=True) for jets in zip(*blocks, strict=True))
        ]

    return four


def _block(weights: Real, cosines: Real, sines: Real, pairs: Indices) -> list[Jet]:
    i, j = pairs.T
    w_i, w_j, c_i, c_j, s_i, s_j = (
        matrix[of] for matrix in (weights, cosines, sines) for of in (i, j)
    )
    at = np.arange(len(pairs))
    c_i[at, j], s_i[at, j], c_j[at, i], s_j[at, i] = 1, 0, 1, 0  # i and j are left out
    cc, ss, sc, cs = c_i * c_j, s_i * s_j, s_i * c_j, c_i * s_j
    return [
        _jet(c_i, w_i * s_i),
        _jet(c_j, w_j * s_j),
        _jet(cc + ss, (w_i - w_j) * (sc - cs)),
        _jet(cc - ss, (w_i + w_j) * (sc + cs)),
    ]


def _jet(cosines: Real, falls: Real) -> Jet:
    """Return the products of rows and their derivatives; those of the entries are -falls."""
    cosines[cosines == 0] = TINY
    products: Real = cosines.prod(axis=1)
    return products, -products * (falls / cosines).sum(axis=1)


def _single(fields: Real, products: Products, gamma: float, beta: float) -> Real:
    """Return <Z_i> and its derivatives by gamma and beta, shape (n, 3)."""
    values, slopes = _times(_sine(fields, gamma), products.at(gamma))
    sine, cosine = np.sin(2 * beta), np.cos(2 * beta)
    return np.stack([sine * values, sine * slopes, 2 * cosine * values], axis=1)


def _cosine(strengths: Real, gamma: float) -> Jet:
    angles = 2 * gamma * strengths
    return np.cos(angles), -2 * strengths * np.sin(angles)


def _sine(strengths: Real, gamma: float) -> Jet:
    angles = 2 * gamma * strengths
    return np.sin(angles), 2 * strengths * np.cos(angles)


def _times(a: Jet, b: Jet) -> Jet:
    return a[0] * b[0], a[1] * b[0] + a[0] * b[1]


def _plus(a: Jet, b: Jet) -> Jet:
    return a[0] + b[0], a[1] + b[1]
