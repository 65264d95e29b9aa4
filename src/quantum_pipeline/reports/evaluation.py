"""Evaluates a result: against the best known answer, and as an optimisation.

Every figure that a result does not define is None, and says why; nothing is divided by zero.
Definitions are in docs/report.md, each holds for energies of either sign.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import nextafter
from typing import Literal

import numpy as np
from pydantic import BaseModel, ConfigDict

from quantum_pipeline.ising import IsingModel
from quantum_pipeline.ising.exact import Gap
from quantum_pipeline.problems import BinaryProblem, MaxCut
from quantum_pipeline.results import (
    ClassicalSolution,
    Estimated,
    Evaluation,
    OptimisationResult,
)
from quantum_pipeline.results.optimisation import Method
from quantum_pipeline.wording import digits

Outcome = Literal["worse", "equal", "better"]
BestKnownBy = Literal["exact", Method, "quantum samples", "recursive QAOA", "rounded correlations"]


ROUNDED = "what the coefficients were rounded by"


class _Figures(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Classical(_Figures):
    """The classical baseline, in the units of the problem's objective.

    Where it is not proven, bounds may show that no bitstring is better by more than ``within``.
    """

    method: Method
    bitstring: str
    objective: float
    proven: bool
    within: float | None
    seconds: float


class Quality(_Figures):
    """The quantum result against the best known one, and against no algorithm at all.

    ``outcome`` is how the best bitstring stands against the classical one, and ``difference`` by
    how much: both are decided on exact numbers. ``doubtful`` is set where they differ by less than
    the coefficients were rounded by when they became floats. ``all_equal`` says that every
    bitstring has the same energy, and ``descent`` how far the mean lies below that of random bits.

    The ratios are of the best sample, of the mean energy and of the mean energy of uniformly
    random bits. All are by ``ratio_definition``, or all None, and then ``ratio_undefined_because``
    says why. ``quantum_seconds`` is what the job took to optimise and to sample; those of an
    emulated device are the emulator's, so that the verdict has no ratio of times. On a device
    ``trained_energy`` is that of the circuit without noise, None where it is unknown, and the
    mitigated figures are None unless the mitigated energy is the one that counts.
    """

    best_known: float
    best_known_by: BestKnownBy
    difference: float
    doubtful: bool
    all_equal: bool
    approximation_ratio: float | None
    expected_ratio: float | None
    random_ratio: float | None
    ratio_definition: str
    ratio_undefined_because: str | None
    probability_of_best: float | None
    mean_energy: float
    mean_energy_by: Literal["exact state", "samples", "parts"]
    standard_error: float | None
    trained_energy: float | None
    trained_ratio: float | None
    mitigated_energy: float | None
    mitigated_standard_error: float | None
    mitigated_ratio: float | None
    random_mean_energy: float
    descent: float
    quantum_seconds: float
    classical: Classical
    outcome: Outcome
    verdict: str


class Analysis(_Figures):
    """The course of the optimisation; energies in the problem's units."""

    initial_energy: float
    final_energy: float
    descent: float
    reduction_percent: float | None
    convergence_rate: float
    stability: float | None
    efficiency: float | None
    convergence_evaluation: int


