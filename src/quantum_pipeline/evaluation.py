"""How good a result is: against the best known answer, and as an optimisation.

Every figure that a result does not define is None, and says why; nothing is divided by zero.
Definitions are in docs/report.md, each holds for energies of either sign.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
from pydantic import BaseModel, ConfigDict

from quantum_pipeline.problems import MaxCut, Problem
from quantum_pipeline.results import Evaluation, JobResult


class _Figures(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Classical(_Figures):
    """The classical baseline, in the units of the problem's objective."""

    method: str
    objective: float
    seconds: float


class Quality(_Figures):
    """The quantum result against the best known one.

    ``approximation_ratio`` is of the best sample, ``expected_ratio`` of the mean energy; both by
    ``ratio_definition``, and None with ``ratio_undefined_because`` where an end is unknown or zero.
    """

    best_known: float
    best_known_by: Literal["exact", "simulated annealing", "quantum samples"]
    approximation_ratio: float | None
    expected_ratio: float | None
    ratio_definition: str
    ratio_undefined_because: str | None
    probability_of_best: float | None
    mean_energy: float
    mean_energy_by: Literal["exact state", "samples"]
    standard_error: float
    classical: Classical
    verdict: str


class Analysis(_Figures):
    """The course of the optimisation; energies in the problem's units."""

    initial_energy: float
    final_energy: float
    reduction_percent: float | None
    convergence_rate: float
    stability: float | None
    efficiency: float
    rating: Literal["excellent", "good", "fair", "poor"]
    convergence_evaluation: int


def quality(problem: Problem, result: JobResult, tolerance: float) -> Quality:
    """Return how the quantum result stands against the best known one."""
    classical = result.classical
    best = min(classical.energy, result.best_energy)
    if classical.proven:
        by: Literal["exact", "simulated annealing", "quantum samples"] = "exact"
    elif classical.energy <= result.best_energy + tolerance:
        by = "simulated annealing"
    else:
        by = "quantum samples"
    ratio, expected, definition, undefined = _ratios(problem, result, best, tolerance)
    return Quality(
        best_known=problem.objective_of_energy(best),
        best_known_by=by,
        approximation_ratio=ratio,
        expected_ratio=expected,
        ratio_definition=definition,
        ratio_undefined_because=undefined,
        probability_of_best=result.probability_of_best,
        mean_energy=result.mean_energy,
        mean_energy_by="exact state" if result.mean_energy_exact else "samples",
        standard_error=result.standard_error,
        classical=Classical(
            method=classical.method,
            objective=problem.objective_of_energy(classical.energy),
            seconds=classical.seconds,
        ),
        verdict=_verdict(result, tolerance),
    )


def _ratios(
    problem: Problem, result: JobResult, best: float, tolerance: float
) -> tuple[float | None, float | None, str, str | None]:
    if isinstance(problem, MaxCut):
        definition = "cut / best known cut"
        if -best <= tolerance:
            return None, None, definition, "the best known cut is not above zero"
        return result.best_energy / best, result.mean_energy / best, definition, None
    definition = "(worst - value) / (worst - best), energies over all bitstrings"
    worst = result.classical.worst_energy
    if worst is None:
        return None, None, definition, "the worst energy is unknown: too many bitstrings to list"
    if worst - best <= tolerance:
        return None, None, definition, "every bitstring has the same energy"
    ratio, expected = (
        (worst - e) / (worst - best) for e in (result.best_energy, result.mean_energy)
    )
    return ratio, expected, definition, None


def _verdict(result: JobResult, tolerance: float) -> str:
    classical, gap = result.classical, result.best_energy - result.classical.energy
    quantum_seconds = result.seconds.optimise + result.seconds.sample
    if gap > tolerance:
        found = f"worse than {classical.method} by {gap:.6g}"
    elif gap < -tolerance:
        found = f"better than {classical.method} by {-gap:.6g}"
    else:
        found = f"as good as {classical.method}" + (" (the optimum)" if classical.proven else "")
    faster, slower = sorted((quantum_seconds, classical.seconds))
    who = "slower" if quantum_seconds > classical.seconds else "faster"
    return f"{found}, {slower / max(faster, 1e-6):.3g} times {who}"


def analyse(history: Sequence[Evaluation]) -> Analysis:
    """Return the figures of an optimisation from its energies E_1 .. E_N.

    With the lowest so far B_k = min(E_1 .. E_k):

    - initial E_1, final B_N, reduction 100 (E_1 - B_N)/|E_1|, None where E_1 = 0;
    - convergence evaluation: the first k with B_k within 1 % of the whole descent of B_N;
    - convergence rate: mean of the descents B_{k-1} - B_k > 0 among the first 50 evaluations;
    - stability of the last ten energies: 1/(1 + var/mean²), None where their mean is 0;
    - efficiency (N - k)/N at the convergence evaluation k; rated at 0.8, 0.6 and 0.4.
    """
    energy = np.array([each.energy for each in history])
    lowest = np.minimum.accumulate(energy)
    initial, final = float(energy[0]), float(lowest[-1])
    descents = -np.diff(lowest[:50])
    descents = descents[descents > 0]
    reached = int(np.argmax(lowest <= final + 0.01 * (initial - final))) + 1
    last = energy[-10:]
    mean = float(last.mean())
    efficiency = (len(energy) - reached) / len(energy)
    return Analysis(
        initial_energy=initial,
        final_energy=final,
        reduction_percent=100 * (initial - final) / abs(initial) if initial else None,
        convergence_rate=float(descents.mean()) if descents.size else 0.0,
        stability=1 / (1 + float(last.var()) / mean**2) if mean else None,
        efficiency=efficiency,
        rating=_rating(efficiency),
        convergence_evaluation=reached,
    )


def _rating(efficiency: float) -> Literal["excellent", "good", "fair", "poor"]:
    if efficiency >= 0.8:
        return "excellent"
    if efficiency >= 0.6:
        return "good"
    return "fair" if efficiency >= 0.4 else "poor"
