"""A summary with the runs that it is of, as the pictures of a study see them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from math import floor, log10

from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator, NullLocator

from quantum_pipeline.studies.levels import Varied
from quantum_pipeline.studies.rows import RunRow
from quantum_pipeline.studies.study import parse_study
from quantum_pipeline.studies.summary import StudySummary

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


def by_magnitude(axes: Axes, takes: Sequence[float]) -> None:
    """Make the lower axis logarithmic where it spans more than a decade; 0 keeps its place."""
    paid = [each for each in takes if each > 0]
    if not paid:
        axes.set_xticks([0.0])
        return
    if max(paid) <= 10 * min(paid):
        axes.xaxis.set_major_locator(MaxNLocator(4))
        return
    if len(paid) == len(takes):
        axes.set_xscale("log")
    else:
        axes.set_xscale("symlog", linthresh=min(paid), linscale=0.4)
    decades = range(floor(log10(min(paid))), floor(log10(max(paid))) + 1)
    steps = (1, 3) if len(decades) < 4 else (1,)
    ticks = [step * 10.0**k for k in decades[:: 1 + len(decades) // 6] for step in steps]
    ticks = [each for each in ticks if min(paid) <= each <= max(paid)]
    axes.set_xticks([*([0.0] if len(paid) < len(takes) else []), *ticks], minor=False)
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:g}")
    axes.xaxis.set_minor_locator(NullLocator())
