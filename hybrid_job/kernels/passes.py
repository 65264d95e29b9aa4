"""The kernels: one pass over the state, tile by tile, with all that can be done to a tile at once.

A state is an array of vectors of eight amplitudes: eight real parts, then eight imaginary ones. Of
an amplitude's index the low three bits are its lane, the others its vector. A mixer is

    exp(-i beta X) on every qubit = cos(beta)^n prod_i (1 - i tan(beta) X_i),

one multiply-add per real number and qubit; cos(beta)^n goes into the phases. Since the factors
commute, a layer's mixer may be split: some qubits now, others later. A pass applies what is left
of one layer's mixer, the next layer's phases, and its mixer on the same qubits, so that p layers
take p + 1 passes. Passes alternate between the low qubits, whose tiles are consecutive vectors, and
the high ones, whose tiles are columns: ``rows`` runs of ``width`` vectors, ``stride`` apart, which
are worked on in a scratch area.

Where a cost is the same for a bitstring and its complement, the state is too, and half of it is
enough: the first qubit is 0, and its mixer couples index k with the complement of k. A tile then
holds a column and its complement, so that this is index j and the last index less j.
"""

from __future__ import annotations

import ctypes
import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from hybrid_job.kernels.language import (
    INT,
    INTS,
    LANES,
    POINTER,
    REAL,
    VECTOR,
    Function,
    Loop,
    Processor,
    Value,
)

BLOCK = 8
"""Binary logarithm of the vectors that a tile is worked on at a time, 32 KiB: the first cache."""


class Pass(ctypes.Structure):
    """What a pass works on; every field takes eight bytes."""

    _fields_ = (
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
        ("sums", ctypes.c_void_p),  # the results, three reals
        # the tiles, in vectors
        ("first", ctypes.c_int64),  # number of the first tile,
        ("last", ctypes.c_int64),  # and of the one after the last
        ("width", ctypes.c_int64),
        ("rows", ctypes.c_int64),
        ("stride", ctypes.c_int64),
        ("segments", ctypes.c_int64),  # 2 where a tile is a column and its complement, else 1
        ("columns", ctypes.c_int64),
        ("mirror", ctypes.c_int64),  # whether the first qubit of a half state is one of this pass
        ("low", ctypes.c_int64),  # bits of a tile's index that are qubits of this pass,
        ("high", ctypes.c_int64),  # up to before this one
        ("lanes", ctypes.c_int64),  # whether the lanes are too
        ("origin", ctypes.c_int64),  # entry of ``cost`` for the first vector,
        ("direction", ctypes.c_int64),  # and 1, or -1 for costs read backwards
        # the circuit
        ("start", ctypes.c_int64),  # whether the state is still the uniform one
        ("halfway", ctypes.c_int64),  # whether the pass starts in the middle of a mixer
        ("before", ctypes.c_double),  # tan(beta) of the layer before the phases,
        ("after", ctypes.c_double),  # and after them
        ("gamma", ctypes.c_double),
        ("scale", ctypes.c_double),  # cos(beta)^n of the layer after, times a start's amplitude
        ("limit", ctypes.c_double),  # measured: slope * min(observable, limit) + shift
        ("slope", ctypes.c_double),
        ("shift", ctypes.c_double),
    )


_KINDS = {ctypes.c_void_p: POINTER, ctypes.c_int64: INT, ctypes.c_double: REAL}
_PLACES = {name: (place, _KINDS[kind]) for place, (name, kind) in enumerate(Pass._fields_)}

Amplitudes = tuple[Value, Value]
"""Eight amplitudes: their real and their imaginary parts."""


def _get(f: Function, task: Value, name: str) -> Value:
    place, kind = _PLACES[name]
    return f.load(task, place, kind)


def _load(f: Function, tile: Value, index: Value) -> Amplitudes:
    return f.load(tile, index * 2, VECTOR), f.load(tile, index * 2 + 1, VECTOR)


def _store(f: Function, tile: Value, index: Value, amplitudes: Amplitudes) -> None:
    for part, value in enumerate(amplitudes):
        f.store(value, tile, index * 2 + part)


def _rotate(a: Amplitudes, b: Amplitudes, t: Value) -> tuple[Amplitudes, Amplitudes]:
    """Return (1 - i t X) on the qubit that tells ``a`` and ``b`` apart."""
    return (a[0] + t * b[1], a[1] - t * b[0]), (b[0] + t * a[1], b[1] - t * a[0])


