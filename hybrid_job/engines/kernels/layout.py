"""The layout of a state's amplitudes in memory, and which of them a pass works on at a time.

A state is an array of vectors of eight amplitudes: eight real parts, then eight imaginary ones. Of
an amplitude's index the low three bits are its lane, the others its vector. Passes alternate
between the low qubits, whose tiles are consecutive vectors, and the high ones, whose tiles are
columns: ``rows`` runs of ``width`` vectors, ``stride`` apart, worked on in a scratch area. Between
rows the state has gaps, without which the addresses of a column, powers of two apart, would all
compete for the same few places in the caches.

Where a cost is the same for a bitstring and its complement, the state is too, and half of it is
enough: the first qubit is 0, and its mixer couples index k with the complement of k. A tile of high
qubits then holds a column and its complement, so that these are index j and the last less j.
"""

from __future__ import annotations

import ctypes
from dataclasses import dataclass

from hybrid_job.engines.kernels.language import LANES
from quantum_pipeline.planning.memory import GAP, low_qubits

COLUMN = 2**7
"""Vectors in a tile of high qubits, where there are few of these: a third of the first cache."""


class Pass(ctypes.Structure):
    """What a pass does, and what it works on; every field takes eight bytes."""

    _fields_ = (
        ("kind", ctypes.c_int64),  # FORWARD, TURN or BACKWARD
        # arrays
        ("psi", ctypes.c_void_p),  # the state
        ("bra", ctypes.c_void_p),  # <lambda|, or null
        ("kept", ctypes.c_void_p),  # the state between phases and mixer, tile by tile, or null
        ("scratch_psi", ctypes.c_void_p),
        ("scratch_bra", ctypes.c_void_p),
        ("cost", ctypes.c_void_p),  # per amplitude: index into the tables, or the cost itself
        ("observable", ctypes.c_void_p),  # per amplitude: its value, or null: see ``measured``
        ("real", ctypes.c_void_p),  # tables, by index: the phase, scaled,
        ("imaginary", ctypes.c_void_p),
        ("values", ctypes.c_void_p),  # the cost,
        ("measured", ctypes.c_void_p),  # the observable
        # the tiles, in vectors
        ("first", ctypes.c_int64),  # number of the first tile,
        ("last", ctypes.c_int64),  # and of the one after the last
        ("width", ctypes.c_int64),
        ("rows", ctypes.c_int64),
        ("step", ctypes.c_int64),  # from a column to the next, in the state,
        ("stride", ctypes.c_int64),  # from a row to the next, in the state,
        ("run", ctypes.c_int64),  # and in costs and observable, which have no gaps
        ("segments", ctypes.c_int64),  # 2 where a tile is a column and its complement, else 1
        ("columns", ctypes.c_int64),
        ("mirror", ctypes.c_int64),  # whether the first qubit of a half state is one of this pass
        ("low", ctypes.c_int64),  # bits of a tile's index that are qubits of this pass,
        ("high", ctypes.c_int64),  # up to before this one
        ("lanes", ctypes.c_int64),  # whether the lanes are too
        ("vectors", ctypes.c_int64),  # in the state
        ("entries", ctypes.c_int64),  # in the tables, a multiple of eight
        # the circuit
        ("start", ctypes.c_int64),  # whether the state is still the uniform one
        ("halfway", ctypes.c_int64),  # whether the pass starts in the middle of a mixer
        ("limit", ctypes.c_double),  # measured: slope * min(observable, limit) + shift
        ("slope", ctypes.c_double),
        ("shift", ctypes.c_double),
        # the results, three reals
        ("sum0", ctypes.c_double),
        ("sum1", ctypes.c_double),
        ("sum2", ctypes.c_double),
        # the angles
        ("before", ctypes.c_double),  # tan(beta) of the layer before the phases,
        ("after", ctypes.c_double),  # and after them
        ("gamma", ctypes.c_double),
        ("scale", ctypes.c_double),  # cos(beta)^n of the layer after, times a start's amplitude
        ("backwards", ctypes.c_double),  # 1 where the costs are to be read backwards, else 0
    )


FIELDS = [name for name, _ in Pass._fields_]
SUMS = slice(FIELDS.index("sum0"), FIELDS.index("sum2") + 1)
TAIL = slice(FIELDS.index("limit"), FIELDS.index("shift") + 1)
ANGLES = slice(FIELDS.index("before"), FIELDS.index("backwards") + 1)

FORWARD, TURN, BACKWARD = range(3)


@dataclass(frozen=True)
class Tiles:
    """The tiles of one kind of pass, as the fields of the same names in ``Pass``."""

    columns: int
    width: int
    step: int
    low: int
    high: int
    rows: int = 1
    stride: int = 0
    run: int = 0
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


def layout(bits: int, *, halved: bool) -> list[Tiles]:
    """Return the kinds of pass over a state of 2^bits amplitudes: low qubits, and high ones."""
    low = low_qubits(bits)
    high, vectors = bits - low, 2**low // LANES
    if not high:
        return [Tiles(1, vectors, vectors, 0, bits - 3, mirror=halved, lanes=True)]
    width = max(1, COLUMN >> high)
    first = width.bit_length() - 1
    return [
        Tiles(2**high, vectors, vectors + GAP, 0, low - 3, lanes=True),
        Tiles(
            columns=vectors // width,
            width=width,
            step=width,
            low=first,
            high=first + high,
            rows=2**high,
            stride=vectors + GAP,
            run=vectors,
            segments=1 + halved,
            mirror=halved,
        ),
    ]
