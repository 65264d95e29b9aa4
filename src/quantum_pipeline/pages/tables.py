"""The texts and tables of an optimisation's page: the headline, the comparison and all figures."""

from __future__ import annotations

from typing import NamedTuple

from quantum_pipeline.pages import rows
from quantum_pipeline.pages.cut_tables import cut_tables
from quantum_pipeline.pages.emulation import device_name
from quantum_pipeline.pages.numbers import number, ratio, seconds, short, with_error
from quantum_pipeline.pages.rows import Row, Table
from quantum_pipeline.pages.study import Study
from quantum_pipeline.reports import OptimisationReport
from quantum_pipeline.reports.evaluation import ROUNDED


class Rival(NamedTuple):
    """One way to an answer: its value, ratio and time, dashes where it has none."""

    way: str
    objective: str
    ratio: str
    time: str


def headline(study: Study) -> list[tuple[str, str, str]]:
    """Return what was found, how good it is, what it cost: a word, the figure, a sentence each."""
    report = study.report
    what = "cut" if report.problem.type == "maxcut" else "objective"
    return [
        *rows.cut_in_short(report),
        *rows.read_from(report),
        *rows.warned(report),
        ("Found", f"{what} {study.answer(report.solution.objective)}", _found(study)),
        ("Quality", *_good(study)),
        rows.cost_in_short(report, _shots(report)),
    ]


def _shots(report: OptimisationReport) -> int:
    """Return the shots of the state, or of all circuits of its parts."""
    return sum(report.samples.values()) if report.cut is None else report.cut.shots


def _found(study: Study) -> str:
    quality = study.report.quality
    method, within = quality.classical.method, quality.classical.within
    rounding = f", to within {ROUNDED}" if quality.doubtful else ""
    if not study.best_is_sampled:
        best = study.answer(quality.best_known)
        return f"Short of the best known {best}, which {method} found.{_hidden_difference(study)}"
    if study.optimum_is_known:
        return f"The optimum, proven by {method}{rounding}."
    if quality.outcome == "better":
        better = f"Better than {method}; not proven to be the optimum."
        return f"{better}{_hidden_difference(study)}"
    bound = f": none is better by more than {number(within)}" if within else ""
    return f"The best known value, found by {method} too{rounding}; not proven{bound}."


def _hidden_difference(study: Study) -> str:
    """Return how far apart the answers are where their objectives do not show it."""
    quality = study.report.quality
    if quality.doubtful:
        return f" They differ by {number(quality.difference)}, less than {ROUNDED}."
    if study.report.solution.objective == quality.classical.objective:
        return f" They differ by {number(quality.difference)}, which the constant hides."
    return ""


def _good(study: Study) -> tuple[str, str]:
    quality = study.report.quality
    if quality.ratio_undefined_because is not None:
        return f"mean energy {study.mean(quality.mean_energy)}", (
            f"Random bits have {number(quality.random_mean_energy, quality.mean_energy)}. There is "
            f"no ratio: {quality.ratio_undefined_because}."
        )
    raw = ratio(quality.expected_ratio)
    if quality.mitigated_ratio is not None:
        raw += f" raw and {ratio(quality.mitigated_ratio)} mitigated"
    return f"ratio {ratio(quality.approximation_ratio)}", (
        f"That is the {study.solution_name}; the mean energy has {raw}, random bits "
        f"{ratio(quality.random_ratio)}."
    )


def comparison(study: Study) -> list[Rival]:
    """Return the quantum result beside the classical one and beside random bits."""
    report, quality, objective = (
        study.report,
        study.report.quality,
        study.problem.objective_of_energy,
    )
    took = "–" if report.device.emulated is not None else seconds(quality.quantum_seconds)
    classical = quality.classical
    is_best = quality.outcome != "better" and quality.random_ratio is not None
    return [
        Rival(
            f"{report.algorithm.name.upper()}, {study.solution_name}",
            study.answer(report.solution.objective),
            ratio(quality.approximation_ratio),
            took,
        ),
        *_means(study, took),
        Rival(
            f"{classical.method}, classical",
            study.answer(classical.objective),
            ratio(1.0 if is_best else None),
            seconds(classical.seconds),
        ),
        Rival(
            "random bits, mean",
            number(objective(quality.random_mean_energy), objective(quality.mean_energy)),
            ratio(quality.random_ratio),
            "–",
        ),
    ]


