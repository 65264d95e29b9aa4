"""The parts of a study's ``report.json``: what was asked, what each setting gave, what won.

Money in USD. Seconds are those of a run's job, of a run of a pack its share of them.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Literal

from pydantic import AfterValidator, AwareDatetime

from quantum_pipeline.studies.intervals import Difference, Estimate, Part
from quantum_pipeline.studies.levels import Kind, Level
from quantum_pipeline.studies.objectives import Sense


def _to_the_second(moment: datetime) -> datetime:
    return moment.astimezone(UTC).replace(microsecond=0)


Moment = Annotated[AwareDatetime, AfterValidator(_to_the_second)]


class ObjectivePart(Part):
    """What was to be best: a number of each run's report, by its path.

    ``lacking`` counts runs that succeeded without it: they are in no mean.
    """

    path: str
    sense: Sense
    lacking: int = 0


class AxisPart(Part):
    """What varied; ``levels`` are those that runs have."""

    path: str
    kind: Kind
    levels: tuple[Level, ...]


class RunCounts(Part):
    """How the runs of a study have ended."""

    succeeded: int
    failed: int
    cancelled: int

    @property
    def all(self) -> int:
        """How many there are."""
        return self.succeeded + self.failed + self.cancelled


class Spent(Part):
    """What the study has cost, by its runs' bills; that of ``unknown`` runs nobody knows."""

    usd: float
    cap_usd: float
    unknown: int
    job_seconds: float


class ClassicalPart(Part):
    """The classical answer to the same problems, and how the runs stood against it.

    ``seconds`` are the mean of what it took. Of molecules nobody is better: exact diagonalisation
    has the least energy there is, and ``equal`` counts what is within chemical accuracy of it.
    ``undecided`` counts runs whose test showed no difference, which is not that there is none, and
    ``tested`` all whose outcome is that of a test, as those of tables.
    """

    methods: tuple[str, ...]
    seconds: float | None
    better: int
    equal: int
    worse: int
    undecided: int = 0
    tested: int = 0


class SettingPart(Part):
    """One combination of choices, with all of its runs: other seeds, other problems.

    The objective's mean is that of its means on each problem, and its interval is over the seeds;
    where there is one seed, over the problems. Cost and time are those of a run. ``quality`` is the
    mean of the figure that is held against money and time: the objective, where it is neither of
    these itself.
    """

    levels: dict[str, Level]
    succeeded: int
    failed: int
    objective: Estimate | None
    quality: float | None
    cost_usd: float | None
    seconds: float | None
    classical: ClassicalPart
    best_run: str | None


class Winner(Part):
    """The setting with the best mean, by its place among the settings.

    ``contenders`` are all settings that may be the best: the one that is, is among them at 95 %;
    ``cheapest`` is the one of them whose runs cost least.
    ``ahead`` is by how much the winner is better than the runner-up, a positive number.
    """

    setting: int
    contenders: tuple[int, ...]
    cheapest: int
    runner_up: int | None
    ahead: Difference | None

    @property
    def is_alone(self) -> bool:
        """Whether no other setting may be the best."""
        return len(self.contenders) == 1


class LevelPart(Part):
    """The runs at a level of an axis, or between two numbers of it.

    The interval of the objective is that of its difference to other levels in runs that agree in
    all else where ``compared``; else it is of the runs as they are, whatever else varied.
    """

    level: Level
    upto: float | None = None
    objective: Estimate
    compared: bool
    cost_usd: float | None
    seconds: float | None


class Effect(Part):
    """How the mean objective goes along an axis; ``size`` is from its least to its greatest."""

    path: str
    levels: tuple[LevelPart, ...]
    size: float


Better = Literal["first", "second", "not told apart"]
Dearer = Literal["first", "second"]


class Comparison(Part):
    """One level against another, in runs that agree in all else where there are such.

    ``objective`` is by how much the first is better than the second, and negative where it is
    worse; money and time are how much more the first takes. ``not_worth_its_money`` is the one that
    surely costs more, and of which nothing says that it is better.
    """

    path: str
    first: Level
    second: Level
    objective: Difference
    cost_usd: Difference | None
    seconds: Difference | None
    better: Better
    not_worth_its_money: Dearer | None


class Fronts(Part):
    """The settings that no other beats in quality and money, and in quality and time at once."""

    quality_path: str
    quality_sense: Sense
    money: tuple[int, ...]
    time: tuple[int, ...]


class HeatMap(Part):
    """Means of the objective over two axes; None where there is no run.

    ``means`` has a row for each level of ``down``.
    """

    down: str
    across: str
    rows: tuple[Level, ...]
    columns: tuple[Level, ...]
    means: tuple[tuple[float | None, ...], ...]


class FailedRun(Part):
    """A run without a result."""

    run_id: str
    levels: dict[str, Level]
    status: Literal["FAILED", "CANCELLED"]
    error: str | None
    cause: str | None


Verdict = Literal["worth its money", "not worth its money", "cost nothing", "unknown"]


class Worth(Part):
    """Whether the answers were worth what they cost, against the classical ones."""

    verdict: Verdict
    because: str
