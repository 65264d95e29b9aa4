"""What each axis does: the mean along it, its levels against each other, and two axes at once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import combinations

import numpy as np

from quantum_pipeline.studies.contest import Found, difference, groups
from quantum_pipeline.studies.intervals import Difference, Estimate, estimate, mean_of, of_share
from quantum_pipeline.studies.levels import (
    Axis,
    Figure,
    Level,
    Placed,
    Varied,
    as_key,
    is_number,
    objective,
)
from quantum_pipeline.studies.objectives import Sense
from quantum_pipeline.studies.summary_parts import (
    Better,
    Comparison,
    Dearer,
    Effect,
    HeatMap,
    LevelPart,
)

BINS = 4
"""Into how many parts, with as many runs each, the numbers of a spread axis are put."""

Runs = list[Placed]


def effects(varied: Varied) -> tuple[Effect, ...]:
    """Return how the objective goes along each axis but that of the seeds, the greatest first."""
    found = [
        effect for axis in varied.axes if axis.kind != "seed" if (effect := _effect(varied, axis))
    ]
    return tuple(sorted(found, key=lambda effect: -effect.size))


def _effect(varied: Varied, axis: Axis) -> Effect | None:
    by_level = [(level, runs) for level, runs in _by_level(varied, axis) if _objectives(runs)]
    if len(by_level) < 2:
        return None
    if axis.is_spread:
        parts = tuple(_bins(axis, [run for _, runs in by_level for run in runs]))
    else:
        parts = tuple(_compared(varied, axis, by_level))
    if varied.of_shares:
        parts = tuple(
            part.model_copy(update={"objective": of_share(part.objective)}) for part in parts
        )
    means = [part.objective.mean for part in parts]
    return Effect(path=axis.path, levels=parts, size=max(means) - min(means))


def _by_level(varied: Varied, axis: Axis) -> Iterator[tuple[Level, Runs]]:
    """Yield the levels of an axis with their runs, and not those it does not apply to."""
    by_key = varied.grouped([axis.path])
    for level in axis.levels:
        yield level, by_key[(as_key(level),)]


def _objectives(runs: Sequence[Placed]) -> list[float]:
    return [value for run in runs if (value := objective(run)) is not None]


def _compared(
    varied: Varied, axis: Axis, by_level: Sequence[tuple[Level, Runs]]
) -> Iterator[LevelPart]:
    """Yield the levels, each by its distance from the mean of its blocks, where there are enough.

    A block has a run at each level, and these agree in all else: what else varied is no part of
    the interval, and blocks that lack a level are left out. Where these are the greater part, the
    runs are taken as they are. Source: R. Fisher, The Design of Experiments (1935), chapter IV.
    """
    found = [varied.by_block(runs, [axis.path], objective) for _, runs in by_level]
    whole = [block for block in found[0] if all(block in each for each in found)]
    compared = len(whole) > 1 and 2 * len(whole) >= max(map(len, found))
    middle = {block: mean_of(each[block] for each in found) or 0.0 for block in whole}
    for (level, runs), each in zip(by_level, found, strict=True):
        own = estimate([_objectives(runs)])
        if compared:
            deviations = {block: each[block] - middle[block] for block in whole}
            own = _moved(estimate(groups(deviations)), estimate(groups(middle)))
        if own is not None:
            yield _level_part(level, runs, own, compared=compared)


def _moved(found: Estimate | None, by: Estimate | None) -> Estimate | None:
    if found is None or by is None:
        return None
    low, high = (None if end is None else end + by.mean for end in (found.low, found.high))
    return Estimate(mean=found.mean + by.mean, low=low, high=high, n=found.n)


def _bins(axis: Axis, runs: Runs) -> Iterator[LevelPart]:
    """Yield parts of an axis of numbers with as many runs each."""
    ordered = sorted(
        (run for run in runs if run.row.objective is not None), key=lambda run: _at(run, axis)
    )
    for part in np.array_split(np.arange(len(ordered)), BINS):
        chosen = [ordered[k] for k in part]
        own = estimate([_objectives(chosen)])
        if own is not None:
            found = _level_part(_at(chosen[0], axis), chosen, own, compared=False)
            yield found.model_copy(update={"upto": _at(chosen[-1], axis)})


def _at(run: Placed, axis: Axis) -> float:
    level = run.levels[axis.path]
    assert isinstance(level, int | float)
    return float(level)


def _level_part(level: Level, runs: Runs, found: Estimate, *, compared: bool) -> LevelPart:
    done = [run.row for run in runs if run.row.status == "SUCCEEDED"]
    return LevelPart(
        level=level,
        objective=found,
        compared=compared,
        cost_usd=mean_of(row.cost_usd for row in done),
        seconds=mean_of(row.seconds for row in done),
    )


def comparisons(varied: Varied, sense: Sense) -> tuple[Comparison, ...]:
    """Return each two levels of each choice against each other; not of axes of many numbers."""
    return tuple(
        _comparison(varied, axis, first, second, sense)
        for axis in varied.axes
        if axis.kind == "choice" and not axis.is_spread
        for first, second in combinations(
            [each for each in _by_level(varied, axis) if _objectives(each[1])], 2
        )
    )


def _comparison(
    varied: Varied, axis: Axis, first: tuple[Level, Runs], second: tuple[Level, Runs], sense: Sense
) -> Comparison:
    def found(figure: Figure) -> tuple[Found, Found]:
        mine, theirs = (varied.by_block(each[1], [axis.path], figure) for each in (first, second))
        return mine, theirs

    mine, theirs = found(objective)
    ahead = difference(mine, theirs, sense)
    cost, seconds = _more(*found(_cost)), _more(*found(_seconds))
    better = _better(ahead)
    return Comparison(
        path=axis.path,
        first=first[0],
        second=second[0],
        objective=ahead,
        cost_usd=cost,
        seconds=seconds,
        better=better,
        not_worth_its_money=_not_worth(better, cost),
    )


def _more(first: Found, second: Found) -> Difference | None:
    return difference(first, second) if first and second else None


def _cost(run: Placed) -> float | None:
    return run.row.cost_usd if run.row.status == "SUCCEEDED" else None


def _seconds(run: Placed) -> float | None:
    return run.row.seconds if run.row.status == "SUCCEEDED" else None


def _better(found: Difference) -> Better:
    if not found.is_told:
        return "not told apart"
    return "first" if found.mean > 0 else "second"


def _not_worth(better: Better, cost: Difference | None) -> Dearer | None:
    """Return which level costs more and is not told to be better."""
    if cost is None or not cost.is_told:
        return None
    dearer: Dearer = "first" if cost.mean > 0 else "second"
    return None if better == dearer else dearer


def heat_map(varied: Varied, found: Sequence[Effect]) -> HeatMap | None:
    """Return the means over the two axes with the greatest effects that have levels to list."""
    axes = {axis.path: axis for axis in varied.axes if not axis.is_spread}
    paths = [effect.path for effect in found if effect.path in axes][:2]
    if len(paths) < 2:
        return None
    down, across = sorted(
        (axes[path] for path in paths), key=lambda axis: all(map(is_number, axis.levels))
    )
    cells = varied.grouped([down.path, across.path])
    means = {
        (runs[0].levels[down.path], runs[0].levels[across.path]): mean_of(map(objective, runs))
        for runs in cells.values()
    }
    return HeatMap(
        down=down.path,
        across=across.path,
        rows=down.levels,
        columns=across.levels,
        means=tuple(
            tuple(means.get((row, column)) for column in across.levels) for row in down.levels
        ),
    )
