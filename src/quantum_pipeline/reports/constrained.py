"""The report of a problem on a form: its answer in its own words, checked, beside blind picks.

``build`` only gathers: every figure comes from a verified result, from ``constrained_quality``, or
from the problem, which computes objective and constraints again by code that knows no form.
"""

from __future__ import annotations

from math import fsum

from quantum_pipeline.errors import InvalidResult
from quantum_pipeline.planning.forms import describe, describe_encoding, encoding_of, qubits_of
from quantum_pipeline.planning.prepared import PreparedRun
from quantum_pipeline.problems import FormProblem
from quantum_pipeline.problems.decoded import Violation
from quantum_pipeline.reports import jobs_word
from quantum_pipeline.reports.base import Artifacts, Outcome, common_parts
from quantum_pipeline.reports.constrained_advice import recommend
from quantum_pipeline.reports.constrained_parts import (
    CircuitPart,
    ConstrainedReport,
    FormAlgorithm,
    FormPart,
    FormSolution,
    PenaltyPart,
)
from quantum_pipeline.reports.constrained_quality import bits_of, quality
from quantum_pipeline.reports.device_advice import recommend_about_device
from quantum_pipeline.reports.device_parts import device_plots
from quantum_pipeline.reports.evaluation import analyse
from quantum_pipeline.results.constrained import ConstrainedResult, Penalty
from quantum_pipeline.spaces import Form
from quantum_pipeline.spaces.landscape import MARGIN
from quantum_pipeline.wording import digits

ROUNDING = 1e-9
"""Of an objective or a violation, in parts of the coefficients that it is a sum of."""

DRAWN_TYPES = frozenset(
    {
        "bin_packing",
        "exact_cover",
        "graph_coloring",
        "knapsack",
        "labs",
        "max_clique",
        "max_independent_set",
        "max_k_cut",
        "min_vertex_cover",
        "number_partitioning",
        "portfolio",
        "set_cover",
        "tsp",
    }
)
"""Types whose answer has a picture; of the others it is a list of values."""

DRAWN_BITS = 600
"""Most bits of a problem whose answer is drawn: of more, a picture shows nothing."""


def build(
    prepared: PreparedRun, outcome: Outcome, problem: FormProblem, result: ConstrainedResult
) -> ConstrainedReport:
    """Return the report of a verified result.

    Raises:
        InvalidResult: the problem's own objective or constraints, and those of its form, disagree.
    """
    request, form = prepared.request, problem.form
    found, solution = quality(problem, result), _solution(problem, result)
    report = ConstrainedReport(
        **common_parts(prepared, outcome, result),
        problem=FormPart(
            type=problem.type,
            sense=problem.sense,
            n_qubits=qubits_of(request),
            n_groups=len(form.space.groups),
            n_states=form.space.n_states,
            n_feasible=round(found.random_feasible_share * form.space.n_states),
            n_constraints=len(form.constraints),
            order=form.objective.order,
            space=describe(form.space),
        ),
        algorithm=FormAlgorithm(
            name=result.algorithm,
            mixer=result.mixer,
            penalty=_penalty(result.penalty),
            circuit=_circuit(prepared, result),
            depth=len(result.gammas),
            optimizer=request.algorithm.optimizer,
            n_parameters=2 * len(result.gammas),
            gammas=result.gammas,
            betas=result.betas,
            depths=result.depths,
            cvar_alpha=request.algorithm.cvar_alpha or 1.0,
            start=result.start,
            engine=result.engine,
            chosen_because=prepared.reasons.algorithm.words,
        ),
        solution=solution,
        samples=result.counts,
        quality=found,
        analysis=analyse(result.history, ROUNDING * _size(form)),
        jobs_word=jobs_word.of_constrained(problem, result),
        recommendations=(),
        artifacts=_artifacts(problem, result, solution),
    )
    advice = (*recommend_about_device(report), *recommend(report))
    return report.model_copy(update={"recommendations": advice})


def _penalty(penalty: Penalty) -> PenaltyPart:
    return PenaltyPart(**penalty.model_dump(), because=_why(penalty))


