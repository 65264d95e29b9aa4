"""A run that has finished, made by hand: what the report is built from, without any service."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest

from quantum_pipeline.errors import InvalidResult
from quantum_pipeline.ising import IsingModel, all_energies, energies, spins_of
from quantum_pipeline.planning.costs import bill
from quantum_pipeline.planning.prepared import PreparedRun
from quantum_pipeline.problems import BinaryProblem, Problem
from quantum_pipeline.reports import OptimisationReport, Outcome, Timing, build_report
from quantum_pipeline.requests.request import ProblemReference
from quantum_pipeline.results import (
    ClassicalSolution,
    DepthStep,
    Evaluation,
    JobSeconds,
    OptimisationResult,
    QuantumTask,
    read_result,
)
from quantum_pipeline.runs import SubmittedJob
from tests.planned import INSTANCE, planned
from tests.unit.textbook import qaoa_probabilities

CREATED = datetime(2026, 8, 21, 12, 0, 0, 123456, tzinfo=UTC)
EXECUTION = "arn:aws:states:us-east-1:123456789012:execution:QuantumPipeline:r1"
TRIANGLE = {"type": "maxcut", "edges": [[0, 1], [1, 2], [0, 2]]}
PETERSEN = {
    "type": "maxcut",
    "edges": [[i, (i + 1) % 5] for i in range(5)]
    + [[i, i + 5] for i in range(5)]
    + [[5 + i, 5 + (i + 2) % 5] for i in range(5)],
}


def history(*starts: Sequence[float]) -> tuple[Evaluation, ...]:
    """Return the evaluations of one start after another."""
    flat = [(s, energy) for s, energies_ in enumerate(starts, 1) for energy in energies_]
    return tuple(
        Evaluation(evaluation=k, start=s, energy=energy) for k, (s, energy) in enumerate(flat, 1)
    )


def prepared_run(problem: Mapping[str, Any], **request: Any) -> PreparedRun:
    """Return what prepare leaves of a request; a device that it names is emulated."""
    return PreparedRun.of(
        planned({"problem": problem, **request}),
        run_id="r1",
        execution_arn=EXECUTION,
        problem_uri=None,
        created_at=CREATED,
        prepare_seconds=0.021,
    )


def problem_of(problem: Problem | ProblemReference) -> BinaryProblem:
    assert isinstance(problem, BinaryProblem)
    return problem


def enumerated(model: IsingModel, seconds: float = 0.001) -> ClassicalSolution:
    """Return the proven optimum of a small model."""
    energy = all_energies(model)
    return ClassicalSolution(
        method="enumeration",
        bitstring=format(int(energy.argmin()), f"0{model.n_variables}b"),
        energy=float(energy.min()),
        worst_bitstring=format(int(energy.argmax()), f"0{model.n_variables}b"),
        worst_energy=float(energy.max()),
        proven=True,
        seconds=seconds,
    )


def job_result(
    prepared: PreparedRun, counts: Mapping[str, int], **changes: Any
) -> OptimisationResult:
    """Return the result of a job that sampled ``counts``; ``changes`` replace its fields."""
    energy = energies(prepared.ising, spins_of(list(counts)))
    shots = np.fromiter(counts.values(), dtype=float)
    mean = float(energy @ shots / shots.sum())
    fields: dict[str, Any] = {
        "run_id": prepared.run_id,
        "algorithm": "qaoa",
        "engine": "exact state, numpy",
        "start": "linear ramp",
        "depths": (DepthStep(depth=2, energy=mean, evaluations=3),),
        "eliminations": (),
        "gammas": (0.3, 0.6),
        "betas": (-0.6, -0.3),
        "history": history((mean + 1.0, mean + 0.25, mean)),
        "converged": True,
        "stop_reason": "the gradient is zero",
        "stopped_by": None,
        "counts": dict(counts),
        "best_bitstring": list(counts)[int(energy.argmin())],
        "best_energy": float(energy.min()),
        "mean_energy": mean,
        "mean_energy_exact": False,
        "standard_error": (
            float(np.sqrt((energy - mean) ** 2 @ shots) / shots.sum()) if shots.sum() > 1 else None
        ),
        "probability_of_best": None,
        "seconds": JobSeconds(optimise=0.2, sample=0.05, classical=0.001, total=0.3),
        "versions": {"numpy": "2.2.6"},
    }
    if "classical" not in changes:
        fields["classical"] = enumerated(prepared.ising)
    return OptimisationResult(**(fields | changes))


def solved_run(prepared: PreparedRun, **changes: Any) -> OptimisationResult:
    """Return the result of a job that did what it says: its figures are those of its angles."""
    gammas, betas, shots = (0.3, 0.6), (-0.6, -0.3), prepared.request.shots
    energy = all_energies(prepared.ising)
    weights = qaoa_probabilities(energy, gammas, betas)
    mean = float(weights @ energy)
    drawn = np.random.default_rng(7).multinomial(shots, weights)
    n = prepared.ising.n_variables
    counts = {format(k, f"0{n}b"): int(count) for k, count in enumerate(drawn) if count}
    return job_result(
        prepared,
        counts,
        **{
            "depths": (DepthStep(depth=2, energy=mean, evaluations=3),),
            "history": history([mean + 0.2, mean + 0.1, mean]),
            "mean_energy": mean,
            "mean_energy_exact": True,
            "standard_error": float(np.sqrt(weights @ (energy - mean) ** 2 / shots)),
            "probability_of_best": float(weights[energy == energy.min()].sum()),
        }
        | changes,
    )


def outcome_of(prepared: PreparedRun, tasks: Sequence[QuantumTask]) -> Outcome:
    """Return how a run came out, a minute and a half after its request."""
    job = SubmittedJob(
        run_id=prepared.run_id,
        attempt=1,
        job_arn="arn:aws:braket:us-east-1:123456789012:job/9f3c",
        job_name="qpipe-1",
        source_uri="s3://amazon-braket-code/source/ab.tar.gz",
        source_sha256="ab" * 32,
        instance_type=INSTANCE.instance_type,
    )
    cost = bill(
        instance_seconds=62.0,
        instance=INSTANCE,
        device=prepared.device,
        others=prepared.devices[1:],
        tasks=tasks,
    )
    timing = Timing(
        prepare_seconds=0.021,
        queue_seconds=31.5,
        job_seconds=48.2,
        post_process_seconds=0.4,
        polls=9,
    )
    return Outcome(
        job=job, timing=timing, actual=cost, completed_at=CREATED + timedelta(seconds=91)
    )


def report_of(prepared: PreparedRun, result: OptimisationResult) -> OptimisationReport:
    """Return the report of a result."""
    report = build_report(prepared, outcome_of(prepared, result.tasks), result)
    assert isinstance(report, OptimisationReport)
    return report


def refusal_of(data: object, prepared: PreparedRun) -> str:
    """Return why a job's result is not read."""
    with pytest.raises(InvalidResult) as error:
        read_result(data, prepared)
    return str(error.value)


def sampled(
    problem: Mapping[str, Any], counts: Mapping[str, int], **changes: Any
) -> OptimisationReport:
    """Return the report of a run that sampled ``counts``; ``changes`` go to the job's result."""
    prepared = prepared_run(problem, shots=sum(counts.values()))
    return report_of(prepared, job_result(prepared, counts, **changes))
