"""Spaces, polynomials and constraints, against enumeration of all bitstrings and plain sums."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from quantum_pipeline.spaces import Constraint, Form, Group, Polynomial, Sense, Space

SPACE = Space((Group((1, 4, 2), 1), Group((0,)), Group((3, 6, 7, 5), 2)))


def test_a_space_is_all_bitstrings_that_keep_its_rules() -> None:
    """Each once, and no other."""
    found = {tuple(bits) for bits in SPACE.bits(range(SPACE.n_states)).tolist()}
    kept = {
        x
        for x in product((0, 1), repeat=8)
        if x[1] + x[4] + x[2] == 1 and x[3] + x[6] + x[7] + x[5] == 2
    }
    assert found == kept
    assert len(found) == SPACE.n_states == 36
    assert all(SPACE.holds(x) == (x in kept) for x in product((0, 1), repeat=8))


@pytest.mark.parametrize("spins", [False, True])
def test_a_polynomial_at_all_states_is_its_plain_sum_at_each(*, spins: bool) -> None:
    """Products of up to four variables, within groups and across them, some of them twice."""
    rng = np.random.default_rng(5)
    written = [
        (rng.integers(8, size=rng.integers(1, 5)).tolist(), float(rng.integers(-9, 10)) / 8)
        for _ in range(60)
    ]
    polynomial = Polynomial.of(written, 0.5, spins=spins)
    values = polynomial.over(SPACE).reshape(-1) + polynomial.constant
    for state, bits in enumerate(SPACE.bits(range(SPACE.n_states)).tolist()):
        v = [1 - 2 * x for x in bits] if spins else bits
        plain = 0.5 + sum(c * np.prod([v[i] for i in variables]) for variables, c in written)
        assert values[state] == pytest.approx(plain, abs=1e-12)
        assert float(polynomial.value(bits)) == pytest.approx(plain, abs=1e-12)


@pytest.mark.parametrize("sense", ["<=", ">=", "=="])
def test_violations_are_by_how_much_a_constraint_fails(sense: Sense) -> None:
    """At all states as at each; tenths, which floats round, break nothing by rounding alone."""
    constraint = Constraint("tenths", tuple((i, (i % 4) / 10) for i in range(8)), sense, 0.6)
    form = Form(SPACE, Polynomial.of([]), (constraint,))
    summed = form.violations().reshape(-1)
    for state, bits in enumerate(SPACE.bits(range(SPACE.n_states)).tolist()):
        excess = sum((i % 4) * bits[i] for i in range(8)) - 6
        broken = {"<=": max(0, excess), ">=": max(0, -excess), "==": abs(excess)}[sense]
        assert summed[state] == pytest.approx(broken / 10, abs=1e-12)
        assert (summed[state] == 0.0) == (broken == 0) == form.feasible(bits)
