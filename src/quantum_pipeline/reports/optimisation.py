"""The report of an optimisation: what was found, how good it is, what to do next.

``build`` only gathers: every figure comes from a verified result or from ``evaluation``.
"""

from __future__ import annotations

from quantum_pipeline.errors import InvalidResult
from quantum_pipeline.planning.prepared import PreparedRun
from quantum_pipeline.problems import BinaryProblem, MaxCut
from quantum_pipeline.reports.advice import recommend
from quantum_pipeline.reports.base import Artifacts, Outcome, common_parts
from quantum_pipeline.reports.device_parts import device_plots
from quantum_pipeline.reports.evaluation import analyse, quality
from quantum_pipeline.reports.optimisation_parts import (
    AlgorithmPart,
    OptimisationReport,
    ProblemPart,
    Solution,
)
from quantum_pipeline.results import OptimisationResult

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
    report = OptimisationReport(
        **common_parts(prepared, outcome, result),
        problem=ProblemPart(
            type=problem.type,
            sense=problem.sense,
            n_variables=model.n_variables,
            n_couplings=len(model.couplings),
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
        solution=_solution(problem, result, model.tolerance),
        samples=result.counts,
        quality=quality(problem, model, result),
        analysis=analyse(result.history, model.tolerance),
        recommendations=(),
        artifacts=_artifacts(problem, result),
    )
    return report.model_copy(update={"recommendations": recommend(report, model.tolerance)})


def _solution(problem: BinaryProblem, result: OptimisationResult, tolerance: float) -> Solution:
    bits = [int(bit) for bit in result.best_bitstring]
    objective = problem.objective(bits)
    if abs(objective - problem.objective_of_energy(result.best_energy)) > tolerance:
        raise InvalidResult(
            f"objective: {objective} from the problem, "
            f"{problem.objective_of_energy(result.best_energy)} from its Ising model"
        )
    return Solution(
        bitstring=result.best_bitstring,
        assignment={str(label): x for label, x in zip(problem.labels, bits, strict=True)},
        objective=objective + 0.0,  # -0.0 is written as 0.0
        energy=result.best_energy,
        feasible=True,  # every bitstring is: these problems have no constraints
        found_by="samples" if result.counts else "recursive rounding",
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
