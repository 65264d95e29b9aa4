"""Devices made by hand, and circuits run gate by gate on a vector, for the compiler's tests."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from braket.circuits import Circuit
from numpy.typing import NDArray

from hybrid_job.on_device.measurement import Compiled
from quantum_pipeline.devices.states import Coupler, DeviceState, Qubit

Pair = tuple[int, int]

FAMILIES: dict[str, tuple[str, ...]] = {
    "IQM": ("prx", "cz"),
    "Rigetti": ("rx", "rz", "cz"),
    "Rigetti with iSWAP": ("rx", "rz", "iswap"),
    "IonQ": ("gpi", "gpi2", "zz"),
    "IonQ with MS": ("gpi", "gpi2", "ms"),
    "AQT": ("prx", "rz", "xx"),
    "without turns about z": ("prx", "xx"),
}

SIMULATOR = DeviceState(
    arn="arn:aws:braket:::device/quantum-simulator/amazon/sv1",
    name="SV1",
    kind="simulator",
    status="ONLINE",
    max_shots=100_000,
)


def line(n: int) -> list[Pair]:
    return [(k, k + 1) for k in range(n - 1)]


def lattice(rows: int, columns: int) -> list[Pair]:
    across = [
        (r * columns + c, r * columns + c + 1) for r in range(rows) for c in range(columns - 1)
    ]
    down = [(k, k + columns) for k in range((rows - 1) * columns)]
    return across + down


def device(
    n: int, pairs: Iterable[Pair] | None, family: str = "IQM", *, alike: bool = False
) -> DeviceState:
    """Return a device of n qubits, whose numbers are 10, 11, ...; every pair coupled for None."""
    random, natives = np.random.default_rng(0), FAMILIES[family]
    pair_fidelity = (0.99, 0.99) if alike else (0.98, 0.998)
    readout_fidelity = (0.97, 0.97) if alike else (0.95, 0.99)
    return DeviceState(
        arn="arn:aws:braket:eu-north-1::device/qpu/made/by-hand",
        name="by hand",
        kind="qpu",
        status="ONLINE",
        n_qubits=n,
        max_shots=1000,
        native_gates=natives,
        verbatim=True,
        qubits=tuple(
            Qubit(
                number=k + 10,
                gate_fidelity=random.uniform(0.998, 0.9995),
                readout_fidelity=random.uniform(*readout_fidelity),
            )
            for k in range(n)
        ),
        couplers=None
        if pairs is None
        else tuple(
            Coupler(
                qubits=(a + 10, b + 10), gate=natives[-1], fidelity=random.uniform(*pair_fidelity)
            )
            for a, b in pairs
        ),
        pair_fidelity=0.99 if pairs is None else None,
    )


def vector(circuit: Circuit, qubits: Sequence[int]) -> NDArray[np.complex128]:
    """Return the state of |0...0>, an axis for each of ``qubits`` in their order."""
    axis = {qubit: k for k, qubit in enumerate(qubits)}
    state: NDArray[np.complex128] = np.zeros((2,) * len(qubits), dtype=np.complex128)
    state[(0,) * len(qubits)] = 1
    for each in circuit.instructions:
        ends = [axis[int(qubit)] for qubit in each.target]
        k = len(ends)
        operator: Any = each.operator
        matrix = operator.to_matrix().reshape((2,) * (2 * k))
        after = np.tensordot(matrix, state, axes=(range(k, 2 * k), ends))
        state = np.asarray(np.moveaxis(after, range(k), ends), dtype=np.complex128)
    return state


def probabilities(compiled: Compiled, state: DeviceState) -> NDArray[np.float64]:
    """Return those of the measured bits, shape (2^n,); other qubits may end in anything."""
    numbers = [qubit.number for qubit in state.qubits]
    amplitudes = vector(compiled.circuit, numbers)
    measured = [numbers.index(qubit) for qubit in compiled.qubits]
    others = [k for k in range(len(numbers)) if k not in measured]
    squares = np.abs(np.transpose(amplitudes, measured + others)) ** 2
    return np.asarray(squares.reshape(2 ** len(measured), -1).sum(axis=1))
