"""The texts and tables of the page of a problem on a form: headline, comparison, all figures."""

from __future__ import annotations

from typing import NamedTuple

from quantum_pipeline.pages import rows
from quantum_pipeline.pages.form_study import FormStudy
from quantum_pipeline.pages.numbers import number, ratio, seconds, short, with_error
from quantum_pipeline.pages.rows import Row, Table
from quantum_pipeline.reports.constrained_parts import CircuitPart, FormQuality
from quantum_pipeline.wording import percent


class FormRival(NamedTuple):
    """One way to an answer: its objective, ratio, chance of the best in a shot and in all."""

    way: str
    objective: str
    ratio: str
    a_shot: str
    all_shots: str


def headline(study: FormStudy) -> list[tuple[str, str, str]]:
    """Return what was found, how it stands against blind picks, what it cost."""
    report = study.report
    return [
        *rows.cut_in_short(report),
        *rows.warned(report),
        ("Found", *_found(study)),
        ("Against blind picks", *_merit(study)),
        rows.cost_in_short(report, sum(report.samples.values())),
    ]


def _found(study: FormStudy) -> tuple[str, str]:
    quality, solution = study.report.quality, study.report.solution
    best = study.answer(quality.best_known)
    if solution.objective is None:
        rival = f"{quality.classical.method} found {best}"
        return "no feasible answer", f"None of the shots keeps all rules; {rival}."
    found = f"objective {study.answer(solution.objective)}"
    said = "" if solution.feasible else f" {_broken(study)}"
    if quality.outcome == "worse":
        return found, f"Short of {best}, which {quality.classical.method} found.{said}"
    known = "The optimum, proven" if quality.classical.proven else "As good as what was found"
    return found, f"{known} by {quality.classical.method}.{said}"


def _broken(study: FormStudy) -> str:
    violated = study.report.solution.violated
    if study.report.quality.outcome == "equal" and study.report.quality.classical.proven:
        return f"No answer keeps all rules; this one breaks {len(violated)}."
    return f"It breaks {len(violated)} of the rules."


def _merit(study: FormStudy) -> tuple[str, str]:
    quality, shots = study.report.quality, sum(study.report.samples.values())
    p, blind = percent(quality.probability_of_best), percent(quality.blind_probability_of_best)
    if quality.all_equal:
        return f"{percent(quality.feasible_share)} feasible", (
            f"All feasible states are as good. Of random states "
            f"{percent(quality.random_feasible_share)} are feasible."
        )
    found = f"A shot is the best answer with {p}, a {study.pick[:-1]} with {blind}."
    if quality.blind_finds_best:
        surely = percent(quality.blind_probability_of_best_in_shots)
        found += (
            f" But {shots:,} {study.pick} find it with {surely}: the answer alone shows nothing."
        )
    return f"{short(quality.times_blind)} times a blind pick", found


def comparison(study: FormStudy) -> list[FormRival]:
    """Return the quantum result beside the classical one, and beside blind picks."""
    report, quality = study.report, study.report.quality
    name, classical = report.algorithm.name.upper(), quality.classical
    best = None if classical.objective is None else 1.0
    return [
        FormRival(
            f"{name}, best shot" if report.solution.objective is not None else f"{name}, no answer",
            study.answer(report.solution.objective),
            ratio(quality.approximation_ratio),
            percent(quality.probability_of_best),
            percent(quality.probability_of_best_in_shots),
        ),
        FormRival(
            f"{name}, feasible mean",
            number(quality.mean_objective, quality.random_mean_objective),
            ratio(quality.expected_ratio),
            "–",
            "–",
        ),
        FormRival(
            f"{classical.method}, classical",
            study.answer(classical.objective),
            ratio(None if quality.all_equal else best),
            "–",
            "–",
        ),
        FormRival(
            "blind picks, mean",
            number(quality.random_mean_objective, quality.mean_objective),
            ratio(quality.random_ratio),
            percent(quality.blind_probability_of_best),
            percent(quality.blind_probability_of_best_in_shots),
        ),
    ]


def tables(study: FormStudy) -> list[Table]:
    """Return every figure of the report that fits in a line."""
    report = study.report
    return [
        Table("Quality", "quality", _quality(study)),
        Table("Problem", "problem", _problem(study)),
        Table("Algorithm", "algorithm", _algorithm(study)),
        Table("Optimisation", "analysis", rows.analysis(report, rows.ended(report))),
        *rows.of_every_run(report),
    ]


