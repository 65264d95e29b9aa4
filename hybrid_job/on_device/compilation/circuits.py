"""Compiles any circuit for a device: qiskit's level 3, several seeds, the best estimate wins."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from braket.circuits import Circuit

from hybrid_job.on_device.compilation.chip import Chip, chip_of
from hybrid_job.on_device.compilation.reference import best_transpiled, transpiled
from hybrid_job.on_device.compilation.sizes import compilation_of
from hybrid_job.on_device.measurement import Compiled
from quantum_pipeline.devices.states import DeviceState
from quantum_pipeline.errors import DeviceUnavailable
from quantum_pipeline.requests.mitigation import Noise
from quantum_pipeline.results.device_run import Compilation
from quantum_pipeline.wording import refusal

TRIES = 8
"""Seeds; the first one is the reference."""


def compile_circuit(circuit: Circuit, state: DeviceState, *, noise: Noise, seed: int) -> Compiled:
    """Return a circuit on qubits 0 .. n-1 for a device; ``qubits[k]`` is where qubit k ends.

    On simulators it stays as it is, with ``noise`` added. Deterministic by seed.
    Cost: 8 transpilations, each about 0.05 s for 100 gates.

    Raises:
        DeviceUnavailable: too few connected qubits, or no native gates that are known here.
    """
    n = circuit.qubit_count
    if state.kind == "simulator" or not state.native_gates:
        return Compiled(circuit, tuple(range(n)), noise=noise)
    best = best_transpiled(circuit, n, _chip_for(n, state), seed, TRIES)
    return Compiled(best.circuit, best.qubits, verbatim=state.verbatim)


def compile_alike(
    circuits: Iterable[Circuit], form: Circuit, state: DeviceState, *, noise: Noise, seed: int
) -> Iterator[Compiled]:
    """Yield circuits that differ in their angles alone, all from the qubits that are best for one.

    Args:
        circuits: on qubits 0 .. n-1.
        form: one of them whose angles are no special ones: none of its gates is left out.
        state: of the device; on simulators circuits stay as they are, with ``noise`` added.
        noise: that a simulator adds.
        seed: of the layout and of routing.

    Raises:
        DeviceUnavailable: as ``compile_circuit``.
    """
    n, alike = form.qubit_count, compile_circuit(form, state, noise=noise, seed=seed)
    for circuit in circuits:
        if state.kind == "simulator" or not state.native_gates:
            yield alike.of(circuit)
        else:
            made = transpiled(circuit, n, _chip_for(n, state), seed, alike.qubits)
            yield Compiled(made.circuit, made.qubits, verbatim=state.verbatim)


def _chip_for(n: int, state: DeviceState) -> Chip:
    chip = chip_of(state)
    if n > chip.n_sites:
        allowed = f"a circuit of up to {chip.n_sites} qubits"
        raise DeviceUnavailable(refusal("device", f"{state.name} for {n} qubits", allowed))
    return chip


def summarise(plain: Circuit, compiled: Compiled, state: DeviceState) -> Compilation:
    """Return what compiling a circuit came to, beside qiskit's level 3 by one seed."""
    chip = chip_of(state)
    reference = transpiled(plain, plain.qubit_count, chip, 0)
    return compilation_of(
        plain,
        compiled,
        reference.circuit,
        chip,
        by=f"qiskit, level 3, the best of {TRIES} seeds",
        state=state,
    )
