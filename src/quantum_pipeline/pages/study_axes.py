"""Pictures of what each axis of a study does: along it, two at once, and run by run."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from math import ceil

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from quantum_pipeline.pages.figures import (
    BLACK,
    BLUE,
    ORANGE,
    PALE,
    SKY,
    drawn,
    empty_figure,
    legend_below,
    new_figure,
    printable,
)
from quantum_pipeline.pages.numbers import short
from quantum_pipeline.pages.study_findings import Findings, by_magnitude
from quantum_pipeline.studies.levels import Axis, Level, is_number, objective
from quantum_pipeline.studies.summary_parts import Effect
from quantum_pipeline.studies.words import axis_name, level_words

MOST_AXES, MOST_NAMED, MOST_CELLS = 6, 8, 20

Array = NDArray[np.float64]


@drawn
def effects(study: Findings) -> tuple[str, str, Figure]:
    """Draw the mean along each axis, all to one scale, over the runs themselves."""
    found = study.summary.effects[:MOST_AXES]
    columns = 2 if len(found) == 4 else min(len(found), 3)
    rows = ceil(len(found) / columns)
    figure = empty_figure(0.9 + 2.3 * rows)
    shared: Axes | None = None
    for k, effect in enumerate(found):
        axes = figure.add_subplot(rows, columns, 1 + k, sharey=shared)
        shared = shared or axes
        _along(axes, study, effect)
        if k % columns:
            axes.tick_params(labelleft=False)
        else:
            axes.set_ylabel(study.figure_name)
    title = f"{axis_name(found[0].path)} moves the mean by {short(found[0].size)}"
    caption = (
        "Large points: the mean of the runs at each level, with its 95 % interval; small points: "
        f"the runs. {study.better.capitalize()}. All panels have one scale."
    )
    return study.titled(title), caption, figure


def _along(axes: Axes, study: Findings, effect: Effect) -> None:
    axis = next(each for each in study.varied.axes if each.path == effect.path)
    draw = _spread if axis.is_spread else _listed
    draw(axes, study, axis, effect)
    axes.set_xlabel(printable(axis_name(effect.path), 24))


def _listed(axes: Axes, study: Findings, axis: Axis, effect: Effect) -> None:
    levels = [part.level for part in effect.levels]
    found = [
        # beside each other, and at the same places in every picture
        (levels.index(level) + 0.16 * np.sin(2.4 * run.row.setting.number), value)
        for run in study.varied.runs
        if (value := objective(run)) is not None and (level := run.levels[axis.path]) in levels
    ]
    axes.plot(*zip(*found, strict=True), "o", color=PALE, ms=2.2, zorder=1)
    _points(axes, np.arange(len(levels), dtype=float), effect, joined=all(map(is_number, levels)))
    axes.set_xlim(-0.5, len(levels) - 0.5)
    names = [_wrapped(level_words(level)) for level in levels]
    turned = sum(len(max(name.split("\n"), key=len)) for name in names) > 16
    every = 1 + (len(names) - 1) // MOST_NAMED
    axes.set_xticks(
        range(0, len(levels), every),
        names[::every],
        rotation=35 if turned else 0,
        ha="right" if turned else "center",
        rotation_mode="anchor",
    )


def _wrapped(text: str) -> str:
    """Return a text in two short lines at most."""
    lines = textwrap.wrap(text, 14, max_lines=2, placeholder="…")
    return "\n".join(printable(line, 15) for line in lines)


def _spread(axes: Axes, study: Findings, axis: Axis, effect: Effect) -> None:
    found = [
        (run.levels[axis.path], value)
        for run in study.varied.runs
        if (value := objective(run)) is not None and is_number(run.levels[axis.path])
    ]
    values = np.array([level for level, _ in found], dtype=float)
    by_magnitude(axes, list(values))
    axes.plot(values, [value for _, value in found], "o", color=PALE, ms=2.2, zorder=1)
    ends = np.array([(part.level, part.upto) for part in effect.levels], dtype=float)
    middle = np.sqrt(ends.prod(axis=1)) if axes.get_xscale() == "log" else ends.mean(axis=1)
    _points(axes, middle, effect, joined=True)


def _points(axes: Axes, at: Array, effect: Effect, *, joined: bool) -> None:
    means = np.array([part.objective.mean for part in effect.levels])
    for x, part in zip(at, effect.levels, strict=True):
        if part.objective.low is not None and part.objective.high is not None:
            axes.plot([x, x], [part.objective.low, part.objective.high], color=BLUE, lw=2)
    axes.plot(at, means, "o-" if joined else "o", color=BLUE, lw=1, ms=5.5, mec="white", zorder=3)


@drawn
def heat_map(study: Findings) -> tuple[str, str, Figure]:
    """Draw the means over two axes as colours and numbers."""
    found = study.summary.heat_map
    assert found is not None
    means = np.array(
        [[np.nan if each is None else each for each in row] for row in found.means], dtype=float
    )
    figure, (axes,) = new_figure(1.5 + 0.36 * min(len(found.rows), MOST_CELLS))
    colours = "cividis" if study.summary.objective.sense == "maximise" else "cividis_r"
    axes.pcolormesh(means, cmap=colours, edgecolors="white", linewidth=1.5)
    axes.invert_yaxis()
    axes.grid(visible=False)
    axes.set_xticks(np.arange(len(found.columns)) + 0.5, _names(found.columns))
    axes.set_yticks(np.arange(len(found.rows)) + 0.5, _names(found.rows))
    axes.set_xlabel(axis_name(found.across))
    axes.set_ylabel(axis_name(found.down))
    axes.tick_params(length=0)
    for spine in axes.spines.values():
        spine.set_visible(False)
    low, high = np.nanmin(means), np.nanmax(means)
    for (row, column), mean in np.ndenumerate(means):
        if not np.isnan(mean):
            share = (mean - low) / (high - low) if high > low else 0.5
            light = share > 0.55 if colours == "cividis" else share < 0.45
            colour = BLACK if light else "white"
            axes.text(column + 0.5, row + 0.5, short(mean), ha="center", va="center", color=colour)
    title = f"Mean {study.figure_name} over {axis_name(found.down)} and {axis_name(found.across)}"
    caption = (
        f"Means of all runs in a cell; {study.better}. An empty cell has no run with a result."
    )
    return study.titled(title), caption, figure


def _names(levels: Sequence[Level]) -> list[str]:
    return [printable(level_words(level), 22) for level in levels]


@drawn
def course(study: Findings) -> tuple[str, str, Figure]:
    """Draw each run in the order of its proposal, and the best until then."""
    sign = 1.0 if study.summary.objective.sense == "maximise" else -1.0
    found = [
        (run.row.setting.number + 1, value)
        for run in study.varied.runs
        if (value := objective(run)) is not None
    ]
    at, values = (np.array(each) for each in zip(*found, strict=True))
    best = sign * np.maximum.accumulate(sign * values)
    figure, (axes,) = new_figure(3.2)
    axes.plot(at, values, "o", color=SKY, ms=3, label="a run")
    axes.step(at, best, where="post", color=ORANGE, label="best so far")
    axes.set_xlabel("run, in the order of its proposal")
    axes.set_ylabel(study.figure_name)
    legend_below(figure)
    last = int(at[np.argmax(sign * values)])
    title = f"The best of {len(values)} runs was number {last}"
    return (
        study.titled(title),
        f"What the strategy proposed, and the best so far; {study.better}.",
        figure,
    )
