"""QAOA on spaces by dense matrices of all qubits, made of Pauli matrices."""

from __future__ import annotations

from functools import reduce
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from quantum_pipeline.spaces import Group, Space
from quantum_pipeline.spaces.mixers import Mixer, rounds

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
    if mixer == "pairs":
        pairs, beta = rounds(size), 2 * beta / size
    else:
        pairs = [(i, i + 1) for i in range(0, size - 1, 2)]
        pairs += [(i, i + 1) for i in range(1, size - 1, 2)]
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
