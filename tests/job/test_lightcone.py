"""Light cones and the closed form against the whole state vector and published values."""

from __future__ import annotations

import itertools
import math
from typing import Any

import networkx as nx
import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.optimize import minimize

from hybrid_job.correlations import closed_form
from hybrid_job.correlations.closed_form import ClosedForm
from hybrid_job.correlations.lightcone import LightCones
from quantum_pipeline.errors import InvalidRequest
from quantum_pipeline.ising import IsingModel, all_energies
from quantum_pipeline.ising import cones as cones_module
from quantum_pipeline.ising.cones import (
    Cone,
    cone_of,
    cone_sizes,
    fits,
    neighbours_of,
    plan,
    require_fit,
    terms_of,
)
from quantum_pipeline.ising.statevector import Qaoa

Real = NDArray[np.float64]


def model_of(graph: nx.Graph, kind: str, seed: int = 1) -> IsingModel:
    rng = np.random.default_rng(seed)
    n, edges = len(graph), sorted(graph.edges)
    fields = rng.normal(size=n) if "fields" in kind else np.zeros(n)
    weights = rng.normal(size=len(edges)) if "weights" in kind else np.full(len(edges), 0.5)
    couplings = [(i, j, w) for (i, j), w in zip(edges, weights.tolist(), strict=True)]
    return IsingModel.from_spins(fields.tolist(), couplings, offset=3.0)


def cubic(n: int, seed: int = 1) -> nx.Graph:
    return nx.random_regular_graph(3, n, seed=seed)


def angles_of(depth: int, seed: int = 1) -> Real:
    return np.random.default_rng(seed).normal(size=(2, depth))


def by_cones(model: IsingModel, depth: int) -> ClosedForm | LightCones:
    return ClosedForm(model) if depth == 1 else LightCones(model, depth)


def whole(model: IsingModel) -> Qaoa:
    return Qaoa(all_energies(model) - model.offset)


def probabilities(model: IsingModel, angles: Real) -> Real:
    return np.abs(whole(model).state(angles)) ** 2


GRAPHS = {
    "cubic 12": cubic(12),
    "cubic 14": cubic(14, 3),
    "ring 11": nx.cycle_graph(11),
    "tree": nx.balanced_tree(2, 2),
    "wheel": nx.wheel_graph(7),
    "two parts": nx.disjoint_union(nx.cycle_graph(5), nx.path_graph(4)),
    "star": nx.star_graph(8),
    "grid": nx.convert_node_labels_to_integers(nx.grid_2d_graph(3, 4)),
}
KINDS = ["plain", "weights", "fields and weights"]
LONE_FIELD = IsingModel.from_spins([0, 0, 1.5, 0, 0], [(i, i + 1, 0.7) for i in range(4)])


@pytest.mark.parametrize("depth", [1, 2])
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", GRAPHS)
def test_light_cones_have_the_energy_and_gradient_of_the_whole_state(
    name: str, kind: str, depth: int
) -> None:
    model, angles = model_of(GRAPHS[name], kind), angles_of(depth)
    expected, slopes = whole(model).energy_and_gradient(angles)

    cones = LightCones(model, depth)
    energy, gradient = cones.energy_and_gradient(angles)

    assert energy == pytest.approx(expected, abs=1e-10)
    assert cones.energy(angles) == pytest.approx(expected, abs=1e-10)
    np.testing.assert_allclose(gradient, slopes, atol=1e-9)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", ["ring 11", "tree"])
def test_three_layers_have_the_energy_and_gradient_of_the_whole_state(name: str, kind: str) -> None:
    model, angles = model_of(GRAPHS[name], kind), angles_of(3)
    expected, slopes = whole(model).energy_and_gradient(angles)

    energy, gradient = LightCones(model, 3).energy_and_gradient(angles)

    assert energy == pytest.approx(expected, abs=1e-10)
    np.testing.assert_allclose(gradient, slopes, atol=1e-9)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("graph", [*GRAPHS.values(), nx.complete_graph(9)], ids=[*GRAPHS, "full"])
