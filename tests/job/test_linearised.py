"""HiGHS on forms, against the enumeration of all bitstrings."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from hybrid_job.classical import forms, linearised
from quantum_pipeline.spaces import Constraint, Form, Group, Polynomial, Sense, Space
from quantum_pipeline.spaces.landscape import Landscape

SPACE = Space((Group((0, 1, 2), 1), Group((3,)), Group((4, 5, 6, 7), 2), Group((8, 9), 1)))


def random_form(seed: int, *, spins: bool, sense: Sense) -> Form:
    """Return products of up to three variables, and a constraint that some states keep."""
    rng = np.random.default_rng(seed)
    monomials = [
        (rng.choice(10, size=rng.integers(1, 4), replace=False).tolist(), int(rng.integers(-9, 10)))
        for _ in range(25)
    ]
    # All products of a bit with a group, for the rows that tighten these.
    monomials += [([3, bit], int(rng.integers(1, 9))) for bit in (0, 1, 2)]
    weights = tuple((bit, float(rng.integers(1, 5))) for bit in range(10))
    constraint = Constraint("weight", weights, sense, float(sum(w for _, w in weights) // 2))
    return Form(SPACE, Polynomial.of(monomials, 3.0, spins=spins), (constraint,))


@pytest.mark.parametrize("sense", ["<=", ">=", "=="])
@pytest.mark.parametrize("spins", [False, True])
def test_the_optimum_of_a_form_is_found_and_proven(sense: Sense, *, spins: bool) -> None:
    for seed in range(3):
        form = random_form(seed, spins=spins, sense=sense)
        feasible = [bits for bits in product((0, 1), repeat=10) if form.feasible(bits)]
        lowest = min(form.objective.value(bits) for bits in feasible)
        found = linearised.solve(form, seconds=30.0)
        assert found is not None
        assert found.proven
        assert found.bits is not None
        assert form.feasible(found.bits)
        assert form.objective.value(found.bits) == lowest


def test_too_many_products_are_left_to_enumeration() -> None:
    """As are problems without constraints, for which HiGHS is no rival."""
    n = 65
    pairs = [((i, j), 1.0) for i in range(n) for j in range(i)]
    form = Form(Space((Group(tuple(range(n)), 1),)), Polynomial.of([*pairs, ((3,), -1.0)]))
    assert linearised.solve(form, seconds=1.0) is None
    found = forms.solve(Landscape.of(form), listed_seconds=0.5, seconds=1.0)
    assert (found.method, found.objective, found.proven) == ("enumeration", -1.0, True)
    assert found.seconds >= 0.5
