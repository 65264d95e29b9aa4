"""Compiles a circuit by qiskit at its highest level with several seeds, to compare with.

It is what our own circuits are compared with, what other circuits are compiled by, and what is
taken for QAOA too where it has the higher estimated fidelity. Rotations are written natively by the
same code as our own, so that circuits are compared in the same gates.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from braket.circuits import Circuit
from qiskit import QuantumCircuit, generate_preset_pass_manager
from qiskit_braket_provider import to_qiskit

from hybrid_job.on_device.compilation.chip import Chip
from hybrid_job.on_device.compilation.natives import NativeCircuit
from hybrid_job.on_device.compilation.sizes import loss_of


@dataclass(frozen=True)
class Transpiled:
    """A circuit of native gates, the device's qubit that each of its qubits ends on, its loss."""

    circuit: Circuit
    qubits: tuple[int, ...]
    seed: int

    def loss(self, chip: Chip) -> float:
        """Return the losses of its gates and readouts."""
        return loss_of(self.circuit, self.qubits, chip)


def transpiled(
    circuit: Circuit, n: int, chip: Chip, seed: int, at: Sequence[int] | None = None
) -> Transpiled:
    """Return a circuit on qubits 0 .. n-1 as qiskit's level 3 compiles it for the chip.

    ``at`` are the device's qubits on which they start, chosen if not given.
    """
    chip = chip.least(n)
    layout = None if at is None else [chip.numbers.index(qubit) for qubit in at]
    return _compiled(_logical(circuit, n), chip, seed, layout)


def best_transpiled(circuit: Circuit, n: int, chip: Chip, seed: int, tries: int = 3) -> Transpiled:
    """Return the one of several seeds with the least loss."""
    least, logical = chip.least(n), _logical(circuit, n)
    found = [_compiled(logical, least, seed + k) for k in range(tries)]
    return min(found, key=lambda each: (each.loss(chip), each.seed))


def _logical(circuit: Circuit, n: int) -> QuantumCircuit:
    """Return a circuit on qubits 0 .. n-1 for qiskit, with its readout."""
    logical = QuantumCircuit(n, n)
    logical.compose(to_qiskit(circuit, add_measurements=False), inplace=True)
    logical.measure(range(n), range(n))
    return logical


def _compiled(
    logical: QuantumCircuit, chip: Chip, seed: int, layout: list[int] | None = None
) -> Transpiled:
    """Return a circuit on a chip, in its native gates."""
    manager = generate_preset_pass_manager(
        3, target=chip.target, seed_transpiler=seed, initial_layout=layout
    )
    routed = manager.run(logical)
    native, ends = NativeCircuit(chip), [0] * logical.num_clbits
    for each in routed.data:
        sites = [routed.find_bit(qubit).index for qubit in each.qubits]
        a, b = sites[0], sites[-1]
        name = each.operation.name
        if name == "measure":
            ends[routed.find_bit(each.clbits[0]).index] = chip.numbers[a]
        elif name == "cz":
            native.cz(a, b)
        elif name == "iswap":
            native.iswap(a, b)
        elif name == "rzz":
            native.zz(a, b, float(each.operation.params[0]))
        elif name == "rxx":
            native.any_xx(a, b, float(each.operation.params[0]))
        else:
            native.turn(a, np.asarray(each.operation.to_matrix(), dtype=np.complex128))
    return Transpiled(native.finished(), tuple(ends), seed)
