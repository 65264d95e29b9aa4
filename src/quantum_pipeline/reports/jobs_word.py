"""Says which figures of a report rest on the job's word, and what they were held to.

All others were recomputed from the request, the job's data (counts, angles, amplitudes, integrals)
and Braket's own times, see ``results``. Figures are named as docs/report.md names them.
"""

from __future__ import annotations

from collections.abc import Iterator

from quantum_pipeline.planning.prepared import PreparedRun
from quantum_pipeline.problems import FormProblem
from quantum_pipeline.reports.part import Part
from quantum_pipeline.results import (
    ClassificationResult,
    ConstrainedResult,
    DividedResult,
    JobResult,
    MoleculeResult,
    OptimisationResult,
    constrained_checks,
)
from quantum_pipeline.results.classification_checks import recomputed_rows
from quantum_pipeline.results.optimisation_checks import RECOMPUTED, is_recomputed

COURSE = (
    "convergence.history[].start", "convergence.history[].energy", "convergence.converged",
    "convergence.stop_reason", "convergence.stopped_by", "analysis.initial_energy",
    "analysis.final_energy", "analysis.descent", "analysis.reduction_percent",
    "analysis.convergence_evaluation", "analysis.convergence_rate", "analysis.stability",
    "analysis.efficiency",
)  # fmt: skip

OF_DEPTHS = (
    "algorithm.depths[].energy", "algorithm.depths[].evaluations", "algorithm.depths[].gammas",
    "algorithm.depths[].betas",
)  # fmt: skip

BILL = (
    "partial", "cost.actual_usd", "cost.estimate_ratio", "cost.breakdown[].what",
    "cost.breakdown[].purpose", "cost.breakdown[].quantity", "cost.breakdown[].usd",
    "cost.tasks[].arn", "cost.tasks[].device", "cost.tasks[].purpose",
    "cost.tasks[].executables", "cost.tasks[].shots", "cost.tasks[].usd",
    "cost.mitigation_usd", "cost.cut_short", "cost.cut_short_by",
)  # fmt: skip


class JobsWord(Part):
    """Figures that only the job could know, and what they were held to."""

    figures: tuple[str, ...]
    held_to: str


def of_optimisation(prepared: PreparedRun, result: OptimisationResult) -> tuple[JobsWord, ...]:
    """Return what of an optimisation's report rests on the job's word."""
    return tuple(_of_optimisation(prepared, result))


def of_constrained(problem: FormProblem, result: ConstrainedResult) -> tuple[JobsWord, ...]:
    """Return what of the report of a problem on a form rests on the job's word."""
    return tuple(_of_constrained(problem, result))


def of_divided(result: DividedResult) -> tuple[JobsWord, ...]:
    """Return what of the report of divide rests on the job's word."""
    return tuple(_of_divided(result))


def of_classification(result: ClassificationResult) -> tuple[JobsWord, ...]:
    """Return what of the report of a classification rests on the job's word."""
    return tuple(_of_classification(result))


def of_molecule(prepared: PreparedRun, result: MoleculeResult) -> tuple[JobsWord, ...]:
    """Return what of a molecule's report rests on the job's word."""
    return tuple(_of_molecule(prepared, result))


def _of_optimisation(prepared: PreparedRun, result: OptimisationResult) -> Iterator[JobsWord]:
    small, on_device = is_recomputed(prepared.ising), result.device_run is not None
    if result.counts:
        drawn = "sampling error of the recomputed state" if small else "the bounds of all energies"
        yield _word(
            f"the number of shots{'' if on_device else f', and to {drawn}'}: counts are data, and "
            "what follows from them was recomputed",
            "samples",
        )
    if result.cut_rounds:
        yield _word(
            "the number of shots that were planned: counts are data, and what is put together from "
            "them was recomputed, with what it fixed",
            "cut.parts[].shots", "cut.shots", "cut.rounds[].shots",
        )  # fmt: skip
    if result.devices:
        yield _of_devices("cut.")
    less = ("less_constant.history",) if prepared.binary.constant else ()
    yield _word(
        "the bounds of all energies, and to each other"
        + (": the last one was recomputed from the angles" if small else ""),
        *COURSE,
        *less,
        *OF_DEPTHS,
        *(("less_constant.depths",) if less else ()),
    )
    if small:
        yield _word(
            "the energies, which were recomputed from them", "algorithm.gammas", "algorithm.betas"
        )
    else:
        yield _large(result, constant=bool(less))
    if result.compared is not None:
        yield _word(
            "each other, and of exact gradients to the first evaluations",
            "learning.came_of_it.learned_energy", "learning.came_of_it.default_energy",
            "learning.came_of_it.taken", "learning.came_of_it.seconds", "learning.conclusion",
        )  # fmt: skip
    if result.eliminations and not result.cut_rounds:
        yield _word(
            "the signs, which the solution must have", "algorithm.eliminations[].variable",
            "algorithm.eliminations[].partner", "algorithm.eliminations[].correlation",
        )  # fmt: skip
    yield from _common(result, "quality.quantum_seconds", "quality.classical.seconds")
    yield from _of_device(result)


