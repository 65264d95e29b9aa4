"""What a summary says in words: on its page and in a terminal alike."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from math import floor, log10
from typing import NamedTuple

from quantum_pipeline.studies.contest import signed
from quantum_pipeline.studies.intervals import Difference, Estimate, are_one
from quantum_pipeline.studies.levels import Level
from quantum_pipeline.studies.objectives import Sense
from quantum_pipeline.studies.summary import StudySummary
from quantum_pipeline.studies.summary_parts import Comparison, Effect, LevelPart, SettingPart
from quantum_pipeline.wording import digits

MOST_DECIMALS = 8
SMALL = 1e-6
"""Half widths of an interval, as parts of its mean, that nobody wants to read."""

_NAMED = {"algorithm.name": "algorithm", "problem.type": "problem"}


class Finding(NamedTuple):
    """One thing to know of a study: what it is about, the answer, and what is behind it."""

    about: str
    answer: str
    behind: str
    is_warning: bool = False

    @property
    def name(self) -> str:
        """What it is about, in a word of a terminal."""
        return _SHORT.get(self.about, self.about.lower())


_SHORT = {
    "Ahead, not alone": "ahead",
    "What mattered most": "mattered",
    "Against the classical answer": "classical",
    "Without a result": "no result",
    "Without the figure": "no figure",
}


def axis_name(path: str) -> str:
    """Return the short name of what varied.

    >>> axis_name("algorithm.depth"), axis_name("algorithm.name"), axis_name("limits.max_cost_usd")
    ('depth', 'algorithm', 'limits.max_cost_usd')
    """
    return _NAMED.get(path, path.removeprefix("algorithm."))


def level_words(level: Level) -> str:
    """Return a level in words.

    >>> level_words(0.2500000001), level_words("Garnet"), level_words(True), level_words(None)
    ('0.25', 'Garnet', 'yes', '-')
    """
    match level:
        case None:
            return "-"
        case bool():
            return "yes" if level else "no"
        case int() | float():
            return digits(level, least=4)
    return level


def setting_words(levels: Mapping[str, Level]) -> str:
    """Return a setting in words; what does not apply is left out.

    >>> setting_words({"device": "Garnet", "algorithm.depth": 3, "algorithm.cvar_alpha": None})
    'Garnet, depth 3'
    """
    return ", ".join(
        level if isinstance(level, str) else f"{axis_name(path)} {level_words(level)}"
        for path, level in levels.items()
        if level is not None
    )


def interval(found: Estimate | Difference) -> str:
    """Return a mean with its interval, to two digits of half its width.

    >>> interval(Estimate(mean=0.95312, low=0.94123, high=0.96501, n=5))
    '0.953 (0.941 to 0.965)'
    >>> interval(Estimate(mean=0.95312, low=None, high=None, n=1))
    '0.9531'
    """
    if found.low is None or found.high is None:
        return digits(found.mean, least=4)
    half = (found.high - found.low) / 2
    if half <= SMALL * abs(found.mean):
        return digits(found.mean, least=4)
    decimals = min(max(1 - floor(log10(half)), 0), MOST_DECIMALS)
    mean, low, high = (f"{each + 0.0:.{decimals}f}" for each in (found.mean, found.low, found.high))
    return f"{mean} ({low} to {high})"


def usd(value: float) -> str:
    """Return an amount of money.

    >>> usd(12.3), usd(0.00001234), usd(0)
    ('12.30 USD', '1.2e-05 USD', '0 USD')
    """
    if value == 0:
        return "0 USD"
    decimals = 2 if value >= 1 else 4
    return f"{value:.{decimals}f} USD" if value >= 0.001 else f"{value:.2g} USD"


def findings(summary: StudySummary) -> Iterator[Finding]:
    """Yield what a person wants to know first."""
    yield from _won(summary)
    yield from _mattered(summary)
    yield _cost(summary)
    answer, because = summary.worth.verdict, summary.worth.because
    yield Finding("Against the classical answer", answer, f"{because[:1].upper()}{because[1:]}.")
    yield from _warnings(summary)


def _won(summary: StudySummary) -> Iterator[Finding]:
    found, settings = summary.winner, summary.settings
    if found is None:
        for part in settings:
            if part.objective is not None:
                yield Finding("Found", interval(part.objective), f"The mean of {_runs(part)}.")
        return
    first = settings[found.setting]
    assert first.objective is not None
    about = "Won" if found.is_alone else "Ahead, not alone"
    if found.runner_up is None:
        about = "Alone with a result"
    alike = ", alike with every seed" if _is_alike(summary, first.objective) else ""
    behind = [f"Mean {interval(first.objective)} in {_runs(first)}{alike}"]
    if found.ahead is not None and found.runner_up is not None:
        behind.append(_ahead(found.ahead, settings[found.runner_up]))
    behind.extend(_contenders(summary))
    yield Finding(about, setting_words(first.levels) or "the one setting", f"{'; '.join(behind)}.")


def _is_alike(summary: StudySummary, found: Estimate) -> bool:
    """Return whether seeds varied, and changed nothing."""
    has_seeds = any(axis.kind == "seed" and len(axis.levels) > 1 for axis in summary.axes)
    return has_seeds and found.low is not None and are_one(found.low, found.high or 0.0)


def _ahead(ahead: Difference, second: SettingPart) -> str:
    who = setting_words(second.levels)
    if _is_even(ahead):
        return f"as good as {who}, which takes more"
    if ahead.method == "one run each":
        return f"{interval(ahead)} better than {who}, by one run each: it may be luck"
    how = f"in {ahead.n} pairs" if ahead.method == "paired" else "without pairs"
    return f"better than {who} by {interval(ahead)}, {how}"


def _is_even(ahead: Difference) -> bool:
    """Return whether two settings gave the same."""
    return ahead.mean == 0 and ahead.low == ahead.high


def _contenders(summary: StudySummary) -> Iterator[str]:
    found = summary.winner
    assert found is not None
    if found.is_alone:
        if len(summary.settings) > 2:
            yield f"none of the other {len(summary.settings) - 1} settings may be the best"
        return
    ahead = found.ahead
    if ahead is not None and ahead.method == "one run each" and not _is_even(ahead):
        return
    yield f"{len(found.contenders)} of {len(summary.settings)} settings may be the best"
    price = summary.settings[found.cheapest].cost_usd
    if found.cheapest != found.setting and price is not None:
        who = setting_words(summary.settings[found.cheapest].levels)
        yield f"the cheapest of them is {who}, at {usd(price)} a run"


def _runs(part: SettingPart) -> str:
    n = part.objective.n if part.objective else 0
    return f"{n} run{'s' * (n != 1)}"


def _mattered(summary: StudySummary) -> Iterator[Finding]:
    choices = {axis.path for axis in summary.axes if axis.kind == "choice"}
    found = [each for each in summary.effects if each.path in choices]
    if not found:
        return
    most = found[0]
    worst, best = _ends(most, summary.objective.sense)
    if are_one(worst.objective.mean, best.objective.mean):
        behind = f"The mean is {digits(best.objective.mean, least=4)}, whatever was chosen."
        yield Finding("What mattered most", "nothing", behind)
        return
    ends = (f"{digits(part.objective.mean, least=4)} at {place(part)}" for part in (worst, best))
    behind = f"The mean goes from {' to '.join(ends)}"
    also = [f"{axis_name(each.path)} by {digits(each.size, least=3)}" for each in found[1:]]
    own = [each.better for each in summary.comparisons if each.path == most.path]
    if own and all(each == "not told apart" for each in own):
        also.append("no two levels are told apart: this may be luck")
    elif any(part.upto is not None for part in most.levels) and _overlap(worst, best):
        also.append("the intervals there overlap: this may be luck")
    yield Finding("What mattered most", axis_name(most.path), f"{'; '.join((behind, *also))}.")


def _ends(effect: Effect, sense: Sense) -> tuple[LevelPart, LevelPart]:
    """Return the worst and the best level."""
    worst, *_, best = sorted(effect.levels, key=lambda part: -signed(part.objective.mean, sense))
    return worst, best


def _overlap(one: LevelPart, other: LevelPart) -> bool:
    """Return whether the intervals of two means overlap; unless both have one, they may."""
    lower, upper = sorted((one.objective, other.objective), key=lambda each: each.mean)
    return lower.high is None or upper.low is None or lower.high >= upper.low


def place(part: LevelPart) -> str:
    """Return where on an axis runs are, in words: at a level, or between two numbers."""
    level = level_words(part.level)
    return level if part.upto is None else f"{level} to {level_words(part.upto)}"


def _cost(summary: StudySummary) -> Finding:
    spent = summary.spent
    unknown = f"; what {spent.unknown} of them cost is not known" if spent.unknown else ""
    behind = f"Of at most {usd(spent.cap_usd)}, in {summary.runs.all} runs{unknown}"
    if summary.emulated:
        behind += "; what AWS would bill, for emulators bill nothing"
    return Finding("Cost", usd(spent.usd), f"{behind}.")


def _warnings(summary: StudySummary) -> Iterator[Finding]:
    if summary.stopped_because:
        behind = f"{summary.stopped_because[:1].upper()}{summary.stopped_because[1:]}."
        yield Finding("Partial", "stopped", behind, is_warning=True)
    lacking = summary.objective.lacking
    if lacking:
        yield Finding(
            "Without the figure",
            f"{lacking} of {summary.runs.succeeded} runs",
            f"Their reports have no {summary.objective.path}: they are in no mean.",
            is_warning=True,
        )
    ended = summary.runs.failed + summary.runs.cancelled
    if ended:
        names = dict.fromkeys(each.error or each.status for each in summary.failed)
        behind = f"{', '.join(names)}; they are rows below."
        yield Finding(
            "Without a result", f"{ended} of {summary.runs.all} runs", behind, is_warning=True
        )


def comparison_words(found: Comparison) -> str:
    """Return what two levels are to each other, in a few words."""
    first, second = level_words(found.first), level_words(found.second)
    named = {"first": f"{first} is better", "second": f"{second} is better"}
    words = named.get(found.better, found.better)
    if found.not_worth_its_money is None:
        return words
    dearer = first if found.not_worth_its_money == "first" else second
    return f"{words}; {dearer} is not worth its money"
