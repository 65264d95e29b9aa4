"""The compiled engine of spaces, against the one of numpy."""

from __future__ import annotations

import numpy as np
import pytest

from hybrid_job.engines import product
from quantum_pipeline.spaces import Group, Space
from quantum_pipeline.spaces.statevector import Qaoa

ANGLES = np.array([[0.31, -0.7, 1.1], [0.9, 0.4, -0.2]])
THIRDS = tuple(Group((3 * i, 3 * i + 1, 3 * i + 2), 1) for i in range(9))
SPACES = {
    "thirds": Space(THIRDS),
    "mixed": Space(
        (Group((0,)), Group((1, 2, 3, 4), 1), Group(tuple(range(5, 11)), 3), Group((11, 12, 13), 2))
    ),
    "exactly three": Space((Group(tuple(range(7)), 3),)),
    "large last": Space((Group((0,)), Group(tuple(range(1, 9002)), 1))),
    "of one level": Space((Group((0, 1), 2), Group((2,)))),
}


@pytest.mark.parametrize("name", SPACES)
def test_states_values_and_gradients_are_those_of_numpy(name: str) -> None:
    """Costs of few values and of many; the mean and a tail."""
    space = SPACES[name]
    rng = np.random.default_rng(4)
    for cost in (rng.normal(size=space.n_states), rng.integers(9, size=space.n_states) / 4):
        fast, slow = product.Qaoa(space, cost), Qaoa(space, cost)
        np.testing.assert_allclose(fast.state(ANGLES), slow.state(ANGLES), atol=1e-13)
        np.testing.assert_allclose(
            fast.probabilities(ANGLES), slow.probabilities(ANGLES), atol=1e-14
        )
        for found, expected in (
            (fast.energy_and_gradient(ANGLES), slow.energy_and_gradient(ANGLES)),
            (fast.tail_and_gradient(ANGLES, 0.2), slow.tail_and_gradient(ANGLES, 0.2)),
        ):
            assert found[0] == pytest.approx(expected[0], abs=1e-12)
            np.testing.assert_allclose(found[1], expected[1], atol=1e-11)
