"""Recommends what to do about a molecule; each sentence follows from a figure of its report."""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil, floor, log10

from quantum_pipeline.reports.device_advice import MOST_SHOTS, recommend_about_device
from quantum_pipeline.reports.molecule_parts import MoleculeReport

CHEMICAL_ACCURACY = 1.6
"""Millihartree: one kilocalorie a mole, about what reaction rates are sensitive to."""

FAR_FROM_A_SPIN = 0.01
"""Difference of <S^2> from s (s + 1) that is no rounding and no matter of convergence."""


COARSE = 0.01
"""Angstrom of uncertainty of an equilibrium that is more than other methods differ by."""

FAR_FROM_EXACT = 3.0
"""Standard errors beyond which shot noise does not explain a deviation."""


def recommend(report: MoleculeReport) -> tuple[str, ...]:
    """Return what to do next; each sentence follows from a figure of the report, and names it."""
    advice = (
        _on_early_stop(report),
        _on_failed(report),
        _on_points_left_out(report),
        _on_error(report),
        _on_spin(report),
        _on_lower_spin(report),
        _on_device_errors(report),
        _on_open_end(report),
        _on_coarse_lengths(report),
        _on_classical_speed(report),
    )
    found = tuple(sentence for sentence in advice if sentence)
    return recommend_about_device(report) + found


def _on_early_stop(report: MoleculeReport) -> str | None:
    ended = report.convergence
    if ended.converged or report.not_computed:
        return None
    stopped = [each.bond_length_angstrom for each in report.scan if not each.converged]
    if report.scan and not stopped:
        return None
    at = _at(stopped)
    if ended.stopped_by is not None:
        return f"The optimiser stopped early{at} ({ended.stop_reason}): raise {ended.stopped_by}."
    return f"The optimiser did not converge{at} ({ended.stop_reason})."


def _at(lengths: Sequence[float]) -> str:
    return f" at {', '.join(f'{each:g}' for each in lengths)} angstrom" if lengths else ""


def _on_failed(report: MoleculeReport) -> str | None:
    if not report.failed:
        return None
    reasons: dict[str, list[float]] = {}
    for each in report.failed:
        reasons.setdefault(each.reason, []).append(each.bond_length_angstrom)
    said = "; ".join(f"{_at(lengths)[1:]}, {reason}" for reason, lengths in reasons.items())
    return f"There is no energy {said}."


def _on_points_left_out(report: MoleculeReport) -> str | None:
    if not report.not_computed:
        return None
    lengths = ", ".join(f"{length:g}" for length in report.not_computed)
    return (
        f"There was no time for {lengths} angstrom ({report.convergence.stop_reason}): raise "
        "limits.max_runtime_seconds, or ask for fewer lengths."
    )


def _on_error(report: MoleculeReport) -> str | None:
    error = report.quality.largest_error_millihartree
    if error is None or error <= CHEMICAL_ACCURACY or report.convergence.stopped_by is not None:
        return None
    worst = max(report.scan, key=lambda each: each.error_millihartree or 0, default=None)
    at = "" if worst is None else _at([worst.bond_length_angstrom])
    return (
        f"The error of {error:.3g} mHa{at} is above chemical accuracy ({CHEMICAL_ACCURACY}): "
        f"{report.algorithm.ansatz.upper()} ends at another state than the lowest; the exact "
        "energy is beside it."
    )


def _on_spin(report: MoleculeReport) -> str | None:
    spin = (report.problem.multiplicity - 1) / 2
    expected, found = spin * (spin + 1), report.solution.spin_squared
    mixed = [each for each in report.scan if abs(each.spin_squared - expected) > FAR_FROM_A_SPIN]
    if not mixed and abs(found - expected) <= FAR_FROM_A_SPIN:
        return None
    if mixed:
        found = max((each.spin_squared for each in mixed), key=lambda each: abs(each - expected))
    at = _at([each.bond_length_angstrom for each in mixed])
    return (
        f"<S^2> is {'up to ' if len(mixed) > 1 else ''}{found:.3g}{at}, not the {expected:g} of "
        f"problem.multiplicity {report.problem.multiplicity}: the state that VQE found mixes spins."
    )


