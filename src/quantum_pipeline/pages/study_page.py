"""The page of a study: what varied, what won, by how much, and what it cost."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from quantum_pipeline.pages import numbers
from quantum_pipeline.pages.figures import Picture
from quantum_pipeline.pages.page import LONGEST_REQUEST, asset, environment, policy
from quantum_pipeline.pages.study_figures import pictures
from quantum_pipeline.pages.study_findings import Findings
from quantum_pipeline.studies.contest import signed
from quantum_pipeline.studies.intervals import Difference, Estimate
from quantum_pipeline.studies.levels import Level, Placed
from quantum_pipeline.studies.objectives import Sense
from quantum_pipeline.studies.rows import RunRow
from quantum_pipeline.studies.summary import StudySummary
from quantum_pipeline.studies.summary_parts import ClassicalPart, Comparison, SettingPart
from quantum_pipeline.studies.words import (
    axis_name,
    comparison_words,
    findings,
    interval,
    level_words,
    usd,
)

MOST_RUNS = 1000
"""Runs that the page lists; runs.csv has all."""

MOST_LISTED = 8
"""Levels of an axis that are listed one by one."""

HTML, CSV = "report.html", "runs.csv"


class Cell(NamedTuple):
    """What a cell of a table shows, and the number by which it is sorted, if it is one."""

    text: str
    order: float | None = None

    @property
    def kind(self) -> str:
        """How it is set: a number, a sentence or a word."""
        return "number" if self.order is not None else "long" if len(self.text) > 30 else "word"


class Line(NamedTuple):
    """A line of a table of settings or runs."""

    cells: tuple[Cell, ...]
    mark: str = ""
    is_main: bool = False
    is_failed: bool = False


class Sortable(NamedTuple):
    """A table that sorts in the browser."""

    columns: tuple[str, ...]
    lines: tuple[Line, ...]


def render_study(summary: StudySummary, rows: Sequence[RunRow]) -> dict[str, bytes]:
    """Return the page and all pictures of a study, by their names in its folder."""
    drawn = pictures(Findings(summary, rows))
    files = {name: picture.png for name, picture in drawn.items()}
    return files | {HTML: study_page(summary, rows, list(drawn.values())).encode()}


def study_page(summary: StudySummary, rows: Sequence[RunRow], shown: Sequence[Picture]) -> str:
    """Return the page of a study with its pictures."""
    varied = Findings(summary, rows).varied
    study = json.dumps(summary.study, indent=2, ensure_ascii=False)
    return (
        environment()
        .get_template("study.html.j2")
        .render(
            policy=policy(asset("page.css"), asset("sort.js")),
            summary=summary,
            axes=[_axis(path, levels) for path, levels in _levels(summary)],
            findings=[
                [_minus(each) for each in found[:3]] + [found[3]] for found in findings(summary)
            ],
            pictures=shown,
            settings=_settings(summary, summary.settings, marked=True),
            by_problem=_settings(summary, summary.by_problem, marked=False),
            comparisons=_comparisons(summary),
            runs=_runs(summary, varied.runs),
            left_out=max(len(rows) - MOST_RUNS, 0),
            csv=CSV,
            study=study if len(study) <= LONGEST_REQUEST else None,
        )
    )


def _levels(summary: StudySummary) -> Iterator[tuple[str, tuple[Level, ...]]]:
    return ((axis.path, axis.levels) for axis in summary.axes)


def _axis(path: str, levels: Sequence[Level]) -> tuple[str, str]:
    """Return what varied, and over what."""
    words = [level_words(each) for each in levels]
    if len(words) > MOST_LISTED:
        return path, _minus(f"{words[0]} to {words[-1]}, {len(words)} values")
    return path, _minus(" · ".join(words))


def _minus(text: str) -> str:
    """Return a text with true minus signs before its numbers.

    >>> _minus("better by -0.5 (-1e-05 to 0.2) than ring-8")
    'better by −0.5 (−1e-05 to 0.2) than ring-8'
    """
    return re.sub(r"(?<![\w.])-(?=\d)", "−", text)


def _settings(summary: StudySummary, parts: Sequence[SettingPart], *, marked: bool) -> Sortable:
    """Return the table of settings, the best first."""
    paths = tuple(parts[0].levels) if parts else ()
    figures = (_objective_name(summary), "runs", "USD a run", "s a run", "against classical")
    places = sorted(
        range(len(parts)), key=lambda place: _rank(parts[place], summary.objective.sense)
    )
    lines = (_setting(summary, place, parts[place], marked=marked) for place in places)
    return Sortable((*map(axis_name, paths), *figures), tuple(lines))


def _rank(part: SettingPart, sense: Sense) -> tuple[bool, float]:
    found = part.objective
    return found is None, 0.0 if found is None else signed(found.mean, sense)


def _objective_name(summary: StudySummary) -> str:
    return summary.objective.path.split(".", 1)[-1].replace("_", " ")


def _setting(summary: StudySummary, place: int, part: SettingPart, *, marked: bool) -> Line:
    mark = _mark(summary, place) if marked else ""
    failed = f", {part.failed} failed" if part.failed else ""
    cells = (
        *map(_level, part.levels.values()),
        _estimate(part.objective),
        Cell(f"{part.succeeded}{failed}", part.succeeded),
        _money(part.cost_usd),
        _number(part.seconds),
        Cell(_classical(part.classical)),
    )
    return Line(cells, mark, is_main=mark == "best", is_failed=part.succeeded == 0)


def _mark(summary: StudySummary, place: int) -> str:
    won = summary.winner
    if won is None:
        return ""
    if place == won.setting:
        return "best"
    found = summary.settings[place].objective
    is_told = found is not None and found.low is not None
    return "may be the best" if is_told and place in won.contenders else ""


def _level(level: Level) -> Cell:
    order = level if isinstance(level, int | float) else None
    return Cell(_minus(level_words(level)) if level is not None else "–", order)


def _estimate(found: Estimate | Difference | None) -> Cell:
    return Cell("–") if found is None else Cell(_minus(interval(found)), found.mean)


def _money(value: float | None) -> Cell:
    return Cell("–") if value is None else Cell(usd(value).removesuffix(" USD"), value)


def _number(value: float | None) -> Cell:
    return Cell("–") if value is None else Cell(numbers.short(value), value)


def _classical(found: ClassicalPart) -> str:
    """Return how many runs were better, as good, not told from the classical answer, or worse."""
    counts = {
        "better": found.better, "as good": found.equal, "not told apart": found.undecided,
        "worse": found.worse,
    }  # fmt: skip
    return ", ".join(f"{count} {name}" for name, count in counts.items() if count) or "–"


def _comparisons(summary: StudySummary) -> Sortable:
    columns = ("what", "first", "second", "better by", "USD more", "s more", "in short")
    return Sortable(columns, tuple(map(_comparison, summary.comparisons)))


def _comparison(found: Comparison) -> Line:
    cells = (
        Cell(axis_name(found.path)),
        _level(found.first),
        _level(found.second),
        _estimate(found.objective),
        Cell("–")
        if found.cost_usd is None
        else Cell(_minus(interval(found.cost_usd)), found.cost_usd.mean),
        Cell("–")
        if found.seconds is None
        else Cell(_minus(interval(found.seconds)), found.seconds.mean),
        Cell(comparison_words(found)),
    )
    return Line(cells)


def _runs(summary: StudySummary, runs: Sequence[Placed]) -> Sortable:
    paths = [axis.path for axis in summary.axes]
    columns = ("run", *map(axis_name, paths), _objective_name(summary), "USD", "s", "end")
    first = sorted(runs, key=lambda run: run.row.status == "SUCCEEDED")[:MOST_RUNS]
    return Sortable(
        columns, tuple(map(_run, sorted(first, key=lambda run: run.row.setting.number)))
    )


def _run(run: Placed) -> Line:
    row = run.row
    end = "" if row.status == "SUCCEEDED" else f"{row.error or row.status}: {row.cause or ''}"
    cells = (
        Cell(row.run_id),
        *map(_level, run.levels.values()),
        Cell("–") if row.objective is None else Cell(numbers.number(row.objective), row.objective),
        _money(row.cost_usd),
        _number(row.seconds),
        Cell(end),
    )
    return Line(cells, is_failed=row.status != "SUCCEEDED")
