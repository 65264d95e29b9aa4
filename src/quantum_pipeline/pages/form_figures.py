"""Plots a run on a form: its energies, the objectives of its shots, and what each depth reached."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from quantum_pipeline.pages.course import count_evaluations, draw_groups, groups
from quantum_pipeline.pages.distribution import bin_edges, draw_shares
from quantum_pipeline.pages.figures import (
    BLACK,
    BLUE,
    GREEN,
    GREY,
    ORANGE,
    drawn,
    legend_below,
    new_figure,
)
from quantum_pipeline.pages.form_study import DRAWN_STATES, FormStudy
from quantum_pipeline.pages.numbers import short
from quantum_pipeline.wording import percent

_CONVERGENCE = (
    "{} at each evaluation of the optimiser; lower is better. Energies are objectives, {}of states "
    "that break a constraint with its penalty. The dotted line is the mean of {}."
)
_DISTRIBUTION = (
    "Objectives of the shots that keep all constraints, beside those of {}. The dashed line marks "
    "the best feasible state, the dotted one the mean of the quantum state's feasible outcomes."
)
_DEPTHS = (
    "The {} that each number of layers reached, started from the optimum of one layer less. The "
    "dashed line is the best feasible state, the dotted line the mean of {}."
)


@drawn
def convergence(study: FormStudy) -> tuple[str, str, Figure]:
    """Draw the energy of each evaluation, between blind picks and the best feasible state."""
    report = study.report
    history = report.convergence.history
    energy, start = np.array([each.energy for each in history]), [each.start for each in history]
    kind, group = groups(study)
    figure, (axes,) = new_figure()
    draw_groups(axes, kind, group, np.array(start), energy)
    lowest = np.minimum.accumulate(energy)
    count = np.arange(1, len(energy) + 1)
    axes.step(count, lowest, BLACK, lw=1, where="post", label="lowest so far")
    _draw_levels(axes, study)
    axes.set_ylabel(study.optimised)
    count_evaluations(axes, len(energy))
    legend_below(figure, 3)
    negative = "minus " if report.problem.sense == "maximise" else ""
    caption = _CONVERGENCE.format(
        study.optimised.capitalize(), f"{negative}as they are minimised, " if negative else "",
        study.pick,
    )  # fmt: skip
    return _course_title(study, float(energy[0]), float(lowest[-1])), caption, figure


def _course_title(study: FormStudy, first: float, last: float) -> str:
    what, best = study.optimised.capitalize(), short(_best(study))
    if not study.report.analysis.descent:
        return f"{what} stays at {short(first)}; best feasible state {best}"
    return f"{what} falls from {short(first, last)} to {short(last, first)}; best {best}"


def _best(study: FormStudy) -> float:
    return study.problem.objective_of_energy(study.report.quality.best_known)


def _draw_levels(axes: Axes, study: FormStudy) -> None:
    blind, best = study.report.quality.random_mean_energy, _best(study)
    axes.axhline(blind, color=GREY, ls=":", lw=1.2, label=f"{study.pick} {short(blind)}", zorder=1)
    axes.axhline(best, color=GREEN, ls="--", lw=1.2, label=f"best {short(best)}", zorder=1)


@drawn
def distribution(study: FormStudy) -> tuple[str, str, Figure]:
    """Draw the shares of feasible shots over objectives, beside those of blind picks."""
    quality, shots = study.report.quality, sum(study.report.samples.values())
    both = [each for each in (study.sampled, study.blind) if each is not None]
    figure, (axes,) = new_figure()
    values = np.concatenate([each.values for each in both] or [np.array([quality.best_known])])
    edges = bin_edges(values, study.close)
    highest = 0.0
    how = "all of them" if study.listed else f"of {DRAWN_STATES} drawn"
    for found, label, filled in (
        (study.sampled, f"feasible ones of {shots} shots", True),
        (study.blind, f"feasible states ({how})", False),
    ):
        if found is not None:
            shares, _ = np.histogram(found.values, edges, weights=found.probabilities)
            draw_shares(axes, edges, shares, label, filled=filled)
            highest = max(highest, float(shares.max()))
    _mark(axes, study)
    axes.set_ylim(0, 1.05 * highest or 1.0)
    axes.yaxis.set_major_formatter(lambda share, _: f"{100 * share:g} %")
    axes.set_ylabel("share")
    larger = study.report.problem.sense == "maximise"
    axes.set_xlabel(f"objective ({'larger' if larger else 'smaller'} is better)")
    legend_below(figure)
    return _shares_title(study), _DISTRIBUTION.format(study.pick), figure


def _mark(axes: Axes, study: FormStudy) -> None:
    quality = study.report.quality
    best, mean = quality.best_known, quality.mean_objective
    axes.axvline(best, color=GREEN, ls="--", lw=1.3, label=f"best: {study.answer(best, 4)}")
    if mean is not None:
        what = "feasible shots" if study.report.cost.tasks else "the state"
        axes.axvline(mean, color=BLACK, ls=":", lw=1.3, label=f"mean of {what}: {short(mean)}")


def _shares_title(study: FormStudy) -> str:
    quality, best = study.report.quality, study.answer(study.report.quality.best_known, 4)
    blind = percent(quality.blind_probability_of_best)
    if not study.best_in_shots:
        return f"The best, {best}, is in none of the shots ({study.pick}: {blind})"
    return (
        f"The best, {best}, in {percent(study.best_in_shots)} of the shots ({study.pick}: {blind})"
    )


@drawn
def depths(study: FormStudy) -> tuple[str, str, Figure]:
    """Draw the energy over the number of layers."""
    steps = study.report.algorithm.depths
    layers, energy = [each.depth for each in steps], [each.energy for each in steps]
    figure, (axes,) = new_figure()
    axes.plot(layers, energy, color=BLUE, marker="o", label="lowest at this depth")
    taken = layers.index(study.report.algorithm.depth)
    axes.plot(
        layers[taken], energy[taken], color=ORANGE, marker="D", ls="", mec=BLACK, label="taken"
    )
    _draw_levels(axes, study)
    axes.set_xlabel("layers p")
    axes.set_ylabel(study.optimised)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    legend_below(figure)
    gained = energy[-2] - energy[-1]
    gain = short(gained) if gained > study.close else "nothing"
    n_layers = f"{layers[taken]} layer{'' if layers[taken] == 1 else 's'}"
    title = f"{n_layers}; the last one tried gained {gain}"
    return title, _DEPTHS.format(study.optimised, study.pick), figure