def _means(study: Study, took: str) -> list[Rival]:
    """Return the mean of the state; on a device also without noise, and mitigated."""
    report, quality = study.report, study.report.quality
    objective_of = study.problem.objective_of_energy
    on_device = report.device.kind != "local"
    name = f"mean on {device_name(report)}, raw" if on_device else "mean of the state"
    error = quality.standard_error if on_device else None
    means = [(name, quality.mean_energy, error, quality.expected_ratio, took)]
    if quality.trained_energy is not None:
        exact, of_best = quality.trained_energy, quality.trained_ratio
        means.insert(0, ("mean without noise", exact, None, of_best, "–"))
    if quality.mitigated_energy is not None:
        energy, error = quality.mitigated_energy, quality.mitigated_standard_error
        means.append(("mean, mitigated", energy, error, quality.mitigated_ratio, took))
    return [
        Rival(
            f"{report.algorithm.name.upper()}, {way}",
            with_error(objective_of(energy), error)
            if error
            else study.mean(energy, sign=objective_of(1.0)),
            ratio(of_best),
            time,
        )
        for way, energy, error, of_best, time in means
    ]


def tables(study: Study) -> list[Table]:
    """Return every figure of the report that fits in a line."""
    return [
        Table("Quality", "quality", _quality(study)),
        Table("Optimisation", "analysis", rows.analysis(study.report, rows.ended(study.report))),
        Table("Algorithm", "algorithm", _algorithm(study)),
        *cut_tables(study.report),
        *rows.of_every_run(study.report),
    ]


_MEANS = {
    "exact state": "exact",
    "samples": "from the shots",
    "parts": "put together from the shots of the parts",
}


def _quality(study: Study) -> list[Row]:
    quality = study.report.quality
    definition = quality.ratio_undefined_because or quality.ratio_definition
    state = _MEANS[quality.mean_energy_by]
    return [
        Row(
            "best_known",
            study.answer(quality.best_known),
            f"best objective known, {_known_by(study)}",
        ),
        Row(
            "approximation_ratio",
            ratio(quality.approximation_ratio),
            f"of the {study.solution_name}: {definition}",
        ),
        Row("expected_ratio", ratio(quality.expected_ratio), "the same, of the mean energy"),
        Row("random_ratio", ratio(quality.random_ratio), "the same, of uniformly random bits"),
        Row(
            "probability_of_best",
            number(quality.probability_of_best),
            "that one shot gives an optimum"
            if quality.probability_of_best is not None
            else "unknown: state or spectrum was not computed in full",
        ),
        Row("mean_energy", study.mean(quality.mean_energy), f"⟨C⟩ at the final angles, {state}"),
        Row("standard_error", number(quality.standard_error), "of a mean over the shots"),
        Row("descent", number(quality.descent), "of the mean energy below that of random bits"),
        *_device_energies(study),
        Row(
            "random_mean_energy",
            number(quality.random_mean_energy, quality.mean_energy),
            "⟨C⟩ of uniformly random bits",
        ),
        Row(
            "quantum_seconds",
            seconds(quality.quantum_seconds),
            "time to optimise and to sample"
            + ("" if study.report.device.emulated is None else ", by the emulator"),
        ),
        Row(
            "classical.seconds",
            seconds(quality.classical.seconds),
            f"of {quality.classical.method}, on the same machine",
        ),
    ]


def _known_by(study: Study) -> str:
    quality = study.report.quality
    if study.optimum_is_known:
        return f"proven by {quality.classical.method}"
    return f"found by {quality.best_known_by}"


def _device_energies(study: Study) -> list[Row]:
    quality, rows_ = study.report.quality, []
    if quality.trained_energy is not None:
        rows_ += [
            Row(
                "trained_energy",
                study.mean(quality.trained_energy),
                "⟨C⟩ of the circuit without noise",
            ),
            Row("trained_ratio", ratio(quality.trained_ratio), "ratio of it"),
        ]
    if quality.mitigated_energy is not None:
        error = number(quality.mitigated_standard_error)
        rows_ += [
            Row("mitigated_energy", study.mean(quality.mitigated_energy), "⟨C⟩, errors mitigated"),
            Row("mitigated_standard_error", error, "of it"),
            Row("mitigated_ratio", ratio(quality.mitigated_ratio), "ratio of it"),
        ]
    return rows_


def _algorithm(study: Study) -> list[Row]:
    report = study.report
    algorithm, device, problem = report.algorithm, report.device, report.problem
    return [
        Row(
            "problem",
            problem.type,
            f"{problem.n_variables} variables, {problem.n_couplings} couplings, {problem.sense}d",
        ),
        Row("name", algorithm.name.upper(), algorithm.chosen_because),
        Row("depth", str(algorithm.depth), f"layers; {algorithm.n_parameters} angles"),
        Row("start", algorithm.start, "where the optimiser started"),
        Row("engine", algorithm.engine, "what computed the energies"),
        Row("gammas", ", ".join(map(short, algorithm.gammas)), "rad, by layer"),
        Row("betas", ", ".join(map(short, algorithm.betas)), "rad, by layer"),
        Row("optimizer", algorithm.optimizer, f"of the {study.optimised}, over the angles"),
        Row("device", device_name(report), device.chosen_because),
    ]
