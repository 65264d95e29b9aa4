"""Recursive QAOA against enumeration, and its reductions against the energies of the problem."""

from __future__ import annotations

import itertools
import math
import time
from typing import Any

import networkx as nx
import numpy as np
import pytest
from numpy.typing import NDArray

from hybrid_job.correlations.closed_form import ClosedForm
from hybrid_job.correlations.exact import WholeState, exact_correlations, exact_or_shallower
from hybrid_job.correlations.lightcone import LightCones
from hybrid_job.optimising.optimiser import starting_points, typical_field
from hybrid_job.rounding import recursive
from hybrid_job.rounding.recursive import Rounding
from quantum_pipeline.errors import InvalidRequest
from quantum_pipeline.ising import IsingModel, all_energies, energy_of
from quantum_pipeline.ising.cones import fits
from quantum_pipeline.ising.reduced import Reduced
from quantum_pipeline.ising.statevector import Qaoa
from quantum_pipeline.results.fixing import Fixing, strongest_first

Real = NDArray[np.float64]


def maxcut(graph: nx.Graph, weights: Real | None = None) -> IsingModel:
    weights = np.ones(graph.number_of_edges()) if weights is None else weights
    couplings = [
        (i, j, w / 2) for (i, j), w in zip(sorted(graph.edges), weights.tolist(), strict=True)
    ]
    return IsingModel.from_spins([0] * len(graph), couplings, -float(weights.sum()) / 2)


def random_model(n: int, seed: int, degree: int = 3) -> IsingModel:
    rng = np.random.default_rng(seed)
    graph = nx.random_regular_graph(degree, n, seed=seed)
    couplings = [(i, j, rng.normal()) for i, j in sorted(graph.edges)]
    return IsingModel.from_spins(rng.normal(size=n).tolist(), couplings, rng.normal())


def solve(model: IsingModel, depth: int, **settings: Any) -> Rounding:
    starts = starting_points(depth, 1, typical_field(model), np.random.default_rng(0))
    budget = {"max_evaluations": 5000, "deadline": math.inf, **settings}
    return recursive.solve(model, depth, starts, **budget)


@pytest.mark.parametrize(
    ("graph", "cut", "depth"),
    [
        (nx.cycle_graph(40), 40, 1),
        (nx.cycle_graph(40), 40, 2),
        (nx.cycle_graph(41), 40, 2),
        (nx.hypercube_graph(5), 80, 1),
        (nx.grid_2d_graph(5, 6), 49, 1),
        (nx.balanced_tree(3, 3), 39, 1),
    ],
)
def test_graphs_of_known_cut_are_cut_by_it(graph: nx.Graph, cut: int, depth: int) -> None:
    model = maxcut(nx.convert_node_labels_to_integers(graph))
    assert solve(model, depth).energy == pytest.approx(-cut)


@pytest.mark.parametrize("depth", [1, 2])
@pytest.mark.parametrize("n", [14, 16, 18])
def test_random_cubic_graphs_are_cut_to_95_percent(n: int, depth: int) -> None:
    for seed in range(3 if depth == 1 else 1):
        model = maxcut(nx.random_regular_graph(3, n, seed=seed))
        found = solve(model, depth, enumerated=4)
        assert found.energy <= 0.95 * all_energies(model).min()


@pytest.mark.parametrize("depth", [1, 2])
def test_problems_with_fields_come_within_5_percent_of_the_range(depth: int) -> None:
    for seed in range(4 if depth == 1 else 1):
        model = random_model(14, seed)
        spectrum = all_energies(model)
        found = solve(model, depth, enumerated=4)
        assert found.energy <= spectrum.min() + 0.05 * (spectrum.max() - spectrum.min())


def test_a_problem_that_can_be_enumerated_is() -> None:
    model = random_model(10, 1)
    found = solve(model, 2)
    assert found.eliminations == []
    assert found.enumerated == 10
    assert found.energy == pytest.approx(all_energies(model).min())


