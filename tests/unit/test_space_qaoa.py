"""QAOA on spaces, against dense matrices of all qubits that are made of Pauli matrices."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from quantum_pipeline.spaces.mixers import Mixer, rounds
from quantum_pipeline.spaces.statevector import Qaoa, circuit_of
from tests.unit.dense_spaces import BETAS, GAMMAS, SPACES, dense_state


@pytest.mark.parametrize("mixer", ["complete", "pairs", "ring"])
@pytest.mark.parametrize("name", SPACES)
def test_the_state_is_that_of_xy_hamiltonians_on_all_qubits(name: str, mixer: Mixer) -> None:
    """But for a global phase; nothing leaves the space."""
    space = SPACES[name]
    costs = np.random.default_rng(2).normal(size=space.n_states)
    engine = Qaoa(space, costs, mixer=mixer)
    dense = dense_state(space, costs, mixer)
    assert abs(np.vdot(dense, engine.state(np.array([GAMMAS, BETAS])))) == pytest.approx(
        1, abs=1e-12
    )


@pytest.mark.parametrize("mixer", ["complete", "pairs", "ring"])
@pytest.mark.parametrize("alpha", [1.0, 0.3])
def test_gradients_are_those_of_differences(mixer: Mixer, alpha: float) -> None:
    """Of the mean and of a tail, measured in another diagonal than turns the phases."""
    space = SPACES["exactly two"]
    rng = np.random.default_rng(3)
    costs, measured = rng.normal(size=(2, space.n_states))
    engine, angles, step = (
        Qaoa(space, costs, measured, mixer=mixer),
        np.array([GAMMAS, BETAS]),
        1e-6,
    )

    def value(at: NDArray[np.float64]) -> float:
        found = np.abs(engine.state(at)) ** 2
        if alpha == 1.0:
            return float(found @ measured)
        order = np.argsort(measured)
        masses = np.clip(alpha - np.cumsum(found[order]) + found[order], 0, found[order])
        return float(masses @ measured[order] / alpha)

    mean, gradient = (
        engine.energy_and_gradient(angles)
        if alpha == 1.0
        else engine.tail_and_gradient(angles, alpha)
    )
    assert mean == pytest.approx(value(angles), abs=1e-12)
    for place in np.ndindex(2, 3):
        moved = np.zeros((2, 3))
        moved[place] = step
        slope = (value(angles + moved) - value(angles - moved)) / (2 * step)
        assert gradient[place] == pytest.approx(slope, abs=1e-7)


@pytest.mark.parametrize("n", range(2, 9))
def test_all_pairs_meet_once_in_rounds_that_share_no_bit(n: int) -> None:
    pairs = rounds(n)
    assert sorted(pairs) == [(i, j) for i in range(n) for j in range(i + 1, n)]
    for first in range(0, len(pairs), n // 2):
        together = [bit for pair in pairs[first : first + n // 2] for bit in pair]
        assert len(set(together)) == len(together)


@pytest.mark.parametrize("alpha", [1.0, 0.3])
def test_on_qubits_alone_the_tail_is_of_what_is_measured_too(alpha: float) -> None:
    space, angles = SPACES["bits"], np.array([GAMMAS, BETAS])
    costs, measured = np.random.default_rng(5).normal(size=(2, space.n_states))
    fast = circuit_of(space, costs, measured, mixer="complete")
    energy, gradient = fast.tail_and_gradient(angles, alpha)
    plain, slopes = Qaoa(space, costs, measured).tail_and_gradient(angles, alpha)
    assert energy == pytest.approx(plain, abs=1e-12)
    np.testing.assert_allclose(gradient, slopes, atol=1e-12)
