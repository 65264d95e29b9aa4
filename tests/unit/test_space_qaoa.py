"""QAOA on spaces, against dense matrices of all qubits that are made of Pauli matrices."""

from __future__ import annotations

from functools import reduce
from itertools import combinations
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from quantum_pipeline.spaces import Group, Space
from quantum_pipeline.spaces.mixers import Mixer
from quantum_pipeline.spaces.statevector import Qaoa

Matrix = NDArray[Any]
PAULI = {
    "X": np.array([[0, 1], [1, 0]], dtype=complex),
    "Y": np.array([[0, -1j], [1j, 0]]),
}
SPACES = {
    "bits": Space((Group((1,)), Group((0,)), Group((2,)))),
    "exactly one": Space((Group((0, 3, 1), 1), Group((2,)), Group((4, 5), 1))),
    "exactly two": Space((Group((2,)), Group((3, 0, 1, 4, 5), 2))),
    "half of six": Space((Group((0, 1, 2, 3, 4, 5), 3),)),
    "all but one": Space((Group((0, 1, 2, 3), 3), Group((4, 5), 2))),
}
GAMMAS, BETAS = [0.3, -0.7, 1.1], [0.9, 0.4, -0.2]


def pauli(n: int, name: str, *qubits: int) -> Matrix:
    """Return the product of one Pauli matrix on some of n qubits, qubit 0 first."""
    factors = [PAULI[name] if i in qubits else np.eye(2) for i in range(n)]
    return reduce(np.kron, factors)


def turned(generator: Matrix, angle: float) -> Matrix:
    """Return exp(-i angle generator) by its eigenvectors."""
    values, vectors = np.linalg.eigh(generator)
    return np.asarray((vectors * np.exp(-1j * angle * values)) @ vectors.conj().T)


def mixer_of(group: Group, n: int, mixer: Mixer, beta: float) -> Matrix:
    """Return a group's mixer on all n qubits, by its definition."""

    def exchange(i: int, j: int) -> Matrix:
        both = group.bits[i], group.bits[j]
        return (pauli(n, "X", *both) + pauli(n, "Y", *both)) / 2

    size = len(group.bits)
    if group.ones is None:
        return turned(pauli(n, "X", group.bits[0]), beta)
    if mixer == "complete":
        hamiltonian = sum(exchange(i, j) for i, j in combinations(range(size), 2))
        return turned(np.asarray(hamiltonian), 2 * beta / size)
    pairs = [(i, i + 1) for i in range(0, size - 1, 2)] + [
        (i, i + 1) for i in range(1, size - 1, 2)
    ]
    pairs += [(size - 1, 0)] if size > 2 else []
    return reduce(lambda matrix, pair: turned(exchange(*pair), beta) @ matrix, pairs, np.eye(2**n))


def dense_state(space: Space, costs: Matrix, mixer: Mixer) -> Matrix:
    """Return all 2^n amplitudes; what is outside the space costs 7, and gets none."""
    n = space.n_bits
    places = [int("".join(map(str, row)), 2) for row in space.bits(range(space.n_states)).tolist()]
    state, diagonal = np.zeros(2**n, dtype=complex), np.full(2**n, 7.0)
    state[places], diagonal[places] = space.n_states**-0.5, costs
    for gamma, beta in zip(GAMMAS, BETAS, strict=True):
        state *= np.exp(-1j * gamma * diagonal)
        for group in space.groups:
            state = mixer_of(group, n, mixer, beta) @ state
    assert np.delete(np.abs(state), places).max(initial=0.0) < 1e-12
    return state[places]


@pytest.mark.parametrize("mixer", ["complete", "ring"])
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


@pytest.mark.parametrize("mixer", ["complete", "ring"])
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
