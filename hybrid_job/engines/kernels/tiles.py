"""Loads, stores, copies and iterates over tiles of the state."""

from __future__ import annotations

import ctypes
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from hybrid_job.engines.kernels.language import INT, POINTER, REAL, VECTOR, Function, Loop, Value
from hybrid_job.engines.kernels.layout import Pass

_KINDS = {ctypes.c_void_p: POINTER, ctypes.c_int64: INT, ctypes.c_double: REAL}
_PLACES = {name: (place, _KINDS[kind]) for place, (name, kind) in enumerate(Pass._fields_)}

Amplitudes = tuple[Value, Value]
"""Eight amplitudes: their real and their imaginary parts."""


def get(f: Function, task: Value, name: str) -> Value:
    """Return a field of the pass."""
    place, kind = _PLACES[name]
    return f.load(task, place, kind)


def put(f: Function, task: Value, name: str, value: Value) -> None:
    """Set a field of the pass."""
    f.store(value, task, _PLACES[name][0])


def load(f: Function, tile: Value, index: Value) -> Amplitudes:
    """Return a vector of a tile or state."""
    return f.load(tile, index * 2, VECTOR), f.load(tile, index * 2 + 1, VECTOR)


def store(f: Function, tile: Value, index: Value, amplitudes: Amplitudes) -> None:
    """Set a vector of a tile or state."""
    for part, value in enumerate(amplitudes):
        f.store(value, tile, index * 2 + part)


def overlap(a: Amplitudes, b: Amplitudes, total: Value) -> Value:
    """Add Im(conj(a) b) to a total."""
    return total + a[0] * b[1] - a[1] * b[0]


@dataclass(frozen=True)
class Visit:
    """One vector of a tile: its places in the state, in costs and observable, and in the tile."""

    state: Value
    entry: Value
    tile: Value
    upcoming: Value  # that of the next tile in the state
    loop: Loop


@contextmanager
def each(f: Function, task: Value, number: Value, carry: Sequence[Value] = ()) -> Iterator[Visit]:
    """Go through the vectors of a tile."""
    width, rows, step, stride, run = (
        get(f, task, x) for x in ("width", "rows", "step", "stride", "run")
    )
    across = get(f, task, "columns") - 1 - number * 2
    with f.loop(0, get(f, task, "segments"), carry=carry) as segment:
        column = number + segment.index * across
        onwards = step - segment.index * 2 * step  # the complements come from the other end
        with f.loop(0, rows, carry=segment.carried) as row:
            state = column * step + row.index * stride
            entry = column * width + row.index * run
            tile = (segment.index * rows + row.index) * width
            with f.loop(0, width, carry=row.carried) as loop:
                at = loop.index
                yield Visit(state + at, entry + at, tile + at, state + onwards + at, loop)
            row.carry(*loop.results)
        segment.carry(*row.results)
    loop.results = segment.results


def copying(*, out: bool) -> Function:
    """Copy a tile from the state to a scratch area, or back."""
    f = Function(
        "scatter" if out else "gather", task=POINTER, number=INT, state=POINTER, tile=POINTER
    )
    task, number, state, tile = f.arguments
    with each(f, task, number) as at:
        if out:
            store(f, state, at.state, load(f, tile, at.tile))
        else:
            for part in (0, 1):
                f.prefetch(state, at.upcoming * 2 + part, VECTOR)
            store(f, tile, at.tile, load(f, state, at.state))
    f.give()
    return f


class Tile:
    """The tiles of a pass, within the function that goes through them."""

    def __init__(self, f: Function, task: Value) -> None:
        self._f, self._task = f, task
        self.count = get(f, task, "segments") * get(f, task, "rows") * get(f, task, "width")
        parts = get(f, task, "segments") * get(f, task, "rows")
        self.elsewhere = parts.compare("ne", 1)

    @contextmanager
    def loop(self) -> Iterator[Value]:
        """Count the tiles."""
        first, last = get(self._f, self._task, "first"), get(self._f, self._task, "last")
        with self._f.loop(first, last) as loop:
            yield loop.index

    def kept(self, array: Value, number: Value) -> Value:
        """Return the address of a tile in an array of tiles."""
        return self._f.address(array, number * self.count * 2, VECTOR)

    def place(self, state: Value, scratch: str, number: Value) -> Value:
        """Return where the tile is worked on: in the state if it is one run, else elsewhere."""
        own = self._f.address(state, number * get(self._f, self._task, "step") * 2, VECTOR)
        return self.elsewhere.select(get(self._f, self._task, scratch), own)

    def copy(self, source: Value, target: Value) -> None:
        """Copy one tile to another place."""
        with self._f.loop(0, self.count) as loop:
            store(self._f, target, loop.index, load(self._f, source, loop.index))

    def add(self, result: str, more: Value) -> None:
        """Add to one of the results."""
        put(self._f, self._task, result, get(self._f, self._task, result) + more)
