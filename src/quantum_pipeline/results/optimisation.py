"""The result of an optimisation, and its verification against the Ising model of the run."""

from __future__ import annotations

import math
from typing import Annotated, Literal

import numpy as np
from pydantic import Field

from quantum_pipeline.errors import InvalidResult
from quantum_pipeline.exact import ExactEnergies
from quantum_pipeline.ising import IsingModel, energies, spins_of
from quantum_pipeline.planning.prepared import PreparedRun
from quantum_pipeline.requests.algorithm import SettledQaoa, SettledRqaoa
from quantum_pipeline.results.base import JobResult, check_equal, check_near, check_within
from quantum_pipeline.results.device_checks import (
    check_device_run,
    check_raw_energy,
    check_shots,
)
from quantum_pipeline.results.record import Count, Finite, Record, Seconds
from quantum_pipeline.wording import refusal

Method = Literal[
    "enumeration",
    "exact reduction",
    "HiGHS",
    "simulated annealing",
    "tabu search",
    "enumeration after reduction",
    "HiGHS after reduction",
    "simulated annealing after reduction",
    "tabu search after reduction",
]
"""A classical method; after reduction, it was left with a part of the problem."""


class ClassicalSolution(Record):
    """What a classical method found for the same Ising model.

    ``proven`` is set where every bitstring was enumerated or excluded by bounds; the worst one is
    known only where all were enumerated. Without a proof, bounds may show that no bitstring is
    lower by more than ``within``. ``doubtful`` says that others may be lower by less than the
    coefficients were rounded by when they became floats.
    """

    method: Method
    bitstring: str
    energy: Finite
    worst_bitstring: str | None = None
    worst_energy: Finite | None
    proven: bool
    within: Annotated[float, Field(ge=0, allow_inf_nan=False)] | None = None
    doubtful: bool = False
    seconds: Seconds


class JobSeconds(Record):
    """Where the job's time went."""

    optimise: float
    sample: float
    classical: float
    total: float


class DepthStep(Record):
    """The lowest energy that a number of layers reached, and what it took."""

    depth: Annotated[int, Field(ge=1)]
    energy: Finite
    evaluations: Annotated[int, Field(ge=0)]


class Elimination(Record):
    """One variable fixed by recursive QAOA: relative to a partner, or, without one, for good.

    ``correlation`` is <Z_v Z_partner>, or <Z_v>, of which the sign was taken.
    """

    variable: Annotated[int, Field(ge=0)]
    partner: Annotated[int, Field(ge=0)] | None
    correlation: Annotated[float, Field(ge=-1 - 1e-9, le=1 + 1e-9)]


class OptimisationResult(JobResult):
    """What the job found. Energies are in the problem's units, minimised, and less its constant.

    ``history`` has <C>, or its CVaR where a tail was asked for. ``mean_energy`` is <C> at the
    angles: exact where the state is, else the mean of the shots; ``standard_error`` is the standard
    deviation of a single shot's energy over sqrt(shots), None where there is one shot or none.
    ``probability_of_best`` is the probability that one shot gives the lowest energy of all, exact
    where state and spectrum are, else None. QAOA samples: its best bitstring is one of ``counts``.
    Recursive QAOA rounds: it has no counts, but the ``eliminations`` that led to its bitstring.
    """

    algorithm: Literal["qaoa", "rqaoa"]
    engine: str
    start: str
    gammas: tuple[Finite, ...] = Field(min_length=1)
    betas: tuple[Finite, ...] = Field(min_length=1)
    depths: tuple[DepthStep, ...] = Field(min_length=1)
    eliminations: tuple[Elimination, ...]
    counts: dict[str, Count]
    best_bitstring: str
    best_energy: Finite
    mean_energy: Finite
    mean_energy_exact: bool
    standard_error: Annotated[float, Field(ge=0, allow_inf_nan=False)] | None
    probability_of_best: Annotated[float, Field(ge=0, le=1 + 1e-9)] | None
    classical: ClassicalSolution
    seconds: JobSeconds


def verify(
    result: OptimisationResult, prepared: PreparedRun, algorithm: SettledQaoa | SettledRqaoa
) -> None:
    """Recompute what the result claims from the prepared run.

    Raises:
        InvalidResult: names the figure, the claim and the recomputed value.
    """
    check_equal("run_id", result.run_id, prepared.run_id)
    check_equal("algorithm", result.algorithm, algorithm.name)
    model = prepared.ising
    layers = algorithm.depth if isinstance(algorithm.depth, int) else len(result.gammas)
    for name, angles in (("gammas", result.gammas), ("betas", result.betas)):
        check_equal(f"{name} given", len(angles), layers)
    if layers > algorithm.deepest:
        raise InvalidResult(refusal("gammas", layers, f"up to {algorithm.deepest} layers"))
    check_bitstring("best_bitstring", result.best_bitstring, model.n_variables)
    check_bitstring("classical.bitstring", result.classical.bitstring, model.n_variables)
    exact = prepared.binary.exact
    tolerance = _tolerance_of_means(model)
    best = float(exact.energy(result.best_bitstring))
    check_near("best_energy", result.best_energy, best, tolerance)
    counted = sum(result.counts.values())
    check_device_run(result, prepared, n_qubits=model.n_variables, counted=counted)
    if result.algorithm == "qaoa":
        _check_samples(result, prepared)
    else:
        check_equal("counts", result.counts, {})
        check_equal("mean_energy_exact", result.mean_energy_exact, True)
    _check_classical(result, exact, model)
    _check_energies(result, model)


