"""Simulates QAOA on the exact state vector with compiled kernels.

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
from dataclasses import asdict
from functools import cache
from math import inf
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from hybrid_job.engines.distinct import distinct, quantile
from hybrid_job.engines.kernels.circuit import Circuit
from hybrid_job.engines.kernels.language import LANES, REAL
from hybrid_job.engines.kernels.layout import (
    ANGLES,
    BACKWARD,
    FORWARD,
    SUMS,
    TAIL,
    TURN,
    Pass,
    layout,
)
from hybrid_job.engines.kernels.machine import Machine, Processor, host
from hybrid_job.engines.kernels.passes import Kernels
from hybrid_job.engines.kernels.phases import LARGEST_PHASE
from quantum_pipeline.ising.statevector import Qaoa as Reference

Real = NDArray[np.float64]
Complex = NDArray[np.complex128]
Vector = TypeVar("Vector", Real, Complex)
Tail = tuple[float, float, float]
"""Limit, slope and shift: what is measured is slope * min(observable, limit) + shift."""

FEWEST_QUBITS = 7
"""Fewer do not fill the vectors."""

_NO_TABLE = np.empty(0), None

_WHOLE: Tail = (inf, 1.0, 0.0)


class Qaoa:
    """The QAOA circuit of one cost diagonal C, measured in C, or in another diagonal observable.

    ``cost`` and ``observable`` have shape (2^n,), n at least ``FEWEST_QUBITS``. Angles have shape
    (2, depth): gammas, then betas. ``kept`` is whether gradients keep the states of all layers.

    ``lasting`` is whether this cost is the only one: else it takes others by ``replace``, and none
    of them is looked at for a table of its values, or for symmetry, which takes as long as a state.

    Memory: ``quantum_pipeline.planning.memory.compiled_bytes``; ``cost`` is used where it is.
    """

    def __init__(
        self,
        cost: Real,
        observable: Real | None = None,
        *,
        kept: bool = True,
        lasting: bool = True,
    ) -> None:
        self.n_qubits = cost.size.bit_length() - 1
        for each in (cost,) if observable is None else (cost, observable):
            # The kernels do not check what they are given.
            if each.shape != (1 << self.n_qubits,) or self.n_qubits < FEWEST_QUBITS:
                raise ValueError(f"shape {each.shape}: 2^n entries, n at least {FEWEST_QUBITS}")
        self._cost = np.ascontiguousarray(cost, dtype=np.float64)
        self._observable = observable
        self._halved, self._kept = lasting and is_symmetric(cost), kept
        self._size = cost.size >> self._halved
        self._largest = _largest(cost)
        table, self._index = distinct(self._cost[: self._size]) if lasting else _NO_TABLE
        self._table = None if self._index is None else np.resize(table, -(-table.size // 8) * 8)
        kind = REAL if self._index is None else f"i{8 * self._index.itemsize}"
        self._run = _compiled(kind, host())
        self._layout = layout(self.n_qubits - self._halved, halved=self._halved)
        count = max(tiles.count for tiles in self._layout)
        self._scratch = _vectors(count), _vectors(count)
        self._states = [self._new_state()]
        self._measured: Real | None = None
        if observable is not None:
            self._measured = np.ascontiguousarray(observable, dtype=np.float64)
            if self._halved:
                flipped = self._measured[: self._size - 1 : -1]
                self._measured = (self._measured[: self._size] + flipped) / 2
        self._plans: dict[tuple[str, int], Plan] = {}

    def replace(self, cost: Real) -> None:
        """Take another cost of as many qubits, in the place of the first, which is overwritten."""
        self._cost[:] = cost
        self._largest = _largest(cost)

    def energy(self, angles: Real) -> float:
        """Return <psi|O|psi> of the observable O: the cost, unless another was given."""
        if self._beyond(angles):
            return self._reference().energy(angles)
        plan, _ = self._do("energy", angles)
        return self._weight * float(plan.sums[-1, 0])

    def energy_and_gradient(self, angles: Real) -> tuple[float, Real]:
        """Return <psi|O|psi> and its derivatives, shape (2, depth), at three times the cost."""
        if self._beyond(angles):
            return self._reference().energy_and_gradient(angles)
        return self._value_and_gradient("gradient", angles, _WHOLE)

    def tail_and_gradient(self, angles: Real, alpha: float) -> tuple[float, Real]:
        """Return CVaR, the mean of C over the lowest ``alpha`` of the probability, and derivatives.

            CVaR = <q - max(q - C, 0) / alpha> = <min(C, q) / alpha + (1 - 1 / alpha) q>

        with the alpha-quantile q of C; see ``statevector``, which does it of another observable.
        """
        if self._beyond(angles) or self._measured is not None:
            return self._reference().tail_and_gradient(angles, alpha)
        self._do("state", angles)
        q = quantile(self._cost[: self._size], self._probabilities(), alpha)
        return self._value_and_gradient("tail", angles, (q, 1 / alpha, (1 - 1 / alpha) * q))

    def state(self, angles: Real) -> Complex:
        """Return |psi>, shape (2^n,)."""
        if self._beyond(angles):
            return self._reference().state(angles)
        _, circuit = self._do("state", angles)
        parts = self._parts()
        psi = np.empty(parts[..., 0, :].shape, dtype=np.complex128)
        psi.real, psi.imag = parts[..., 0, :], parts[..., 1, :]
        psi *= circuit.global_phase
        return self._full(psi.ravel())

    def probabilities(self, angles: Real) -> Real:
        """Return the probability of each bitstring, shape (2^n,)."""
        if self._beyond(angles):
            return self._reference().probabilities(angles)
        self._do("state", angles)
        return self._full(self._probabilities())

    def _do(self, purpose: str, angles: Real, tail: Tail = _WHOLE) -> tuple[Plan, Circuit]:
        """Do all the passes of a purpose."""
        depth = angles.shape[1]
        plan = self._plans.get((purpose, depth))
        if plan is None:
            plan = self._plans[purpose, depth] = self._plan(purpose, depth)
        circuit = Circuit.of(angles, self.n_qubits, halved=self._halved)
        plan.there[:] = circuit.passes[: len(plan.there)]
        if len(plan.back):
            plan.back[:] = plan.there[-2::-1]
        if tail != _WHOLE:
            plan.tails[:] = tail
        self._run(plan.address, plan.count)
        return plan, circuit

    def _plan(self, purpose: str, depth: int) -> Plan:
        """Return the passes of a purpose: energy, state, gradient, or tail."""
        passes = [self._pass(FORWARD, number) for number in range(depth)]
        if purpose == "state":
            passes += [self._pass(FORWARD, depth)] * self._split
            return Plan(passes, [], self._table)
        turn = self._pass(TURN, depth)
        if self._measured is not None and purpose != "tail":
            turn.observable = _address(self._measured)
        elif self._table is None:
            turn.observable = _address(self._cost)
        if purpose == "energy":
            return Plan([*passes, turn], [], self._table)
        kept = self._kept or depth == 1
        while len(self._states) < (depth if kept else 2):
            self._states.append(self._new_state())
        turn.bra = _address(self._states[0 if kept else 1])
        back = []
        for number in reversed(range(depth)):
            undo = self._pass(BACKWARD, number)
            undo.bra, undo.psi = turn.bra, None
            if number and kept:
                undo.kept = passes[number].kept = _address(self._states[number])
            elif number:
                undo.psi = _address(self._states[0])
            back.append(undo)
        return Plan([*passes, turn], back, self._table)

    def _pass(self, kind: int, number: int) -> Pass:
        tiles = self._layout[number % len(self._layout)]
        return Pass(
            kind=kind,
            psi=_address(self._states[0]),
            scratch_psi=_address(self._scratch[0]),
            scratch_bra=_address(self._scratch[1]),
            cost=_address(self._cost if self._index is None else self._index),
            values=None if self._table is None else _address(self._table),
            measured=None if self._table is None else _address(self._table),
            entries=0 if self._table is None else self._table.size,
            vectors=self._size // LANES,
            last=tiles.columns // tiles.segments,
            start=number == 0,
            halfway=self._split and number > 0,
            limit=inf,
            slope=1.0,
            shift=0.0,
            **asdict(tiles),
        )

    def _value_and_gradient(self, purpose: str, angles: Real, tail: Tail) -> tuple[float, Real]:
        plan, circuit = self._do(purpose, angles, tail)
        depth = angles.shape[1]
        squares = np.square(circuit.scales)
        # In which of the states a factor cos(beta)^n is twice, or not at all.
        mixers, phases = np.ones(depth), 1.0 / squares
        if not self._kept and depth > 1:
            phases[:] = 1.0 / self._undone(circuit)
            mixers[1:] = squares[1:] * phases[1:]
        turn, back = plan.sums[depth], plan.sums[:depth:-1]
        gradient = np.empty((2, depth))
        gradient[0] = back[:, 1] * mixers
        gradient[1] = back[:, 0] * mixers
        gradient[1, -1] += turn[1]
        gradient[1, :-1] += (back[:, 2] * phases)[1:]
        return self._weight * float(turn[0]), 2 * self._weight * gradient

    def _undone(self, circuit: Circuit) -> float:
        """Return by how much a state is too small that starts back from before the last pass.

        Undoing a mixer without its cosines makes a state greater by 1 / cos(beta)^2 a qubit, and
        the second part of the last layer's is never undone, since it was not written.
        """
        if not self._split:
            return 1.0
        mixed = self._layout[len(circuit.scales) % 2].n_qubits
        return float(circuit.scales[-1] ** (2 * mixed / self.n_qubits))

    def _new_state(self) -> Real:
        tiles = self._layout[0]
        return _vectors(tiles.columns * tiles.step)

    def _parts(self) -> Real:
        """Return the state's real and imaginary parts, shape (tiles, vectors, 2, lanes)."""
        tiles = self._layout[0]
        return self._states[0].reshape(tiles.columns, tiles.step, 2, LANES)[:, : tiles.width]

    def _probabilities(self) -> Real:
        parts = self._parts()
        probabilities: Real = np.square(parts[..., 0, :])
        probabilities += np.square(parts[..., 1, :])
        return probabilities.ravel()

    def _full(self, half: Vector) -> Vector:
        return np.concatenate([half, half[::-1]]) if self._halved else half

    def _beyond(self, angles: Real) -> bool:
        """Return whether phases are so large that the kernels' cosines lose digits."""
        return bool(max(map(abs, angles[0].tolist())) * self._largest > LARGEST_PHASE)

    def _reference(self) -> Reference:
        return Reference(self._cost, self._observable)

    @property
    def _weight(self) -> float:
        return 2.0 if self._halved else 1.0

    @property
    def _split(self) -> bool:
        return len(self._layout) == 2


