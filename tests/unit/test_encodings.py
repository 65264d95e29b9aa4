"""Constraints in bits of a circuit, against all assignments and plain sums."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from quantum_pipeline.problems import FormProblem
from quantum_pipeline.spaces import Constraint, Form, Group, Polynomial, Space
from quantum_pipeline.spaces.encoding import Encoded, Encoding, Inequality
from quantum_pipeline.spaces.landscape import Landscape
from tests.unit.finished_run import prepared_run
from tests.unit.form_instances import INSTANCES

VALUES, WEIGHTS, ROOM = (5.0, 4.0, 3.0, 7.0, 6.0), (2.5, 1.5, 2.0, 3.0, 4.5), 6.7
FREE = Space(tuple(Group((k,)) for k in range(5)))


def knapsack(sense: str = "<=", bound: float = ROOM, sign: int = 1) -> Form:
    weights = tuple((k, sign * w) for k, w in enumerate(WEIGHTS))
    worth = Polynomial.of([((k,), -v) for k, v in enumerate(VALUES)])
    return Form(FREE, worth, (Constraint("weight", weights, sense, bound),))  # type: ignore[arg-type]


def encoded(form: Form, inequality: Inequality = "auto", weight: float | None = None) -> Encoded:
    return Encoded.of(Encoding.of(form, inequality), Landscape.of(form), weight)


def values(polynomial: Polynomial, n: int) -> dict[tuple[int, ...], float]:
    """Return a polynomial over spins at all assignments of n bits, by its products."""
    return {
        bits: sum(c * np.prod([1 - 2 * bits[i] for i in each]) for each, c in polynomial.monomials)
        for bits in product((0, 1), repeat=n)
    }


@pytest.mark.parametrize(("sense", "bound", "sign"), [("<=", ROOM, 1), (">=", -ROOM, -1)])
def test_slack_reaches_what_is_left_and_the_lowest_state_is_the_best_packing(
    sense: str, bound: float, sign: int
) -> None:
    """In halves of a unit the room is 13: bits of 1, 2, 4 and 6."""
    found = encoded(knapsack(sense, bound, sign), "slack")
    encoding = found.encoding
    assert (encoding.ways, encoding.slack) == (("slack",), ((1, 2, 4, 6),))
    energy = values(found.cost, 9)
    lowest = min(energy, key=lambda bits: energy[bits])
    fits = [x for x in product((0, 1), repeat=5) if np.dot(WEIGHTS, x) <= ROOM]
    assert np.dot(VALUES, lowest[:5]) == max(np.dot(VALUES, x) for x in fits)
    assert found.rank == 0
    # With the right slack nothing is added, and without any a packing that is too heavy costs.
    base = energy[0, 0, 0, 0, 0, 1, 1, 1, 1]
    for x in fits:
        assert min(energy[*x, *s] for s in product((0, 1), repeat=4)) - base == pytest.approx(
            -np.dot(VALUES, x), abs=1e-9
        )


@pytest.mark.parametrize("sense", ["<=", ">="])
def test_a_short_constraint_is_its_violation_in_products(sense: str) -> None:
    constraint = Constraint("few", ((0, 2.0), (2, -1.0), (3, 1.0)), sense, 1.0)  # type: ignore[arg-type]
    form = Form(FREE, Polynomial.of([((0,), 1.0)]), (constraint,))
    found = encoded(form, weight=3.0)
    assert found.encoding.ways == ("product",)
    energy = values(found.cost, 5)
    first = energy[0, 0, 0, 0, 0] - 3.0 * float(constraint.violation([0] * 5))
    for bits, value in energy.items():
        violation = float(constraint.violation(bits))
        assert value - first == pytest.approx(bits[0] + 3.0 * violation, abs=1e-9)


def test_an_equality_costs_its_square_and_keeps_groups_short() -> None:
    """Bits of which exactly one is 1 share no product."""
    space = Space((Group((0, 1, 2), 1), Group((3, 4, 5), 1)))
    constraint = Constraint("meet", ((0, 1.0), (1, 2.0), (3, 1.0)), "==", 1.0)
    form = Form(space, Polynomial.of([((5,), 1.0)]), (constraint,))
    found = encoded(form, weight=2.0)
    assert found.encoding.ways == ("square",)
    assert {each for each, _ in found.cost.monomials if len(each) > 1} == {(0, 3), (1, 3)}
    energy = values(found.cost, 6)
    states = [tuple(row) for row in space.bits(range(9)).tolist()]
    differences = {energy[x] - x[5] - 2.0 * (x[0] + 2 * x[1] + x[3] - 1) ** 2 for x in states}
    assert max(differences) - min(differences) < 1e-9


def test_a_parabola_takes_no_bits_and_says_what_it_gets_wrong() -> None:
    found = encoded(knapsack(), "unbalanced")
    assert found.encoding.n_slack == 0
    energy = values(found.cost, 5)
    fits = [x for x in product((0, 1), repeat=5) if np.dot(WEIGHTS, x) <= ROOM]
    best = max(np.dot(VALUES, x) for x in fits)
    own = min(energy[x] for x in fits if np.dot(VALUES, x) == best)
    assert found.rank == sum(value < own - 1e-9 for value in energy.values())
    # It is the nearest one: moved either way, it is farther from the exact engine's penalty.
    landscape = Landscape.of(knapsack())
    weighing = landscape.weighing()
    wanted = landscape.energies(weighing) - landscape.objective
    h = np.array([ROOM - np.dot(WEIGHTS, x) for x in product((0, 1), repeat=5)])
    straight, curved = np.polyfit(h, wanted, 2)[1::-1]
    added = np.array([energy[x] + np.dot(VALUES, x) for x in product((0, 1), repeat=5)])
    np.testing.assert_allclose(
        added - added.mean(), (m := straight * h + curved * h**2) - m.mean(), atol=1e-6
    )


def test_slack_is_taken_where_it_is_asked_for_and_numbers_have_a_unit() -> None:
    assert Encoding.of(knapsack()).ways == ("unbalanced",)
    assert Encoding.of(knapsack(), "slack").ways == ("slack",)
    fine = tuple((k, w + k * 1e-9) for k, w in enumerate(WEIGHTS))
    form = Form(FREE, Polynomial.of([((0,), 1.0)]), (Constraint("fine", fine, "<=", 6.0),))
    assert Encoding.of(form, "slack").ways == ("unbalanced",)


@pytest.mark.parametrize("type_", sorted(INSTANCES))
def test_of_every_application_the_weight_is_proven_where_nothing_is_unbalanced(type_: str) -> None:
    problem = prepared_run(INSTANCES[type_](0)[0]).request.problem
    assert isinstance(problem, FormProblem)
    found = encoded(problem.form)
    if "unbalanced" not in found.encoding.ways:
        assert found.rank == 0
    # What turns is objective and penalty: on states that keep all constraints the objective alone.
    landscape, slack = found.landscape, 1 << found.encoding.n_slack
    turned = found.turned.reshape(-1, slack).min(axis=1)
    if "unbalanced" not in found.encoding.ways:
        differences = (turned - landscape.objective)[landscape.feasible]
        assert np.ptp(differences) < 1e-6 * max(1.0, float(np.ptp(turned)))
