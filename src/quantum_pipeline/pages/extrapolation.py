"""Plots an extrapolation to zero noise: energies against the noise scale."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from quantum_pipeline.pages.emulation import device_name, titled
from quantum_pipeline.pages.figures import (
    BLACK,
    BLUE,
    GREEN,
    ORANGE,
    VERMILLION,
    drawn,
    legend_below,
    new_figure,
)
from quantum_pipeline.pages.numbers import short
from quantum_pipeline.reports import OptimisationReport, Report
from quantum_pipeline.reports.device_parts import MitigationPart
from quantum_pipeline.requests.mitigation import Form
from quantum_pipeline.results import Estimated

Real = NDArray[np.float64]

DECAYS = np.linspace(-1.0, 3.0, 401)
"""Decays that the curve of an exponential is looked for in."""

_CAPTION = (
    "Energy on {device} against the noise of its circuit: at scale 1 it is as compiled, above it "
    "gates are folded, G to G G† G, which without noise changes nothing. Bars are one standard "
    "error. The {form} through the points meets scale 0, no noise, at the mitigated energy{after}."
)

_FORMS = {
    "linear": "straight line",
    "richardson": "polynomial",
    "exponential": "exponential decay",
}


@drawn
def mitigation(report: Report) -> tuple[str, str, Figure]:
    """Draw the energies at each noise scale, their extrapolation, the raw and the exact energy."""
    part = report.mitigation
    assert part is not None
    scales, energies, errors = _points(part)
    figure, (axes,) = new_figure()
    at = np.linspace(0, scales.max(), 200)
    label = f"{form_of(part)} extrapolation"
    axes.plot(at, curve(part, at), color=BLUE, ls="--", lw=1.2, label=label)
    bars: dict[str, Any] = {"ls": "", "capsize": 3, "elinewidth": 1.2}
    axes.errorbar(scales, energies, errors, color=BLUE, marker="o", label="at each scale", **bars)
    axes.errorbar(
        [1.0],
        [part.raw.energy],
        [part.raw.standard_error],
        color=VERMILLION,
        marker="s",
        mfc="white",
        label=f"raw {short(part.raw.energy)}",
        **bars,
    )
    axes.errorbar(
        [0.0],
        [part.mitigated.energy],
        [part.mitigated.standard_error],
        color=ORANGE,
        marker="D",
        mec=BLACK,
        mew=0.6,
        ms=6,
        zorder=5,
        label=f"mitigated {short(part.mitigated.energy)}",
        **bars,
    )
    exact = report.noise_free_energy
    if exact is not None:
        label = f"without noise {short(exact)}"
        axes.axhline(exact, color=GREEN, ls=":", lw=1.6, label=label, zorder=1)
    axes.set_xlim(-0.04 * scales.max(), 1.04 * scales.max())
    axes.set_xlabel("noise scale")
    axes.set_xticks(sorted({0.0, *scales.tolist()}))
    binary = isinstance(report, OptimisationReport)
    axes.set_ylabel("mean energy ⟨C⟩" if binary else "energy ⟨H⟩, Ha")
    legend_below(figure, 3)
    axes.set_ylim(energy_limits(part, exact))
    return titled(report, _title(part, exact)), _caption(report, part), figure


def form_of(part: MitigationPart) -> Form:
    """Return the form of the curve: a line where one took the place of what was asked for."""
    used = part.extrapolation_used
    return used[0] if len(used) == 1 else "linear"


def energy_limits(part: MitigationPart, exact: float | None) -> tuple[float, float]:
    """Return the ends of the axis of energies: a bar may run out of it, and hides no point."""
    measured = [*part.scaled, part.raw, part.mitigated]
    values = [each.energy for each in measured] + ([] if exact is None else [exact])
    extent = max(values) - min(values)
    longest = max(each.standard_error for each in (*part.scaled, part.raw))
    room = max(extent, 2 * longest) or 0.1 * abs(values[0]) or 1.0
    ends = [e for each in measured for e in _bar(each, room)] + values
    return min(ends) - 0.12 * room, max(ends) + 0.12 * room


def _bar(each: Estimated, most: float) -> tuple[float, float]:
    half = min(each.standard_error, most)
    return each.energy - half, each.energy + half


def _title(part: MitigationPart, exact: float | None) -> str:
    kept = "kept" if part.kept == "mitigated" else "not kept"
    raw = short(part.raw.energy, part.mitigated.energy)
    mitigated = short(part.mitigated.energy, part.raw.energy)
    title = f"Energy {raw} raw, {mitigated} mitigated ({kept})"
    return title if exact is None else f"{title}; {short(exact)} without noise"


def _caption(report: Report, part: MitigationPart) -> str:
    steps = {
        "readout": "readout errors corrected",
        "symmetry": "shots that break the symmetry left out",
    }
    before = " and ".join(steps[name] for name in part.methods if name in steps)
    return _CAPTION.format(
        device=device_name(report),
        form=_FORMS[form_of(part)],
        after=f". The points have {before}, the raw energy has not" if before else "",
    )


def _points(part: MitigationPart) -> tuple[Real, Real, Real]:
    """Return scales, energies and standard errors of the points."""
    points = [(each.scale, each.energy, each.standard_error) for each in part.scaled]
    scales, energies, errors = np.array(points).T
    return scales, energies, errors


def curve(part: MitigationPart, at: Real) -> Real:
    """Return the curve of an extrapolation that meets scale 0 at the energy it gave.

    A straight line and an exponential, E(s) = E(0) - A (1 - exp(-b s)), have their other
    coefficients by least squares with the weights 1 / variance; a polynomial goes through all
    points.
    """
    scales, energies, errors = _points(part)
    form, at_zero = form_of(part), part.mitigated.energy
    importance = 1 / np.maximum(errors, 1e-3 * errors.max() or 1.0) ** 2
    fallen = at_zero - energies
    if form == "richardson" and len(set(scales.tolist())) == len(scales):
        x, y = np.append(0.0, scales), np.append(at_zero, energies)
        return np.asarray(np.polynomial.Polynomial.fit(x, y, len(x) - 1)(at))
    if form == "exponential":
        risen = -np.expm1(-np.outer(DECAYS, scales))
        weights = np.maximum((importance * risen**2).sum(1), 1e-300)
        amplitude = (importance * fallen * risen).sum(1) / weights
        misfit = (importance * (fallen - amplitude[:, None] * risen) ** 2).sum(1)
        best = int(misfit.argmin())
        return np.asarray(at_zero + amplitude[best] * np.expm1(-DECAYS[best] * at))
    slope = (importance * fallen * scales).sum() / (importance * scales**2).sum()
    return np.asarray(at_zero - slope * at)
