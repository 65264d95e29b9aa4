"""The texts and tables of a molecule's page: the headline, the comparison and all figures."""

from __future__ import annotations

from typing import NamedTuple

from quantum_pipeline.pages import rows
from quantum_pipeline.pages.emulation import device_name
from quantum_pipeline.pages.numbers import (
    hartree,
    number,
    off_by,
    rounded_by,
    seconds,
    short,
    with_error,
)
from quantum_pipeline.pages.rows import Row, Table
from quantum_pipeline.reports import MoleculeReport
from quantum_pipeline.reports.molecule_advice import CHEMICAL_ACCURACY
from quantum_pipeline.reports.molecule_parts import Equilibrium, MeasuredEnergy, ScanPoint
from quantum_pipeline.wording import percent

LEAST_UNCERTAINTY = 1e-4
"""Angstrom that an interpolated length is shown to at most."""

LARGEST_AMPLITUDES = 12
"""Amplitudes that the page shows; all are in report.json."""


class Rival(NamedTuple):
    """One way to the energy: what it gives, how far above the exact one, and its time."""

    way: str
    energy: str
    error: str
    time: str


def headline(report: MoleculeReport) -> list[tuple[str, str, str]]:
    """Return what was found, how good it is, what it cost: a word, the figure, a sentence each."""
    return [
        *rows.cut_in_short(report),
        *rows.read_from(report),
        *rows.warned(report),
        *_failed(report),
        ("Found", f"{hartree(report.solution.energy)} hartree", _found(report)),
        *_measured_in_short(report),
        ("Quality", *_good(report)),
        rows.cost_in_short(report, sum(report.samples.values())),
    ]


def _failed(report: MoleculeReport) -> list[tuple[str, str, str]]:
    if not report.failed:
        return []
    tried = len(report.scan) + len(report.failed)
    said = "; ".join(f"{each.bond_length_angstrom:g} Å: {each.reason}" for each in report.failed)
    return [("Partial", f"{len(report.scan)} of {tried} lengths", f"No energy at {said}.")]


def _measured_in_short(report: MoleculeReport) -> list[tuple[str, str, str]]:
    measured = report.measured
    if measured is None:
        return []
    raw = f"{_off(measured.raw_error_millihartree, measured.raw_standard_error)} raw"
    if measured.counts == "mitigated":
        raw += f", {_off(measured.error_millihartree, measured.standard_error)} mitigated"
    return [
        (
            "Measured",
            f"{with_error(measured.energy, measured.standard_error, hartree)} hartree",
            f"The energy of that state from shots of {device_name(report)}; off by {raw}.",
        )
    ]


def _off(millihartree: float, standard_error: float | None) -> str:
    """Return a difference in mHa with its error, which is given in hartree."""
    spread = _millihartree(standard_error)
    if spread is None:
        return f"{off_by(millihartree, None)} mHa"
    return f"{off_by(millihartree, spread)} ± {rounded_by(spread, spread)} mHa"


def _millihartree(error: float | None) -> float | None:
    return None if error is None else 1000 * error


def _found(report: MoleculeReport) -> str:
    problem, scan = report.problem, report.scan
    electrons = f"{problem.active_electrons} electrons in {problem.active_orbitals} orbitals"
    if not scan:
        return f"The energy of {electrons} of {problem.basis or 'the integrals'}."
    lowest = f"The lowest of {len(scan)} lengths, at {short(scan_length(report))} Å."
    if report.equilibrium is None:
        return f"{lowest} No minimum is enclosed by them."
    return f"{lowest} Interpolated, the minimum is at {equilibrium(report.equilibrium)} Å."


def equilibrium(found: Equilibrium) -> str:
    """Return the length of an equilibrium with its uncertainty, in angstrom."""
    least = max(found.uncertainty_angstrom, LEAST_UNCERTAINTY)
    return with_error(found.bond_length_angstrom, least)


def scan_length(report: MoleculeReport) -> float:
    """Return the bond length of the solution."""
    length = report.solution.bond_length_angstrom
    assert length is not None
    return length


def _good(report: MoleculeReport) -> tuple[str, str]:
    quality = report.quality
    if quality.error_millihartree is None:
        return "not compared", "There was no time for exact diagonalisation."
    error, sentence = _near_exact(quality.error_millihartree)
    if quality.correlation_recovered_percent is not None:
        share = percent(quality.correlation_recovered_percent / 100)
        sentence += f" {share} of the correlation energy is recovered."
    if report.scan and quality.largest_error_millihartree is not None:
        largest = short(quality.largest_error_millihartree)
        sentence += f" Of all lengths, the largest error is {largest} mHa."
    if report.measured is None:
        return error, sentence
    found = report.measured
    accurate = "" if abs(found.error_millihartree) <= CHEMICAL_ACCURACY else "not "
    off = _off(found.error_millihartree, found.standard_error)
    sentence += (
        f" What {device_name(report)} measured of that state is off by {off}, {found.counts}: "
        f"{accurate}chemically accurate."
    )
    return f"{error}, measured {off}", sentence


