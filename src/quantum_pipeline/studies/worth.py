"""The classical answers beside the runs of a study, and whether these were worth their money.

An answer that is better is in hand, however many runs it took. That a model is better than another
is a test of each run, though, and of twenty such tests one comes out so by luck.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from math import comb

from quantum_pipeline.reports.classification_statistics import LEVEL, wilson
from quantum_pipeline.studies.intervals import mean_of
from quantum_pipeline.studies.rows import RunRow
from quantum_pipeline.studies.summary_parts import ClassicalPart, Spent, Worth

_OUTCOMES = {
    "better": "better",
    "equal": "equal",
    "no difference shown": "undecided",
    "worse": "worse",
    "infeasible": "worse",
}


def classical(rows: Iterable[RunRow]) -> ClassicalPart:
    """Return the classical answers to the problems of some runs."""
    figures = [row.figures for row in rows]
    methods = dict.fromkeys(
        str(each["quality.classical.method"])
        for each in figures
        if each.get("quality.classical.method")
    )
    seconds = [each.get("quality.classical.seconds") for each in figures]
    outcomes = [_outcome(each) for each in figures]
    return ClassicalPart(
        methods=tuple(methods),
        seconds=mean_of(float(each) for each in seconds if each is not None),
        better=outcomes.count("better"),
        equal=outcomes.count("equal"),
        worse=outcomes.count("worse"),
        undecided=outcomes.count("undecided"),
        tested=sum(each.get("quality.accuracy") is not None for each in figures),
    )


def _outcome(figures: Mapping[str, object]) -> str | None:
    found = figures.get("quality.outcome")
    if found is not None:
        return _OUTCOMES[str(found)]
    accurate = figures.get("quality.chemical_accuracy")
    return None if accurate is None else "equal" if accurate else "worse"


def worth(found: ClassicalPart, spent: Spent) -> Worth:
    """Return whether what was spent bought an answer that the classical methods did not have."""
    n_runs = found.better + found.equal + found.worse + found.undecided
    if n_runs == 0:
        return Worth(verdict="unknown", because="no run has a classical answer beside it")
    *others, last = found.methods or ("the classical method",)
    methods = f"{', '.join(others)} and {last}" if others else last
    took = "" if found.seconds is None else f", in {_seconds(found.seconds)} on average"
    if found.better:
        because = f"{_of(found.better, n_runs)} found a better answer than {methods}{took}"
        if _may_be_luck(found):
            words = f"{because}: of {found.tested} tests, that many come out so by luck"
            return Worth(verdict="unknown", because=words)
        low, high = wilson(found.better, n_runs).low, wilson(found.better, n_runs).high
        because += f"; of runs like these {100 * low:.0f} to {100 * high:.0f} % would"
        return Worth(verdict="worth its money" if spent.usd else "cost nothing", because=because)
    because = f"{methods} had the answers{took}, and no run {_level(found, n_runs)}"
    return Worth(verdict="not worth its money" if spent.usd else "cost nothing", because=because)


def _may_be_luck(found: ClassicalPart) -> bool:
    """Return whether as many tests come out better in a twentieth of studies of equal models.

    Each does with a chance of LEVEL at most.
    """
    n = found.tested
    chance = sum(comb(n, k) * LEVEL**k * (1 - LEVEL) ** (n - k) for k in range(found.better, n + 1))
    return chance >= LEVEL


def _level(found: ClassicalPart, n_runs: int) -> str:
    """Return what no run did against the classical answer, and how many came near."""
    if found.undecided:
        return f"was shown to be better; {_of(found.undecided, n_runs)} showed no difference"
    if found.equal:
        return f"found a better one; {_of(found.equal, n_runs)} found an answer as good"
    return "found a better one; no run found one as good"


def _of(count: int, n_runs: int) -> str:
    """Return how many of the runs.

    >>> _of(3, 3), _of(1, 3), _of(1, 1)
    ('all 3 runs', '1 of 3 runs', 'the one run')
    """
    if count < n_runs:
        return f"{count} of {n_runs} runs"
    return "the one run" if n_runs == 1 else f"all {n_runs} runs"


def _seconds(value: float) -> str:
    return f"{value:.3g} s" if value >= 0.1 else f"{1000 * value:.3g} ms"


def all_of(rows: Sequence[RunRow]) -> ClassicalPart:
    """Return the classical answers beside all runs that have a result."""
    return classical(row for row in rows if row.status == "SUCCEEDED")
