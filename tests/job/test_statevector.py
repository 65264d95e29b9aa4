"""The engine against the textbook matrices, finite differences and a graph with a known answer."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import networkx as nx
import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.linalg import expm

from quantum_pipeline.ising import IsingModel, all_energies
from quantum_pipeline.ising.statevector import BLOCK, Diagonal, Qaoa

Matrix = NDArray[Any]
X, Z = np.array([[0, 1], [1, 0]]), np.diag([1, -1])


def random_model(n: int, seed: int) -> IsingModel:
    rng = np.random.default_rng(seed)
    pairs = [(i, j, rng.normal()) for i in range(n) for j in range(i + 1, n)]
    return IsingModel.from_spins(rng.normal(size=n).tolist(), pairs, rng.normal())


def cost_matrix(model: IsingModel) -> Matrix:
    n = model.n_variables
    cost = model.offset * np.eye(2**n)
    for i, strength in enumerate(model.fields):
        cost = cost + strength * on_qubit(Z, i, n)
    for i, j, coupling in model.couplings:
        cost = cost + coupling * on_qubit(Z, i, n) @ on_qubit(Z, j, n)
    return cost


def assert_slopes(
    function: Callable[[Matrix], float], angles: Matrix, gradient: Matrix, within: float = 1e-6
) -> None:
    step = 1e-6
    for index in np.ndindex(angles.shape):
        moved = np.zeros_like(angles)
        moved[index] = step
        slope = (function(angles + moved) - function(angles - moved)) / (2 * step)
        assert gradient[index] == pytest.approx(slope, abs=within * np.abs(gradient).max())


def on_qubit(gate: Matrix, qubit: int, n: int) -> Matrix:
    return np.kron(np.kron(np.eye(2**qubit), gate), np.eye(2 ** (n - qubit - 1)))


@pytest.mark.parametrize("n", [1, 2, 3, 4, 5])
def test_state_is_that_of_the_textbook_matrices(n: int) -> None:
    model = random_model(n, seed=n)
    angles = np.random.default_rng(n).normal(size=(2, 3))
    cost = cost_matrix(model)
    mixer = sum(on_qubit(X, i, n) for i in range(n))
    state = np.full(2**n, 2 ** (-n / 2), dtype=complex)
    for gamma, beta in angles.T:
        state = expm(-1j * beta * mixer) @ expm(-1j * gamma * cost) @ state

    qaoa = Qaoa(all_energies(model))

    np.testing.assert_allclose(qaoa.state(angles), state, atol=1e-12)
    expected = (state.conj() @ cost @ state).real
    assert qaoa.energy(angles) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("n", [1, 2, 5, 9, 13, 14])
def test_gradient_is_that_of_finite_differences(n: int) -> None:
    qaoa = Qaoa(all_energies(random_model(n, seed=n)))
    angles = np.random.default_rng(n).normal(size=(2, 3))

    energy, gradient = qaoa.energy_and_gradient(angles)

    assert energy == pytest.approx(qaoa.energy(angles), abs=1e-10)
    assert_slopes(qaoa.energy, angles, gradient)


@pytest.mark.parametrize("n", [1, 3, 5])
def test_warm_start_is_that_of_the_textbook_matrices(n: int) -> None:
    model = random_model(n, seed=n)
    rng = np.random.default_rng(n)
    angles, tilts = rng.normal(size=(2, 2)), rng.uniform(0, math.pi, n)
    cost = cost_matrix(model)
    turned = [math.sin(t) * X + math.cos(t) * Z for t in tilts]
    mixer = sum(on_qubit(axis, i, n) for i, axis in enumerate(turned))
    state = np.ones(1, dtype=complex)
    for t in tilts:
        state = np.kron(state, [math.cos(t / 2), math.sin(t / 2)])
    for gamma, beta in angles.T:
        state = expm(-1j * beta * mixer) @ expm(-1j * gamma * cost) @ state

    qaoa = Qaoa(all_energies(model), tilts=tilts.tolist())

    np.testing.assert_allclose(qaoa.state(angles), state, atol=1e-12)
    assert_slopes(qaoa.energy, angles, qaoa.energy_and_gradient(angles)[1])


def test_warm_start_tilted_by_a_right_angle_is_the_plain_circuit() -> None:
    cost = all_energies(random_model(6, seed=6))
    angles = np.random.default_rng(6).normal(size=(2, 2))

    warm, plain = Qaoa(cost, tilts=[math.pi / 2] * 6), Qaoa(cost)

    np.testing.assert_allclose(warm.state(angles), plain.state(angles), atol=1e-15)


def test_another_observable_is_measured_in_the_same_state() -> None:
    cost, observable = (all_energies(random_model(6, seed)) for seed in (1, 2))
    angles = np.random.default_rng(3).normal(size=(2, 2))
    qaoa = Qaoa(cost, observable)

    energy, gradient = qaoa.energy_and_gradient(angles)

    assert energy == pytest.approx(np.abs(Qaoa(cost).state(angles)) ** 2 @ observable, abs=1e-12)
    assert energy == pytest.approx(qaoa.energy(angles), abs=1e-12)
    assert_slopes(qaoa.energy, angles, gradient)


def test_probabilities_are_the_squares_of_the_amplitudes() -> None:
    qaoa = Qaoa(all_energies(random_model(5, seed=5)))
    angles = np.random.default_rng(5).normal(size=(2, 2))

    probabilities = qaoa.probabilities(angles)

    np.testing.assert_allclose(probabilities, np.abs(qaoa.state(angles)) ** 2, atol=1e-15)
    assert probabilities.sum() == pytest.approx(1, abs=1e-13)


def mean_of_lowest(cost: Matrix, probabilities: Matrix, alpha: float) -> float:
    """CVaR by walking up the costs until the mass is used up."""
    left, total = alpha, 0.0
    for k in np.argsort(cost):
        taken = min(left, probabilities[k])
        left, total = left - taken, total + taken * cost[k]
    return total / alpha


@pytest.mark.parametrize("alpha", [0.01, 0.3, 1.0])
@pytest.mark.parametrize("kind", ["few values", "many values"])
def test_tail_is_the_mean_of_the_lowest_part_of_the_probability(kind: str, alpha: float) -> None:
    cost = all_energies(random_model(13, seed=4))
    if kind == "few values":
        cost = np.round(cost)
    angles = 0.1 * np.random.default_rng(4).normal(size=(2, 2))
    qaoa = Qaoa(cost)

    tail, gradient = qaoa.tail_and_gradient(angles, alpha)

    expected = mean_of_lowest(cost, qaoa.probabilities(angles), alpha)
    assert tail == pytest.approx(expected, abs=1e-10)
    within = (
        1e-6 if kind == "few values" else 1e-4
    )  # of kinks, one where each value is the quantile
    assert_slopes(lambda x: qaoa.tail_and_gradient(x, alpha)[0], angles, gradient, within)


@pytest.mark.parametrize("kind", ["few values", "many values", "few values at first"])
def test_phases_are_the_same_with_and_without_a_table(kind: str) -> None:
    rng = np.random.default_rng(3)
    values = rng.integers(-5, 5, 10 * BLOCK).astype(float)
    if kind == "many values":
        values = rng.normal(size=values.size)
    elif kind == "few values at first":
        values[BLOCK:] = rng.normal(size=9 * BLOCK)
    states = rng.normal(size=(2, values.size)) + 1j * rng.normal(size=(2, values.size))
    expected = states * np.exp(-0.7j * values)

    Diagonal(values).apply_phase(0.7, states)

    np.testing.assert_allclose(states, expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize("graph", [nx.petersen_graph(), nx.dodecahedral_graph()], ids=["10", "20"])
def test_one_layer_cuts_the_known_fraction_of_a_cubic_graph_without_triangles(
    graph: nx.Graph,
) -> None:
    couplings = [(i, j, 0.5) for i, j in graph.edges]
    qaoa = Qaoa(all_energies(IsingModel.from_spins([0] * len(graph), couplings, 0)))
    best = np.array([[math.atan(1 / math.sqrt(2))], [-math.pi / 8]])

    energy, gradient = qaoa.energy_and_gradient(best)

    cut_fraction = 0.5 - energy / len(graph.edges)
    assert cut_fraction == pytest.approx(0.5 + 1 / (3 * math.sqrt(3)), abs=1e-12)  # 0.69245
    np.testing.assert_allclose(gradient, 0, atol=1e-9)


def test_sixteen_qubits_and_three_layers_have_an_exact_gradient() -> None:
    rng = np.random.default_rng(20)
    graph = nx.random_regular_graph(3, 16, seed=1)
    couplings = [(i, j, rng.normal()) for i, j in graph.edges]
    qaoa = Qaoa(all_energies(IsingModel.from_spins([0] * 16, couplings)))
    angles, direction = rng.normal(size=(2, 2, 3))

    _, gradient = qaoa.energy_and_gradient(angles)

    ahead, behind = (qaoa.energy(angles + step * direction) for step in (1e-5, -1e-5))
    assert (gradient * direction).sum() == pytest.approx((ahead - behind) / 2e-5, rel=1e-6)