def quality(problem: BinaryProblem, model: IsingModel, result: OptimisationResult) -> Quality:
    """Return how the quantum result stands against the best known one.

    ``model`` is that of the result: less the problem's constant, as all energies are.
    """
    classical, exact = result.classical, problem.exact
    known = (classical.bitstring, result.best_bitstring)
    gap = exact.compare(result.best_bitstring, classical.bitstring)
    scale = _Scale.of(problem, result, exact.energy(known[exact.best(known)]))
    close = model.tolerance + exact.rounding(model)

    def objective(energy: Fraction) -> float:
        return problem.objective_of_energy(problem.with_constant(energy)) + 0.0  # no -0.0

    def with_constant(energy: float | None) -> float | None:
        return None if energy is None else problem.with_constant(energy)

    trained = None if result.device_run is None else result.device_run.trained_energy
    mitigated = _mitigated(result)
    return Quality(
        best_known=objective(scale.best),
        best_known_by=_best_known_by(result, gap),
        difference=float(gap.size),
        doubtful=gap.doubtful or (gap.order == 0 and classical.doubtful),
        all_equal=scale.all_equal,
        approximation_ratio=scale.ratio_of_answer(exact.energy(result.best_bitstring), gap),
        expected_ratio=scale.ratio_of_mean(result.mean_energy, close),
        random_ratio=scale.ratio(exact.mean),
        ratio_definition=scale.definition,
        ratio_undefined_because=scale.undefined,
        probability_of_best=result.probability_of_best,
        mean_energy=problem.with_constant(result.mean_energy),
        mean_energy_by=_mean_by(result),
        standard_error=result.standard_error,
        trained_energy=with_constant(trained),
        trained_ratio=None if trained is None else scale.ratio_of_mean(trained, close),
        mitigated_energy=None if mitigated is None else with_constant(mitigated.energy),
        mitigated_standard_error=None if mitigated is None else mitigated.standard_error,
        mitigated_ratio=None if mitigated is None else scale.ratio(mitigated.energy),
        # Of random bits, spins and their products average to 0.
        random_mean_energy=problem.with_constant(exact.mean),
        descent=float(exact.mean - Fraction(result.mean_energy)),
        quantum_seconds=_quantum_seconds(result),
        classical=classical_part(problem, classical),
        outcome=_OUTCOMES[gap.order],
        verdict=_verdict(result, gap),
    )


def classical_part(problem: BinaryProblem, found: ClassicalSolution) -> Classical:
    """Return the classical answer in the units of the problem's objective."""
    energy = problem.with_constant(problem.exact.energy(found.bitstring))
    return Classical(
        method=found.method,
        bitstring=found.bitstring,
        objective=problem.objective_of_energy(energy) + 0.0,  # no -0.0
        proven=found.proven,
        within=found.within,
        seconds=found.seconds,
    )


def _mean_by(result: OptimisationResult) -> Literal["exact state", "samples", "parts"]:
    if result.cut_rounds:
        return "parts"
    return "exact state" if result.mean_energy_exact else "samples"


_OUTCOMES: dict[int, Outcome] = {-1: "better", 0: "equal", 1: "worse"}


def _mitigated(result: OptimisationResult) -> Estimated | None:
    outcome = None if result.device_run is None else result.device_run.mitigation
    return outcome.mitigated if outcome is not None and outcome.kept == "mitigated" else None


def _best_known_by(result: OptimisationResult, gap: Gap) -> BestKnownBy:
    if result.classical.proven:
        return "exact"
    if gap.order >= 0:
        return result.classical.method
    if result.algorithm == "rqaoa":
        return "recursive QAOA"
    return "rounded correlations" if result.cut_rounds else "quantum samples"


@dataclass(frozen=True)
class _Scale:
    """The ratio of an energy E, (zero - E)/(zero - best), in exact numbers.

    ``zero`` is 0, the energy of no cut, for maxcut, which makes it cut / best cut, and the worst
    energy for all other problems. ``undefined`` says why there is none, if that is so.
    """

    zero: Fraction
    best: Fraction
    definition: str
    undefined: str | None
    all_equal: bool

    @classmethod
    def of(cls, problem: BinaryProblem, result: OptimisationResult, best: Fraction) -> _Scale:
        exact, classical = problem.exact, result.classical
        worst = classical.worst_bitstring
        flat = worst is not None and not exact.compare(worst, classical.bitstring).order
        if isinstance(problem, MaxCut):
            no_cut = "the best known cut is not above zero" if best >= 0 else None
            return cls(Fraction(0), best, "cut / best known cut", no_cut, flat)
        definition = "(worst - value) / (worst - best), energies over all bitstrings"
        if worst is None:
            unknown = "the worst energy is unknown: too many bitstrings to list"
            return cls(Fraction(0), best, definition, unknown, flat)
        equal = "every bitstring has the same energy" if flat else None
        return cls(exact.energy(worst), best, definition, equal, flat)

    def ratio(self, energy: Fraction | float) -> float | None:
        """Return the ratio of an energy, None where there is none."""
        if self.undefined is not None:
            return None
        return float((self.zero - Fraction(energy)) / (self.zero - self.best))

    def ratio_of_answer(self, energy: Fraction, gap: Gap) -> float | None:
        """Return 1 for an answer that is no worse than the classical one, and less for others."""
        ratio = self.ratio(energy)
        if ratio is None:
            return None
        return min(ratio, nextafter(1.0, 0.0)) if gap.order > 0 else 1.0

    def ratio_of_mean(self, energy: float, close: float) -> float | None:
        """Return the ratio of a mean, which is no better than the best, within its rounding."""
        ratio = self.ratio(energy)
        return 1.0 if ratio is not None and energy <= float(self.best) + close else ratio


