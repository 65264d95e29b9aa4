"""Evaluates the result of a problem on a form: among feasible states, beside blind picks.

The ratio of an objective, both as they are minimised:

    ratio = (worst feasible - objective) / (worst feasible - best feasible)

1 is the best feasible state, 0 the worst; penalised energies have no part in it. Of all shots N the
chance that one of them is the best is 1 - (1 - p)^N, with p of one shot.
"""

from __future__ import annotations

import math
from typing import Any, Literal

from quantum_pipeline.problems import FormProblem
from quantum_pipeline.reports.constrained_parts import FormClassical, FormQuality
from quantum_pipeline.results.constrained import ConstrainedResult, FeasibleFigures
from quantum_pipeline.wording import digits, percent

ALMOST_SURELY = 0.95
"""Chance of the best answer in as many blind picks as shots, from which the shots prove nothing."""

CLEARLY = 2.0
"""Times as often as a blind pick, from which a shot is called better than one."""

DEFINITION = "(worst - value) / (worst - best), objectives over {} states, as they are minimised"

Outcome = Literal["infeasible", "worse", "equal", "better"]


def quality(problem: FormProblem, result: ConstrainedResult) -> FormQuality:
    """Return how the quantum answer stands against the best one, and against blind picks."""
    figures, shots = seen(result), sum(result.counts.values())
    p, blind = figures.probability_of_best, figures.blind_probability_of_best
    in_blind, equal = _in_shots(blind, shots), figures.best == figures.worst
    share, random_share = _shares(problem, figures)
    outcome, difference = _standing(problem, result)
    objective, rival = problem.objective_of_energy, _classical(problem, result)

    def ratio(energy: float | None) -> float | None:
        if equal or energy is None:
            return None
        return (figures.worst - energy) / (figures.worst - figures.best)

    return FormQuality(
        best_known=objective(figures.best) if rival.objective is None else rival.objective,
        best_known_by="exact" if result.classical.proven else result.classical.method,
        difference=difference,
        all_equal=equal,
        approximation_ratio=ratio(result.best_objective),
        expected_ratio=ratio(figures.mean) if figures.share else None,
        random_ratio=ratio(figures.blind_mean),
        ratio_definition=DEFINITION.format("feasible" if problem.form.constraints else "all"),
        ratio_undefined_because="all feasible states have the same objective" if equal else None,
        feasible_share=share,
        feasible_share_of_shots=_feasible(problem, result.counts) / shots,
        random_feasible_share=random_share,
        probability_of_best=p,
        probability_of_best_in_shots=_in_shots(p, shots),
        blind_probability_of_best=blind,
        blind_probability_of_best_in_shots=in_blind,
        times_blind=p / blind,
        blind_finds_best=in_blind >= ALMOST_SURELY,
        mean_objective=objective(figures.mean) if figures.share else None,
        random_mean_objective=objective(figures.blind_mean),
        mean_energy=result.mean_energy,
        random_mean_energy=figures.blind_mean,
        **_on_device(problem, result),
        quantum_seconds=result.seconds.optimise + result.seconds.sample,
        classical=rival,
        outcome=outcome,
        verdict=_verdict(problem, result, outcome, difference),
    )


def seen(result: ConstrainedResult) -> FeasibleFigures:
    """Return the figures of what was sampled: of the exact state, or of a device's shots."""
    found = result.measured
    if found is None:
        return result.figures
    return result.figures.model_copy(
        update={
            "share": found.feasible_share,
            "mean": result.figures.best if found.mean is None else found.mean,
            "probability_of_best": found.share_of_best,
        }
    )


def _on_device(problem: FormProblem, result: ConstrainedResult) -> dict[str, Any]:
    """Return what a device's shots say beside its circuit without noise."""
    found, run = result.measured, result.device_run
    if found is None or run is None:
        missing = (
            "standard_error", "selected_energy", "selected_standard_error", "trained_energy",
            "trained_feasible_share", "trained_probability_of_best",
        )  # fmt: skip
        return dict.fromkeys(missing) | {"space_share_of_shots": 1.0, "discarded_shots": 0}
    selected = found.selected
    return {
        "standard_error": found.energy.standard_error,
        "space_share_of_shots": found.space_share,
        "discarded_shots": round((1 - found.space_share) * sum(result.counts.values())),
        "selected_energy": None if selected is None else selected.energy,
        "selected_standard_error": None if selected is None else selected.standard_error,
        "trained_energy": run.trained_energy,
        "trained_feasible_share": _shares(problem, result.figures)[0],
        "trained_probability_of_best": result.figures.probability_of_best,
    }


