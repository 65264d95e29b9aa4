"""The summary of a study: ``report.json``, whose every figure follows from the rows of its runs."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from math import fsum
from typing import Any, Literal

from quantum_pipeline.studies.contest import (
    contestants,
    front,
    setting_part,
    signed,
    winner,
)
from quantum_pipeline.studies.effects import comparisons, effects, heat_map
from quantum_pipeline.studies.intervals import Part
from quantum_pipeline.studies.levels import Figure, Placed, Varied
from quantum_pipeline.studies.objectives import Sense, is_money_or_time, sense_of
from quantum_pipeline.studies.rows import RunRow
from quantum_pipeline.studies.study import Objective, Study
from quantum_pipeline.studies.summary_parts import (
    AxisPart,
    ClassicalPart,
    Comparison,
    Effect,
    FailedRun,
    Fronts,
    HeatMap,
    Moment,
    ObjectivePart,
    RunCounts,
    SettingPart,
    Spent,
    Winner,
    Worth,
)
from quantum_pipeline.studies.worth import all_of, worth
from quantum_pipeline.wording import TOGETHER


class StudySummary(Part):
    """``report.json`` of a study.

    ``settings`` are the combinations of choices; where there are several problems, ``by_problem``
    has each on each of them. ``stopped_because`` is why it did not come to its own end, and
    ``emulated`` the devices that were none.
    """

    schema_version: Literal[1] = 1
    name: str
    study: dict[str, Any]
    completed_at: Moment
    stopped_because: str | None
    objective: ObjectivePart
    axes: tuple[AxisPart, ...]
    runs: RunCounts
    spent: Spent
    emulated: tuple[str, ...]
    settings: tuple[SettingPart, ...]
    by_problem: tuple[SettingPart, ...]
    winner: Winner | None
    effects: tuple[Effect, ...]
    comparisons: tuple[Comparison, ...]
    fronts: Fronts | None
    heat_map: HeatMap | None
    classical: ClassicalPart
    worth: Worth
    failed: tuple[FailedRun, ...]


def summarise(
    study: Study,
    rows: Sequence[RunRow],
    *,
    completed_at: datetime,
    stopped_because: str | None = None,
) -> StudySummary:
    """Return the summary of a study from the rows of its runs, each setting's once.

    Args:
        study: what was asked.
        rows: of all settings that have an end, in any order.
        completed_at: when the last of them had ended.
        stopped_because: why no more were started; None where the strategy was done.

    Raises:
        InvalidRequest: the objective does not say which way is better.
    """
    varied, sense = Varied(study, rows), sense_of(study.objective)
    quality = _quality(study.objective, sense, rows)
    compared = contestants(varied, varied.choices)
    settings = _settings(varied, varied.choices, sense, quality)
    on_problems = (*varied.problems, *varied.choices)
    found, spent, classical = effects(varied), _spent(study, rows), all_of(rows)
    return StudySummary(
        name=study.name,
        study=study.model_dump(mode="json", by_alias=True),
        completed_at=completed_at,
        stopped_because=stopped_because,
        objective=ObjectivePart(path=study.objective.path, sense=sense, lacking=_lacking(rows)),
        axes=tuple(
            AxisPart(path=axis.path, kind=axis.kind, levels=axis.levels) for axis in varied.axes
        ),
        runs=_counts(rows),
        spent=spent,
        emulated=_emulated(rows),
        settings=settings,
        by_problem=_settings(varied, on_problems, sense, quality) if varied.problems else (),
        winner=winner(compared, settings, sense),
        effects=found,
        comparisons=comparisons(varied, sense),
        fronts=_fronts(settings, quality),
        heat_map=heat_map(varied, found),
        classical=classical,
        worth=worth(classical, spent),
        failed=tuple(_failed(run) for run in varied.runs if run.row.status != "SUCCEEDED"),
    )


class _Quality(Part):
    """The figure that is held against money and time."""

    path: str
    sense: Sense
    of_objective: bool

    def of(self, run: Placed) -> float | None:
        """Return the figure of a run."""
        if self.of_objective:
            return run.row.objective
        found = run.row.figures.get(self.path)
        return float(found) if isinstance(found, int | float) else None


def _quality(objective: Objective, sense: Sense, rows: Sequence[RunRow]) -> _Quality | None:
    if not is_money_or_time(objective):
        return _Quality(path=objective.path, sense=sense, of_objective=True)
    for path in ("quality.expected_ratio", "quality.error_millihartree", "quality.accuracy"):
        if any(row.figures.get(path) is not None for row in rows):
            other = Objective(path=path)
            return _Quality(path=path, sense=sense_of(other), of_objective=False)
    return None


def _settings(
    varied: Varied, paths: Sequence[str], sense: Sense, quality: _Quality | None
) -> tuple[SettingPart, ...]:
    figure: Figure = (lambda _: None) if quality is None else quality.of
    return tuple(setting_part(each, paths, sense, figure) for each in contestants(varied, paths))


def _fronts(settings: Sequence[SettingPart], quality: _Quality | None) -> Fronts | None:
    if quality is None:
        return None
    money, time = (
        front(
            [
                _point(part, takes, quality.sense)
                for part, takes in zip(settings, taken, strict=True)
            ]
        )
        for taken in ([part.cost_usd for part in settings], [part.seconds for part in settings])
    )
    return Fronts(quality_path=quality.path, quality_sense=quality.sense, money=money, time=time)


def _point(part: SettingPart, takes: float | None, sense: Sense) -> tuple[float, float] | None:
    """Return what a setting takes, and its quality so that less is better, without rounding."""
    if takes is None or part.quality is None:
        return None
    return float(f"{takes:.9g}"), float(f"{signed(part.quality, sense):.9g}")


def _counts(rows: Sequence[RunRow]) -> RunCounts:
    ended = [row.status for row in rows]
    return RunCounts(
        succeeded=ended.count("SUCCEEDED"),
        failed=ended.count("FAILED"),
        cancelled=ended.count("CANCELLED"),
    )


def _lacking(rows: Sequence[RunRow]) -> int:
    return sum(row.status == "SUCCEEDED" and row.objective is None for row in rows)


def _spent(study: Study, rows: Sequence[RunRow]) -> Spent:
    bills = [row.cost_usd for row in rows if row.cost_usd is not None]
    return Spent(
        usd=fsum(bills),
        cap_usd=study.limits.max_cost_usd,
        unknown=len(rows) - len(bills),
        job_seconds=fsum(row.seconds or 0.0 for row in rows),
    )


def _emulated(rows: Sequence[RunRow]) -> tuple[str, ...]:
    found = (row.figures for row in rows if row.figures.get("device.emulated"))
    names = (str(figures["device.name"]).split(TOGETHER) for figures in found)
    return tuple(sorted({name for each in names for name in each}))


def _failed(run: Placed) -> FailedRun:
    row = run.row
    assert row.status != "SUCCEEDED"
    return FailedRun(
        run_id=row.run_id,
        levels=dict(run.levels),
        status=row.status,
        error=row.error,
        cause=row.cause,
    )
