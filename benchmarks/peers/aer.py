"""Qiskit Aer's state-vector method, with forward differences: all 2 depth + 1 circuits in one run.

One parametrised circuit of RZZ, RZ and RX gates, transpiled once. Energies are the probabilities
times the cost: faster than Aer's own expectation of the Pauli terms.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.peers import DIFFERENCES, forward_differences, shifted
from benchmarks.problem import Problem

Real = NDArray[np.float64]
NEEDS = "qiskit_aer"


class Peer:
    how, tolerance = "statevector method, forward differences", DIFFERENCES

    def __init__(self, problem: Problem, depth: int) -> None:
        from qiskit import transpile
        from qiskit_aer import AerSimulator

        # Its qubit 0 is the least significant.
        self.cost = problem.cost.reshape((2,) * problem.n_qubits).transpose().ravel()
        self.simulator = AerSimulator(
            method="statevector",
            precision="double",
            max_parallel_threads=int(os.environ.get("OMP_NUM_THREADS", "1")),
        )
        circuit, self.parameters = _circuit(problem, depth)
        self.circuit = transpile(circuit, self.simulator, optimization_level=0)

    def energy(self, angles: Real) -> float:
        return self._energies([angles])[0]

    def energy_and_gradient(self, angles: Real) -> tuple[float, Real]:
        return forward_differences(self._energies(shifted(angles)), angles)

    def _energies(self, points: Sequence[Real]) -> list[float]:
        columns = np.array([point.ravel() for point in points]).T.tolist()
        binds = [dict(zip(self.parameters, columns, strict=True))]
        result = self.simulator.run(self.circuit, parameter_binds=binds).result()
        return [
            float(self.cost @ result.data(number)["probabilities"]) for number in range(len(points))
        ]


def _circuit(problem: Problem, depth: int) -> tuple[Any, list[Any]]:
    """Return the circuit and its parameters: gammas, then betas."""
    from qiskit import QuantumCircuit
    from qiskit.circuit import ParameterVector

    parameters = list(ParameterVector("angle", 2 * depth))
    circuit = QuantumCircuit(problem.n_qubits)
    circuit.h(range(problem.n_qubits))
    for gamma, beta in zip(parameters[:depth], parameters[depth:], strict=True):
        for qubits, coefficient in problem.terms:
            gate = circuit.rz if len(qubits) == 1 else circuit.rzz
            gate(2 * coefficient * gamma, *qubits)
        circuit.rx(2 * beta, range(problem.n_qubits))
    circuit.save_probabilities(label="probabilities")
    return circuit, parameters
