"""The figures of a study's summary, computed once more: from runs.csv alone, by scipy.

Not by the code that made them: groups are those of equal cells, intervals those of scipy's Student
with the variance within groups, as in an analysis of variance.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from statistics import fmean
from typing import Any, NamedTuple

import numpy as np
from scipy import stats

Line = Mapping[str, str]
Interval = tuple[float, float, float]

VARY = "vary."
SEED = "vary.seed"


class Pair(NamedTuple):
    """A figure of the summary by its path, and what it is by runs.csv."""

    path: str
    found: float | None
    expected: float | None

    @property
    def is_same(self) -> bool:
        """Whether they differ by no more than rounding."""
        if self.found is None or self.expected is None:
            return self.found is self.expected
        return bool(np.isclose(self.found, self.expected, rtol=1e-9, atol=1e-12))


def pairs(summary: Mapping[str, Any], lines: Sequence[Line]) -> Iterator[Pair]:
    """Yield the figures of ``report.json`` beside those of the lines of ``runs.csv``."""
    yield from _spent(summary, lines)
    yield from _settings("settings", summary["settings"], lines)
    yield from _settings("by_problem", summary["by_problem"], lines)
    yield from _winner(summary, lines)
    for k, each in enumerate(summary["comparisons"]):
        yield from _comparison(f"comparisons.{k}", each, lines)
    for k, each in enumerate(summary["effects"]):
        yield from _effect(f"effects.{k}", each, lines)
    yield from _heat_map(summary["heat_map"], lines)


def grouped(lines: Sequence[Line], columns: Sequence[str]) -> dict[tuple[str, ...], list[Line]]:
    """Return the lines that have the same in some columns."""
    found: dict[tuple[str, ...], list[Line]] = {}
    for line in lines:
        found.setdefault(tuple(line[column] for column in columns), []).append(line)
    return found


def numbers(lines: Sequence[Line], column: str = "objective") -> list[float]:
    """Return the numbers of a column, where there are any."""
    return [float(line[column]) for line in lines if line[column]]


def interval(groups: Sequence[Sequence[float]]) -> Interval:
    """Return the mean of the groups' means, and its interval by the variance within groups.

    Where each group is a single value, it is that of the values themselves.
    """
    filled = [each for each in groups if each]
    degrees = sum(len(each) - 1 for each in filled)
    if degrees == 0:
        filled = [[each[0] for each in filled]]
        degrees = len(filled[0]) - 1
    squares = sum((len(each) - 1) * np.var(each, ddof=1) for each in filled if len(each) > 1)
    error = np.sqrt(squares / degrees * sum(1 / len(each) for each in filled)) / len(filled)
    mean = fmean(map(fmean, filled))
    half = float(stats.t.ppf(0.975, degrees) * error)
    return mean, mean - half, mean + half


def differences(first: Sequence[Line], second: Sequence[Line], column: str) -> list[list[float]]:
    """Return differences of runs that agree in problem, seed and all that both lines vary in.

    They are in groups that differ by their seeds alone. ``first`` and ``second`` each agree in
    what is compared.
    """
    rest = [
        name for name in first[0] if name.startswith(VARY) and _varies_alike(name, first, second)
    ]
    theirs = {tuple(line[name] for name in rest): line for line in second}
    groups: dict[tuple[str, ...], list[float]] = {}
    for line in first:
        other = theirs.get(tuple(line[name] for name in rest))
        if other and line["objective"] and other["objective"]:
            group = tuple(line[name] for name in rest if name != SEED)
            groups.setdefault(group, []).append(float(line[column]) - float(other[column]))
    return list(groups.values())


def _varies_alike(name: str, first: Sequence[Line], second: Sequence[Line]) -> bool:
    return {line[name] for line in first} == {line[name] for line in second}


def _three(path: str, found: Mapping[str, Any], expected: Interval) -> Iterator[Pair]:
    for name, value in zip(("mean", "low", "high"), expected, strict=True):
        yield Pair(f"{path}.{name}", found[name], value)


def _spent(summary: Mapping[str, Any], lines: Sequence[Line]) -> Iterator[Pair]:
    spent, runs = summary["spent"], summary["runs"]
    yield Pair("spent.usd", spent["usd"], sum(numbers(lines, "cost_usd")))
    yield Pair("spent.job_seconds", spent["job_seconds"], sum(numbers(lines, "seconds")))
    yield Pair("spent.unknown", spent["unknown"], sum(not line["cost_usd"] for line in lines))
    for name in ("succeeded", "failed", "cancelled"):
        count = sum(line["status"] == name.upper() for line in lines)
        yield Pair(f"runs.{name}", runs[name], count)


def _settings(
    path: str, parts: Sequence[Mapping[str, Any]], lines: Sequence[Line]
) -> Iterator[Pair]:
    for k, part in enumerate(parts):
        own = _at(lines, part["levels"])
        done = [line for line in own if line["status"] == "SUCCEEDED"]
        others = [name for name in lines[0] if name.startswith(VARY) and name != SEED]
        groups = [numbers(each) for each in grouped(done, others).values()]
        where = f"{path}.{k}"
        if part["objective"] is not None and part["objective"]["low"] is not None:
            yield from _three(f"{where}.objective", part["objective"], interval(groups))
        yield Pair(f"{where}.succeeded", part["succeeded"], len(done))
        yield Pair(f"{where}.failed", part["failed"], len(own) - len(done))
        for name in ("cost_usd", "seconds"):
            yield Pair(f"{where}.{name}", part[name], fmean(numbers(done, name)))
        for name in ("better", "equal", "worse"):
            count = sum(line["quality.outcome"] == name for line in done)
            yield Pair(f"{where}.classical.{name}", part["classical"][name], count)


def _at(lines: Sequence[Line], levels: Mapping[str, Any]) -> list[Line]:
    """Return the lines of some levels."""
    wanted = {
        f"{VARY}{path}": "" if level is None else str(level) for path, level in levels.items()
    }
    return [line for line in lines if all(line[name] == each for name, each in wanted.items())]


def _winner(summary: Mapping[str, Any], lines: Sequence[Line]) -> Iterator[Pair]:
    found, settings = summary["winner"], summary["settings"]
    if found is None or found["ahead"] is None or found["ahead"]["method"] != "paired":
        return
    sign = 1 if summary["objective"]["sense"] == "maximise" else -1
    means = [sign * fmean(numbers(_at(lines, part["levels"]))) for part in settings]
    yield Pair("winner.setting", found["setting"], int(np.argmax(means)))
    first, second = (
        _at(lines, settings[found[which]]["levels"]) for which in ("setting", "runner_up")
    )
    mean, low, high = interval(differences(first, second, "objective"))
    expected = (mean, low, high) if sign == 1 else (-mean, -high, -low)
    yield from _three("winner.ahead", found["ahead"], expected)


def _comparison(path: str, found: Mapping[str, Any], lines: Sequence[Line]) -> Iterator[Pair]:
    first, second = (_at(lines, {found["path"]: found[which]}) for which in ("first", "second"))
    for name, column in (
        ("objective", "objective"),
        ("cost_usd", "cost_usd"),
        ("seconds", "seconds"),
    ):
        if found[name] is not None and found[name]["method"] == "paired":
            groups = differences(first, second, column)
            yield from _three(f"{path}.{name}", found[name], interval(groups))


def _effect(path: str, effect: Mapping[str, Any], lines: Sequence[Line]) -> Iterator[Pair]:
    """Yield the means along an axis: of whole blocks, by their distance from their mean."""
    column = f"{VARY}{effect['path']}"
    rest = [name for name in lines[0] if name.startswith(VARY) and name != column]
    every = grouped(lines, rest).values()
    blocks = [each for each in every if all(line["objective"] for line in each)]
    means = [part["objective"]["mean"] for part in effect["levels"]]
    yield Pair(f"{path}.size", effect["size"], float(np.ptp(means)))
    for k, part in enumerate(effect["levels"]):
        if not part["compared"]:
            continue
        distances: dict[tuple[str, ...], list[float]] = {}
        middles: dict[tuple[str, ...], list[float]] = {}
        for block in blocks:
            [mine] = [line for line in block if line[column] == str(part["level"])]
            group = tuple(mine[name] for name in rest if name != SEED)
            middles.setdefault(group, []).append(fmean(numbers(block)))
            distances.setdefault(group, []).append(float(mine["objective"]) - fmean(numbers(block)))
        middle = fmean(map(fmean, middles.values()))
        mean, low, high = interval(list(distances.values()))
        expected = (middle + mean, middle + low, middle + high)
        yield from _three(f"{path}.levels.{k}", part["objective"], expected)


def _heat_map(found: Mapping[str, Any] | None, lines: Sequence[Line]) -> Iterator[Pair]:
    if found is None:
        return
    for row, means in zip(found["rows"], found["means"], strict=True):
        for column, mean in zip(found["columns"], means, strict=True):
            own = _at(lines, {found["down"]: row, found["across"]: column})
            yield Pair(f"heat_map.{row}.{column}", mean, fmean(numbers(own)))