def test_bitstring_energy_and_mean_energy_recompute() -> None:
    model = random_model(16, 3)
    found = solve(model, 2)
    assert found.energy == energy_of(model, found.bitstring)
    mean = Qaoa(all_energies(model)).energy(found.angles)
    assert found.mean_energy == pytest.approx(mean, abs=1e-9)
    assert found.history[0][0] == 1
    assert found.mean_energy == min(energy for number, energy in found.history if number == 1)


def test_eliminations_tell_the_solution_of_all_but_the_enumerated() -> None:
    found = solve(random_model(20, 2), 1, enumerated=5)
    spins = [1 - 2 * int(bit) for bit in found.bitstring]
    assert len(found.eliminations) == 15
    assert len({each.variable for each in found.eliminations}) == 15
    for each in found.eliminations:
        follows = 1 if each.partner is None else spins[each.partner]
        assert spins[each.variable] == (follows if each.correlation >= 0 else -follows)
    strengths = [abs(each.correlation) for each in found.eliminations]
    assert min(strengths) > 0


def test_the_first_elimination_is_of_the_strongest_correlation() -> None:
    model = random_model(16, 5)
    found = solve(model, 1)
    means, pairs = WholeState(model, 1).correlations(found.angles)
    first = found.eliminations[0]
    strongest = max(np.abs(means).max(), *map(abs, pairs.values()))
    assert abs(first.correlation) == pytest.approx(strongest, abs=1e-9)


def test_the_same_problem_has_the_same_solution() -> None:
    model = maxcut(nx.random_regular_graph(3, 50, seed=4))
    first, again = solve(model, 1), solve(model, 1)
    assert repr(first) == repr(again)


def test_a_problem_of_no_energy_is_solved() -> None:
    model = IsingModel.from_spins([0] * 20, [], 1.5)
    found = solve(model, 1)
    assert found.energy == 1.5
    assert len(found.bitstring) == 20
    assert "in 1 rounds" in found.sentence  # what no energy depends on takes none of its own


def test_evaluations_end_with_their_budget_and_the_solution_is_whole() -> None:
    model = maxcut(nx.random_regular_graph(3, 40, seed=1))
    found = solve(model, 1, max_evaluations=7)
    assert len(found.history) == 7
    assert "angles optimised 2 times in 7 evaluations (algorithm.max_evaluations" in found.sentence
    assert found.stopped_by == "algorithm.max_evaluations"
    assert found.energy == energy_of(model, found.bitstring)


def test_angles_are_optimised_every_so_many_rounds() -> None:
    found = solve(maxcut(nx.cycle_graph(40)), 1, every=7)
    assert "in 28 rounds" in found.sentence
    assert "angles optimised 4 times" in found.sentence


def test_after_the_deadline_the_correlations_at_hand_fix_all() -> None:
    found = solve(maxcut(nx.cycle_graph(60)), 1, deadline=time.monotonic() - 1)
    assert len(found.history) == 1
    assert len(found.eliminations) == 48
    assert "in 1 rounds" in found.sentence
    assert found.energy == -60


def test_correlations_after_new_angles_are_new() -> None:
    model = maxcut(nx.random_regular_graph(3, 40, seed=3))
    cones, memory = LightCones(model, 2), recursive._Exactly(0, math.inf)
    for scale in (0.3, 0.6, 0.3):
        angles = scale * np.array([[1.0, 2.0], [-2.0, -1.0]])
        assert memory.correlations(cones, angles)[1] == cones.correlations(angles)[1]


def test_energies_are_told_as_they_come() -> None:
    told: list[float] = []
    found = solve(random_model(18, 1), 1, progress=told.append)
    assert told == [energy for _, energy in found.history]


def test_rounds_whose_cones_are_too_large_have_less_depth(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recursive, "ROUND", 100.0)
    found = solve(maxcut(nx.cycle_graph(30)), 2)
    assert found.angles.shape == (2, 2)
    assert "depth was less in 17 rounds" in found.sentence
    assert found.energy == -30


