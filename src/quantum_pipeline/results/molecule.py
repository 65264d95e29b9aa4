"""The result of a molecule, and its verification against the request and its own integrals.

What the job alone can know are the integrals over Hartree-Fock orbitals. From them, and from the
amplitudes, every energy is computed again, the exact ones while there are not too many determinants
in all; the repulsion of the nuclei follows from the request, the measured energy from shots.
"""

from __future__ import annotations

from itertools import groupby, islice
from typing import Annotated, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from quantum_pipeline.chemistry.excitations import Excitation, state_of
from quantum_pipeline.chemistry.factorisation import Group
from quantum_pipeline.chemistry.integrals import Integrals
from quantum_pipeline.chemistry.measuring import Diagonal, diagonals, mean_energy, pair_counts
from quantum_pipeline.chemistry.sector import Sector
from quantum_pipeline.chemistry.verification import (
    DIAGONALISED,
    TOLERANCE,
    check_molecule,
    check_solution,
    exact_energies,
)
from quantum_pipeline.errors import InvalidResult
from quantum_pipeline.planning.prepared import PreparedRun
from quantum_pipeline.problems import Chemistry
from quantum_pipeline.quantities import (
    Count,
    Entries,
    Finite,
    Flag,
    Number,
    Positive,
    Seconds,
    Text,
)
from quantum_pipeline.requests.algorithm import Ansatz, SettledVqe
from quantum_pipeline.requests.limits import Limit
from quantum_pipeline.results.base import JobResult, check_equal, check_near, check_within
from quantum_pipeline.results.device_checks import check_device_run, check_shots
from quantum_pipeline.results.device_run import Estimated
from quantum_pipeline.results.record import Record
from quantum_pipeline.wording import refusal

IMPOSSIBLE = 1e-20
"""Probability of a determinant that no shot gives."""

Real = NDArray[np.float64]
Orbitals = Annotated[Entries[Number], Field(min_length=1, max_length=2)]


class Amplitude(Record):
    """One factor exp(amplitude (T - T+)) of the state; T as ``chemistry.excitations`` has it."""

    annihilate: Orbitals
    create: Orbitals
    amplitude: Finite

    @property
    def excitation(self) -> Excitation:
        """The excitation T."""
        return Excitation(self.annihilate, self.create)


class Growth(Record):
    """ADAPT after one more excitation: the slope that chose it, and the energy it led to."""

    n_parameters: Count
    gradient_norm: Positive
    energy: Finite


class PointSeconds(Record):
    """Where the time of one geometry went: ``setup`` made the matrix, ``exact`` diagonalised it."""

    integrals: Seconds
    setup: Seconds
    optimise: Seconds
    exact: Seconds


class MoleculePoint(Record):
    """A molecule at one geometry. Energies in hartree; the amplitudes act in their order.

    ``exact`` is the lowest energy among the same determinants of the spin that was asked for,
    ``ground`` that of any spin: the bound of every state. Both are None where time ran out.
    ``stopped_by`` is the limit that ended the optimisation, None where none did.
    """

    bond_length_angstrom: Finite | None
    integrals: Integrals
    amplitudes: Entries[Amplitude]
    growth: Entries[Growth]
    energy: Finite
    exact: Finite | None
    ground: Finite | None
    evaluations: Count
    converged: Flag
    stop_reason: Text
    stopped_by: Limit | None
    seconds: PointSeconds

    def state(self) -> Real:
        """Return the state that the amplitudes make, shape (dimension of the sector,)."""
        return state_of(
            Sector.of(self.integrals),
            [each.excitation for each in self.amplitudes],
            [each.amplitude for each in self.amplitudes],
        )


class FailedPoint(Record):
    """A length at which the molecule was not solved, and why; what to do about it is said too."""

    bond_length_angstrom: Finite
    reason: Annotated[Text, Field(min_length=1)]


