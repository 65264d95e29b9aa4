"""Pictures of settings and levels against each other: in quality, money and time."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from quantum_pipeline.pages.figures import (
    BLUE,
    GREEN,
    GREY,
    VERMILLION,
    drawn,
    legend_below,
    new_figure,
    printable,
)
from quantum_pipeline.pages.study_findings import Findings, by_magnitude
from quantum_pipeline.studies.levels import Level, is_number
from quantum_pipeline.studies.summary import StudySummary
from quantum_pipeline.studies.summary_parts import Comparison, SettingPart
from quantum_pipeline.studies.words import axis_name, level_words, setting_words

MOST_COMPARED, LISTED = 14, 6


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
    by_magnitude(axes, [takes for takes, _ in points.values()])
    every, best = points.values(), [points[k] for k in kept]
    axes.plot(*zip(*every, strict=True), "o", color=GREY, ms=4, label="a setting")
    axes.plot(*zip(*best, strict=True), "o-", color=VERMILLION, ms=5, lw=1, label="on the front")
    axes.grid(visible=True, axis="both")


def _mark_winner(study: Findings, *both: Axes) -> None:
    won = study.summary.winner
    if won is None:
        return
    part = study.summary.settings[won.setting]
    for axes, x in zip(both, (part.cost_usd, part.seconds), strict=True):
        if x is not None and part.quality is not None:
            axes.plot(x, part.quality, "*", color=GREEN, ms=11, mec="white", label="best mean")


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
    title = f"{told} of {len(shown)} differences are told apart from 0"
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
    """Return those that are shown: devices and algorithms first, of numbers neighbours alone."""
    first = ("device", "algorithm", "algorithm.name")
    levels = {axis.path: axis.levels for axis in summary.axes}
    shown = [each for each in summary.comparisons if _are_neighbours(each, levels[each.path])]
    return sorted(shown, key=lambda each: each.path not in first)[:MOST_COMPARED]


def _are_neighbours(found: Comparison, levels: Sequence[Level]) -> bool:
    if not all(map(is_number, levels)):
        return True
    return abs(levels.index(found.first) - levels.index(found.second)) == 1
