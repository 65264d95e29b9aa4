"""Pictures of answers in the words of their problem: tours, coloured graphs, bars, covers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from quantum_pipeline.pages.figures import (
    BLACK,
    BLUE,
    GREY,
    ORANGE,
    PALE,
    SKY,
    VERMILLION,
    drawn,
    legend_below,
    new_figure,
    printable,
)
from quantum_pipeline.pages.form_study import FormStudy
from quantum_pipeline.pages.graph import draw_edges, draw_nodes, layout
from quantum_pipeline.pages.numbers import short
from quantum_pipeline.pages.places import by_scaling
from quantum_pipeline.problems import (
    BinPacking,
    ExactCover,
    GraphColoring,
    Knapsack,
    Labs,
    MaxClique,
    MaxIndependentSet,
    MaxKCut,
    MinVertexCover,
    NumberPartitioning,
    Portfolio,
    SetCover,
    Tsp,
)
from quantum_pipeline.problems.decoded import Groups, Selection, Tour

LONGEST_NAME = 18
INCHES_A_BAR, MOST_INCHES = 0.24, 12.0
MOST_LEGS = 20
"""Up to so many legs of a tour their lengths are written beside them."""

Array = NDArray[Any]
Drawing = tuple[str, str, Figure]


@drawn
def solution(study: FormStudy) -> Drawing:
    """Draw the answer of a problem whose type has a picture."""
    problem = study.problem
    bits = [int(bit) for bit in study.report.solution.bitstring]
    draw = next(draw for types, draw in DRAWN_BY if isinstance(problem, types))
    what, caption, figure = draw(problem, bits)
    solution = study.report.solution
    broken = "" if solution.feasible else f" (not feasible: {len(solution.violated)} rules broken)"
    return f"{what}{broken}", caption, figure


def _tour(problem: Tsp, bits: Sequence[int]) -> Drawing:
    tour = problem.decoded(bits)
    assert isinstance(tour, Tour)
    place = _places(problem)
    order = [list(problem.names).index(stop) for stop in tour.stops]
    figure, (axes,) = new_figure(height_inches=4.4)
    for a, b, length in zip(order, [*order[1:], order[0]], tour.legs, strict=True):
        (x, y), (u, v) = place[a], place[b]
        arrow = {"arrowstyle": "-|>", "color": VERMILLION, "lw": 1.4, "shrinkA": 8, "shrinkB": 8}
        axes.annotate("", (u, v), (x, y), arrowprops=arrow)
        if len(order) <= MOST_LEGS and a != b:
            _written(axes, (x + u) / 2, (y + v) / 2, short(length))
    axes.scatter(place[:, 0], place[:, 1], s=90, c=BLUE, edgecolors="white", zorder=3)
    axes.scatter(
        place[:1, 0], place[:1, 1], s=150, c=ORANGE, marker="s", edgecolors="white", zorder=4
    )
    for name, at in zip(problem.names, place, strict=True):
        label = printable(str(name), LONGEST_NAME)
        axes.annotate(label, at, (0, 10), textcoords="offset points", ha="center", zorder=5)
    axes.set_axis_off()
    axes.margins(0.12)
    where = "at its coordinates" if problem.coordinates else "so that distances fit"
    return (
        f"Tour of {problem.n_cities} cities, length {short(problem.objective(bits))}",
        f"The tour, from the city with a square and back; each city stands {where}.",
        figure,
    )


def _places(problem: Tsp) -> Array:
    if problem.coordinates is not None:
        return np.array(problem.coordinates)
    ways = np.array(problem.distances)
    return by_scaling((ways + ways.T) / 2)


def _written(axes: Axes, x: float, y: float, text: str) -> None:
    halo = {"facecolor": "white", "edgecolor": "none", "pad": 0.6, "alpha": 0.85}
    axes.text(x, y, text, fontsize=7, ha="center", va="center", bbox=halo, zorder=2)


_Graph = GraphColoring | MaxKCut | MaxIndependentSet | MinVertexCover | MaxClique


def _graph(problem: _Graph, bits: Sequence[int]) -> Drawing:
    kind, kinds, marked, words, caption = _kinds(problem, bits)
    ends = np.array([(i, j) for i, j, _ in problem.edges])
    place = layout(problem.node_count, ends, kind)
    figure, (axes,) = new_figure(height_inches=4.6)
    draw_edges(axes, problem.edges, marked(kind[ends[:, 0]], kind[ends[:, 1]]), words, place)
    draw_nodes(axes, problem.nodes, kind, [printable(each, LONGEST_NAME) for each in kinds], place)
    axes.set_axis_off()
    axes.margins(0.09)
    legend_below(figure, 3, markerscale=0.5)
    said = problem.decoded(bits).words.partition(":")[0]
    title = f"{_SETS[problem.type]} of {said}" if problem.type in _SETS else said
    return title[:1].upper() + title[1:], f"{caption} Positions mean nothing.", figure


_SETS = {
    "max_clique": "Clique",
    "max_independent_set": "Independent set",
    "min_vertex_cover": "Cover",
}


Marked = Callable[[Array, Array], NDArray[np.bool_]]


def _kinds(
    problem: _Graph, bits: Sequence[int]
) -> tuple[Array, list[str], Marked, tuple[str, str], str]:
    """Return the kind of each node, the kinds' names, which edges are marked, and both in words."""
    match problem:
        case GraphColoring():
            kinds = [str(each) for each in problem.kinds]
            words = ("edges between colours", "conflicts")
            caption = "The graph, each colour with a shape of its own; solid edges are conflicts."
            return np.array(problem.kind_of(bits)), kinds, np.equal, words, caption
        case MaxKCut():
            kinds = [str(each) for each in problem.kinds]
            words = ("edges inside parts", "cut edges")
            caption = "The graph, each part with a shape of its own; solid edges are cut."
            return np.array(problem.kind_of(bits)), kinds, np.not_equal, words, caption
    chosen = np.array(bits)
    inside = ("other edges", "edges inside the set")
    if isinstance(problem, MinVertexCover):
        inside = ("bare edges", "covered edges")
        return chosen, ["others", "in the cover"], np.logical_or, inside, "The cover, as squares."
    name = "clique" if isinstance(problem, MaxClique) else "set"
    return chosen, ["others", f"in the {name}"], np.logical_and, inside, f"The {name}, as squares."


