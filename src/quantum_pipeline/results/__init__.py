"""The job's results, one model per kind of problem: written by the job, verified by the pipeline.

A result is believed only as far as it is recomputed from the prepared run. Of an optimisation that
is all but the course of the training, times, and what a device did beside its counts, up to 20
variables; of a molecule every energy, from the job's integrals; of a table what the quantum model
predicts, from the model. What only the job could compute is held to bounds, to the shots and to
itself, and the report says that it rests on the job's word.
"""

from __future__ import annotations

from pydantic import ValidationError

from quantum_pipeline.errors import InvalidResult
from quantum_pipeline.planning.prepared import PreparedRun
from quantum_pipeline.problems import BinaryProblem, Chemistry, FormProblem
from quantum_pipeline.problems.classification import Classification
from quantum_pipeline.refusals import describe
from quantum_pipeline.requests.algorithm import (
    SettledDivide,
    SettledKernel,
    SettledQaoa,
    SettledReuploading,
    SettledRqaoa,
    SettledVqe,
)
from quantum_pipeline.requests.request import ResolvedRequest
from quantum_pipeline.results import (
    classification_checks,
    constrained_checks,
    divided,
    molecule,
    optimisation_checks,
)
from quantum_pipeline.results.base import Evaluation, JobResult, QuantumTask
from quantum_pipeline.results.classification import ClassificationResult
from quantum_pipeline.results.constrained import (
    CircuitCost,
    ConstrainedResult,
    ConstrainedSolution,
    FeasibleFigures,
    MeasuredFigures,
    Penalty,
)
from quantum_pipeline.results.device_run import (
    Check,
    CircuitSize,
    Compilation,
    DeviceRun,
    DeviceShare,
    Estimated,
    MitigationOutcome,
    ScaledEnergy,
)
from quantum_pipeline.results.divided import Compared, DividedResult, DividedRound
from quantum_pipeline.results.molecule import (
    Amplitude,
    FailedPoint,
    Growth,
    MoleculePoint,
    MoleculeResult,
    PointSeconds,
)
from quantum_pipeline.results.optimisation import (
    ClassicalSolution,
    DepthStep,
    Elimination,
    JobSeconds,
    OptimisationResult,
    PartCounts,
)
from quantum_pipeline.wording import refusal

__all__ = [
    "Amplitude",
    "AnyResult",
    "Check",
    "CircuitCost",
    "CircuitSize",
    "ClassicalSolution",
    "ClassificationResult",
    "Compared",
    "Compilation",
    "ConstrainedResult",
    "ConstrainedSolution",
    "DepthStep",
    "DeviceRun",
    "DeviceShare",
    "DividedResult",
    "DividedRound",
    "Elimination",
    "Estimated",
    "Evaluation",
    "FailedPoint",
    "FeasibleFigures",
    "Growth",
    "JobResult",
    "JobSeconds",
    "MeasuredFigures",
    "MitigationOutcome",
    "MoleculePoint",
    "MoleculeResult",
    "OptimisationResult",
    "PartCounts",
    "Penalty",
    "PointSeconds",
    "QuantumTask",
    "ScaledEnergy",
    "read_result",
    "result_type",
    "verify",
]


AnyResult = (
    OptimisationResult | MoleculeResult | ConstrainedResult | DividedResult | ClassificationResult
)


def read_result(data: object, prepared: PreparedRun) -> AnyResult:
    """Return a job's result, with what was recomputed in place of what it claims.

    Raises:
        InvalidResult: a field is missing or of the wrong form, or a figure does not recompute.
    """
    model = result_type(prepared.request)
    try:
        result = model.model_validate(data)
    except ValidationError as error:
        raise InvalidResult(f"results.json: {describe(error, model, 'result')}") from None
    return verify(result, prepared)


def result_type(request: ResolvedRequest) -> type[AnyResult]:
    """Return what the job returns of a request."""
    if isinstance(request.algorithm, SettledVqe):
        return MoleculeResult
    if isinstance(request.algorithm, SettledDivide):
        return DividedResult
    if isinstance(request.problem, Classification):
        return ClassificationResult
    return ConstrainedResult if isinstance(request.problem, FormProblem) else OptimisationResult


def verify(result: AnyResult, prepared: PreparedRun) -> AnyResult:
    """Recompute what a result claims from the prepared run; return it with what was recomputed.

    Raises:
        InvalidResult: names the figure, the claim and the recomputed value.
    """
    algorithm, problem = prepared.request.algorithm, prepared.request.problem
    match result, algorithm, problem:
        case MoleculeResult(), SettledVqe(), Chemistry():
            return molecule.verify(result, prepared, problem, algorithm)
        case OptimisationResult(), SettledQaoa() | SettledRqaoa(), BinaryProblem():
            return optimisation_checks.verify(result, prepared, algorithm)
        case DividedResult(), SettledDivide(), BinaryProblem():
            return divided.verify(result, prepared, algorithm)
        case ClassificationResult(), SettledKernel() | SettledReuploading(), Classification():
            return classification_checks.verify(result, prepared, problem, algorithm)
        case ConstrainedResult(), SettledQaoa(), FormProblem():
            return constrained_checks.verify(result, prepared, problem, algorithm)
        case _:
            raise InvalidResult(refusal("algorithm", result.algorithm, algorithm.name))
