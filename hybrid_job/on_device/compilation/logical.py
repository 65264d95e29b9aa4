"""The circuit of QAOA in the gates of Braket, before it is compiled for a device."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from braket.circuits import Circuit
from numpy.typing import NDArray

from quantum_pipeline.ising import IsingModel


def qaoa_circuit(
    model: IsingModel, angles: NDArray[np.float64], tilts: Sequence[float] | None = None
) -> Circuit:
    """Return prod_k exp(-i beta_k sum X) exp(-i gamma_k C) |+>^n, up to a global phase.

    Braket's gates carry half angles: Rz(t) = exp(-i t Z/2), ZZ(t) = exp(-i t ZZ/2), Rx alike.
    Qubit i is variable i. ``angles`` has shape (2, depth): gammas, then betas. With ``tilts`` qubit
    i starts in Ry(t_i)|0>, and its mixer turns about that state: Ry(t_i) Rz(2 beta) Ry(-t_i).
    """
    circuit = Circuit()
    qubits = range(model.n_variables)
    if tilts is None:
        circuit.h(qubits)
    else:
        for qubit, tilt in enumerate(tilts):
            circuit.ry(qubit, tilt)
    for gamma, beta in angles.T.tolist():
        for qubit, strength in enumerate(model.fields):
            if strength:
                circuit.rz(qubit, 2 * gamma * strength)
        for i, j, coupling in model.couplings:
            circuit.zz(i, j, 2 * gamma * coupling)
        if tilts is None:
            circuit.rx(qubits, 2 * beta)
            continue
        for qubit, tilt in enumerate(tilts):
            circuit.ry(qubit, -tilt).rz(qubit, 2 * beta).ry(qubit, tilt)
    return circuit
