"""The result of a problem with constraints, as the job writes it."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from quantum_pipeline.quantities import (
    Angle,
    Count,
    Entries,
    Finite,
    Flag,
    Positive,
    Probability,
    Text,
)
from quantum_pipeline.results.base import JobResult
from quantum_pipeline.results.optimisation import DepthStep, JobSeconds
from quantum_pipeline.results.record import Record


class ConstrainedSolution(Record):
    """What a classical method found for the constrained form; None where it found nothing.

    ``proven`` says that no feasible assignment is better, or that there is none.
    """

    method: Literal["enumeration", "HiGHS", "simulated annealing"]
    bitstring: Text | None
    objective: Finite | None
    proven: Flag
    seconds: Positive


class Penalty(Record):
    """What a unit of violation costs on the diagonal, and why that much.

    ``least`` is the least weight with which no infeasible state is as low as the best feasible one.
    """

    weight: Positive
    least: Positive
    chosen: Literal["by enumeration", "as asked", "no constraint left"]


class FeasibleFigures(Record):
    """Exact figures of the state at the angles, beside those of a blind pick.

    Objectives are minimised, constants included. ``mean`` is that of feasible outcomes;
    ``probability_of_best`` counts all optimal ones. A blind pick is uniform among feasible states.
    """

    n_states: Count
    n_feasible: Count
    share: Probability
    mean: Finite
    probability_of_best: Probability
    best: Finite
    worst: Finite
    blind_mean: Finite
    blind_probability_of_best: Probability


class ConstrainedResult(JobResult):
    """What the job found on the states of a form; energies are penalised and minimised.

    ``counts`` are shots by bitstring. ``best_bitstring`` is the best feasible one of them, None
    where no shot was feasible.
    """

    algorithm: Literal["qaoa"]
    engine: Text
    mixer: Literal["complete", "ring"]
    penalty: Penalty
    start: Text
    gammas: Entries[Angle] = Field(min_length=1)
    betas: Entries[Angle] = Field(min_length=1)
    depths: Entries[DepthStep] = Field(min_length=1)
    counts: dict[Text, Count]
    best_bitstring: Text | None
    best_objective: Finite | None
    mean_energy: Finite
    figures: FeasibleFigures
    classical: ConstrainedSolution
    seconds: JobSeconds
