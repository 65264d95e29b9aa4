"""The report of divide: the answer, what each way came to, and who deserves the credit.

``build`` only gathers: every figure comes from a verified result, and every objective from a
bitstring.
"""

from __future__ import annotations

from fractions import Fraction

from quantum_pipeline.planning.prepared import PreparedRun
from quantum_pipeline.problems import BinaryProblem, MaxCut
from quantum_pipeline.reports import jobs_word
from quantum_pipeline.reports.base import Artifacts, Outcome, common_parts
from quantum_pipeline.reports.device_advice import on_lost, recommend_about_device
from quantum_pipeline.reports.device_parts import device_plots, devices_done
from quantum_pipeline.reports.divided_parts import (
    Attribution,
    Credit,
    DividedAlgorithm,
    DividedQuality,
    DividedReport,
    DividedSolution,
)
from quantum_pipeline.reports.evaluation import Classical, analyse, classical_part
from quantum_pipeline.reports.evaluation import Outcome as Against
from quantum_pipeline.reports.optimisation import DRAWN_NODES, answer
from quantum_pipeline.reports.optimisation_parts import ProblemPart
from quantum_pipeline.results import DividedResult, Evaluation
from quantum_pipeline.results.divided import DividedRound, Way
from quantum_pipeline.wording import digits

WORDS: dict[Way, str] = {
    "greedy": "the same partition, greedily",
    "enumeration": "the same rounds, blocks by enumeration",
    "descent": "the same rounds, blocks by descent",
    "annealing": "the whole by annealing, as long",
}


def build(
    prepared: PreparedRun, outcome: Outcome, problem: BinaryProblem, result: DividedResult
) -> DividedReport:
    """Return the report of a verified result.

    Raises:
        InvalidResult: the problem's own objective and the Ising energy disagree.
    """
    request, model = prepared.request, prepared.ising
    rounding = model.tolerance + problem.exact.rounding(model)
    found = _quality(problem, result)
    report = DividedReport(
        **common_parts(prepared, outcome, result),
        devices=devices_done(prepared, result, result.devices),
        problem=ProblemPart(
            type=problem.type,
            sense=problem.sense,
            n_variables=model.n_variables,
            n_couplings=len(model.couplings),
            constant=problem.constant,
        ),
        algorithm=DividedAlgorithm(
            name="divide",
            depth=result.depth,
            optimizer=request.algorithm.optimizer,
            block_size=result.block_size,
            n_blocks=result.rounds[0].blocks,
            n_solved=sum(each.blocks for each in result.rounds),
            partition=result.partition,
            rounds=tuple(_with_constant(problem, each) for each in result.rounds),
            start=result.start,
            engine=result.engine,
            chosen_because=prepared.reasons.algorithm.words,
        ),
        solution=DividedSolution(**answer(prepared, problem, result.best_bitstring)),
        quality=found,
        analysis=analyse(result.history, rounding, problem.constant),
        jobs_word=jobs_word.of_divided(result),
        recommendations=(),
        artifacts=_artifacts(problem, result),
    )
    history = tuple(
        Evaluation(evaluation=each.evaluation, start=each.start, energy=energy)
        for each in result.history
        for energy in [problem.with_constant(each.energy)]
    )
    course = report.convergence.model_copy(update={"history": history})
    advice = (*_advice(found), *on_lost(report.devices), *recommend_about_device(report))
    return report.model_copy(update={"convergence": course, "recommendations": advice})


def _with_constant(problem: BinaryProblem, each: DividedRound) -> DividedRound:
    return each.model_copy(update={"energy": problem.with_constant(each.energy)})