@pytest.mark.parametrize("seed", range(4))
def test_what_is_left_has_the_energies_of_the_problem_under_what_was_fixed(seed: int) -> None:
    rng = np.random.default_rng(seed)
    model = random_model(8, seed)
    reduced = Reduced.of(model)
    for _ in range(5):
        variables = rng.permutation(reduced.variables).tolist()
        partner = variables[1] if rng.random() < 0.6 else None
        reduced.fix(variables[0], int(rng.choice([-1, 1])), partner)
    left = reduced.variables
    spectrum = all_energies(reduced.model()) + reduced.offset
    for number, bits in enumerate(itertools.product("01", repeat=len(left))):
        spins = dict(zip(left, (1 - 2 * int(bit) for bit in bits), strict=True))
        whole = ""
        for v in range(8):
            standing, sign = reduced.standing(v)
            spin = sign if standing is None else sign * spins[standing]
            whole += "0" if spin > 0 else "1"
        assert energy_of(model, whole) == pytest.approx(spectrum[number], abs=1e-12)


def test_couplings_that_cancel_are_gone() -> None:
    reduced = Reduced.of(IsingModel.from_spins([0, 0, 0], [(0, 1, 0.1 + 0.2), (1, 2, 0.3)]))
    reduced.fix(2, -1, partner=0)
    assert reduced.free() == [0, 1]


@pytest.mark.parametrize("depth", [1, 2, 3])
def test_correlations_of_the_whole_state_are_those_of_its_bitstrings(depth: int) -> None:
    model = random_model(8, 1)
    angles = np.random.default_rng(2).normal(size=(2, depth))
    weights = np.abs(Qaoa(all_energies(model)).state(angles)) ** 2
    spins = 1.0 - 2.0 * (np.arange(2**8)[:, None] >> np.arange(8)[::-1] & 1)

    means, pairs = WholeState(model, depth).correlations(angles)

    np.testing.assert_allclose(means, weights @ spins, atol=1e-12)
    assert list(pairs) == [(i, j) for i, j, _ in model.couplings]
    for (i, j), value in pairs.items():
        assert value == pytest.approx(weights @ (spins[:, i] * spins[:, j]), abs=1e-12)


def test_the_cheapest_exact_way_is_taken() -> None:
    sparse, dense = random_model(100, 1), random_model(16, 1, degree=15)
    assert isinstance(exact_correlations(sparse, 1), ClosedForm)
    assert isinstance(exact_correlations(sparse, 2), LightCones)
    assert isinstance(exact_correlations(dense, 2), WholeState)
    both = random_model(14, 1, degree=4)
    assert fits(both, 2)
    assert isinstance(exact_correlations(both, 2), WholeState)
    assert isinstance(exact_correlations(random_model(6, 1), 3), WholeState)


def test_what_does_not_fit_is_refused_or_made_shallower() -> None:
    dense = random_model(60, 1, degree=20)
    with pytest.raises(InvalidRequest, match="at most 1 for this problem"):
        exact_correlations(dense, 2)
    assert exact_or_shallower(dense, 2).depth == 1


@pytest.mark.parametrize("digit", [-1e-13, 0.0, 1e-13])
def test_of_equal_correlations_the_first_variables_are_taken_whatever_their_last_digits(
    digit: float,
) -> None:
    at = 0.1234567885  # half way between two numbers of nine decimals
    pairs = {(0, 2): at + digit, (0, 1): -at, (1, 2): at + 0.1}
    terms = strongest_first([4, 5, 6], np.array([0.0, at - digit, 0.9]), pairs)
    assert [variables for _, variables in terms] == [(6,), (5, 6), (4, 5), (4, 6), (5,), (4,)]


@pytest.mark.parametrize("rounding", [-1e-16, 1e-16])
def test_a_correlation_that_is_nothing_but_rounding_turns_no_spin(rounding: float) -> None:
    fixing = Fixing(maxcut(nx.cycle_graph(5)))
    fixing.eliminate([(rounding, (0, 1))], goal=4)
    assert fixing.reduced.standing(1) == (0, 1)
