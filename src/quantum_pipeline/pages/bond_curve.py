"""Plots a molecule along a bond: its energies, and the error of VQE against the exact ones."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import NullFormatter
from numpy.typing import NDArray

from quantum_pipeline.pages.figures import (
    BLUE,
    GREEN,
    GREY,
    ORANGE,
    VERMILLION,
    drawn,
    empty_figure,
    legend_below,
)
from quantum_pipeline.pages.molecule_tables import equilibrium
from quantum_pipeline.pages.numbers import hartree, short
from quantum_pipeline.reports import MoleculeReport
from quantum_pipeline.reports.molecule_advice import CHEMICAL_ACCURACY
from quantum_pipeline.reports.molecule_parts import ScanPoint

FLOOR = 1e-6
"""Millihartree: smaller errors are rounding and drawn at this height."""

Array = NDArray[np.float64]

_SCAN = (
    "Energy of the molecule at each bond length, computed for itself: by VQE, by Hartree-Fock, "
    "which has no correlation, and by exact diagonalisation of the same Hamiltonian. Below, how "
    "far VQE is above the exact energy; under the dashed line it is chemically accurate."
)
_MINIMUM = (
    " The minimum is that of a parabola in 1/length through the lowest three lengths, the band how "
    "uncertain it is."
)


@drawn
def scan(report: MoleculeReport) -> tuple[str, str, Figure]:
    """Draw the energies along the bond, and below them the error of VQE."""
    points = report.scan
    figure = empty_figure(4.6)
    upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=(3, 1))
    length = np.array([point.bond_length_angstrom for point in points])
    _draw_curves(upper, points, length)
    _mark_failed((upper, lower), report)
    if report.equilibrium:
        _mark_equilibrium(upper, report)
    upper.set_ylabel("energy, hartree")
    _draw_errors(lower, points, length)
    lower.set_xlabel("bond length, Å")
    legend_below(figure, 2)
    caption = _SCAN + (_MINIMUM if report.equilibrium else "")
    return _scan_title(report), caption, figure


def _draw_curves(axes: Axes, points: Sequence[ScanPoint], length: Array) -> None:
    energy = [point.energy for point in points]
    axes.plot(length, [p.hartree_fock for p in points], color=GREY, ls=":", label="Hartree-Fock")
    exact = [np.nan if point.exact is None else point.exact for point in points]
    axes.plot(length, exact, color=GREEN, ls="--", label="exact diagonalisation")
    axes.plot(length, energy, color=BLUE, marker="o", ls="", label="VQE")
    stopped = [point for point in points if not point.converged]
    if stopped:
        axes.plot(
            [point.bond_length_angstrom for point in stopped],
            [point.energy for point in stopped],
            color=VERMILLION,
            marker="x",
            ls="",
            ms=7,
            label="not converged",
        )


def _mark_failed(both: Sequence[Axes], report: MoleculeReport) -> None:
    for number, each in enumerate(report.failed):
        for place, axes in enumerate(both):
            label = "_" if number or place else "no energy, see the table"
            axes.axvline(each.bond_length_angstrom, color=VERMILLION, ls=(0, (1, 3)), label=label)


def _mark_equilibrium(axes: Axes, report: MoleculeReport) -> None:
    """Draw where the minimum is, as wide as it is uncertain: no energy was computed there."""
    found = report.equilibrium
    assert found is not None
    at, spread = found.bond_length_angstrom, found.uncertainty_angstrom
    label = f"minimum, interpolated: {equilibrium(found)} Å"
    axes.axvspan(at - spread, at + spread, color=ORANGE, alpha=0.25, lw=0)
    axes.axvline(at, color=ORANGE, lw=1.4, label=label, zorder=1)


def _draw_errors(axes: Axes, points: Sequence[ScanPoint], length: Array) -> None:
    error = np.array(
        [np.nan if p.error_millihartree is None else p.error_millihartree for p in points]
    )
    axes.set_yscale("log")
    draw_accuracy(axes)
    axes.plot(length, np.maximum(error, FLOOR), color=BLUE, marker="o", lw=1, clip_on=False)
    whole_decades(axes, error)
    axes.set_ylabel("error, mHa")


def _scan_title(report: MoleculeReport) -> str:
    what = report.problem.molecule or report.problem.formula
    if report.equilibrium:
        return f"{what} is lowest near {equilibrium(report.equilibrium)} Å, interpolated"
    lowest = report.solution.bond_length_angstrom
    end = "" if lowest is None else f", at {short(lowest)} Å, an end of the curve"
    return f"{what} is lowest at {hartree(report.solution.energy)} hartree{end}"


def draw_accuracy(axes: Axes) -> None:
    """Draw the line of chemical accuracy."""
    label = f"chemical accuracy, {CHEMICAL_ACCURACY} mHa"
    axes.axhline(CHEMICAL_ACCURACY, color=VERMILLION, ls="--", lw=1.2, label=label, zorder=1)


def whole_decades(axes: Axes, error: Array) -> None:
    """Set the limits of a logarithmic axis of errors in millihartree, and label it."""
    finite = error[np.isfinite(error)]
    lowest = max(FLOOR, finite.min()) if finite.size else FLOOR
    highest = max(CHEMICAL_ACCURACY, finite.max() if finite.size else 0.0)
    axes.set_ylim(10 ** np.floor(np.log10(lowest)) / 1.5, 2 * 10 ** np.ceil(np.log10(highest)))
    axes.yaxis.set_major_formatter(lambda value, _: f"{value:g}")
    axes.yaxis.set_minor_formatter(NullFormatter())
