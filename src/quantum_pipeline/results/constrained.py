"""The result of a problem with constraints, as the job writes it."""

from __future__ import annotations

from typing import Literal, Self, get_args

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from quantum_pipeline.quantities import (
    Angle,
    Count,
    Entries,
    Finite,
    Flag,
    Number,
    Positive,
    Probability,
    Text,
)
from quantum_pipeline.results.base import JobResult
from quantum_pipeline.results.device_run import Estimated
from quantum_pipeline.results.optimisation import DepthStep, JobSeconds
from quantum_pipeline.results.record import Record
from quantum_pipeline.spaces import Form
from quantum_pipeline.spaces.encoding import Encoded, Way
from quantum_pipeline.spaces.landscape import Landscape, Weighing
from quantum_pipeline.spaces.mixers import Mixer
from quantum_pipeline.spaces.readings import Readings

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


class CircuitCost(Record):
    """What turns the phases of a device's circuit: a polynomial, where the exact engine has all E.

    How many constraints are kept in each way, see ``spaces.encoding``; ``weight`` is that of a unit
    of what they cost, ``least`` the least one with which no state of the circuit that breaks one is
    as low as the best answer. ``lower_states`` are lower all the same: parabolas prove nothing.
    """

    square: Number
    product: Number
    slack: Number
    unbalanced: Number
    slack_bits: Number
    n_states: Count
    order: Number
    products: Number
    weight: Positive
    least: Positive
    lower_states: Number

    @classmethod
    def of(cls, encoded: Encoded) -> Self:
        """Return the record of what a circuit turns."""
        encoding = encoded.encoding
        ways = {way: encoding.ways.count(way) for way in get_args(Way)}
        return cls(
            **ways,
            slack_bits=encoding.n_slack,
            n_states=encoding.space.n_states,
            order=encoded.cost.order,
            products=sum(len(each) > 1 for each, _ in encoded.cost.monomials),
            weight=encoded.weight,
            least=encoded.least,
            lower_states=encoded.rank,
        )


class MeasuredFigures(Record):
    """What a device's shots say: shares of all shots, and of the feasible ones the mean objective.

    ``energy`` is that of all shots, in which one that breaks a group's rule counts as a blind pick
    of a state; ``selected`` that of the others alone, None where there are none.
    """

    space_share: Probability
    feasible_share: Probability
    share_of_best: Probability
    mean: Finite | None
    energy: Estimated
    selected: Estimated | None

    @classmethod
    def of(cls, read: Readings) -> Self:
        """Return the figures of the shots that were read."""
        return cls(
            space_share=read.space_share,
            feasible_share=read.feasible_share,
            share_of_best=read.share_of_best,
            mean=read.mean,
            energy=_estimated(read.energy),
            selected=None if read.selected is None else _estimated(read.selected),
        )


def _estimated(found: tuple[float, float]) -> Estimated:
    return Estimated(energy=found[0], standard_error=found[1])


class ConstrainedResult(JobResult):
    """What the job found on the states of a form; energies are penalised and minimised.

    ``counts`` are shots by bitstring; on a device they may break the groups' rules. There
    ``figures`` are those of the circuit without noise, ``measured`` has what the shots say,
    ``mean_energy`` is theirs too, and ``cost`` is what turned. ``best_bitstring`` is the best
    feasible one of the shots, None where no shot was feasible.
    """

    algorithm: Literal["qaoa"]
    engine: Text
    mixer: Mixer
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
    cost: CircuitCost | None = None
    measured: MeasuredFigures | None = None
    classical: ConstrainedSolution
    seconds: JobSeconds