def check_bitstring(name: str, bitstring: str, n: int) -> None:
    """Hold a bitstring to its form.

    Raises:
        InvalidResult: names the bitstring and its form.
    """
    if len(bitstring) != n or set(bitstring) - {"0", "1"}:
        raise InvalidResult(refusal(name, bitstring, f"{n} characters, each 0 or 1"))


def _check_samples(result: OptimisationResult, prepared: PreparedRun) -> None:
    model, exact, classical = prepared.ising, prepared.binary.exact, result.classical
    shots = sum(result.counts.values())
    check_shots(result, shots, prepared)
    check_equal("standard_error given", result.standard_error is not None, shots > 1)
    for bitstring in result.counts:
        check_bitstring("counts", bitstring, model.n_variables)
    if result.best_bitstring not in result.counts:
        raise InvalidResult(refusal("best_bitstring", result.best_bitstring, "one of the samples"))
    sampled = list(result.counts)
    lowest = sampled[exact.best(sampled)]
    if exact.compare(lowest, result.best_bitstring).order < 0:
        check_near("lowest energy of counts", result.best_energy, float(exact.energy(lowest)), 0.0)
        raise InvalidResult(refusal("best_bitstring", result.best_bitstring, f"the lower {lowest}"))
    sampled_energies = energies(model, spins_of(sampled))
    if classical.proven:
        ends = _range(result, model)
        name = "energies of counts (classical calls its range proven)"
        check_within(name, sampled_energies.tolist(), *ends, _tolerance_of_means(model))
    if not result.mean_energy_exact:
        weights = np.fromiter(result.counts.values(), dtype=np.float64)
        mean = float(sampled_energies @ weights / weights.sum())
        tolerance = _tolerance_of_means(model)
        check_near("mean_energy", result.mean_energy, mean, tolerance)
        check_raw_energy(result, mean, tolerance)


def _check_classical(result: OptimisationResult, exact: ExactEnergies, model: IsingModel) -> None:
    classical, tolerance = result.classical, _tolerance_of_means(model)
    own = float(exact.energy(classical.bitstring))
    check_near("classical.energy", classical.energy, own, tolerance)
    if classical.worst_energy is not None:
        worst = classical.worst_bitstring or ""
        check_bitstring("classical.worst_bitstring", worst, model.n_variables)
        highest = float(exact.energy(worst))
        check_near("classical.worst_energy", classical.worst_energy, highest, tolerance)
    found = result.best_bitstring
    if classical.proven and exact.compare(found, classical.bitstring).order < 0:
        allowed = f"no proof, for {found} is lower"
        raise InvalidResult(refusal("classical.bitstring", classical.bitstring, allowed))


def _tolerance_of_means(model: IsingModel) -> float:
    """Return how far a claimed energy may be from the recomputed one, for a state has rounding too.

    What is better or best does not rest on it: that is compared exactly, by the bitstrings.
    """
    return model.tolerance + 1e-9 * model.scale


def _check_energies(result: OptimisationResult, model: IsingModel) -> None:
    tolerance = _tolerance_of_means(model)
    lowest, highest = _range(result, model)
    claimed = {
        "history": [each.energy for each in result.history],
        "depths": [each.energy for each in result.depths],
        "mean_energy": [result.mean_energy],
        "best_energy": [result.best_energy],
    }
    if result.device_run is not None and result.device_run.trained_energy is not None:
        claimed["device_run.trained_energy"] = [result.device_run.trained_energy]
    for name, values in claimed.items():
        check_within(name, values, lowest, highest, tolerance)
    if result.device_run is not None and result.device_run.mitigation is not None:
        outcome = result.device_run.mitigation
        mitigated = outcome.mitigated.energy
        check_within("mitigation.mitigated", [mitigated], lowest, math.inf, tolerance)
        for check in outcome.checks:
            check_within("mitigation.checks.exact", [check.exact], lowest, highest, tolerance)


def _range(result: OptimisationResult, model: IsingModel) -> tuple[float, float]:
    """Return the lowest and highest energy that there can be, as far as it is known."""
    classical = result.classical
    lowest, highest = model.offset - model.scale, model.offset + model.scale
    if classical.proven:
        lowest = classical.energy
    return lowest, highest if classical.worst_energy is None else classical.worst_energy
