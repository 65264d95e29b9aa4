"""The result of an optimisation, and its verification against the Ising model of the run."""

from __future__ import annotations

import math
from typing import Annotated, Literal

import numpy as np
from pydantic import Field

from quantum_pipeline.errors import InvalidResult
from quantum_pipeline.ising import IsingModel, energies, energy_of, spins_of
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

    ``proven`` is set where every bitstring was enumerated or excluded, by bounds or by exact
    reductions; the worst energy is known only where enumeration or reductions prove it.
    """

    method: Method
    bitstring: str
    energy: Finite
    worst_energy: Finite | None
    proven: bool
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
    """What the job found. Energies are in the problem's units and minimised.

    ``history`` has <C>, or its CVaR where a tail was asked for. ``mean_energy`` is <C> at the
    angles: exact where the state is, else the mean of the shots; ``standard_error`` is the standard
    deviation of a single shot's energy over sqrt(shots), None where there are no shots.
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
    best = energy_of(model, result.best_bitstring)
    check_near("best_energy", result.best_energy, best, model.tolerance)
    counted = sum(result.counts.values())
    check_device_run(result, prepared, n_qubits=model.n_variables, counted=counted)
    if result.algorithm == "qaoa":
        _check_samples(result, model, prepared)
    else:
        check_equal("counts", result.counts, {})
        check_equal("mean_energy_exact", result.mean_energy_exact, True)
    _check_energies(result, model)


def check_bitstring(name: str, bitstring: str, n: int) -> None:
    """Hold a bitstring to its form.

    Raises:
        InvalidResult: names the bitstring and its form.
    """
    if len(bitstring) != n or set(bitstring) - {"0", "1"}:
        raise InvalidResult(refusal(name, bitstring, f"{n} characters, each 0 or 1"))


def _check_samples(result: OptimisationResult, model: IsingModel, prepared: PreparedRun) -> None:
    check_shots(result, sum(result.counts.values()), prepared)
    for bitstring in result.counts:
        check_bitstring("counts", bitstring, model.n_variables)
    if result.best_bitstring not in result.counts:
        raise InvalidResult(refusal("best_bitstring", result.best_bitstring, "one of the samples"))
    sampled = energies(model, spins_of(list(result.counts)))
    tolerance = model.tolerance
    check_near("lowest energy of counts", result.best_energy, float(sampled.min()), tolerance)
    if result.classical.proven:
        lowest, highest = _range(result, model)
        name = "energies of counts (classical calls its range proven)"
        check_within(name, sampled.tolist(), lowest, highest, tolerance)
    if not result.mean_energy_exact:
        weights = np.fromiter(result.counts.values(), dtype=np.float64)
        mean = float(sampled @ weights / weights.sum())
        check_near("mean_energy", result.mean_energy, mean, tolerance)
        check_raw_energy(result, mean, tolerance)


def _check_energies(result: OptimisationResult, model: IsingModel) -> None:
    tolerance, classical = model.tolerance, result.classical
    baseline = energy_of(model, classical.bitstring)
    check_near("classical.energy", classical.energy, baseline, tolerance)
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
