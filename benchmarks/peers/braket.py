"""Amazon Braket's local state-vector simulator, with forward differences.

Its adjoint gradient returns the expectation on this simulator, so differences it is. Energies are
the probabilities times the cost: faster than an expectation for each term.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from benchmarks.peers import DIFFERENCES, forward_differences, shifted
from benchmarks.problem import Problem

Real = NDArray[np.float64]
NEEDS = "braket"


class Peer:
    how, tolerance = "LocalSimulator, forward differences", DIFFERENCES

    def __init__(self, problem: Problem, _depth: int) -> None:
        from braket.devices import LocalSimulator

        self.problem, self.device = problem, LocalSimulator()

    def energy(self, angles: Real) -> float:
        from braket.circuits import Circuit

        wires = range(self.problem.n_qubits)
        circuit = Circuit().h(wires)
        for gamma, beta in angles.T.tolist():
            for qubits, coefficient in self.problem.terms:
                gate = circuit.rz if len(qubits) == 1 else circuit.zz
                gate(*qubits, 2 * coefficient * gamma)
            circuit.rx(wires, 2 * beta)
        circuit.probability()
        probabilities = self.device.run(circuit, shots=0).result().values[0]
        return float(self.problem.cost @ probabilities)

    def energy_and_gradient(self, angles: Real) -> tuple[float, Real]:
        return forward_differences([self.energy(each) for each in shifted(angles)], angles)