def _flip(a: Amplitudes, lane_bit: int) -> Amplitudes:
    order = [lane ^ (1 << lane_bit) for lane in range(LANES)]
    return a[0].shuffle(order), a[1].shuffle(order)


def _overlap(a: Amplitudes, b: Amplitudes, total: Value) -> Value:
    """Add Im(conj(a) b) to a total."""
    return total + a[0] * b[1] - a[1] * b[0]


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


def _plus(a: Amplitudes, b: Amplitudes) -> Amplitudes:
    return a[0] + b[0], a[1] + b[1]


def _sweep(bits: int, *, lanes: bool) -> Function:
    """Mix ``bits`` qubits, from bit ``bit`` of the index on, and the lanes where so asked."""
    f = Function(
        f"sweep{bits}{'lanes' if lanes else ''}",
        tile=POINTER, count=INT, bit=INT, tangent=REAL,
    )  # fmt: skip
    tile, count, bit, tangent = f.arguments
    t, step = tangent.splat(), f.value(1, INT) << bit
    with f.loop(0, count, step << bits) as outer, f.loop(outer.index, outer.index + step) as inner:
        places = [inner.index + step * j for j in range(1 << bits)]
        group = [_load(f, tile, place) for place in places]
        for i in range(bits):
            for j in range(1 << bits):
                if not j >> i & 1:
                    k = j | 1 << i
                    group[j], group[k] = _rotate(group[j], group[k], t)
        for i in range(3 if lanes else 0):
            group = [_rotate(a, _flip(a, i), t)[0] for a in group]
        for place, amplitudes in zip(places, group, strict=True):
            _store(f, tile, place, amplitudes)
    f.give()
    return f


