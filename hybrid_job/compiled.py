"""QAOA on the exact state vector in compiled kernels: which passes, over which tiles, with what.

The circuit and its derivatives are those of ``statevector``, which the tests compare this to;
``kernels.passes`` says what a pass does. Pass k takes what is left of layer k's mixer and the
phases and the first part of the mixer of layer k + 1; the last one measures and turns back. A
state that fits into a tile needs no second kind of pass: there pass k is layer k + 1.

The way back needs the state of every layer. It is kept, p states in all, where memory allows; else
it is undone along with the bra, two states in all, in about an eighth more time. The first is
never kept: it is begun anew.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from functools import cache
from math import inf
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from hybrid_job.distinct import distinct, quantile
from hybrid_job.kernels.circuit import Circuit
from hybrid_job.kernels.language import LANES, REAL
from hybrid_job.kernels.layout import Pass, layout
from hybrid_job.kernels.machine import Machine, Processor, host
from hybrid_job.kernels.passes import Kernels
from hybrid_job.kernels.phases import LARGEST_PHASE
from hybrid_job.statevector import Qaoa as Reference

Real = NDArray[np.float64]
Complex = NDArray[np.complex128]
Vector = TypeVar("Vector", Real, Complex)
Tail = tuple[float, float, float]
"""Limit, slope and shift: what is measured is slope * min(observable, limit) + shift."""

FEWEST_QUBITS = 7
"""Fewer do not fill the vectors."""

_WHOLE: Tail = (inf, 1.0, 0.0)


class Qaoa:
    """The QAOA circuit of one cost diagonal C, measured in C, or in another diagonal observable.

    ``cost`` and ``observable`` have shape (2^n,), n at least ``FEWEST_QUBITS``. Angles have shape
    (2, depth): gammas, then betas. ``kept`` is whether gradients keep the states of all layers.

    Memory: ``quantum_pipeline.memory.compiled_bytes``; ``cost`` is used where it is.
    """

    def __init__(self, cost: Real, observable: Real | None = None, *, kept: bool = True) -> None:
        self.n_qubits = cost.size.bit_length() - 1
        for each in (cost,) if observable is None else (cost, observable):
            # The kernels believe what they are told of an array.
            if each.shape != (1 << self.n_qubits,) or self.n_qubits < FEWEST_QUBITS:
                raise ValueError(f"shape {each.shape}: 2^n entries, n at least {FEWEST_QUBITS}")
        cost = np.ascontiguousarray(cost, dtype=np.float64)
        if observable is not None:
            observable = np.ascontiguousarray(observable, dtype=np.float64)
        self._cost, self._observable = cost, observable
        self._halved = is_symmetric(cost)
        self._size = size = cost.size >> self._halved
        self._table, self._index = distinct(cost[:size])
        kind = REAL if self._index is None else f"i{8 * self._index.itemsize}"
        self._run = _compiled(kind, host())
        self._layout = layout(self.n_qubits - self._halved, halved=self._halved)
        count = max(tiles.count for tiles in self._layout)
        self._scratch = _vectors(count), _vectors(count)
        self._psi = self._new_state()
        self._is_kept, self._more_states = kept, list[Real]()
        self._largest: float | None = None
        self._measured: Real | None = observable
        if observable is not None and self._halved:
            self._measured = (observable[:size] + observable[: size - 1 : -1]) / 2
        self._sums = np.zeros(3)

    def energy(self, angles: Real) -> float:
        """Return <psi|O|psi> of the observable O: the cost, unless another was given."""
        if self._beyond(angles):
            return self._reference().energy(angles)
        circuit = self._circuit(angles)
        for number in range(circuit.depth):
            self._pass("forward", circuit, number)
        value, _, _ = self._pass("turn", circuit, circuit.depth)
        return value

    def energy_and_gradient(self, angles: Real) -> tuple[float, Real]:
        """Return <psi|O|psi> and its derivatives, shape (2, depth), at three times the cost."""
        if self._beyond(angles):
            return self._reference().energy_and_gradient(angles)
        return self._value_and_gradient(angles, _WHOLE)

    def tail_and_gradient(self, angles: Real, alpha: float) -> tuple[float, Real]:
        """Return CVaR, the mean of C over the lowest ``alpha`` of the probability, and derivatives.

            CVaR = <q - max(q - C, 0) / alpha> = <min(C, q) / alpha + (1 - 1 / alpha) q>

        with the alpha-quantile q of C; see ``statevector``.
        """
        if self._beyond(angles):
            return self._reference().tail_and_gradient(angles, alpha)
        self._evolve(angles)
        q = quantile(self._cost[: self._size], self._probabilities(), alpha)
        return self._value_and_gradient(angles, (q, 1 / alpha, (1 - 1 / alpha) * q), cost=True)

    def state(self, angles: Real) -> Complex:
        """Return |psi>, shape (2^n,)."""
        if self._beyond(angles):
            return self._reference().state(angles)
        circuit = self._evolve(angles)
        parts = self._parts()
        psi = np.empty(parts[..., 0, :].shape, dtype=np.complex128)
        psi.real, psi.imag = parts[..., 0, :], parts[..., 1, :]
        psi *= circuit.global_phase
        return self._full(psi.ravel())

    def probabilities(self, angles: Real) -> Real:
        """Return the probability of each bitstring, shape (2^n,)."""
        if self._beyond(angles):
            return self._reference().probabilities(angles)
        self._evolve(angles)
        return self._full(self._probabilities())

    def _evolve(self, angles: Real) -> Circuit:
        """Leave |psi> in the state, but for a global phase."""
        circuit = self._circuit(angles)
        for number in range(circuit.depth + self._split):
            self._pass("forward", circuit, number)
        return circuit

    def _probabilities(self) -> Real:
        parts = self._parts()
        probabilities: Real = np.square(parts[..., 0, :])
        probabilities += np.square(parts[..., 1, :])
        return probabilities.ravel()

    def _full(self, half: Vector) -> Vector:
        return np.concatenate([half, half[::-1]]) if self._halved else half

    def _value_and_gradient(
        self, angles: Real, tail: Tail, *, cost: bool = False
    ) -> tuple[float, Real]:
        circuit = self._circuit(angles)
        is_kept = self._is_kept or circuit.depth == 1
        kept = self._states(circuit.depth - 1 if is_kept else 1)
        bra = self._psi if is_kept else kept[0]
        for number in range(circuit.depth):
            keep = kept[number - 1] if is_kept and number else None
            self._pass("forward", circuit, number, kept=keep)
        gradient = np.zeros((2, circuit.depth))
        value, gradient[1, -1], _ = self._pass(
            "turn", circuit, circuit.depth, bra=bra, tail=tail, cost=cost
        )
        for number in reversed(range(circuit.depth)):
            # In which states the factor cos(beta)^n of layer number + 1 is, and in which not yet.
            mixer, phases = 1.0, 1.0 / circuit.scales[number] ** 2
            if number == 0:
                sums = self._pass("backward", circuit, 0, bra=bra)
            elif is_kept:
                sums = self._pass("backward", circuit, number, bra=bra, kept=kept[number - 1])
            else:
                sums = self._pass("backward", circuit, number, bra=bra, psi=self._psi)
                phases = 1.0 / self._undone(circuit)
                mixer = circuit.scales[number] ** 2 * phases
            gradient[1, number] += sums[0] * mixer
            gradient[0, number] = sums[1] * mixer
            if number:
                gradient[1, number - 1] = sums[2] * phases
        return value, 2 * gradient

    def _undone(self, circuit: Circuit) -> float:
        """Return by how much a state is too small that starts back from before the last pass.

        Undoing a mixer without its cosines makes a state greater by 1 / cos(beta)^2 a qubit, and
        the second part of the last layer's is never undone, since it was not written.
        """
        last = self._layout[circuit.depth % 2] if self._split else None
        cosine = np.cos(np.arctan(circuit.tangents[-1]))
        return float(cosine ** (2 * last.n_qubits)) if last else 1.0

    def _states(self, count: int) -> list[Real]:
        """Return states beside the first, allocated when first asked for."""
        while len(self._more_states) < count:
            self._more_states.append(self._new_state())
        return self._more_states

    def _new_state(self) -> Real:
        tiles = self._layout[0]
        return _vectors(tiles.columns * tiles.step)

    def _parts(self) -> Real:
        """Return the state's real and imaginary parts, shape (tiles, vectors, 2, lanes)."""
        tiles = self._layout[0]
        return self._psi.reshape(tiles.columns, tiles.step, 2, LANES)[:, : tiles.width]

    def _beyond(self, angles: Real) -> bool:
        """Return whether phases are so large that the kernels' cosines lose digits."""
        if self._index is not None:
            return False
        if self._largest is None:
            self._largest = max(self._cost.max(), -self._cost.min())
        return bool(np.abs(angles[0]).max() * self._largest > LARGEST_PHASE)

    def _reference(self) -> Reference:
        return Reference(self._cost, self._observable)

    def _circuit(self, angles: Real) -> Circuit:
        table = None if self._index is None else self._table
        return Circuit.of(angles, self.n_qubits, table, halved=self._halved)

    @property
    def _split(self) -> bool:
        return len(self._layout) == 2

    def _pass(
        self,
        name: str,
        circuit: Circuit,
        number: int,
        *,
        psi: Real | None = None,
        bra: Real | None = None,
        kept: Real | None = None,
        tail: Tail = _WHOLE,
        cost: bool = False,
    ) -> tuple[float, float, float]:
        """Do a pass, and return its three sums over all amplitudes."""
        tiles = self._layout[number % len(self._layout)]
        backwards = bool(circuit.backwards[number]) and name != "turn"
        halfway = self._split and number > 0
        after = float(circuit.tangents[number]) if number < circuit.depth else 0.0
        task = Pass(
            psi=_address(psi if name == "backward" else self._psi),
            bra=_address(bra),
            kept=_address(kept),
            scratch_psi=_address(self._scratch[0]),
            scratch_bra=_address(self._scratch[1]),
            cost=_address(self._cost if self._index is None else self._index),
            sums=_address(self._sums),
            width=tiles.width,
            rows=tiles.rows,
            step=tiles.step,
            stride=tiles.stride,
            run=tiles.run,
            segments=tiles.segments,
            columns=tiles.columns,
            mirror=tiles.mirror,
            low=tiles.low,
            high=tiles.high,
            lanes=tiles.lanes,
            first=0,
            last=tiles.columns // tiles.segments,
            origin=self._size - LANES if backwards else 0,
            direction=-1 if backwards else 1,
            start=number == 0,
            halfway=halfway,
            before=float(circuit.tangents[number - 1]) if halfway else 0.0,
            after=after,
            gamma=circuit.gammas[number],
            scale=circuit.scales[number] * (1.0 if number else circuit.first),
        )
        task.limit, task.slope, task.shift = tail
        if self._measured is not None and not cost:
            task.observable = _address(self._measured)
        elif self._index is None:
            task.observable = _address(self._cost)
        if circuit.real is not None and circuit.imaginary is not None:
            task.values = task.measured = _address(self._table)
            task.real = _address(circuit.real[number])
            task.imaginary = _address(circuit.imaginary[number])
        self._sums[:] = 0.0
        self._run[name](ctypes.byref(task))
        weight = 2.0 if self._halved else 1.0
        return (
            weight * float(self._sums[0]),
            weight * float(self._sums[1]),
            weight * float(self._sums[2]),
        )


@cache
def _compiled(kind: str, processor: Processor) -> dict[str, Callable[..., None]]:
    """Return the passes for one kind of cost, compiled when first asked for."""
    machine = Machine(Kernels(kind, processor).functions, processor)
    passes = ctypes.CFUNCTYPE(None, ctypes.c_void_p)
    _machines.append(machine)
    return {name: passes(machine.address(name)) for name in ("forward", "turn", "backward")}


_machines: list[Machine] = []
"""Those in use: their code is gone when they are."""


def _vectors(count: int) -> Real:
    """Return an array for ``count`` vectors of amplitudes, on the borders of cache lines."""
    border = 2 * LANES
    raw = np.empty(count * 2 * LANES + border)
    start = -(raw.ctypes.data // raw.itemsize) % border
    return raw[start : raw.size - border + start]


def _address(array: NDArray[Any] | None) -> int | None:
    return None if array is None else array.ctypes.data


def is_symmetric(cost: Real) -> bool:
    """Return whether a bitstring and its complement always cost the same."""
    half = cost.size // 2
    return bool(np.array_equal(cost[:half], cost[: half - 1 : -1]))
