"""Compiles a circuit that is not verbatim to the device, as the service does.

By Qiskit at its level 3 with a fixed seed, from the matrices of the gates: so any gate will do.
Where Qiskit does not have the device's own gates, ones that take as many pulses stand for them: R
and virtual Rz for GPi2 and GPi, Rzz and Rxx for those of trapped ions.
"""

from __future__ import annotations

import numpy as np
from qiskit import QuantumCircuit, transpile
from qiskit.transpiler import CouplingMap

from quantum_pipeline.local.braket.emulators.spec import EmulatedQpu
from quantum_pipeline.local.braket.programs import Gate, Program

SEED = 7

_BASIS = {
    "prx": ("r",),
    "rx": ("sx", "x"),
    "rz": ("rz",),
    "gpi": (),
    "gpi2": ("r", "rz"),
    "cz": ("cz",),
    "iswap": ("iswap",),
    "xx": ("rxx",),
    "ms": ("rxx",),
    "zz": ("rzz",),
}
_NAMES = {"r": "prx", "sx": "rx", "x": "rx", "rxx": "xx", "rzz": "zz"}


def compiled(program: Program, qpu: EmulatedQpu) -> Program:
    """Return a logical program on the device's qubits; its measured bits keep their order.

    Raises:
        ValueError: the program has more qubits than the device.
    """
    logical = sorted(program.qubits)
    if len(logical) > len(qpu.qubits):
        raise ValueError(f"{len(logical)} qubits; {qpu.name} has {len(qpu.qubits)}")
    wire = {qubit: index for index, qubit in enumerate(logical)}
    circuit = QuantumCircuit(len(logical), len(program.measured))
    for gate in program.gates:
        # Qiskit's first qubit is the least significant.
        circuit.unitary(gate.matrix, [wire[qubit] for qubit in reversed(gate.qubits)])
    for bit, qubit in enumerate(program.measured):
        circuit.measure(wire[qubit], bit)
    basis = [name for native in qpu.native_gates for name in _BASIS[native]]
    placed = transpile(
        circuit,
        basis_gates=basis,
        coupling_map=None if qpu.all_to_all else _coupling(qpu),
        optimization_level=3,
        seed_transpiler=SEED,
    )
    gates: list[Gate] = []
    measured = dict[int, int]()
    for instruction in placed.data:
        wires = [placed.find_bit(qubit).index for qubit in instruction.qubits]
        if instruction.operation.name == "measure":
            measured[placed.find_bit(instruction.clbits[0]).index] = qpu.qubits[wires[0]]
        elif instruction.operation.name != "barrier":
            name = instruction.operation.name
            targets = tuple(qpu.qubits[index] for index in reversed(wires))
            matrix = np.asarray(instruction.operation.to_matrix(), dtype=complex)
            gates.append(Gate(_NAMES.get(name, name), targets, matrix))
    order = tuple(measured[bit] for bit in range(len(program.measured)))
    return Program(tuple(gates), order, verbatim=True)


def _coupling(qpu: EmulatedQpu) -> CouplingMap:
    index = {qubit: position for position, qubit in enumerate(qpu.qubits)}
    pairs = [(index[low], index[high]) for low, high in qpu.couplers]
    return CouplingMap([list(pair) for low, high in pairs for pair in ((low, high), (high, low))])