def _quantum_seconds(result: OptimisationResult) -> float:
    return result.seconds.optimise + result.seconds.sample


def _verdict(result: OptimisationResult, gap: Gap) -> str:
    """Return the outcome in words; times are compared only where the answers are equally good."""
    classical, rival = result.classical, _rival(result.classical, gap)
    if gap.order:
        less = f", less than {ROUNDED}," if gap.doubtful else ""
        return f"{_OUTCOMES[gap.order]} by {digits(float(gap.size))}{less} than {rival}"
    found = f"as good as {rival}"
    if result.device_run is not None and result.device_run.emulated is not None:
        return f"{found}; times are not compared, for the device was emulated"
    quantum, seconds = max(_quantum_seconds(result), 1e-6), max(classical.seconds, 1e-6)
    times = max(quantum, seconds) / min(quantum, seconds)
    pace = "slower" if quantum > seconds else "faster"
    return f"{found}, {times:,.{0 if times >= 10 else 1}f} times {pace}"


def _rival(classical: ClassicalSolution, gap: Gap) -> str:
    """Return what the classical answer is: the optimum, or the best that was found."""
    doubtful = classical.doubtful or (gap.doubtful and not gap.order)
    rounded = f", to within {ROUNDED}" if doubtful else ""
    if classical.proven:
        return f"{classical.method} (the optimum{rounded})"
    bound = f": none is better by more than {classical.within:.2g}" if classical.within else ""
    return f"the best that {classical.method} found, not proven{bound}{rounded}"


def analyse(history: Sequence[Evaluation], tolerance: float, constant: float = 0.0) -> Analysis:
    """Return the figures of an optimisation from its mean energies E_1 .. E_N.

    Of each, ``history`` has what is more than ``constant``. With the lowest so far
    B_k = min(E_1 .. E_k), and 0 meaning within the tolerance:

    - initial E_1, final B_N, descent E_1 - B_N, reduction 100 (E_1 - B_N)/|E_1|, None where E_1
      is 0;
    - convergence evaluation: the first k by which 99 % of the descent E_1 - B_N is made;
    - convergence rate: mean of the descents B_{k-1} - B_k > 0 among the first 50 evaluations;
    - stability: 1/(1 + var/mean²) of the last ten energies of the start that reached B_N,
      None where their mean is 0;
    - efficiency (N - k)/N at the convergence evaluation k, the share of evaluations that were not
      needed for these 99 %; None where N = 1, for then nothing was optimised.
    """
    energy = np.array([each.energy for each in history])
    start = np.array([each.start for each in history])
    lowest = np.minimum.accumulate(energy)
    first, descent = float(energy[0]), float(energy[0] - lowest[-1])
    descents = -np.diff(lowest[:50])
    descents = descents[descents > tolerance]
    reached = 1 + int(np.argmax(lowest <= lowest[-1] + 0.01 * descent))
    last = energy[start == start[energy.argmin()]][-10:]
    initial, mean = constant + first, constant + float(last.mean())
    efficiency = (len(energy) - reached) / len(energy) if len(energy) > 1 else None
    return Analysis(
        initial_energy=initial,
        final_energy=constant + float(lowest[-1]),
        descent=descent if descent > tolerance else 0.0,
        reduction_percent=100 * descent / abs(initial) if abs(initial) > tolerance else None,
        convergence_rate=float(descents.mean()) if descents.size else 0.0,
        stability=1 / (1 + (float(last.std()) / mean) ** 2) if abs(mean) > tolerance else None,
        efficiency=efficiency,
        convergence_evaluation=reached,
    )
