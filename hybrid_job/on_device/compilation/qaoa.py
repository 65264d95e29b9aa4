"""Compiles the QAOA circuits of a model: the same layout and routing for all angles."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence

import numpy as np
from braket.circuits import Circuit
from numpy.typing import NDArray

from hybrid_job.on_device.compilation.chip import chip_of
from hybrid_job.on_device.compilation.layers import PLUS, Layered, LayerWriter, written
from hybrid_job.on_device.compilation.logical import qaoa_circuit
from hybrid_job.on_device.compilation.natives import H, Matrix, NativeCircuit, rx, ry, rz
from hybrid_job.on_device.compilation.plans import best_layer
from hybrid_job.on_device.compilation.reference import Transpiled, best_transpiled, transpiled
from hybrid_job.on_device.compilation.sizes import compilation_of, loss_of
from hybrid_job.on_device.compilation.symmetry import FlipCheck, flip_check, flip_check_on
from hybrid_job.on_device.measurement import Compiled
from quantum_pipeline.devices.states import DeviceState
from quantum_pipeline.errors import DeviceUnavailable
from quantum_pipeline.ising import IsingModel
from quantum_pipeline.requests.mitigation import Noise
from quantum_pipeline.results.device_run import Compilation
from quantum_pipeline.wording import refusal

Angles = NDArray[np.float64]
Verified = tuple[Compiled, FlipCheck]
"""The circuit with the check, and how its shots are read."""

OURS = "commuting ZZ gates routed together"
QISKIT = "qiskit, level 3, the best of several seeds"


def compiler_for(
    model: IsingModel,
    state: DeviceState,
    *,
    tilts: Sequence[float] | None = None,
    noise: Noise,
    seed: int,
) -> QaoaCompiler:
    """Return the compiler of a model's circuits for a device, which chooses qubits and routes now.

    On simulators the circuits stay as they are, with ``noise`` added. Deterministic by seed.
    Cost: that of ``best_layer``; three of qiskit's for the first circuit of each depth, 0.3 s at
    n = 10, p = 2; some 10 ms for each other one.

    Raises:
        DeviceUnavailable: too few connected qubits, or no native gates that are known here.
    """
    if state.kind == "simulator" or not state.native_gates:
        return SimulatorCompiler(model, tilts, noise)
    return DeviceCompiler(model, state, tilts, seed)


class QaoaCompiler(ABC):
    """Compiles the QAOA circuits of one model for one device."""

    @abstractmethod
    def compile(self, angles: Angles) -> Compiled:
        """Return the circuit; ``qubits[i]`` holds variable i when it is measured."""

    @abstractmethod
    def verified(self, angles: Angles) -> Verified | None:
        """Return the circuit with a check of the flip of all bits, None where it is no symmetry."""

    @abstractmethod
    def summary(self, angles: Angles) -> Compilation | None:
        """Return what compiling came to beside qiskit; None on simulators."""


class _ModelCompiler(QaoaCompiler):
    """Compiles them itself."""

    def __init__(self, model: IsingModel, tilts: Sequence[float] | None) -> None:
        self._model, self._tilts = model, tilts

    @property
    def flips(self) -> bool:
        """Whether the flip of all bits is a symmetry of the circuit: no fields and no tilts."""
        return self._tilts is None and not any(self._model.fields)

    def plain(self, angles: Angles) -> Circuit:
        """Return the circuit as it is written, on qubits 0 .. n-1."""
        return qaoa_circuit(self._model, angles, self._tilts)


class SimulatorCompiler(_ModelCompiler):
    """Leaves circuits as they are."""

    def __init__(self, model: IsingModel, tilts: Sequence[float] | None, noise: Noise) -> None:
        super().__init__(model, tilts)
        self._noise = noise

    def compile(self, angles: Angles) -> Compiled:
        """Return the circuit as it is, with the noise to add."""
        qubits = tuple(range(self._model.n_variables))
        return Compiled(self.plain(angles), qubits, noise=self._noise)

    def verified(self, angles: Angles) -> Verified | None:
        """Return the circuit with a check of depth log2 n."""
        if not self.flips:
            return None
        check, compiled = flip_check(self._model.n_variables), self.compile(angles)
        check.write(compiled.circuit.cnot)
        compiled.circuit.h(check.root)
        return compiled, check

    def summary(self, angles: Angles) -> Compilation | None:  # noqa: ARG002
        """Return None: nothing was compiled."""
        return None


class DeviceCompiler(_ModelCompiler):
    """Writes circuits in a device's native gates, on its couplers."""

    def __init__(
        self, model: IsingModel, state: DeviceState, tilts: Sequence[float] | None, seed: int
    ) -> None:
        super().__init__(model, tilts)
        self._chip = chip_of(state)
        n = model.n_variables
        if n > self._chip.n_sites:
            allowed = f"a problem of up to {self._chip.n_sites} variables, its connected qubits"
            raise DeviceUnavailable(refusal("device", f"{state.name} for {n} variables", allowed))
        self._state, self._seed = state, seed
        self._starts = [PLUS] * n if tilts is None else list(tilts)
        pairs = [(i, j) for i, j, _ in model.couplings]
        self._layer = best_layer(self._chip, n, pairs, seed, tilted=tilts is not None)
        self._references: dict[int, tuple[Transpiled, bool]] = {}

    def compile(self, angles: Angles) -> Compiled:
        """Return the circuit as routed here, or as qiskit compiles it where that is better."""
        reference, is_better = self._reference(angles.shape[1])
        if is_better:
            n = self._model.n_variables
            other = transpiled(self.plain(angles), n, self._chip, reference.seed)
            return self._compiled(other.circuit, other.qubits)
        return self._routed(angles)

    def verified(self, angles: Angles) -> Verified | None:
        """Return the circuit as routed here, with the check on the couplers that it ends on."""
        if not self.flips:
            return None
        placement = self._layer.placement(angles.shape[1])
        check = flip_check_on(self._chip, placement)
        native, writer = self._written(angles)
        check.write(writer.cx)
        native.turn(placement[check.root], H)
        return self._compiled(native.finished(), self._numbers(placement)), check

    def summary(self, angles: Angles) -> Compilation | None:
        """Return the sizes of the circuit as it is written, of qiskit's and of this one."""
        reference, is_better = self._reference(angles.shape[1])
        return compilation_of(
            self.plain(angles),
            self.compile(angles),
            reference.circuit,
            self._chip,
            by=QISKIT if is_better else OURS,
            state=self._state,
        )

    def _reference(self, depth: int) -> tuple[Transpiled, bool]:
        """Return qiskit's best circuit of a depth at angles like any, and whether it beats ours."""
        if depth not in self._references:
            angles = np.array([0.4 + 0.01 * np.arange(depth), 0.3 - 0.01 * np.arange(depth)])
            n = self._model.n_variables
            found = best_transpiled(self.plain(angles), n, self._chip, self._seed)
            ours = self._routed(angles)
            loss = loss_of(ours.circuit, ours.qubits, self._chip)
            self._references[depth] = found, found.loss(self._chip) < loss
        return self._references[depth]

    def _routed(self, angles: Angles) -> Compiled:
        native, _ = self._written(angles)
        return self._compiled(
            native.finished(), self._numbers(self._layer.placement(angles.shape[1]))
        )

    def _compiled(self, circuit: Circuit, qubits: tuple[int, ...]) -> Compiled:
        return Compiled(circuit, qubits, verbatim=self._state.verbatim)

    def _numbers(self, placement: Sequence[int]) -> tuple[int, ...]:
        return tuple(self._chip.numbers[site] for site in placement)

    def _written(self, angles: Angles) -> tuple[NativeCircuit, LayerWriter]:
        strength = {(i, j): value for i, j, value in self._model.couplings}
        layers = [
            Layered(
                {pair: 2 * gamma * value for pair, value in strength.items()},
                [self._mixer(variable, gamma, beta) for variable in range(len(self._starts))],
            )
            for gamma, beta in angles.T.tolist()
        ]
        return written(self._chip, self._layer, self._starts, layers)

    def _mixer(self, variable: int, gamma: float, beta: float) -> Matrix:
        phase = rz(2 * gamma * self._model.fields[variable])
        if self._tilts is None:
            return rx(2 * beta) @ phase
        tilt = self._tilts[variable]
        return ry(tilt) @ rz(2 * beta) @ ry(-tilt) @ phase
