"""Applies mixers to the qubits of a tile, and computes their derivatives.

    exp(-i beta X) on every qubit = cos(beta)^n prod_i (1 - i tan(beta) X_i),

one multiply-add per real number and qubit; cos(beta)^n is in the phases. As many qubits are mixed
at a time as the registers allow, and of a large tile those of one block after the other.
"""

from __future__ import annotations

from hybrid_job.engines.kernels.language import INT, LANES, POINTER, REAL, VECTOR, Function, Value
from hybrid_job.engines.kernels.machine import Processor
from hybrid_job.engines.kernels.tiles import Amplitudes, get, load, overlap, store

BLOCK = 8
"""Binary logarithm of the vectors that a tile is worked on at a time, 32 KiB: the first cache."""


class Mixing:
    """The functions ``mix`` and ``overlap``, and those that they call."""

    def __init__(self, processor: Processor) -> None:
        self._group = 3 if processor.wide else 2
        groups = range(1, self._group + 1)
        self._sweeps = [_sweep(bits, lanes=False) for bits in groups]
        self._lanes, self._mirror = _sweep(self._group, lanes=True), _mirror()
        self._overlaps = [_overlaps(bits, lanes=False) for bits in (1, 2)]
        self._overlap_lanes, self._overlap_mirror = _overlaps(2, lanes=True), _overlap_of_mirror()
        self.mix, self.overlap = self._mixer(), self._mixer_overlap()
        self.functions = [
            *self._sweeps,
            self._lanes,
            self._mirror,
            *self._overlaps,
            self._overlap_lanes,
            self._overlap_mirror,
            self.mix,
            self.overlap,
        ]

    def _mixer(self) -> Function:
        """Apply (1 - i t X) to all the qubits of the pass, of a tile of ``count`` vectors."""
        f = Function("mix", task=POINTER, tile=POINTER, count=INT, tangent=REAL)
        task, tile, count, tangent = f.arguments
        low, high = get(f, task, "low"), get(f, task, "high")
        lanes = get(f, task, "lanes").compare("ne", 0)
        with f.when(get(f, task, "mirror").compare("ne", 0)):
            f.call(self._mirror, tile, count, tangent)
        middle = _least(_most(f.value(BLOCK, INT), low), high)
        block = _least(f.value(1, INT) << middle, count)
        self._range(f, (tile, count), (middle, high), tangent)
        low = lanes.select(low + self._group, low)
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
        (low, high), most = bits, self._group
        with f.loop(low, high - (most - 1), most) as loop:
            f.call(self._sweeps[most - 1], *tile, loop.index, tangent)
        for rest in range(1, most):
            with f.when((high - low - (high - low) // most * most).compare("eq", rest)):
                f.call(self._sweeps[rest - 1], *tile, high - rest, tangent)

    def _mixer_overlap(self) -> Function:
        """Return Im <bra|sum X|psi> over all the qubits of the pass."""
        f = Function("overlap", REAL, task=POINTER, bra=POINTER, psi=POINTER, count=INT)
        task, bra, psi, count = f.arguments
        low, high = get(f, task, "low"), get(f, task, "high")
        lanes, mirror = get(f, task, "lanes"), get(f, task, "mirror")
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


def _rotate(a: Amplitudes, b: Amplitudes, t: Value) -> tuple[Amplitudes, Amplitudes]:
    """Return (1 - i t X) on the qubit that tells ``a`` and ``b`` apart."""
    return (a[0] + t * b[1], a[1] - t * b[0]), (b[0] + t * a[1], b[1] - t * a[0])


def _flip(a: Amplitudes, lane_bit: int) -> Amplitudes:
    order = [lane ^ (1 << lane_bit) for lane in range(LANES)]
    return a[0].shuffle(order), a[1].shuffle(order)


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
        group = [load(f, tile, place) for place in places]
        for i in range(bits):
            for j in range(1 << bits):
                if not j >> i & 1:
                    k = j | 1 << i
                    group[j], group[k] = _rotate(group[j], group[k], t)
        for i in range(3 if lanes else 0):
            group = [_rotate(a, _flip(a, i), t)[0] for a in group]
        for place, amplitudes in zip(places, group, strict=True):
            store(f, tile, place, amplitudes)
    f.give()
    return f


def _mirror() -> Function:
    """Mix the first qubit of a half state: index j with the last index less j."""
    f = Function("mirror", tile=POINTER, count=INT, tangent=REAL)
    tile, count, tangent = f.arguments
    t = tangent.splat()
    with f.loop(0, count // 2) as loop:
        there = count - loop.index - 1
        a, b = load(f, tile, loop.index), load(f, tile, there)
        b = (b[0].reverse(), b[1].reverse())
        a, b = _rotate(a, b, t)
        store(f, tile, loop.index, a)
        store(f, tile, there, (b[0].reverse(), b[1].reverse()))
    f.give()
    return f


def _overlaps(bits: int, *, lanes: bool) -> Function:
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
            x = [load(f, bra, place) for place in places]
            y = [load(f, psi, place) for place in places]
            if bits == 2:  # the neighbours of 0 and 3 are 1 and 2, and the other way round
                sums[0] = overlap(_plus(x[0], x[3]), _plus(y[1], y[2]), sums[0])
                sums[1] = overlap(_plus(x[1], x[2]), _plus(y[0], y[3]), sums[1])
            else:
                sums[0] = overlap(x[0], y[1], sums[0])
                sums[1] = overlap(x[1], y[0], sums[1])
            if lanes:
                for j, (left, right) in enumerate(zip(x, y, strict=True)):
                    near = _plus(_plus(_flip(right, 0), _flip(right, 1)), _flip(right, 2))
                    sums[j % 2] = overlap(left, near, sums[j % 2])
            inner.carry(*sums)
        outer.carry(*inner.results)
    f.give(f.total(outer.results[0] + outer.results[1]))
    return f


def _overlap_of_mirror() -> Function:
    """Return Im <bra|X|psi> of the first qubit of a half state."""
    f = Function("overlap_mirror", REAL, bra=POINTER, psi=POINTER, count=INT)
    bra, psi, count = f.arguments
    with f.loop(0, count, carry=[f.value(0.0, VECTOR)]) as loop:
        b = load(f, psi, count - loop.index - 1)
        b = (b[0].reverse(), b[1].reverse())
        loop.carry(overlap(load(f, bra, loop.index), b, loop.carried[0]))
    f.give(f.total(loop.results[0]))
    return f


def _least(a: Value, b: Value) -> Value:
    return a.compare("slt", b).select(a, b)


def _most(a: Value, b: Value) -> Value:
    return a.compare("slt", b).select(b, a)