def _of_devices(of: str = "") -> JobsWord:
    figures = ("circuits", "tasks", "shots", "usd", "handed_over", "lost")
    return _word("the tasks of each device", *(f"{of}devices[].{name}" for name in figures))


def _of_constrained(problem: FormProblem, result: ConstrainedResult) -> Iterator[JobsWord]:
    small = constrained_checks.is_recomputed(problem.form)
    rules = "" if result.measured is not None else " and the groups' rules"
    yield _word(
        f"the number of shots{rules}: counts are data, and what follows from them was recomputed",
        "samples",
    )
    yield _word(
        "each other" + (", the last one to the energy of the recomputed state" if small else ""),
        *COURSE, *OF_DEPTHS,
    )  # fmt: skip
    if small:
        held = "the exact figures, which were recomputed from them"
        yield _word(held, "algorithm.gammas", "algorithm.betas")
    else:
        yield _word(
            "each other, to sampling error of the shots, and to the answers that were found: of "
            f"more than {constrained_checks.RECOMPUTED} states none is looked at again",
            *OF_MANY_STATES,
        )
    yield from _common(result, "quality.quantum_seconds", "quality.classical.seconds")
    yield from _of_device(result)


def _of_divided(result: DividedResult) -> Iterator[JobsWord]:
    yield _word(
        "each other, none higher than the one before, and the last to the energy that was "
        "recomputed",
        *COURSE, "algorithm.rounds", "algorithm.n_blocks", "algorithm.n_solved",
    )  # fmt: skip
    yield _word("the size of a block", "algorithm.partition")
    yield _word(
        "their bitstrings, whose energies were recomputed: not to how they were found",
        "quality.attribution[].way", "quality.attribution[].rounds", "quality.credit",
        "quality.credit_because", "quality.best_known_by", "quality.classical.method",
        "quality.classical.proven", "quality.classical.within",
    )  # fmt: skip
    yield from _common(
        result, "quality.quantum_seconds", "quality.classical.seconds",
        "quality.attribution[].seconds",
    )  # fmt: skip
    if result.devices:
        yield _of_devices()
    yield from _of_device(result)


def _of_classification(result: ClassificationResult) -> Iterator[JobsWord]:
    n_tested = len(result.models[0].predictions)
    recomputed = recomputed_rows(result.model, n_tested)
    if recomputed < n_tested:
        yield _word(
            f"the numbers of rows and classes: of {n_tested} tested rows the model's predictions "
            f"were recomputed for {recomputed}",
            "solution.objective", "solution.predicted", "quality.accuracy", "quality.interval",
            "quality.balanced_accuracy", "quality.roc_area", "quality.confusion", "quality.roc",
        )  # fmt: skip
    yield _word(
        "the numbers of tested rows and of classes: all was recomputed from what the models "
        "predicted, but what other models than the quantum one predicted was not, nor any's folds",
        "quality.models[].settings", "quality.models[].fits", "quality.models[].unconverged",
        "quality.models[].fold_accuracy", "quality.models[].seconds", "quality.models[].right",
        "quality.models[].accuracy", "quality.models[].interval",
        "quality.models[].balanced_accuracy", "quality.models[].roc_area", "quality.paired",
        "quality.ablation", "quality.best_known", "quality.best_known_by", "quality.difference",
        "quality.outcome", "quality.classical.method", "quality.classical.accuracy",
        "quality.left_out", "quality.findings",
    )  # fmt: skip
    yield _word(
        "being finite, and to each other", *COURSE,
        *(["algorithm.epochs"] if result.epochs else []),
    )  # fmt: skip
    if result.boundary is not None:
        yield _word("the number of classes", "boundary.said")
    if (found := result.measured) is not None:
        yield _word(
            "the number of shots: counts are data, and what follows from them was recomputed",
            "kernel.measured.raw_error",
        )
        yield _word("the number of classes", "kernel.measured.exact_accuracy")
        if found.mitigation == "readout":
            yield _word(
                "0 to 1: of each entry all zeros are in the result, but not what else was read",
                "kernel.measured.matrix", "kernel.measured.repaired",
                "kernel.measured.mitigated_error", "kernel.measured.repaired_error",
                "kernel.measured.mitigated_because", "quality.accuracy", "solution.predicted",
            )  # fmt: skip
    yield from _common(result, "quality.quantum_seconds", "quality.classical.seconds")
    yield from _of_device(result)


OF_MANY_STATES = (
    "algorithm.gammas", "algorithm.betas", "algorithm.penalty", "problem.n_feasible",
    "quality.best_known", "quality.best_known_by", "quality.all_equal",
    "quality.approximation_ratio", "quality.expected_ratio", "quality.random_ratio",
    "quality.feasible_share", "quality.random_feasible_share", "quality.probability_of_best",
    "quality.probability_of_best_in_shots", "quality.blind_probability_of_best",
    "quality.blind_probability_of_best_in_shots", "quality.times_blind",
    "quality.blind_finds_best", "quality.mean_objective", "quality.random_mean_objective",
    "quality.mean_energy", "quality.random_mean_energy", "quality.classical.method",
    "quality.classical.proven",
)  # fmt: skip


