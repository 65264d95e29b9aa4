"""The report of an optimisation: what was found, how good it is, what to do next.

``build`` only gathers: every figure comes from a verified result or from ``evaluation``.
"""

from __future__ import annotations

from typing import Any, Literal, TypeVar

from pydantic import BaseModel

from quantum_pipeline.errors import InvalidResult
from quantum_pipeline.ising import energy_of
from quantum_pipeline.planning.prepared import PreparedRun
from quantum_pipeline.problems import BinaryProblem, MaxCut
from quantum_pipeline.reports import jobs_word
from quantum_pipeline.reports.advice import recommend
from quantum_pipeline.reports.base import Artifacts, Outcome, common_parts
from quantum_pipeline.reports.cut import cut_part
from quantum_pipeline.reports.device_parts import device_plots
from quantum_pipeline.reports.evaluation import analyse, quality
from quantum_pipeline.reports.optimisation_parts import (
    AlgorithmPart,
    LessConstant,
    OptimisationReport,
    ProblemPart,
    Solution,
)
from quantum_pipeline.results import OptimisationResult

_Part = TypeVar("_Part", bound=BaseModel)

DRAWN_NODES = 120
"""Most nodes of a graph that is drawn: of more, a picture shows nothing."""


def build(
    prepared: PreparedRun, outcome: Outcome, problem: BinaryProblem, result: OptimisationResult
) -> OptimisationReport:
    """Return the report of a verified result.

    Raises:
        InvalidResult: the problem's own objective and the Ising energy disagree.
    """
    request, model = prepared.request, prepared.ising
    rounding = model.tolerance + problem.exact.rounding(model)
    report = OptimisationReport(
        **common_parts(prepared, outcome, result),
        problem=ProblemPart(
            type=problem.type,
            sense=problem.sense,
            n_variables=model.n_variables,
            n_couplings=len(model.couplings),
            constant=problem.constant,
        ),
        algorithm=AlgorithmPart(
            name=result.algorithm,
            depth=len(result.gammas),
            optimizer=request.algorithm.optimizer,
            n_parameters=2 * len(result.gammas),
            gammas=result.gammas,
            betas=result.betas,
            depths=result.depths,
            eliminations=result.eliminations,
            cvar_alpha=request.algorithm.cvar_alpha or 1.0,
            start=result.start,
            engine=result.engine,
            chosen_because=prepared.reasons.algorithm.words,
        ),
        solution=_solution(prepared, problem, result),
        samples=result.counts,
        cut=cut_part(prepared, result),
        quality=quality(problem, model, result),
        analysis=analyse(result.history, rounding, problem.constant),
        less_constant=_less_constant(problem, result) if problem.constant else None,
        jobs_word=jobs_word.of_optimisation(prepared, result),
        recommendations=(),
        artifacts=_artifacts(problem, result),
    )
    report = report.model_copy(update={"recommendations": recommend(report)})
    return _with_constant(report, problem) if problem.constant else report


def _solution(
    prepared: PreparedRun, problem: BinaryProblem, result: OptimisationResult
) -> Solution:
    return Solution(
        **answer(prepared, problem, result.best_bitstring),
        found_by=_found_by(result),
    )


def _found_by(
    result: OptimisationResult,
) -> Literal["samples", "recursive rounding", "rounded correlations"]:
    if result.algorithm == "rqaoa":
        return "recursive rounding"
    return "rounded correlations" if result.cut_rounds else "samples"


def answer(prepared: PreparedRun, problem: BinaryProblem, bitstring: str) -> dict[str, Any]:
    """Return what every solution has, from the problem's own numbers.

    Raises:
        InvalidResult: the problem's own objective and the Ising energy disagree.
    """
    bits = [int(bit) for bit in bitstring]
    objective, model = problem.objective(bits), prepared.model
    assert model is not None
    of_model = problem.objective_of_energy(energy_of(model, bitstring))
    if abs(objective - of_model) > model.tolerance + problem.exact.rounding(model):
        raise InvalidResult(
            f"objective: {objective} from the problem, {of_model} from its Ising model"
        )
    return {
        "bitstring": bitstring,
        "assignment": {str(label): x for label, x in zip(problem.labels, bits, strict=True)},
        "objective": objective,
        "energy": problem.with_constant(problem.exact.energy(bitstring)),
        "feasible": True,  # every bitstring is: these problems have no constraints
    }


def _less_constant(problem: BinaryProblem, result: OptimisationResult) -> LessConstant:
    exact, known = problem.exact, (result.classical.bitstring, result.best_bitstring)
    return LessConstant(
        best_known=float(exact.energy(known[exact.best(known)])),
        mean_energy=result.mean_energy,
        history=tuple(each.energy for each in result.history),
        depths=tuple(each.energy for each in result.depths),
    )


def _with_constant(report: OptimisationReport, problem: BinaryProblem) -> OptimisationReport:
    """Return a report whose energies of evaluations and of a device have the problem's constant."""

    def added(part: _Part) -> _Part:
        """Return a part of the report with the constant added to its energies."""
        changes: dict[str, Any] = {}
        for name in type(part).model_fields:
            value = getattr(part, name)
            if name in ("energy", "exact"):
                changes[name] = problem.with_constant(value)
            elif isinstance(value, BaseModel):
                changes[name] = added(value)
            elif isinstance(value, tuple):
                changes[name] = tuple(added(e) if isinstance(e, BaseModel) else e for e in value)
        return part.model_copy(update=changes)

    names = ("algorithm", "convergence", "mitigation")
    parts = {name: getattr(report, name) for name in names}
    return report.model_copy(
        update={name: added(part) for name, part in parts.items() if part is not None}
    )


def _artifacts(problem: BinaryProblem, result: OptimisationResult) -> Artifacts:
    plots = ["convergence", "parameters"]
    if len(result.history) > 1:
        plots.append("reduction")
    if result.counts:
        plots.insert(1, "distribution")
    if len(result.depths) > 1:
        plots.append("depths")
    if result.eliminations:
        plots.append("eliminations")
    if isinstance(problem, MaxCut) and problem.n_variables <= DRAWN_NODES:
        plots.append("solution")
    plots += device_plots(result)
    return Artifacts(report_html="report.html", plots=tuple(f"plots/{name}.png" for name in plots))
