"""Keeps compiled circuits in the journal: later attempts send the very same ones, and read them so.

On another processor a circuit comes out with other last digits, and, where two layouts are equally
good, on other qubits. Its task would be another one, paid for again, and its shots would be of
qubits that this attempt does not know.
"""

from __future__ import annotations

import base64
import hashlib
import json
import zlib
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from braket.circuits import Circuit, Gate, Instruction
from numpy.typing import NDArray

from hybrid_job.journal import Journal
from hybrid_job.on_device.measurement import Compiled
from quantum_pipeline.requests.mitigation import Noise
from quantum_pipeline.results import Compilation

Real = NDArray[np.float64]


def kept(
    journal: Journal, purpose: str, angles: Real, compiled: Callable[[], Sequence[Compiled]]
) -> list[Compiled]:
    """Return the circuits that the first attempt compiled for a purpose at these very angles."""
    found = journal.decided(named(purpose, angles), lambda: {"gates": packed(compiled())})
    return unpacked(found["gates"])


def kept_summary(
    journal: Journal, angles: Real, summary: Callable[[], Compilation | None]
) -> Compilation | None:
    """Return what the first attempt said of its compilation; None on simulators."""

    def said() -> dict[str, Any]:
        made = summary()
        return {"summary": None if made is None else made.model_dump(mode="json")}

    found = journal.decided(named("summary", angles), said)["summary"]
    return None if found is None else Compilation.model_validate(found)


def named(purpose: str, angles: Real) -> str:
    """Return the name of a decision on the circuits of these angles, to the last digit."""
    return f"{purpose} {hashlib.sha256(angles.tobytes()).hexdigest()[:32]}"


def packed(circuits: Sequence[Compiled]) -> str:
    """Return circuits as text of about a fifth of what their gates would take."""
    written = [
        {
            "qubits": each.qubits,
            "verbatim": each.verbatim,
            "noise": each.noise.model_dump(),
            "gates": [_gate(instruction) for instruction in each.circuit.instructions],
        }
        for each in circuits
    ]
    return base64.b85encode(zlib.compress(json.dumps(written).encode())).decode()


def _gate(instruction: Instruction) -> list[Any]:
    operator = instruction.operator
    targets = [int(qubit) for qubit in instruction.target]
    return [operator.name, targets, *map(float, getattr(operator, "parameters", ()))]


def unpacked(text: str) -> list[Compiled]:
    """Return the circuits that ``packed`` wrote, to the last digit."""
    return [
        Compiled(
            circuit=Circuit(
                Instruction(getattr(Gate, name)(*angles), targets)
                for name, targets, *angles in each["gates"]
            ),
            qubits=tuple(each["qubits"]),
            verbatim=each["verbatim"],
            noise=Noise.model_validate(each["noise"]),
        )
        for each in json.loads(zlib.decompress(base64.b85decode(text)))
    ]
