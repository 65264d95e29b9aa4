"""The report of a molecule: its energy, the comparison with exact values, and its bond curve.

Energies are in hartree, errors in millihartree. ``build`` only gathers and subtracts: every figure
comes from a verified result, or from the state that its amplitudes make.
"""

from __future__ import annotations

from collections.abc import Sequence

from quantum_pipeline.chemistry.sector import Sector, leading
from quantum_pipeline.chemistry.verification import TOLERANCE
from quantum_pipeline.planning.prepared import PreparedRun
from quantum_pipeline.problems import Chemistry
from quantum_pipeline.reports import jobs_word
from quantum_pipeline.reports.base import Artifacts, Outcome, common_parts
from quantum_pipeline.reports.device_parts import device_plots
from quantum_pipeline.reports.evaluation import analyse
from quantum_pipeline.reports.molecule_advice import CHEMICAL_ACCURACY, recommend
from quantum_pipeline.reports.molecule_parts import (
    Determinant,
    Equilibrium,
    ExactEnergy,
    ExcitationPart,
    FailedLength,
    MeasuredEnergy,
    MoleculePart,
    MoleculeQuality,
    MoleculeReport,
    MoleculeSolution,
    ScanPoint,
    VqePart,
)
from quantum_pipeline.results import MoleculePoint, MoleculeResult

ROUNDING = 1e-10
"""Hartree between two energies that are alike to rounding."""


def build(
    prepared: PreparedRun, outcome: Outcome, problem: Chemistry, result: MoleculeResult
) -> MoleculeReport:
    """Return the report of a verified result."""
    lowest, scan = result.lowest, _scan(problem, result)
    number, tried = 1 + result.points.index(lowest), len(result.points) + len(result.failed)
    report = MoleculeReport(
        **common_parts(prepared, outcome, result),
        problem=_problem(problem, lowest),
        algorithm=_algorithm(prepared, result),
        solution=_solution(lowest),
        measured=_measured(result),
        samples=result.counts,
        quality=_quality(result),
        scan=scan,
        failed=tuple(
            FailedLength(bond_length_angstrom=each.bond_length_angstrom, reason=each.reason)
            for each in result.failed
        ),
        not_computed=tuple(x for x in problem.lengths[tried:] if x is not None),
        equilibrium=equilibrium([(each.bond_length_angstrom, each.energy) for each in scan]),
        jobs_word=jobs_word.of_molecule(prepared, result),
        analysis=analyse([each for each in result.history if each.start == number], TOLERANCE),
        recommendations=(),
        artifacts=_artifacts(scan, result),
    )
    return report.model_copy(update={"recommendations": recommend(report)})


def _problem(problem: Chemistry, lowest: MoleculePoint) -> MoleculePart:
    space = problem.space
    return MoleculePart(
        type=problem.type,
        molecule=problem.molecule,
        formula=problem.formula,
        geometry=problem.geometry_at(lowest.bond_length_angstrom),
        basis=problem.basis,
        charge=problem.charge,
        multiplicity=problem.multiplicity,
        n_electrons=problem.n_electrons,
        frozen_orbitals=space.n_core,
        active_electrons=space.n_alpha + space.n_beta,
        active_orbitals=space.n_orbitals,
        n_qubits=problem.n_qubits,
        sector_dimension=problem.sector.dimension,
    )


def _algorithm(prepared: PreparedRun, result: MoleculeResult) -> VqePart:
    amplitudes = result.lowest.amplitudes
    return VqePart(
        name=result.algorithm,
        ansatz=result.ansatz,
        optimizer=prepared.request.algorithm.optimizer,
        n_parameters=len(amplitudes),
        n_cnots=sum(each.excitation.n_cnots for each in amplitudes),
        excitations=tuple(
            ExcitationPart(excitation=each.excitation.name, amplitude=each.amplitude)
            for each in amplitudes
        ),
        growth=result.lowest.growth,
        engine=result.engine,
        chosen_because=prepared.reasons.algorithm.words,
    )


def _solution(lowest: MoleculePoint) -> MoleculeSolution:
    sector, state = Sector.of(lowest.integrals), lowest.state()
    determinants = tuple(
        Determinant(bitstring=bitstring, probability=probability)
        for bitstring, probability in leading(sector, state)
    )
    return MoleculeSolution(
        energy=lowest.energy,
        objective=lowest.energy,
        bond_length_angstrom=lowest.bond_length_angstrom,
        bitstring=determinants[0].bitstring,
        probability=determinants[0].probability,
        determinants=determinants,
        spin_squared=sector.spin_squared(state),
        nuclear_repulsion=lowest.integrals.nuclear_repulsion,
    )


def _measured(result: MoleculeResult) -> MeasuredEnergy | None:
    """Return what a device measured, beside the exact energy of the same state."""
    raw, run, exact = result.measured, result.device_run, result.lowest.energy
    if raw is None or run is None:
        return None
    best = raw if run.mitigation is None else run.mitigation.best
    kept = "raw" if run.mitigation is None else run.mitigation.kept
    sector, shots = Sector.of(result.lowest.integrals), sum(result.counts.values())
    right = sum(
        count
        for bits, count in result.counts.items()
        if (bits[::2].count("1"), bits[1::2].count("1")) == (sector.n_alpha, sector.n_beta)
    )
    return MeasuredEnergy(
        energy=best.energy,
        standard_error=best.standard_error if shots > 1 else None,
        counts=kept,
        raw_energy=raw.energy,
        raw_standard_error=raw.standard_error if shots > 1 else None,
        error_millihartree=1000 * (best.energy - exact),
        raw_error_millihartree=1000 * (raw.energy - exact),
        right_electrons=right / shots,
        circuits=len(result.pair_counts),
        shots=shots,
    )


