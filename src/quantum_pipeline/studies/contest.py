"""Settings against each other: what each gave, which won, and which no other beats.

The winner has the best mean. Which others may be the best all the same is decided by one-sided
tests of each against the winner, paired where runs agree in seed and problem, at 5 % divided by how
many others there are: a setting that is truly the best is ruled out in 5 % of studies at most,
whichever was ahead. Source: S. Gupta, Technometrics 7, 225 (1965), with Bonferroni's bound.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from quantum_pipeline.studies.intervals import (
    LEVEL,
    Difference,
    Estimate,
    Method,
    Spread,
    apart,
    are_one,
    estimate,
    mean_of,
    of_share,
    pooled,
)
from quantum_pipeline.studies.levels import Block, Figure, Placed, Varied, objective
from quantum_pipeline.studies.objectives import Sense
from quantum_pipeline.studies.summary_parts import SettingPart, Winner
from quantum_pipeline.studies.worth import classical

Found = Mapping[Block, float]
"""A figure of runs, by what they have in common with others."""


@dataclass(frozen=True)
class Contestant:
    """A setting: its runs, and what each gave by what it had to live with; whether a share."""

    runs: tuple[Placed, ...]
    found: Found
    of_shares: bool = False

    @property
    def estimate(self) -> Estimate | None:
        """The mean of what it gave, with its interval."""
        found = estimate(groups(self.found))
        return of_share(found) if found is not None and self.of_shares else found


def contestants(varied: Varied, paths: Collection[str]) -> list[Contestant]:
    """Return the settings that differ on some axes, with their runs."""
    return [
        Contestant(tuple(runs), varied.by_block(runs, paths, objective), varied.of_shares)
        for runs in varied.grouped(paths).values()
    ]


def setting_part(
    contestant: Contestant, paths: Sequence[str], sense: Sense, quality: Figure
) -> SettingPart:
    """Return what a setting gave."""
    runs = contestant.runs
    done = [run.row for run in runs if run.row.status == "SUCCEEDED"]
    best = min(
        ((signed(row.objective, sense), row.run_id) for row in done if row.objective is not None),
        default=None,
    )
    return SettingPart(
        levels={path: runs[0].levels[path] for path in paths},
        succeeded=len(done),
        failed=len(runs) - len(done),
        objective=contestant.estimate,
        quality=mean_of(map(quality, runs)),
        cost_usd=mean_of(row.cost_usd for row in done),
        seconds=mean_of(row.seconds for row in done),
        classical=classical(done),
        best_run=best and best[1],
    )


def groups(found: Found) -> list[list[float]]:
    """Return values in groups that differ by their seeds alone."""
    by_choice: dict[object, list[float]] = {}
    for block, value in found.items():
        by_choice.setdefault(block.chosen, []).append(value)
    return list(by_choice.values())


def signed(value: float, sense: Sense) -> float:
    """Return a figure so that less is better."""
    return -value if sense == "maximise" else value


def winner(
    settings: Sequence[Contestant], parts: Sequence[SettingPart], sense: Sense
) -> Winner | None:
    """Return which setting won; None where none has an objective, or there is but one setting.

    Of means that are one, the cheaper setting comes first, and of these the quicker one.
    """
    order = _ranked(parts, sense)
    if len(parts) < 2 or not order:
        return None
    first, others = order[0], order[1:]
    ahead = {each: _apart(settings[first].found, settings[each].found, sense) for each in others}
    confidence = 1 - (1 - LEVEL) / max(len(others), 1)
    contenders = [
        first,
        *(each for each in others if not ahead[each].spread.is_above_zero(confidence)),
    ]
    return Winner(
        setting=first,
        contenders=tuple(sorted(contenders)),
        cheapest=min(contenders, key=lambda place: parts[place].cost_usd or 0.0),
        runner_up=others[0] if others else None,
        ahead=ahead[others[0]].difference() if others else None,
    )


def _ranked(parts: Sequence[SettingPart], sense: Sense) -> list[int]:
    """Return the places of the settings that have an objective, the best first."""
    means = {
        place: signed(part.objective.mean, sense)
        for place, part in enumerate(parts)
        if part.objective is not None
    }
    order = sorted(means, key=lambda place: means[place])
    equal = [place for place in order if are_one(means[place], means[order[0]])]
    equal.sort(key=lambda place: (parts[place].cost_usd or 0.0, parts[place].seconds or 0.0))
    return equal + order[len(equal) :]


class _Apart(NamedTuple):
    """By how much one setting is better than another, and by which method."""

    spread: Spread
    method: Method

    def difference(self) -> Difference:
        low, high = self.spread.interval()
        mean, n = self.spread.mean, self.spread.n
        return Difference(mean=mean, low=low, high=high, n=n, method=self.method)


def difference(first: Found, second: Found, sense: Sense = "maximise") -> Difference:
    """Return by how much the first is better than the second: in pairs, if there are any two."""
    return _apart(first, second, sense).difference()


def _apart(first: Found, second: Found, sense: Sense) -> _Apart:
    sign = 1.0 if sense == "maximise" else -1.0
    pairs = {block: sign * (first[block] - second[block]) for block in first if block in second}
    method: Method = "paired"
    if len(pairs) > 1 or (pairs and min(len(first), len(second)) == 1):
        spread = pooled(groups(pairs))
    else:
        spread = apart(*(pooled(groups(_times(sign, each))) for each in (first, second)))
        method = "unpaired"
    size = max(abs(value) for each in (first, second) for value in each.values())
    if spread.standard_error is None:
        method = "one run each"
    elif are_one(spread.mean + size, size):
        spread = Spread(0.0, spread.n, 0.0, spread.degrees)
    return _Apart(spread, method)


def _times(sign: float, found: Found) -> Found:
    return {block: sign * value for block, value in found.items()}


def front(points: Sequence[tuple[float, float] | None]) -> tuple[int, ...]:
    """Return the places of the points that no other has both no more of, and less of one.

    Both figures are better the less they are. Cost: O(n log n).

    >>> front([(1.0, 5.0), (2.0, 3.0), (2.0, 4.0), None, (3.0, 3.0)])
    (0, 1)
    """
    order = sorted((point, place) for place, point in enumerate(points) if point is not None)
    kept: list[int] = []
    last: tuple[float, float] | None = None
    for point, place in order:
        if last is None or point[1] < last[1] or point == last:
            kept.append(place)
            last = point
    return tuple(kept)
