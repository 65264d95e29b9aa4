"""The parts of the report of a problem on a form."""

from __future__ import annotations

from typing import Literal

from quantum_pipeline.problems.decoded import Decoded, Violation
from quantum_pipeline.reports.base import Part, Report
from quantum_pipeline.results import DepthStep
from quantum_pipeline.spaces.mixers import Mixer


class FormPart(Part):
    """The problem, in short; the request has it whole.

    ``n_qubits`` are those of the circuit that ran: bits, on a device with their slack. ``space``
    has the groups in words, ``n_states`` their product, and ``n_feasible`` how many of
    the states break no rule; ``order`` is that of the polynomial.
    """

    type: str
    sense: Literal["minimise", "maximise"]
    n_qubits: int
    n_groups: int
    n_states: int
    n_feasible: int
    n_constraints: int
    order: int
    space: str


class PenaltyPart(Part):
    """What a unit of violation cost in energies, and why that much; see docs/report.md."""

    weight: float
    least: float
    ceiling: float | None
    chosen: Literal["by enumeration", "as asked", "no constraint left"]
    because: str


class CircuitPart(Part):
    """What turned the phases on a device, and how it kept constraints; see docs/report.md."""

    square: int
    product: int
    slack: int
    unbalanced: int
    slack_bits: int
    n_states: int
    order: int
    products: int
    weight: float
    least: float
    lower_states: int
    because: str


class FormAlgorithm(Part):
    """The algorithm as it ran; ``circuit`` is None where no device took part."""

    name: str
    mixer: Mixer
    penalty: PenaltyPart
    circuit: CircuitPart | None
    depth: int
    optimizer: str
    n_parameters: int
    gammas: tuple[float, ...]
    betas: tuple[float, ...]
    depths: tuple[DepthStep, ...]
    cvar_alpha: float
    start: str
    engine: str
    chosen_because: str


class FormSolution(Part):
    """The best of the shots that kept all constraints; where none did, the one that broke least.

    All of it is recomputed from the problem's own numbers. ``objective`` is None, and ``violated``
    says what is broken and by how much, where the answer is not feasible. ``decoded`` is None where
    no shot of a device kept the rules of all groups: bits that do not are no answer.
    """

    feasible: bool
    bitstring: str
    shots: int
    assignment: dict[str, int]
    decoded: Decoded | None
    objective: float | None
    violated: tuple[Violation, ...]
    found_by: Literal["samples"] = "samples"


class FormClassical(Part):
    """The classical answer, decoded; None where there is none."""

    method: str
    bitstring: str | None
    decoded: Decoded | None
    objective: float | None
    proven: bool
    seconds: float


class FormQuality(Part):
    """The quantum answer against the best one, and against blind picks.

    A blind pick is uniform among feasible states, a random state among all. ``times_blind`` is how
    often a shot is the best answer for each time that a blind pick is, and ``blind_finds_best``
    says that as many blind picks as there were shots find it almost surely: then the shots say
    nothing of the state. On a device shares and means are those of its shots, and those of its
    circuit without noise, as it was trained, stand beside them. Definitions of all figures are in
    docs/report.md.
    """

    best_known: float
    best_known_by: str
    difference: float | None
    all_equal: bool
    approximation_ratio: float | None
    expected_ratio: float | None
    random_ratio: float | None
    ratio_definition: str
    ratio_undefined_because: str | None
    feasible_share: float
    feasible_share_of_shots: float
    random_feasible_share: float
    probability_of_best: float
    probability_of_best_in_shots: float
    blind_probability_of_best: float
    blind_probability_of_best_in_shots: float
    times_blind: float
    blind_finds_best: bool
    mean_objective: float | None
    random_mean_objective: float
    mean_energy: float
    standard_error: float | None
    random_mean_energy: float
    space_share_of_shots: float
    discarded_shots: int
    selected_energy: float | None
    selected_standard_error: float | None
    trained_energy: float | None
    trained_feasible_share: float | None
    trained_probability_of_best: float | None
    quantum_seconds: float
    classical: FormClassical
    outcome: Literal["infeasible", "worse", "equal", "better"]
    verdict: str


class ConstrainedReport(Report):
    """``report.json`` of a problem on a form: with constraints, or of any order."""

    problem: FormPart
    algorithm: FormAlgorithm
    solution: FormSolution
    samples: dict[str, int]
    quality: FormQuality

    @property
    def noise_free_energy(self) -> float | None:
        """Energy of the circuit on the device without any noise."""
        return self.quality.trained_energy

    @property
    def objective(self) -> float | None:
        """What the user asked for; None where no shot is feasible."""
        return self.solution.objective

    @property
    def ratios(self) -> tuple[float | None, float | None]:
        """Ratio among feasible states, of the best shot and of the mean feasible one."""
        return self.quality.approximation_ratio, self.quality.expected_ratio
