"""Plots a cut: the graph with its nodes on two sides, and the edges between them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from numpy.typing import NDArray

from quantum_pipeline.pages.figures import (
    BLACK,
    BLUE,
    GREEN,
    ORANGE,
    SKY,
    VERMILLION,
    drawn,
    legend_below,
    new_figure,
    printable,
)
from quantum_pipeline.pages.numbers import short
from quantum_pipeline.pages.places import Array, by_stress, circle, steps
from quantum_pipeline.pages.study import LABEL, Study
from quantum_pipeline.problems import Label, MaxCut

Edge = tuple[int, int, float]

MOST_WEIGHTS = 30
"""Up to so many edges their weights are written beside them."""

DENSE = 3
"""More edges a node than these make a tangle of any layout but a circle."""

CANDIDATES = 20

LABEL_ROOM = 0.1
"""Part of a drawing's size that a weight's middle keeps from other weights and from nodes."""

ALONG = (0.5, 0.42, 0.58, 0.35, 0.65, 0.28, 0.72, 0.22, 0.78)
"""Parts of an edge where its weight may be written, in the order in which they are tried."""

_HALO = {"facecolor": "white", "edgecolor": "none", "pad": 0.6, "alpha": 0.85}

CUT_CAPTION = (
    "The graph with the cut that was found. Circles are on side 0, squares on side 1; solid edges "
    "are cut, dashed ones are not. Positions mean nothing."
)


@drawn
def solution(study: Study) -> tuple[str, str, Figure]:
    """Draw the graph of a maxcut problem with the cut that was found."""
    problem, report = study.problem, study.report
    assert isinstance(problem, MaxCut)
    return _title(study, problem), CUT_CAPTION, drawn_cut(problem, report.solution.bitstring)


def drawn_cut(problem: MaxCut, bitstring: str) -> Figure:
    """Return the graph with a cut of it."""
    side = np.array([int(bit) for bit in bitstring])
    edges = np.array([(i, j) for i, j, _ in problem.edges])
    place = layout(problem.n_variables, edges, side)
    figure, (axes,) = new_figure(height_inches=4.6)
    cut = side[edges[:, 0]] != side[edges[:, 1]]
    draw_edges(axes, problem.edges, cut, ("uncut edges", "cut edges"), place)
    kinds = ("nodes on side 0", "nodes on side 1")
    draw_nodes(axes, problem.labels, side, kinds, place)
    axes.set_axis_off()
    axes.margins(0.09)
    legend_below(figure, markerscale=0.5)
    return figure


def _title(study: Study, problem: MaxCut) -> str:
    weights = [w for _, _, w in problem.edges]
    of_all = f" of total weight {short(sum(weights))}" if min(weights) >= 0 else ""
    if not study.best_is_sampled:
        best = f"best known {study.answer(study.report.quality.best_known, LABEL)}"
    else:
        best = "the optimum" if study.optimum_is_known else "the best known"
    name = study.solution_name.capitalize()
    cut = study.answer(study.report.solution.objective, LABEL)
    return f"{name}: cut {cut}{of_all}, {best}"


def draw_edges(
    axes: Axes,
    edges: Sequence[Edge],
    marked: NDArray[np.bool_],
    words: tuple[str, str],
    place: Array,
) -> None:
    """Draw edges, the marked ones solid and in colour, each kind named by its word."""
    weight = np.array([w for _, _, w in edges])
    ends = np.array([(i, j) for i, j, _ in edges])
    largest = np.abs(weight).max() or 1.0
    width = 0.6 + 1.6 * np.abs(weight) / largest * min(1.0, 30 / len(weight))
    kinds = ((words[0], ~marked, "#8c8c8c", "--"), (words[1], marked, VERMILLION, "-"))
    for name, chosen, colour, dashes in kinds:
        if not chosen.any():
            continue
        lines = LineCollection(
            list(place[ends[chosen]]),
            colors=colour,
            linestyles=dashes,
            linewidths=list(width[chosen]),
            label=f"{name}: {chosen.sum()}, weight {short(float(weight[chosen].sum()))}",
            zorder=1,
        )
        axes.add_collection(lines)
    if len(weight) <= MOST_WEIGHTS and (weight != 1).any():
        for (x, y), w in zip(weight_places(place, ends), weight, strict=True):
            axes.text(x, y, short(w), fontsize=7, ha="center", va="center", bbox=_HALO, zorder=2)


def weight_places(place: Array, ends: NDArray[np.int64]) -> Array:
    """Return where each edge's weight is written, shape (edges, 2), each on its edge.

    That is the middle, or where another weight or a node is too near, the nearest place along the
    edge that is clear of them; the clearest of all where none is.
    """
    room = LABEL_ROOM * np.ptp(place, axis=0).max()
    taken = list(place)
    for i, j in ends:
        spots = place[i] + np.array(ALONG)[:, None] * (place[j] - place[i])
        clear = np.linalg.norm(spots[:, None] - np.array(taken), axis=2).min(axis=1)
        first = np.flatnonzero(clear >= room)
        taken.append(spots[first[0] if first.size else int(clear.argmax())])
    return np.array(taken[len(place) :])


def draw_nodes(
    axes: Axes, names: Sequence[Label], kind: NDArray[np.int64], kinds: Sequence[str], place: Array
) -> None:
    """Draw named nodes, those of each kind with a colour and a shape of their own."""
    labels = [printable(str(name), 16 if len(names) <= 16 else 8) for name in names]
    inside = max(map(len, labels)) <= 2
    size = 260 if len(labels) <= 16 else 170
    looks = looks_of(kinds)
    for k, (name, (colour, marker)) in enumerate(zip(kinds, looks, strict=True)):
        chosen = kind == k
        axes.scatter(
            place[chosen, 0],
            place[chosen, 1],
            s=size,
            c=colour,
            marker=marker,
            edgecolors="white",
            linewidths=1,
            label=f"{name}: {chosen.sum()}",
            zorder=3,
        )
    for label, (x, y), k in zip(labels, place, kind, strict=True):
        axes.annotate(
            label,
            (x, y),
            (0, 0 if inside else 11),
            textcoords="offset points",
            ha="center",
            va="center",
            fontsize=8 if len(labels) <= 16 else 7,
            zorder=4,
            color="white" if inside and looks[k][0] != ORANGE else BLACK,
            bbox=None if inside else _HALO,
        )


def looks_of(kinds: Sequence[str]) -> list[tuple[str, str]]:
    """Return colour and shape of each kind; kinds named after colours have these.

    >>> looks_of(["red", "blue"])
    [('#D55E00', 'o'), ('#0072B2', 's')]
    """
    looks = [LOOKS[k % len(LOOKS)] for k in range(len(kinds))]
    if not set(kinds) <= set(_NAMED_COLOURS):
        return looks
    return [(_NAMED_COLOURS[kind], shape) for kind, (_, shape) in zip(kinds, looks, strict=True)]


_NAMED_COLOURS = {
    "red": VERMILLION,
    "green": GREEN,
    "blue": BLUE,
    "orange": ORANGE,
    "yellow": "#F0E442",
    "purple": "#CC79A7",
    "black": BLACK,
}

LOOKS = tuple(
    (colour, "os^Dv"[(k + k // 5) % 5])
    for k, colour in enumerate(5 * (BLUE, ORANGE, GREEN, VERMILLION, SKY))
)
"""Twenty-five looks of nodes: neighbours differ in colour and shape."""


def layout(n: int, edges: Array, side: NDArray[np.int64]) -> Array:
    """Return places of n nodes, shape (n, 2), for edges of shape (m, 2).

    A dense graph stands on a circle, one side on the left, the other on the right. A sparse one is
    laid out by the steps between its nodes, from several circles in turn, and the layout is taken
    whose nodes keep farthest from the edges of others.
    """
    if len(edges) > DENSE * n:
        return circle(np.lexsort((np.arange(n), side)).argsort())
    apart = steps(n, edges)
    candidates = min(CANDIDATES, max(2, CANDIDATES * 30 // n))
    orders = [np.random.default_rng(k).permutation(n) for k in range(candidates)]
    circles = [apart.max() / 2 * circle(order) for order in orders]
    places = [_fill(each) for each in by_stress(apart, circles)]
    best = max(range(candidates), key=lambda k: _clearance(places[k], edges))
    return places[best]


def _fill(place: Array) -> Array:
    """Return the places turned to be widest from left to right, and as high as they are wide."""
    centred = place - place.mean(axis=0)
    turned = centred @ np.linalg.svd(centred, full_matrices=False)[2].T
    extent = np.ptp(turned, axis=0)
    return np.asarray(turned / np.maximum(extent, 0.01 * extent.max()))


def _clearance(place: Array, edges: Array) -> float:
    """Return the least distance of a node to an edge of others."""
    start, along = place[edges[:, 0]], place[edges[:, 1]] - place[edges[:, 0]]
    share = ((place[:, None] - start) * along).sum(2) / np.maximum((along**2).sum(1), 1e-12)
    nearest = start + np.clip(share, 0, 1)[..., None] * along
    distance = np.linalg.norm(place[:, None] - nearest, axis=2)
    distance[edges.T, np.arange(len(edges))] = np.inf
    return float(distance.min())
