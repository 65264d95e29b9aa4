"""Warm starts: relaxations with known solutions, and qubits that begin where they are told to."""

from __future__ import annotations

import numpy as np
import pytest

from hybrid_job.optimising.warm_start import EPSILON, relaxed, tilts_of, tilts_of_bits
from quantum_pipeline.ising import IsingModel, all_energies
from quantum_pipeline.ising.statevector import Qaoa, Real


def spins(model: IsingModel, seed: int = 0) -> Real:
    return 1 - 2 * relaxed(model, np.random.default_rng(seed))


def random_model(n: int, seed: int, fields: float = 1.0) -> IsingModel:
    rng = np.random.default_rng(seed)
    couplings = [(i, j, rng.normal()) for j in range(n) for i in range(j)]
    return IsingModel.from_spins((fields * rng.normal(size=n)).tolist(), couplings)


def test_bipartite_graph_is_solved_up_to_a_flip_of_all_spins() -> None:
    ring = IsingModel.from_spins([0.0] * 8, [(i, (i + 1) % 8, 0.5) for i in range(8)])
    found = spins(ring)
    np.testing.assert_allclose(found * found[0], [1, -1] * 4, atol=1e-3)


def test_fields_alone_turn_each_spin_against_its_field() -> None:
    np.testing.assert_allclose(
        spins(IsingModel.from_spins([2.0, -1.0, 0.5], [])), [-1, 1, -1], atol=1e-6
    )


def test_triangle_relaxes_to_three_directions_120_degrees_apart() -> None:
    # Along any direction of their plane the shares of three such vectors square to 3/2.
    triangle = IsingModel.from_spins([0.0] * 3, [(0, 1, 1.0), (1, 2, 1.0), (0, 2, 1.0)])
    assert (spins(triangle) ** 2).sum() == pytest.approx(1.5, abs=1e-4)


@pytest.mark.parametrize("fields", [0.0, 1.0])
def test_rounded_relaxation_is_near_the_ground_state(fields: float) -> None:
    ratios = []
    for seed in range(12):
        model = random_model(10, seed, fields)
        energies = all_energies(model)
        bits = relaxed(model, np.random.default_rng(seed)) > 0.5
        at = int("".join("01"[int(bit)] for bit in bits), 2)
        ratios.append((energies.max() - energies[at]) / np.ptp(energies))
    assert np.mean(ratios) > 0.95


@pytest.mark.parametrize("factor", [1e-15, 1e15])
def test_scale_of_the_energies_does_not_matter(factor: float) -> None:
    model = random_model(6, 1)
    scaled = IsingModel.from_spins(
        [factor * h for h in model.fields], [(i, j, factor * c) for i, j, c in model.couplings]
    )
    np.testing.assert_allclose(spins(scaled), spins(model), atol=1e-4)


def test_each_qubit_begins_with_its_probability() -> None:
    wanted = np.array([0.3, 0.5, 0.7, 0.45])
    qaoa = Qaoa(np.arange(16, dtype=np.float64), tilts=tilts_of(wanted))
    probabilities = qaoa.probabilities(np.zeros((2, 1))).reshape(2, 2, 2, 2)
    for qubit in range(4):
        ones = probabilities.take(1, axis=qubit).sum()
        assert ones == pytest.approx(wanted[qubit], abs=1e-12)


def test_no_value_of_a_bit_is_less_probable_than_epsilon() -> None:
    np.testing.assert_allclose(
        np.sin(np.array(tilts_of_bits("0110")) / 2) ** 2,
        [EPSILON, 1 - EPSILON, 1 - EPSILON, EPSILON],
    )
    np.testing.assert_allclose(np.sin(np.array(tilts_of(np.array([0.0]), 0.1)) / 2) ** 2, [0.1])


def test_model_without_energies_starts_somewhere() -> None:
    assert np.isfinite(
        relaxed(IsingModel.from_spins([0.0, 0.0], []), np.random.default_rng(0))
    ).all()
