"""The noise of an emulated QPU: a depolarising channel for each gate, and readout errors.

A calibration gives the average gate fidelity F. The depolarising channel with that fidelity, on a
space of dimension d, is

    E(rho) = s U rho U+ + (1 - s) I / d,    s = (d F - 1) / (d - 1),

since it keeps a pure state with probability s + (1 - s) / d. In Braket's terms that is Depolarizing
with p = 3 (1 - F) / 2 on one qubit, and TwoQubitDepolarizing with p = 5 (1 - F) / 4, as
`braket.emulation.LocalEmulator` has them. An Rz that takes no time is virtual, and
makes no error. What qubits suffer while they wait is left out: a benchmarked fidelity holds what
they lose in gates.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from quantum_pipeline.local.braket.emulators.spec import EmulatedQpu
from quantum_pipeline.local.braket.programs import Gate


@dataclass(frozen=True)
class NoisyGate:
    """A unitary on one or two qubits, the first the more significant, and then ``kept`` as s."""

    qubits: tuple[int, ...]
    matrix: NDArray[np.complex128]
    kept: float


def noisy(gate: Gate, qpu: EmulatedQpu) -> NoisyGate:
    """Return a gate on physical qubits with the error that it has on a QPU."""
    return NoisyGate(gate.qubits, gate.matrix, kept(_fidelity(gate, qpu), 2 ** len(gate.qubits)))


def kept(fidelity: float, dimension: int) -> float:
    """Return s of the depolarising channel of an average gate fidelity.

    >>> kept(0.99, 2), round(kept(0.97, 4), 9)
    (0.98, 0.96)
    """
    return (dimension * fidelity - 1) / (dimension - 1)


def misread(qubit: int, qpu: EmulatedQpu) -> NDArray[np.float64]:
    """Return the readout probabilities, shape (2, 2): row is the bit read, column the true one.

    >>> from quantum_pipeline.local.braket.emulators.spec import EMULATED
    >>> misread(*next((q.qubits[0], q) for q in EMULATED.values())).sum(axis=0).tolist()
    [1.0, 1.0]
    """
    one_of_zero, zero_of_one = qpu.readout_errors[qubit]
    return np.array([[1 - one_of_zero, zero_of_one], [one_of_zero, 1 - zero_of_one]])


def _fidelity(gate: Gate, qpu: EmulatedQpu) -> float:
    if gate.name == "rz" and not qpu.gate_seconds.get("rz"):
        return 1.0
    if len(gate.qubits) == 1:
        return qpu.gate_fidelity[gate.qubits[0]]
    low, high = sorted(gate.qubits)
    return qpu.couplers[low, high]
