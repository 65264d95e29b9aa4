"""Applies phases exp(-i gamma C) to a tile's amplitudes; their derivatives; measurements.

Where a cost is one of few, its phase is looked up in a table; else cosine and sine are computed.
"""

from __future__ import annotations

import math

from hybrid_job.engines.kernels.language import (
    INT,
    INTS,
    LANES,
    POINTER,
    REAL,
    VECTOR,
    Function,
    Value,
)
from hybrid_job.engines.kernels.tiles import Amplitudes, each, get, load, overlap, store

LARGEST_PHASE = 2.0**20
"""Beyond it the multiples of pi/2 have too many digits to be taken away exactly."""

_QUARTER = (1.57079632673412561417e00, 6.07710050630396597660e-11, 2.02226624879595063154e-21)
"""pi/2 in three parts, the first two of 33 bits: their products with an integer are exact."""

_ROUND = 1.5 * 2.0**52
"""Added and taken away again, it leaves the nearest integer, and in the sum its last bits."""

_SINE = (
    1.58962301576546568060e-10, -2.50507477628578072866e-8, 2.75573136213857245213e-6,
    -1.98412698295895385996e-4, 8.33333333332211858878e-3, -1.66666666666666307295e-1,
)  # fmt: skip
_COSINE = (
    -1.13585365213876817300e-11, 2.08757008419747316778e-9, -2.75573141792967388112e-7,
    2.48015872888517045348e-5, -1.38888888888730564116e-3, 4.16666666666665929218e-2,
)  # fmt: skip
"""Polynomials of sine and cosine within pi/4. Source: S. Moshier, Cephes, sin.c."""


def cos_sin(f: Function, x: Value) -> Amplitudes:
    """Return cosine and sine, to 1e-15 for |x| up to ``LARGEST_PHASE``."""
    shifted = x * (2 / math.pi) + _ROUND
    quarters = shifted.cast("bitcast", INTS)
    turns = shifted - _ROUND
    for part in _QUARTER:
        x = x - turns * part
    square = x * x
    sine, cosine = (f.value(p[0], VECTOR) for p in (_SINE, _COSINE))
    for a, b in zip(_SINE[1:], _COSINE[1:], strict=True):
        sine, cosine = sine * square + a, cosine * square + b
    sine = sine * square * x + x
    cosine = cosine * (square * square) + (square * -0.5 + 1.0)
    odd = (quarters & 1).compare("ne", 0)
    cosine, sine = odd.select(sine, cosine), odd.select(cosine, sine)
    # The signs: cosine is negative in the quarters 1 and 2, sine in 2 and 3.
    for_cosine, for_sine = ((quarters + more & 2) << 62 for more in (1, 0))
    return _signed(cosine, for_cosine), _signed(sine, for_sine)


def _signed(x: Value, sign: Value) -> Value:
    return (x.cast("bitcast", INTS) ^ sign).cast("bitcast", VECTOR)


