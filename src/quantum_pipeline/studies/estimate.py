"""Estimates what a whole study takes and costs before anything of it starts.

A grid costs what its executions do. What random and bayesian draw is bounded by the dearest corner:
as many runs of it as ``n_runs``, in rounds as large as theirs.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import fsum

from pydantic import BaseModel, ConfigDict

from quantum_pipeline.errors import BudgetExceeded
from quantum_pipeline.planning import costs
from quantum_pipeline.planning.costs import InstancePrice
from quantum_pipeline.studies.axes import Axis, Choice, axes_of
from quantum_pipeline.studies.children import children
from quantum_pipeline.studies.corners import corners
from quantum_pipeline.studies.fields import named
from quantum_pipeline.studies.lifecycle import MOST_RUNS_OF_ROUND
from quantum_pipeline.studies.plans import Plans, Prepare, described, remembered
from quantum_pipeline.studies.rounds import Child
from quantum_pipeline.studies.rows import Setting
from quantum_pipeline.studies.strategies import known
from quantum_pipeline.studies.strategies.bayesian import batch_of
from quantum_pipeline.studies.study import Study
from quantum_pipeline.wording import shown


class AxisEstimate(BaseModel):
    """What is varied, in words."""

    model_config = ConfigDict(frozen=True)

    path: str
    values: str


class StudyEstimate(BaseModel):
    """What a study is expected to take on AWS, and whether it would start.

    ``dearest`` is the run that may cost most, at ``dearest_usd`` in a job of its own. A run on a
    device has one of the ``executions``, others share them. Of random and bayesian all figures are
    bounds, as if each run were the dearest corner.
    """

    model_config = ConfigDict(frozen=True)

    name: str
    strategy: str
    axes: tuple[AxisEstimate, ...]
    n_runs: int
    executions: int
    rounds: int
    dearest: str
    dearest_usd: float
    total_usd: float
    max_cost_usd: float
    prices_as_of: str

    def lines(self) -> Iterator[tuple[str, str]]:
        """Return what a person wants to read of it."""
        bound = "" if self.strategy == "grid" else "up to "
        runs = f"{self.n_runs:,} {'run' if self.n_runs == 1 else 'runs'}"
        yield "study", f"{self.name}: {bound}{runs}, {self.strategy}"
        for axis in self.axes:
            yield "vary", f"{axis.path}: {axis.values}"
        jobs = f"{self.executions:,} {'job' if self.executions == 1 else 'jobs'}"
        rounds = f"{self.rounds:,} {'round' if self.rounds == 1 else 'rounds'}"
        yield "jobs", f"{bound}{jobs} in {bound}{rounds}"
        yield "dearest", f"{self.dearest}: {self.dearest_usd:.4f} USD in a job of its own"
        yield "total", f"{bound}{self.total_usd:.4f} USD on AWS, {self._verdict()}"
        yield "prices", self.prices_as_of
        yield "beside", costs.BESIDE

    def _verdict(self) -> str:
        limit = f"limits.max_cost_usd = {self.max_cost_usd:g}"
        within = self.total_usd <= self.max_cost_usd
        return f"within {limit}" if within else f"ABOVE {limit}: refused"

    def check(self) -> None:
        """Refuse a study that may cost more than it may.

        Raises:
            BudgetExceeded: says what it may cost, and what of that the dearest run does.
        """
        if self.total_usd > self.max_cost_usd:
            raise BudgetExceeded(
                f"limits.max_cost_usd: the estimate of {self.n_runs:,} runs is "
                f"{self.total_usd:.4f} USD, of the dearest, {self.dearest}, "
                f"{self.dearest_usd:.4f} alone; allowed: up to {self.max_cost_usd:.4f}, or fewer "
                "or less expensive runs"
            )


def estimate(study: Study, prepare: Prepare) -> StudyEstimate:
    """Return the estimate of a study on AWS; one that passed ``checks.check_asked``.

    Raises:
        PipelineError: as ``plans.Plans.of``.
    """
    prepare = remembered(prepare)
    return estimate_of(study, Plans(study, prepare), prepare)


def estimate_of(study: Study, plans: Plans, prepare: Prepare) -> StudyEstimate:
    """Return ``estimate``, from plans of which some are made already."""
    grid = study.strategy.name == "grid"
    looked_at, what = (known(study), "run") if grid else (corners(study), "corner")
    dearest = max(looked_at, key=lambda setting: plans.of(setting, what).cost.total_usd)
    found = plans.of(dearest)
    settings = looked_at if grid else _same(dearest, study.strategy.n_runs or 0)
    rounds = _rounds(study, settings, prepare, found.instance)
    return StudyEstimate(
        name=study.name,
        strategy=study.strategy.name,
        axes=tuple(map(_axis, axes_of(study))),
        n_runs=len(settings),
        executions=sum(map(len, rounds)),
        rounds=len(rounds),
        dearest=described(dearest, what),
        dearest_usd=found.cost.total_usd,
        total_usd=fsum(child.estimated_usd for each in rounds for child in each),
        max_cost_usd=study.limits.max_cost_usd,
        prices_as_of=found.cost.prices_as_of,
    )


def _same(setting: Setting, n: int) -> tuple[Setting, ...]:
    return tuple(Setting(number=number, values=setting.values) for number in range(n))


def _rounds(
    study: Study, settings: Sequence[Setting], prepare: Prepare, instance: InstancePrice
) -> list[tuple[Child, ...]]:
    """Return the executions of all rounds, as they would be started."""
    most = batch_of(study) if study.strategy.name == "bayesian" else MOST_RUNS_OF_ROUND
    left, rounds = {setting.number: setting for setting in settings}, list[tuple[Child, ...]]()
    while left:
        made = children(
            study,
            tuple(left.values())[:most],
            tries={},
            prepare=prepare,
            store=lambda _: "s3://bucket/of-inputs",
            instance=instance,
        )
        rounds.append(made)
        for run in (run for child in made for run in child.runs):
            del left[run.setting.number]
    return rounds


def _axis(axis: Axis) -> AxisEstimate:
    if isinstance(axis, Choice):
        few = ", ".join(map(shown, axis.values[:5]))
        more = f", ... {len(axis.values)} values" if len(axis.values) > 5 else ""
        return AxisEstimate(path=named(axis.path), values=few + more)
    evenly = ", evenly in the logarithm" if axis.log else ""
    whole = "whole numbers " if axis.whole else ""
    values = f"{whole}from {axis.low:g} to {axis.high:g}{evenly}"
    return AxisEstimate(path=named(axis.path), values=values)
