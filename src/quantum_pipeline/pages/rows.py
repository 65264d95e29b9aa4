"""The table rows that every report's page has."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import NamedTuple

from quantum_pipeline.pages.emulation import device_name
from quantum_pipeline.pages.numbers import number, seconds, usd
from quantum_pipeline.reports import Report
from quantum_pipeline.reports.device_parts import DeviceDone


class Row(NamedTuple):
    """One figure: its field in report.json, its value, what it means."""

    field: str
    value: str
    meaning: str


class Table(NamedTuple):
    """A table of figures under one heading; ``prefix`` is the part of report.json it shows."""

    heading: str
    prefix: str
    rows: list[Row]


def cost_in_short(report: Report, shots: int) -> tuple[str, str, str]:
    """Return what the run cost and how long it took: a word, the figure, a sentence."""
    elapsed = (report.completed_at - report.created_at).total_seconds()
    drawn = f"{shots} shot{'s' * (shots != 1)}, " if shots else ""
    return (
        "Cost",
        usd(report.cost.actual_usd),
        f"{_rehearsed(report)}Estimated {usd(report.cost.estimated_usd)}; {seconds(elapsed)} from "
        f"request to report, {drawn}device {device_name(report)}.",
    )


def _rehearsed(report: Report) -> str:
    """Return what the cost of an emulated run is the cost of; nothing on a device itself."""
    if report.device.emulated is None:
        return ""
    if report.cost.has_instance:
        return "On AWS; nothing was billed for what was emulated. "
    return (
        "The tasks' cost on AWS, where the job's instance comes on top (qpipe estimate has both); "
        "nothing was billed here. "
    )


def devices(done: Iterable[DeviceDone]) -> list[Row]:
    """Return what each of several devices did of what was planned there."""
    return [
        Row(
            each.name,
            f"{each.circuits:,} circuits",
            f"of {each.planned_circuits:,} planned, in {each.tasks:,} tasks of {each.shots:,} "
            f"shots, {usd(each.usd)}"
            + (f"; {each.handed_over:,} went to others: {each.lost}" if each.lost else ""),
        )
        for each in done
    ]


def cut_in_short(report: Report) -> list[tuple[str, str, str]]:
    """Return that a run was cut short, and what was left out; nothing of a whole run."""
    left_out = report.cost.cut_short
    if left_out is None:
        return []
    return [("Partial", "cut short", f"Stopped at {left_out}.")]


def warned(report: Report) -> list[tuple[str, str, str]]:
    """Return what in the problem may not be meant as it is written, if anything."""
    return [("Warning", "check the problem", f"{each}.") for each in report.warnings]


def read_from(report: Report) -> list[tuple[str, str, str]]:
    """Return the file that the problem was read from, as what, and what was decided in it."""
    source = report.request.get("source")
    if source is None:
        return []
    notes = "; ".join(source["notes"])
    return [("Read as", source["format"], f"From {source['file']}{f': {notes}' if notes else ''}.")]


def ended(report: Report) -> str:
    """Return how the optimiser ended."""
    convergence = report.convergence
    ended = how(converged=convergence.converged)
    return f"lowest of {len(convergence.history)}; {ended}: {convergence.stop_reason}"


def how(*, converged: bool) -> str:
    """Return whether an optimiser ended by its own criterion, in words."""
    return "converged" if converged else "not converged"


def analysis(report: Report, final: str, energy: Callable[[float], str] = number) -> list[Row]:
    """Return the course of the optimisation, which ended as ``final`` says."""
    analysis = report.analysis
    return [
        Row("initial_energy", energy(analysis.initial_energy), "of the first evaluation"),
        Row("final_energy", energy(analysis.final_energy), final),
        Row(
            "reduction_percent",
            number(analysis.reduction_percent),
            "reduction in % of the first energy's magnitude",
        ),
        Row(
            "convergence_evaluation",
            str(analysis.convergence_evaluation),
            "99 % of the reduction is reached by it",
        ),
        Row(
            "convergence_rate",
            number(analysis.convergence_rate),
            "mean descent of an improving evaluation, first 50",
        ),
        Row(
            "stability",
            number(analysis.stability),
            "1/(1 + var/mean²) of the last ten energies, of the best start or depth",
        ),
        Row(
            "efficiency",
            number(analysis.efficiency),
            "share of the evaluations that were not needed for these 99 %",
        ),
    ]


def of_every_run(report: Report) -> list[Table]:
    """Return the tables that end each page: times, the bill, and what made the report."""
    return [
        Table("Time", "timing", _timing(report)),
        Table("Cost", "cost", _cost(report)),
        Table("Provenance", "provenance", _provenance(report)),
    ]


def _timing(report: Report) -> list[Row]:
    """Return where the time went."""
    timing = report.timing
    return [
        Row("prepare_seconds", seconds(timing.prepare_seconds), "to check and convert the request"),
        Row("queue_seconds", seconds(timing.queue_seconds), "from the job's creation to its start"),
        Row("job_seconds", seconds(timing.job_seconds), "from the job's start to its end"),
        Row(
            "post_process_seconds",
            seconds(timing.post_process_seconds),
            "to check and evaluate the result",
        ),
        Row("polls", str(timing.polls), "checks of the job's status"),
    ]


def _cost(report: Report) -> list[Row]:
    """Return the bill."""
    cost = report.cost
    items = [
        Row("breakdown", usd(item.usd), f"{item.what}: {item.amount}") for item in cost.breakdown
    ]
    return [
        *items,
        Row("actual_usd", usd(cost.actual_usd), "sum of these"),
        Row(
            "estimated_usd",
            usd(cost.estimated_usd),
            "before the run",
        ),
        Row("estimate_ratio", number(cost.estimate_ratio), "actual cost / estimate"),
        Row("prices_as_of", cost.prices_as_of, "when the prices were read"),
        *([Row("assumed_price", "–", cost.assumed_price)] if cost.assumed_price else []),
    ]


def _provenance(report: Report) -> list[Row]:
    """Return what ran, and where."""
    provenance = report.provenance
    return [
        Row("run_id", report.run_id, "name of the execution"),
        Row("seed", str(provenance.seed), "of every random choice"),
        Row("source_sha256", provenance.source_sha256, "of the code that the job ran"),
        Row(
            "versions", ", ".join(f"{k} {v}" for k, v in provenance.versions.items()), "in the job"
        ),
        Row("execution_arn", provenance.execution_arn, "of the state machine"),
        Row("job_arn", provenance.job_arn, "of the Braket job"),
    ]
