"""The parts of the report of an optimisation."""

from __future__ import annotations

from typing import Literal

from quantum_pipeline.reports.base import Part, Report
from quantum_pipeline.reports.evaluation import Quality
from quantum_pipeline.results import DepthStep, Elimination


class ProblemPart(Part):
    """The problem, in short; the request has it whole. ``constant`` is the same for all bits."""

    type: str
    sense: Literal["minimise", "maximise"]
    n_variables: int
    n_couplings: int
    constant: float


class AlgorithmPart(Part):
    """The algorithm as it ran."""

    name: str
    depth: int
    optimizer: str
    n_parameters: int
    gammas: tuple[float, ...]
    betas: tuple[float, ...]
    depths: tuple[DepthStep, ...]
    eliminations: tuple[Elimination, ...]
    cvar_alpha: float
    start: str
    engine: str
    chosen_because: str


class Solution(Part):
    """The best of the job's quantum samples, or what its correlations were rounded to.

    Its objective is recomputed from the problem.
    """

    bitstring: str
    assignment: dict[str, int]
    objective: float
    energy: float
    feasible: bool
    found_by: Literal["samples", "recursive rounding"]


class LessConstant(Part):
    """Energies of the report without the problem's constant, which may cost them their digits."""

    best_known: float
    mean_energy: float
    history: tuple[float, ...]
    depths: tuple[float, ...]


class OptimisationReport(Report):
    """``report.json`` of a problem of binary variables.

    ``less_constant`` is None where the problem has no constant.
    """

    problem: ProblemPart
    algorithm: AlgorithmPart
    solution: Solution
    samples: dict[str, int]
    quality: Quality
    less_constant: LessConstant | None

    @property
    def objective(self) -> float:
        """What the user asked for."""
        return self.solution.objective

    @property
    def ratios(self) -> tuple[float | None, float | None]:
        """Approximation ratio of the best sample, and of the mean energy."""
        return self.quality.approximation_ratio, self.quality.expected_ratio

    @property
    def noise_free_energy(self) -> float | None:
        """Energy of the measured circuit without any noise, None where it is unknown."""
        return self.quality.trained_energy
