"""Orders the ZZ gates and SWAPs of a layer, and counts what each of them takes.

A variable is fresh until its first gate: its qubit is in |0>, one rotation away from its start,
Ry(t)|0>. That saves gates: see ``gates_of``. So the order lets entangled variables meet fresh
ones, one at a time, wherever it can, and else starts each gate as soon as its qubits are free.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from hybrid_job.on_device.compilation.chip import Chip
from hybrid_job.on_device.compilation.placing import Pairs, Placement
from hybrid_job.on_device.compilation.routing import Swaps, costs_of

NOBODY = -1


@dataclass(frozen=True)
class Step:
    """A gate on sites a, b, which hold variables i, j before it; j is NOBODY on an unused qubit.

    ``coupled``: with their ZZ; ``swaps``: they change places; ``fresh_i``, ``fresh_j``: had no gate
    before in the circuit's first layer.
    """

    a: int
    b: int
    i: int
    j: int
    coupled: bool
    swaps: bool
    fresh_i: bool = False
    fresh_j: bool = False


@dataclass(frozen=True)
class Layer:
    """A cost layer's steps, from the variables' sites at its start to those at its end.

    The next layer applies the steps backwards, and ends where this one started.
    """

    start: Placement
    end: Placement
    steps: tuple[Step, ...]

    def placement(self, layers: int) -> Placement:
        """Return the sites after a number of layers."""
        return self.end if layers % 2 else self.start

    def loss(self, chip: Chip, *, first: bool, tilted: bool) -> float:
        """Return the losses of its gates on two qubits, as the first layer or as a later one."""
        return sum(
            gates_of(step, chip, first=first, tilted=tilted) * chip.pair_loss(step.a, step.b)
            for step in self.steps
        )


def gates_of(step: Step, chip: Chip, *, first: bool, tilted: bool) -> int:
    """Return the native gates on two qubits of a step, in the first layer or a later one.

    A fresh target saves one of the two CZ of its ZZ, for ZZ(t)|s>|+> = CX(0, 1) Rz_1(t) |s>|+>;
    fresh pairs change places for nothing, and a fresh one with another one as an unused qubit does.
    """
    costs = costs_of(chip)
    fresh = (step.fresh_i + step.fresh_j) * first
    if step.j == NOBODY:
        return 0 if fresh else costs.move
    if not step.coupled:
        return (costs.swap, costs.move, 0)[fresh]
    if chip.entangler == "iswap":
        return (1 if fresh else costs.merged) if step.swaps else costs.zz
    if not step.swaps or fresh == 2:
        return 1 if fresh else costs.zz
    return 2 if fresh and not tilted else costs.merged


def scheduled(chip: Chip, start: Placement, pairs: Pairs, swaps: Swaps) -> Layer:
    """Return a layer with the SWAPs in this order, and each pair's ZZ in its best place.

    That is in a SWAP of the pair, else on the best of the couplers on which the pair meets.

    Raises:
        ValueError: a pair never meets.
    """
    work = _Work(chip, start, pairs, swaps)
    while work.is_left:
        work.take(min(work.ready(), key=work.priority))
    return _trimmed(Layer(start, tuple(work.site), tuple(work.steps)))


def _trimmed(layer: Layer) -> Layer:
    """Return the layer without SWAPs that nothing follows, or that nothing comes before.

    Their variables end, or start, in each other's places instead.
    """
    steps, end = _without_first_swaps(layer.steps[::-1], layer.end)
    steps, start = _without_first_swaps(steps[::-1], layer.start, ahead=True)
    return Layer(start, end, steps)


def _without_first_swaps(
    steps: tuple[Step, ...], placement: Placement, *, ahead: bool = False
) -> tuple[tuple[Step, ...], Placement]:
    site, touched, kept = list(placement), set[int](), []
    for step in steps:
        ends = {step.a, step.b}
        if not step.swaps or touched & ends:
            kept.append(step)
            touched |= ends
            continue
        new_a, new_b = (step.b, step.a) if ahead else (step.a, step.b)
        site[step.i] = new_a
        if step.j != NOBODY:
            site[step.j] = new_b
        if step.coupled:
            kept.append(replace(step, a=new_a, b=new_b, swaps=False))
            touched |= ends
    return tuple(kept), tuple(site)


@dataclass(frozen=True)
class _Meeting:
    """A ZZ that is due when i and j have been moved so often."""

    i: int
    j: int
    moves_i: int
    moves_j: int


class _Work:
    """What is left of a layer, while its steps are put in order."""

    def __init__(self, chip: Chip, start: Placement, pairs: Pairs, swaps: Swaps) -> None:
        self._chip = chip
        self._swaps = swaps
        meetings, self._coupled = _meetings(chip, start, pairs, swaps)
        self._meetings = set(meetings)
        self._due: dict[tuple[int, int], int] = {}
        for each in meetings:
            for key in ((each.i, each.moves_i), (each.j, each.moves_j)):
                self._due[key] = self._due.get(key, 0) + 1
        self._queue: dict[int, list[int]] = {}
        for k, ends in enumerate(swaps):
            for place in ends:
                self._queue.setdefault(place, []).append(k)
        self.site = list(start)
        self._held = {place: variable for variable, place in enumerate(start)}
        self._moves = [0] * len(start)
        self._fresh = set(range(len(start)))
        self._free_at = [0] * chip.n_sites
        self._open = len(swaps)
        self.steps: list[Step] = []

    @property
    def is_left(self) -> bool:
        return bool(self._meetings or self._open)

    def ready(self) -> list[Step]:
        steps = [
            self._step(self.site[each.i], self.site[each.j], coupled=True, swaps=False)
            for each in sorted(self._meetings, key=lambda each: (each.i, each.j))
            if (self._moves[each.i], self._moves[each.j]) == (each.moves_i, each.moves_j)
        ]
        for a, queue in self._queue.items():
            if not queue:
                continue
            ends = self._swaps[queue[0]]
            if a != ends[0] or self._queue[ends[1]][0] != queue[0]:
                continue
            here = [self._held.get(place, NOBODY) for place in ends]
            if any(self._due.get((each, self._moves[each])) for each in here if each != NOBODY):
                continue
            steps.append(self._step(*ends, coupled=queue[0] in self._coupled, swaps=True))
        return steps

    def _step(self, a: int, b: int, *, coupled: bool, swaps: bool) -> Step:
        i, j = self._held.get(a, NOBODY), self._held.get(b, NOBODY)
        if i == NOBODY:
            a, b, i, j = b, a, j, i
        return Step(a, b, i, j, coupled, swaps, i in self._fresh, j in self._fresh)

    def priority(self, step: Step) -> tuple[int, int, int, int]:
        fresh = step.fresh_i + step.fresh_j
        starts = step.coupled and fresh == 2
        return (
            2 if starts else 0 if fresh else 1,
            max(self._free_at[step.a], self._free_at[step.b]),
            step.a,
            step.b,
        )

    def take(self, step: Step) -> None:
        if not step.swaps:
            meeting = next(each for each in self._meetings if {each.i, each.j} == {step.i, step.j})
            self._meetings.remove(meeting)
            for key in ((meeting.i, meeting.moves_i), (meeting.j, meeting.moves_j)):
                self._due[key] -= 1
        else:
            self._open -= 1
            for place in (step.a, step.b):
                self._queue[place].pop(0)
            self._move(step)
        if step.coupled:
            self._fresh -= {step.i, step.j}
        self._free_at[step.a] = self._free_at[step.b] = 1 + max(
            self._free_at[step.a], self._free_at[step.b]
        )
        self.steps.append(step)

    def _move(self, step: Step) -> None:
        for variable, place in ((step.i, step.b), (step.j, step.a)):
            if variable == NOBODY:
                self._held.pop(place, None)
                continue
            self.site[variable] = place
            self._held[place] = variable
            self._moves[variable] += 1


def _meetings(
    chip: Chip, start: Placement, pairs: Pairs, swaps: Swaps
) -> tuple[list[_Meeting], set[int]]:
    """Return when each pair is to meet, and the SWAPs that take the ZZ of their pair along."""
    partners: list[set[int]] = [set() for _ in start]
    for i, j in pairs:
        partners[i].add(j)
        partners[j].add(i)
    site, moves = list(start), [0] * len(start)
    held = {place: variable for variable, place in enumerate(start)}
    best: dict[tuple[int, int], tuple[float, _Meeting]] = {}
    carried: dict[tuple[int, int], int] = {}

    def meet(i: int) -> None:
        for j in partners[i]:
            if chip.distances[site[i]][site[j]] == 1:
                pair = (min(i, j), max(i, j))
                loss = chip.pair_loss(site[i], site[j])
                if pair not in best or loss < best[pair][0]:
                    best[pair] = loss, _Meeting(*pair, moves[pair[0]], moves[pair[1]])

    for variable in range(len(start)):
        meet(variable)
    for k, (a, b) in enumerate(swaps):
        i, j = held.pop(a, NOBODY), held.pop(b, NOBODY)
        if j in partners[i] if i != NOBODY else False:
            carried.setdefault((min(i, j), max(i, j)), k)
        for variable, place in ((i, b), (j, a)):
            if variable != NOBODY:
                site[variable], held[place] = place, variable
                moves[variable] += 1
        for variable in (i, j):
            if variable != NOBODY:
                meet(variable)
    apart = [pair for pair in pairs if pair not in best and pair not in carried]
    if apart:
        raise ValueError(f"pairs {apart} never meet")
    return [best[pair][1] for pair in pairs if pair not in carried], set(carried.values())
