"""The parts of the report of an optimisation."""

from __future__ import annotations

from typing import Literal

from quantum_pipeline.reports.base import Part, Report
from quantum_pipeline.reports.device_parts import DeviceDone
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
    found_by: Literal["samples", "recursive rounding", "rounded correlations"]


class CutPiece(Part):
    """A part of a cut circuit: its device, variables, qubits at most, circuits and their shots."""

    device: str
    variables: tuple[int, ...]
    n_qubits: int
    circuits: int
    shots: int


class CutGate(Part):
    """A ZZ rotation that was cut: its variables, its layer from 1, and its angle in radians."""

    variables: tuple[int, int]
    layer: int
    angle: float


class Correlation(Part):
    """<Z_i Z_j> of two coupled variables, or <Z_i> of one, put together from the parts' shots."""

    variables: tuple[int, ...]
    value: float
    standard_error: float
    across: bool


class CutRound(Part):
    """A round of recursive QAOA on cut circuits: how many variables were left, and were fixed.

    ``widths`` are the variables of each part.
    """

    variables: int
    widths: tuple[int, ...]
    gates: int
    circuits: int
    shots: int
    fixed: int


class CutPart(Part):
    """How a circuit was cut, and what its parts' shots were put together to.

    Of recursive QAOA that is the first of ``rounds``; QAOA has none. ``shots`` are those of all.
    ``overhead`` is prod (1 + 2 |sin angle|)^2, what sampling all terms would take of the shots of
    the uncut circuit. ``distance`` is how many standard errors the energy is from that without
    noise. ``enumerated`` are the variables that the rounding left to the end. ``devices`` has what
    each of several devices did; a part's is that which its circuits were planned for.
    """

    parts: tuple[CutPiece, ...]
    devices: tuple[DeviceDone, ...]
    gates: tuple[CutGate, ...]
    overhead: float
    shots: int
    correlations: tuple[Correlation, ...]
    distance: float | None
    enumerated: int
    rounds: tuple[CutRound, ...]


class LessConstant(Part):
    """Energies of the report without the problem's constant, which may cost them their digits."""

    best_known: float
    mean_energy: float
    history: tuple[float, ...]
    depths: tuple[float, ...]


class OptimisationReport(Report):
    """``report.json`` of a problem of binary variables.

    ``less_constant`` is None where the problem has no constant, ``cut`` where nothing was cut.
    """

    problem: ProblemPart
    algorithm: AlgorithmPart
    solution: Solution
    samples: dict[str, int]
    cut: CutPart | None
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
