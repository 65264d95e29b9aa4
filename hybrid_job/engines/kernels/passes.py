"""The kernels: single passes over the state that do all possible work on a tile at once.

Since the factors of a mixer commute, it may be split: some qubits now, others later. A pass applies
what is left of one layer's mixer, the next layer's phases, and its mixer on the same qubits, so
that p layers take p + 1 passes. The last pass measures, and turns back; on the way back

    <lambda| = <psi| O,    d/d(angle) = 2 Im <lambda|D|psi>

behind each gate exp(-i angle D), where <lambda| is "the bra" here.
Source: Jones, Gacon, arXiv:2009.02823.
"""

from __future__ import annotations

from hybrid_job.engines.kernels.language import INT, POINTER, REAL, Function
from hybrid_job.engines.kernels.layout import BACKWARD, FIELDS, FORWARD, SUMS, TURN
from hybrid_job.engines.kernels.machine import Processor
from hybrid_job.engines.kernels.mixing import Mixing
from hybrid_job.engines.kernels.phases import Phases
from hybrid_job.engines.kernels.tiles import Tile, copying, get, put


class Kernels:
    """The passes for one kind of costs and processor: ``functions`` is all of their code."""

    def __init__(self, kind: str, processor: Processor) -> None:
        self._mixing, self._phases = Mixing(processor), Phases(kind)
        self._gather, self._scatter = copying(out=False), copying(out=True)
        self.functions = [
            *self._mixing.functions,
            *self._phases.functions,
            self._gather,
            self._scatter,
            *(passes := [self._forward(), self._turn(), self._backward()]),
            self._run(passes),
        ]

    def _run(self, passes: list[Function]) -> Function:
        """Do passes one after the other; tables are computed before any that is not BACKWARD."""
        f = Function("run", tasks=POINTER, count=INT)
        tasks, count = f.arguments
        with f.loop(0, count) as loop:
            task = f.address(tasks, loop.index * len(FIELDS), INT)
            kind = get(f, task, "kind")
            for result in FIELDS[SUMS]:
                put(f, task, result, f.value(0.0, REAL))
            with f.when(kind.compare("ne", BACKWARD)):
                f.call(self._phases.tabulate, task)
            for number, function in zip((FORWARD, TURN, BACKWARD), passes, strict=True):
                with f.when(kind.compare("eq", number)):
                    f.call(function, task)
        f.give()
        return f

    def _forward(self) -> Function:
        """Mix, phases, mix; and keep the state as it is between the last two."""
        f = Function("forward", task=POINTER)
        (task,) = f.arguments
        psi, kept = get(f, task, "psi"), get(f, task, "kept")
        before, after = get(f, task, "before"), get(f, task, "after")
        start = get(f, task, "start").compare("ne", 0)
        goes_on = get(f, task, "start").compare("eq", 0)
        halfway = get(f, task, "halfway").compare("ne", 0)
        tile = Tile(f, task)
        with tile.loop() as number:
            place = tile.place(psi, "scratch_psi", number)
            with f.when(start):
                f.call(self._phases.begin, task, number, place)
            with f.when(goes_on):
                with f.when(tile.elsewhere):
                    f.call(self._gather, task, number, psi, place)
                with f.when(halfway):
                    f.call(self._mixing.mix, task, place, tile.count, before)
                f.call(self._phases.phase, task, number, place)
                with f.when(kept.cast("ptrtoint", INT).compare("ne", 0)):
                    tile.copy(place, tile.kept(kept, number))
            with f.when(after.compare("une", 0.0)):
                f.call(self._mixing.mix, task, place, tile.count, after)
            with f.when(tile.elsewhere):
                f.call(self._scatter, task, number, psi, place)
        f.give()
        return f

    def _turn(self) -> Function:
        """Mix the rest of the last layer and measure; begin the way back with the bra."""
        f = Function("turn", task=POINTER)
        (task,) = f.arguments
        psi, bra = get(f, task, "psi"), get(f, task, "bra")
        ket, image = get(f, task, "scratch_psi"), get(f, task, "scratch_bra")
        before = get(f, task, "before")
        by_array = get(f, task, "observable").cast("ptrtoint", INT).compare("ne", 0)
        wanted = bra.cast("ptrtoint", INT).compare("ne", 0)
        halfway = get(f, task, "halfway").compare("ne", 0)
        tile = Tile(f, task)
        with tile.loop() as number:
            f.call(self._gather, task, number, psi, ket)
            with f.when(halfway):
                f.call(self._mixing.mix, task, ket, tile.count, before)
            with f.when(by_array):
                tile.add("sum0", f.call(self._phases.by_amplitude, task, number, ket, image))
            with f.when(by_array.compare("eq", f.value(0, "i1"))):
                tile.add("sum0", f.call(self._phases.by_cost, task, number, ket, image))
            with f.when(wanted):
                with f.when(halfway):
                    tile.add("sum1", f.call(self._mixing.overlap, task, image, ket, tile.count))
                    f.call(self._mixing.mix, task, image, tile.count, -before)
                f.call(self._scatter, task, number, bra, image)
        f.give()
        return f

    def _backward(self) -> Function:
        """Undo a pass in the bra, and in the state, which is kept, begun with, or undone too."""
        f = Function("backward", task=POINTER)
        (task,) = f.arguments
        psi, bra, kept = (get(f, task, x) for x in ("psi", "bra", "kept"))
        before, after = get(f, task, "before"), get(f, task, "after")
        start = get(f, task, "start").compare("ne", 0)
        goes_on = get(f, task, "start").compare("eq", 0)
        undone = psi.cast("ptrtoint", INT).compare("ne", 0)
        halfway = get(f, task, "halfway").compare("ne", 0)
        tile = Tile(f, task)
        with tile.loop() as number:
            image = tile.place(bra, "scratch_bra", number)
            with f.when(tile.elsewhere):
                f.call(self._gather, task, number, bra, image)
            f.call(self._mixing.mix, task, image, tile.count, -after)
            scratch = get(f, task, "scratch_psi")
            ket = undone.select(tile.place(psi, "scratch_psi", number), scratch)
            with f.when(start):
                f.call(self._phases.begin, task, number, ket)
            with f.when(undone):
                with f.when(tile.elsewhere):
                    f.call(self._gather, task, number, psi, ket)
                f.call(self._mixing.mix, task, ket, tile.count, -after)
            between = kept.cast("ptrtoint", INT).compare("ne", 0)
            between = between.select(tile.kept(kept, number), ket)
            tile.add("sum0", f.call(self._mixing.overlap, task, image, between, tile.count))
            tile.add("sum1", f.call(self._phases.undo, task, number, image, between, ket))
            with f.when(goes_on):
                with f.when(halfway):
                    tile.add("sum2", f.call(self._mixing.overlap, task, image, ket, tile.count))
                    f.call(self._mixing.mix, task, image, tile.count, -before)
                with f.when(tile.elsewhere):
                    f.call(self._scatter, task, number, bra, image)
                with f.when(undone):
                    with f.when(halfway):
                        f.call(self._mixing.mix, task, ket, tile.count, -before)
                    with f.when(tile.elsewhere):
                        f.call(self._scatter, task, number, psi, ket)
        f.give()
        return f
