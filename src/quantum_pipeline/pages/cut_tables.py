"""The page's table of a circuit that was cut: parts, gates, and correlations across parts."""

from __future__ import annotations

from quantum_pipeline.pages.numbers import number, short, with_error
from quantum_pipeline.pages.rows import Row, Table, devices
from quantum_pipeline.reports import OptimisationReport
from quantum_pipeline.reports.optimisation_parts import CutPart

LISTED = 12
"""Correlations across parts that the page shows; report.json has all."""


def cut_tables(report: OptimisationReport) -> list[Table]:
    """Return the tables of a cut circuit; none of others."""
    cut = report.cut
    if cut is None:
        return []
    found = [Table("Cut", "cut", [*_parts(cut), *_gates(cut), *_made(cut)])]
    if cut.rounds:
        found.append(Table("Rounds", "cut.rounds", _rounds(cut)))
    if cut.devices:
        found.append(Table("Devices", "cut.devices", devices(cut.devices)))
    return found


def _parts(cut: CutPart) -> list[Row]:
    return [
        Row(
            f"parts.{k}",
            f"{len(part.variables)} variables",
            f"{part.circuits} circuits of up to {part.n_qubits} qubits on {part.device}, "
            f"{part.shots} shots",
        )
        for k, part in enumerate(cut.parts)
    ]


def _gates(cut: CutPart) -> list[Row]:
    angles = "; ".join(
        f"{i}–{j} in layer {gate.layer}, {short(gate.angle)} rad"
        for gate in cut.gates
        for i, j in [gate.variables]
    )
    return [
        Row("gates", str(len(cut.gates)), angles or "the parts are not coupled"),
        Row("overhead", number(cut.overhead), "times the shots, were all terms sampled by weight"),
        Row("shots", str(cut.shots), "of all circuits, shared out by their weight in the energy"),
    ]


def _made(cut: CutPart) -> list[Row]:
    across = [each for each in cut.correlations if each.across][:LISTED]
    rows = [
        Row(
            "correlations",
            with_error(each.value, each.standard_error),
            f"⟨Z Z⟩ of {each.variables[0]} and {each.variables[1]}, across parts",
        )
        for each in across
    ]
    if cut.distance is not None:
        rows.append(Row("distance", number(cut.distance), "standard errors from without noise"))
    left = "variables whose best bits were enumerated at the end of the rounding"
    return [*rows, Row("enumerated", str(cut.enumerated), left)]


def _rounds(cut: CutPart) -> list[Row]:
    return [
        Row(
            str(k),
            f"{each.fixed} of {each.variables} fixed",
            f"parts of {', '.join(map(str, each.widths))}, "
            f"{each.gates} gate{'s' * (each.gates != 1)} cut, "
            f"{each.circuits} circuit{'s' * (each.circuits != 1)}, {each.shots} shots",
        )
        for k, each in enumerate(cut.rounds)
    ]
