"""PennyLane as its users call it: a QNode on lightning.qubit with adjoint differentiation.

IsingZZ and RX gates, one Hamiltonian as the observable.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.peers import EXACT
from benchmarks.problem import Problem

Real = NDArray[np.float64]
NEEDS = "pennylane_lightning"


class Peer:
    how, tolerance = "QNode on lightning.qubit, adjoint", EXACT

    def __init__(self, problem: Problem, _depth: int) -> None:
        import pennylane as qml

        device = qml.device("lightning.qubit", wires=problem.n_qubits)
        hamiltonian = hamiltonian_of(problem)

        def circuit(angles: Any) -> Any:
            layers(problem, angles)
            return qml.expval(hamiltonian)

        self.qnode = qml.QNode(circuit, device, diff_method="adjoint")
        self._gradient = qml.grad(self.qnode)

    def energy(self, angles: Real) -> float:
        return float(self.qnode(angles))

    def energy_and_gradient(self, angles: Real) -> tuple[float, Real]:
        from pennylane import numpy as differentiable

        gradient = self._gradient(differentiable.array(angles, requires_grad=True))
        return float(self._gradient.forward), np.asarray(gradient)


def hamiltonian_of(problem: Problem) -> Any:
    """Return the cost as PennyLane's sum of products of Z."""
    import pennylane as qml

    products = [qml.prod(*map(qml.PauliZ, qubits)) for qubits, _ in problem.terms]
    return qml.Hamiltonian([coefficient for _, coefficient in problem.terms], products)


def layers(problem: Problem, angles: Any) -> None:
    """Queue the circuit's gates: the phases of all terms, then all mixers, layer by layer."""
    import pennylane as qml

    wires = range(problem.n_qubits)
    for wire in wires:
        qml.Hadamard(wire)
    for layer in range(angles.shape[1]):
        gamma, beta = angles[0, layer], angles[1, layer]
        for qubits, coefficient in problem.terms:
            gate = qml.RZ if len(qubits) == 1 else qml.IsingZZ
            gate(2 * coefficient * gamma, wires=qubits)
        for wire in wires:
            qml.RX(2 * beta, wires=wire)
