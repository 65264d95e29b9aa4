"""Energies and correlations of a whole circuit, from the counts of the circuits of its parts.

    <O> = sum_t c_t prod_p x_p(t)

where x_p(t) is the mean, in part p, of O's factor there under the operand that term t has. What is
measured are the means m_r of the circuits r, in which <O> is linear one by one. So with n_r shots

    var <O> = sum_r var_r(d<O>/dm_r) / n_r

the variance being that of single shots of r under the derivative, at the measured means of the
others. All that shots of a circuit have in common, as in an energy, is in it. What is left out, the
products of two errors, is counted twice by errors in the measured means: the estimate is no less
than the truth, by what is small where each error is.

Cost of an energy: O(terms * variables + distinct bitstrings * (variables + couplings)).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from math import sqrt
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from quantum_pipeline.cutting.expansion import Expansion
from quantum_pipeline.ising import IsingModel, spins_of

Real = NDArray[np.float64]
Pair = tuple[int, int]

FEWEST = 2
"""Shots of a circuit: of one, no error is known."""


class Expectation(NamedTuple):
    """A mean, and its standard error."""

    value: float
    error: float


class Shots(NamedTuple):
    """What was counted of a circuit: spins of its bits, shape (outcomes, bits), and how often."""

    spins: Real
    weights: Real

    @classmethod
    def of(cls, counts: Mapping[str, int]) -> Shots:
        """Return those of counts by bitstring."""
        return cls(spins_of(list(counts)).astype(np.float64), np.array(list(counts.values())) * 1.0)


_Means = dict[tuple[str, tuple[int, ...]], Real]
"""Mean of each factor in a circuit, times the signs of some of its ancillas."""


class _PartShots:
    """The shots of a part's circuits: 1, then each Z_i, then Z_i Z_j of each coupling inside."""

    def __init__(self, expansion: Expansion, part: int, shots: Mapping[str, Shots]) -> None:
        variables = expansion.parts[part].variables
        self._at = {v: k for k, v in enumerate(variables)}
        self._pairs = [(i, j) for i, j, _ in expansion.model.couplings if {i, j} <= set(self._at)]
        self.places: dict[Pair, int] = {(v, v): 1 + k for v, k in self._at.items()}
        self.places |= {pair: 1 + len(self._at) + k for k, pair in enumerate(self._pairs)}
        self._shots = shots
        self.factors = {name: self._factors(each.spins) for name, each in shots.items()}
        self.operands = sorted({operands[part] for operands in expansion.products})
        self.shares = [list(expansion.shares(part, operand)) for operand in self.operands]

    def _factors(self, spins: Real) -> Real:
        n = len(self._at)
        first, second = ([self._at[pair[k]] for pair in self._pairs] for k in (0, 1))
        pairs = spins[:, first] * spins[:, second]
        return np.hstack([np.ones((len(spins), 1)), spins[:, :n], pairs])

    def signs(self, circuit: str, ancillas: Sequence[int]) -> Real:
        """Return the product of some ancillas' spins in each outcome."""
        n = len(self._at)
        signs: Real = self._shots[circuit].spins[:, [n + k for k in ancillas]].prod(axis=1)
        return signs

    def means(self) -> Real:
        """Return the mean of each factor under each operand, shape (operands, factors)."""
        known: _Means = {}
        rows = []
        for shares in self.shares:
            row: Real = np.zeros(1 + len(self._at) + len(self._pairs))
            for weight, circuit, signs in shares:
                if (circuit, signs) not in known:
                    weights = self._shots[circuit].weights * self.signs(circuit, signs)
                    total = self._shots[circuit].weights.sum()
                    known[circuit, signs] = weights @ self.factors[circuit] / total
                row = row + weight * known[circuit, signs]
            rows.append(row)
        return np.array(rows)

    def variance(self, gradient: Real) -> float:
        """Return the variance of what has a gradient by the operands' means, of their shape."""
        values = {name: np.zeros(len(each)) for name, each in self.factors.items()}
        for row, shares in zip(gradient, self.shares, strict=True):
            if not row.any():
                continue
            for weight, circuit, signs in shares:
                found = self.factors[circuit] @ row
                values[circuit] += weight * found * (self.signs(circuit, signs) if signs else 1.0)
        return sum(_variance(values[name], shots.weights) for name, shots in self._shots.items())


