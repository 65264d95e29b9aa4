"""Recommends what to do next; each sentence follows from a figure of the report, and names it."""

from __future__ import annotations

from quantum_pipeline.reports.device_advice import MOST_SHOTS, on_lost, recommend_about_device
from quantum_pipeline.reports.optimisation_parts import OptimisationReport
from quantum_pipeline.wording import digits


def recommend(report: OptimisationReport) -> tuple[str, ...]:
    """Return what to do next; each sentence follows from a figure of the report, and names it."""
    advice = (
        _on_equal_energies(report),
        _on_early_stop(report),
        _on_missed_optimum(report),
        _on_randomness(report),
        _on_rare_optimum(report),
        _on_classical_speed(report),
    )
    found = tuple(sentence for sentence in advice if sentence)
    lost = () if report.cut is None else tuple(on_lost(report.cut.devices))
    return (*lost, *recommend_about_device(report), *found)


def _on_equal_energies(report: OptimisationReport) -> str | None:
    if not report.quality.all_equal:
        return None
    return (
        f"Every bitstring has the objective {digits(report.quality.best_known)}: there is nothing "
        "to optimise; check the coefficients of the problem."
    )


def _on_early_stop(report: OptimisationReport) -> str | None:
    if report.convergence.converged or report.algorithm.optimizer == "none":
        return None
    if report.partial and report.request["algorithm"].get("train_on") == "device":
        return None  # what cut the run short ended the training: it is reported once
    ended = report.convergence
    limit = ended.stopped_by or "algorithm.max_evaluations or limits.max_runtime_seconds"
    return f"The optimiser stopped early ({ended.stop_reason}): raise {limit}."


def _on_missed_optimum(report: OptimisationReport) -> str | None:
    quality, solution = report.quality, report.solution
    if quality.outcome != "worse":
        return None
    rival = quality.classical
    found = digits(solution.objective, rival.objective)
    better = f"{rival.method} found {digits(rival.objective, solution.objective)}"
    if solution.objective == rival.objective:  # as floats, beside a large constant
        better = f"{rival.method} one that is better by {digits(quality.difference)}"
    if solution.found_by != "samples":
        return f"The rounded solution has the objective {found}, {better}: use the classical one."
    return (
        f"The best sample has the objective {found}, {better}: use the classical answer, or "
        f"raise {_depth(report)}{_or_shots(report)}."
    )


def _or_shots(report: OptimisationReport) -> str:
    shots = report.request["shots"]
    return f" or shots above {shots}" if shots < MOST_SHOTS else ""


def _depth(report: OptimisationReport) -> str:
    grown = report.request["algorithm"]["max_depth"] is not None
    return f"algorithm.{'max_depth' if grown else 'depth'} above {report.algorithm.depth}"


def _on_randomness(report: OptimisationReport) -> str | None:
    quality = report.quality
    exact = quality.mean_energy_by == "exact state"
    error = 0.0 if exact else quality.standard_error
    if error is None or quality.descent > 2 * error or quality.all_equal:
        return None  # of one shot the error is unknown
    mean, random = quality.mean_energy, quality.random_mean_energy
    return (
        f"The mean energy {digits(mean, random)} is no better than the "
        f"{digits(random, mean)} of random bits: other angles are needed, from "
        "algorithm.gammas and betas or from another algorithm.depth."
    )


def _on_rare_optimum(report: OptimisationReport) -> str | None:
    probability, shots = report.quality.probability_of_best, report.request["shots"]
    if report.partial or probability is None or probability * shots >= 5:
        return None
    return (
        f"A shot gives the optimum with probability {probability:.2g}; {shots} "
        f"{'shot gives' if shots == 1 else 'shots give'} it {probability * shots:.2g} times on "
        f"average: raise {'shots or ' if shots < MOST_SHOTS else ''}algorithm.depth."
    )


def _on_classical_speed(report: OptimisationReport) -> str | None:
    quantum, classical = report.quality.quantum_seconds, report.quality.classical
    if quantum <= classical.seconds or report.device.emulated is not None:
        return None  # the time of an emulator is not that of its device
    if report.quality.outcome != "equal":
        return None  # who is quicker to what is another answer
    name = report.algorithm.name.upper()
    return (
        f"For the answer alone, {classical.method} is quicker ({classical.seconds:.3g} s against "
        f"{quantum:.3g} s): at this size {name} is worth running only to study {name}."
    )