def _quality(study: FormStudy) -> list[Row]:
    q = study.report.quality
    definition = q.ratio_undefined_because or q.ratio_definition
    p, blind = q.probability_of_best, q.blind_probability_of_best
    return [
        Row(
            "best_known", study.answer(q.best_known), f"best feasible objective, {q.best_known_by}"
        ),
        Row("approximation_ratio", ratio(q.approximation_ratio), f"of the best shot: {definition}"),
        Row("expected_ratio", ratio(q.expected_ratio), "the same, of the mean feasible outcome"),
        Row("random_ratio", ratio(q.random_ratio), f"the same, of the mean of {study.pick}"),
        Row("feasible_share", percent(q.feasible_share), "chance that a shot keeps all rules"),
        Row("feasible_share_of_shots", percent(q.feasible_share_of_shots), "of the shots that do"),
        Row("random_feasible_share", percent(q.random_feasible_share), "of all states that do"),
        Row("probability_of_best", number(p), "that one shot is an optimum"),
        Row(
            "probability_of_best_in_shots",
            number(q.probability_of_best_in_shots),
            "that one of all shots is: 1 − (1 − p)^shots",
        ),
        Row("blind_probability_of_best", number(blind), f"that one of {study.pick} is an optimum"),
        Row(
            "blind_probability_of_best_in_shots",
            number(q.blind_probability_of_best_in_shots),
            "that one of as many as there were shots is",
        ),
        Row("times_blind", number(q.times_blind), "the one chance over the other, of one shot"),
        Row("mean_objective", number(q.mean_objective), "of feasible outcomes of the state"),
        Row("random_mean_objective", number(q.random_mean_objective), f"of {study.pick}"),
        Row(
            "mean_energy",
            with_error(q.mean_energy, q.standard_error),
            "⟨E⟩, with penalties, as it is minimised",
        ),
        *(_of_device(q) if q.trained_energy is not None else ()),
        Row("quantum_seconds", seconds(q.quantum_seconds), "time to optimise and to sample"),
        Row("classical.seconds", seconds(q.classical.seconds), f"of {q.classical.method}"),
    ]


def _of_device(quality: FormQuality) -> list[Row]:
    """Return what the shots of a device say, beside its circuit without noise."""
    q, selected = quality, quality.selected_energy
    chosen = "–" if selected is None else with_error(selected, q.selected_standard_error)
    return [
        Row(
            "space_share_of_shots",
            percent(q.space_share_of_shots),
            "of the shots that keep the groups' rules; the others count as blind picks in ⟨E⟩",
        ),
        Row("discarded_shots", f"{q.discarded_shots:,}", "that do not"),
        Row("selected_energy", chosen, "⟨E⟩ of the shots that do"),
        Row("trained_energy", number(q.trained_energy), "⟨E⟩ of the circuit without noise"),
        Row(
            "trained_feasible_share",
            percent(q.trained_feasible_share or 0.0),
            "chance that its outcome keeps all rules",
        ),
        Row(
            "trained_probability_of_best",
            number(q.trained_probability_of_best),
            "chance that it is an optimum",
        ),
    ]


def _problem(study: FormStudy) -> list[Row]:
    problem = study.report.problem
    constraints = f"{problem.n_constraints} constraints beside the groups' rules"
    return [
        Row("type", problem.type, f"{problem.sense}d"),
        Row("n_qubits", str(problem.n_qubits), "bits; on a device with those of slack"),
        Row("n_states", f"{problem.n_states:,}", problem.space),
        Row("n_feasible", f"{problem.n_feasible:,}", constraints),
        Row("order", str(problem.order), "of the objective, in bits or spins"),
    ]


def _circuit(circuit: CircuitPart) -> list[Row]:
    lower = f"{circuit.lower_states:,} of {circuit.n_states:,} states are lower than the best"
    return [
        Row("circuit.slack_bits", str(circuit.slack_bits), circuit.because),
        Row("circuit.weight", number(circuit.weight), f"of what a constraint costs there; {lower}"),
        Row(
            "circuit.products",
            f"{circuit.products:,}",
            f"of two spins or more, up to {circuit.order}, turn in a layer",
        ),
    ]


def _algorithm(study: FormStudy) -> list[Row]:
    algorithm, device = study.report.algorithm, study.report.device
    penalty = algorithm.penalty
    weight = number(penalty.weight) if penalty.chosen != "no constraint left" else "–"
    return [
        Row("name", algorithm.name.upper(), algorithm.chosen_because),
        Row("depth", str(algorithm.depth), f"layers; {algorithm.n_parameters} angles"),
        Row("mixer", algorithm.mixer, "moves groups among their levels, and never out of them"),
        Row("penalty.weight", weight, penalty.because),
        *(() if algorithm.circuit is None else _circuit(algorithm.circuit)),
        Row("start", algorithm.start, "where the optimiser started"),
        Row("engine", algorithm.engine, "what computed the energies"),
        Row("gammas", ", ".join(map(short, algorithm.gammas)), "rad, by layer"),
        Row("betas", ", ".join(map(short, algorithm.betas)), "rad, by layer"),
        Row("optimizer", algorithm.optimizer, f"of the {study.optimised}, over the angles"),
        Row("device", device.name, device.chosen_because),
    ]
