"""The benchmark of strategies: what a setting costs, and what a replay of a strategy has seen."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks import tuning
from quantum_pipeline.planning.optimiser_steps import spsa


def test_a_setting_costs_its_tasks_and_all_of_its_shots() -> None:
    """SPSA at Garnet's prices: a task a step, one for the angles found, one for the samples."""
    (setting,) = (
        each for each in tuning.SETTINGS if list(each.values.values()) == [1, "spsa", 32, 0.25]
    )
    steps = spsa(tuning.EVALUATIONS - 1)
    training = 0.30 * steps + 0.00145 * 32 * 2 * steps
    # one more evaluation measures the angles that were found
    final = 0.30 + 0.00145 * 32
    samples = (tuning.cost(tuning.problem(0), setting) - training - final - 0.30) / 0.00145
    assert samples == pytest.approx(round(samples), abs=1e-6)
    assert 10 < samples < 1000


def test_a_replay_has_seen_the_least_of_its_runs() -> None:
    costs = [1.0 + each for each in np.random.default_rng(1).permutation(200).tolist()]
    assert tuning.replay(costs, {"name": "random", "n_runs": 200}) == 1.0
    few = {"name": "bayesian", "n_runs": 6, "batch": 3}
    found = tuning.replay(costs, few)
    assert 1.0 < found == tuning.replay(costs, few)
