"""Plots a device's qubits and couplers, and those that the circuit used."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from matplotlib.patheffects import withStroke

from quantum_pipeline.pages.emulation import compiled_for
from quantum_pipeline.pages.figures import (
    BLACK,
    BLUE,
    GREY,
    PALE,
    WIDTH_INCHES,
    drawn,
    legend_below,
    new_figure,
    printable,
)
from quantum_pipeline.pages.places import Array, by_scaling, by_stress, circle, steps
from quantum_pipeline.reports import (
    ClassificationReport,
    MoleculeReport,
    OptimisationReport,
    Report,
)
from quantum_pipeline.results import Compilation

LONGEST_LABEL = 3
"""Characters of a variable's label that fit in a qubit; longer ones are counted from 0 instead."""

SPARSE, CROWDED = 24, 160
"""Qubits of a device up to which they are drawn large, and from which they are drawn small."""

BESIDE = np.array([0.62, 0.62])
"""Where a qubit's number stands from its middle, in the diameters of its circle."""

CLOSE = 1e-9
"""Distances from the middle that differ by no more are those of a circle."""

_CAPTION = (
    "Qubits and couplers of {device}. Blue qubits hold {variables}, whose {labels} are inside, "
    "when they are measured; bold couplers are those that the circuit acts on. Small numbers are "
    "the device's. {passed}"
    "{positions}."
)


@drawn
def layout(report: Report) -> tuple[str, str, Figure]:
    """Draw the qubits and couplers of the device, and what of them the circuit acts on."""
    made = report.compilation
    assert made is not None
    numbers = sorted({*made.qubits, *(q for pair in made.couplers for q in pair)})
    index = {qubit: k for k, qubit in enumerate(numbers)}
    edges = np.array([[index[a], index[b]] for a, b in made.couplers], dtype=np.int64)
    edges = edges.reshape(-1, 2)
    place = places(len(numbers), edges)
    width, height = np.ptp(place, axis=0)
    inches = float(np.clip(WIDTH_INCHES * height / max(width, 1e-9) + 0.8, 2.4, 4.6))
    figure, (axes,) = new_figure(height_inches=inches)
    used = np.array([[index[a], index[b]] for a, b in made.used], dtype=np.int64).reshape(-1, 2)
    _draw_couplers(axes, place, edges, used)
    _draw_qubits(axes, report, made, numbers, place)
    axes.set_axis_off()
    axes.set_aspect("equal")
    axes.margins(0.06)
    legend_below(figure, 3, markerscale=0.6)
    passed = len(report.device.qubits_used) - len(made.qubits)
    return (
        _title(
            report,
            made,
            _qubits_there(report, made) or len(numbers),
            complete=_is_complete(len(numbers), edges),
        ),
        _CAPTION.format(
            device=compiled_for(report),
            labels="labels" if _labels(report, made)[1] else "numbers, from 0,",
            variables=_variables(report, 2),
            passed=f"Passed through: {passed} more. " if passed else "",
            positions=(
                "Every two qubits are coupled: those that are not used are not drawn"
                if _is_complete(len(numbers), edges)
                else "Positions follow the couplers, not the chip"
            ),
        ),
        figure,
    )


def _title(report: Report, made: Compilation, of: int, *, complete: bool) -> str:
    gates, pairs, holding = made.compiled.two_qubit_gates, len(made.used), len(made.qubits)
    acted = max(len(report.device.qubits_used), holding)
    coupled = ", all coupled" if complete else ""
    return (
        f"{holding} {_variables(report, holding)} on {acted} of {of} qubits of "
        f"{compiled_for(report)}{coupled}: {gates} two-qubit gate{'s' * (gates != 1)} on "
        f"{pairs} coupler{'s' * (pairs != 1)}"
    )


def _qubits_there(report: Report, made: Compilation) -> int | None:
    """Return the qubits of the device that a circuit was compiled for, None where none says."""
    is_first = made.device is None or made.device == report.device.name
    return report.device.n_qubits if is_first else None


def _variables(report: Report, n: int) -> str:
    names = {MoleculeReport: "spin orbital", ClassificationReport: "feature"}
    return names.get(type(report), "variable") + "s" * (n != 1)


