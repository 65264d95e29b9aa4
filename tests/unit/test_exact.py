"""Exact energies against rational arithmetic written out, in both readings of a float."""

from __future__ import annotations

import itertools
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quantum_pipeline.ising import IsingModel, all_energies
from quantum_pipeline.ising.exact import ExactEnergies, Terms

SCALES = [1.0, 0.1, 1e-9, 1e9, 1e-300, 1e-3]
CHOICE = 8
"""Variables of the problem that chooses three of them."""


def numbers() -> st.SearchStrategy[float]:
    """Draw numbers of few digits and of many, of scales far apart, so that ties are frequent."""
    few = st.integers(-5, 5).map(float)
    many = st.floats(-1, 1)
    return st.builds(lambda value, scale: value * scale, few | many, st.sampled_from(SCALES))


@st.composite
def sums(draw: st.DrawFn) -> Terms:
    n, spins = draw(st.integers(1, 4)), draw(st.booleans())
    ends = st.tuples(st.integers(0, n - 1), st.integers(0, n - 1))
    pairs = draw(st.lists(ends.filter(lambda pair: not spins or pair[0] != pair[1]), max_size=8))
    return Terms(
        [draw(numbers()) for _ in range(n)],
        [(i, j, draw(numbers())) for i, j in pairs],
        draw(st.lists(numbers(), max_size=2)),
        spins,
        draw(st.sampled_from([1, 2])),
    )


def bitstrings(terms: Terms) -> list[str]:
    return ["".join(bits) for bits in itertools.product("01", repeat=len(terms.linear))]


def by_hand(terms: Terms, *, decimal: bool) -> list[Fraction]:
    """Return the value of every bitstring."""

    def read(number: float) -> Fraction:
        return Fraction(repr(number)) if decimal else Fraction(number)

    found = []
    for bits in itertools.product((0, 1), repeat=len(terms.linear)):
        v = [1 - 2 * bit if terms.spins else bit for bit in bits]
        parts = [read(c) for c in terms.constants]
        parts += [read(c) * x for c, x in zip(terms.linear, v, strict=True)]
        parts += [read(c) * v[i] * v[j] for i, j, c in terms.quadratic]
        found.append(sum(parts, Fraction(0)) / terms.divisor)
    return found


@settings(max_examples=50, deadline=None)
@given(sums())
def test_energies_and_their_order_are_those_of_fractions(terms: Terms) -> None:
    exact, every = ExactEnergies(terms), bitstrings(terms)
    decimal, binary = by_hand(terms, decimal=True), by_hand(terms, decimal=False)
    assert [exact.energy(bits) for bits in every] == decimal
    assert exact.mean == sum(decimal) / len(decimal)
    both = list(zip(decimal, binary, strict=True))
    assert both[exact.best(every)] == min(both)
    for one, other in itertools.islice(itertools.combinations(range(len(every)), 2), 40):
        gap = exact.compare(every[one], every[other])
        orders = {
            (values[one] > values[other]) - (values[one] < values[other])
            for values in (decimal, binary)
        }
        assert gap.order == (orders.pop() if len(orders) == 1 else 0)
        assert gap.size == abs(decimal[one] - decimal[other])


@settings(max_examples=50, deadline=None)
@given(sums())
def test_the_lowest_are_all_that_are_not_higher_in_both_readings(terms: Terms) -> None:
    exact, every = ExactEnergies(terms), bitstrings(terms)
    decimal, binary = by_hand(terms, decimal=True), by_hand(terms, decimal=False)
    build = IsingModel.from_spins if terms.spins else IsingModel.from_bits
    divided = [(i, j, c / terms.divisor) for i, j, c in terms.quadratic]
    model = build([c / terms.divisor for c in terms.linear], divided)
    spectrum = all_energies(model.model_copy(update={"offset": 0.0}))

    found = exact.lowest(spectrum, exact.rounding(model))

    least, of_it = min(zip(decimal, binary, strict=True))
    right = [k for k in range(len(every)) if decimal[k] == least or binary[k] <= of_it]
    assert found.places.tolist() == right
    assert (decimal[found.place], binary[found.place]) == (least, of_it)
    assert found.doubtful == any((decimal[k], binary[k]) != (least, of_it) for k in right)
    assert exact.as_low(every, every[found.place]).nonzero()[0].tolist() == right


@settings(max_examples=50, deadline=None)
@given(sums())
def test_no_float_energy_is_off_by_more_than_the_rounding(terms: Terms) -> None:
    exact = ExactEnergies(terms)
    build = IsingModel.from_spins if terms.spins else IsingModel.from_bits
    divided = [(i, j, c / terms.divisor) for i, j, c in terms.quadratic]
    model = build([c / terms.divisor for c in terms.linear], divided)
    spectrum = all_energies(model.model_copy(update={"offset": 0.0}))
    for decimal in (True, False):
        values = by_hand(terms, decimal=decimal)
        mean = sum(values, Fraction(0)) / len(values)
        for energy, value in zip(spectrum.tolist(), values, strict=True):
            assert abs(Fraction(energy) - (value - mean)) <= exact.rounding(model) + 1e-300


def test_what_was_written_as_decimals_is_equal_as_decimals() -> None:
    exact = ExactEnergies(Terms([0.1, 0.2, 0.3], [(0, 1, 0.0)]))
    gap = exact.compare("110", "001")
    assert (gap.order, gap.size, gap.doubtful) == (
        0,
        Fraction(0),
        True,
    )  # 0.1 + 0.2 > 0.3 as floats
    assert exact.compare("100", "010").doubtful is False


def test_what_a_penalty_has_swallowed_is_equal() -> None:
    # 1e9 + 1e-8 is 1e9 as a float: whatever the weights were, nothing is left of them.
    exact = ExactEnergies(Terms([1e9 + 1e-8, 1e9 + 2e-8], []))
    assert exact.compare("01", "10") == (0, Fraction(0), False)


def test_neighbouring_floats_differ_but_by_less_than_they_were_rounded_by() -> None:
    gap = ExactEnergies(Terms([1.1, np.nextafter(1.1, 2)], [])).compare("01", "10")
    assert (gap.order, gap.doubtful) == (1, True)
    assert not ExactEnergies(Terms([1e12, 1e12 - 1], [])).compare("01", "10").doubtful


@pytest.mark.parametrize("value", [1.0, 0.1, 0.1234567890123456])
def test_very_many_ties_are_told_apart_quickly(value: float) -> None:
    n = 16
    pairs = [(i, j, value) for i, j in itertools.combinations(range(n), 2)]
    exact, model = (
        ExactEnergies(Terms([0.0] * n, pairs, spins=True)),
        IsingModel.from_spins([0.0] * n, pairs),
    )
    found = exact.lowest(all_energies(model), exact.rounding(model))
    assert len(found.places) == 12_870  # half of 16 up
    assert not found.doubtful


@settings(max_examples=40, deadline=None)
@given(sums())
def test_a_model_of_integers_has_the_same_order(terms: Terms) -> None:
    exact = ExactEnergies(terms)
    build = IsingModel.from_spins if terms.spins else IsingModel.from_bits
    divided = [(i, j, c / terms.divisor) for i, j, c in terms.quadratic]
    whole = exact.whole(build([c / terms.divisor for c in terms.linear], divided))
    if whole is None:
        return
    assert whole.sums_are_floats
    energies, values = all_energies(whole).tolist(), by_hand(terms, decimal=True)
    places = range(len(values))
    assert sorted(places, key=energies.__getitem__) == sorted(places, key=values.__getitem__)
