"""The classical baseline against proven optima."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pytest

from hybrid_job.classical import anneal, enumerate_all
from quantum_pipeline.ising import IsingModel, all_energies, energy_of

BIQMAC = Path(__file__).parents[3] / "shared" / "data" / "biqmac"
BEST_CUTS = {"g05_60.0": 536, "g05_60.1": 532, "g05_60.2": 529, "g05_60.3": 538, "g05_60.4": 527}


def random_model(n: int, seed: int) -> IsingModel:
    rng = np.random.default_rng(seed)
    scale = 10.0 ** rng.integers(-6, 7)
    pairs = [(i, j, scale * rng.normal()) for i in range(n) for j in range(i) if rng.random() < 0.6]
    return IsingModel.from_spins((scale * rng.normal(size=n)).tolist(), pairs, rng.normal())


@pytest.mark.parametrize("name", BEST_CUTS)
def test_annealing_reaches_the_proven_cut(name: str) -> None:
    path = BIQMAC / f"{name}.mc"
    if not path.exists():
        pytest.skip(f"{path} is not there: the Biq Mac instances are not part of the repository")
    rows = np.loadtxt(path, skiprows=1)
    edges = [(int(i) - 1, int(j) - 1, w) for i, j, w in rows]
    model = IsingModel.from_spins(
        [0] * 60, [(i, j, w / 2) for i, j, w in edges], -sum(w for _, _, w in edges) / 2
    )

    found = anneal(model, np.random.default_rng(0))

    assert -found.energy == BEST_CUTS[name]
    assert (
        sum(w for i, j, w in edges if found.bitstring[i] != found.bitstring[j]) == BEST_CUTS[name]
    )
    assert not found.proven
    assert found.worst_energy is None


@pytest.mark.parametrize("seed", range(20))
def test_annealing_finds_what_enumeration_proves(seed: int) -> None:
    model = random_model(n=5 + seed % 8, seed=seed)
    proven = enumerate_all(model, all_energies(model), 0.0)
    found = anneal(model, np.random.default_rng(seed), reads=32, sweeps=100)
    assert found.energy == pytest.approx(proven.energy, abs=model.tolerance)


def test_annealing_is_repeated_by_its_seed() -> None:
    model = random_model(12, seed=1)
    first, second = (
        anneal(model, np.random.default_rng(5), reads=1, sweeps=3).bitstring for _ in range(2)
    )
    assert first == second


def test_enumeration_proves_both_ends_and_counts_the_time_of_the_energies() -> None:
    model = random_model(7, seed=2)
    every = [energy_of(model, format(k, "07b")) for k in range(2**7)]
    began = time.monotonic()
    found = enumerate_all(model, all_energies(model), 1.5)
    assert 1.5 <= found.seconds <= 1.5 + time.monotonic() - began
    assert found.proven
    assert found.energy == energy_of(model, found.bitstring) == pytest.approx(min(every))
    assert found.worst_energy == pytest.approx(max(every))
