"""The report of a run: what was found, how good it is, what it cost, how to reproduce it.

``build_report`` only gathers: every figure comes from a verified result, from ``evaluation`` or
from ``costs``. ``quantum_pipeline.pages`` turns a report into HTML and pictures.
"""

from __future__ import annotations

from quantum_pipeline.errors import InvalidResult
from quantum_pipeline.planning.prepared import PreparedRun
from quantum_pipeline.problems import BinaryProblem, Chemistry, FormProblem
from quantum_pipeline.problems.classification import Classification
from quantum_pipeline.reports import (
    classification,
    constrained,
    divided,
    molecule,
    optimisation,
)
from quantum_pipeline.reports.base import Moment, Outcome, Report, Timing
from quantum_pipeline.reports.classification_parts import ClassificationReport
from quantum_pipeline.reports.constrained_parts import ConstrainedReport
from quantum_pipeline.reports.divided_parts import DividedReport
from quantum_pipeline.reports.molecule_parts import MoleculeReport
from quantum_pipeline.reports.optimisation_parts import OptimisationReport
from quantum_pipeline.requests.request import ResolvedRequest
from quantum_pipeline.results import (
    AnyResult,
    ClassificationResult,
    ConstrainedResult,
    DividedResult,
    MoleculeResult,
    OptimisationResult,
    result_type,
)
from quantum_pipeline.wording import refusal

AnyReport = (
    OptimisationReport | MoleculeReport | ConstrainedReport | DividedReport | ClassificationReport
)

_OF_RESULTS: dict[type[AnyResult], type[AnyReport]] = {
    OptimisationResult: OptimisationReport,
    MoleculeResult: MoleculeReport,
    ConstrainedResult: ConstrainedReport,
    DividedResult: DividedReport,
    ClassificationResult: ClassificationReport,
}

__all__ = [
    "AnyReport",
    "ClassificationReport",
    "ConstrainedReport",
    "DividedReport",
    "MoleculeReport",
    "Moment",
    "OptimisationReport",
    "Outcome",
    "Report",
    "Timing",
    "build_report",
    "report_type",
]


def report_type(request: ResolvedRequest) -> type[AnyReport]:
    """Return which report the run of a request has."""
    return _OF_RESULTS[result_type(request)]


def build_report(prepared: PreparedRun, outcome: Outcome, result: AnyResult) -> AnyReport:
    """Return the report of a verified result.

    Raises:
        InvalidResult: the result is of another kind of problem, or the problem's own objective and
            the result's energy disagree.
    """
    match result, prepared.request.problem:
        case MoleculeResult(), Chemistry() as problem:
            return molecule.build(prepared, outcome, problem, result)
        case OptimisationResult(), BinaryProblem() as problem:
            return optimisation.build(prepared, outcome, problem, result)
        case DividedResult(), BinaryProblem() as problem:
            return divided.build(prepared, outcome, problem, result)
        case ConstrainedResult(), FormProblem() as problem:
            return constrained.build(prepared, outcome, problem, result)
        case ClassificationResult(), Classification() as problem:
            return classification.build(prepared, outcome, problem, result)
    raise InvalidResult(refusal("algorithm", result.algorithm, prepared.request.algorithm.name))
