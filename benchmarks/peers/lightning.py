"""lightning.qubit without PennyLane's front end: it is given finished circuits.

No QNode, no autograd, no transforms: the device's own calls, and the derivatives by gate summed to
those by angle here. Energies come from a diagonal sparse matrix, which it applies in one pass;
gradients from the Hamiltonian, with which its adjoint method is faster. This is the fastest form
found, not what users write.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.peers import EXACT
from benchmarks.peers.pennylane import hamiltonian_of, layers
from benchmarks.problem import Problem

Real = NDArray[np.float64]
NEEDS = "pennylane_lightning"


class Peer:
    how, tolerance = "lightning.qubit called directly, adjoint", EXACT

    def __init__(self, problem: Problem, _depth: int) -> None:
        import pennylane as qml
        from pennylane.devices import ExecutionConfig
        from scipy.sparse import csr_matrix, diags

        self.problem = problem
        self.device = qml.device("lightning.qubit", wires=problem.n_qubits)
        config = ExecutionConfig(gradient_method="adjoint", use_device_gradient=True)
        self.config = self.device.setup_execution_config(config)
        matrix = csr_matrix(diags(problem.cost))
        self.diagonal = qml.SparseHamiltonian(matrix, wires=range(problem.n_qubits))
        self.hamiltonian = hamiltonian_of(problem)

    def energy(self, angles: Real) -> float:
        return float(self.device.execute(self._circuit(angles, self.diagonal), self.config))

    def energy_and_gradient(self, angles: Real) -> tuple[float, Real]:
        circuit = self._circuit(angles, self.hamiltonian)
        energy, by_gate = self.device.execute_and_compute_derivatives(circuit, self.config)
        terms = self.problem.terms
        by_layer = np.array(by_gate).reshape(angles.shape[1], -1)
        gammas = by_layer[:, : len(terms)] @ [2 * coefficient for _, coefficient in terms]
        betas = 2 * by_layer[:, len(terms) :].sum(axis=1)
        return float(energy), np.array([gammas, betas])

    def _circuit(self, angles: Real, observable: Any) -> Any:
        import pennylane as qml

        with qml.queuing.AnnotatedQueue() as queue:
            layers(self.problem, angles)
        gates = qml.tape.QuantumScript.from_queue(queue).operations
        trainable = range(len(gates) - self.problem.n_qubits)
        return qml.tape.QuantumScript(gates, [qml.expval(observable)], trainable_params=trainable)
