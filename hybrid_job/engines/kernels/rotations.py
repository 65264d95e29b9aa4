"""The kernels of re-uploading circuits: eight rows go side by side, in the lanes of a vector.

Of a block of rows a state is an array of shape (2^n, 2), of vectors, real and imaginary parts by
turns; ``turns``, shape (layers, n, 4), has the parts of a and b of each rotation [[a, -b*],
[b, a*]], and ``signs``, 2^n reals, what couples neighbours between layers. On the way back

    <lambda| = <psi| sum_k weight_k Z_k,    Im <lambda|P|psi>,  P = X, Y, Z of the qubit,

before each rotation are the slopes: all derivatives of its angles are sums of these.
Source: Jones, Gacon, arXiv:2009.02823.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from hybrid_job.engines.kernels.language import INT, POINTER, REAL, VECTOR, Function, Loop, Value
from hybrid_job.engines.kernels.tiles import Amplitudes, load, store


class Rotations:
    """The functions ``evolve`` and ``differentiate``, and those that they call."""

    def __init__(self) -> None:
        self._rotate, self._undo, self._couple = _rotation(), _undoing(), _coupling()
        self._measure, self._observe = _measurement(), _observation()
        self.functions = [
            self._rotate, self._undo, self._couple, self._measure, self._observe,
            self._evolution(), self._differentiation(),
        ]  # fmt: skip

    def _evolution(self) -> Function:
        """Set the states of blocks, shape (blocks, 2^n, 2), and <Z_k>, shape (blocks, n)."""
        f = Function(
            "evolve", turns=POINTER, signs=POINTER, states=POINTER, expectations=POINTER,
            blocks=INT, layers=INT, n=INT,
        )  # fmt: skip
        turns, signs, states, expectations, blocks, layers, n = f.arguments
        count = f.value(1, INT) << n
        with f.loop(0, blocks) as block:
            psi = f.address(states, block.index * count * 2, VECTOR)
            with f.loop(0, count * 2) as loop:
                f.store(f.value(0.0, VECTOR), psi, loop.index)
            f.store(f.value(1.0, VECTOR), psi, 0)
            with f.loop(0, layers) as layer:
                with f.when(layer.index.compare("ne", 0)):
                    f.call(self._couple, psi, signs, count)
                with _qubits(f, n, count) as (k, stride):
                    place = (block.index * layers + layer.index) * n + k
                    f.call(self._rotate, psi, f.address(turns, place * 4, VECTOR), count, stride)
            with _qubits(f, n, count) as (k, stride):
                mean = f.address(expectations, block.index * n + k, VECTOR)
                f.call(self._measure, psi, mean, count, stride)
        f.give()
        return f

    def _differentiation(self) -> Function:
        """Set ``slopes``, shape (blocks, layers, n, 3); the states are undone."""
        f = Function(
            "differentiate", turns=POINTER, signs=POINTER, states=POINTER, bra=POINTER,
            weights=POINTER, slopes=POINTER, blocks=INT, layers=INT, n=INT,
        )  # fmt: skip
        turns, signs, states, bra, weights, slopes, blocks, layers, n = f.arguments
        count = f.value(1, INT) << n
        with f.loop(0, blocks) as block:
            psi = f.address(states, block.index * count * 2, VECTOR)
            f.call(self._observe, psi, bra, f.address(weights, block.index * n, VECTOR), count, n)
            with f.loop(0, layers) as back:
                layer = layers - 1 - back.index
                with _qubits(f, n, count) as (k, stride):
                    place = (block.index * layers + layer) * n + k
                    turn = f.address(turns, place * 4, VECTOR)
                    slope = f.address(slopes, place * 3, VECTOR)
                    f.call(self._undo, psi, bra, turn, slope, count, stride)
                with f.when(layer.compare("ne", 0)):
                    f.call(self._couple, psi, signs, count)
                    f.call(self._couple, bra, signs, count)
        f.give()
        return f


@contextmanager
def _qubits(f: Function, n: Value, count: Value) -> Iterator[tuple[Value, Value]]:
    """Go through the qubits: the number of each, and what its bit is worth in an index."""
    with f.loop(0, n, carry=[count // 2]) as loop:
        yield loop.index, loop.carried[0]
        loop.carry(loop.carried[0] // 2)


@contextmanager
def _pairs(
    f: Function, count: Value, stride: Value, carry: Sequence[Value] = ()
) -> Iterator[tuple[Value, Value, Loop]]:
    """Go through the pairs of amplitudes that differ in one bit; ``carry`` goes into the loop."""
    with f.loop(0, count, stride * 2, carry=carry) as outer:
        with f.loop(outer.index, outer.index + stride, carry=outer.carried) as loop:
            yield loop.index, loop.index + stride, loop
        outer.carry(*loop.results)
    loop.results = outer.results


def _rotated(turn: Sequence[Value], zero: Amplitudes, one: Amplitudes) -> list[Amplitudes]:
    """Return [[a, -b*], [b, a*]] times a pair of amplitudes."""
    (a, b, c, d), (x, y), (u, v) = turn, zero, one
    return [
        (a * x - b * y - c * u - d * v, a * y + b * x - c * v + d * u),
        (c * x - d * y + a * u + b * v, c * y + d * x + a * v - b * u),
    ]


def _turn(f: Function, turn: Value) -> list[Value]:
    return [f.load(turn, part, VECTOR) for part in range(4)]


def _rotation() -> Function:
    f = Function("rotate", psi=POINTER, turn=POINTER, count=INT, stride=INT)
    psi, turn, count, stride = f.arguments
    parts = _turn(f, turn)
    with _pairs(f, count, stride) as (i, j, _):
        turned = _rotated(parts, load(f, psi, i), load(f, psi, j))
        for place, amplitudes in zip((i, j), turned, strict=True):
            store(f, psi, place, amplitudes)
    f.give()
    return f


def _undoing() -> Function:
    """Undo a rotation in both states, and set Im <bra|P|psi> of what is left."""
    f = Function(
        "unturn", psi=POINTER, bra=POINTER, turn=POINTER, slopes=POINTER, count=INT, stride=INT
    )
    psi, bra, turn, slopes, count, stride = f.arguments
    a, b, c, d = _turn(f, turn)
    inverse = (a, -b, -c, -d)
    zero = f.value(0.0, VECTOR)
    with _pairs(f, count, stride, [zero] * 3) as (i, j, loop):
        kets, bras = (
            _rotated(inverse, load(f, state, i), load(f, state, j)) for state in (psi, bra)
        )
        for state, pair in ((psi, kets), (bra, bras)):
            for place, amplitudes in zip((i, j), pair, strict=True):
                store(f, state, place, amplitudes)
        ((p, q), (s, t)), ((x, y), (u, v)) = kets, bras
        along_x, along_y, along_z = loop.carried
        loop.carry(
            along_x + x * t - y * s + u * q - v * p,
            along_y + u * p + v * q - x * s - y * t,
            along_z + x * q - y * p - u * t + v * s,
        )
    for axis, total in enumerate(loop.results):
        f.store(total, slopes, axis)
    f.give()
    return f


def _coupling() -> Function:
    """Multiply each amplitude by its sign."""
    f = Function("couple", psi=POINTER, signs=POINTER, count=INT)
    psi, signs, count = f.arguments
    with f.loop(0, count) as loop:
        sign = f.load(signs, loop.index, REAL).splat()
        x, y = load(f, psi, loop.index)
        store(f, psi, loop.index, (x * sign, y * sign))
    f.give()
    return f


def _measurement() -> Function:
    """Set <Z> of one qubit."""
    f = Function("measure", psi=POINTER, mean=POINTER, count=INT, stride=INT)
    psi, mean, count, stride = f.arguments
    with _pairs(f, count, stride, [f.value(0.0, VECTOR)]) as (i, j, loop):
        (x, y), (u, v) = load(f, psi, i), load(f, psi, j)
        loop.carry(loop.carried[0] + x * x + y * y - u * u - v * v)
    f.store(loop.results[0], mean, 0)
    f.give()
    return f


def _observation() -> Function:
    """Set the bra to sum_k weight_k Z_k times psi: the factors by doubling, in its real parts."""
    f = Function("observe", psi=POINTER, bra=POINTER, weights=POINTER, count=INT, n=INT)
    psi, bra, weights, count, n = f.arguments
    with f.loop(0, n, carry=[f.value(0.0, VECTOR)]) as loop:
        loop.carry(loop.carried[0] + f.load(weights, loop.index, VECTOR))
    f.store(loop.results[0], bra, 0)
    with f.loop(0, n, carry=[f.value(1, INT)]) as doubling:
        size = doubling.carried[0]
        change = f.load(weights, n - 1 - doubling.index, VECTOR) * -2.0
        with f.loop(0, size) as loop:
            factor = f.load(bra, loop.index * 2, VECTOR)
            f.store(factor + change, bra, (loop.index + size) * 2)
        doubling.carry(size * 2)
    with f.loop(0, count) as loop:
        factor = f.load(bra, loop.index * 2, VECTOR)
        x, y = load(f, psi, loop.index)
        store(f, bra, loop.index, (x * factor, y * factor))
    f.give()
    return f
