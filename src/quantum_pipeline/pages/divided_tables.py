"""The texts and tables of the page of divide: headline, attribution, all figures."""

from __future__ import annotations

from typing import NamedTuple

from quantum_pipeline.pages import rows
from quantum_pipeline.pages.numbers import number, ratio, seconds
from quantum_pipeline.pages.rows import Row, Table
from quantum_pipeline.reports import DividedReport
from quantum_pipeline.wording import digits


class Way(NamedTuple):
    """One way to an answer: its value, its ratio, its rounds, its time."""

    words: str
    objective: str
    ratio: str
    rounds: str
    time: str


def headline(report: DividedReport) -> list[tuple[str, str, str]]:
    """Return what was found, who deserves the credit, what it cost."""
    what = "cut" if report.problem.type == "maxcut" else "objective"
    return [
        *rows.cut_in_short(report),
        *rows.read_from(report),
        *rows.warned(report),
        ("Found", f"{what} {_answer(report, report.solution.objective)}", _found(report)),
        ("Credit", _CREDIT[report.quality.credit], f"{_because(report)}."),
        rows.cost_in_short(report, 0),
    ]


_CREDIT = {
    "annealing": "annealing of the whole",
    "partition": "the partition",
    "rounds": "the rounds",
    "solved blocks": "blocks solved well",
    "classical": "the classical answer",
    "qaoa": "QAOA of the blocks",
}


def _because(report: DividedReport) -> str:
    said = report.quality.credit_because
    return said[0].upper() + said[1:]


def _found(report: DividedReport) -> str:
    quality = report.quality
    if quality.outcome == "worse":
        best = _answer(report, quality.best_known)
        return f"Ratio {ratio(quality.approximation_ratio)} of {best}, the best known."
    if quality.classical.proven:
        return f"The optimum, proven by {quality.classical.method}."
    return f"{quality.verdict[0].upper()}{quality.verdict[1:]}."


def _answer(report: DividedReport, objective: float) -> str:
    quality = report.quality
    others = [each.objective for each in quality.attribution]
    found = digits(objective, quality.best_known, quality.classical.objective, *others, least=10)
    return found.replace("-", "−")


def comparison(report: DividedReport) -> list[Way]:
    """Return what each way came to, and the classical baseline."""
    quality = report.quality
    baseline = quality.classical
    zero = 0.0 if report.problem.type == "maxcut" else quality.random_objective
    span = quality.best_known - zero
    return [
        *(
            Way(
                each.words,
                _answer(report, each.objective),
                ratio(each.ratio),
                str(each.rounds) if each.rounds else "–",
                seconds(each.seconds) if each.seconds else "–",
            )
            for each in quality.attribution
        ),
        Way(
            f"{baseline.method}, the baseline",
            _answer(report, baseline.objective),
            ratio((baseline.objective - zero) / span if span else None),
            "–",
            seconds(baseline.seconds),
        ),
    ]


def tables(report: DividedReport) -> list[Table]:
    """Return every figure of the report that fits in a line."""
    made = len(report.algorithm.rounds) - 1
    final = f"after {made} round{'s' * (made != 1)}: {report.convergence.stop_reason}"
    return [
        Table("Quality", "quality", _quality(report)),
        Table("Rounds", "analysis", rows.analysis(report, final)),
        Table("Algorithm", "algorithm", _algorithm(report)),
        *([Table("Devices", "devices", rows.devices(report.devices))] if report.devices else []),
        *rows.of_every_run(report),
    ]


def _quality(report: DividedReport) -> list[Row]:
    quality = report.quality
    return [
        Row(
            "best_known",
            _answer(report, quality.best_known),
            f"best objective known, {_known_by(report)}",
        ),
        Row("approximation_ratio", ratio(quality.approximation_ratio), quality.ratio_definition),
        Row("difference", number(quality.difference), "of energy, to the classical answer"),
        Row("random_objective", number(quality.random_objective), "mean of random bits"),
        Row("credit", quality.credit, quality.credit_because),
        Row("quantum_seconds", seconds(quality.quantum_seconds), "of the partition and all rounds"),
        Row(
            "classical.seconds",
            seconds(quality.classical.seconds),
            f"of {quality.classical.method}, on the same machine",
        ),
    ]


def _known_by(report: DividedReport) -> str:
    quality = report.quality
    if quality.best_known_by == "exact":
        return f"proven by {quality.classical.method}"
    return f"found by {quality.best_known_by}"


def _algorithm(report: DividedReport) -> list[Row]:
    algorithm, problem, device = report.algorithm, report.problem, report.device
    return [
        Row(
            "problem",
            problem.type,
            f"{problem.n_variables:,} variables, {problem.n_couplings:,} couplings, "
            f"{problem.sense}d",
        ),
        Row("name", algorithm.name.upper(), algorithm.chosen_because),
        Row("block_size", str(algorithm.block_size), "variables of a block at most"),
        Row("n_blocks", f"{algorithm.n_blocks:,}", "of the partition"),
        Row("n_solved", f"{algorithm.n_solved:,}", "blocks solved in all rounds"),
        Row("depth", str(algorithm.depth), "layers of each circuit"),
        Row("start", algorithm.start, "angles"),
        Row("optimizer", algorithm.optimizer, "of the angles of each block; auto leaves them"),
        Row("engine", algorithm.engine, "what computed the samples"),
        Row("device", device.name, device.chosen_because),
    ]