@pytest.mark.parametrize("density", [1e-9, 1e9], ids=["sparse", "dense"])
def test_the_closed_form_has_the_energy_and_gradient_of_the_whole_state(
    graph: nx.Graph, kind: str, density: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(closed_form, "DENSITY", density)
    monkeypatch.setattr(closed_form, "CHUNK", 16)
    monkeypatch.setattr(closed_form, "BLOCK", 16)
    model, angles = model_of(graph, kind), angles_of(1)
    expected, slopes = whole(model).energy_and_gradient(angles)

    energy, gradient = ClosedForm(model).energy_and_gradient(angles)

    assert energy == pytest.approx(expected, abs=1e-10)
    np.testing.assert_allclose(gradient, slopes, atol=1e-9)


@pytest.mark.parametrize("depth", [1, 2])
@pytest.mark.parametrize("kind", KINDS)
def test_correlations_of_any_pairs_are_those_of_the_probabilities(kind: str, depth: int) -> None:
    model, angles = model_of(cubic(10), kind), angles_of(depth, seed=4)
    spins = 1.0 - 2.0 * (np.arange(2**10)[:, None] >> np.arange(10)[::-1] & 1)
    weights = probabilities(model, angles)
    pairs = list(itertools.combinations(range(10), 2))

    means, correlations = by_cones(model, depth).correlations(angles, pairs)

    np.testing.assert_allclose(means, weights @ spins, atol=1e-12)
    assert list(correlations) == pairs
    for (i, j), value in correlations.items():
        assert value == pytest.approx(weights @ (spins[:, i] * spins[:, j]), abs=1e-12)


@pytest.mark.parametrize("depth", [1, 2])
def test_a_lone_field_magnetises_its_neighbours(depth: int) -> None:
    angles = angles_of(depth)
    spins = 1.0 - 2.0 * (np.arange(2**5)[:, None] >> np.arange(5)[::-1] & 1)
    means, _ = by_cones(LONE_FIELD, depth).correlations(angles)
    np.testing.assert_allclose(means, probabilities(LONE_FIELD, angles) @ spins, atol=1e-12)
    assert np.count_nonzero(np.abs(means) > 1e-6) == 2 * depth - 1


@pytest.mark.parametrize("depth", [1, 2, 3])
@pytest.mark.parametrize(
    ("fields", "couplings"),
    [([1.0, -0.5, 0.3], []), ([1.0, 0.0, 0.0], [(1, 2, 0.7)])],
    ids=["fields alone", "a variable of its own"],
)
def test_a_variable_without_neighbours_has_its_own_cone(
    fields: list[float], couplings: list[tuple[int, int, float]], depth: int
) -> None:
    model, angles = IsingModel.from_spins(fields, couplings), angles_of(depth)
    energy, gradient = by_cones(model, depth).energy_and_gradient(angles)
    expected, slopes = whole(model).energy_and_gradient(angles)
    assert energy == pytest.approx(expected, abs=1e-12)
    np.testing.assert_allclose(gradient, slopes, atol=1e-12)


@pytest.mark.parametrize("depth", [1, 2])
def test_without_pairs_named_correlations_are_those_of_the_couplings(depth: int) -> None:
    model = model_of(cubic(30), "weights")
    _, correlations = by_cones(model, depth).correlations(angles_of(depth))
    assert sorted(correlations) == [(i, j) for i, j, _ in model.couplings]


def test_cones_whose_means_are_known_are_not_summed_again() -> None:
    model, angles = model_of(cubic(20), "plain"), angles_of(2)
    known: dict[Cone, float] = {}
    cones = LightCones(model, 2)
    first = cones.correlations(angles, known=known)[1]
    assert 0 < len(known) <= len(model.couplings)

    marked = dict.fromkeys(known, 0.25)

    assert set(first.values()) == set(known.values())
    assert set(cones.correlations(angles, known=marked)[1].values()) == {0.25}


@pytest.mark.parametrize("depth", [1, 2, 3, 4])
def test_a_long_ring_reaches_the_known_ratio(depth: int) -> None:
    ring = model_of(nx.cycle_graph(300), "plain")
    cut_fraction = 0.5 - _lowest_energy(by_cones(ring, depth), depth) / 300
    assert cut_fraction == pytest.approx((2 * depth + 1) / (2 * depth + 2), abs=1e-6)


def _lowest_energy(qaoa: Any, depth: int) -> float:
    """Return the least energy that is reached from a linear ramp."""

    def flat(x: Real) -> tuple[float, Real]:
        energy, gradient = qaoa.energy_and_gradient(x.reshape(2, -1))
        return energy, gradient.ravel()

    s = (np.arange(depth) + 0.5) / depth
    ramp = np.concatenate([s, s - 1]) * 0.75
    options = {"ftol": 1e-14, "gtol": 1e-9}
    return float(minimize(flat, ramp, jac=True, method="L-BFGS-B", options=options).fun)


@pytest.mark.parametrize(
    ("graph", "depth", "published"),
    [
        (nx.petersen_graph(), 1, 0.6925),
        (nx.LCF_graph(24, [12, 7, -7], 8), 2, 0.7559),
    ],
    ids=["Petersen", "McGee"],
)
def test_a_cubic_graph_without_short_cycles_reaches_the_published_ratio(
    graph: nx.Graph, depth: int, published: float
) -> None:
    assert min(map(len, nx.minimum_cycle_basis(graph))) > 2 * depth + 1
    energy = _lowest_energy(LightCones(model_of(graph, "plain"), depth), depth)
    assert 0.5 - energy / graph.number_of_edges() == pytest.approx(published, abs=5e-5)


@pytest.mark.parametrize("depth", [1, 2])
def test_hundreds_of_variables_have_the_slope_of_their_energies(depth: int) -> None:
    qaoa = by_cones(model_of(cubic(200), "fields and weights"), depth)
    angles, direction = angles_of(depth), angles_of(depth, seed=2)

    _, gradient = qaoa.energy_and_gradient(angles)

    ahead, behind = (qaoa.energy(angles + step * direction) for step in (1e-5, -1e-5))
    assert (gradient * direction).sum() == pytest.approx((ahead - behind) / 2e-5, rel=1e-6)


def test_the_closed_form_has_a_gradient_where_a_cosine_is_zero() -> None:
    angles = np.array([[1.0], [0.3]])
    for weight in np.linspace(0.1, 0.3, 30).tolist():  # at some the zero is exact in floats
        model = IsingModel.from_spins(
            [0, 0, 0], [(0, 1, 1.0), (0, 2, weight), (1, 2, math.pi / 4 - weight)]
        )
        expected, slopes = whole(model).energy_and_gradient(angles)

        energy, gradient = ClosedForm(model).energy_and_gradient(angles)

        assert energy == pytest.approx(expected, abs=1e-12)
        np.testing.assert_allclose(gradient, slopes, atol=1e-12)


def test_a_renamed_graph_has_the_same_cones() -> None:
    graph = cubic(60)
    names = dict(enumerate(np.random.default_rng(5).permutation(60).tolist()))
    for kind in ("plain", "weights"):
        model = model_of(graph, kind)
        couplings = [(names[i], names[j], w) for i, j, w in model.couplings]
        renamed = IsingModel.from_spins([0] * 60, couplings)
        assert _cones(model) == _cones(renamed)


def _cones(model: IsingModel) -> set[Cone]:
    neighbours = neighbours_of(model)
    trees = (cone_of(term, 2, model.fields, neighbours) for term in terms_of(model))
    return {cone for cone in trees if len(cone.shape.couplings) < len(cone.shape.distances)}


def test_equal_surroundings_are_summed_once() -> None:
    torus = nx.convert_node_labels_to_integers(nx.grid_2d_graph(9, 9, periodic=True))
    sizes = cone_sizes(model_of(torus, "plain"), 2)
    assert sizes.n_terms == 162
    assert sizes.n_distinct <= 8


@pytest.mark.parametrize(
    ("graph", "depth"), [(cubic(40), 2), (nx.balanced_tree(2, 5), 3)], ids=["cubic", "tree"]
)
def test_sizes_are_those_of_all_cones(graph: nx.Graph, depth: int) -> None:
    model = model_of(graph, "weights")
    neighbours = neighbours_of(model)
    cones = {cone_of(term, depth, model.fields, neighbours) for term in terms_of(model)}
    plans = [plan(cone.shape) for cone in cones]

    sizes = cone_sizes(model, depth)

    balls = [set().union(*(nx.ego_graph(graph, v, depth) for v in edge)) for edge in graph.edges]
    assert sizes.n_qubits == max(map(len, balls))
    assert sizes.work == sum(each.work for each in plans)
    assert sizes.largest == max(each.largest for each in plans)
    assert sizes.n_distinct == len(cones)


def test_many_cones_can_take_too_much_together(monkeypatch: pytest.MonkeyPatch) -> None:
    model = model_of(cubic(40), "weights")
    work = cone_sizes(model, 2).work
    monkeypatch.setattr(cones_module, "WORK", work - 1)
    assert cone_sizes(model, 2).work == math.inf
    assert not fits(model, 2)


def test_hundreds_of_variables_of_degree_three_fit_at_depth_two() -> None:
    assert fits(model_of(cubic(400), "fields and weights"), 2)


def test_a_dense_problem_is_refused_with_the_depth_that_fits() -> None:
    dense = model_of(nx.gnp_random_graph(40, 0.5, seed=1), "plain")
    assert not fits(dense, 2)
    with pytest.raises(
        InvalidRequest, match=r"algorithm.depth: got 3; allowed: at most 1 for this"
    ):
        require_fit(dense, 3)
    with pytest.raises(InvalidRequest, match="light cone"):
        LightCones(dense, 2)


def test_a_small_problem_fits_at_any_depth() -> None:
    require_fit(model_of(nx.complete_graph(12), "plain"), 50)


def test_a_problem_too_dense_for_the_closed_form_is_refused_as_such() -> None:
    full = IsingModel.from_spins(
        [0] * 520, [(i, j, 1.0) for i in range(520) for j in range(i + 1, 520)]
    )
    with pytest.raises(InvalidRequest, match="allowed: none: fewer couplings, or 25 variables"):
        require_fit(full, 1)