class MoleculeResult(JobResult):
    """What the job found, point by point in the order of the request.

    ``history`` has <H> of all evaluations; their ``start`` is the number of the point, from 1.
    ``failed`` are lengths that were tried in vain; the last ones of the request are in neither
    where the time ended. ``counts`` are determinants sampled
    from the state of the point of lowest energy, or what a device read of it: then ``measured`` is
    the energy of all that it read. That follows from the ``groups`` that were measured, by one
    circuit each beside the first, and from the ``pair_counts`` of all circuits, see
    ``chemistry.measuring``. The mitigated energy, if there is one, is that of ``device_run``.
    """

    algorithm: Literal["vqe"]
    engine: Text
    ansatz: Ansatz
    points: Entries[MoleculePoint] = Field(min_length=1)
    failed: Entries[FailedPoint]
    counts: dict[Text, Count]
    measured: Estimated | None
    groups: Entries[Group]
    pair_counts: Entries[Entries[Number]]
    seconds: Seconds

    @property
    def lowest(self) -> MoleculePoint:
        """The point of lowest energy."""
        return min(self.points, key=lambda point: point.energy)

    @property
    def diagonalised_again(self) -> frozenset[int]:
        """Numbers of the points whose exact energies are computed again, the lowest one first."""
        first = self.points.index(self.lowest)
        others = (number for number in range(len(self.points)) if number != first)
        dimension = Sector.of(self.lowest.integrals).dimension
        return frozenset(islice((first, *others), DIAGONALISED // dimension))


def verify(
    result: MoleculeResult, prepared: PreparedRun, problem: Chemistry, algorithm: SettledVqe
) -> MoleculeResult:
    """Recompute what the result claims from the prepared run and the integrals; return it.

    Raises:
        InvalidResult: names the figure, the claim and the recomputed value.

    Cost: that of the Hamiltonian's rows at each point; up to DIAGONALISED determinants, that it is
    diagonalised.
    """
    check_equal("run_id", result.run_id, prepared.run_id)
    check_equal("ansatz", result.ansatz, algorithm.ansatz)
    _check_lengths(result, problem)
    _check_history(result)
    tried = len(result.points) + len(result.failed)
    _check_end(result, left_out=tried < len(problem.lengths))
    again = result.diagonalised_again
    for number, point in enumerate(result.points):
        try:
            check_point(point, problem, diagonalise=number in again)
        except InvalidResult as error:
            raise InvalidResult(f"points.{number}.{error}") from None
    if prepared.device.kind == "local":
        _check_counts(result, prepared.request.shots)
    else:
        _check_measured(result, prepared)
    circuits = max(1, len(result.pair_counts))
    counted = circuits * sum(result.counts.values())
    check_device_run(result, prepared, n_qubits=problem.n_qubits, counted=counted)
    return result


def _check_lengths(result: MoleculeResult, problem: Chemistry) -> None:
    """Hold the points, and those that failed, to the first lengths of the request."""
    failed = [each.bond_length_angstrom for each in result.failed]
    tried = problem.lengths[: len(result.points) + len(failed)]
    lengths = [point.bond_length_angstrom for point in result.points]
    check_equal("bond lengths of points", lengths, [x for x in tried if x not in failed])
    check_equal("bond lengths of failed", failed, [x for x in tried if x in failed])


def _check_history(result: MoleculeResult) -> None:
    numbers = [each.evaluation for each in result.history]
    check_equal("history: evaluations", numbers, list(range(1, len(numbers) + 1)))
    by_point = {
        point: list(group) for point, group in groupby(result.history, lambda each: each.start)
    }
    check_equal("history: starts", list(by_point), list(range(1, len(result.points) + 1)))
    for (number, evaluations), point in zip(by_point.items(), result.points, strict=True):
        name = f"points.{number - 1}"
        check_equal(f"{name}.evaluations", point.evaluations, len(evaluations))
        lowest = min(each.energy for each in evaluations)
        check_near(f"{name}.energy", point.energy, lowest, TOLERANCE)


def _check_end(result: MoleculeResult, *, left_out: bool) -> None:
    """Hold the end of the whole to the ends of its points."""
    stopped = [point for point in result.points if not point.converged]
    check_equal("converged", result.converged, not (stopped or left_out or result.failed))
    limit = next((point.stopped_by for point in stopped), None)
    limit = "limits.max_runtime_seconds" if left_out else limit
    check_equal("stopped_by", result.stopped_by, limit)
    for number, point in enumerate(result.points):
        if point.converged:
            check_equal(f"points.{number}.stopped_by", point.stopped_by, None)


def check_point(point: MoleculePoint, problem: Chemistry, *, diagonalise: bool) -> None:
    """Recompute what a point claims from its integrals; ``diagonalise`` for its exact energies.

    Raises:
        InvalidResult: names the figure, the claim and the recomputed value.
    """
    integrals = point.integrals
    repulsion = problem.nuclear_repulsion(point.bond_length_angstrom)
    check_molecule(repulsion, problem.space, integrals, problem.integrals)
    excitations = [each.excitation for each in point.amplitudes]
    parameters = [each.amplitude for each in point.amplitudes]
    check_solution(integrals, excitations, parameters, point.energy, point.ground)
    if point.exact is None or point.ground is None:
        check_equal("ground", point.ground, point.exact)
        return
    check_within("exact", [point.exact], point.ground, np.inf, TOLERANCE)
    if diagonalise:
        exact, ground = exact_energies(integrals)
        check_near("ground", point.ground, ground.value, TOLERANCE + ground.residual)
        check_near("exact", point.exact, exact.value, TOLERANCE + exact.residual)
    grown = [each.energy for each in point.growth] or [point.energy]
    check_within("growth", grown, point.ground, integrals.hartree_fock, TOLERANCE)
    parameters_ = [each.n_parameters for each in point.growth]
    check_equal("growth: n_parameters", parameters_, list(range(1, 1 + len(parameters_))))


def _check_measured(result: MoleculeResult, prepared: PreparedRun) -> None:
    """Hold the measured energy to the shots of all circuits; a device may read any bitstring."""
    shots, integrals = sum(result.counts.values()), result.lowest.integrals
    check_shots(result, shots, prepared)
    for bitstring in result.counts:
        if len(bitstring) != integrals.n_qubits or set(bitstring) - {"0", "1"}:
            raise InvalidResult(refusal("counts", bitstring, f"{integrals.n_qubits} times 0 or 1"))
    measured = _measured(result)
    check_equal("pair_counts", len(result.pair_counts), len(measured))
    pairs = integrals.n_qubits * (integrals.n_qubits + 1) // 2
    for number, each in enumerate(result.pair_counts):
        check_equal(f"pair_counts.{number}: length", len(each), pairs)
        check_within(f"pair_counts.{number}", each, 0, shots, 0)
    check_equal("pair_counts.0", result.pair_counts[0], pair_counts(result.counts))
    energy = sum(
        mean_energy(each.model, pairs, shots)
        for each, pairs in zip(measured, result.pair_counts, strict=True)
    )
    if result.measured is None:
        raise InvalidResult(refusal("measured", None, f"{energy}, which the shots have"))
    check_near("measured.energy", result.measured.energy, energy, TOLERANCE)
    if result.device_run is not None:
        if result.device_run.mitigation is not None:
            raw = result.device_run.mitigation.raw
            check_near("mitigation.raw.energy", raw.energy, energy, TOLERANCE)
            claimed = result.measured.standard_error
            check_equal("measured.standard_error", claimed, raw.standard_error)
        trained = result.device_run.trained_energy
        check_equal("device_run.trained_energy", trained, result.lowest.energy)


def _measured(result: MoleculeResult) -> list[Diagonal]:
    """Return what the job says that it measured, held to the molecule's Hamiltonian."""
    try:
        return diagonals(result.lowest.integrals, result.groups)
    except ValueError as error:
        raise InvalidResult(str(error)) from None


def _check_counts(result: MoleculeResult, shots: int) -> None:
    check_equal("counts", sum(result.counts.values()), shots)
    check_equal("measured", result.measured, None)
    check_equal("groups", len(result.groups), 0)
    check_equal("pair_counts", len(result.pair_counts), 0)
    sector = Sector.of(result.lowest.integrals)
    probabilities = result.lowest.state() ** 2
    for bitstring in result.counts:
        try:
            probability = probabilities[sector.determinant(bitstring)]
        except ValueError:
            allowed = (
                f"{sector.n_qubits} spin orbitals by turns, {sector.n_alpha} of the spin-up ones "
                f"and {sector.n_beta} of the spin-down ones occupied"
            )
            raise InvalidResult(refusal("counts", bitstring, allowed)) from None
        if probability < IMPOSSIBLE:
            allowed = f"determinants of the state; this one has probability {probability:.2g}"
            raise InvalidResult(refusal("counts", bitstring, allowed))