class Plan:
    """The passes of an evaluation, there and back, all but for the angles.

    Of each pass ``there`` and ``back`` are the fields for angles, ``sums`` those of the results,
    and ``tails`` what is measured, of use to a turn alone.
    """

    def __init__(self, there: list[Pass], back: list[Pass], table: Real | None) -> None:
        if table is not None:
            self._phases = np.empty((2, len(there), table.size))
            for tasks in (there, back[::-1]):
                for task, real, imaginary in zip(tasks, *self._phases, strict=False):
                    task.real, task.imaginary = _address(real), _address(imaginary)
        self.count = len(there) + len(back)
        fields = np.frombuffer(b"".join(map(bytes, [*there, *back])), dtype=np.float64).copy()
        fields = fields.reshape(self.count, -1)
        self.address = fields.ctypes.data
        self.there, self.back = fields[: len(there), ANGLES], fields[len(there) :, ANGLES]
        self.sums, self.tails = fields[:, SUMS], fields[:, TAIL]


@cache
def _compiled(kind: str, processor: Processor) -> Callable[[int, int], None]:
    """Return what does passes, for one kind of cost, compiled when first asked for."""
    machine = Machine(Kernels(kind, processor).functions, processor)
    _machines.append(machine)
    return ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_int64)(machine.address("run"))


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


def _largest(cost: Real) -> float:
    return float(max(cost.max(), -cost.min()))


def is_symmetric(cost: Real) -> bool:
    """Return whether a bitstring and its complement always cost the same."""
    half = cost.size // 2
    return bool(np.array_equal(cost[:half], cost[: half - 1 : -1]))
