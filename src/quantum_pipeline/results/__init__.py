"""The job's result: one model an algorithm's kind, written by the job, verified by the pipeline.

Nothing in a result is believed: whatever can be is recomputed from the prepared run before
anything is reported.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, TypeAdapter, ValidationError

from quantum_pipeline.errors import InvalidResult
from quantum_pipeline.refusals import describe
from quantum_pipeline.results import optimisation
from quantum_pipeline.results.base import Evaluation, JobResult, QuantumTask
from quantum_pipeline.results.optimisation import (
    ClassicalSolution,
    DepthStep,
    Elimination,
    JobSeconds,
    OptimisationResult,
)
from quantum_pipeline.runs import PreparedRun

__all__ = [
    "ClassicalSolution",
    "DepthStep",
    "Elimination",
    "Evaluation",
    "JobResult",
    "JobSeconds",
    "OptimisationResult",
    "QuantumTask",
    "read_result",
    "verify",
]


def read_result(data: object, prepared: PreparedRun) -> OptimisationResult:
    """Return a job's result after recomputing it.

    Raises:
        InvalidResult: a field is missing or of the wrong form, or a figure does not recompute.
    """
    try:
        result = OptimisationResult.model_validate(data)
    except ValidationError as error:
        sentence = describe(error, OptimisationResult, "result")
        raise InvalidResult(f"results.json: {sentence}") from None
    verify(result, prepared)
    return result


def verify(result: OptimisationResult, prepared: PreparedRun) -> None:
    """Recompute what a result claims from the prepared run.

    Raises:
        InvalidResult: names the figure, the claim and the recomputed value.
    """
    optimisation.verify(result, prepared)
