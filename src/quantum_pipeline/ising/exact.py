"""Compares energies exactly, on a problem's coefficients as they were written.

A sum of floats is rounded, the more the larger its terms: beside a penalty of 1e9 little is left of
a weight of 1e-9. What is better, equal or best is therefore decided on integers. A float stands for
two numbers, and none of them is wrong:

    decimal   the shortest decimal that is read as this float: 0.1 is a tenth, as it was written;
    binary    the float itself: 0.1 is 0.1000000000000000055...

One energy is lower than another only where it is lower in both readings. Otherwise they cannot be
told apart: 0.1 + 0.2 equals 0.3, and weights that a large penalty has swallowed are equal. Energies
are less the problem's constant, which moves all of them alike.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from quantum_pipeline.ising import EPSILON, Coupling, IsingModel

Real = NDArray[np.float64]
Integers = NDArray[Any]
"""Whole numbers: of type float64 where they are below 2^53, else Python's."""

AT_ONCE = 2**18
"""Values of terms in memory at once."""


@dataclass(frozen=True)
class Terms:
    """A sum as it was written, over bits or spins v; pairs may repeat, and i = j is linear in bits.

    (sum constants + sum_i linear_i v_i + sum q_ij v_i v_j) / divisor
    """

    linear: Sequence[float]
    quadratic: Sequence[Coupling]
    constants: Sequence[float] = ()
    spins: bool = False
    divisor: int = 1

    @classmethod
    def of(cls, model: IsingModel) -> Self:
        """Return the terms of an Ising model."""
        return cls(model.fields, model.couplings, (model.offset,), spins=True)


class Gap(NamedTuple):
    """How one energy stands to another.

    ``order`` is -1 where it is lower, 1 where it is higher, 0 where they cannot be told apart;
    ``size`` is the distance. ``doubtful`` says that the distance, where there is one, is less than
    what the coefficients that make it were rounded by when they became floats.
    """

    order: int
    size: Fraction
    doubtful: bool


class Lowest(NamedTuple):
    """The bitstrings of lowest energy, as numbers: one of them, and all not told apart from it.

    ``doubtful`` says that some of them are no equals in both readings.
    """

    place: int
    places: NDArray[np.intp]
    doubtful: bool


