"""A run of a study: the setting that was asked for, and what came of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import isfinite
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from quantum_pipeline.catalogue.comparison import at
from quantum_pipeline.studies.study import Objective

Value = bool | int | float | str | None
"""A figure of a run: what a cell of runs.csv holds."""

EVALUATIONS = "convergence.evaluations"
"""How many entries the report's ``convergence.history`` has."""

_MADE: dict[str, Callable[[Mapping[str, Any]], Value]] = {
    EVALUATIONS: lambda report: len(report["convergence"]["history"]),
    "device.emulated": lambda report: report["device"]["emulated"] is not None,
}
"""Figures that are no numbers or short words in the report: how many, and whether."""

FIGURES = (
    *("partial", "problem.type", "problem.n_variables", "problem.n_qubits", "solution.energy"),
    *("algorithm.name", "algorithm.depth", "device.name", "device.kind", *_MADE),
    *("quality.expected_ratio", "quality.approximation_ratio", "quality.random_ratio"),
    *("quality.mitigated_ratio", "quality.trained_ratio", "quality.probability_of_best"),
    *("quality.feasible_share_of_shots", "quality.times_blind", "quality.error_millihartree"),
    *("solution.objective", "quality.best_known", "quality.best_known_by", "quality.outcome"),
    *("quality.chemical_accuracy", "quality.accuracy", "quality.balanced_accuracy"),
    *("quality.roc_area.value", "quality.paired.p_value", "quality.ablation.shown"),
    *("quality.classical.method", "quality.classical.seconds", "quality.quantum_seconds"),
    *("analysis.convergence_evaluation", "cost.estimated_usd", "cost.actual_usd"),
    *("timing.prepare_seconds", "timing.queue_seconds", "timing.job_seconds"),
    "timing.post_process_seconds",
)
"""What a study keeps of a run's report, by its path there."""


class Setting(BaseModel):
    """Values of what varies, by path; ``number`` counts the settings of a study from 0.

    A run of a study has one setting, and keeps its number through all of its tries.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    number: int
    values: dict[str, Any]


class RunRow(BaseModel):
    """A run of a study that has ended.

    ``figures`` are numbers and words of its report by their paths, None where it has none; of a run
    that failed they are empty. Money in USD. ``seconds`` are those of its job, of a run of a pack
    its share of them; what it waited for the job is a figure of its own.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    setting: Setting
    run_id: str
    status: Literal["SUCCEEDED", "FAILED", "CANCELLED"]
    error: str | None = None
    cause: str | None = None
    objective: float | None = None
    cost_usd: float | None = None
    seconds: float | None = None
    figures: dict[str, Value] = {}


def row_of(
    setting: Setting,
    run_id: str,
    report: Mapping[str, Any] | None,
    end: Mapping[str, Any],
    objective: Objective,
) -> RunRow:
    """Return the row of a run that has ended.

    Args:
        setting: what was asked for.
        run_id: of the try that counts.
        report: ``report.json`` as JSON; None of a run without one.
        end: ``completed.json``, ``failure.json`` or ``cancelled.json`` as JSON.
        objective: the study's.
    """
    if report is None:
        return RunRow(
            setting=setting,
            run_id=run_id,
            status=end["status"],
            error=end.get("error"),
            cause=end.get("cause"),
            seconds=end.get("billable_seconds"),
        )
    return RunRow(
        setting=setting,
        run_id=run_id,
        status="SUCCEEDED",
        objective=_number(_figure(report, objective.path)),
        cost_usd=report["cost"]["actual_usd"],
        seconds=report["timing"]["job_seconds"],
        figures={path: _figure(report, path) for path in FIGURES},
    )


def _figure(report: Mapping[str, Any], path: str) -> Value:
    """Return a number or a word of a report, None where there is none at the path."""
    if path in _MADE:
        return _MADE[path](report)
    found = at(report, path)
    if isinstance(found, float) and not isfinite(found):
        return None
    return found if isinstance(found, bool | int | float | str) else None


def _number(value: Value) -> float | None:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None
