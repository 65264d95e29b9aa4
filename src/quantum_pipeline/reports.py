"""The report of a run: what was found, how good it is, what it cost, how to reproduce it.

``build_report`` only gathers: every figure comes from a verified result, from ``evaluation`` or
from ``costs``. ``quantum_pipeline.report`` turns a report into HTML and pictures.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, field_serializer

from quantum_pipeline import __version__
from quantum_pipeline.costs import Cost, CostItem
from quantum_pipeline.errors import InvalidResult
from quantum_pipeline.evaluation import Analysis, Quality, analyse, quality
from quantum_pipeline.problems import Label
from quantum_pipeline.results import Evaluation, JobResult
from quantum_pipeline.runs import PreparedRun, SubmittedJob


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class ProblemPart(_Part):
    """The problem, in short; the request has it whole."""

    type: str
    sense: Literal["minimise", "maximise"]
    n_variables: int
    n_couplings: int


class AlgorithmPart(_Part):
    """The algorithm as it ran."""

    name: str
    depth: int
    optimizer: str
    n_parameters: int
    gammas: tuple[float, ...]
    betas: tuple[float, ...]
    chosen_because: str


class DevicePart(_Part):
    """Where the samples came from."""

    name: str
    arn: str
    chosen_because: str


class Solution(_Part):
    """The best of the job's quantum samples; its objective recomputed from the problem."""

    bitstring: str
    assignment: dict[str, int]
    objective: float
    energy: float
    feasible: bool


class Convergence(_Part):
    """Each evaluation of the mean energy, and how the optimiser ended."""

    history: tuple[Evaluation, ...]
    converged: bool
    stop_reason: str


class Timing(_Part):
    """Where the time went, in seconds."""

    prepare_seconds: float
    queue_seconds: float
    job_seconds: float
    post_process_seconds: float
    polls: int


class CostPart(_Part):
    """The bill in USD: what was estimated, what it came to."""

    estimated_usd: float
    actual_usd: float
    breakdown: tuple[CostItem, ...]
    prices_as_of: str


class Provenance(_Part):
    """What it takes to run it again: the code's hash, versions, seed."""

    source_sha256: str
    versions: dict[str, str]
    seed: int
    execution_arn: str
    job_arn: str


class Artifacts(_Part):
    """Files beside report.json, by their names in the run's folder."""

    report_html: str
    plots: tuple[str, ...]


class Report(_Part):
    """``report.json``."""

    schema_version: Literal[1] = 1
    run_id: str
    name: str | None
    status: Literal["SUCCEEDED"] = "SUCCEEDED"
    created_at: datetime
    completed_at: datetime
    problem: ProblemPart
    request: dict[str, Any]
    algorithm: AlgorithmPart
    device: DevicePart
    solution: Solution
    samples: dict[str, int]
    quality: Quality
    convergence: Convergence
    analysis: Analysis
    timing: Timing
    cost: CostPart
    provenance: Provenance
    recommendations: tuple[str, ...]
    artifacts: Artifacts

    @field_serializer("created_at", "completed_at")
    def _iso(self, moment: datetime) -> str:
        return moment.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def build_report(
    prepared: PreparedRun,
    job: SubmittedJob,
    result: JobResult,
    *,
    timing: Timing,
    actual: Cost,
    completed_at: datetime,
    artifacts: Artifacts,
) -> Report:
    """Return the report of a verified result.

    Raises:
        InvalidResult: the problem's own objective and the Ising energy disagree.
    """
    request, model = prepared.request, prepared.model
    problem = request.problem
    bits = [int(bit) for bit in result.best_bitstring]
    objective = problem.objective(bits)
    if abs(objective - problem.objective_of_energy(result.best_energy)) > model.tolerance:
        raise InvalidResult(
            f"objective: {objective} from the problem, "
            f"{problem.objective_of_energy(result.best_energy)} from its Ising model"
        )
    found, course = quality(problem, result, model.tolerance), analyse(result.history)
    algorithm = request.algorithm
    return Report(
        run_id=prepared.run_id,
        name=request.name,
        created_at=prepared.created_at,
        completed_at=completed_at,
        problem=ProblemPart(
            type=problem.type,
            sense=problem.sense,
            n_variables=model.n_variables,
            n_couplings=len(model.couplings),
        ),
        request=request.model_dump(mode="json", by_alias=True),
        algorithm=AlgorithmPart(
            name=result.algorithm,
            depth=len(result.gammas),
            optimizer=algorithm.optimizer,
            n_parameters=2 * len(result.gammas),
            gammas=result.gammas,
            betas=result.betas,
            chosen_because=prepared.algorithm_because,
        ),
        device=DevicePart(
            name=prepared.device.name,
            arn=prepared.device.arn,
            chosen_because=prepared.device_because,
        ),
        solution=Solution(
            bitstring=result.best_bitstring,
            assignment=_assignment(problem.labels, bits),
            objective=objective,
            energy=result.best_energy,
            feasible=True,  # every bitstring is: these problems have no constraints
        ),
        samples=result.counts,
        quality=found,
        convergence=Convergence(
            history=result.history, converged=result.converged, stop_reason=result.stop_reason
        ),
        analysis=course,
        timing=timing,
        cost=CostPart(
            estimated_usd=prepared.estimate.total_usd,
            actual_usd=actual.total_usd,
            breakdown=actual.items,
            prices_as_of=actual.prices_as_of,
        ),
        provenance=Provenance(
            source_sha256=job.source_sha256,
            versions={"quantum-pipeline": __version__, **result.versions},
            seed=request.seed,
            execution_arn=prepared.execution_arn,
            job_arn=job.job_arn,
        ),
        recommendations=tuple(recommend(found, course, result, prepared)),
        artifacts=artifacts,
    )


def _assignment(labels: Any, bits: list[int]) -> dict[str, int]:
    names: list[Label] = list(labels)
    return {str(label): bit for label, bit in zip(names, bits, strict=True)}


def recommend(
    found: Quality, course: Analysis, result: JobResult, prepared: PreparedRun
) -> list[str]:
    """Return what to do next; each sentence follows from a figure of the report, and names it."""
    advice = []
    depth, shots = len(result.gammas), prepared.request.shots
    if not result.converged and prepared.request.algorithm.optimizer != "none":
        advice.append(
            f"The optimiser stopped early ({result.stop_reason}): raise "
            "algorithm.max_evaluations or limits.max_runtime_seconds."
        )
    if found.approximation_ratio is not None and found.approximation_ratio < 1 - 1e-9:
        advice.append(
            f"The best sample reaches {found.approximation_ratio:.4f} of the best known answer: "
            f"use it from quality.classical, or raise algorithm.depth above {depth} or shots "
            f"above {shots}."
        )
    probability = found.probability_of_best
    if probability is not None and probability * shots < 5:
        advice.append(
            f"A shot gives the optimum with probability {probability:.2g}, so {shots} shots give "
            f"it {probability * shots:.2g} times on average: raise shots or algorithm.depth."
        )
    if course.stability is not None and course.stability < 0.5:
        advice.append(
            f"The last energies still scatter (stability {course.stability:.2f}): raise "
            "algorithm.max_evaluations."
        )
    if result.seconds.optimise + result.seconds.sample > result.classical.seconds:
        advice.append(
            f"For the answer alone, {result.classical.method} is quicker "
            f"({result.classical.seconds:.3g} s): at this size QAOA is worth running to study "
            "QAOA."
        )
    return advice