def places(n: int, edges: Array) -> Array:
    """Return places of n qubits, shape (n, 2), for couplers of shape (m, 2).

    Where every two are coupled they stand on a circle. Else places follow the steps between
    qubits, turned so that couplers run across and down where they can, and low numbers are on top.
    """
    if _is_complete(n, edges) or not len(edges):
        return circle(-np.arange(n))
    apart = steps(n, edges)
    (place,) = by_stress(apart, [by_scaling(apart)])
    along = place[edges[:, 1]] - place[edges[:, 0]]
    turned = _rotated(place, -np.angle(np.sum((along @ [1, 1j]) ** 4)) / 4)
    rising = np.arange(n) - (n - 1) / 2
    x, y = turned.T
    return np.column_stack([x if rising @ x >= 0 else -x, y if rising @ y <= 0 else -y])


def _is_complete(n: int, edges: Array) -> bool:
    return len(edges) >= n * (n - 1) / 2


def _rotated(place: Array, angle: float) -> Array:
    c, s = np.cos(angle), np.sin(angle)
    return np.asarray(place @ np.array([[c, s], [-s, c]]))


def _draw_couplers(axes: Axes, place: Array, edges: Array, used: Array) -> None:
    faint = edges[:0] if _is_complete(len(place), edges) else edges
    for pairs, colour, width, label in (
        (faint, PALE, 1.2, f"{len(edges)} couplers"),
        (used, BLACK, 2.6, f"used: {len(used)}"),
    ):
        if len(pairs):
            lines = LineCollection(
                list(place[pairs]), colors=colour, linewidths=width, label=label, zorder=1
            )
            axes.add_collection(lines)


def _draw_qubits(
    axes: Axes, report: Report, made: Compilation, numbers: list[int], place: Array
) -> None:
    labels, _ = _labels(report, made)
    label_of = dict(zip(made.qubits, labels, strict=True))
    passed = set(report.device.qubits_used) - set(made.qubits)
    n, on_circle = len(numbers), bool(np.ptp(np.hypot(*place.T)) < CLOSE)
    size, font = (250, 8.0) if n <= SPARSE else (130, 6.5) if n <= CROWDED else (60, 5.0)
    for chosen, face, edge, name in (
        ([q for q in numbers if q not in label_of and q not in passed], "#ededed", PALE, None),
        ([q for q in numbers if q in passed], "white", BLUE, "passed through"),
        ([q for q in numbers if q in label_of], BLUE, "white", f"hold {_variables(report, 2)}"),
    ):
        at = place[[numbers.index(q) for q in chosen]] if chosen else np.empty((0, 2))
        look: dict[str, Any] = {"s": size, "c": face, "edgecolors": edge, "linewidths": 1.2}
        axes.scatter(at[:, 0], at[:, 1], zorder=3, **look)
        if name is not None and chosen:
            axes.scatter([], [], label=f"{name}: {len(chosen)}", **look)
        for qubit, (x, y) in zip(chosen, at, strict=True):
            holds = label_of.get(qubit)
            axes.text(
                x,
                y,
                str(qubit) if holds is None else holds,
                fontsize=font if holds is not None else font - 1.5,
                color=GREY if holds is None else "white",
                ha="center",
                va="center_baseline",
                zorder=4,
            )
            out = 0.88 * np.array([x, y]) / max(np.hypot(x, y), 1e-9)
            if holds is not None:
                axes.annotate(
                    str(qubit),
                    (x, y),
                    tuple(size**0.5 * (out if on_circle else BESIDE)),
                    textcoords="offset points",
                    fontsize=font - 1.5,
                    color=GREY,
                    ha="center",
                    va="center",
                    zorder=4,
                    path_effects=[withStroke(linewidth=2, foreground="white")],
                )


def _labels(report: Report, made: Compilation) -> tuple[list[str], bool]:
    """Return what is written in the qubits, and whether that is the variables' own labels."""
    counted = [str(k) for k in range(len(made.qubits))]
    if not isinstance(report, OptimisationReport):
        return counted, False
    own = [printable(label, LONGEST_LABEL + 1) for label in report.solution.assignment]
    fits = len(own) == len(counted) and max(map(len, own)) <= LONGEST_LABEL
    return (own, own != counted) if fits else (counted, False)
