"""The job's result: one model that the job writes and the pipeline reads, and its verification.

Nothing in a result is believed: counts, best sample and energies are recomputed from the prepared
run before anything is reported.
"""

from __future__ import annotations

from typing import Annotated, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from quantum_pipeline.errors import InvalidResult
from quantum_pipeline.ising import IsingModel, energies, energy_of, spins_of
from quantum_pipeline.refusals import describe
from quantum_pipeline.runs import PreparedRun
from quantum_pipeline.wording import refusal, shown

Finite = Annotated[float, Field(allow_inf_nan=False)]
Count = Annotated[int, Field(ge=1)]


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Evaluation(_Record):
    """One evaluation of the mean energy, at the angles of one start of the optimiser."""

    evaluation: Annotated[int, Field(ge=1)]
    start: Annotated[int, Field(ge=1)]
    energy: Finite


class ClassicalSolution(_Record):
    """What a classical method found for the same Ising model.

    ``proven`` is set where every bitstring was enumerated; the worst energy is known only then.
    """

    method: Literal["enumeration", "simulated annealing"]
    bitstring: str
    energy: Finite
    worst_energy: Finite | None
    proven: bool
    seconds: Annotated[float, Field(ge=0)]


class QuantumTask(_Record):
    """A quantum task that the job ran on a device, for the bill."""

    arn: str
    shots: Annotated[int, Field(ge=1)]
    billed_minutes: Annotated[float, Field(ge=0)] = 0.0


class JobSeconds(_Record):
    """Where the job's time went."""

    optimise: float
    sample: float
    classical: float
    total: float


class JobResult(_Record):
    """What the job found. Energies are in the problem's units and minimised.

    ``mean_energy`` is <C> at the angles: exact where the state is, else the mean of the shots;
    ``standard_error`` is the standard deviation of a single shot's energy over sqrt(shots).
    ``probability_of_best`` is the probability that one shot gives the lowest energy of all, exact
    where state and spectrum are, else None.
    """

    schema_version: Literal[1] = 1
    run_id: str
    algorithm: Literal["qaoa"]
    gammas: tuple[Finite, ...] = Field(min_length=1)
    betas: tuple[Finite, ...] = Field(min_length=1)
    history: tuple[Evaluation, ...] = Field(min_length=1)
    converged: bool
    stop_reason: str
    counts: dict[str, Count] = Field(min_length=1)
    best_bitstring: str
    best_energy: Finite
    mean_energy: Finite
    mean_energy_exact: bool
    standard_error: Annotated[float, Field(ge=0, allow_inf_nan=False)]
    probability_of_best: Annotated[float, Field(ge=0, le=1 + 1e-9)] | None
    classical: ClassicalSolution
    tasks: tuple[QuantumTask, ...] = ()
    seconds: JobSeconds
    versions: dict[str, str]


def read_result(data: object, prepared: PreparedRun) -> JobResult:
    """Return a job's result after recomputing it.

    Raises:
        InvalidResult: a field is missing or of the wrong form, or a figure does not recompute.
    """
    try:
        result = JobResult.model_validate(data)
    except ValidationError as error:
        raise InvalidResult(f"results.json: {describe(error, JobResult, 'result')}") from None
    verify(result, prepared)
    return result


def verify(result: JobResult, prepared: PreparedRun) -> None:
    """Recompute what the result claims from the prepared run.

    Raises:
        InvalidResult: names the figure, the claim and the recomputed value.
    """
    _equal("run_id", result.run_id, prepared.run_id)
    _equal("counts", sum(result.counts.values()), prepared.request.shots)
    for name, angles in (("gammas", result.gammas), ("betas", result.betas)):
        _equal(f"{name} given", len(angles), prepared.request.algorithm.depth)
    _check_bitstrings(result, prepared.model.n_variables)
    _check_energies(result, prepared.model)


def _check_bitstrings(result: JobResult, n: int) -> None:
    claimed = [("counts", each) for each in result.counts]
    for name, bitstring in (*claimed, ("classical.bitstring", result.classical.bitstring)):
        if len(bitstring) != n or set(bitstring) - {"0", "1"}:
            raise InvalidResult(refusal(name, bitstring, f"{n} characters, each 0 or 1"))
    if result.best_bitstring not in result.counts:
        raise InvalidResult(refusal("best_bitstring", result.best_bitstring, "one of the samples"))


def _check_energies(result: JobResult, model: IsingModel) -> None:
    tolerance, classical = model.tolerance, result.classical
    sampled = energies(model, spins_of(list(result.counts)))
    best = energy_of(model, result.best_bitstring)
    _near("best_energy", result.best_energy, best, tolerance)
    _near("lowest energy of counts", best, float(sampled.min()), tolerance)
    baseline = energy_of(model, classical.bitstring)
    _near("classical.energy", classical.energy, baseline, tolerance)

    lowest, highest = model.offset - model.scale, model.offset + model.scale
    if classical.proven:
        lowest = classical.energy
        highest = highest if classical.worst_energy is None else classical.worst_energy
        _within(
            "energies of counts (classical calls its range proven)",
            sampled,
            lowest,
            highest,
            tolerance,
        )
    history = np.array([each.energy for each in result.history])
    _within("history", history, lowest, highest, tolerance)
    _within("mean_energy", np.array([result.mean_energy]), lowest, highest, tolerance)
    if not result.mean_energy_exact:
        weights = np.fromiter(result.counts.values(), dtype=np.float64)
        mean = float(sampled @ weights / weights.sum())
        _near("mean_energy", result.mean_energy, mean, tolerance)


def _equal(name: str, claimed: object, expected: object) -> None:
    if claimed != expected:
        raise InvalidResult(f"{name}: got {shown(claimed)}; the run has {shown(expected)}")


def _near(name: str, claimed: float, recomputed: float, tolerance: float) -> None:
    if not abs(claimed - recomputed) <= tolerance:
        raise InvalidResult(f"{name}: got {claimed}; recomputed it is {recomputed}")


def _within(
    name: str, values: NDArray[np.float64], lowest: float, highest: float, tolerance: float
) -> None:
    for value in (values.min(), values.max()):
        if not lowest - tolerance <= value <= highest + tolerance:
            raise InvalidResult(f"{name}: got {value}; it must lie from {lowest} to {highest}")
