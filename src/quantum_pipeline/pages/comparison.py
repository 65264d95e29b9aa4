"""The page of several runs side by side: courses and distributions over each other, and tables."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from quantum_pipeline.catalogue.comparison import Row
from quantum_pipeline.pages.distribution import bin_edges
from quantum_pipeline.pages.emulation import device_name
from quantum_pipeline.pages.figures import (
    BLACK,
    BLUE,
    GREEN,
    ORANGE,
    SKY,
    VERMILLION,
    Picture,
    drawn,
    legend_below,
    new_figure,
    printable,
)
from quantum_pipeline.pages.page import environment
from quantum_pipeline.pages.study import Study
from quantum_pipeline.reports import (
    AnyReport,
    ClassificationReport,
    ConstrainedReport,
    DividedReport,
    MoleculeReport,
    OptimisationReport,
)

Array = NDArray[np.float64]

Optimised = OptimisationReport | MoleculeReport | ConstrainedReport | DividedReport
"""Reports of what has energies."""

LONGEST_NAME = 40
SHARES_CLOSE = 1e-9
"""Shares that differ by less are one."""

_COLOURS, _DASHES = (BLUE, VERMILLION, GREEN, ORANGE, SKY, BLACK), ("-", "--", "-.", ":")
_LOOKS = tuple((_COLOURS[k % 6], _DASHES[(k + k // 6) % 4]) for k in range(12))
"""Twelve lines that are told apart by colour and dashes, neighbours by either."""

_SHARE = (
    "Problems differ, so energies are shares: 0 is the best known energy of each, 1 that of random "
    "bits, of molecules that of Hartree-Fock."
)


@dataclass(frozen=True)
class Comparison:
    """Runs that succeeded, by their reports; energies can be compared where the problem is one."""

    reports: tuple[AnyReport, ...]

    @property
    def one_problem(self) -> bool:
        """Whether all runs solved the same problem."""
        first, *others = (report.request["problem"] for report in self.reports)
        return all(each == first for each in others)

    @property
    def optimised(self) -> list[Optimised]:
        """The reports of runs that have energies."""
        return [each for each in self.reports if not isinstance(each, ClassificationReport)]

    @property
    def classified(self) -> list[ClassificationReport]:
        """The reports of classifications."""
        return [each for each in self.reports if isinstance(each, ClassificationReport)]

    def scaled(self, report: Optimised, energies: Array) -> Array | None:
        """Return energies of a run as they are drawn; None where they have no scale."""
        if self.one_problem:
            return energies
        best, reference = _levels(report)
        return None if reference == best else (energies - best) / (reference - best)


def _levels(report: Optimised) -> tuple[float, float]:
    """Return the best known energy, and that of no algorithm at all."""
    if isinstance(report, MoleculeReport):
        return report.quality.best_known, report.quality.hartree_fock
    sign = -1.0 if report.problem.sense == "maximise" else 1.0
    if isinstance(report, DividedReport):
        return sign * report.quality.best_known, sign * report.quality.random_objective
    return sign * report.quality.best_known, report.quality.random_mean_energy


def _named(report: AnyReport) -> str:
    return printable(f"{report.run_id}, {device_name(report)}", LONGEST_NAME)


@drawn
def convergence(comparison: Comparison) -> tuple[str, str, Figure]:
    """Draw the lowest energy so far of each run, over its evaluations."""
    figure, (axes,) = new_figure()
    for report, (colour, dashes) in zip(comparison.optimised, _LOOKS, strict=False):
        history = np.array([each.energy for each in report.convergence.history])
        lowest = comparison.scaled(report, np.minimum.accumulate(history))
        if lowest is not None:
            count = np.arange(1, len(lowest) + 1)
            axes.step(count, lowest, colour, ls=dashes, where="post", label=_named(report))
    axes.set_xlabel("evaluation")
    axes.set_ylabel("lowest energy so far" if comparison.one_problem else "share of the way left")
    legend_below(figure)
    caption = "The lowest energy that the optimiser of each run had seen so far; lower is better."
    return "Convergence", _with_share(comparison, caption), figure


@drawn
def distributions(comparison: Comparison) -> tuple[str, str, Figure]:
    """Draw the shares of each run's samples over their energies."""
    figure, (axes,) = new_figure()
    found = [
        (report, values, study)
        for report, study in _studies(comparison)
        if (values := comparison.scaled(report, _energies(study))) is not None
    ]
    if found:
        close = max(study.model.tolerance for *_, study in found)
        edges = bin_edges(
            np.concatenate([values for _, values, _ in found]),
            close if comparison.one_problem else SHARES_CLOSE,
        )
        for (report, values, study), (colour, dashes) in zip(found, _LOOKS, strict=False):
            shares, _ = np.histogram(values, edges, weights=study.sampled.probabilities)
            axes.stairs(shares, edges, color=colour, ls=dashes, lw=1.4, label=_named(report))
    axes.yaxis.set_major_formatter(lambda share, _: f"{100 * share:g} %")
    axes.set_xlabel("energy" if comparison.one_problem else "energy, as a share")
    axes.set_ylabel("share of the samples")
    legend_below(figure)
    caption = "Energies of the bitstrings that each run sampled; lower is better."
    return "Distributions", _with_share(comparison, caption), figure


