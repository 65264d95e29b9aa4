"""The job's result: one model that the job writes and the pipeline reads, and its verification.

Nothing in a result is believed: counts, best sample and energies are recomputed from the prepared
run before anything is reported.
"""

from __future__ import annotations

from typing import Annotated, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from quantum_pipeline.errors import InvalidResult
from quantum_pipeline.ising import energies, energy_of, spins_of
from quantum_pipeline.requests import describe
from quantum_pipeline.runs import PreparedRun

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
        raise InvalidResult(f"results.json: {describe(error, 'result')}") from None
    verify(result, prepared)
    return result


def verify(result: JobResult, prepared: PreparedRun) -> None:
    """Recompute what the result claims from the prepared run.

    Raises:
        InvalidResult: names the figure, the claim and the recomputed value.
    """
    model, shots = prepared.model, prepared.request.shots
    _check("run_id", result.run_id, prepared.run_id)
    _check("shots in counts", sum(result.counts.values()), shots)
    for name, bitstring in (
        *(("counts", each) for each in result.counts),
        ("classical.bitstring", result.classical.bitstring),
    ):
        if len(bitstring) != model.n_variables or set(bitstring) - {"0", "1"}:
            raise InvalidResult(f"{name}: got {bitstring!r}; allowed: {model.n_variables} of 0, 1")
    if result.best_bitstring not in result.counts:
        raise InvalidResult(f"best_bitstring: {result.best_bitstring!r} is not among the samples")

    sampled = energies(model, spins_of(list(result.counts)))
    tolerance = model.tolerance
    _check("best_energy", result.best_energy, float(sampled.min()), tolerance)
    best = energy_of(model, result.best_bitstring)
    _check("energy of best_bitstring", result.best_energy, best, tolerance)
    classical = energy_of(model, result.classical.bitstring)
    _check("classical.energy", result.classical.energy, classical, tolerance)
    if result.classical.proven and sampled.min() < result.classical.energy - tolerance:
        raise InvalidResult(
            f"classical.energy: {result.classical.energy} is called proven, but a sample has "
            f"{sampled.min()}"
        )
    if not result.mean_energy_exact:
        weights = np.fromiter(result.counts.values(), dtype=np.float64)
        _check("mean_energy", result.mean_energy, float(sampled @ weights / shots), tolerance)
    elif abs(result.mean_energy - model.offset) > model.scale + tolerance:
        raise InvalidResult(
            f"mean_energy: {result.mean_energy} is no mean of this problem's energies"
        )


def _check(
    name: str, claimed: float | str, recomputed: float | str, tolerance: float = 0.0
) -> None:
    if isinstance(claimed, str) or isinstance(recomputed, str):
        equal = claimed == recomputed
    else:
        equal = abs(claimed - recomputed) <= tolerance
    if not equal:
        raise InvalidResult(f"{name}: the result says {claimed}, recomputed it is {recomputed}")
