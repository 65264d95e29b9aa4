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
from contextlib import AbstractContextManager
from typing import Annotated, Any

import numpy as np
from braket.circuits import Circuit, Gate, Instruction
from numpy.typing import NDArray
from pydantic import Field, TypeAdapter

from hybrid_job.journal import Decision, Journal
from hybrid_job.journal import Kept as Record
from hybrid_job.on_device.measurement import Compiled
from quantum_pipeline.devices.states import DeviceState
from quantum_pipeline.quantities import Flag, Number
from quantum_pipeline.requests.mitigation import Noise
from quantum_pipeline.results import Compilation
from quantum_pipeline.wording import refusal

Real = NDArray[np.float64]

MOST_UNPACKED = 64 * 2**20
"""Bytes of the circuits of one decision."""

Packed = Annotated[str, Field(strict=True, max_length=12 * 2**20)]


COMPILED_FOR = {
    "native_gates", "verbatim", "qubits", "couplers", "pair_fidelity", "calibrated_at",
}  # fmt: skip
"""What circuits are compiled for, of a device's state: where that is another, they are too."""


class Gates(Record):
    """Circuits, as ``packed`` writes them."""

    gates: Packed


class Summary(Record):
    """What compiling came to; nothing on simulators."""

    summary: Compilation | None


class Kept:
    """The circuits of a run that are compiled for one state of its device."""

    def __init__(self, journal: Journal, state: DeviceState) -> None:
        self._journal = journal
        self._device = state.model_dump_json(include=COMPILED_FOR)

    def circuits(
        self, purpose: str, angles: Real, compiled: Callable[[], Sequence[Compiled]]
    ) -> list[Compiled]:
        """Return what the first attempt compiled for a purpose at these very angles."""
        found = self.decision(purpose, angles, Gates)
        if found is not None:
            with self._journal.checked(purpose):
                return unpacked(found.gates)
        made = list(compiled())
        self.keep(purpose, angles, Gates(gates=packed(made)))
        return made

    def summary(
        self, angles: Real, summary: Callable[[], Compilation | None]
    ) -> Compilation | None:
        """Return what the first attempt said of its compilation; None on simulators."""
        found = self.decision("summary", angles, Summary)
        if found is not None:
            return found.summary
        made = summary()
        self.keep("summary", angles, Summary(summary=made))
        return made

    def decision(self, purpose: str, angles: Real, model: type[Decision]) -> Decision | None:
        """Return what is kept for a purpose at these very angles."""
        return self._journal.decision(self._name(purpose, angles), model)

    def checked(self, purpose: str) -> AbstractContextManager[None]:
        """Name a decision that is not what its purpose asks for."""
        return self._journal.checked(purpose)

    def keep(self, purpose: str, angles: Real, decision: Record) -> None:
        """Keep something for a purpose at these very angles."""
        self._journal.record_decision(self._name(purpose, angles), decision)

    def _name(self, purpose: str, angles: Real) -> str:
        digest = hashlib.sha256(self._device.encode() + angles.tobytes()).hexdigest()
        return f"{purpose} {digest[:32]}"


class _Circuit(Record):
    qubits: tuple[Number, ...]
    verbatim: Flag
    noise: Noise
    gates: tuple[tuple[Any, ...], ...]

    def compiled(self) -> Compiled:
        return Compiled(
            circuit=Circuit(
                Instruction(getattr(Gate, name)(*angles), targets)
                for name, targets, *angles in self.gates
            ),
            qubits=self.qubits,
            verbatim=self.verbatim,
            noise=self.noise,
        )


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
    """Return the circuits that ``packed`` wrote, to the last digit.

    Raises:
        ValueError: it is nothing that ``packed`` wrote.
    """
    try:
        unpacking = zlib.decompressobj()
        written = unpacking.decompress(base64.b85decode(text), MOST_UNPACKED)
        circuits = TypeAdapter(list[_Circuit]).validate_json(written)
        return [each.compiled() for each in circuits]
    except (zlib.error, ValueError, TypeError, AttributeError) as error:
        raise ValueError(
            refusal("gates", text, f"circuits as they were packed ({error})")
        ) from None