def _near_exact(error: float) -> tuple[str, str]:
    """Return how near VQE is to the exact energy, as a figure and as a sentence."""
    if error == 0:
        return "exact to rounding", "The energy of VQE is that of exact diagonalisation."
    side = "Above" if error > 0 else "Below"
    if abs(error) <= CHEMICAL_ACCURACY:
        within = f"within chemical accuracy ({CHEMICAL_ACCURACY} mHa)."
        return f"error {short(error)} mHa", f"{side} the exact energy: {within}"
    far = f"{short(abs(error))} mHa {side.lower()} it, not within chemical accuracy"
    return f"not near exact: {short(error)} mHa", (
        f"VQE did not find the state that exact diagonalisation found: {far} "
        f"({CHEMICAL_ACCURACY} mHa)."
    )


def comparison(report: MoleculeReport) -> list[Rival]:
    """Return VQE beside Hartree-Fock and exact diagonalisation, at the solution's geometry."""
    quality, exact = report.quality, report.quality.classical
    above = "–" if exact.energy is None else short(1000 * (quality.hartree_fock - exact.energy))
    return [
        Rival("Hartree-Fock", hartree(quality.hartree_fock), above, "–"),
        Rival(
            f"VQE, {report.algorithm.ansatz.upper()}",
            hartree(report.solution.energy),
            "–" if quality.error_millihartree is None else short(quality.error_millihartree),
            seconds(quality.quantum_seconds),
        ),
        *_measured_rivals(report),
        Rival(
            "exact diagonalisation, classical",
            hartree(exact.energy),
            "–" if exact.energy is None else "0",
            seconds(exact.seconds),
        ),
    ]


def _measured_rivals(report: MoleculeReport) -> list[Rival]:
    """Return the energies from a device's shots, compared to the exact one as the others are."""
    measured, exact = report.measured, report.quality.classical.energy
    if measured is None:
        return []
    found = [("raw", measured.raw_energy, measured.raw_standard_error)]
    if measured.counts == "mitigated":
        found.append(("mitigated", measured.energy, measured.standard_error))
    return [
        Rival(
            f"measured on {device_name(report)}, {name}",
            with_error(energy, error, hartree),
            "–" if exact is None else off_by(1000 * (energy - exact), _millihartree(error)),
            "–",
        )
        for name, energy, error in found
    ]


def tables(report: MoleculeReport) -> list[Table]:
    """Return every figure of the report that fits in a line."""
    scan = [Table("Bond lengths", "scan", _scan(report))] if report.scan else []
    measured = [] if report.measured is None else [_measured(report, report.measured)]
    return [
        Table("Molecule", "problem", _problem(report)),
        Table("Quality", "quality", _quality(report)),
        Table("State", "solution", _solution(report)),
        *measured,
        *scan,
        Table("Algorithm", "algorithm", _algorithm(report)),
        Table("Optimisation", "analysis", rows.analysis(report, _ended(report), hartree)),
        *rows.of_every_run(report),
    ]


def _problem(report: MoleculeReport) -> list[Row]:
    problem = report.problem
    places = ", ".join(
        f"{symbol} ({', '.join(number(x) for x in at)})" for symbol, at in problem.geometry
    )
    active = f"{problem.active_electrons} in {problem.active_orbitals}"
    charge = "" if problem.charge is None else f"charge {problem.charge}, "
    nuclei = [
        Row("geometry", places, "angstrom"),
        Row("basis", problem.basis or "", "energies are comparable within one basis only"),
    ]
    return [
        Row("formula", problem.formula, f"{charge}{problem.n_electrons} electrons"),
        Row("multiplicity", str(problem.multiplicity), "1 + unpaired electrons"),
        *(nuclei if problem.geometry else []),
        Row("active_electrons", active, f"orbitals; {problem.frozen_orbitals} frozen ones below"),
        Row("n_qubits", str(problem.n_qubits), "spin orbitals"),
        Row("sector_dimension", f"{problem.sector_dimension:,}", "determinants of these electrons"),
    ]


def _quality(report: MoleculeReport) -> list[Row]:
    quality, exact = report.quality, report.quality.classical
    how = (
        "hartree: exact in this basis and active space, not the limit of complete bases"
        if quality.best_known_by == "exact"
        else "hartree, of VQE: there was no time for the exact one"
    )
    recovered = quality.correlation_recovered_percent
    return [
        Row("best_known", hartree(quality.best_known), how),
        Row("hartree_fock", hartree(quality.hartree_fock), "hartree, without correlation"),
        Row("error_millihartree", number(quality.error_millihartree), "VQE above the exact energy"),
        Row(
            "largest_error_millihartree",
            number(quality.largest_error_millihartree),
            "the largest of all lengths",
        ),
        Row(
            "chemical_accuracy",
            {None: "–", True: "yes", False: "no"}[quality.chemical_accuracy],
            f"error of at most {CHEMICAL_ACCURACY} mHa, 1 kcal/mol",
        ),
        Row(
            "correlation_recovered_percent",
            "–" if recovered is None else percent(recovered / 100),
            "of Hartree-Fock less exact",
        ),
        Row(
            "integrals_seconds", seconds(quality.integrals_seconds), "orbitals, matrix, excitations"
        ),
        Row("quantum_seconds", seconds(quality.quantum_seconds), "to optimise"),
        Row("classical.seconds", seconds(exact.seconds), f"of {exact.method}, the same machine"),
    ]


