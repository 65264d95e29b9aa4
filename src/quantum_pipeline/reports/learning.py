"""The report's part on earlier runs: what they suggested, and what came of it."""

from __future__ import annotations

from collections.abc import Iterable
from statistics import median
from typing import Literal

from quantum_pipeline.planning.learning import Learning, Neighbour, Suggestion, Verdict
from quantum_pipeline.planning.prepared import PreparedRun
from quantum_pipeline.reports.part import Part
from quantum_pipeline.requests.algorithm import SHOT_OPTIMIZERS
from quantum_pipeline.results import JobResult, OptimisationResult
from quantum_pipeline.results.optimisation import StartsCompared, Taken
from quantum_pipeline.wording import digits


class AgainstDefault(Part):
    """What came of the suggestion, beside what is known of the default start.

    ``learned_energy`` and ``default_energy`` are those of both starts, with as many layers, by
    ``compared_on``. ``default_evaluations`` and ``default_seconds`` are medians of the earlier runs
    that took the default start: of other problems, so no measurement of this one. ``default_usd``
    is the estimate of the same run without the suggestion, beside ``estimated_usd``.
    """

    taken: Taken
    learned_energy: float
    default_energy: float | None
    compared_on: Literal["evaluations", "exact state"]
    evaluations: int
    default_evaluations: float | None
    seconds: float
    default_seconds: float | None
    estimated_usd: float
    default_usd: float | None


class LearningPart(Part):
    """What earlier runs suggested, which these were, and what came of it; None where unused."""

    verdict: Verdict
    words: str
    runs: tuple[Neighbour, ...]
    suggestion: Suggestion | None
    came_of_it: AgainstDefault | None
    conclusion: str


def learning_part(prepared: PreparedRun, result: JobResult) -> LearningPart | None:
    """Return the part; None of a run that did not ask for it."""
    learning = prepared.learning
    if learning is None:
        return None
    found = None
    if isinstance(result, OptimisationResult) and result.compared is not None:
        found = _against_default(prepared, learning, result, result.compared)
    return LearningPart(
        verdict=learning.verdict,
        words=learning.words,
        runs=learning.runs,
        suggestion=learning.suggestion,
        came_of_it=found,
        conclusion="The run took the default start." if found is None else _conclusion(found),
    )


def _against_default(
    prepared: PreparedRun, learning: Learning, result: OptimisationResult, compared: StartsCompared
) -> AgainstDefault:
    from_shots = prepared.request.algorithm.optimizer in SHOT_OPTIMIZERS
    whole, default = prepared.binary.with_constant, compared.default
    return AgainstDefault(
        taken=compared.taken,
        learned_energy=whole(compared.learned),
        default_energy=None if default is None else whole(default),
        compared_on="exact state" if from_shots else "evaluations",
        evaluations=len(result.history),
        default_evaluations=_median(run.evaluations for run in learning.runs),
        seconds=result.seconds.optimise + result.seconds.sample,
        default_seconds=_median(run.seconds for run in learning.runs),
        estimated_usd=prepared.estimate.total_usd,
        default_usd=learning.default_usd,
    )


def _median(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return median(known) if known else None


_TAKEN = {
    "learned": "the suggestion was lower, and the optimiser went on from it",
    "default": "the default start was lower, and the optimiser went on from that",
    "both": "the optimiser went on from both",
}


def _conclusion(found: AgainstDefault) -> str:
    """Return what came of it, and how each figure of the default start is known."""
    default = found.default_energy
    return " ".join(
        (
            _energies(found) if default is None else _both_energies(found, default),
            _effort(found),
            _money(found),
        )
    ).rstrip()


def _energies(found: AgainstDefault) -> str:
    return f"The suggestion has the energy {digits(found.learned_energy)}."


def _both_energies(found: AgainstDefault, default: float) -> str:
    paid = "one evaluation more" if found.compared_on == "evaluations" else "the exact state, free"
    return (
        f"With as many layers the suggestion has the energy "
        f"{digits(found.learned_energy, default)}, the default start "
        f"{digits(default, found.learned_energy)} ({paid}): {_TAKEN[found.taken]}."
    )


def _effort(found: AgainstDefault) -> str:
    count = found.evaluations
    took = f"The run took {count} evaluation{'s' * (count != 1)} and {found.seconds:.3g} s"
    if found.default_evaluations is None:
        return f"{took}; what the default start takes is unknown: none of the earlier runs had it."
    against = f"{took}; from the default start the earlier runs took "
    against += f"{found.default_evaluations:g} evaluations in the median"
    if found.default_seconds is not None:
        against += f", and {found.default_seconds:.3g} s"
    return f"{against}: of other problems, for here it was not run."


def _money(found: AgainstDefault) -> str:
    if found.default_usd is None or found.default_usd == found.estimated_usd:
        return ""
    return (
        f"It was estimated at {found.estimated_usd:.4f} USD, and at {found.default_usd:.4f} USD "
        "with the default's evaluations."
    )