def _mirror() -> Function:
    """Mix the first qubit of a half state: index j with the last index less j."""
    f = Function("mirror", tile=POINTER, count=INT, tangent=REAL)
    tile, count, tangent = f.arguments
    t = tangent.splat()
    with f.loop(0, count // 2) as loop:
        there = count - loop.index - 1
        a, b = _load(f, tile, loop.index), _load(f, tile, there)
        b = (b[0].reverse(), b[1].reverse())
        a, b = _rotate(a, b, t)
        _store(f, tile, loop.index, a)
        _store(f, tile, there, (b[0].reverse(), b[1].reverse()))
    f.give()
    return f


class Kernels:
    """The functions of one kind of cost, in the order of their calls."""

    def __init__(self, kind: str, processor: Processor) -> None:
        self.kind = kind
        self.functions: list[Function] = []
        self.group = 3 if processor.wide else 2  # qubits at a time, as its registers allow
        self._sweeps = [self._add(_sweep(bits, lanes=False)) for bits in range(1, self.group + 1)]
        self._lanes = self._add(_sweep(self.group, lanes=True))
        self._mirror = self._add(_mirror())
        self._overlaps = [self._add(self._overlap(bits, lanes=False)) for bits in (1, 2)]
        self._overlap_lanes = self._add(self._overlap(2, lanes=True))
        self._overlap_mirror = self._add(self._overlap_of_mirror())
        self._mix = self._add(self._mixer())
        self._mixed = self._add(self._mixer_overlap())
        self._gather = self._add(self._copy("gather", out=False))
        self._scatter = self._add(self._copy("scatter", out=True))
        self._begin = self._add(self._phases("begin"))
        self._phase = self._add(self._phases("phase"))
        self._undo = self._add(self._phases("undo"))
        self._measure_array = self._add(self._measurement(array=True))
        if kind != REAL:
            self._measure_table = self._add(self._measurement(array=False))
        else:
            self._measure_table = self._measure_array
        self._add(self._forward())
        self._add(self._turn())
        self._add(self._backward())

    def _add(self, function: Function) -> Function:
        self.functions.append(function)
        return function

    @staticmethod
    def _overlap(bits: int, *, lanes: bool) -> Function:
        """Return Im <bra|sum X|psi> over ``bits`` qubits from ``bit`` on, and the lanes."""
        f = Function(
            f"overlap{bits}{'lanes' if lanes else ''}", REAL,
            bra=POINTER, psi=POINTER, count=INT, bit=INT,
        )  # fmt: skip
        bra, psi, count, bit = f.arguments
        step, zero = f.value(1, INT) << bit, f.value(0.0, VECTOR)
        with f.loop(0, count, step << bits, carry=[zero, zero]) as outer:
            with f.loop(outer.index, outer.index + step, carry=outer.carried) as inner:
                sums = list(inner.carried)
                places = [inner.index + step * j for j in range(1 << bits)]
                x = [_load(f, bra, place) for place in places]
                y = [_load(f, psi, place) for place in places]
                if bits == 2:  # the neighbours of 0 and 3 are 1 and 2, and the other way round
                    sums[0] = _overlap(_plus(x[0], x[3]), _plus(y[1], y[2]), sums[0])
                    sums[1] = _overlap(_plus(x[1], x[2]), _plus(y[0], y[3]), sums[1])
                else:
                    sums[0] = _overlap(x[0], y[1], sums[0])
                    sums[1] = _overlap(x[1], y[0], sums[1])
                if lanes:
                    for j, (left, right) in enumerate(zip(x, y, strict=True)):
                        near = _plus(_plus(_flip(right, 0), _flip(right, 1)), _flip(right, 2))
                        sums[j % 2] = _overlap(left, near, sums[j % 2])
                inner.carry(*sums)
            outer.carry(*inner.results)
        f.give(f.total(outer.results[0] + outer.results[1]))
        return f

    @staticmethod
    def _overlap_of_mirror() -> Function:
        """Return Im <bra|X|psi> of the first qubit of a half state."""
        f = Function("overlap_mirror", REAL, bra=POINTER, psi=POINTER, count=INT)
        bra, psi, count = f.arguments
        with f.loop(0, count, carry=[f.value(0.0, VECTOR)]) as loop:
            b = _load(f, psi, count - loop.index - 1)
            b = (b[0].reverse(), b[1].reverse())
            loop.carry(_overlap(_load(f, bra, loop.index), b, loop.carried[0]))
        f.give(f.total(loop.results[0]))
        return f

    def _mixer(self) -> Function:
        """Apply (1 - i t X) to all the qubits of the pass, of a tile of ``count`` vectors."""
        f = Function("mix", task=POINTER, tile=POINTER, count=INT, tangent=REAL)
        task, tile, count, tangent = f.arguments
        low, high = _get(f, task, "low"), _get(f, task, "high")
        lanes = _get(f, task, "lanes").compare("ne", 0)
        with f.when(_get(f, task, "mirror").compare("ne", 0)):
            f.call(self._mirror, tile, count, tangent)
        middle = _least(_most(f.value(BLOCK, INT), low), high)
        block = _least(f.value(1, INT) << middle, count)
        self._range(f, (tile, count), (middle, high), tangent)
        low = lanes.select(low + self.group, low)
        with f.loop(0, count, block) as loop:
            part = f.address(tile, loop.index * 2, VECTOR)
            self._range(f, (part, block), (low, middle), tangent)
            with f.when(lanes):
                f.call(self._lanes, part, block, f.value(0, INT), tangent)
        f.give()
        return f

    def _range(
        self, f: Function, tile: tuple[Value, Value], bits: tuple[Value, Value], tangent: Value
    ) -> None:
        """Mix the qubits from a bit to before another: as many at a time as registers allow."""
        (low, high), most = bits, self.group
        with f.loop(low, high - (most - 1), most) as loop:
            f.call(self._sweeps[most - 1], *tile, loop.index, tangent)
        for rest in range(1, most):
            with f.when((high - low - (high - low) // most * most).compare("eq", rest)):
                f.call(self._sweeps[rest - 1], *tile, high - rest, tangent)

    def _mixer_overlap(self) -> Function:
        """Return Im <bra|sum X|psi> over all the qubits of the pass."""
        f = Function("mixed", REAL, task=POINTER, bra=POINTER, psi=POINTER, count=INT)
        task, bra, psi, count = f.arguments
        low, high = _get(f, task, "low"), _get(f, task, "high")
        lanes, mirror = _get(f, task, "lanes"), _get(f, task, "mirror")
        middle = _least(_most(f.value(BLOCK - 1, INT), low), high)
        block = _least(f.value(1, INT) << middle, count)
        low = low + lanes * 2
        total = self._overlap_range(f, (bra, psi, count), (middle, high), f.value(0.0, REAL))
        with f.loop(0, count, block, carry=[total]) as loop:
            left, right = (f.address(each, loop.index * 2, VECTOR) for each in (bra, psi))
            total = self._overlap_range(f, (left, right, block), (low, middle), loop.carried[0])
            with f.loop(0, lanes, carry=[total]) as once:
                more = f.call(self._overlap_lanes, left, right, block, f.value(0, INT))
                once.carry(once.carried[0] + more)
            loop.carry(once.results[0])
        with f.loop(0, mirror, carry=loop.results) as once:
            once.carry(once.carried[0] + f.call(self._overlap_mirror, bra, psi, count))
        f.give(once.results[0])
        return f

    def _overlap_range(
        self, f: Function, tiles: tuple[Value, Value, Value], bits: tuple[Value, Value], sum_: Value
    ) -> Value:
        """Return ``sum_`` and the overlaps of the qubits from a bit to before another."""
        low, high = bits
        for most in (2, 1):
            start = low if most == 2 else low + (high - low) // 2 * 2
            with f.loop(start, high - (most - 1), most, carry=[sum_]) as loop:
                more = f.call(self._overlaps[most - 1], *tiles, loop.index)
                loop.carry(loop.carried[0] + more)
            sum_ = loop.results[0]
        return sum_

    def _copy(self, name: str, *, out: bool) -> Function:
        """Copy a tile from the state to a scratch area, or back."""
        f = Function(name, task=POINTER, number=INT, state=POINTER, tile=POINTER)
        task, number, state, tile = f.arguments
        with _each(f, task, number) as (place, inside, _):
            if out:
                _store(f, state, place, _load(f, tile, inside))
            else:
                _store(f, tile, inside, _load(f, state, place))
        f.give()
        return f

    def _phases(self, name: str) -> Function:
        """Multiply a tile by its phases; begin with them; or undo them in both states.

        The last returns Im <bra|C|psi> as it was before.
        """
        undo = name == "undo"
        f = Function(
            name, REAL if undo else "void", task=POINTER, number=INT, psi=POINTER, bra=POINTER
        )
        task, number, psi, bra = f.arguments
        costs = _Costs(f, task, self.kind)
        carry = [f.value(0.0, VECTOR)] if undo else []
        with _each(f, task, number, carry) as (place, inside, loop):
            key = costs.key(place)
            c, s = costs.phase(key)
            if name == "begin":
                _store(f, psi, inside, (c, s))
            elif name == "phase":
                x, y = _load(f, psi, inside)
                _store(f, psi, inside, (x * c - y * s, x * s + y * c))
            else:
                both = [_load(f, each, inside) for each in (bra, psi)]
                overlap = _overlap(both[0], both[1], f.value(0.0, VECTOR))
                loop.carry(loop.carried[0] + overlap * costs.value(key))
                for each, (x, y) in zip((bra, psi), both, strict=True):
                    _store(f, each, inside, (x * c + y * s, y * c - x * s))
        f.give(f.total(loop.results[0]) if undo else None)
        return f

    def _measurement(self, *, array: bool) -> Function:
        """Return <psi|O|psi>, and make the bra that of O|psi>; O by amplitude, or by cost."""
        f = Function(
            f"measure_{'array' if array else 'table'}", REAL,
            task=POINTER, number=INT, psi=POINTER, bra=POINTER,
        )  # fmt: skip
        task, number, psi, bra = f.arguments
        costs = _Costs(f, task, self.kind)
        observable = _get(f, task, "observable")
        limit, slope, shift = (_get(f, task, x).splat() for x in ("limit", "slope", "shift"))
        with _each(f, task, number, [f.value(0.0, VECTOR)]) as (place, inside, loop):
            if array:
                value = f.load(observable, place, VECTOR)
            else:
                value = f.gather(_get(f, task, "measured"), costs.key(place))
            value = value.compare("olt", limit).select(value, limit) * slope + shift
            x, y = _load(f, psi, inside)
            u, v = x * value, y * value
            loop.carry(loop.carried[0] + u * x + v * y)
            _store(f, bra, inside, (u, v))
        f.give(f.total(loop.results[0]))
        return f

    def _forward(self) -> Function:
        """Mix, phases, mix; and keep the state as it is between the last two."""
        f = Function("forward", task=POINTER)
        (task,) = f.arguments
        psi, kept = _get(f, task, "psi"), _get(f, task, "kept")
        before, after = _get(f, task, "before"), _get(f, task, "after")
        start = _get(f, task, "start").compare("ne", 0)
        goes_on = _get(f, task, "start").compare("eq", 0)
        halfway = _get(f, task, "halfway").compare("ne", 0)
        tile = _Tile(f, task)
        with tile.loop() as number:
            place = tile.place(psi, "scratch_psi", number)
            with f.when(start):
                f.call(self._begin, task, number, place, place)
            with f.when(goes_on):
                with f.when(tile.elsewhere):
                    f.call(self._gather, task, number, psi, place)
                with f.when(halfway):
                    f.call(self._mix, task, place, tile.count, before)
                f.call(self._phase, task, number, place, place)
                with f.when(kept.cast("ptrtoint", INT).compare("ne", 0)):
                    tile.copy(place, tile.own(kept, number))
            with f.when(after.compare("une", 0.0)):
                f.call(self._mix, task, place, tile.count, after)
            with f.when(tile.elsewhere):
                f.call(self._scatter, task, number, psi, place)
        f.give()
        return f

    def _turn(self) -> Function:
        """Mix the rest of the last layer and measure; begin the way back with the bra."""
        f = Function("turn", task=POINTER)
        (task,) = f.arguments
        psi, bra = _get(f, task, "psi"), _get(f, task, "bra")
        ket, image = _get(f, task, "scratch_psi"), _get(f, task, "scratch_bra")
        before = _get(f, task, "before")
        by_array = _get(f, task, "observable").cast("ptrtoint", INT).compare("ne", 0)
        wanted = bra.cast("ptrtoint", INT).compare("ne", 0)
        halfway = _get(f, task, "halfway").compare("ne", 0)
        tile = _Tile(f, task)
        with tile.loop() as number:
            f.call(self._gather, task, number, psi, ket)
            with f.when(halfway):
                f.call(self._mix, task, ket, tile.count, before)
            with f.when(by_array):
                tile.add(0, f.call(self._measure_array, task, number, ket, image))
            with f.when(by_array.compare("eq", f.value(0, "i1"))):
                tile.add(0, f.call(self._measure_table, task, number, ket, image))
            with f.when(wanted):
                with f.when(halfway):
                    tile.add(1, f.call(self._mixed, task, image, ket, tile.count))
                    f.call(self._mix, task, image, tile.count, -before)
                f.call(self._scatter, task, number, bra, image)
        f.give()
        return f

    def _backward(self) -> Function:
        """Undo a pass in the bra, and in the state, which is kept, begun with, or undone too."""
        f = Function("backward", task=POINTER)
        (task,) = f.arguments
        psi, bra, kept = (_get(f, task, x) for x in ("psi", "bra", "kept"))
        before, after = _get(f, task, "before"), _get(f, task, "after")
        start = _get(f, task, "start").compare("ne", 0)
        goes_on = _get(f, task, "start").compare("eq", 0)
        undone = psi.cast("ptrtoint", INT).compare("ne", 0)
        halfway = _get(f, task, "halfway").compare("ne", 0)
        tile = _Tile(f, task)
        with tile.loop() as number:
            image = tile.place(bra, "scratch_bra", number)
            with f.when(tile.elsewhere):
                f.call(self._gather, task, number, bra, image)
            f.call(self._mix, task, image, tile.count, -after)
            ket = undone.select(
                tile.place(psi, "scratch_psi", number),
                start.select(_get(f, task, "scratch_psi"), tile.own(kept, number)),
            )
            with f.when(start):
                f.call(self._begin, task, number, ket, ket)
            with f.when(undone):
                with f.when(tile.elsewhere):
                    f.call(self._gather, task, number, psi, ket)
                f.call(self._mix, task, ket, tile.count, -after)
            tile.add(0, f.call(self._mixed, task, image, ket, tile.count))
            tile.add(1, f.call(self._undo, task, number, ket, image))
            with f.when(goes_on):
                with f.when(halfway):
                    tile.add(2, f.call(self._mixed, task, image, ket, tile.count))
                    f.call(self._mix, task, image, tile.count, -before)
                with f.when(tile.elsewhere):
                    f.call(self._scatter, task, number, bra, image)
                with f.when(undone):
                    with f.when(halfway):
                        f.call(self._mix, task, ket, tile.count, -before)
                    with f.when(tile.elsewhere):
                        f.call(self._scatter, task, number, psi, ket)
        f.give()
        return f


class _Tile:
    """The tiles of a pass, within the function that goes through them."""

    def __init__(self, f: Function, task: Value) -> None:
        self._f, self._task = f, task
        self.count = _get(f, task, "segments") * _get(f, task, "rows") * _get(f, task, "width")
        parts = _get(f, task, "segments") * _get(f, task, "rows")
        self.elsewhere = parts.compare("ne", 1)
        self._sums = _get(f, task, "sums")

    @contextmanager
    def loop(self) -> Iterator[Value]:
        first, last = _get(self._f, self._task, "first"), _get(self._f, self._task, "last")
        with self._f.loop(first, last) as loop:
            yield loop.index

    def own(self, array: Value, number: Value) -> Value:
        """Return the address of a tile in an array of tiles."""
        return self._f.address(array, number * self.count * 2, VECTOR)

    def place(self, state: Value, scratch: str, number: Value) -> Value:
        """Return where the tile is worked on: in the state if it is one run, else elsewhere."""
        return self.elsewhere.select(_get(self._f, self._task, scratch), self.own(state, number))

    def copy(self, source: Value, target: Value) -> None:
        with self._f.loop(0, self.count) as loop:
            _store(self._f, target, loop.index, _load(self._f, source, loop.index))

    def add(self, place: int, more: Value) -> None:
        """Add to one of the results."""
        self._f.store(self._f.load(self._sums, place, REAL) + more, self._sums, place)


class _Costs:
    """Costs of the amplitudes, as the tables' indices or as reals, and their phases."""

    def __init__(self, f: Function, task: Value, kind: str) -> None:
        self._f, self._kind = f, kind
        self._cost, self._origin, self._direction = (
            _get(f, task, name) for name in ("cost", "origin", "direction")
        )
        self._backwards = self._direction.compare("ne", 1)
        self._tables = {x: _get(f, task, x) for x in ("real", "imaginary", "values")}
        self._gamma, self._scale = (_get(f, task, x).splat() for x in ("gamma", "scale"))

    def key(self, place: Value) -> Value:
        """Return the indices, or the costs, of the eight amplitudes of a vector."""
        element = self._origin + self._direction * place * LANES
        at = self._f.address(self._cost, element, self._kind)
        kind = f"<{LANES} x {self._kind}>"
        raw = self._f.load(at, 0, kind, align=1)
        raw = self._backwards.select(raw.reverse(), raw)
        return raw if self._kind == REAL else raw.cast("zext", INTS)

    def value(self, key: Value) -> Value:
        """Return the costs."""
        return key if self._kind == REAL else self._f.gather(self._tables["values"], key)

    def phase(self, key: Value) -> Amplitudes:
        """Return scale * exp(-i gamma C)."""
        if self._kind != REAL:
            names = ("real", "imaginary")
            return (
                self._f.gather(self._tables[names[0]], key),
                self._f.gather(self._tables[names[1]], key),
            )
        cosine, sine = cos_sin(self._f, key * self._gamma)
        return cosine * self._scale, -(sine * self._scale)


@contextmanager
def _each(
    f: Function, task: Value, number: Value, carry: Sequence[Value] = ()
) -> Iterator[tuple[Value, Value, Loop]]:
    """Go through the vectors of a tile: their places in the state and in the tile."""
    width, rows, stride = (_get(f, task, x) for x in ("width", "rows", "stride"))
    across = _get(f, task, "columns") - 1 - number * 2
    with f.loop(0, _get(f, task, "segments"), carry=carry) as segment:
        column = (number + segment.index * across) * width
        with f.loop(0, rows, carry=segment.carried) as row:
            place, inside = column + row.index * stride, (segment.index * rows + row.index) * width
            with f.loop(0, width, carry=row.carried) as loop:
                yield place + loop.index, inside + loop.index, loop
            row.carry(*loop.results)
        segment.carry(*row.results)
    loop.results = segment.results


def _least(a: Value, b: Value) -> Value:
    return a.compare("slt", b).select(a, b)


def _most(a: Value, b: Value) -> Value:
    return a.compare("slt", b).select(b, a)