def _large(result: OptimisationResult, *, constant: bool) -> JobsWord:
    """Return what is not recomputed where there are too many bitstrings to list."""
    figures = [
        "algorithm.gammas", "algorithm.betas", "quality.best_known_by", "quality.all_equal",
        "quality.classical.method", "quality.classical.proven", "quality.classical.within",
        "quality.doubtful",
    ]  # fmt: skip
    if result.device_run is not None:
        figures += ["quality.trained_energy", "quality.trained_ratio"]
    else:
        figures += [
            "quality.mean_energy", "quality.expected_ratio", "quality.descent",
            "quality.standard_error", "quality.probability_of_best",
        ]  # fmt: skip
        figures += ["less_constant.mean_energy"] if constant else []
    held = "the bounds of all energies, that no change of one bit is better than an optimum"
    held += ", and to sampling error of the shots" if result.counts else ""
    return _word(
        f"{held}: of more than {RECOMPUTED} variables no state is computed again", *figures
    )


def _of_molecule(prepared: PreparedRun, result: MoleculeResult) -> Iterator[JobsWord]:
    drawn = "recomputed state" if prepared.device.kind == "local" else "number of shots"
    yield _word(f"the {drawn}: counts are data", "samples")
    yield _word("the exact energy from below; the lowest one was recomputed", *COURSE)
    yield _word(
        "the molecule's size and nuclear repulsion, and to the energies: all were recomputed from "
        "the integrals and the amplitudes, which are data",
        "algorithm.excitations[].excitation", "algorithm.excitations[].amplitude",
        "algorithm.n_parameters", "algorithm.n_cnots", "solution.bitstring", "solution.probability",
        "solution.determinants[].bitstring", "solution.determinants[].probability",
        "solution.spin_squared", "quality.hartree_fock",
        *(("scan[].hartree_fock", "scan[].spin_squared") if len(result.points) > 1 else ()),
    )  # fmt: skip
    if result.lowest.growth:
        yield _word(
            "the exact energy and that of Hartree-Fock", "algorithm.growth[].n_parameters",
            "algorithm.growth[].gradient_norm", "algorithm.growth[].energy",
        )  # fmt: skip
    again = result.diagonalised_again
    if any(k not in again and each.exact is not None for k, each in enumerate(result.points)):
        yield _word("the energies of the states, above which they are not", *_exact(result))
    if any(each.converged for each in result.points) and len(result.points) > 1:
        yield _word("nothing", "scan[].converged")
    if result.failed:
        yield _word("nothing", "failed[].reason")
    yield from _common(
        result, "quality.integrals_seconds", "quality.quantum_seconds", "quality.classical.seconds"
    )
    if result.measured is not None:
        mitigated = result.device_run is not None and result.device_run.mitigation is not None
        more = ("measured.energy", "measured.error_millihartree") if mitigated else ()
        yield _word(
            "being finite and no less than 0; the raw energy was recomputed from the shots",
            "measured.standard_error", "measured.raw_standard_error", "measured.counts", *more,
        )  # fmt: skip
    yield from _of_device(result)


def _exact(result: MoleculeResult) -> tuple[str, ...]:
    scanned = ("scan[].exact", "scan[].error_millihartree", "quality.largest_error_millihartree")
    if result.points.index(result.lowest) in result.diagonalised_again:
        return scanned
    return (
        "quality.best_known", "quality.classical.energy", "quality.classical.ground",
        "quality.error_millihartree", "quality.chemical_accuracy",
        "quality.correlation_recovered_percent", *scanned,
    )  # fmt: skip


def _common(result: JobResult, *seconds: str) -> Iterator[JobsWord]:
    without_start = (MoleculeResult, ClassificationResult)
    yield _word("being finite and no less than 0", *seconds)
    yield _word(
        "the figures that they name", "quality.verdict", "recommendations", "algorithm.engine",
        "provenance.versions", *(() if isinstance(result, without_start) else ("algorithm.start",)),
    )  # fmt: skip


def _of_device(result: JobResult) -> Iterator[JobsWord]:
    run = result.device_run
    if run is None:
        return
    yield _word("the number of shots, and to the limits of the request", *BILL)
    yield _word("whether Braket said that it only emulates the device", "device.emulated")
    if run.compilation is not None:
        yield _word(
            "the number of variables, and to the couplers that it names", "compilation",
            "device.qubits_used",
        )  # fmt: skip
    if run.mitigation is not None:
        of_quality = (
            "quality.mitigated_energy", "quality.mitigated_standard_error",
            "quality.mitigated_ratio",
        )  # fmt: skip
        yield _word(
            "what was asked for, to the lowest energy, and to the calibration circuits, which must "
            "speak for it; the raw energy was recomputed from the shots",
            "mitigation",
            *(of_quality if isinstance(result, OptimisationResult) else ()),
        )


def _word(held_to: str, *figures: str) -> JobsWord:
    return JobsWord(figures=figures, held_to=held_to)
