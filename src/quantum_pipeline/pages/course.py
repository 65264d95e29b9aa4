"""Plots the optimisation: its energies, how far they fell, and the final angles."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from quantum_pipeline.pages.emulation import device_name, titled
from quantum_pipeline.pages.figures import (
    BLACK,
    BLUE,
    GREEN,
    GREY,
    ORANGE,
    PALE,
    VERMILLION,
    drawn,
    legend_below,
    new_figure,
)
from quantum_pipeline.pages.form_study import FormStudy
from quantum_pipeline.pages.numbers import short
from quantum_pipeline.pages.study import Study

MOST_NUMBERED = 12
"""Starts or depths whose numbers fit above the axes."""

_CONVERGENCE = (
    "{} of the quantum state at each evaluation of the optimiser, in the problem's units; "
    "lower is better.{} Random bits: the mean over all bitstrings."
)
_REDUCTION = (
    "How far the lowest {} so far lies below the first one: as a share of the first one's "
    "magnitude, or in the problem's units where that is zero."
)
_PARAMETERS = (
    "Angles of the layers of QAOA, exp(−iβB) exp(−iγC) each, of the mixer B and the cost C. Over "
    "many layers a good schedule often looks like annealing: the cost is turned up "
    "while the mixing is turned down."
)


@drawn
def convergence(study: Study) -> tuple[str, str, Figure]:
    """Draw the energy of each evaluation, between random bits and the best known energy."""
    report = study.report
    history = report.convergence.history
    start = np.array([each.start for each in history])
    energy, best = np.array(study.bare.history), study.bare.best_known
    random, mean = study.model.offset, study.bare.mean_energy
    best_name = "optimum" if study.optimum_is_known else "best known"
    of_all = report.algorithm.cvar_alpha == 1

    figure, (axes,) = new_figure()
    kind, group = groups(study)
    draw_groups(axes, kind, group, start, energy)
    count = np.arange(1, len(energy) + 1)
    axes.step(
        count, np.minimum.accumulate(energy), BLACK, lw=1, where="post", label="lowest so far"
    )
    axes.plot(
        len(energy),
        mean,
        color=ORANGE,
        marker="D",
        ls="",
        mec=BLACK,
        mew=0.6,
        ms=5.5,
        label=f"{_final(study)} {short(mean)}",
        clip_on=False,
        zorder=5,
    )
    for label, level, colour, dashes in (
        (f"random bits {short(random)}", random, GREY, ":"),
        (f"{best_name} {short(best)}", best, GREEN, "--"),
    ):
        axes.axhline(level, color=colour, ls=dashes, lw=1.2, label=label, zorder=1)
    cut = " = −⟨cut⟩" if report.problem.type == "maxcut" else ""
    what = f"mean energy ⟨C⟩{cut}" if of_all else study.optimised
    axes.set_ylabel(f"{what}{study.less_constant}")
    count_evaluations(axes, len(energy))
    legend_below(figure, 3)
    title = _convergence_title(study, energy, mean, f"{best_name} {short(best)}")
    if _is_measured(study):
        title = titled(report, title)
    several = f" {kind.capitalize()}s follow one another from left to right."
    order = several if len(np.unique(group)) > 1 else ""
    caption = _CONVERGENCE.format(study.optimised.capitalize(), order)
    return title, caption + _scatter(study), figure


def groups(study: Study | FormStudy) -> tuple[str, NDArray[np.int64]]:
    """Return what evaluations belong to, and its number for each: a depth where several were tried.

    Else a start. Depths follow one another, each with its number of evaluations.
    """
    history, steps = study.report.convergence.history, study.report.algorithm.depths
    depth = np.repeat([step.depth for step in steps], [step.evaluations for step in steps])
    if len(steps) > 1 and len(depth) == len(history):
        return "depth", depth
    return "start", np.array([each.start for each in history])


def _final(study: Study) -> str:
    """Return what the mean energy of the report is, beside those of the evaluations."""
    if study.report.device.kind != "local":
        return f"mean on {device_name(study.report)}, raw"
    return "final mean" if study.report.algorithm.cvar_alpha == 1 else "final mean of all"


def _is_measured(study: Study) -> bool:
    """Return whether the device measured each energy."""
    return bool(study.report.request["algorithm"].get("train_on") == "device")


def _scatter(study: Study) -> str:
    """Return that energies scatter, where they were measured, and by how much.

    The error of N shots is that of the final samples, whose spread is that of one shot, by N.
    """
    if not _is_measured(study):
        return ""
    report, algorithm = study.report, study.report.request["algorithm"]
    shots = algorithm.get("shots_per_evaluation") or report.request["shots"]
    text = f" Each was measured on {device_name(report)} with {shots} shots"
    error, drawn_shots = report.quality.standard_error, sum(report.samples.values())
    if error and report.algorithm.cvar_alpha == 1:
        text += f", which leaves an error of about {error * (drawn_shots / shots) ** 0.5:.2g}"
    return (
        f"{text}: part of the lowest value is luck of the shots. The final mean is from new shots."
    )


def _convergence_title(study: Study, energy: NDArray[np.float64], mean: float, bound: str) -> str:
    what, first, lowest = study.optimised.capitalize(), float(energy[0]), float(energy.min())
    what += study.less_constant and f"{study.less_constant},"
    n, began = len(energy), short(first, lowest)
    if n == 1:
        given = study.report.algorithm.optimizer == "none"
        return f"{what} {began} {'at the given angles' if given else 'of one evaluation'}; {bound}"
    if _is_measured(study):
        return f"{what} measured {began} first, {short(mean, first)} at the end; {bound}"
    if not study.report.analysis.descent:
        return f"{what} stays at {began} for {n} evaluations; {bound}"
    return f"{what} falls from {began} to {short(lowest, first)}; {bound}"


def draw_groups(
    axes: Axes,
    kind: str,
    group: NDArray[np.int64],
    start: NDArray[np.int64],
    energy: NDArray[np.float64],
) -> None:
    """Draw the evaluations of each start or depth, the best one in colour, numbered on top.

    A line joins those of one start.
    """
    count, winner, numbers = np.arange(1, len(energy) + 1), group[energy.argmin()], np.unique(group)
    several, marker = len(numbers) > 1, "." if len(energy) <= 300 else ""
    numbered = several and len(numbers) <= MOST_NUMBERED
    names = {
        True: f"{kind} {winner}, the best" if several else "evaluations",
        False: f"other {kind}s",
    }
    for number in numbers:
        mine, won = np.flatnonzero(group == number), bool(number == winner)
        colour = BLUE if won else "#9a9a9a"
        for each in np.split(mine, np.flatnonzero(np.diff(start[mine])) + 1):
            label = names.pop(won, None)  # each stands in the legend once
            axes.plot(count[each], energy[each], color=colour, marker=marker, label=label, lw=1)
        if numbered:
            weight = "bold" if won else "normal"
            _above(axes, (count[mine].mean(), "data"), str(number), colour, weight)
    if numbered:
        _above(axes, (-0.012, "axes fraction"), kind, "#9a9a9a", "normal")


def _above(axes: Axes, at: tuple[float, str], text: str, colour: str, weight: str) -> None:
    x, unit = at
    axes.annotate(
        text,
        (x, 1.01),
        xycoords=(unit, "axes fraction"),
        ha="center" if unit == "data" else "right",
        color=colour,
        fontsize=8,
        fontweight=weight,
    )


def count_evaluations(axes: Axes, n: int) -> None:
    """Make the x axis that of n evaluations."""
    axes.set_xlabel("evaluation")
    axes.set_xlim(1 - max(0.5, 0.02 * n), n + max(0.5, 0.02 * n))
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=8, min_n_ticks=1))


@drawn
def reduction(study: Study) -> tuple[str, str, Figure]:
    """Draw how far the lowest energy so far lies below the first one."""
    analysis, energy = study.report.analysis, np.array(study.bare.history)
    fallen = np.minimum(energy[0] - np.minimum.accumulate(energy), analysis.descent)
    relative = analysis.reduction_percent is not None
    if relative:
        fallen = 100 * fallen / abs(analysis.initial_energy)
    at, n = analysis.convergence_evaluation, len(energy)

    figure, (axes,) = new_figure()
    count = np.arange(1, n + 1)
    axes.fill_between(count, fallen, step="post", color=BLUE, alpha=0.15, lw=0)
    axes.step(count, fallen, BLUE, where="post", marker="." if n <= 60 else "", label="reduction")
    if fallen[-1] > 0:
        axes.axvline(at, color=VERMILLION, ls="--", lw=1.2, label=f"99 % of it by evaluation {at}")
    axes.set_ylim(bottom=0, top=None if fallen[-1] > 0 else 1)
    axes.set_ylabel("reduction, % of |first energy|" if relative else "reduction, energy units")
    count_evaluations(axes, n)
    legend_below(figure)

    amount = f"{short(fallen[-1])} %" if relative else short(fallen[-1])
    if n == 1:
        title = "One evaluation: nothing to reduce"
    elif fallen[-1] <= 0:
        title = f"Energy not reduced in {n} evaluations"
    else:
        title = f"Energy reduced by {amount}, 99 % of it by evaluation {at} of {n}"
    return (
        title,
        _REDUCTION.format(study.optimised),
        figure,
    )


@drawn
def parameters(study: Study | FormStudy) -> tuple[str, str, Figure]:
    """Draw the angles of the best state over the layers."""
    algorithm = study.report.algorithm
    figure, panels = new_figure(columns=2)
    layers = np.arange(1, algorithm.depth + 1)
    sides = (
        ("γ, phase by the cost C", algorithm.gammas, BLUE, "o"),
        ("β, mixing by B", algorithm.betas, VERMILLION, "s"),
    )
    for axes, (name, angles, colour, marker) in zip(panels, sides, strict=True):
        axes.axhline(0, color=PALE, lw=1)
        axes.plot(layers, angles, color=colour, marker=marker)
        axes.set_title(name, fontsize=9, loc="left", color=colour)
        axes.set_xlabel("layer k")
        axes.set_xlim(0.5, algorithm.depth + 0.5)
        axes.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=8, min_n_ticks=1))
    panels[0].set_ylabel("angle, rad")
    return (
        _angles_title(study),
        _PARAMETERS,
        figure,
    )


def _angles_title(study: Study | FormStudy) -> str:
    algorithm = study.report.algorithm
    kind = "Given" if algorithm.optimizer == "none" else "Optimised"
    if algorithm.depth == 1:
        gamma, beta = short(algorithm.gammas[0]), short(algorithm.betas[0])
        return f"{kind} angles of the one layer: γ = {gamma}, β = {beta}"
    up, down = _rises(algorithm.gammas), _rises(algorithm.betas[::-1])
    shape = ": an annealing-like schedule" if up and down else ""
    return f"{kind} angles of {algorithm.depth} layers{shape}"


def _rises(angles: Sequence[float]) -> bool:
    return all(abs(b) >= abs(a) for a, b in pairwise(angles))