def _bars(problem: Knapsack | Portfolio, bits: Sequence[int]) -> Drawing:
    if isinstance(problem, Knapsack):
        panels = {
            "value": [item.value for item in problem.items],
            f"weight (capacity {short(problem.capacity)})": [it.weight for it in problem.items],
        }
    else:
        variances = [row[i] for i, row in enumerate(problem.risks)]
        panels = {"return": list(problem.returns), "variance": variances}
    found = problem.decoded(bits)
    assert isinstance(found, Selection)
    n, taken = len(bits), np.array(bits, dtype=bool)
    figure, axes = new_figure(_height(n), columns=2)
    places = np.arange(n)[::-1]
    for each, (name, values) in zip(axes, panels.items(), strict=True):
        for chosen, colour, hatch in ((taken, BLUE, None), (~taken, PALE, "////")):
            bars = np.array(values)[chosen]
            each.barh(places[chosen], bars, color=colour, hatch=hatch, edgecolor="white", lw=0.5)
        each.set_title(name, fontsize=9, loc="left")
        each.grid(visible=True, axis="x")
        each.grid(visible=False, axis="y")
    names = [printable(str(label), LONGEST_NAME) for label in problem.labels]
    axes[0].set_yticks(places, names)
    axes[1].set_yticks([])
    figures = ", ".join(f"{name} {short(value)}" for name, value in found.figures.items())
    return (
        f"{len(found.chosen)} of {n} chosen: {figures}",
        "What was chosen is solid, what was not is hatched.",
        figure,
    )


def _height(rows: int) -> float:
    return min(MOST_INCHES, 1.2 + INCHES_A_BAR * rows)


