"""The parts of the report of divide."""

from __future__ import annotations

from typing import Literal

from quantum_pipeline.reports.base import Part, Report
from quantum_pipeline.reports.device_parts import DeviceDone
from quantum_pipeline.reports.evaluation import BestKnownBy, Classical
from quantum_pipeline.reports.evaluation import Outcome as Against
from quantum_pipeline.reports.optimisation_parts import ProblemPart
from quantum_pipeline.results.divided import DividedRound, Way

Credit = Literal["annealing", "partition", "rounds", "solved blocks", "classical", "qaoa"]
"""Who deserves the credit for the answer.

    annealing      of the whole, in the same time, came at least as far
    partition      its blocks, solved greedily and turned over, came at least as far
    rounds         with blocks by mere descent they came at least as far
    solved blocks  by looking at all bitstrings of each, they came at least as far
    classical      the classical answer is at least as good, however long it took
    qaoa           none of these did
"""


class DividedAlgorithm(Part):
    """Divide as it ran; ``partition`` has each variable's block, none of very many variables.

    The first of ``rounds`` is the partition, merged; energies as in the convergence.
    """

    name: Literal["divide"]
    depth: int
    optimizer: str
    block_size: int
    n_blocks: int
    n_solved: int
    partition: tuple[int, ...]
    rounds: tuple[DividedRound, ...]
    start: str
    engine: str
    chosen_because: str


class DividedSolution(Part):
    """The bits that the rounds ended with; the objective is recomputed from the problem."""

    bitstring: str
    assignment: dict[str, int]
    objective: float
    energy: float
    feasible: bool


class Attribution(Part):
    """What one way came to: its objective, its ratio, and the seconds that it took."""

    way: Literal["partition", "divide", Way]
    words: str
    objective: float
    ratio: float | None
    rounds: int
    seconds: float


class DividedQuality(Part):
    """The answer beside the best known one, and beside other ways to it.

    The ratios are (random - E)/(random - best), of a maximum cut cut / best cut; None where that
    is nothing to divide by. ``outcome`` is against the classical answer, by ``difference``.
    """

    best_known: float
    best_known_by: BestKnownBy | Literal["divide", "annealing", "rounds"]
    difference: float
    approximation_ratio: float | None
    ratio_definition: str
    random_objective: float
    quantum_seconds: float
    classical: Classical
    outcome: Against
    verdict: str
    attribution: tuple[Attribution, ...]
    credit: Credit
    credit_because: str


class DividedReport(Report):
    """``report.json`` of divide; ``devices`` is empty where the job computed the states."""

    devices: tuple[DeviceDone, ...]
    problem: ProblemPart
    algorithm: DividedAlgorithm
    solution: DividedSolution
    quality: DividedQuality

    @property
    def objective(self) -> float:
        """What the user asked for."""
        return self.solution.objective

    @property
    def ratios(self) -> tuple[float | None, float | None]:
        """Approximation ratio of the answer; there is no state of the whole, and no mean."""
        return self.quality.approximation_ratio, None
