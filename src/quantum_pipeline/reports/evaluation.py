"""Evaluates a result: against the best known answer, and as an optimisation.

Every figure that a result does not define is None, and says why; nothing is divided by zero.
Definitions are in docs/report.md, each holds for energies of either sign.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
from pydantic import BaseModel, ConfigDict

from quantum_pipeline.ising import IsingModel
from quantum_pipeline.problems import BinaryProblem, MaxCut
from quantum_pipeline.results import Estimated, Evaluation, OptimisationResult
from quantum_pipeline.results.optimisation import Method

Rating = Literal["excellent", "good", "fair", "poor"]
Outcome = Literal["worse", "equal", "better"]
BestKnownBy = Literal["exact", Method, "quantum samples", "recursive QAOA"]


class _Figures(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Classical(_Figures):
    """The classical baseline, in the units of the problem's objective."""

    method: Method
    objective: float
    proven: bool
    seconds: float


class Quality(_Figures):
    """The quantum result against the best known one, and against no algorithm at all.

    The ratios are of the best sample, of the mean energy and of the mean energy of uniformly
    random bits. All are by ``ratio_definition``, or all None, and then ``ratio_undefined_because``
    says why. ``outcome`` is how the best bitstring stands against the classical one.
    ``quantum_seconds`` is what the job took to optimise and to sample; those of an emulated device
    are the emulator's, so that the verdict has no ratio of times. On a device
    ``trained_energy`` is that of the circuit without noise, None where it is unknown, and the
    mitigated figures are None unless the mitigated energy is the one that counts.
    """

    best_known: float
    best_known_by: BestKnownBy
    approximation_ratio: float | None
    expected_ratio: float | None
    random_ratio: float | None
    ratio_definition: str
    ratio_undefined_because: str | None
    probability_of_best: float | None
    mean_energy: float
    mean_energy_by: Literal["exact state", "samples"]
    standard_error: float | None
    trained_energy: float | None
    trained_ratio: float | None
    mitigated_energy: float | None
    mitigated_standard_error: float | None
    mitigated_ratio: float | None
    random_mean_energy: float
    quantum_seconds: float
    classical: Classical
    outcome: Outcome
    verdict: str


class Analysis(_Figures):
    """The course of the optimisation; energies in the problem's units."""

    initial_energy: float
    final_energy: float
    reduction_percent: float | None
    convergence_rate: float
    stability: float | None
    efficiency: float | None
    rating: Rating | None
    convergence_evaluation: int


def quality(problem: BinaryProblem, model: IsingModel, result: OptimisationResult) -> Quality:
    """Return how the quantum result stands against the best known one."""
    classical, tolerance = result.classical, model.tolerance
    best = min(classical.energy, result.best_energy)
    zero, definition, undefined = _zero_of_ratio(problem, result, best, tolerance)

    def ratio(energy: float | None) -> float | None:
        if undefined is not None or energy is None:
            return None
        return 1.0 if abs(energy - best) <= tolerance else (zero - energy) / (zero - best)

    def objective(energy: float) -> float:
        return problem.objective_of_energy(energy) + 0.0  # -0.0 is written as 0.0

    outcome = _outcome(result, tolerance)
    trained = None if result.device_run is None else result.device_run.trained_energy
    mitigated = _mitigated(result)
    return Quality(
        best_known=objective(best),
        best_known_by=_best_known_by(result, tolerance),
        approximation_ratio=ratio(result.best_energy),
        expected_ratio=ratio(result.mean_energy),
        random_ratio=ratio(model.offset),
        ratio_definition=definition,
        ratio_undefined_because=undefined,
        probability_of_best=result.probability_of_best,
        mean_energy=result.mean_energy,
        mean_energy_by="exact state" if result.mean_energy_exact else "samples",
        standard_error=result.standard_error,
        trained_energy=trained,
        trained_ratio=ratio(trained),
        mitigated_energy=None if mitigated is None else mitigated.energy,
        mitigated_standard_error=None if mitigated is None else mitigated.standard_error,
        mitigated_ratio=None if mitigated is None else ratio(mitigated.energy),
        random_mean_energy=model.offset,  # of random bits, spins and their products average to 0
        quantum_seconds=_quantum_seconds(result),
        classical=Classical(
            method=classical.method,
            objective=objective(classical.energy),
            proven=classical.proven,
            seconds=classical.seconds,
        ),
        outcome=outcome,
        verdict=_verdict(result, outcome),
    )


def _mitigated(result: OptimisationResult) -> Estimated | None:
    outcome = None if result.device_run is None else result.device_run.mitigation
    return outcome.mitigated if outcome is not None and outcome.kept == "mitigated" else None


