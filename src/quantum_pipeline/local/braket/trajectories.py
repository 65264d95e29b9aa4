"""Samples a noisy circuit too wide for its density matrix, by quantum trajectories.

After each gate one of its Paulis strikes, each as likely as another, with the probability that
makes the gate's depolarising channel. Shots that are struck alike share one state vector, and so do
all that are struck by nothing. Of the others at most as many differ as `WORK` amplitudes allow: the
rest repeat them, which leaves every mean as it is and makes its spread larger than that of as many
independent shots.

Cost: O(4 * 2^n) for each gate on two qubits and trajectory.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import product

import numpy as np
from numpy.typing import NDArray

from quantum_pipeline.local.braket.noise import NoisyGate

WORK = 2_000_000_000
"""Amplitudes times gates that the trajectories of one circuit may take."""

MOST_QUBITS = 22

Struck = tuple[tuple[int, int], ...]
"""Gate by gate that is struck: its index and that of the Pauli."""

_PAULIS = np.array([[[1, 0], [0, 1]], [[0, 1], [1, 0]], [[0, -1j], [1j, 0]], [[1, 0], [0, -1]]])
_PAIRS = np.array([np.kron(a, b) for a, b in product(_PAULIS, repeat=2)])


def sample(
    gates: Sequence[NoisyGate],
    measured: Sequence[int],
    misread: Mapping[int, NDArray[np.float64]],
    shots: int,
    rng: np.random.Generator,
) -> NDArray[np.int8]:
    """Return what is read, shape (shots, len(measured)), in the order of ``measured``."""
    bits = np.empty((shots, len(measured)), np.int8)
    done = 0
    for struck, count in _strikes(gates, len(measured), shots, rng).items():
        drawn = _draw(_state(gates, measured, dict(struck)), count, rng)
        bits[done : done + count] = drawn
        done += count
    rng.shuffle(bits)
    one_probabilities = np.array(
        [misread[qubit][1] for qubit in measured]
    )  # of reading 1, by the true bit
    read_one = one_probabilities[np.arange(len(measured)), bits]
    return np.asarray(rng.random(bits.shape) < read_one, np.int8)


def _strikes(
    gates: Sequence[NoisyGate], n: int, shots: int, rng: np.random.Generator
) -> Counter[Struck]:
    """Return how many shots are struck by what."""
    spaces = np.array([4 ** len(gate.qubits) for gate in gates])
    strike_probabilities = np.array([1 - gate.kept for gate in gates]) * (spaces - 1) / spaces
    most = max(4, WORK // (max(1, len(gates)) * 2**n))
    strikes: Counter[Struck] = Counter()
    different: list[Struck] = []
    for _ in range(shots):
        hit = np.flatnonzero(rng.random(len(gates)) < strike_probabilities)
        struck = tuple((int(gate), int(rng.integers(1, spaces[gate]))) for gate in hit)
        if struck and struck not in strikes:
            if len(different) >= most:
                struck = different[int(rng.integers(most))]
            else:
                different.append(struck)
        strikes[struck] += 1
    return strikes


def _state(
    gates: Sequence[NoisyGate], qubits: Sequence[int], struck: Mapping[int, int]
) -> NDArray[np.complex64]:
    """Return the state vector of a trajectory, an axis for each qubit in the order given."""
    state = np.zeros((2,) * len(qubits), np.complex64)
    state[(0,) * len(qubits)] = 1
    axes = list(qubits)
    for targets, matrix in _joined(gates, struck):
        many = len(targets)
        tensor = matrix.astype(np.complex64).reshape((2,) * (2 * many))
        positions = [axes.index(qubit) for qubit in targets]
        state = np.tensordot(tensor, state, axes=(list(range(many, 2 * many)), positions))
        axes = [*targets, *(qubit for qubit in axes if qubit not in targets)]
    return np.transpose(state, [axes.index(qubit) for qubit in qubits])


def _joined(
    gates: Sequence[NoisyGate], struck: Mapping[int, int]
) -> Iterator[tuple[tuple[int, ...], NDArray[np.complex128]]]:
    """Yield the gates and what strikes, those on one qubit multiplied into the next on two."""
    waiting: dict[int, NDArray[np.complex128]] = {}
    for index, gate in enumerate(gates):
        paulis = _PAULIS if len(gate.qubits) == 1 else _PAIRS
        matrix = paulis[struck.get(index, 0)] @ gate.matrix
        if len(gate.qubits) == 1:
            waiting[gate.qubits[0]] = matrix @ waiting.get(gate.qubits[0], np.eye(2))
            continue
        first, second = (waiting.pop(qubit, np.eye(2)) for qubit in gate.qubits)
        yield gate.qubits, matrix @ np.kron(first, second)
    for qubit, matrix in waiting.items():
        yield (qubit,), matrix


def _draw(state: NDArray[np.complex64], shots: int, rng: np.random.Generator) -> NDArray[np.int8]:
    cumulative = np.cumsum(np.abs(state.ravel()) ** 2, dtype=np.float64)
    found = np.searchsorted(cumulative, rng.random(shots) * cumulative[-1], side="right")
    return np.stack(np.unravel_index(found, state.shape), axis=1).astype(np.int8)