def _variance(values: Real, weights: Real) -> float:
    """Return the variance of a mean of shots."""
    shots = float(weights.sum())
    mean = weights @ values / shots
    return float(weights @ (values - mean) ** 2) / ((shots - 1) * shots)


class Reconstruction:
    """What the counts of all circuits of all parts say of the whole.

    Args:
        expansion: of the cut circuit.
        counts: of each part and circuit, FEWEST shots or more; the bits of a bitstring are the
            part's variables, in ascending order, then its ancillas.
    """

    def __init__(
        self, expansion: Expansion, counts: Iterable[tuple[int, str, Mapping[str, int]]]
    ) -> None:
        self._model, self._home = expansion.model, expansion.home
        shots = [dict[str, Shots]() for _ in expansion.parts]
        for part, circuit, each in counts:
            shots[part][circuit] = Shots.of(each)
        self._parts = [_PartShots(expansion, k, found) for k, found in enumerate(shots)]
        self._coefficients = np.array(list(expansion.products.values()))
        self._rows = [
            np.array([part.operands.index(operands[k]) for operands in expansion.products])
            for k, part in enumerate(self._parts)
        ]
        self._means = [
            part.means()[rows] for part, rows in zip(self._parts, self._rows, strict=True)
        ]

    def energy(self) -> Expectation:
        """Return the mean energy, with the model's offset, and its standard error."""
        found = self.of(self._model)
        return Expectation(self._model.offset + found.value, found.error)

    def means(self) -> list[Expectation]:
        """Return <Z_i> of each variable."""
        return [self.of(_single(self._model, v)) for v in range(self._model.n_variables)]

    def correlations(self) -> dict[Pair, Expectation]:
        """Return <Z_i Z_j> of each coupled pair i < j."""
        return {(i, j): self.of(_pair(self._model, i, j)) for i, j, _ in self._model.couplings}

    def of(self, model: IsingModel) -> Expectation:
        """Return the mean of a model's fields and couplings, which are some of the cut one's."""
        own, between = self._split(model)
        value = sum(
            float((self._without(k) * (self._means[k] @ row)).sum()) for k, row in enumerate(own)
        )
        for (i, j), coupling in between.items():
            p, q = self._home[i], self._home[j]
            value += coupling * float((self._without(p, q) * self._z(i) * self._z(j)).sum())
        variance = 0.0
        for k, part in enumerate(self._parts):
            rows = np.zeros((len(part.operands), self._means[k].shape[1]))
            np.add.at(rows, self._rows[k], self._gradient(k, own, between))
            variance += part.variance(rows)
        return Expectation(value, sqrt(variance))

    def _split(self, model: IsingModel) -> tuple[list[Real], dict[Pair, float]]:
        """Return the coefficients of each part's own factors, and the couplings between parts."""
        own = [np.zeros(means.shape[1]) for means in self._means]
        between: dict[Pair, float] = {}
        for v, field in enumerate(model.fields):
            own[self._home[v]][self._parts[self._home[v]].places[v, v]] = field
        for i, j, coupling in model.couplings:
            p = self._home[i]
            if p == self._home[j]:
                own[p][self._parts[p].places[i, j]] = coupling
            else:
                between[i, j] = coupling
        return own, between

    def _gradient(self, p: int, own: Sequence[Real], between: Mapping[Pair, float]) -> Real:
        """Return the derivatives by the factors' means of part p in each term."""
        gradient: Real = self._without(p)[:, None] * own[p]
        for q, row in enumerate(own):
            if q != p and row.any():
                gradient[:, 0] += self._without(p, q) * (self._means[q] @ row)
        for (i, j), coupling in between.items():
            homes = {self._home[i]: i, self._home[j]: j}
            others = [self._z(v) for q, v in homes.items() if q != p]
            place = self._parts[p].places[homes[p], homes[p]] if p in homes else 0
            rest = self._without(p, *homes)
            gradient[:, place] += coupling * rest * np.prod(others, axis=0)
        return gradient

    def _without(self, *parts: int) -> Real:
        """Return the product of each term's coefficient and of 1 in all other parts."""
        ones = [means[:, 0] for k, means in enumerate(self._means) if k not in parts]
        return np.asarray(np.prod([self._coefficients, *ones], axis=0), dtype=np.float64)

    def _z(self, v: int) -> Real:
        part = self._home[v]
        z: Real = self._means[part][:, self._parts[part].places[v, v]]
        return z


