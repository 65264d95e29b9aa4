"""The interface between compilation and mitigation: what runs on a device, and what it yields."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Protocol, Self

import numpy as np
from braket.circuits import Circuit, Instruction
from braket.circuits.noises import BitFlip, Depolarizing, TwoQubitDepolarizing
from braket.circuits.serialization import IRType
from numpy.typing import NDArray

from quantum_pipeline.ising import IsingModel
from quantum_pipeline.requests import mitigation

Bits = NDArray[np.int8]
"""Measured bits, shape (shots, qubits)."""

Counts = dict[str, int]
"""Shots by bitstring; bit k from the left is measured bit k."""


@dataclass(frozen=True)
class Compiled:
    """A circuit of gates that its device runs as they are, not yet measured.

    ``qubits[k]`` is the qubit that measured bit k is read from. ``noise`` is what a simulator is
    to add: none on a QPU, which has its own.
    """

    circuit: Circuit
    qubits: tuple[int, ...]
    verbatim: bool = False
    noise: mitigation.Noise = field(default_factory=mitigation.Noise)

    @property
    def two_qubit_gates(self) -> int:
        """Gates on two qubits."""
        return sum(len(each.target) == 2 for each in self.circuit.instructions)

    def of(self, circuit: Circuit) -> Self:
        """Return the same with another circuit on the same qubits."""
        return replace(self, circuit=circuit)

    def program(self) -> Circuit:
        """Return what is submitted: the gates, boxed verbatim where that is so, and the readout.

        It is made once: the circuit must not change any more, nor must what is returned.
        """
        return self._program

    @cached_property
    def source(self) -> str:
        """What is submitted, in OpenQASM."""
        return str(self._program.to_ir(ir_type=IRType.OPENQASM).source)

    @cached_property
    def _program(self) -> Circuit:
        circuit = self.circuit
        if not self.noise.is_none:
            circuit = _noisy(circuit, self.noise, self.qubits)
        boxed = Circuit().add_verbatim_box(circuit) if self.verbatim else Circuit(circuit)
        for qubit in self.qubits:
            boxed.measure(qubit)
        return boxed


def _noisy(circuit: Circuit, noise: mitigation.Noise, measured: tuple[int, ...]) -> Circuit:
    noisy = Circuit()
    for instruction in circuit.instructions:
        noisy.add_instruction(instruction)
        qubits = [int(qubit) for qubit in instruction.target]
        if len(qubits) == 1 and noise.one_qubit:
            noisy.add_instruction(Instruction(Depolarizing(noise.one_qubit), qubits))
        if len(qubits) == 2 and noise.two_qubit:
            noisy.add_instruction(Instruction(TwoQubitDepolarizing(noise.two_qubit), qubits))
    for qubit in measured if noise.readout else ():
        noisy.add_instruction(Instruction(BitFlip(noise.readout), [qubit]))
    return noisy


class Valued(Protocol):
    """What gives each outcome an energy of its own.

    ``offset`` is the mean over all outcomes, and over those that count where a symmetry is checked.
    """

    @property
    def offset(self) -> float:
        """Energy of the mixed state."""

    def values(self, bits: Bits) -> NDArray[np.float64]:
        """Return the energy of each row."""


@dataclass(frozen=True)
class Setting:
    """A circuit, and the energy of its shots: ``model`` of the bits that ``decode`` makes of them.

    ``accepted`` marks the shots that obey the symmetry, from the measured bits; None where none is
    checked. Without ``decode`` the measured bits are the model's variables.
    """

    compiled: Compiled
    model: IsingModel | Valued
    decode: Callable[[Bits], Bits] | None = None
    accepted: Callable[[Bits], NDArray[np.bool_]] | None = None


@dataclass(frozen=True)
class Measurement:
    """All settings that together give one energy: the sum of theirs.

    ``plain`` are the circuits as they are; ``verified`` those that check a symmetry, the same ones
    where that takes no circuit of its own, None where there is no symmetry. ``exact`` is the
    energy where it is known: of calibration circuits.
    """

    plain: tuple[Setting, ...]
    verified: tuple[Setting, ...] | None
    exact: float | None = None
