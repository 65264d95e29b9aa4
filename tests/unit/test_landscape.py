"""Weights of violations and what is best, against plain loops over all states."""

from __future__ import annotations

from itertools import product
from math import sqrt

import numpy as np
import pytest

from quantum_pipeline.ising import IsingModel, all_energies
from quantum_pipeline.ising import typical_field as field_of_model
from quantum_pipeline.spaces import Constraint, Form, Group, Polynomial, Space
from quantum_pipeline.spaces.landscape import Landscape, typical_field

BITS = Space(tuple(Group((i,)) for i in range(5)))


def form(linear: list[float], weights: list[float], bound: float) -> Form:
    return Form(
        BITS,
        Polynomial.of([((i,), value) for i, value in enumerate(linear)], 0.25),
        (Constraint("weight", tuple(enumerate(weights)), "<=", bound),),
    )


def test_the_least_weight_is_that_with_which_no_infeasible_state_is_best() -> None:
    """A little more is enough, a little less is not; what is chosen is twice as much."""
    asked = form([-3.0, -5.0, -7.0, -2.0, -4.0], [2.0, 3.0, 5.0, 1.0, 2.0], 6.0)
    landscape = Landscape.of(asked)
    weighing = landscape.weighing()
    objective, excess = {}, {}
    for x in product((0, 1), repeat=5):
        objective[x] = 0.25 - sum(v * b for v, b in zip([3, 5, 7, 2, 4], x, strict=True))
        excess[x] = max(0, sum(w * b for w, b in zip([2, 3, 5, 1, 2], x, strict=True)) - 6)
    best = min(value for x, value in objective.items() if not excess[x])

    def lowest_infeasible(weight: float) -> float:
        return min(objective[x] + weight * excess[x] for x in objective if excess[x])

    assert lowest_infeasible(weighing.least * 1.001) > best
    assert lowest_infeasible(weighing.least * 0.999) < best
    assert weighing.weight == 2 * weighing.least
    assert weighing.ceiling == max(value for x, value in objective.items() if not excess[x])
    energies = landscape.energies(weighing) + 0.25
    for state, bits in enumerate(BITS.bits(range(32)).tolist()):
        x = tuple(bits)
        expected = min(objective[x] + weighing.weight * excess[x], weighing.ceiling)
        assert energies[state] == pytest.approx(expected, abs=1e-12)
    assert landscape.weighing(0.5).weight == 0.5


def test_a_weight_that_nothing_asks_for_is_of_the_objectives_size() -> None:
    """Where infeasible states are never low; and 1 where all objectives are equal."""
    assert Landscape.of(form([1.0] * 5, [1.0] * 5, 3.0)).weighing().weight == 5.0 / 2.0
    constant = Landscape.of(form([0.0] * 5, [1.0] * 5, 3.0)).weighing()
    assert (constant.weight, constant.least, constant.ceiling) == (1.0, 0.0, None)


def test_states_that_floats_cannot_tell_apart_are_compared_exactly() -> None:
    """0.1 + 0.2 is 0.3, whatever their floats are."""
    space = Space(tuple(Group((i,)) for i in range(3)))
    written = [((0,), -0.1), ((1,), -0.2), ((2,), -0.3), ((0, 2), 1.0), ((1, 2), 1.0)]
    landscape = Landscape.of(Form(space, Polynomial.of(written)))
    assert np.ptp(landscape.objective[[1, 6]]) > 0
    assert landscape.best.tolist() == [1, 6]


def test_states_that_differ_by_less_than_rounding_are_not_equal() -> None:
    """The lower of two neighbouring floats is the best alone."""
    space = Space((Group((0, 1, 2), 1),))
    lower = np.nextafter(-0.3, -1)
    form_ = Form(space, Polynomial.of([((0,), -0.3), ((1,), float(lower)), ((2,), 0.5)]))
    assert Landscape.of(form_).best.tolist() == [1]


def test_the_unit_of_free_bits_is_the_typical_field_on_a_spin() -> None:
    rng = np.random.default_rng(3)
    pairs = [(i, j, float(rng.normal())) for i in range(5) for j in range(i)]
    model = IsingModel.from_spins(rng.normal(size=5).tolist(), pairs)
    unit = typical_field(BITS, all_energies(model))
    assert unit == pytest.approx(field_of_model(model), rel=1e-12)


def test_the_unit_of_k_of_n_is_the_deviation_by_its_moves() -> None:
    """Two moves in two of five; and 1 where nothing differs."""
    space = Space((Group((0, 1, 2, 3, 4), 2),))
    energies = np.array([3.0, 1.0, 4.0, 1.0, 5.0, 9.0, 2.0, 6.0, 5.0, 3.0])
    assert typical_field(space, energies) == pytest.approx(sqrt(energies.var() / 2), rel=1e-12)
    assert typical_field(space, np.ones(10)) == 1.0
