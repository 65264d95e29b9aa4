"""Which way an objective is better: that of figures whose meaning says so needs no word."""

from __future__ import annotations

from typing import Literal

from quantum_pipeline.errors import InvalidRequest
from quantum_pipeline.studies.study import Objective

Sense = Literal["maximise", "minimise"]

_SHARES = (
    *("probability_of_best", "probability_of_best_in_shots", "feasible_share"),
    *("feasible_share_of_shots", "accuracy", "balanced_accuracy", "roc_area.value"),
)
_MORE = (
    *("expected_ratio", "approximation_ratio", "mitigated_ratio", "trained_ratio", "times_blind"),
    *("correlation_recovered_percent", *_SHARES),
)
_LESS = (
    *("mean_energy", "trained_energy", "mitigated_energy", "quantum_seconds"),
    *("error_millihartree", "largest_error_millihartree"),
)
_LESS_ELSEWHERE = (
    *("solution.energy", "convergence.evaluations", "analysis.convergence_evaluation"),
    *("analysis.final_energy", "cost.actual_usd"),
    *(f"timing.{part}_seconds" for part in ("prepare", "queue", "job", "post_process")),
)

SENSES: dict[str, Sense] = {
    **{f"quality.{name}": "maximise" for name in _MORE},
    **{f"quality.{name}": "minimise" for name in _LESS},
    **dict.fromkeys(_LESS_ELSEWHERE, "minimise"),
}
"""The figures of a report of which everybody knows which way is better, by their paths."""


SHARES = frozenset(f"quality.{name}" for name in _SHARES)
"""Those of them that are shares, from 0 to 1."""


def sense_of(objective: Objective) -> Sense:
    """Return which way an objective is better.

    Raises:
        InvalidRequest: its figure does not say so, and neither does the objective.

    >>> sense_of(Objective(path="quality.expected_ratio"))
    'maximise'
    """
    found = objective.sense or SENSES.get(objective.path)
    if found is None:
        allowed = f"maximise or minimise, since {objective.path} can be meant either way"
        raise InvalidRequest(f"objective.sense: missing; allowed: {allowed}")
    return found


def is_money_or_time(objective: Objective) -> bool:
    """Return whether an objective is itself what others are weighed against."""
    return objective.path.startswith(("cost.", "timing.")) or objective.path.endswith("_seconds")