@drawn
def accuracies(comparison: Comparison) -> tuple[str, str, Figure]:
    """Draw the accuracy of each run's quantum model beside that of its best classical one."""
    found = comparison.classified[::-1]
    figure, (axes,) = new_figure(height_inches=1.5 + 0.35 * len(found))
    for place, quality in enumerate(report.quality for report in found):
        interval = quality.interval
        axes.plot([interval.low, interval.high], [place, place], color=BLUE, lw=2.2)
        axes.plot(quality.accuracy, place, color=BLUE, marker="o", ms=6, mec=BLACK, mew=0.6, ls="")
        axes.plot(quality.best_known, place, color=VERMILLION, marker="D", ms=5, mec=BLACK, ls="")
    axes.plot([], [], color=BLUE, marker="o", label="quantum model, at 95 %")
    axes.plot([], [], color=VERMILLION, marker="D", ls="", label="best classical model")
    axes.set_yticks(range(len(found)), list(map(_named, found)))
    axes.set_ylim(-0.6, len(found) - 0.4)
    axes.grid(axis="y", visible=False)
    axes.grid(axis="x")
    axes.xaxis.set_major_formatter(lambda share, _: f"{100 * share:g} %")
    axes.set_xlabel("accuracy on the tested rows")
    legend_below(figure)
    same = "" if comparison.one_problem else " Tables differ, and so do the rows that were tested."
    caption = "Share of the tested rows that each model got right."
    return "Accuracies", f"{caption}{same}", figure


def _studies(comparison: Comparison) -> list[tuple[OptimisationReport, Study]]:
    reports = (each for each in comparison.reports if isinstance(each, OptimisationReport))
    return [(report, Study.of(report)) for report in reports if report.samples]


def _energies(study: Study) -> Array:
    """Return the sampled energies, with the problem's constant, which other energies have."""
    sign = study.problem.objective_of_energy(1.0)
    return np.asarray(sign * study.sampled.values + study.problem.constant)


def _with_share(comparison: Comparison, caption: str) -> str:
    return caption if comparison.one_problem else f"{caption} {_SHARE}"


def comparison_page(
    names: Sequence[str],
    figures: Sequence[Row],
    differences: Sequence[Row],
    reports: Sequence[AnyReport],
) -> str:
    """Return the page of runs: tables of all, pictures of those that have a report."""
    comparison, pictures = Comparison(tuple(reports)), list[Picture]()
    if comparison.classified:
        pictures.append(accuracies(comparison))
    if comparison.optimised:
        pictures.append(convergence(comparison))
    if any(isinstance(each, OptimisationReport) and each.samples for each in reports):
        pictures.append(distributions(comparison))
    return (
        environment()
        .get_template("comparison.html.j2")
        .render(names=names, figures=figures, differences=differences, pictures=pictures)
    )
