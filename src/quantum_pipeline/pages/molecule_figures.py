"""Plots a molecule's optimisation, and the determinants of the state found."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from quantum_pipeline.pages.bond_curve import FLOOR, draw_accuracy, whole_decades
from quantum_pipeline.pages.emulation import titled
from quantum_pipeline.pages.figures import BLACK, BLUE, ORANGE, drawn, legend_below, new_figure
from quantum_pipeline.pages.numbers import hartree
from quantum_pipeline.reports import MoleculeReport
from quantum_pipeline.wording import percent

MOST_DETERMINANTS = 12
LONGEST_BITSTRING = 24

Array = NDArray[np.float64]

_CONVERGENCE = (
    "How far ⟨H⟩ is above the exact energy: each evaluation of the optimiser as a dot, the lowest "
    "so far as a line. Chemical accuracy is 1.6 millihartree, one kilocalorie a mole."
)
_ENERGIES = (
    "⟨H⟩ at each evaluation of the optimiser as a dot, the lowest so far as a line. There was no "
    "time for the exact energy."
)
_DETERMINANTS = (
    "Probabilities of the likeliest determinants in the state found, and shares of the shots. A "
    "bit is a spin orbital: spin up and down by turns, orbitals from the left by rising energy. "
    "The more weight beside the first one, the more correlated the electrons."
)


@drawn
def convergence(report: MoleculeReport) -> tuple[str, str, Figure]:
    """Draw the error of each evaluation; of a scan, that of the solution's length in front."""
    exact, solution = _exact_by_point(report), _solution_number(report)
    known = exact[solution - 1] is not None
    others = [
        number
        for number, energy in enumerate(exact, 1)
        if number != solution and (energy is not None) == known
    ]
    figure, (axes,) = new_figure()
    courses = {
        number: _errors(_energies(report, number), exact[number - 1])
        for number in [*others, solution]
    }
    for position, number in enumerate(others):
        label = None if position else "other lengths, lowest so far"
        _draw_lowest(axes, courses[number], "#b5b5b5", 0.9, label)
    mine = courses[solution]
    where = f" at {report.solution.bond_length_angstrom:g} Å" if report.scan else ""
    count = np.arange(1, len(mine) + 1)
    size = 4 if len(mine) <= 60 else 2
    axes.plot(count, mine, color=BLUE, marker="o", ls="", ms=size, alpha=0.5, label="evaluations")
    _draw_lowest(axes, mine, BLUE, 1.4, f"lowest so far{where}")
    axes.set_ylabel("⟨H⟩ above the exact energy, mHa" if known else "⟨H⟩, hartree")
    if known:
        axes.set_yscale("log")
        draw_accuracy(axes)
        whole_decades(axes, np.concatenate(list(courses.values())))
    longest = max(map(len, courses.values()))
    axes.set_xlim(1 - max(0.5, 0.02 * longest), longest + max(0.5, 0.02 * longest))
    axes.set_xlabel("evaluation")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=8, min_n_ticks=1))
    legend_below(figure, 2)
    return _convergence_title(report), _CONVERGENCE if known else _ENERGIES, figure


def _draw_lowest(axes: Axes, values: Array, colour: str, width: float, label: str | None) -> None:
    count = np.arange(1, len(values) + 1)
    lowest = np.minimum.accumulate(values)
    axes.step(count, lowest, color=colour, lw=width, where="post", label=label)


def _energies(report: MoleculeReport, point: int) -> Array:
    return np.array([each.energy for each in report.convergence.history if each.start == point])


def _errors(energy: Array, exact: float | None) -> Array:
    return energy if exact is None else np.maximum(1000 * (energy - exact), FLOOR)


def _exact_by_point(report: MoleculeReport) -> list[float | None]:
    """Return the exact energy of each point, in the order of the history's starts."""
    asked = report.request["problem"].get("bond_lengths_angstrom")
    if not asked:
        return [report.quality.classical.energy]
    by_length = {point.bond_length_angstrom: point.exact for point in report.scan}
    return [by_length[length] for length in asked if length in by_length]


def _solution_number(report: MoleculeReport) -> int:
    asked = report.request["problem"].get("bond_lengths_angstrom")
    if not asked:
        return 1
    solved = {point.bond_length_angstrom for point in report.scan}
    lengths = [length for length in asked if length in solved]
    return 1 + lengths.index(report.solution.bond_length_angstrom)


def _convergence_title(report: MoleculeReport) -> str:
    error = report.quality.error_millihartree
    if error is None:
        return f"⟨H⟩ falls to {hartree(report.analysis.final_energy)} hartree"
    if abs(error) <= FLOOR:
        return "VQE reaches the exact energy, but for rounding"
    accurate = "" if report.quality.chemical_accuracy else "not "
    side = "above" if error > 0 else "below"
    return f"VQE ends {abs(error):.2g} mHa {side} the exact energy: {accurate}chemically accurate"


@drawn
def determinants(report: MoleculeReport) -> tuple[str, str, Figure]:
    """Draw the probabilities of the likeliest determinants, with their shares of the shots."""
    shown = report.solution.determinants[:MOST_DETERMINANTS]
    shots = sum(report.samples.values())
    place = np.arange(len(shown))
    figure, (axes,) = new_figure(1.6 + 0.24 * len(shown))
    axes.grid(axis="y", visible=False)
    axes.grid(axis="x", visible=True)
    axes.barh(place, [each.probability for each in shown], color=BLUE, label="probability")
    drawn_shares = [report.samples.get(each.bitstring, 0) / shots for each in shown]
    axes.plot(
        [share or np.nan for share in drawn_shares],
        place,
        color=ORANGE,
        marker="D",
        ls="",
        mec=BLACK,
        mew=0.6,
        label=f"share of the shots ({shots})",
        clip_on=False,
    )
    axes.set_xscale("log")
    lowest = min([each.probability for each in shown] + [share for share in drawn_shares if share])
    axes.set_xlim(10 ** np.floor(np.log10(lowest) - 0.1), 1.0)
    axes.xaxis.set_major_formatter(lambda share, _: f"{100 * share:g} %")
    axes.set_yticks(place, [_orbitals(each.bitstring) for each in shown])
    axes.tick_params(axis="y", labelfontfamily="DejaVu Sans Mono", labelsize=8, length=0)
    axes.invert_yaxis()
    axes.set_xlabel("probability")
    legend_below(figure)
    return titled(report, _determinants_title(report)), _DETERMINANTS, figure


def _orbitals(bitstring: str) -> str:
    """Return the occupations in pairs, an orbital each; of many orbitals the last ones."""
    pairs = [bitstring[k : k + 2] for k in range(0, len(bitstring), 2)]
    kept = pairs[-LONGEST_BITSTRING // 2 :]
    return ("… " if len(kept) < len(pairs) else "") + " ".join(kept)


def _determinants_title(report: MoleculeReport) -> str:
    first = report.solution.determinants[0]
    filled = _is_hartree_fock(first.bitstring)
    name = "Hartree-Fock's determinant" if filled else "The likeliest determinant"
    return f"{name} has {percent(first.probability)} of the state"


def _is_hartree_fock(bitstring: str) -> bool:
    """Return whether the electrons of each spin fill the lowest orbitals."""
    up, down = bitstring[::2], bitstring[1::2]
    return "01" not in up and "01" not in down
