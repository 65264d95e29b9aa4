"""Shots follow the state, and the figures follow the shots."""

from __future__ import annotations

import math

import numpy as np
import pytest
from numpy.typing import NDArray

from hybrid_job.engines.sampling import from_counts, from_state, sample
from quantum_pipeline.ising import IsingModel, all_energies
from quantum_pipeline.ising.exact import ExactEnergies

MODEL = IsingModel.from_spins([0.5, -1.0, 0.0], [(0, 1, 2.0), (1, 2, -0.75)], 3.0)
SPECTRUM = all_energies(MODEL) - MODEL.offset


def random_state(seed: int) -> NDArray[np.complex128]:
    rng = np.random.default_rng(seed)
    state = rng.normal(size=8) + 1j * rng.normal(size=8)
    return np.asarray(state / np.linalg.norm(state), dtype=np.complex128)


def test_counts_are_within_five_standard_errors_of_the_probabilities() -> None:
    shots, probabilities = 50_000, np.abs(random_state(1)) ** 2
    counts = sample(probabilities, shots, np.random.default_rng(2))
    assert sum(counts.values()) == shots
    for k, p in enumerate(probabilities):
        assert abs(counts[format(k, "03b")] - shots * p) < 5 * math.sqrt(shots * p * (1 - p))


def test_what_has_no_probability_is_never_sampled() -> None:
    probabilities = np.array([0, 0.5, 0, 0, 0, 0, 0.5, 0])
    assert set(sample(probabilities, 1000, np.random.default_rng(0))) == {"001", "110"}


def test_exact_figures_are_those_of_the_state() -> None:
    state = random_state(3)
    p, energies = np.abs(state) ** 2, SPECTRUM + MODEL.offset
    best = np.array([energies.argmin()])
    samples = from_state(SPECTRUM, MODEL.offset, p, 1000, np.random.default_rng(0), best=best)
    assert samples.exact
    assert samples.mean_energy == pytest.approx(p @ energies)
    assert samples.deviation == pytest.approx(math.sqrt(p @ energies**2 - (p @ energies) ** 2))
    assert samples.probability_of_best == pytest.approx(p[energies.argmin()])


def test_probability_of_best_adds_up_equal_optima() -> None:
    model = IsingModel.from_spins([0, 0], [(0, 1, 0.1)])
    spectrum, exact = all_energies(model), ExactEnergies.of(model)
    best = exact.lowest(spectrum, exact.rounding(model)).places
    rng = np.random.default_rng(0)
    samples = from_state(spectrum, 0.0, np.full(4, 0.25), 10, rng, best=best)
    assert samples.probability_of_best == pytest.approx(0.5)


def test_figures_of_counts_are_those_of_every_single_shot() -> None:
    counts = {"000": 3, "010": 1, "111": 6}
    shots = [all_energies(MODEL)[int(bits, 2)] for bits, k in counts.items() for _ in range(k)]
    samples = from_counts(MODEL, counts)
    assert not samples.exact
    assert samples.mean_energy == pytest.approx(np.mean(shots))
    assert samples.deviation == pytest.approx(np.std(shots))
    assert samples.probability_of_best is None
    bitstring, energy = samples.best(ExactEnergies.of(MODEL))
    assert bitstring == min(counts, key=lambda bits: all_energies(MODEL)[int(bits, 2)])
    assert energy == pytest.approx(min(shots))
