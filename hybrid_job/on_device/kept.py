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
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from braket.circuits import Circuit, Gate, Instruction
from numpy.typing import NDArray

from hybrid_job.journal import Journal
from hybrid_job.on_device.measurement import Compiled
from quantum_pipeline.devices.states import DeviceState
from quantum_pipeline.requests.mitigation import Noise
from quantum_pipeline.results import Compilation

Real = NDArray[np.float64]


COMPILED_FOR = {
    "native_gates", "verbatim", "qubits", "couplers", "pair_fidelity", "calibrated_at",
}  # fmt: skip
"""What circuits are compiled for, of a device's state: where that is another, they are too."""


class Kept:
    """The circuits of a run that are compiled for one state of its device."""

    def __init__(self, journal: Journal, state: DeviceState) -> None:
        self._journal = journal
        self._device = state.model_dump_json(include=COMPILED_FOR)

    def circuits(
        self, purpose: str, angles: Real, compiled: Callable[[], Sequence[Compiled]]
    ) -> list[Compiled]:
        """Return what the first attempt compiled for a purpose at these very angles."""
        found = self.decision(purpose, angles)
        if found is not None:
            return unpacked(found["gates"])
        made = list(compiled())
        self.keep(purpose, angles, {"gates": packed(made)})
        return made

    def summary(
        self, angles: Real, summary: Callable[[], Compilation | None]
    ) -> Compilation | None:
        """Return what the first attempt said of its compilation; None on simulators."""
        found = self.decision("summary", angles)
        if found is not None:
            said = found["summary"]
            return None if said is None else Compilation.model_validate(said)
        made = summary()
        written = None if made is None else made.model_dump(mode="json")
        self.keep("summary", angles, {"summary": written})
        return made

    def decision(self, purpose: str, angles: Real) -> Mapping[str, Any] | None:
        """Return what is kept for a purpose at these very angles."""
        return self._journal.decision(self._name(purpose, angles))

    def keep(self, purpose: str, angles: Real, decision: Mapping[str, Any]) -> None:
        """Keep something for a purpose at these very angles."""
        self._journal.record_decision(self._name(purpose, angles), decision)

    def _name(self, purpose: str, angles: Real) -> str:
        digest = hashlib.sha256(self._device.encode() + angles.tobytes()).hexdigest()
        return f"{purpose} {digest[:32]}"


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