def _quality(problem: BinaryProblem, result: DividedResult) -> DividedQuality:
    exact, classical = problem.exact, result.classical
    ways: dict[str, str] = {
        "divide": result.best_bitstring,
        "classical": classical.bitstring,
        **{each.way: each.bitstring for each in result.compared},
    }
    names = list(ways)
    best = names[exact.best(list(ways.values()))]
    energies = {name: exact.energy(bits) for name, bits in ways.items()}
    gap = exact.compare(result.best_bitstring, classical.bitstring)
    outcomes: dict[int, Against] = {-1: "better", 0: "equal", 1: "worse"}

    def objective(energy: Fraction | float) -> float:
        return problem.objective_of_energy(problem.with_constant(energy)) + 0.0  # no -0.0

    def ratio(energy: Fraction) -> float | None:
        zero = Fraction(0) if isinstance(problem, MaxCut) else exact.mean  # no cut, random bits
        span = zero - energies[best]
        return float((zero - energy) / span) if span > 0 else None

    start = Fraction(result.rounds[0].energy)
    attribution = (
        Attribution(
            way="partition",
            words="the partition by QAOA, merged",
            objective=objective(start),
            ratio=ratio(start),
            rounds=0,
            seconds=0.0,
        ),
        Attribution(
            way="divide",
            words="divide: its rounds by QAOA",
            objective=objective(energies["divide"]),
            ratio=ratio(energies["divide"]),
            rounds=len(result.rounds) - 1,
            seconds=result.seconds.optimise,
        ),
        *(
            Attribution(
                way=each.way,
                words=WORDS[each.way],
                objective=objective(energies[each.way]),
                ratio=ratio(energies[each.way]),
                rounds=each.rounds,
                seconds=each.seconds,
            )
            for each in result.compared
        ),
    )
    credit = _credit(energies)
    return DividedQuality(
        best_known=objective(energies[best]),
        best_known_by=_known_by(best, result),
        difference=float(gap.size),
        approximation_ratio=ratio(energies["divide"]),
        ratio_definition=(
            "cut / best known cut"
            if isinstance(problem, MaxCut)
            else "(random bits' mean - value)/(random bits' mean - best known)"
        ),
        random_objective=objective(exact.mean),
        quantum_seconds=result.seconds.optimise,
        classical=classical_part(problem, classical),
        outcome=outcomes[gap.order],
        verdict=_verdict(result, outcomes[gap.order], float(gap.size)),
        attribution=attribution,
        credit=credit,
        credit_because=_why(credit, attribution, classical_part(problem, classical)),
    )


def _known_by(best: str, result: DividedResult) -> str:
    if result.classical.proven:
        return "exact"
    if best == "classical":
        return result.classical.method
    return {"divide": "divide", "annealing": "annealing"}.get(best, "rounds")


def _verdict(result: DividedResult, outcome: Against, by: float) -> str:
    classical = result.classical
    rival = f"the best that {classical.method} found"
    if classical.proven:
        rival = f"{classical.method} (the optimum)"
    return (
        f"as good as {rival}" if outcome == "equal" else f"{outcome} by {digits(by)} than {rival}"
    )


def _credit(energies: dict[str, Fraction]) -> Credit:
    """Return who deserves the credit: of those that came as far, the one that did least for it."""
    ours = energies["divide"]
    if energies["annealing"] <= ours:
        return "annealing"
    if energies["greedy"] <= ours:
        return "partition"
    if energies["descent"] <= ours:
        return "rounds"
    if energies["enumeration"] <= ours:
        return "solved blocks"
    return "classical" if energies["classical"] <= ours else "qaoa"


def _why(credit: Credit, attribution: tuple[Attribution, ...], classical: Classical) -> str:
    found = {each.way: each for each in attribution}
    ours = digits(found["divide"].objective)

    def came(way: Way) -> str:
        each = found[way]
        return f"{digits(each.objective)} in {each.seconds:.3g} s"

    match credit:
        case "annealing":
            return (
                f"annealing of the whole came to {came('annealing')}, divide to {ours} in "
                f"{found['divide'].seconds:.3g} s: nothing here is owed to QAOA"
            )
        case "partition":
            return (
                f"the partition alone came to {came('greedy')} greedily, divide to {ours}: the "
                "partition deserves the credit"
            )
        case "rounds":
            return (
                f"with blocks by mere descent the same rounds came to {came('descent')}, by QAOA "
                f"to {ours}: the rounds deserve the credit"
            )
        case "solved blocks":
            return (
                f"with each block enumerated the same rounds came to {came('enumeration')}, by "
                f"QAOA to {ours}: that blocks are solved well is what counts, not by what"
            )
        case "classical":
            return (
                f"{classical.method} of the whole came to {digits(classical.objective)} in "
                f"{classical.seconds:.3g} s, divide to {ours} in {found['divide'].seconds:.3g} s: "
                "nothing here is owed to QAOA"
            )
        case "qaoa":
            return f"neither a classical answer nor the same rounds without QAOA came to {ours}"


def _advice(quality: DividedQuality) -> tuple[str, ...]:
    rival = quality.classical
    if quality.outcome == "worse":
        return (
            f"The answer has the objective {digits(quality.attribution[1].objective)}, "
            f"{rival.method} found {digits(rival.objective)}: use the classical one, or raise "
            "algorithm.max_rounds or algorithm.block_size.",
        )
    if quality.credit != "qaoa":
        return (f"For the answer alone QAOA is not needed: {quality.credit_because}.",)
    return ()


def _artifacts(problem: BinaryProblem, result: DividedResult) -> Artifacts:
    plots = ["rounds"]
    if result.partition and len(problem.ising.couplings) > 0:
        plots.append("partition")
    if isinstance(problem, MaxCut) and problem.n_variables <= DRAWN_NODES:
        plots.append("solution")
    plots += device_plots(result)
    return Artifacts(report_html="report.html", plots=tuple(f"plots/{name}.png" for name in plots))
