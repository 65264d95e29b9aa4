"""Angles to start from: right on the graphs they were made for, and scaled with the problem."""

from __future__ import annotations

import networkx as nx
import numpy as np
import pytest

from hybrid_job.optimising.angles import Real, transferred
from hybrid_job.optimising.optimiser import starting_points, typical_field
from quantum_pipeline.ising import IsingModel, all_energies
from quantum_pipeline.ising.angles import interpolated
from quantum_pipeline.ising.statevector import Qaoa

SIZES = [8, -9, 7, 6, -8, 9, 5, 7, -6]
PAIRS = [(i, j) for j in range(9) for i in range(j)]


def maxcut(graph: nx.Graph, weight: float = 1.0) -> IsingModel:
    edges = [(i, j, weight / 2) for i, j in graph.edges]
    return IsingModel.from_spins([0.0] * len(graph), edges)


def glass(n: int, seed: int) -> IsingModel:
    rng = np.random.default_rng(seed)
    return IsingModel.from_spins(
        [0.0] * n, [(i, j, rng.normal()) for j in range(n) for i in range(j)]
    )


def start(model: IsingModel, depth: int) -> Real:
    angles = transferred(model, depth)
    assert angles is not None
    return angles


def ramp(model: IsingModel, depth: int) -> Real:
    return starting_points(depth, 1, typical_field(model), np.random.default_rng(0))[0]


@pytest.mark.parametrize("weight", [1.0, -3.0, 1e-6])
@pytest.mark.parametrize(
    ("graph", "depth", "cut_fraction"),
    [
        (nx.petersen_graph(), 1, 0.6925),
        (nx.heawood_graph(), 2, 0.7559),
        (nx.cycle_graph(9), 3, 7 / 8),
    ],
    ids=["Petersen", "Heawood", "ring"],
)
def test_graph_without_short_cycles_starts_at_the_published_ratio_whatever_its_weight(
    graph: nx.Graph, depth: int, cut_fraction: float, weight: float
) -> None:
    model = maxcut(graph, weight)
    energy = Qaoa(all_energies(model)).energy(start(model, depth))
    # Each edge, cut or for a negative weight not cut, gains half its weight.
    satisfied = 0.5 - energy / (abs(weight) * graph.number_of_edges())
    assert satisfied == pytest.approx(cut_fraction, abs=1e-4)


def test_limit_of_many_neighbours_is_half_over_the_typical_field_at_depth_one() -> None:
    # gamma sqrt(d) = sqrt(d) atan(1/sqrt(d - 1))/2 goes to 1/2.
    model = glass(9, seed=1)
    gamma, beta = start(model, 1).ravel()
    assert gamma * typical_field(model) == pytest.approx(0.5, abs=1e-3)
    assert beta == pytest.approx(-np.pi / 8, abs=1e-6)


@pytest.mark.parametrize("depth", [1, 3, 6])
def test_spin_glasses_start_lower_than_from_the_ramp(depth: int) -> None:
    for seed in range(4):
        model = glass(10, seed)
        qaoa = Qaoa(all_energies(model))
        assert qaoa.energy(start(model, depth)) < qaoa.energy(ramp(model, depth))


def test_degree_above_those_stored_lies_between_the_last_one_and_the_limit() -> None:
    def in_units(model: IsingModel) -> Real:
        return start(model, 4) * [[typical_field(model)], [1]]

    eight, ten = (in_units(maxcut(nx.circulant_graph(14, range(1, k + 1)))) for k in (4, 5))
    limit = in_units(glass(9, seed=1))
    np.testing.assert_allclose(ten, eight + (limit - eight) * (1 - 8 / 10), rtol=1e-9)


def test_deeper_than_stored_goes_on_along_the_same_curves() -> None:
    model = maxcut(nx.petersen_graph())
    qaoa = Qaoa(all_energies(model))
    assert start(model, 12).shape == (2, 12)
    assert qaoa.energy(start(model, 12)) < qaoa.energy(start(model, 8))


@pytest.mark.parametrize(
    "model",
    [
        IsingModel.from_spins([0.0, 0.0, 0.0], []),
        IsingModel.from_spins([1.0, -1.0, 1.0], [(0, 1, 1.0), (1, 2, 1.0)]),
        IsingModel.from_spins([0.0] * 9, [(i, j, SIZES[i] * SIZES[j]) for i, j in PAIRS]),
    ],
    ids=["no couplings", "strong fields", "nearly one square"],
)
def test_model_that_is_like_no_graph_has_no_angles_to_transfer(model: IsingModel) -> None:
    assert transferred(model, 3) is None


def test_weak_fields_leave_a_graph_a_graph() -> None:
    graph = maxcut(nx.petersen_graph())
    model = graph.model_copy(update={"fields": (0.1,) * 10})
    np.testing.assert_allclose(start(model, 3), start(graph, 3), rtol=0.35)


def test_interpolated_ramp_is_the_ramp_between_the_same_ends() -> None:
    angles = np.array([[0.2, 0.5, 0.8], [-0.9, -0.6, -0.3]])
    np.testing.assert_allclose(
        interpolated(angles), [np.linspace(0.2, 0.8, 4), np.linspace(-0.9, -0.3, 4)]
    )


@pytest.mark.parametrize("weight", [1.0, 0.1, 1 / 3, 0.7, 1e-6, 3e5])
def test_five_equal_spins_whose_couplings_lie_on_the_bound_start_alike_at_any_weight(
    weight: float,
) -> None:
    """Their largest eigenvalue has 4/5 of the squares: rounding must not choose the start."""
    assert transferred(maxcut(nx.complete_graph(5), weight), 1) is not None