class ExactEnergies:
    """The energies of a sum of terms over n variables, as exact numbers.

    >>> exact = ExactEnergies(Terms([0.1, 0.2, 0.3], [(0, 1, 1e9), (0, 2, -1e9)]))
    >>> exact.energy("110"), exact.compare("010", "001").order, exact.best(["101", "110", "111"])
    (Fraction(10000000003, 10), -1, 0)
    """

    def __init__(self, terms: Terms) -> None:
        self._n = n = len(terms.linear)
        self._spins = terms.spins
        pairs = np.array([(i, j) for i, j, _ in terms.quadratic], dtype=np.intp).reshape(-1, 2)
        single = np.column_stack([np.arange(n), np.full(n, n)])
        alone = np.full((len(terms.constants), 2), n)
        # Variable n is always 1, so that every term is a product of two.
        places = np.concatenate([pairs, single, alone])
        values = [*(q for *_, q in terms.quadratic), *terms.linear, *terms.constants]
        coefficients = np.array(values, dtype=np.float64)
        kept = coefficients != 0
        self._first, self._second = places[kept].T
        self._coefficients = coefficients[kept]
        self._divisor = terms.divisor
        mantissas, exponents, self._is_binary = _decimal(self._coefficients)
        self._decimal = _Reading(mantissas, exponents, 10)
        self._binary = (
            self._decimal if self._is_binary else _Reading(*_binary(self._coefficients), 2)
        )

    @classmethod
    def of(cls, model: IsingModel) -> Self:
        """Return the energies of a model whose floats are what was written."""
        return cls(Terms.of(model))

    def energy(self, bitstring: str) -> Fraction:
        """Return the energy of one bitstring, its coefficients read as decimals."""
        [value] = self._decimal.values(self._products(_bits([bitstring])))
        return Fraction(int(value)) * self._unit

    def best(self, bitstrings: Sequence[str]) -> int:
        """Return the place of the first bitstring of lowest energy."""
        return self.best_of(_bits(bitstrings))

    def best_of(self, bits: NDArray[np.int8]) -> int:
        """Return the place of the first of lowest energy; ``bits`` has shape (n, bitstrings)."""
        return _lowest(*self._values(bits))

    def as_low(self, bitstrings: Sequence[str], other: str) -> NDArray[np.bool_]:
        """Return of each bitstring whether it is as low as another, or not told apart from it."""
        decimal, binary = self._values(_bits([*bitstrings, other]))
        found: NDArray[np.bool_] = (decimal <= decimal[-1]) | (binary <= binary[-1])
        return found[:-1]

    def compare(self, bitstring: str, other: str) -> Gap:
        """Return how the energy of a bitstring stands to that of another."""
        products = self._products(_bits([bitstring, other]))
        (a, b), (c, d) = self._decimal.values(products), self._binary.values(products)
        orders = {_order(a, b), _order(c, d)}
        size = abs(int(a) - int(b)) * self._unit
        in_binary = abs(int(c) - int(d)) * self._binary.unit / self._divisor
        change = np.abs(products[:, 0] - products[:, 1])
        rounded = math.fsum(change * self._roundings) / self._divisor
        order = orders.pop() if len(orders) == 1 else 0
        doubtful = orders != set() or (order != 0 and min(size, in_binary) <= rounded)
        return Gap(order, size, doubtful)

    def lowest(self, spectrum: Real, rounding: float) -> Lowest:
        """Return the bitstrings of lowest energy.

        Args:
            spectrum: energies of all bitstrings but for a constant, shape (2^n,).
            rounding: how far they may be off, as ``rounding`` gives it.

        Cost: a look at all of them; those within the rounding of the lowest are computed exactly.
        """
        near = np.flatnonzero(spectrum <= spectrum.min() + 2 * rounding)
        if len(near) == 1 or not rounding:
            return Lowest(int(near[0]), near, doubtful=False)
        decimal, binary = self._values_at(near)
        chosen = _lowest(decimal, binary)
        equal, as_low = decimal == decimal[chosen], binary <= binary[chosen]
        equals = equal & (binary == binary[chosen])
        found = equal | as_low
        doubtful = bool((found & ~equals).any())
        return Lowest(int(near[chosen]), near[found], doubtful)

    def highest(self, spectrum: Real, rounding: float) -> int:
        """Return a bitstring of highest energy, its coefficients read as decimals, as a number."""
        near = np.flatnonzero(spectrum >= spectrum.max() - 2 * rounding)
        if len(near) == 1 or not rounding:
            return int(near[0])
        return int(near[self._values_at(near)[0].argmax()])

    def lowest_of(self, places: NDArray[np.intp]) -> int:
        """Return the first of lowest energy among bitstrings given as numbers."""
        return int(places[_lowest(*self._values_at(places))])

    def rounding(self, model: IsingModel) -> float:
        """Return how far a float energy of the model, less its offset, may be from either reading.

        That is the rounding of its sum, and 4 u sum |coefficients| for the coefficients, which were
        rounded when they became floats. It is 0 where all are multiples of one number that is a
        power of 2, and so few that their sums are floats.
        """
        if self._sums_are_floats:
            return 0.0
        bare = model.model_copy(update={"offset": 0.0})
        return bare.tolerance + 4 * EPSILON * self.magnitude

    def whole(self, model: IsingModel) -> IsingModel | None:
        """Return the model in a unit in which its numbers are integers, read as decimals.

        All sums of them are exact floats; None where some would not be. The offset is left out.
        """
        values = [*model.fields, *(value for _, _, value in model.couplings)]
        multiples = self.multiples(np.array(values))
        if multiples is None:
            return None
        fields, couplings = np.split(multiples, [model.n_variables])
        pairs = zip(model.couplings, couplings.tolist(), strict=True)
        return IsingModel.from_spins(fields.tolist(), [(i, j, value) for (i, j, _), value in pairs])

    def multiples(self, values: Real) -> Real | None:
        """Return numbers of the Ising model in a unit in which all are integers, without divisor.

        None where sums of them would be rounded.
        """
        if self._decimal.total * self._divisor >= 2**47:
            return None
        found = np.rint(values / float(self._unit / 4))
        divisor = math.gcd(*found.astype(np.int64).tolist()) or 1
        return np.asarray(found / divisor)

    def holds(self, model: IsingModel) -> bool:
        """Return whether the model has just these numbers, read as binary ones, but its offset."""
        quarters: Counter[tuple[int, int]] = Counter()
        terms = zip(self._first.tolist(), self._second.tolist(), self._binary.whole, strict=True)
        for i, j, value in terms:
            if self._spins:
                quarters[min(i, j), max(i, j)] += 4 * value
            elif self._n in {i, j} or i == j:
                quarters[min(i, j), self._n] -= 2 * value
            else:
                quarters[min(i, j), max(i, j)] += value
                quarters[i, self._n] -= value
                quarters[j, self._n] -= value
        del quarters[self._n, self._n]
        given = {(i, j): value for i, j, value in model.couplings}
        given |= {(i, self._n): value for i, value in enumerate(model.fields)}
        unit = self._binary.unit / self._divisor / 4
        return all(Fraction(given.get(pair, 0.0)) == n * unit for pair, n in quarters.items())

    @cached_property
    def magnitude(self) -> float:
        """Sum of the absolute terms: no energy is farther from 0."""
        return float(np.abs(self._coefficients).sum()) / self._divisor

    @cached_property
    def mean(self) -> Fraction:
        """Mean of the energies of all bitstrings, the coefficients read as decimals."""
        constant = (self._first == self._n).astype(np.int64)
        single = (self._first == self._second) | (self._second == self._n)
        quarters = np.where(constant, 4, np.where(single, 2, 1))
        if self._spins:
            quarters = 4 * constant
        [value] = self._decimal.values(quarters[:, None])
        return Fraction(int(value), 4) * self._unit

    @property
    def _unit(self) -> Fraction:
        return self._decimal.unit / self._divisor

    @cached_property
    def _sums_are_floats(self) -> bool:
        # A quarter of the unit is the unit of the Ising model, and halves its divisor's.
        return self._is_binary and self._decimal.total * 8 * self._divisor < 2**53

    @cached_property
    def _roundings(self) -> Real:
        """Half a unit in the last place of each coefficient; of integers, which are exact, none."""
        whole = self._coefficients == np.rint(self._coefficients)
        return np.where(whole, 0.0, np.spacing(np.abs(self._coefficients)) / 2)

    def _products(self, bits: NDArray[np.int8]) -> NDArray[np.int8]:
        """Return the products of variables in each term, shape (terms, bitstrings)."""
        values = np.ones((self._n + 1, bits.shape[1]), np.int8)
        values[:-1] = 1 - 2 * bits if self._spins else bits
        products: NDArray[np.int8] = values[self._first]
        products *= values[self._second]
        return products

    def _values(self, bits: NDArray[np.int8]) -> tuple[Integers, Integers]:
        """Return the energies of columns of bits in both readings, each in its unit."""
        return self._joined(bits[:, block] for block in self._blocks(bits.shape[1]))

    def _values_at(self, places: NDArray[np.intp]) -> tuple[Integers, Integers]:
        shifts = np.arange(self._n)[::-1, None]
        return self._joined(
            ((places[block] >> shifts) & 1).astype(np.int8) for block in self._blocks(len(places))
        )

    def _blocks(self, size: int) -> Iterator[slice]:
        step = max(1, AT_ONCE // max(1, len(self._coefficients)))
        return (slice(start, start + step) for start in range(0, size, step))

    def _joined(self, blocks: Iterator[NDArray[np.int8]]) -> tuple[Integers, Integers]:
        found = []
        for bits in blocks:
            products = self._products(bits)
            decimal = self._decimal.values(products)
            found.append((decimal, decimal if self._is_binary else self._binary.values(products)))
        decimal, binary = (np.concatenate(parts) for parts in zip(*found, strict=True))
        return decimal, binary


class _Reading:
    """Coefficients as integers: multiples of ``unit``, which is as large as it can be.

    Sums are made in ``_limbs``, shape (k, coefficients), of integers so small that float64 holds
    every sum of them: value = sum_k limb_k 2^(width k).
    """

    def __init__(
        self, mantissas: NDArray[np.int64], exponents: NDArray[np.int64], base: int
    ) -> None:
        lowest = int(exponents.min(initial=0)) if len(exponents) else 0
        shifts = exponents - lowest
        powers = [base**k for k in range(int(shifts.max(initial=0)) + 1)]
        bits = np.abs(mantissas) * np.array([float(min(each, 2**99)) for each in powers])[shifts]
        kind = np.int64 if bits.max(initial=0.0) < 2.0**62 else object
        largest = 62 if kind is np.int64 else None
        whole: Integers = mantissas.astype(kind) * np.array(powers[:largest], dtype=kind)[shifts]
        divisor = math.gcd(*whole.tolist()) or 1
        whole //= divisor
        self.unit = Fraction(base) ** lowest * divisor
        self.total = sum(map(abs, whole.tolist()))
        # The quarters of ``mean`` are up to four times as much.
        self._width = 50 - max(1, len(whole)).bit_length()
        self._limbs = self._cut(whole)
        self.whole: list[int] = whole.tolist()

    def _cut(self, whole: Integers) -> Real:
        signs, left = np.where(whole < 0, -1, 1), np.abs(whole)
        limbs: list[Real] = []
        while not limbs or left.any():
            limbs.append((signs * (left & ((1 << self._width) - 1))).astype(np.float64))
            left >>= self._width
        return np.stack(limbs)

    def values(self, products: NDArray[Any]) -> Integers:
        """Return the sum of the coefficients times each column of ``products``."""
        sums: Integers = self._limbs @ products.astype(np.float64)
        limbs = [
            limb << self._width * k for k, limb in enumerate(sums.astype(np.int64).astype(object))
        ]
        total: Integers = sums[0] if len(sums) == 1 else np.sum(limbs, axis=0)
        return total


def _decimal(values: Real) -> tuple[NDArray[np.int64], NDArray[np.int64], bool]:
    """Return mantissas and powers of ten of the shortest decimals; whether the floats are these."""
    whole = (values == np.rint(values)) & (np.abs(values) < 2.0**53)
    mantissas, exponents = np.where(whole, values, 0).astype(np.int64), np.zeros(len(values), int)
    distinct, places = np.unique(values[~whole], return_inverse=True)
    found = np.array([_shortest(each) for each in distinct.tolist()]).reshape(-1, 3)
    mantissas[~whole], exponents[~whole] = found[places, :2].T
    return mantissas, exponents, bool(found[:, 2].all())


def _shortest(value: float) -> tuple[int, int, bool]:
    digits, _, power = repr(value).partition("e")
    before, _, after = digits.partition(".")
    mantissa, exponent = int(before + after), int(power or 0) - len(after)
    numerator, denominator = value.as_integer_ratio()
    up, down = 10 ** max(exponent, 0), 10 ** max(-exponent, 0)
    return mantissa, exponent, mantissa * up * denominator == numerator * down


def _binary(values: Real) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return odd mantissas and powers of two."""
    fractions, exponents = np.frexp(values)
    mantissas = (fractions * 2.0**53).astype(np.int64)
    zeros = np.frexp((mantissas & -mantissas).astype(np.float64))[1] - 1
    return mantissas >> zeros, exponents.astype(np.int64) - 53 + zeros


def _bits(bitstrings: Sequence[str]) -> NDArray[np.int8]:
    """Return the bits of bitstrings, shape (variables, bitstrings)."""
    bits = np.frombuffer("".join(bitstrings).encode("ascii"), dtype=np.int8) - ord("0")
    return bits.reshape(len(bitstrings), -1).T


def _order(value: int, other: int) -> int:
    return int(value > other) - int(value < other)


def _lowest(decimal: Integers, binary: Integers) -> int:
    """Return the place of the first of the lowest binary values among the lowest decimal ones."""
    ties = np.flatnonzero(decimal == decimal.min())
    return int(ties[int(np.argmin(binary[ties]))])
