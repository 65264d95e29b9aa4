"""Recommends what to do about a molecule; each sentence follows from a figure of its report."""

from __future__ import annotations

from math import ceil, floor, log10

from quantum_pipeline.reports.device_advice import MOST_SHOTS, recommend_about_device
from quantum_pipeline.reports.molecule_parts import MoleculeReport

CHEMICAL_ACCURACY = 1.6
"""Millihartree: one kilocalorie a mole, about what reaction rates are sensitive to."""

FAR_FROM_A_SPIN = 0.01
"""Difference of <S^2> from s (s + 1) that is no rounding and no matter of convergence."""


FAR_FROM_EXACT = 3.0
"""Standard errors beyond which shot noise does not explain a deviation."""


def recommend(report: MoleculeReport) -> tuple[str, ...]:
    """Return what to do next; each sentence follows from a figure of the report, and names it."""
    advice = (
        _on_early_stop(report),
        _on_points_left_out(report),
        _on_error(report),
        _on_spin(report),
        _on_device_errors(report),
        _on_open_end(report),
        _on_classical_speed(report),
    )
    found = tuple(sentence for sentence in advice if sentence)
    return recommend_about_device(report) + found


def _on_early_stop(report: MoleculeReport) -> str | None:
    ended = report.convergence
    if ended.converged or report.not_computed:
        return None
    where = [f"{each.bond_length_angstrom:g}" for each in report.scan if not each.converged]
    at = f" at {', '.join(where)} angstrom" if where else ""
    if ended.stopped_by is not None:
        return f"The optimiser stopped early{at} ({ended.stop_reason}): raise {ended.stopped_by}."
    other = "try the other algorithm.ansatz"
    return f"The optimiser did not converge{at} ({ended.stop_reason}): {other}."


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
    if error is None or error <= CHEMICAL_ACCURACY or not report.convergence.converged:
        return None
    other = "adapt" if report.algorithm.ansatz == "uccsd" else "uccsd"
    worst = max(report.scan, key=lambda each: each.error_millihartree or 0, default=None)
    at = f" at {worst.bond_length_angstrom:g} angstrom" if worst else ""
    return (
        f"The error of {error:.3g} mHa{at} is above chemical accuracy ({CHEMICAL_ACCURACY}): "
        f"{report.algorithm.ansatz.upper()} does not reach it here; try algorithm.ansatz {other}, "
        "or take the exact energy."
    )


def _on_spin(report: MoleculeReport) -> str | None:
    spin = (report.problem.multiplicity - 1) / 2
    expected, found = spin * (spin + 1), report.solution.spin_squared
    if abs(found - expected) <= FAR_FROM_A_SPIN:
        return None
    return (
        f"<S^2> is {found:.3g}, not the {expected:g} of problem.multiplicity "
        f"{report.problem.multiplicity}: the state mixes spins; check the multiplicity."
    )


def _on_device_errors(report: MoleculeReport) -> str | None:
    measured = report.measured
    if measured is None:
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


def _on_classical_speed(report: MoleculeReport) -> str | None:
    quantum, classical = report.quality.quantum_seconds, report.quality.classical
    if classical.energy is None or quantum <= classical.seconds:
        return None
    return (
        f"For the energy alone, {classical.method} is quicker ({classical.seconds:.3g} s against "
        f"{quantum:.3g} s): at this size VQE is worth running only to study VQE."
    )
