"""Two squares joined by an edge, and devices that are too narrow for both."""

from __future__ import annotations

from typing import Any

from quantum_pipeline.devices.states import Qubit

TWO = [[i, (i + 1) % 4] for i in range(4)] + [[4 + i, 4 + (i + 1) % 4] for i in range(4)]
REQUEST = {
    "problem": {"type": "maxcut", "edges": [*TWO, [0, 4]]},
    "device": "garnet",
    "shots": 1000,
    "limits": {"max_cost_usd": 100},
}


def number(k: int) -> Qubit:
    return Qubit(number=k)


def width(n: int, **more: Any) -> dict[str, Any]:
    """Return the fields of a device's state that has n qubits, and takes program sets."""
    return {"n_qubits": n, "qubits": tuple(map(number, range(n))), "max_executables": 100, **more}