def _quality(result: MoleculeResult) -> MoleculeQuality:
    lowest, hartree_fock = result.lowest, result.lowest.integrals.hartree_fock
    error = _error(lowest)
    errors = [each for each in map(_error, result.points) if each is not None]
    correlation = None if lowest.exact is None else hartree_fock - lowest.exact
    seconds = [each.seconds for each in result.points]
    quantum, exact = (
        sum(getattr(each, name) for each in seconds) for name in ("optimise", "exact")
    )
    return MoleculeQuality(
        best_known=lowest.energy if lowest.exact is None else lowest.exact,
        best_known_by="vqe" if lowest.exact is None else "exact",
        hartree_fock=hartree_fock,
        error_millihartree=error,
        largest_error_millihartree=max(errors, default=None),
        chemical_accuracy=None if error is None else error <= CHEMICAL_ACCURACY,
        correlation_recovered_percent=(
            _recovered(hartree_fock - lowest.energy, correlation)
            if correlation is not None and correlation > TOLERANCE
            else None
        ),
        integrals_seconds=sum(each.integrals + each.setup for each in seconds),
        quantum_seconds=quantum,
        classical=ExactEnergy(energy=lowest.exact, ground=lowest.ground, seconds=exact),
        verdict=_verdict(error, quantum, exact),
    )


def _error(point: MoleculePoint) -> float | None:
    """Return how far VQE is above the exact energy in mHa, rounding taken for none.

    It is below where the state mixes in higher spins of lower energy.
    """
    if point.exact is None:
        return None
    above = point.energy - point.exact
    return 0.0 if abs(above) <= ROUNDING else 1000 * above


def _recovered(gained: float, correlation: float) -> float:
    """Return the recovered part of the correlation energy in %, rounding taken for none."""
    return 100.0 if abs(correlation - gained) <= ROUNDING else 100 * gained / correlation


def _verdict(error: float | None, quantum: float, exact: float) -> str:
    """Return the comparison in words; times are compared only where the energies are equal."""
    if error is None:
        return "not compared: there was no time for exact diagonalisation"
    compared = "as low as exact diagonalisation"
    if abs(error) > 1000 * TOLERANCE:
        side = "above" if error > 0 else "below"
        compared = f"{abs(error):.3g} mHa {side} exact diagonalisation"
        near = "within chemical accuracy" if abs(error) <= CHEMICAL_ACCURACY else "not near it"
        return f"{compared}: {near}"
    if error == 0:
        compared += ", to rounding"
    slow, fast = max(quantum, exact, 1e-6), max(min(quantum, exact), 1e-6)
    pace = "slower" if quantum > exact else "faster"
    times = f"{slow / fast:,.{0 if slow >= 10 * fast else 1}f} times {pace}"
    return f"{compared}, {times}"


def _scan(problem: Chemistry, result: MoleculeResult) -> tuple[ScanPoint, ...]:
    """Return the points of a scan by rising length; nothing for a single geometry."""
    if problem.bond_lengths_angstrom is None:
        return ()
    points = [
        ScanPoint(
            bond_length_angstrom=point.bond_length_angstrom,
            energy=point.energy,
            hartree_fock=point.integrals.hartree_fock,
            exact=point.exact,
            error_millihartree=_error(point),
            spin_squared=Sector.of(point.integrals).spin_squared(point.state()),
            converged=point.converged,
        )
        for point in result.points
        if point.bond_length_angstrom is not None
    ]
    return tuple(sorted(points, key=lambda point: point.bond_length_angstrom))


def equilibrium(curve: Sequence[tuple[float, float]]) -> Equilibrium | None:
    """Return where the curve through the lowest point and its two neighbours is lowest.

    It is a parabola in 1/R, which bonds follow better than one in R (Simons, Parr, Finlan, J.
    Chem. Phys. 59, 3229). Half the difference of the two is the uncertainty: what three points do
    not tell.

    Args:
        curve: (length in angstrom, energy in hartree) by rising length.

    Returns:
        None where the lowest point is at an end, or there are fewer than three.

    >>> found = equilibrium([(x, (1 / x - 1) ** 2) for x in (0.8, 0.9, 1.2)])
    >>> round(found.bond_length_angstrom, 9), round(found.uncertainty_angstrom, 3)
    (1.0, 0.016)
    """
    at = min(range(len(curve)), key=lambda k: curve[k][1], default=0)
    if not 0 < at < len(curve) - 1:
        return None
    lengths, energies = zip(*curve[at - 1 : at + 2], strict=True)
    if energies[0] == energies[1] == energies[2]:
        return None
    best = 1 / _lowest_of_parabola([1 / x for x in lengths], energies)
    plain = _lowest_of_parabola(lengths, energies)
    return Equilibrium(bond_length_angstrom=best, uncertainty_angstrom=abs(plain - best) / 2)


def _lowest_of_parabola(x: Sequence[float], y: Sequence[float]) -> float:
    left, right = (y[1] - y[0]) / (x[1] - x[0]), (y[2] - y[1]) / (x[2] - x[1])
    return (x[0] + x[1] - left * (x[2] - x[0]) / (right - left)) / 2


def _artifacts(scan: tuple[ScanPoint, ...], result: MoleculeResult) -> Artifacts:
    plots = ["scan"] if len(scan) > 1 else []
    plots += ["convergence", "determinants", *device_plots(result)]
    return Artifacts(report_html="report.html", plots=tuple(f"plots/{name}.png" for name in plots))
