"""QAOA on the exact state vector in compiled kernels: which passes, over which tiles, with what.

The circuit and its derivatives are those of ``statevector``, which the tests compare this to;
``kernels.passes`` says how a pass works. Pass k takes what is left of layer k's mixer and the
phases and the first part of the mixer of layer k + 1; the last one measures and turns back. A
state that fits into a tile needs no second kind of pass: there pass k is layer k + 1.

The way back needs the state of every layer. It is kept, p states in all, where memory allows; else
it is undone along with the bra, two states in all, in about an eighth more time. The first is
never kept: it is begun anew.

Betas are folded into [-pi/4, pi/4], where tan(beta) is at most 1. A shift by pi/2 is, but for a
global phase, an X on every qubit, which turns an index into its complement. Moved to the start of
the circuit, where it changes nothing, it makes the layers before it read the costs backwards.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from math import inf, pi
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from hybrid_job.distinct import distinct, quantile
from hybrid_job.kernels.language import LANES, REAL, Machine, Processor, host
from hybrid_job.kernels.passes import LARGEST_PHASE, Kernels, Pass
from hybrid_job.statevector import Qaoa as Reference
from quantum_pipeline.memory import LOW_QUBITS, MOST_HIGH_QUBITS

Real = NDArray[np.float64]
Complex = NDArray[np.complex128]
Vector = TypeVar("Vector", Real, Complex)
Tail = tuple[float, float, float]
"""Limit, slope and shift: what is measured is slope * min(observable, limit) + shift."""

FEWEST_QUBITS = 7
"""Fewer do not fill the vectors."""

COLUMN = 2**8
"""Vectors in a tile of high qubits, where there are few of these: 32 KiB, the first cache."""

_WHOLE: Tail = (inf, 1.0, 0.0)


class Qaoa:
    """The QAOA circuit of one cost diagonal C, measured in C, or in another diagonal observable.

    ``cost`` and ``observable`` have shape (2^n,), n at least ``FEWEST_QUBITS``. Angles have shape
    (2, depth): gammas, then betas. ``kept`` is whether gradients keep the states of all layers.

    Memory: ``quantum_pipeline.memory.compiled_bytes``; ``cost`` is used where it is.
    """

    def __init__(self, cost: Real, observable: Real | None = None, *, kept: bool = True) -> None:
        self.n_qubits = cost.size.bit_length() - 1
        self._cost, self._observable = cost, observable
        self._halved = is_symmetric(cost)
        size = cost.size >> self._halved
        self._table, self._index = distinct(cost[:size])
        kind = REAL if self._index is None else f"i{8 * self._index.itemsize}"
        self._run = _compiled(kind, host())
        self._layout = _layout(self.n_qubits - self._halved, halved=self._halved)
        count = max(tiles.count for tiles in self._layout)
        self._scratch = _vectors(count), _vectors(count)
        self._psi = _vectors(size // LANES)
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
        q = quantile(self._cost[: self._psi.size // 2], self._probabilities(), alpha)
        return self._value_and_gradient(angles, (q, 1 / alpha, (1 - 1 / alpha) * q), cost=True)

    def state(self, angles: Real) -> Complex:
        """Return |psi>, shape (2^n,)."""
        if self._beyond(angles):
            return self._reference().state(angles)
        circuit = self._evolve(angles)
        parts = self._psi.reshape(-1, 2, LANES)
        psi = np.empty((len(parts), LANES), dtype=np.complex128)
        psi.real, psi.imag = parts[:, 0], parts[:, 1]
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
        parts = self._psi.reshape(-1, 2, LANES)
        probabilities: Real = np.square(parts[:, 0])
        probabilities += np.square(parts[:, 1])
        return probabilities.ravel()

    def _full(self, half: Vector) -> Vector:
        return np.concatenate([half, half[::-1]]) if self._halved else half

    def _value_and_gradient(
        self, angles: Real, tail: Tail, *, cost: bool = False
    ) -> tuple[float, Real]:
        circuit = self._circuit(angles)
        kept = self._states(circuit.depth)
        bra = self._psi if self._is_kept else kept[0]
        for number in range(circuit.depth):
            keep = kept[number - 1] if self._is_kept and number else None
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
            elif self._is_kept:
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

    def _states(self, depth: int) -> list[Real]:
        """Return the states beside the first that a gradient needs, allocated when first asked."""
        while len(self._more_states) < (depth - 1 if self._is_kept else 1):
            self._more_states.append(_vectors(self._psi.size // (2 * LANES)))
        return self._more_states

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
        gammas, betas = np.append(angles[0], 0.0), angles[1]
        turns = np.rint(betas / (pi / 2))
        folded = betas - turns * (pi / 2)
        scales = np.append(np.cos(folded) ** self.n_qubits, 1.0)
        first = 2.0 ** (-self.n_qubits / 2)
        real = imaginary = None
        if self._index is not None:
            phases = np.outer(gammas, self._table)
            factors = (scales * np.where(np.arange(scales.size) == 0, first, 1.0))[:, None]
            real, imaginary = factors * np.cos(phases), -factors * np.sin(phases)
        flipped = np.append(np.cumsum(turns[::-1])[::-1] % 2 != 0, False)
        return Circuit(
            gammas=gammas,
            tangents=np.tan(folded),
            scales=scales,
            first=first,
            backwards=flipped & (not self._halved),
            real=real,
            imaginary=imaginary,
            global_phase=(-1j) ** (int(turns.sum()) * self.n_qubits % 4),
        )

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
            stride=tiles.stride,
            segments=tiles.segments,
            columns=tiles.columns,
            mirror=tiles.mirror,
            low=tiles.low,
            high=tiles.high,
            lanes=tiles.lanes,
            first=0,
            last=tiles.columns // tiles.segments,
            origin=self._psi.size // 2 - LANES if backwards else 0,
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


@dataclass(frozen=True)
class Circuit:
    """Angles, as the passes use them; pass k has the phases of layer k + 1, and the last has none.

    ``tangents`` and ``scales`` are tan(beta) and cos(beta)^n of each layer, ``first`` the uniform
    state's amplitude; ``real`` and ``imaginary`` are tables of the scaled phases, shape
    (depth + 1, number of distinct costs).
    """

    gammas: Real
    tangents: Real
    scales: Real
    first: float
    backwards: NDArray[np.bool_]
    real: Real | None
    imaginary: Real | None
    global_phase: complex

    @property
    def depth(self) -> int:
        """Number of layers, p."""
        return len(self.tangents)


@dataclass(frozen=True)
class Tiles:
    """The tiles of one kind of pass, as the fields of the same names in ``Pass``."""

    width: int
    rows: int
    stride: int
    columns: int
    low: int
    high: int
    segments: int = 1
    mirror: bool = False
    lanes: bool = False

    @property
    def count(self) -> int:
        """Vectors in a tile."""
        return self.width * self.rows * self.segments

    @property
    def n_qubits(self) -> int:
        """Qubits that are mixed in such a pass."""
        return self.high - self.low + 3 * self.lanes + self.mirror


def _layout(bits: int, *, halved: bool) -> list[Tiles]:
    """Return the kinds of pass over a state of 2^bits amplitudes: low qubits, and high ones."""
    if bits <= LOW_QUBITS + 1:
        vectors = 2**bits // LANES
        return [Tiles(vectors, 1, 0, 1, 0, bits - 3, mirror=halved, lanes=True)]
    low = max(LOW_QUBITS, bits - MOST_HIGH_QUBITS)
    high, vectors = bits - low, 2**low // LANES
    width = max(1, COLUMN >> high)
    first = width.bit_length() - 1
    return [
        Tiles(vectors, 1, 0, 2**high, 0, low - 3, lanes=True),
        Tiles(
            width,
            2**high,
            vectors,
            vectors // width,
            first,
            first + high,
            segments=1 + halved,
            mirror=halved,
        ),
    ]


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
