"""The parts of a molecule's report: energies in hartree, errors in millihartree, angstroms."""

from __future__ import annotations

from typing import Literal

from quantum_pipeline.chemistry.molecules import Geometry
from quantum_pipeline.reports.base import Part, Report
from quantum_pipeline.results import Growth


class MoleculePart(Part):
    """The molecule as it was computed; ``geometry`` is that of the solution, in angstrom."""

    type: Literal["chemistry"]
    molecule: str | None
    formula: str
    geometry: Geometry
    basis: str | None
    charge: int | None
    multiplicity: int
    n_electrons: int
    frozen_orbitals: int
    active_electrons: int
    active_orbitals: int
    n_qubits: int
    sector_dimension: int


class ExcitationPart(Part):
    """One factor of the state: orbitals from 0 with their spin, a or b, and its angle."""

    excitation: str
    amplitude: float


class VqePart(Part):
    """The algorithm as it ran; amplitudes are those of the solution, in the order they act."""

    name: Literal["vqe"]
    ansatz: str
    optimizer: str
    n_parameters: int
    n_cnots: int
    excitations: tuple[ExcitationPart, ...]
    growth: tuple[Growth, ...]
    engine: str
    chosen_because: str


class Determinant(Part):
    """Occupations of the spin orbitals, and the probability to find them."""

    bitstring: str
    probability: float


class MoleculeSolution(Part):
    """The state of lowest energy that VQE found, of all lengths of a scan."""

    energy: float
    objective: float
    bond_length_angstrom: float | None
    bitstring: str
    probability: float
    determinants: tuple[Determinant, ...]
    spin_squared: float
    nuclear_repulsion: float


class MeasuredEnergy(Part):
    """What a device measured of the state whose exact energy is the solution's.

    ``energy`` is the mitigated one or the raw one, as ``counts`` says; the error against the exact
    energy of the state is the device's alone. ``right_electrons`` is the part of the first
    circuit's shots with as many electrons of each spin as the molecule has. One shot a circuit has
    no standard error.
    """

    energy: float
    standard_error: float | None
    counts: Literal["raw", "mitigated"]
    raw_energy: float
    raw_standard_error: float | None
    error_millihartree: float
    raw_error_millihartree: float
    right_electrons: float
    circuits: int
    shots: int


class ExactEnergy(Part):
    """What exact diagonalisation found; no energy where the time did not allow it.

    ``energy`` is of the spin that was asked for, ``ground`` the lowest of that and higher spins.
    """

    method: Literal["exact diagonalisation"] = "exact diagonalisation"
    energy: float | None
    ground: float | None
    seconds: float


class MoleculeQuality(Part):
    """VQE against exact diagonalisation of the same Hamiltonian, and against Hartree-Fock."""

    best_known: float
    best_known_by: Literal["exact", "vqe"]
    hartree_fock: float
    error_millihartree: float | None
    largest_error_millihartree: float | None
    chemical_accuracy: bool | None
    correlation_recovered_percent: float | None
    integrals_seconds: float
    quantum_seconds: float
    classical: ExactEnergy
    verdict: str


class ScanPoint(Part):
    """The molecule at one bond length."""

    bond_length_angstrom: float
    energy: float
    hartree_fock: float
    exact: float | None
    error_millihartree: float | None
    spin_squared: float
    converged: bool


class FailedLength(Part):
    """A bond length without an energy, and why; the reason says what to do."""

    bond_length_angstrom: float
    reason: str


class Equilibrium(Part):
    """Where the curve through the lowest three points of a scan is lowest: an interpolation.

    No energy belongs to it, since none was computed there.
    """

    bond_length_angstrom: float
    uncertainty_angstrom: float


class MoleculeReport(Report):
    """``report.json`` of a molecule."""

    problem: MoleculePart
    algorithm: VqePart
    solution: MoleculeSolution
    measured: MeasuredEnergy | None
    samples: dict[str, int]
    quality: MoleculeQuality
    scan: tuple[ScanPoint, ...]
    failed: tuple[FailedLength, ...]
    not_computed: tuple[float, ...]
    equilibrium: Equilibrium | None

    @property
    def objective(self) -> float:
        """The energy in hartree."""
        return self.solution.energy

    @property
    def noise_free_energy(self) -> float | None:
        """Energy of the state that a device measured, exact; None where none did."""
        return None if self.measured is None else self.solution.energy