def _solution(report: MoleculeReport) -> list[Row]:
    solution = report.solution
    spin = (report.problem.multiplicity - 1) / 2
    return [
        Row("energy", hartree(solution.energy), "hartree, exact ⟨H⟩ of the state found"),
        Row("bitstring", solution.bitstring, "the likeliest determinant"),
        Row("probability", percent(solution.probability), "of that determinant"),
        Row(
            "spin_squared",
            f"{solution.spin_squared:.4f}",
            f"⟨S²⟩; a pure spin has {spin**2 + spin:g}",
        ),
        Row(
            "nuclear_repulsion", hartree(solution.nuclear_repulsion), "hartree, part of the energy"
        ),
    ]


def _measured(report: MoleculeReport, measured: MeasuredEnergy) -> Table:
    shots = f"{measured.circuits} circuits of {measured.shots:,} shots"
    made = [
        Row("energy", hartree(measured.energy), f"hartree, {measured.counts}, from {shots}"),
        Row("standard_error", number(measured.standard_error), "hartree, of it"),
        Row(
            "error_millihartree",
            off_by(measured.error_millihartree, _millihartree(measured.standard_error)),
            "against the same state's exact energy: what the device adds",
        ),
        Row("raw_energy", hartree(measured.raw_energy), "hartree, of all shots as they were read"),
        Row("raw_standard_error", number(measured.raw_standard_error), "hartree, of it"),
        Row(
            "raw_error_millihartree",
            off_by(measured.raw_error_millihartree, _millihartree(measured.raw_standard_error)),
            "as above",
        ),
        Row(
            "right_electrons",
            percent(measured.right_electrons),
            "shots with the molecule's number of electrons of each spin",
        ),
    ]
    return Table(f"Measured on {device_name(report)}", "measured", made)


def _scan(report: MoleculeReport) -> list[Row]:
    made = [
        Row(
            f"{point.bond_length_angstrom:g} Å",
            hartree(point.energy),
            _compared(point) + ("" if point.converged else "; not converged"),
        )
        for point in report.scan
    ]
    made += [Row(f"{each.bond_length_angstrom:g} Å", "–", each.reason) for each in report.failed]
    made.sort(key=lambda row: float(row.field.removesuffix(" Å")))
    return made + [Row(f"{x:g} Å", "–", "not computed: no time") for x in report.not_computed]


def _compared(point: ScanPoint) -> str:
    error = point.error_millihartree
    if error is None:
        return "not compared"
    if error == 0:
        return "exact to rounding"
    far = "" if abs(error) <= CHEMICAL_ACCURACY else ": not near it"
    return f"{short(abs(error))} mHa {'above' if error > 0 else 'below'} exact{far}"


def _ended(report: MoleculeReport) -> str:
    error = report.quality.error_millihartree
    far = error is not None and abs(error) > CHEMICAL_ACCURACY
    converged, where = report.convergence.converged, ""
    if report.scan:
        length = scan_length(report)
        mine = next(each for each in report.scan if each.bond_length_angstrom == length)
        converged, where = mine.converged, f"at {length:g} Å; "
    if not (converged and far):
        return rows.ended(report) if not where else where + rows.how(converged=converged)
    return f"{where}the optimiser ended there, not near the exact energy"


def _algorithm(report: MoleculeReport) -> list[Row]:
    algorithm, device = report.algorithm, report.device
    largest = sorted(algorithm.excitations, key=lambda each: -abs(each.amplitude))
    named = [
        Row("excitations", short(each.amplitude), each.excitation)
        for each in largest[:LARGEST_AMPLITUDES]
    ]
    return [
        Row("name", algorithm.name.upper(), algorithm.chosen_because),
        Row("ansatz", algorithm.ansatz.upper(), f"{algorithm.n_parameters} amplitudes"),
        Row(
            "n_cnots",
            f"{algorithm.n_cnots:,}",
            "CNOTs of its textbook circuit, a ladder for each Pauli string",
        ),
        Row("optimizer", algorithm.optimizer, "of ⟨H⟩, over the amplitudes"),
        Row("engine", algorithm.engine, "what computed the energies"),
        Row("device", device_name(report), device.chosen_because),
        *named,
    ]
