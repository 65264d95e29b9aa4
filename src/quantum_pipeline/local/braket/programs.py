"""Parses OpenQASM programs into gates, by Braket's own interpreter; runs in the worker.

Only what a gate-model QPU takes comes through: gates, then measurements.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from braket.default_simulator.openqasm.interpreter import Interpreter, VerbatimBoxDelimiter
from braket.default_simulator.openqasm.program_context import ProgramContext
from braket.default_simulator.operation import GateOperation
from numpy.typing import NDArray


@dataclass(frozen=True)
class Gate:
    """A gate by its name in Braket; ``matrix`` has the first qubit as the most significant."""

    name: str
    qubits: tuple[int, ...]
    matrix: NDArray[np.complex128]


@dataclass(frozen=True)
class Program:
    """The gates of a program, and the qubits of its measured bits from left to right.

    Within a verbatim box the qubits are the device's, elsewhere they are the program's.
    """

    gates: tuple[Gate, ...]
    measured: tuple[int, ...]
    verbatim: bool

    @property
    def qubits(self) -> frozenset[int]:
        """All qubits that are acted on or measured."""
        return frozenset(self.measured).union(*(gate.qubits for gate in self.gates))


def read(source: str, inputs: Mapping[str, Any] | None) -> Program:
    """Return the program of an OpenQASM text with values for its inputs.

    Where nothing is measured, all qubits are, in their order.

    Raises:
        ValueError: gates both in and outside of verbatim boxes, noise, result types, resets,
            measurements before the end, or a qubit measured twice.
        Exception: whatever the interpreter finds wrong.
    """
    context = _Context()
    Interpreter(context).run(source, inputs=None if inputs is None else dict(inputs))
    circuit = context.circuit
    if circuit.results:
        raise ValueError("result types: the emulator returns measurements alone")
    if context.is_branched:
        raise ValueError("measurements must come last")
    circuit.validate_single_measured_register()
    if len(context.inside) > 1:
        raise ValueError("gates must be all in verbatim boxes, or none")
    gates = tuple(_gates(circuit.instructions, context.names))
    measured = tuple(circuit.measured_qubits) or tuple(sorted(circuit.qubit_set))
    if len(set(measured)) < len(measured):
        raise ValueError("a qubit is measured twice")
    return Program(gates, measured, verbatim=True in context.inside or "verbatim" in source)


class _Context(ProgramContext):  # type: ignore[misc]  # the simulator has no types
    """Keeps the names of gates, and whether they are in a verbatim box."""

    def __init__(self) -> None:
        super().__init__()
        self.names: list[str] = []
        self.inside: set[bool] = set()
        self._verbatim = False

    def add_verbatim_marker(self, marker: VerbatimBoxDelimiter) -> None:
        self._verbatim = marker == VerbatimBoxDelimiter.START_VERBATIM

    def add_gate_instruction(
        self, gate_name: str, target: tuple[int, ...], *rest: Any, **named: Any
    ) -> None:
        modified = bool(named.get("ctrl_modifiers")) or named.get("power", 1) != 1
        self._add(f"modified {gate_name}" if modified else gate_name)
        super().add_gate_instruction(gate_name, target, *rest, **named)

    def add_phase_instruction(self, target: tuple[int, ...], phase_value: float) -> None:
        self._add("gphase")
        super().add_phase_instruction(target, phase_value)

    def add_custom_unitary(self, unitary: NDArray[np.complex128], target: tuple[int, ...]) -> None:
        self._add("unitary")
        super().add_custom_unitary(unitary, target)

    def _add(self, name: str) -> None:
        self.names.append(name)
        self.inside.add(self._verbatim)


def _gates(instructions: list[Any], names: list[str]) -> Iterator[Gate]:
    gates = [each for each in instructions if isinstance(each, GateOperation)]
    if len(names) < len(instructions) or len(gates) < len(instructions):
        raise ValueError("a QPU takes gates alone: no noise, no reset")
    for name, gate in zip(names, gates, strict=True):
        if gate.targets:  # a global phase has none, and shows nowhere
            yield Gate(name, tuple(gate.targets), np.asarray(gate.matrix, dtype=complex))