class Phases:
    """The functions for costs that are reals, or indices of a type of integers into tables."""

    def __init__(self, kind: str) -> None:
        self._kind = kind
        self.begin, self.phase = self._phases(begin=True), self._phases(begin=False)
        self.undo = self._undoing()
        self.by_amplitude = self._measurement(array=True)
        self.by_cost = self.by_amplitude if kind == REAL else self._measurement(array=False)
        self.tabulate = self._tabulation()
        self.functions = [self.tabulate, self.begin, self.phase, self.undo, self.by_amplitude]
        if kind != REAL:
            self.functions.append(self.by_cost)

    def _tabulation(self) -> Function:
        """Compute the tables of phases."""
        f = Function("tabulate", task=POINTER)
        (task,) = f.arguments
        values, real, imaginary = (get(f, task, x) for x in ("values", "real", "imaginary"))
        costs = Costs(f, task, self._kind)
        with f.loop(0, get(f, task, "entries") // LANES) as loop:
            c, s = costs.computed(f.load(values, loop.index, VECTOR))
            f.store(c, real, loop.index)
            f.store(s, imaginary, loop.index)
        f.give()
        return f

    def _phases(self, *, begin: bool) -> Function:
        """Multiply a tile by its phases, or begin with them."""
        f = Function("begin" if begin else "phase", task=POINTER, number=INT, psi=POINTER)
        task, number, psi = f.arguments
        costs = Costs(f, task, self._kind)
        with each(f, task, number) as at:
            c, s = costs.phase(costs.key(at.entry))
            if not begin:
                x, y = load(f, psi, at.tile)
                c, s = x * c - y * s, x * s + y * c
            store(f, psi, at.tile, (c, s))
        f.give()
        return f

    def _undoing(self) -> Function:
        """Return Im <bra|C|psi>, and undo the phases in the bra, and in the state as ``ket``."""
        f = Function("undo", REAL, task=POINTER, number=INT, bra=POINTER, psi=POINTER, ket=POINTER)
        task, number, bra, psi, ket = f.arguments
        costs = Costs(f, task, self._kind)
        zero = f.value(0.0, VECTOR)
        with each(f, task, number, [zero]) as at:
            key = costs.key(at.entry)
            c, s = costs.phase(key)
            left, right = load(f, bra, at.tile), load(f, psi, at.tile)
            imaginary = overlap(left, right, zero)
            at.loop.carry(at.loop.carried[0] + imaginary * costs.value(key))
            for place, (x, y) in ((bra, left), (ket, right)):
                store(f, place, at.tile, (x * c + y * s, y * c - x * s))
        f.give(f.total(at.loop.results[0]))
        return f

    def _measurement(self, *, array: bool) -> Function:
        """Return <psi|O|psi>, and make the bra that of O|psi>; O by amplitude, or by cost."""
        f = Function(
            f"measure_{'array' if array else 'table'}", REAL,
            task=POINTER, number=INT, psi=POINTER, bra=POINTER,
        )  # fmt: skip
        task, number, psi, bra = f.arguments
        costs = Costs(f, task, self._kind)
        observable = get(f, task, "observable")
        limit, slope, shift = (get(f, task, x).splat() for x in ("limit", "slope", "shift"))
        with each(f, task, number, [f.value(0.0, VECTOR)]) as at:
            if array:
                value = f.load(observable, at.entry, VECTOR)
            else:
                value = f.gather(get(f, task, "measured"), costs.key(at.entry))
            value = value.compare("olt", limit).select(value, limit) * slope + shift
            x, y = load(f, psi, at.tile)
            u, v = x * value, y * value
            at.loop.carry(at.loop.carried[0] + u * x + v * y)
            store(f, bra, at.tile, (u, v))
        f.give(f.total(at.loop.results[0]))
        return f


class Costs:
    """Costs of the amplitudes, as the tables' indices or as reals, and their phases."""

    def __init__(self, f: Function, task: Value, kind: str) -> None:
        self._f, self._kind = f, kind
        self._cost = get(f, task, "cost")
        self._backwards = get(f, task, "backwards").compare("une", 0.0)
        self._last = get(f, task, "vectors") - 1
        self._tables = {x: get(f, task, x) for x in ("real", "imaginary", "values")}
        self._gamma, self._scale = (get(f, task, x).splat() for x in ("gamma", "scale"))

    def key(self, place: Value) -> Value:
        """Return the indices, or the costs, of the eight amplitudes of a vector."""
        vector = self._backwards.select(self._last - place, place)
        raw = self._f.load(self._cost, vector, f"<{LANES} x {self._kind}>", align=1)
        raw = self._backwards.select(raw.reverse(), raw)
        return raw if self._kind == REAL else raw.cast("zext", INTS)

    def value(self, key: Value) -> Value:
        """Return the costs."""
        return key if self._kind == REAL else self._f.gather(self._tables["values"], key)

    def phase(self, key: Value) -> Amplitudes:
        """Return scale * exp(-i gamma C)."""
        if self._kind != REAL:
            tables = (self._tables[name] for name in ("real", "imaginary"))
            real, imaginary = (self._f.gather(table, key) for table in tables)
            return real, imaginary
        return self.computed(key)

    def computed(self, costs: Value) -> Amplitudes:
        """Return scale * exp(-i gamma C), computed."""
        cosine, sine = cos_sin(self._f, costs * self._gamma)
        return cosine * self._scale, -(sine * self._scale)
