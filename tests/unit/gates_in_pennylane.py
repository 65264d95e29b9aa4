"""The gates of rows' circuits, as PennyLane has them; it is imported where they are asked for."""

from __future__ import annotations

from quantum_pipeline.classification.encodings import Gate


def put(gate: Gate) -> None:
    """Put a gate into the circuit that PennyLane is recording."""
    import pennylane

    match gate.name:
        case "h":
            pennylane.Hadamard(gate.qubits)
        case "cz":
            pennylane.CZ(gate.qubits)
        case name:
            of_angle = {"ry": pennylane.RY, "rz": pennylane.RZ, "zz": pennylane.IsingZZ}
            of_angle[name](gate.angle, gate.qubits)