def _shares(problem: FormProblem, figures: FeasibleFigures) -> tuple[float, float]:
    """Return the share of feasible outcomes of a shot, and of all states.

    Where violations are what is minimised, feasible are the best states, if they have none.
    """
    if not problem.counts_violations:
        return figures.share, figures.n_feasible / figures.n_states
    if figures.best:
        return 0.0, 0.0
    return figures.probability_of_best, figures.blind_probability_of_best


def _in_shots(probability: float, shots: int) -> float:
    """Return 1 - (1 - p)^shots, small ones to all their digits.

    >>> _in_shots(0.5, 2), _in_shots(1e-20, 128)
    (0.75, 1.28e-18)
    """
    return -math.expm1(shots * math.log1p(-probability)) if probability < 1 else 1.0


def _feasible(problem: FormProblem, counts: dict[str, int]) -> int:
    """Return how many shots keep the groups' rules and, by the problem's own check, all others."""
    return sum(
        n
        for bits, n in ((bits_of(bitstring), n) for bitstring, n in counts.items())
        if problem.space.holds(bits) and not problem.check(bits)
    )


def bits_of(bitstring: str) -> list[int]:
    """Return a bitstring's bits."""
    return [int(bit) for bit in bitstring]


def _standing(problem: FormProblem, result: ConstrainedResult) -> tuple[Outcome, float | None]:
    """Return how the best shot stands against the classical answer, and by how much, exactly."""
    found, rival = result.best_bitstring, result.classical.bitstring
    if found is None:
        return "infeasible", None
    if rival is None:
        return "better", None
    value = problem.form.objective.value
    gap = value(bits_of(found)) - value(bits_of(rival))
    return ("better" if gap < 0 else "worse" if gap else "equal"), float(abs(gap))


def _classical(problem: FormProblem, result: ConstrainedResult) -> FormClassical:
    classical = result.classical
    bits = None if classical.bitstring is None else bits_of(classical.bitstring)
    return FormClassical(
        method=classical.method,
        bitstring=classical.bitstring,
        decoded=None if bits is None else problem.decoded(bits),
        objective=None if bits is None else problem.objective(bits),
        proven=classical.proven,
        seconds=classical.seconds,
    )


def _verdict(
    problem: FormProblem, result: ConstrainedResult, outcome: Outcome, difference: float | None
) -> str:
    """Return the answer against the classical one, then the state against blind picks."""
    classical, shots = result.classical, sum(result.counts.values())
    rival = classical.method + (" (the optimum)" if classical.proven else ", which proved nothing")
    match outcome:
        case "infeasible":
            said = f"without an answer: none of {shots} shots kept all constraints"
        case "equal":
            said = f"as good as {rival}{_pace(result)}"
        case _:
            by = "" if difference is None else f" by {digits(difference)}"
            said = f"{outcome}{by} than {rival}"
    pick = "blind feasible pick" if problem.form.constraints else "blind pick"
    return f"{said}; {against_blind(seen(result), shots, pick)}"


def _pace(result: ConstrainedResult) -> str:
    if result.device_run is not None and result.device_run.emulated is not None:
        return ""  # an emulator's time says nothing of the device
    quantum = max(result.seconds.optimise + result.seconds.sample, 1e-6)
    seconds = max(result.classical.seconds, 1e-6)
    times = max(quantum, seconds) / min(quantum, seconds)
    pace = "slower" if quantum > seconds else "faster"
    return f", {times:,.{0 if times >= 10 else 1}f} times {pace}"


def against_blind(figures: FeasibleFigures, shots: int, pick: str) -> str:
    """Return what the shots show of the quantum state, beside blind picks of feasible states."""
    blind = figures.blind_probability_of_best
    if figures.best == figures.worst:
        often = times(figures.share * figures.n_states / figures.n_feasible)
        same = "all feasible states are as good"
        return f"{same}, and a shot is one {often} as often as a random state"
    gain, in_blind = figures.probability_of_best / blind, _in_shots(blind, shots)
    only = "only " if gain < CLEARLY else ""
    merit = f"a shot finds the best answer {only}{times(gain)} as often as a {pick}"
    if in_blind < ALMOST_SURELY:
        return merit
    found = f"{shots:,} {pick}s find it as well ({percent(in_blind)})"
    return f"{found}, so that the answer is no merit of the state; {merit}"


def times(ratio: float) -> str:
    """Return a ratio in words.

    >>> times(23.4), times(1.26), times(0.0321)
    ('23 times', '1.3 times', '0.032 times')
    """
    return f"{ratio:,.0f} times" if ratio >= 10 else f"{ratio:.2g} times"
