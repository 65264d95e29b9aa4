"""The size of a compiled circuit: depth, two-qubit gates, estimated fidelity, qubits used."""

from __future__ import annotations

from math import exp

from braket.circuits import Circuit

from hybrid_job.on_device.compilation.chip import Chip
from hybrid_job.on_device.measurement import Compiled
from quantum_pipeline.devices.states import DeviceState
from quantum_pipeline.results.device_run import CircuitSize, Compilation

FREE = frozenset({"Rz", "PhaseShift", "Z", "S", "Si", "T", "Ti", "I"})
"""Gates about the z axis, which devices do by shifting the phase of the next pulse."""


def loss_of(circuit: Circuit, qubits: tuple[int, ...], chip: Chip) -> float:
    """Return the losses of all gates and of the readout of ``qubits``: -log of the fidelity."""
    site = {number: k for k, number in enumerate(chip.numbers)}
    loss = sum(chip.readout_losses[site[qubit]] for qubit in qubits)
    for each in circuit.instructions:
        sites = [site[int(qubit)] for qubit in each.target]
        if len(sites) == 2:
            loss += chip.pair_loss(*sites)
        elif each.operator.name not in FREE:
            loss += chip.gate_losses[sites[0]]
    return loss


def size_of(circuit: Circuit, by: str) -> CircuitSize:
    """Return depth in layers of gates, of which those about the z axis take none, and gates."""
    timed = Circuit(each for each in circuit.instructions if each.operator.name not in FREE)
    return CircuitSize(
        by=by,
        depth=timed.depth,
        two_qubit_gates=sum(len(each.target) == 2 for each in circuit.instructions),
    )


def compilation_of(
    plain: Circuit,
    compiled: Compiled,
    reference: Circuit | None,
    chip: Chip,
    *,
    by: str,
    state: DeviceState,
) -> Compilation:
    """Return the figures of a circuit compiled for a chip, as a result has them."""
    used = {
        (min(pair), max(pair))
        for each in compiled.circuit.instructions
        if len(pair := [int(qubit) for qubit in each.target]) == 2
    }
    touched = {qubit for pair in used for qubit in pair} | set(compiled.qubits)
    couplers = {
        (min(a, b), max(a, b))
        for a, b in ((chip.numbers[a], chip.numbers[b]) for a, b in chip.pairs)
        if not chip.all_to_all or (a in touched and b in touched)
    }
    fidelity = exp(-loss_of(compiled.circuit, compiled.qubits, chip)) if chip.calibrated else None
    return Compilation(
        device=state.name,
        native_gates=tuple(sorted(chip.natives)),
        verbatim=compiled.verbatim,
        plain=size_of(plain, "the circuit as it is written, each ZZ one gate"),
        reference=None if reference is None else size_of(reference, "qiskit, level 3"),
        compiled=size_of(compiled.circuit, by),
        qubits=compiled.qubits,
        couplers=tuple(sorted(couplers)),
        used=tuple(sorted(used)),
        estimated_fidelity=fidelity,
        calibrated_at=state.calibrated_at,
    )
