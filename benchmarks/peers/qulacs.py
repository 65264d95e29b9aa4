"""qulacs: gates merged by its optimiser; backpropagation where finite differences take longer.

Backpropagation costs about what nine energies do, forward differences cost 2 depth + 1.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.peers import DIFFERENCES, EXACT, forward_differences, shifted
from benchmarks.problem import Problem

Real = NDArray[np.float64]
NEEDS = "qulacs"

BACKPROPAGATION_DEPTH = 4
"""Depth from which backpropagation is the faster one."""

Z = 3


class Peer:
    def __init__(self, problem: Problem, depth: int) -> None:
        from qulacs import Observable, QuantumState

        self.backpropagates = depth >= BACKPROPAGATION_DEPTH
        self.how = "merged gates, forward differences"
        self.tolerance = DIFFERENCES
        if self.backpropagates:
            self.how, self.tolerance = "merged gates, backpropagation", EXACT
        self.n = problem.n_qubits
        # Its qubit 0 is the least significant.
        self.terms = [
            ([self.n - 1 - qubit for qubit in qubits], value) for qubits, value in problem.terms
        ]
        self.cost = problem.cost
        self.state = QuantumState(self.n)
        self.observable = Observable(self.n)
        for qubits, value in self.terms:
            self.observable.add_operator(value, " ".join(f"Z {qubit}" for qubit in qubits))

    def energy(self, angles: Real) -> float:
        from qulacs.circuit import QuantumCircuitOptimizer

        circuit = self._merging(angles)
        QuantumCircuitOptimizer().optimize_light(circuit)
        self.state.set_zero_state()
        circuit.update_quantum_state(self.state)
        amplitudes = self.state.get_vector()
        return float(self.cost @ (amplitudes.real**2 + amplitudes.imag**2))

    def energy_and_gradient(self, angles: Real) -> tuple[float, Real]:
        if not self.backpropagates:
            return forward_differences([self.energy(each) for each in shifted(angles)], angles)
        by_gate = self._parametric(angles).backprop(self.observable)
        by_layer = -np.array(by_gate).reshape(angles.shape[1], -1)
        factors = [2 * value for _, value in self.terms]
        gammas = by_layer[:, : len(factors)] @ factors
        betas = 2 * by_layer[:, len(factors) :].sum(axis=1)
        return self.energy(angles), np.array([gammas, betas])

    def _merging(self, angles: Real) -> Any:
        """Return the circuit in gates that its optimiser can merge; its angles have other signs."""
        from qulacs import QuantumCircuit

        circuit = QuantumCircuit(self.n)
        for qubit in range(self.n):
            circuit.add_H_gate(qubit)
        for gamma, beta in angles.T.tolist():
            for (*control, target), value in self.terms:
                for qubit in control:
                    circuit.add_CNOT_gate(qubit, target)
                circuit.add_RZ_gate(target, -2 * value * gamma)
                for qubit in control:
                    circuit.add_CNOT_gate(qubit, target)
            for qubit in range(self.n):
                circuit.add_RX_gate(qubit, -2 * beta)
        return circuit

    def _parametric(self, angles: Real) -> Any:
        from qulacs import ParametricQuantumCircuit

        circuit = ParametricQuantumCircuit(self.n)
        for qubit in range(self.n):
            circuit.add_H_gate(qubit)
        for gamma, beta in angles.T.tolist():
            for qubits, value in self.terms:
                paulis, angle = [Z] * len(qubits), -2 * value * gamma
                circuit.add_parametric_multi_Pauli_rotation_gate(qubits, paulis, angle)
            for qubit in range(self.n):
                circuit.add_parametric_RX_gate(qubit, -2 * beta)
        return circuit
