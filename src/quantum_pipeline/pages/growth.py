"""Plots how a solution was built: energy by depth, and variables fixed by correlations."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from quantum_pipeline.pages.figures import (
    BLUE,
    GREEN,
    GREY,
    VERMILLION,
    drawn,
    legend_below,
    new_figure,
)
from quantum_pipeline.pages.numbers import short
from quantum_pipeline.pages.study import Study
from quantum_pipeline.wording import percent

_DEPTHS = (
    "The lowest {} that each number of layers reached, started from the optimum of one layer "
    "less. The dashed line is the best known energy, the dotted line that of uniformly random bits."
)
_ELIMINATIONS = (
    "The strength |⟨Z Z⟩| or |⟨Z⟩| of the correlation by which each variable was fixed, in turn. "
    "1 leaves no doubt; 0 would be the toss of a coin."
)


@drawn
def depths(study: Study) -> tuple[str, str, Figure]:
    """Draw the energy over the number of layers."""
    report = study.report
    steps = report.algorithm.depths
    layers = [step.depth for step in steps]
    energy, best, random = study.bare.depths, study.bare.best_known, study.model.offset

    figure, (axes,) = new_figure()
    axes.plot(layers, energy, color=BLUE, marker="o", label="lowest at this depth")
    name = "optimum" if study.optimum_is_known else "best known"
    axes.axhline(best, color=GREEN, ls="--", lw=1.3, label=f"{name}: {short(best)}")
    axes.axhline(random, color=GREY, ls=":", lw=1.3, label=f"random bits: {short(random)}")
    axes.set_xlabel("layers p")
    axes.set_ylabel(f"{study.optimised}{study.less_constant}")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    legend_below(figure)
    title = f"{layers[-1]} layers; the last one gained {_gain(study, energy)}"
    return title, _DEPTHS.format(study.optimised), figure


def _gain(study: Study, energy: Sequence[float]) -> str:
    """Return what the last layer gained: of the descent, where it began at random bits."""
    gain, report = max(energy[-2] - energy[-1], 0.0), study.report
    descent = study.model.offset - energy[-1]
    tilted = report.request["algorithm"]["warm_start"] != "none"
    if report.algorithm.cvar_alpha < 1 or tilted or descent <= 0:
        return short(gain)
    return f"{percent(gain / descent)} of the descent"


@drawn
def eliminations(study: Study) -> tuple[str, str, Figure]:
    """Draw the strength of the correlation behind each fixed variable."""
    report = study.report
    fixed = report.algorithm.eliminations
    strength = np.array([abs(each.correlation) for each in fixed])
    alone = np.array([each.partner is None for each in fixed])
    turn = np.arange(1, len(fixed) + 1)

    figure, (axes,) = new_figure()
    for chosen, label, colour, marker in (
        (~alone, "set by a partner, |⟨Z Z⟩|", BLUE, "o"),
        (alone, "set for good, |⟨Z⟩|", VERMILLION, "s"),
    ):
        if chosen.any():
            axes.plot(turn[chosen], strength[chosen], marker, color=colour, ms=3, label=label)
    axes.set_ylim(0, 1.03)
    axes.set_xlabel("variables fixed")
    axes.set_ylabel("strength of the correlation")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=8, min_n_ticks=1))
    legend_below(figure)
    left = report.problem.n_variables - len(fixed)
    title = (
        f"{len(fixed)} variables fixed by correlations of {short(strength.min())} and more, "
        f"the last {left} by enumeration"
    )
    return title, _ELIMINATIONS, figure
