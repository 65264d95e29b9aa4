"""The result of an optimisation, as the job writes it; ``optimisation_checks`` verifies it."""

from __future__ import annotations

from typing import Annotated, Literal, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from quantum_pipeline.cutting import Part
from quantum_pipeline.cutting.expansion import Expansion
from quantum_pipeline.cutting.reconstruction import Reconstruction
from quantum_pipeline.ising import IsingModel
from quantum_pipeline.quantities import (
    Angle,
    Count,
    Entries,
    Finite,
    Flag,
    Number,
    Positive,
    Seconds,
    Text,
)
from quantum_pipeline.results.base import JobResult
from quantum_pipeline.results.device_run import DeviceShare
from quantum_pipeline.results.record import Record

Real = NDArray[np.float64]

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


Taken = Literal["learned", "default", "both"]
"""The angles that an optimiser started from: of earlier runs, or where it does without them."""


class ClassicalSolution(Record):
    """What a classical method found for the same Ising model.

    ``proven`` is set where every bitstring was enumerated or excluded by bounds; the worst one is
    known only where all were enumerated. Without a proof, bounds may show that no bitstring is
    lower by more than ``within``. ``doubtful`` says that others may be lower by less than the
    coefficients were rounded by when they became floats.
    """

    method: Method
    bitstring: Text
    energy: Finite
    worst_bitstring: Text | None = None
    worst_energy: Finite | None
    proven: Flag
    within: Positive | None = None
    doubtful: Flag = False
    seconds: Seconds


class JobSeconds(Record):
    """Where the job's time went."""

    optimise: Seconds
    sample: Seconds
    classical: Seconds
    total: Seconds


class DepthStep(Record):
    """The lowest energy that a number of layers reached, and what it took.

    The angles are given where the depth grows: another run may ask for as many layers.
    """

    depth: Count
    energy: Finite
    evaluations: Number
    gammas: Entries[Angle] = ()
    betas: Entries[Angle] = ()

    @classmethod
    def of(cls, angles: Real, energy: float, evaluations: int, *, grown: bool) -> Self:
        """Return the step of angles of shape (2, depth)."""
        gammas, betas = map(tuple, angles.tolist() if grown else ((), ()))
        depth = angles.shape[1]
        return cls(depth=depth, energy=energy, evaluations=evaluations, gammas=gammas, betas=betas)


class StartsCompared(Record):
    """Energies at the angles that earlier runs suggest and at those of the default start.

    Both have as many layers. ``taken`` are the angles that the optimiser started from. The second
    energy is None where a limit came before it.
    """

    learned: Finite
    default: Finite | None
    taken: Taken


class Elimination(Record):
    """One variable fixed by recursive QAOA: relative to a partner, or, without one, for good.

    ``correlation`` is <Z_v Z_partner>, or <Z_v>, of which the sign was taken.
    """

    variable: Number
    partner: Number | None
    correlation: Annotated[float, Field(strict=True, ge=-1 - 1e-9, le=1 + 1e-9)]


class PartCounts(Record):
    """The shots of a circuit of a part of a cut one, by bitstring; see ``cutting.expansion``."""

    part: Number
    circuit: Text
    counts: dict[Text, Count]


class CutRound(Record):
    """A circuit that was measured in parts, and what its correlations were rounded to.

    Variables of ``parts`` are numbered among those that were left, in ascending order. Correlations
    fixed variables until so many were left as ``goals`` has, one goal after the other.
    """

    gammas: Entries[Angle] = Field(min_length=1)
    betas: Entries[Angle] = Field(min_length=1)
    parts: Entries[Part] = Field(min_length=1)
    circuits: Entries[PartCounts]
    goals: Entries[Number]

    @property
    def shots(self) -> int:
        """Shots of all circuits of all parts."""
        return sum(sum(each.counts.values()) for each in self.circuits)

    def expansion(self, model: IsingModel) -> Expansion:
        """Return the expansion of its circuit, of the model of what was left."""
        return Expansion(model, self.parts, np.array([self.gammas, self.betas]))

    def put_together(self, expansion: Expansion) -> Reconstruction:
        """Return what its counts say of the whole."""
        return Reconstruction(expansion, ((e.part, e.circuit, e.counts) for e in self.circuits))


class OptimisationResult(JobResult):
    """What the job found. Energies are in the problem's units, minimised, and less its constant.

    ``history`` has <C>, or its CVaR where a tail was asked for. ``mean_energy`` is <C> at the
    angles: exact where the state is, else the mean of the shots; ``standard_error`` is the standard
    deviation of a single shot's energy over sqrt(shots), None where there is one shot or none.
    ``probability_of_best`` is the probability that one shot gives the lowest energy of all, exact
    where state and spectrum are, else None. QAOA samples: its best bitstring is one of ``counts``.
    ``tilts`` are those of a warm start's qubits, see ``statevector``; without one there are none.
    ``compared`` is None where earlier runs suggest no angles.
    Recursive QAOA rounds: it has no counts, but the ``eliminations`` that led to its bitstring. So
    does QAOA of a circuit that was cut: its ``mean_energy`` is put together from the shots of the
    first of ``cut_rounds``, its only one, with the error that follows from theirs. Recursive QAOA
    on cut circuits has as many as it measured. ``devices`` are those of several that measured them,
    none where there was one.
    """

    algorithm: Literal["qaoa", "rqaoa"]
    engine: Text
    start: Text
    gammas: Entries[Angle] = Field(min_length=1)
    betas: Entries[Angle] = Field(min_length=1)
    tilts: Entries[Finite] = ()
    compared: StartsCompared | None = None
    depths: Entries[DepthStep] = Field(min_length=1)
    eliminations: Entries[Elimination]
    counts: dict[Text, Count]
    cut_rounds: Entries[CutRound] = ()
    devices: Entries[DeviceShare] = ()
    best_bitstring: Text
    best_energy: Finite
    mean_energy: Finite
    mean_energy_exact: Flag
    standard_error: Positive | None
    probability_of_best: Annotated[float, Field(strict=True, ge=0, le=1 + 1e-9)] | None
    classical: ClassicalSolution
    seconds: JobSeconds