def _on_lower_spin(report: MoleculeReport) -> str | None:
    exact = report.quality.classical
    if exact.energy is None or exact.ground is None:
        return None
    below = 1000 * (exact.energy - exact.ground)
    if below <= CHEMICAL_ACCURACY:
        return None
    return (
        f"A state of more unpaired electrons is {below:.3g} mHa lower, at {exact.ground:.6f} "
        f"hartree: ask for a problem.multiplicity above {report.problem.multiplicity} if the "
        "ground state is meant."
    )


def _on_device_errors(report: MoleculeReport) -> str | None:
    measured = report.measured
    if measured is None or measured.standard_error is None:
        return None
    error, spread = abs(measured.error_millihartree), 1000 * measured.standard_error
    if error <= max(FAR_FROM_EXACT * spread, CHEMICAL_ACCURACY):
        if spread <= CHEMICAL_ACCURACY:
            return None
        return _on_spread(measured.shots, spread)
    off = f"The measured energy is off by {error:.3g} mHa, which shots alone do not explain"
    if report.mitigation is None:
        return f"{off}: ask for mitigation (auto), or use a device with fewer errors."
    fewer = "use an ansatz with fewer gates, or a better device"
    if report.mitigation.kept == "mitigated":
        return f"{off}: mitigation does not remove it; {fewer}."
    return (
        f"{off}: it is the raw energy, since mitigation did no better and took "
        f"{report.mitigation.extra_shots:,} shots; {fewer}."
    )


def _on_spread(shots: int, spread: float) -> str:
    """Return advice on the shots per circuit that reach chemical accuracy, if shot noise is all."""
    exact = shots * (spread / CHEMICAL_ACCURACY) ** 2
    step = 10 ** (floor(log10(exact)) - 1)
    needed = f"{step * ceil(exact / step):,.0f}"  # two digits, rounded up
    error = f"The measured energy has a standard error of {spread:.3g} mHa"
    if exact > MOST_SHOTS:
        return (
            f"{error}: chemical accuracy ({CHEMICAL_ACCURACY}) takes about {needed} shots of each "
            f"circuit, more than the {MOST_SHOTS:,} that a request may ask for."
        )
    return (
        f"{error}: chemical accuracy ({CHEMICAL_ACCURACY}) takes about {needed} shots of each "
        f"circuit, not {shots:,}, where the device takes as many."
    )


def _on_open_end(report: MoleculeReport) -> str | None:
    if len(report.scan) < 3 or report.equilibrium or report.not_computed:
        return None
    lowest = min(report.scan, key=lambda each: each.energy).bond_length_angstrom
    side = "longer" if lowest == report.scan[-1].bond_length_angstrom else "shorter"
    return (
        f"The lowest energy is at the end of the scan, at {lowest:g} angstrom: add {side} lengths "
        "to enclose the equilibrium."
    )


def _on_coarse_lengths(report: MoleculeReport) -> str | None:
    found = report.equilibrium
    if found is None or found.uncertainty_angstrom <= COARSE:
        return None
    at, spread = found.bond_length_angstrom, found.uncertainty_angstrom
    lowest, highest = at - 2 * spread, at + 2 * spread
    return (
        f"The lengths are too far apart to tell the equilibrium better than to {spread:.2g} "
        f"angstrom: add lengths from {lowest:.2f} to {highest:.2f} angstrom."
    )


def _on_classical_speed(report: MoleculeReport) -> str | None:
    quantum, classical = report.quality.quantum_seconds, report.quality.classical
    if classical.energy is None or quantum <= classical.seconds:
        return None
    return (
        f"For the energy alone, {classical.method} is quicker ({classical.seconds:.3g} s against "
        f"{quantum:.3g} s): at this size VQE is worth running only to study VQE."
    )
