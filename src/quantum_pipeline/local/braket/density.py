"""Computes the readout of a noisy circuit exactly, by the Pauli expectations of its density matrix.

The state of n qubits is the real array r[P1...Pn] = tr(rho P1 x ... x Pn), P in I, X, Y, Z. A gate
on two of them with its error is a real matrix of 16 rows on their axes; all gates that follow each
other on one pair are multiplied into one such step, gates on one qubit into the step before (or
the first after). A qubit has an axis from its first step to its last only: it starts within the
first, and the last one turns its axis into that of the bit read, misreading included, or sums it
out. Qubits that no gate connects are never put together.

Cost: per step O(16 * size), where the size is 4 for each qubit under way and 2 for each that is
done; two real arrays of that size.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from math import prod

import numpy as np
from numpy.typing import NDArray

from quantum_pipeline.local.braket.noise import NoisyGate

Matrix = NDArray[np.float64]

_PAULIS = np.array([[[1, 0], [0, 1]], [[0, 1], [1, 0]], [[0, -1j], [1j, 0]], [[1, 0], [0, -1]]])
_ONE = _PAULIS.reshape(4, 4)
_TWO = np.array([np.kron(a, b) for a, b in product(_PAULIS, repeat=2)]).reshape(16, 16)
_START = np.array([1.0, 0, 0, 1])
"""Pauli expectations of |0>."""

_READ = np.array([[0.5, 0, 0, 0.5], [0.5, 0, 0, -0.5]])
"""Probabilities of 0 and 1 from Pauli expectations."""

_SUM = np.array([[1.0, 0, 0, 0]])


@dataclass
class _Step:
    qubits: tuple[int, ...]
    matrix: Matrix


def transfer(gate: NoisyGate) -> Matrix:
    """Return R with r_after = R r_before: R_ij = tr(P_i U P_j U+) / d, all but row 0 times s."""
    paulis = _ONE if len(gate.qubits) == 1 else _TWO
    evolve = np.kron(gate.matrix, gate.matrix.conj())
    matrix = (paulis.conj() @ evolve @ paulis.T).real / len(gate.matrix)
    matrix[1:] *= gate.kept
    return np.asarray(matrix)


def components(gates: Iterable[NoisyGate], measured: Iterable[int]) -> list[tuple[int, ...]]:
    """Return the sets of measured or used qubits that gates connect, each in rising order."""
    groups: dict[int, set[int]] = {}
    for qubits in (*((qubit,) for qubit in measured), *(gate.qubits for gate in gates)):
        joined = set(qubits).union(*(groups.get(qubit, set()) for qubit in qubits))
        groups.update(dict.fromkeys(joined, joined))
    return sorted({tuple(sorted(group)) for group in groups.values()})


def largest_size(gates: Sequence[NoisyGate], measured: Iterable[int]) -> int:
    """Return the size of the largest array that `probabilities` takes."""
    return max(_sizes(_steps(gates), frozenset(measured)), default=1)


def probabilities(
    gates: Sequence[NoisyGate], measured: Sequence[int], misread: Mapping[int, Matrix]
) -> Matrix:
    """Return the distribution of the measured bits, shape (2,) * len(measured), in that order.

    Args:
        gates: in the order of time; all qubits start in 0.
        measured: qubits that are read, each once.
        misread: by measured qubit, its readout probabilities (`noise.misread`).
    """
    steps = _steps(gates)
    ends = {
        qubit: misread[qubit] @ _READ if qubit in measured else _SUM
        for qubit in {*measured, *(qubit for step in steps for qubit in step.qubits)}
    }
    first, last = _first_and_last(steps)
    axes: list[int] = []
    state: Matrix = np.ones(())
    for index, step in enumerate(steps):
        matrix, entering = _shaped(step, index, first, last, ends)
        positions = [axes.index(qubit) for qubit in entering]
        inner = list(range(matrix.ndim - len(entering), matrix.ndim))
        state = np.asarray(np.tensordot(matrix, state, axes=(inner, positions)))
        axes = [*step.qubits, *(qubit for qubit in axes if qubit not in entering)]
    for qubit in measured:
        if qubit not in first:
            state, axes = np.multiply.outer(state, ends[qubit] @ _START), [*axes, qubit]
    read = [axes.index(qubit) for qubit in measured]
    unread = [axis for axis in range(len(axes)) if axis not in read]
    result = np.transpose(state, (*read, *unread)).reshape((2,) * len(read))
    result = np.maximum(result, 0.0)  # rounding leaves some at -1e-17
    return np.asarray(result / result.sum())


def _steps(gates: Sequence[NoisyGate]) -> list[_Step]:
    """Return the circuit in steps, one for gates on one pair, or one qubit, that can be joined."""
    steps: list[_Step] = []
    latest: dict[int, int] = {}
    waiting: dict[int, Matrix] = {}
    for gate in gates:
        matrix, qubits = transfer(gate), gate.qubits
        at = {latest.get(qubit) for qubit in qubits}
        if len(qubits) == 1 and at == {None}:
            waiting[qubits[0]] = matrix @ waiting.get(qubits[0], np.eye(4))
            continue
        if len(at) == 1 and None not in at:
            step = steps[latest[qubits[0]]]
            step.matrix = _on(step.qubits, qubits, matrix) @ step.matrix
            continue
        before = [waiting.pop(qubit, np.eye(4)) for qubit in qubits]
        latest.update(dict.fromkeys(qubits, len(steps)))
        steps.append(_Step(qubits, matrix @ np.asarray(np.kron(*before))))
    return steps + [_Step((qubit,), matrix) for qubit, matrix in waiting.items()]


def _on(pair: tuple[int, ...], qubits: tuple[int, ...], matrix: Matrix) -> Matrix:
    """Return a matrix on ``qubits`` as one on the pair they are of."""
    if qubits == pair:
        return matrix
    if len(qubits) == 2:
        return matrix.reshape(4, 4, 4, 4).transpose(1, 0, 3, 2).reshape(16, 16)
    beside = np.eye(4)
    first = qubits[0] == pair[0]
    return np.asarray(np.kron(matrix, beside) if first else np.kron(beside, matrix))


def _first_and_last(steps: Sequence[_Step]) -> tuple[dict[int, int], dict[int, int]]:
    first: dict[int, int] = {}
    last: dict[int, int] = {}
    for index, step in enumerate(steps):
        for qubit in step.qubits:
            first.setdefault(qubit, index)
            last[qubit] = index
    return first, last


def _shaped(
    step: _Step,
    index: int,
    first: Mapping[int, int],
    last: Mapping[int, int],
    ends: Mapping[int, Matrix],
) -> tuple[Matrix, list[int]]:
    """Return a step's matrix with an axis for each qubit after it, then for each before it.

    Qubits that start here have none before.
    """
    many = len(step.qubits)
    matrix = step.matrix.reshape((4,) * (2 * many))
    for axis, qubit in enumerate(step.qubits):
        if last[qubit] == index:
            ended = np.asarray(np.tensordot(ends[qubit], matrix, axes=(1, axis)))
            matrix = np.moveaxis(ended, 0, axis)
    for axis in reversed(range(many)):
        if first[step.qubits[axis]] == index:
            matrix = np.tensordot(matrix, _START, axes=(many + axis, 0))
    return matrix, [qubit for qubit in step.qubits if first[qubit] < index]


def _sizes(steps: Sequence[_Step], measured: frozenset[int]) -> Iterator[int]:
    """Yield for each step the larger size of the array before and after it."""
    _, last = _first_and_last(steps)
    axes: dict[int, int] = {}
    for index, step in enumerate(steps):
        before = prod(axes.values())
        for qubit in step.qubits:
            done = 2 if qubit in measured else 1
            axes[qubit] = done if last[qubit] == index else 4
        yield max(before, prod(axes.values()))
