"""Plots divide: what rounds gained, the partition of the couplings, and a cut of a small graph."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from quantum_pipeline.errors import InvalidRequest
from quantum_pipeline.pages.figures import (
    BLACK,
    BLUE,
    GREEN,
    GREY,
    ORANGE,
    VERMILLION,
    drawn,
    legend_below,
    new_figure,
)
from quantum_pipeline.pages.graph import CUT_CAPTION, drawn_cut
from quantum_pipeline.pages.numbers import ratio, short
from quantum_pipeline.problems import BinaryProblem, MaxCut
from quantum_pipeline.reports import DividedReport
from quantum_pipeline.requests.request import ProblemReference, parse_request

_ROUNDS = (
    "The best objective until each round; round 0 is the partition, its blocks solved alone and "
    "turned over as wholes. Bars: how many blocks of a round improved what it began with, which "
    "random fields may have made worse than the best. The dashed lines are where other ways end "
    "that had as long."
)
_PARTITION = (
    "The couplings, a dot each, with the variables in the order of their blocks: what is on the "
    "diagonal is inside a block, all else is between blocks and was left to the rounds."
)
_COLOURS = {"enumeration": GREEN, "descent": VERMILLION, "annealing": ORANGE}
MOST_DOTS = 40_000


@drawn
def rounds(report: DividedReport) -> tuple[str, str, Figure]:
    """Draw the objective after each round beside what other ways came to."""
    algorithm, quality = report.algorithm, report.quality
    sign = -1.0 if report.problem.sense == "maximise" else 1.0
    number = [each.round for each in algorithm.rounds]
    objective = [sign * each.energy for each in algorithm.rounds]
    figure, (axes,) = new_figure()
    bars = axes.twinx()
    bars.bar(number[1:], [each.improved for each in algorithm.rounds[1:]], color=GREY, alpha=0.35)
    bars.set_ylabel("blocks that found better")
    bars.yaxis.set_major_locator(MaxNLocator(integer=True, nbins=5, min_n_ticks=1))
    bars.grid(visible=False)
    axes.set_zorder(bars.get_zorder() + 1)
    axes.patch.set_visible(False)
    axes.plot(number, objective, color=BLUE, marker=".", ms=4, lw=1.4, label="divide, by QAOA")
    for each in quality.attribution:
        if each.way in _COLOURS:
            label = f"{each.words.removeprefix('the ')}: {short(each.objective)}"
            axes.axhline(each.objective, color=_COLOURS[each.way], ls="--", lw=1.2, label=label)
    best = f"best known: {short(quality.best_known)}"
    axes.axhline(quality.best_known, color=BLACK, ls=":", lw=1.2, label=best)
    axes.set_xlabel("round")
    axes.set_ylabel("objective")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=8, min_n_ticks=1))
    legend_below(figure, 2)
    made = len(number) - 1
    title = (
        f"{made} round{'s' * (made != 1)} lead{'s' * (made == 1)} from "
        f"{short(objective[0], objective[-1])} to "
        f"{short(objective[-1], objective[0])}, ratio {ratio(quality.approximation_ratio)}"
    )
    return title, _ROUNDS, figure


@drawn
def partition(report: DividedReport) -> tuple[str, str, Figure]:
    """Draw the couplings in the order of their blocks."""
    problem = _problem(report)
    labels = np.array(report.algorithm.partition)
    place = np.empty(labels.size, dtype=np.int64)
    place[np.argsort(labels, kind="stable")] = np.arange(labels.size)
    ends = np.array([(i, j) for i, j, _ in problem.ising.couplings])
    inside = labels[ends[:, 0]] == labels[ends[:, 1]]
    share = float(inside.mean())
    if len(ends) > MOST_DOTS:
        chosen = np.random.default_rng(0).choice(len(ends), MOST_DOTS, replace=False)
        ends, inside = ends[chosen], inside[chosen]
    figure, (axes,) = new_figure(height_inches=4.6)
    size = float(np.clip(4000 / len(ends), 0.15, 9))
    for kind, colour, label in ((~inside, BLUE, "between"), (inside, VERMILLION, "inside a block")):
        i, j = place[ends[kind]].T
        axes.scatter(
            [*i, *j], [*j, *i], s=size, c=colour, linewidths=0, label=label, rasterized=True
        )
    axes.set_xlim(-0.5, labels.size - 0.5)
    axes.set_ylim(labels.size - 0.5, -0.5)
    axes.set_aspect("equal")
    axes.set_xlabel("variable, by block")
    axes.set_ylabel("variable, by block")
    legend_below(figure, markerscale=max(1.0, 3 / size**0.5))
    blocks, couplings = report.algorithm.n_blocks, len(problem.ising.couplings)
    title = (
        f"{blocks:,} block{'s' * (blocks != 1)} hold{'s' * (blocks == 1)} {100 * share:.0f} % of "
        f"the {couplings:,} coupling{'s' * (couplings != 1)}"
    )
    return title, _PARTITION, figure


@drawn
def solution(report: DividedReport) -> tuple[str, str, Figure]:
    """Draw the graph of a maxcut problem with the cut that was found."""
    problem = _problem(report)
    assert isinstance(problem, MaxCut)
    figure = drawn_cut(problem, report.solution.bitstring)
    return f"Cut {short(report.solution.objective)}", CUT_CAPTION, figure


def _problem(report: DividedReport) -> BinaryProblem:
    problem = parse_request(report.request).problem
    if isinstance(problem, ProblemReference):
        raise InvalidRequest.of("problem.uri", problem.uri, "a report with its problem inline")
    assert isinstance(problem, BinaryProblem)
    return problem
