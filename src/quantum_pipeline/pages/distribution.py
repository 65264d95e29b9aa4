"""Plots the distribution of the sampled objective values beside that of uniformly random bits."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from quantum_pipeline.pages.emulation import titled
from quantum_pipeline.pages.figures import (
    BLACK,
    BLUE,
    GREEN,
    GREY,
    SKY,
    VERMILLION,
    drawn,
    legend_below,
    new_figure,
)
from quantum_pipeline.pages.numbers import short
from quantum_pipeline.pages.study import DRAWN_BITSTRINGS, LABEL, Study
from quantum_pipeline.wording import percent

MOST_SEPARATE_BARS = 30
MOST_BARS = 60
MOST_LATTICE_POINTS = 10_000
BINS = 40

Array = NDArray[np.float64]

_CAPTION = (
    "Objective values of the job's samples beside those of uniformly random bits. Dashed lines "
    "mark the best known value, what the classical method found and the best sample, one line "
    "where they are equal; the dotted line is the mean of the quantum state."
)


@drawn
def distribution(study: Study) -> tuple[str, str, Figure]:
    """Draw the shares of the shots over objective values, with optimum and baseline marked."""
    shots = sum(study.report.samples.values())
    edges = bin_edges(
        np.concatenate([study.sampled.values, study.random.values]), study.model.tolerance
    )
    figure, (axes,) = new_figure()
    bars, _ = np.histogram(study.sampled.values, edges, weights=study.sampled.probabilities)
    outline, _ = np.histogram(study.random.values, edges, weights=study.random.probabilities)
    how = "exact" if study.random_is_exact else f"{DRAWN_BITSTRINGS} drawn"
    draw_shares(axes, edges, bars, f"{shots} {'shot' if shots == 1 else 'shots'}", filled=True)
    draw_shares(axes, edges, outline, f"random bits ({how})", filled=False)
    _mark(axes, study)
    axes.set_ylim(0, 1.05 * max(bars.max(), outline.max()))
    axes.yaxis.set_major_formatter(lambda share, _: f"{100 * share:g} %")
    axes.set_ylabel("share of bitstrings")
    larger = study.report.problem.sense == "maximise"
    what = "cut (larger is better)" if larger else "objective (smaller is better)"
    axes.set_xlabel(f"{what}{study.less_constant}")
    legend_below(figure)
    return (
        titled(study.report, _title(study, shots)),
        _CAPTION,
        figure,
    )


def _title(study: Study, shots: int) -> str:
    best = study.answer(study.report.quality.best_known, LABEL)
    name = f"{'Optimum' if study.optimum_is_known else 'Best known value'} {best}"
    if not study.best_in_shots:
        found = study.answer(study.report.solution.objective, LABEL)
        return f"{name} in none of the shots ({shots}); the best sample has {found}"
    random = study.best_in_random_bits
    rival = "" if random is None else f" (random bits: {percent(random)})"
    return f"{name} in {percent(study.best_in_shots)} of the shots{rival}"


def draw_shares(axes: Axes, edges: Array, shares: Array, label: str, *, filled: bool) -> None:
    """Draw shares over bins as bars, or as an outline; few of them apart from each other."""
    if len(shares) <= MOST_SEPARATE_BARS:  # few values: a bar each, with nothing in between
        gap = 0.1 * (edges[1] - edges[0])
        edges = np.column_stack([edges[:-1] + gap, edges[1:] - gap]).ravel()
        shares = np.column_stack([shares, np.zeros_like(shares)]).ravel()[:-1]
    axes.stairs(shares, edges, fill=filled, color=SKY if filled else GREY, lw=1.2, label=label)


def bin_edges(values: Array, tolerance: float) -> Array:
    """Return the edges of at most 60 equal bins, the values of a lattice amid or whole in them.

    Bins that are no multiple of a lattice's step would hold more of its points here than there,
    and show a comb that is not in the data.

    >>> bin_edges(np.array([2.0, 4.0, 8.0]), 1e-9).tolist()
    [1.0, 3.0, 5.0, 7.0, 9.0]
    """
    low, high = float(values.min()), float(values.max())
    if high - low <= tolerance:
        half = max(0.5, 0.1 * abs(low))
        return np.array([low - half, low + half])
    step = _lattice_step(np.diff(np.sort(values)), tolerance)
    if step is None or (points := round((high - low) / step) + 1) > MOST_LATTICE_POINTS:
        return np.asarray(np.linspace(low, high, BINS + 1))
    together = -(-points // MOST_BARS)
    return np.asarray(low + step * (together * np.arange(-(-points // together) + 1) - 0.5))


def _lattice_step(gaps: Array, tolerance: float) -> float | None:
    """Return the greatest step of which all gaps are multiples; None if they are too various."""
    gaps = np.unique(np.round(gaps[gaps > tolerance] / tolerance)) * tolerance
    if len(gaps) > MOST_BARS:
        return None
    step = float(gaps[0])
    for gap in gaps:
        larger = float(gap)
        while step > 10 * tolerance:  # Euclid's algorithm, with remainders of either sign
            larger, step = step, abs(larger - step * round(larger / step))
        step = larger
    return step


def _mark(axes: Axes, study: Study) -> None:
    """Mark single values, those that are equal by one line with all their names."""
    report, quality = study.report, study.report.quality
    method, found = quality.classical.method, "best sample"
    best = ["optimum" if study.optimum_is_known else "best known"]
    best += [method] * (quality.outcome != "better") + [found] * (quality.outcome != "worse")
    sign, exact = study.problem.objective_of_energy(1.0), study.problem.exact
    marks = [(best, quality.best_known, study.bare.best_known, GREEN)]
    if quality.outcome == "better":
        place = float(exact.energy(quality.classical.bitstring))
        marks.append(([method], quality.classical.objective, place, VERMILLION))
    if quality.outcome == "worse":
        place = float(exact.energy(report.solution.bitstring))
        marks.append(([found], report.solution.objective, place, BLUE))
    for names, value, energy, colour in marks:
        label = f"{' = '.join(names)}: {study.answer(value, LABEL)}"
        axes.axvline(sign * energy, color=colour, ls="--", lw=1.3, label=label)
    mean = sign * study.bare.mean_energy + 0.0
    of_state = quality.mean_energy_by == "exact state"
    name = "mean of the state" if of_state else "mean of the shots"
    label = f"{name}: {study.mean(quality.mean_energy, short, sign)}"
    axes.axvline(mean, color=BLACK, ls=":", lw=1.3, label=label)
