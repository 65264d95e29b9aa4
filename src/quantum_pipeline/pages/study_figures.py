"""Pictures of a study: along each axis, against money and time, two axes at once, one by one."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import ceil, floor, log10

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import NullLocator
from numpy.typing import NDArray

from quantum_pipeline.pages.figures import (
    BLACK,
    BLUE,
    DOTS_PER_INCH,
    GREEN,
    GREY,
    ORANGE,
    PALE,
    SKY,
    VERMILLION,
    WIDTH_INCHES,
    Picture,
    drawn,
    legend_below,
    new_figure,
    printable,
)
from quantum_pipeline.pages.numbers import short
from quantum_pipeline.studies.levels import Axis, Level, Varied, is_number, objective
from quantum_pipeline.studies.rows import RunRow
from quantum_pipeline.studies.study import parse_study
from quantum_pipeline.studies.summary import StudySummary
from quantum_pipeline.studies.summary_parts import Comparison, Effect, SettingPart
from quantum_pipeline.studies.words import axis_name, level_words, setting_words

Array = NDArray[np.float64]

MOST_AXES, MOST_COMPARED, MOST_CELLS, LISTED = 6, 14, 20, 6

_SIGN = {"maximise": "higher is better", "minimise": "lower is better"}


@dataclass(frozen=True)
class Findings:
    """A summary with the runs that it is of."""

    summary: StudySummary
    rows: Sequence[RunRow]

    @cached_property
    def varied(self) -> Varied:
        """The runs on the axes of their study."""
        return Varied(parse_study(self.summary.study), self.rows)

    @property
    def figure_name(self) -> str:
        """What the objective is called on an axis of a picture."""
        return self.summary.objective.path.split(".", 1)[-1].replace("_", " ")

    @property
    def better(self) -> str:
        """Which way the objective is better, in words."""
        return _SIGN[self.summary.objective.sense]

    def titled(self, title: str) -> str:
        """Return the title of a picture, which says what was emulated: it leaves the page."""
        emulated = self.summary.emulated
        return f"{title} (emulated: {', '.join(emulated)})" if emulated else title


@drawn
def effects(study: Findings) -> tuple[str, str, Figure]:
    """Draw the mean along each axis, all to one scale, over the runs themselves."""
    found = study.summary.effects[:MOST_AXES]
    columns = min(len(found), 3)
    rows = ceil(len(found) / columns)
    figure = Figure((WIDTH_INCHES, 0.9 + 2.3 * rows), dpi=DOTS_PER_INCH)
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
    turned = sum(map(len, names)) > 16
    axes.set_xticks(
        range(len(levels)),
        names,
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
    if values.min() > 0 and values.max() / values.min() > 30:
        axes.set_xscale("log")
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
def fronts(study: Findings) -> tuple[str, str, Figure]:
    """Draw what each setting gave over what a run of it cost, and over how long it took."""
    found = study.summary.fronts
    assert found is not None
    figure, (money, time) = new_figure(3.4, 2)
    for axes, kept, what, unit in (
        (money, found.money, "cost_usd", "USD a run"),
        (time, found.time, "seconds", "seconds of a job"),
    ):
        _front(axes, study.summary.settings, kept, what)
        axes.set_xlabel(unit)
    money.set_ylabel(found.quality_path.split(".", 1)[-1].replace("_", " "))
    money.sharey(time)
    time.tick_params(labelleft=False)
    _mark_winner(study, money, time)
    _once(time)
    legend_below(figure, 3)
    names = [setting_words(study.summary.settings[k].levels) for k in found.money]
    listed = "; ".join(names[:LISTED]) + (" and others" if len(names) > LISTED else "")
    n_settings = len(study.summary.settings)
    title = f"{len(names)} of {n_settings} settings: nothing is as good for less money"
    caption = (
        "Each point is a setting, the mean of its runs; on the front nothing else is as good for "
        f"less. By money: {listed}."
    )
    return study.titled(title), caption, figure


def _once(axes: Axes) -> None:
    """Take the names of lines away that another panel has in the legend."""
    for line in axes.get_lines():
        line.set_label("_")


def _front(axes: Axes, settings: Sequence[SettingPart], kept: Sequence[int], what: str) -> None:
    points = {
        k: (takes, part.quality)
        for k, part in enumerate(settings)
        if (takes := getattr(part, what)) is not None and part.quality is not None
    }
    _by_magnitude(axes, [takes for takes, _ in points.values()])
    every, best = points.values(), [points[k] for k in kept]
    axes.plot(*zip(*every, strict=True), "o", color=GREY, ms=4, label="a setting")
    axes.plot(*zip(*best, strict=True), "o-", color=VERMILLION, ms=5, lw=1, label="on the front")
    axes.grid(visible=True, axis="both")


def _by_magnitude(axes: Axes, takes: Sequence[float]) -> None:
    """Make the lower axis logarithmic where it spans more than a decade; 0 keeps its place."""
    paid = [each for each in takes if each > 0]
    if not paid:
        axes.set_xticks([0.0])
    if not paid or max(paid) <= 10 * min(paid):
        return
    if len(paid) == len(takes):
        axes.set_xscale("log")
    else:
        axes.set_xscale("symlog", linthresh=min(paid), linscale=0.4)
    decades = range(ceil(log10(min(paid))), floor(log10(max(paid))) + 1)
    ticks = [10.0**k for k in decades][:: 1 + len(decades) // 6]
    axes.set_xticks([*([0.0] if len(paid) < len(takes) else []), *ticks], minor=False)
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:g}")
    axes.xaxis.set_minor_locator(NullLocator())


def _mark_winner(study: Findings, *both: Axes) -> None:
    won = study.summary.winner
    if won is None:
        return
    part = study.summary.settings[won.setting]
    for axes, x in zip(both, (part.cost_usd, part.seconds), strict=True):
        if x is not None and part.quality is not None:
            axes.plot(x, part.quality, "*", color=GREEN, ms=11, mec="white", label="best mean")


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
def comparisons(study: Findings) -> tuple[str, str, Figure]:
    """Draw by how much one level is better than another, with its interval."""
    shown = compared(study.summary)
    figure, (axes,) = new_figure(1.3 + 0.27 * len(shown))
    axes.axvline(0, color=GREY, lw=1)
    for k, each in enumerate(shown):
        ahead = each.objective
        colour = {"first": BLUE, "second": VERMILLION, "not told apart": GREY}[each.better]
        if ahead.low is not None and ahead.high is not None:
            axes.plot([ahead.low, ahead.high], [k, k], color=colour, lw=2)
        axes.plot(ahead.mean, k, "o", color=colour, ms=5.5, mec="white", zorder=3)
    names = [_against(each) for each in shown]
    axes.set_yticks(range(len(shown)), [printable(name, 46) for name in names])
    axes.set_ylim(len(shown) - 0.4, -0.6)
    axes.grid(visible=True, axis="x")
    axes.grid(visible=False, axis="y")
    axes.set_xlabel(f"better by, in {study.figure_name}")
    told = sum(each.better != "not told apart" for each in shown)
    title = f"{told} of {len(shown)} differences are told apart from none"
    caption = (
        "Mean differences in runs that agree in all else, where there are such, with their 95 % "
        "intervals. Grey: the interval has 0 in it."
    )
    return study.titled(title), caption, figure


def _against(found: Comparison) -> str:
    """Return which two levels are compared; of numbers the axis too."""
    first, second = level_words(found.first), level_words(found.second)
    axis = "" if isinstance(found.first, str) else f"{axis_name(found.path)} "
    return f"{axis}{first} against {second}"


def compared(summary: StudySummary) -> list[Comparison]:
    """Return the comparisons that are shown first: devices, algorithms, and then the others."""
    first = ("device", "algorithm", "algorithm.name")
    ordered = sorted(summary.comparisons, key=lambda each: each.path not in first)
    return ordered[:MOST_COMPARED]


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


def pictures(study: Findings) -> dict[str, Picture]:
    """Return the pictures that a study has, by their names in its folder."""
    summary = study.summary
    wanted: dict[str, tuple[bool, Callable[[Findings], Picture]]] = {
        "plots/effects.png": (bool(summary.effects), effects),
        "plots/fronts.png": (_has_front(summary), fronts),
        "plots/heat_map.png": (_has_heat_map(summary), heat_map),
        "plots/comparisons.png": (bool(summary.comparisons), comparisons),
        "plots/course.png": (_has_course(summary), course),
    }
    return {name: draw(study) for name, (there, draw) in wanted.items() if there}


def _has_front(summary: StudySummary) -> bool:
    found = summary.fronts
    return len(summary.settings) > 1 and found is not None and bool(found.money and found.time)


def _has_heat_map(summary: StudySummary) -> bool:
    found = summary.heat_map
    return found is not None and max(len(found.rows), len(found.columns)) <= MOST_CELLS


def _has_course(summary: StudySummary) -> bool:
    return summary.study["strategy"]["name"] != "grid" and bool(summary.winner)
