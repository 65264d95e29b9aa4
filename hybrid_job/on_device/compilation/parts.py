"""Compiles the circuits of a part of a cut one: the same layout for all with the same ancillas."""

from __future__ import annotations

from braket.circuits import Circuit

from hybrid_job.cutting.circuits import PartCircuit
from hybrid_job.on_device.compilation.chip import chip_of
from hybrid_job.on_device.compilation.layers import Layered, written
from hybrid_job.on_device.compilation.natives import rx, rz
from hybrid_job.on_device.compilation.plans import best_layer
from hybrid_job.on_device.compilation.qaoa import OURS
from hybrid_job.on_device.compilation.reference import transpiled
from hybrid_job.on_device.compilation.schedule import Layer
from hybrid_job.on_device.compilation.sizes import compilation_of
from hybrid_job.on_device.measurement import Compiled
from quantum_pipeline.devices.states import DeviceState
from quantum_pipeline.errors import DeviceUnavailable
from quantum_pipeline.requests.mitigation import Noise
from quantum_pipeline.results.device_run import Compilation
from quantum_pipeline.wording import refusal


class PartCompiler:
    """Compiles the circuits of one part for a device; on simulators they stay as they are.

    Deterministic by seed. Cost: that of ``best_layer`` for each choice of ancillas, and some 10 ms
    a circuit.
    """

    def __init__(self, state: DeviceState, noise: Noise, seed: int) -> None:
        self._state, self._noise, self._seed = state, noise, seed
        self._plain = state.kind == "simulator" or not state.native_gates
        self._layers: dict[tuple[tuple[int, int], ...], Layer] = {}

    def compile(self, part: PartCircuit) -> Compiled:
        """Return the circuit; ``qubits[k]`` holds its qubit k when it is measured.

        Raises:
            DeviceUnavailable: too few connected qubits.
        """
        if self._plain:
            return Compiled(part.logical(), tuple(range(part.n_qubits)), noise=self._noise)
        chip, routed = chip_of(self._state), self._routed(part)
        layers = [
            Layered(
                layer.pairs,
                [rx(x) @ rz(z) for x, z in zip(layer.x.tolist(), layer.z.tolist(), strict=True)],
            )
            for layer in part.layers
        ]
        native, _ = written(chip, routed, part.tilts, layers)
        places = routed.placement(len(layers))
        return self._compiled(native.finished(), tuple(chip.numbers[site] for site in places))

    def summary(self, part: PartCircuit) -> Compilation | None:
        """Return what compiling a circuit came to beside qiskit; None on simulators."""
        if self._plain:
            return None
        chip, plain = chip_of(self._state), part.logical()
        return compilation_of(
            plain,
            self.compile(part),
            transpiled(plain, part.n_qubits, chip, 0).circuit,
            chip,
            by=OURS,
            state=self._state,
        )

    def _compiled(self, circuit: Circuit, qubits: tuple[int, ...]) -> Compiled:
        return Compiled(circuit, qubits, verbatim=self._state.verbatim)

    def _routed(self, part: PartCircuit) -> Layer:
        pairs = tuple(sorted({pair for layer in part.layers for pair in layer.pairs}))
        key = ((part.n_qubits, 0), *pairs)
        if key not in self._layers:
            chip = chip_of(self._state)
            if part.n_qubits > chip.n_sites:
                device = f"{self._state.name} for a part of {part.n_qubits} qubits"
                allowed = f"parts of up to {chip.n_sites}, its connected qubits"
                raise DeviceUnavailable(refusal("device", device, allowed))
            self._layers[key] = best_layer(
                chip, part.n_qubits, list(pairs), self._seed, tilted=False
            )
        return self._layers[key]
