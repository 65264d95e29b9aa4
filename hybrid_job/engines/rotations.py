"""Circuits of rotations and couplings for many rows at once, compiled, with exact derivatives.

The circuits are those of ``quantum_pipeline.classification.reuploading``, which the tests compare
this to. Eight rows share a vector; each block of them goes through all layers while it is in the
cache. Two states are kept on the way back: layers are undone.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from hybrid_job.engines.kernels.language import LANES
from hybrid_job.engines.kernels.machine import Machine, host
from hybrid_job.engines.kernels.rotations import Rotations
from quantum_pipeline.classification.reuploading import ring_signs, rotations

Real = NDArray[np.float64]

AMPLITUDES = 2**21
"""Amplitudes of the states that are kept at once, 32 MiB: more rows are taken in parts."""


class Circuits:
    """The circuits of rows: ``layers`` layers of rotations of n qubits, coupled in between."""

    def __init__(self, layers: int, n: int, *, entangled: bool) -> None:
        self._layers, self._n, self._entangled = layers, n, entangled
        # Qubits that nothing couples are circuits of their own, of one qubit each.
        self._width = n if entangled else 1
        self._signs = ring_signs(self._width)
        self._machine = _compiled()
        self._bra = np.empty((2**self._width, 2, LANES))

    def parts(self, n_rows: int) -> Iterator[slice]:
        """Yield the rows whose states are kept at once, one part after the other."""
        size = max(LANES, AMPLITUDES >> self._width)
        for first in range(0, n_rows, size):
            yield slice(first, min(first + size, n_rows))

    def evolved(self, angles: Real) -> Evolved:
        """Return the states of rows: of angles of shape (n_rows, layers, n, 3).

        Cost: O(n_rows * layers * n * 2^n); without entanglement O(n_rows * layers * n).
        """
        alone = self._alone(angles)
        blocks = -(-len(alone) // LANES)
        padded = np.zeros((blocks * LANES, *alone.shape[1:]))
        padded[: len(alone)] = alone
        turns = rotations(padded).reshape(4, blocks, LANES, self._layers, self._width)
        turns = np.ascontiguousarray(turns.transpose(1, 3, 4, 0, 2))
        states = np.empty((blocks, 2**self._width, 2, LANES))
        means = np.empty((blocks, self._width, LANES))
        arrays = (turns, self._signs, states, means)
        self._machine.evolve(*map(_address, arrays), blocks, self._layers, self._width)
        expectations = means.transpose(0, 2, 1).reshape(-1, self._width)[: len(alone)]
        return Evolved(angles, turns, states, expectations.reshape(len(angles), self._n))

    def derivatives(self, evolved: Evolved, weights: Real) -> Real:
        """Return the derivatives of sum_k weights_k <Z_k> of each row by its angles.

        ``weights`` has shape (n_rows, n), the derivatives that of the angles. The states are
        undone: this is asked for once.

        Cost: as of the states, three times.
        """
        blocks = len(evolved.turns)
        padded = np.zeros((blocks * LANES, self._width))
        padded[: weights.size // self._width] = weights.reshape(-1, self._width)
        lanes = np.ascontiguousarray(padded.reshape(blocks, LANES, -1).transpose(0, 2, 1))
        slopes = np.empty((blocks, self._layers, self._width, 3, LANES))
        arrays = (evolved.turns, self._signs, evolved.states, self._bra, lanes, slopes)
        self._machine.differentiate(*map(_address, arrays), blocks, self._layers, self._width)
        found = slopes.transpose(0, 4, 1, 2, 3).reshape(-1, self._layers, self._width, 3)
        return _by_angle(evolved.angles, self._together(found, len(weights)))

    def _alone(self, angles: Real) -> Real:
        """Return the angles of what evolves by itself: of a row, or of each of its qubits."""
        if self._entangled:
            return angles
        return angles.transpose(0, 2, 1, 3).reshape(-1, self._layers, 1, 3)

    def _together(self, slopes: Real, n_rows: int) -> Real:
        """Return in the shape of the angles what each that evolves by itself came to."""
        if self._entangled:
            return slopes[:n_rows]
        rows = slopes[: n_rows * self._n].reshape(n_rows, self._n, self._layers, 3)
        return rows.transpose(0, 2, 1, 3)


class Evolved(NamedTuple):
    """States of rows, with <Z_k>, shape (n_rows, n), and what made them."""

    angles: Real
    turns: Real
    states: Real
    expectations: Real


def _by_angle(angles: Real, slopes: Real) -> Real:
    """Return derivatives by the angles t0, t1, t2 of Im <bra|P|psi>, P = X, Y, Z, before each.

    With R = R_Y(t0) and T = R_Z(t1) R, they are those of Y, R* Z R and T* Y T.
    """
    (x, y, z), (first, middle) = np.moveaxis(slopes, -1, 0), np.moveaxis(angles[..., :2], -1, 0)
    cosine, sine = np.cos(first), np.sin(first)
    turned = cosine * x + sine * z
    last = np.sin(middle) * turned + np.cos(middle) * y
    return np.stack([y, cosine * z - sine * x, last], axis=-1)


class _Compiled(NamedTuple):
    evolve: Callable[..., None]
    differentiate: Callable[..., None]
    machine: Machine
    """Their code, which is gone when it is."""


@cache
def _compiled() -> _Compiled:
    machine = Machine(Rotations().functions, host())
    evolve, differentiate = (
        ctypes.CFUNCTYPE(None, *[ctypes.c_void_p] * arrays, *[ctypes.c_int64] * 3)(
            machine.address(name)
        )
        for name, arrays in (("evolve", 4), ("differentiate", 6))
    )
    return _Compiled(evolve, differentiate, machine)


def _address(array: NDArray[Any]) -> int:
    return array.ctypes.data
