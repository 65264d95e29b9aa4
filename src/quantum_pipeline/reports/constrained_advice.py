"""Recommends what to do next about a problem on a form, each sentence from a figure it names."""

from __future__ import annotations

from quantum_pipeline.reports.constrained_parts import ConstrainedReport
from quantum_pipeline.reports.constrained_quality import CLEARLY, times
from quantum_pipeline.reports.device_advice import MOST_SHOTS
from quantum_pipeline.wording import digits, percent

FEW = 5
"""Times that the best answer is expected among the shots, below which it may well be missed."""


def recommend(report: ConstrainedReport) -> tuple[str, ...]:
    """Return what to do next; each sentence follows from a figure of the report, and names it."""
    advice = (
        _on_early_stop(report),
        _on_no_answer(report),
        _on_missed_best(report),
        _on_blind_picks(report),
        _on_no_gain(report),
        _on_few_feasible(report),
        _on_rare_best(report),
        _on_low_penalty(report),
        _on_classical_speed(report),
    )
    return tuple(sentence for sentence in advice if sentence)


def _on_early_stop(report: ConstrainedReport) -> str | None:
    ended = report.convergence
    if ended.converged or report.algorithm.optimizer == "none":
        return None
    limit = ended.stopped_by or "algorithm.max_evaluations or limits.max_runtime_seconds"
    return f"The optimiser stopped early ({ended.stop_reason}): raise {limit}."


def _more(report: ConstrainedReport) -> str:
    """Return what to raise for more of the best answer."""
    depth = f"algorithm.depth above {report.algorithm.depth}"
    return f"shots or {depth}" if report.request["shots"] < MOST_SHOTS else depth


def _on_no_answer(report: ConstrainedReport) -> str | None:
    if report.quality.outcome != "infeasible":
        return None
    share = percent(report.quality.feasible_share)
    return (
        f"No shot keeps all constraints, for a shot does so with {share}: use the "
        f"classical answer, or raise {_more(report)} or algorithm.penalty."
    )


def _on_missed_best(report: ConstrainedReport) -> str | None:
    quality, found = report.quality, report.solution.objective
    if quality.outcome != "worse" or found is None or quality.classical.objective is None:
        return None
    rival = quality.classical
    best = digits(rival.objective or 0.0, found)
    return (
        f"The best feasible shot has the objective {digits(found, rival.objective)}, "
        f"{rival.method} found {best}: use the classical answer, or raise {_more(report)}."
    )


def _on_blind_picks(report: ConstrainedReport) -> str | None:
    quality, shots = report.quality, sum(report.samples.values())
    if not quality.blind_finds_best or quality.all_equal:
        return None
    problem = report.problem
    states = f"{problem.n_states:,} states"
    if problem.n_constraints:
        states = f"{problem.n_feasible:,} feasible states"
    return (
        f"With {states} the problem is too small to show "
        f"anything by its answer: {shots:,} blind picks find the best with "
        f"{percent(quality.blind_probability_of_best_in_shots)}. Look at what one shot gives, or "
        "take a larger problem or fewer shots."
    )


def _on_no_gain(report: ConstrainedReport) -> str | None:
    quality = report.quality
    if quality.all_equal or quality.times_blind >= CLEARLY:
        return None
    if _is_lost_to_noise(report):
        trained = quality.trained_probability_of_best or 0.0
        return (
            f"A shot finds the best answer {times(quality.times_blind)} as often as a blind "
            f"feasible pick, without noise {times(trained / quality.blind_probability_of_best)}: "
            "it is the device's errors that lose it; use fewer layers or a smaller problem."
        )
    return (
        f"A shot finds the best answer {times(quality.times_blind)} as often as a blind feasible "
        f"pick: other angles are needed, from algorithm.depth above {report.algorithm.depth}, "
        "algorithm.starts or algorithm.cvar_alpha."
    )


def _is_lost_to_noise(report: ConstrainedReport) -> bool:
    """Return whether the circuit without noise finds the best answer clearly more often."""
    quality = report.quality
    trained = quality.trained_probability_of_best
    return trained is not None and trained >= CLEARLY * quality.blind_probability_of_best


def _on_few_feasible(report: ConstrainedReport) -> str | None:
    quality = report.quality
    share, random = quality.feasible_share, quality.random_feasible_share
    if not report.problem.n_constraints or share >= random or quality.outcome == "infeasible":
        return None
    if quality.trained_feasible_share is not None and quality.trained_feasible_share >= random:
        return None  # not the penalty's fault but the device's, as its fidelity says
    return (
        f"A shot keeps all constraints with {percent(share)}, a random state with "
        f"{percent(random)}: raise algorithm.penalty."
    )


def _on_rare_best(report: ConstrainedReport) -> str | None:
    quality, shots = report.quality, report.request["shots"]
    expected = quality.probability_of_best * shots
    if expected >= FEW or quality.outcome in ("infeasible", "worse"):
        return None
    return (
        f"A shot gives the best answer with probability {quality.probability_of_best:.2g}; {shots} "
        f"shots give it {expected:.2g} times on average: raise {_more(report)}."
    )


def _on_low_penalty(report: ConstrainedReport) -> str | None:
    penalty = report.algorithm.penalty
    if penalty.chosen != "as asked" or penalty.weight > penalty.least:
        return None
    return (
        f"With algorithm.penalty at {digits(penalty.weight)} an infeasible state has the lowest "
        f"energy: it takes more than {digits(penalty.least)}."
    )


def _on_classical_speed(report: ConstrainedReport) -> str | None:
    quality = report.quality
    quantum, classical = quality.quantum_seconds, quality.classical
    emulated = report.device.emulated is not None
    if quality.outcome != "equal" or quantum <= classical.seconds or emulated:
        return None
    return (
        f"For the answer alone, {classical.method} is quicker ({classical.seconds:.3g} s against "
        f"{quantum:.3g} s): at this size QAOA is worth running only to study QAOA."
    )
