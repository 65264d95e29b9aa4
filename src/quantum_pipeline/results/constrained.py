"""The result of a problem with constraints, as the job writes it."""

from __future__ import annotations

from typing import Literal, Self

import numpy as np
from numpy.typing import NDArray
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
from quantum_pipeline.spaces import Form
from quantum_pipeline.spaces.landscape import Landscape, Weighing

Real = NDArray[np.float64]


ClassicalMethod = Literal["enumeration", "HiGHS"]


class ConstrainedSolution(Record):
    """What a classical method found for the constrained form; None where it found nothing.

    ``proven`` says that no feasible assignment is better, or that there is none.
    """

    method: ClassicalMethod
    bitstring: Text | None
    objective: Finite | None
    proven: Flag
    seconds: Positive


class Penalty(Record):
    """What a unit of violation costs on the diagonal, and why that much.

    ``least`` is the least weight with which no infeasible state is as low as the best feasible one,
    found by looking at all. No state costs more than ``ceiling``, the objective of the worst
    feasible state or the median of all, whichever is more; None where there is no constraint, or
    all feasible states are equal.
    """

    weight: Positive
    least: Positive
    ceiling: Finite | None
    chosen: Literal["by enumeration", "as asked", "no constraint left"]

    @classmethod
    def of(cls, weighing: Weighing, form: Form, asked: float | None) -> Self:
        """Return the record of a weighing."""
        chosen: Literal["by enumeration", "as asked", "no constraint left"]
        chosen = "by enumeration" if asked is None else "as asked"
        return cls(
            weight=weighing.weight,
            least=weighing.least,
            ceiling=weighing.ceiling,
            chosen=chosen if form.constraints else "no constraint left",
        )


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

    @classmethod
    def of(cls, landscape: Landscape, probabilities: Real) -> Self:
        """Return the figures of a state, given by the probability of each outcome."""
        feasible, constant = landscape.feasible, landscape.form.objective.constant
        n_feasible = int(np.count_nonzero(feasible))
        total, share = float(probabilities.sum()), float(probabilities[feasible].sum())
        objective = landscape.objective[feasible]
        lowest, highest = landscape.ends
        mean = constant + float(objective @ probabilities[feasible]) / share if share else lowest
        return cls(
            n_states=feasible.size,
            n_feasible=n_feasible,
            share=min(1.0, share / total),
            mean=min(max(mean, lowest), highest),
            probability_of_best=min(1.0, float(probabilities[landscape.best].sum()) / total),
            best=lowest,
            worst=highest,
            blind_mean=min(max(constant + float(objective.mean()), lowest), highest),
            blind_probability_of_best=len(landscape.best) / n_feasible,
        )


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