def _best_known_by(result: OptimisationResult, tolerance: float) -> BestKnownBy:
    if result.classical.proven:
        return "exact"
    if result.classical.energy <= result.best_energy + tolerance:
        return result.classical.method
    return "quantum samples" if result.counts else "recursive QAOA"


def _zero_of_ratio(
    problem: BinaryProblem, result: OptimisationResult, best: float, tolerance: float
) -> tuple[float, str, str | None]:
    """Return the energy of ratio 0, the definition in words, and why it fails if it does.

    The ratio of an energy E is (zero - E)/(zero - best) with zero = 0, the energy of no cut, for
    maxcut, which makes it cut / best cut, and zero = the worst energy for all other problems.
    """
    if isinstance(problem, MaxCut):
        zero, flat = 0.0, "the best known cut is not above zero"
        definition = "cut / best known cut"
    else:
        definition = "(worst - value) / (worst - best), energies over all bitstrings"
        if result.classical.worst_energy is None:
            return 0.0, definition, "the worst energy is unknown: too many bitstrings to list"
        zero, flat = result.classical.worst_energy, "every bitstring has the same energy"
    return zero, definition, flat if zero - best <= tolerance else None


def _quantum_seconds(result: OptimisationResult) -> float:
    return result.seconds.optimise + result.seconds.sample


def _outcome(result: OptimisationResult, tolerance: float) -> Outcome:
    gap = result.best_energy - result.classical.energy
    return "worse" if gap > tolerance else "better" if gap < -tolerance else "equal"


def _verdict(result: OptimisationResult, outcome: Outcome) -> str:
    """Return the outcome in words; times are compared only where the answers are equally good."""
    classical, gap = result.classical, abs(result.best_energy - result.classical.energy)
    rival = f"the best that {classical.method} found, not proven"
    if classical.proven:
        rival = f"{classical.method} (the optimum)"
    if outcome != "equal":
        return f"{outcome} by {gap:.6g} than {rival}"
    found = f"as good as {rival}"
    if result.device_run is not None and result.device_run.emulated is not None:
        return f"{found}; times are not compared, for the device was emulated"
    quantum, seconds = max(_quantum_seconds(result), 1e-6), max(classical.seconds, 1e-6)
    times = max(quantum, seconds) / min(quantum, seconds)
    pace = "slower" if quantum > seconds else "faster"
    return f"{found}, {times:,.{0 if times >= 10 else 1}f} times {pace}"


def analyse(history: Sequence[Evaluation], tolerance: float) -> Analysis:
    """Return the figures of an optimisation from its mean energies E_1 .. E_N.

    With the lowest so far B_k = min(E_1 .. E_k), and 0 meaning within the tolerance:

    - initial E_1, final B_N, reduction 100 (E_1 - B_N)/|E_1|, None where E_1 = 0;
    - convergence evaluation: the first k by which 99 % of the descent E_1 - B_N is made;
    - convergence rate: mean of the descents B_{k-1} - B_k > 0 among the first 50 evaluations;
    - stability: 1/(1 + var/mean²) of the last ten energies of the start that reached B_N,
      None where their mean is 0;
    - efficiency (N - k)/N at the convergence evaluation k, rated at 0.8, 0.6 and 0.4; None where
      N = 1, for then nothing was optimised.
    """
    energy = np.array([each.energy for each in history])
    start = np.array([each.start for each in history])
    lowest = np.minimum.accumulate(energy)
    initial, final = float(energy[0]), float(lowest[-1])
    descents = -np.diff(lowest[:50])
    descents = descents[descents > tolerance]
    reached = 1 + int(np.argmax(lowest <= final + 0.01 * (initial - final)))
    last = energy[start == start[energy.argmin()]][-10:]
    mean = float(last.mean())
    efficiency = (len(energy) - reached) / len(energy) if len(energy) > 1 else None
    return Analysis(
        initial_energy=initial,
        final_energy=final,
        reduction_percent=(
            100 * (initial - final) / abs(initial) if abs(initial) > tolerance else None
        ),
        convergence_rate=float(descents.mean()) if descents.size else 0.0,
        stability=1 / (1 + (float(last.std()) / mean) ** 2) if abs(mean) > tolerance else None,
        efficiency=efficiency,
        rating=None if efficiency is None else _rating(efficiency),
        convergence_evaluation=reached,
    )


def _rating(efficiency: float) -> Rating:
    if efficiency >= 0.8:
        return "excellent"
    if efficiency >= 0.6:
        return "good"
    return "fair" if efficiency >= 0.4 else "poor"
