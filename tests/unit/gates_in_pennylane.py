"""The gates of rows' circuits, as PennyLane has them."""

from __future__ import annotations

import pennylane

PENNYLANE = {
    "h": lambda gate: pennylane.Hadamard(gate.qubits),
    "ry": lambda gate: pennylane.RY(gate.angle, gate.qubits),
    "rz": lambda gate: pennylane.RZ(gate.angle, gate.qubits),
    "cz": lambda gate: pennylane.CZ(gate.qubits),
    "zz": lambda gate: pennylane.IsingZZ(gate.angle, gate.qubits),
}