def _single(model: IsingModel, v: int) -> IsingModel:
    fields = [float(u == v) for u in range(model.n_variables)]
    return IsingModel(fields=tuple(fields), couplings=())


def _pair(model: IsingModel, i: int, j: int) -> IsingModel:
    return IsingModel(fields=(0.0,) * model.n_variables, couplings=((i, j, 1.0),))


def deviations(expansion: Expansion) -> list[dict[str, float]]:
    """Return what a shot of each circuit adds to the energy's error, about, before any is taken.

    Factors that are not the constant 1 are taken to vary by 1 and independently, and those of other
    parts to be as large as they may be. For as little error as possible, shots are shared out in
    proportion to it (Neyman).
    """
    products = expansion.products
    coefficients = np.array(list(products.values()))
    operands = [sorted({each[k] for each in products}) for k in range(len(expansion.parts))]
    rows = [
        np.array([operands[k].index(each[k]) for each in products])
        for k in range(len(expansion.parts))
    ]
    return [
        _deviations_of(expansion, part, coefficients, operands, rows)
        for part in range(len(expansion.parts))
    ]


def _deviations_of(
    expansion: Expansion,
    part: int,
    coefficients: Real,
    operands: Sequence[Sequence[tuple[str, ...]]],
    rows: Sequence[NDArray[np.intp]],
) -> dict[str, float]:
    home = expansion.home
    ones = [
        np.array([_one(expansion, k, each) for each in operands[k]])[rows[k]]
        for k in range(len(expansion.parts))
    ]
    others = np.prod([coefficients, *(o for k, o in enumerate(ones) if k != part)], axis=0)
    size = len(operands[part])
    inner = np.bincount(rows[part], weights=others, minlength=size)
    square = sum(h**2 for v, h in enumerate(expansion.model.fields) if home[v] == part)
    square += sum(J**2 for i, j, J in expansion.model.couplings if home[i] == home[j] == part)
    squares = inner**2 * square
    for i, j, coupling in expansion.model.couplings:
        if home[i] != home[j] and part in (home[i], home[j]):
            rest = [np.abs(o) for k, o in enumerate(ones) if k not in (home[i], home[j])]
            each = np.prod([np.abs(coefficients), *rest], axis=0)
            squares += (coupling * np.bincount(rows[part], weights=each, minlength=size)) ** 2
    found = dict.fromkeys(expansion.circuits[part], 0.0)
    for operand, value in zip(operands[part], squares, strict=True):
        for share in expansion.shares(part, operand):
            found[share.circuit] += share.weight**2 * float(value)
    return {name: sqrt(value) for name, value in found.items()}


def _one(expansion: Expansion, part: int, operand: tuple[str, ...]) -> float:
    """Return the mean of 1 under an operand: a prepared bit's signs cancel, others may be 1."""
    shares = list(expansion.shares(part, operand))
    return 1.0 if any(s.signs for s in shares) else sum(share.weight for share in shares)


def shared_out(weights: Iterable[float], pieces: int) -> list[int]:
    """Return how many of so many pieces each weight gets: one at least, the rest in proportion.

    >>> shared_out([6.0, 3.0, 0.0], 11)
    [7, 3, 1]
    """
    given = np.array(list(weights), dtype=np.float64)
    total = given.sum() or 1.0
    share = given / total * pieces
    counts = np.maximum(1, np.floor(share)).astype(int)
    while counts.sum() > pieces:
        counts[np.argmax(np.where(counts > 1, counts - share, -np.inf))] -= 1
    while counts.sum() < pieces:
        counts[np.argmax(share - counts)] += 1
    return [int(each) for each in counts]