def _stacked(problem: BinPacking | NumberPartitioning, bits: Sequence[int]) -> Drawing:
    found = problem.decoded(bits)
    assert isinstance(found, Groups)
    sizes = _sizes(problem)
    figure, (axes,) = new_figure(height_inches=1.4 + 0.5 * len(found.groups))
    for row, members in enumerate(found.groups.values()):
        left = 0.0
        for k, name in enumerate(members):
            size = sizes[str(name)]
            axes.barh(-row, size, left=left, color=(SKY, ORANGE)[k % 2], edgecolor=BLACK, lw=0.6)
            axes.text(left + size / 2, -row, printable(str(name), 10), ha="center", va="center",
                      fontsize=7)  # fmt: skip
            left += size
    if isinstance(problem, BinPacking):
        axes.axvline(problem.capacity, color=VERMILLION, ls="--", lw=1.2)
    axes.set_yticks([-row for row in range(len(found.groups))], list(found.groups))
    axes.grid(visible=True, axis="x")
    axes.grid(visible=False, axis="y")
    axes.set_xlabel("size" if isinstance(problem, BinPacking) else "sum")
    line = " The dashed line is the capacity." if isinstance(problem, BinPacking) else ""
    title = found.words.partition(":" if isinstance(problem, BinPacking) else ";")[0]
    return title[:1].upper() + title[1:], f"Bars are stacked from what is together.{line}", figure


def _sizes(problem: BinPacking | NumberPartitioning) -> dict[str, float]:
    if isinstance(problem, BinPacking):
        sizes: Sequence[float] = [item.size for item in problem.items]
    else:
        sizes = problem.numbers
    return dict(zip(map(str, problem.item_names), sizes, strict=True))


def _cover(problem: SetCover | ExactCover, bits: Sequence[int]) -> Drawing:
    elements = {str(each): k for k, each in enumerate(problem.all_elements)}
    n = len(problem.sets)
    figure, (axes,) = new_figure(_height(n) + 0.5)
    for row, (own, bit) in enumerate(zip(problem.sets.values(), bits, strict=True)):
        columns = [elements[str(each)] for each in own]
        colour = BLUE if bit else PALE
        axes.plot(columns, [-row] * len(columns), color=colour, marker="o" if bit else ".", ls="-")
    names = [printable(name, LONGEST_NAME) for name in problem.sets]
    axes.set_yticks([-row for row in range(n)], names)
    short_names = [printable(name, 12) for name in elements]
    axes.set_xticks(range(len(elements)), short_names, rotation=45, ha="right")
    axes.grid(visible=True, axis="both")
    title = problem.decoded(bits).words.partition(":")[0]
    return f"{title} chosen", "A dot where a set has an element; chosen sets are blue.", figure


def _sequence(problem: Labs, bits: Sequence[int]) -> Drawing:
    spins = 1 - 2 * np.array(bits)
    shifts = np.arange(1, problem.n)
    correlations = [int(spins[:-k] @ spins[k:]) for k in shifts]
    figure, (above, below) = new_figure(3.2, columns=2)
    above.stairs(spins, np.arange(problem.n + 1) + 0.5, color=BLUE, fill=True, baseline=0)
    above.set_title("sequence", fontsize=9, loc="left")
    above.set_yticks([-1, 1])
    below.bar(shifts, correlations, color=VERMILLION)
    below.axhline(0, color=GREY, lw=0.8)
    below.set_title("autocorrelation C_k", fontsize=9, loc="left")
    below.set_xlabel("shift k")
    found = problem.decoded(bits).figures
    title = f"Energy {found['energy']:.0f}, merit factor {short(found['merit factor'])}"
    return title, "The signs from left to right, and their autocorrelation at each shift.", figure


DRAWN_BY: tuple[tuple[Any, Callable[[Any, Sequence[int]], Drawing]], ...] = (
    (Tsp, _tour),
    ((GraphColoring, MaxKCut, MaxIndependentSet, MinVertexCover, MaxClique), _graph),
    ((Knapsack, Portfolio), _bars),
    ((BinPacking, NumberPartitioning), _stacked),
    ((SetCover, ExactCover), _cover),
    (Labs, _sequence),
)