def _circuit(prepared: PreparedRun, result: ConstrainedResult) -> CircuitPart | None:
    encoding = encoding_of(prepared.request)
    if result.cost is None or encoding is None:
        return None
    return CircuitPart(**result.cost.model_dump(), because=describe_encoding(encoding))


def _why(penalty: Penalty) -> str:
    least = digits(penalty.least)
    match penalty.chosen:
        case "no constraint left":
            return "the groups keep all rules: nothing is penalised"
        case "by enumeration" if penalty.least < penalty.weight / MARGIN * (1 - ROUNDING):
            return (
                "no infeasible state is better: the largest violation costs the objective's range"
            )
        case "by enumeration":
            return (
                f"{MARGIN:g} times {least}, the least with which no infeasible state is as good as "
                "the best feasible one, found by looking at all"
            )
        case _:
            return f"as asked; more than {least} keeps infeasible states from being best"


def _solution(problem: FormProblem, result: ConstrainedResult) -> FormSolution:
    bitstring = result.best_bitstring or _least_broken(problem, result)
    bits, labels = bits_of(bitstring), map(str, problem.labels)
    if rules := _groups_broken(problem, bits):
        return FormSolution(
            feasible=False,
            bitstring=bitstring,
            shots=result.counts[bitstring],
            assignment=dict(zip(labels, bits, strict=True)),
            decoded=None,
            objective=None,
            violated=(Violation(rule="each group of variables keeps its rule", by=rules),),
        )
    objective, violated = problem.objective(bits), problem.check(bits)
    _check(problem, bits, objective)
    feasible = not violated
    return FormSolution(
        feasible=feasible,
        bitstring=bitstring,
        shots=result.counts[bitstring],
        assignment=dict(zip(labels, bits, strict=True)),
        decoded=problem.decoded(bits),
        objective=None if result.best_bitstring is None else objective,
        violated=violated,
    )


def _least_broken(problem: FormProblem, result: ConstrainedResult) -> str:
    """Return the shot that breaks constraints least; of equals, the one of the best objective.

    A group's rule weighs more than any constraint.
    """
    form = problem.form

    def badness(bitstring: str) -> tuple[int, float, float]:
        bits = bits_of(bitstring)
        broken = fsum(float(each.violation(bits)) for each in form.constraints)
        return _groups_broken(problem, bits), broken, float(form.objective.value(bits))

    return min(result.counts, key=badness)


def _groups_broken(problem: FormProblem, bits: list[int]) -> int:
    """Return how many groups' rules bits break."""
    ruled = (group for group in problem.space.groups if group.ones is not None)
    return sum(sum(bits[i] for i in group.bits) != group.ones for group in ruled)


def _check(problem: FormProblem, bits: list[int], objective: float) -> None:
    """Hold the form to the problem's own words for it, or the other way round.

    Raises:
        InvalidResult: they disagree.
    """
    form = problem.form
    of_form = problem.objective_of_energy(float(form.objective.value(bits)))
    if abs(objective - of_form) > ROUNDING * _size(form):
        raise InvalidResult(f"objective: {objective} from the problem, {of_form} from its form")
    broken = fsum(float(each.violation(bits)) for each in form.constraints)
    own = 0.0 if problem.counts_violations else fsum(each.by for each in problem.check(bits))
    scale = fsum(abs(a) for each in form.constraints for _, a in each.coefficients)
    if abs(broken - own) > ROUNDING * scale:
        raise InvalidResult(f"violated: by {own} of the problem's rules, by {broken} of its form's")


def _size(form: Form) -> float:
    """Return the sum of the sizes of all coefficients: no value of the objective is larger."""
    objective = form.objective
    sizes = (abs(each.coefficient) for each in objective.monomials)
    return fsum([abs(objective.constant), *sizes]) or 1.0


def _artifacts(
    problem: FormProblem, result: ConstrainedResult, solution: FormSolution
) -> Artifacts:
    plots = ["convergence", "distribution", "parameters"]
    if len(result.depths) > 1:
        plots.append("depths")
    drawn = problem.type in DRAWN_TYPES and problem.n_qubits <= DRAWN_BITS
    if drawn and solution.decoded is not None:
        plots.append("solution")
    plots += device_plots(result)
    return Artifacts(report_html="report.html", plots=tuple(f"plots/{name}.png" for name in plots))
