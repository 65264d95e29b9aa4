"""The report of a run: what was found, how good it is, what it cost, how to reproduce it.

``build_report`` only gathers: every figure comes from a verified result, from ``evaluation`` or
from ``costs``. ``quantum_pipeline.report`` turns a report into HTML and pictures.
"""

from __future__ import annotations

import math
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict

from quantum_pipeline import __version__
from quantum_pipeline.costs import Cost, CostItem
from quantum_pipeline.errors import InvalidResult
from quantum_pipeline.evaluation import Analysis, Quality, analyse, quality
from quantum_pipeline.problems import MaxCut, Problem
from quantum_pipeline.results import Evaluation, JobResult
from quantum_pipeline.runs import PreparedRun, SubmittedJob


def _to_the_second(moment: datetime) -> datetime:
    return moment.astimezone(UTC).replace(microsecond=0)


Moment = Annotated[AwareDatetime, AfterValidator(_to_the_second)]
"""A time in UTC, to the second; ISO 8601 in JSON."""


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
    created_at: Moment
    completed_at: Moment
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


def build_report(
    prepared: PreparedRun,
    job: SubmittedJob,
    result: JobResult,
    *,
    timing: Timing,
    actual: Cost,
    completed_at: datetime,
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
    report = Report(
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
            optimizer=request.algorithm.optimizer,
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
            assignment={str(label): x for label, x in zip(problem.labels, bits, strict=True)},
            objective=objective + 0.0,  # -0.0 is written as 0.0
            energy=result.best_energy,
            feasible=True,  # every bitstring is: these problems have no constraints
        ),
        samples=result.counts,
        quality=quality(problem, model, result),
        convergence=Convergence(
            history=result.history, converged=result.converged, stop_reason=result.stop_reason
        ),
        analysis=analyse(result.history, model.tolerance),
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
        recommendations=(),
        artifacts=_artifacts(problem),
    )
    return report.model_copy(update={"recommendations": recommend(report)})


def _artifacts(problem: Problem) -> Artifacts:
    plots = ["convergence", "distribution", "parameters", "reduction"]
    if isinstance(problem, MaxCut):
        plots.append("solution")
    return Artifacts(report_html="report.html", plots=tuple(f"plots/{name}.png" for name in plots))


def recommend(report: Report) -> tuple[str, ...]:
    """Return what to do next; each sentence follows from a figure of the report, and names it."""
    advice = (
        _on_flat_energies(report),
        _on_early_stop(report),
        _on_missed_optimum(report),
        _on_randomness(report),
        _on_rare_optimum(report),
        _on_classical_speed(report),
    )
    return tuple(sentence for sentence in advice if sentence)


def _best_known_energy(report: Report) -> float:
    best = report.quality.best_known
    return -best if report.problem.sense == "maximise" else best


def _equal(a: float, b: float) -> bool:
    return math.isclose(a, b, rel_tol=1e-9, abs_tol=1e-9)


def _on_flat_energies(report: Report) -> str | None:
    # The mean over all bitstrings is as low as the lowest only where all are the same.
    if not _equal(report.quality.random_mean_energy, _best_known_energy(report)):
        return None
    return (
        f"Every bitstring has the objective {report.quality.best_known:.6g}: there is nothing to "
        "optimise; check the coefficients of the problem."
    )


def _on_early_stop(report: Report) -> str | None:
    if report.convergence.converged or report.algorithm.optimizer == "none":
        return None
    return (
        f"The optimiser stopped early ({report.convergence.stop_reason}): raise "
        "algorithm.max_evaluations or limits.max_runtime_seconds."
    )


def _on_missed_optimum(report: Report) -> str | None:
    quality, found = report.quality, report.solution.objective
    if _equal(found, quality.best_known):
        return None
    return (
        f"The best sample has the objective {found:.6g}, {quality.classical.method} found "
        f"{quality.classical.objective:.6g}: use the classical answer, or raise algorithm.depth "
        f"above {report.algorithm.depth} or shots above {report.request['shots']}."
    )


def _on_randomness(report: Report) -> str | None:
    quality = report.quality
    noise = 0.0 if quality.mean_energy_by == "exact state" else 2 * quality.standard_error
    better = quality.mean_energy < quality.random_mean_energy - noise
    if better or _equal(quality.random_mean_energy, _best_known_energy(report)):
        return None
    return (
        f"The mean energy {quality.mean_energy:.6g} is no better than the "
        f"{quality.random_mean_energy:.6g} of random bits: other angles are needed, from "
        "algorithm.optimizer or from more algorithm.starts."
    )


def _on_rare_optimum(report: Report) -> str | None:
    probability, shots = report.quality.probability_of_best, report.request["shots"]
    if probability is None or probability * shots >= 5:
        return None
    return (
        f"A shot gives the optimum with probability {probability:.2g}, {shots} "
        f"{'shot' if shots == 1 else 'shots'} in all give it {probability * shots:.2g} times on "
        "average: raise shots or algorithm.depth."
    )


def _on_classical_speed(report: Report) -> str | None:
    quantum, classical = report.quality.quantum_seconds, report.quality.classical
    if quantum <= classical.seconds:
        return None
    return (
        f"For the answer alone, {classical.method} is quicker ({classical.seconds:.3g} s against "
        f"{quantum:.3g} s): at this size QAOA is worth running to study QAOA."
    )
