"""The report of a classification: how the quantum model did, and what the test beside others shows.

Every figure is recomputed from predictions and the table's own classes.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from quantum_pipeline.classification.columns import encoded, width
from quantum_pipeline.classification.measured import assembled
from quantum_pipeline.classification.scaling import scaled
from quantum_pipeline.classification.stored import KernelModel, ReuploadingModel
from quantum_pipeline.errors import InvalidResult
from quantum_pipeline.planning.prepared import PreparedRun
from quantum_pipeline.problems.classification import Classification
from quantum_pipeline.reports import classification_statistics as statistics
from quantum_pipeline.reports import jobs_word
from quantum_pipeline.reports.base import Artifacts, Outcome, common_parts
from quantum_pipeline.reports.classification_advice import Found, advise
from quantum_pipeline.reports.classification_parts import (
    BoundaryPart,
    ClassicalModel,
    ClassificationAlgorithm,
    ClassificationProblem,
    ClassificationQuality,
    ClassificationReport,
    ClassificationSolution,
    ClassPart,
    KernelPart,
    MeasuredPart,
    ModelPart,
    PairedPart,
    RocPart,
    Shown,
)
from quantum_pipeline.reports.classification_statistics import LEVEL
from quantum_pipeline.reports.device_parts import device_plots
from quantum_pipeline.reports.evaluation import analyse
from quantum_pipeline.results.classification import (
    ClassificationResult,
    Competed,
    Competitor,
)
from quantum_pipeline.runs import MODEL
from quantum_pipeline.wording import percent

QUANTUM: Competitor = "quantum"
ABLATED: Competitor = "without entanglement"

MOST_DRAWN = 400
"""Rows that the decision boundary is drawn with."""

Right = NDArray[np.bool_]


def build(
    prepared: PreparedRun, outcome: Outcome, problem: Classification, result: ClassificationResult
) -> ClassificationReport:
    """Return the report of a verified result.

    Raises:
        InvalidResult: no classical model is beside the quantum one.
    """
    of_table, found = _problem(problem, result), _quality(problem, result)
    kernel = _kernel(problem, result)
    compare = result.device_run is None
    advice = list(advise(Found(of_table, found, kernel, times_compare=compare)))
    tested = problem.parts.tested
    return ClassificationReport(
        **common_parts(prepared, outcome, result),
        problem=of_table,
        algorithm=_algorithm(prepared, result),
        solution=ClassificationSolution(
            objective=found.accuracy,
            rows=tuple(map(int, tested)),
            classes=tuple(problem.labels[row] for row in tested),
            predicted=result.models[0].predictions,
        ),
        quality=found.model_copy(update={"findings": tuple(reason for reason, _ in advice)}),
        kernel=kernel,
        boundary=_boundary(problem, result),
        analysis=analyse(result.history, tolerance=0.0),
        jobs_word=jobs_word.of_classification(result),
        recommendations=tuple(words for _, words in advice),
        artifacts=_artifacts(result, found),
    )


def _problem(problem: Classification, result: ClassificationResult) -> ClassificationProblem:
    labels, (trained, tested) = np.array(problem.labels), problem.parts
    return ClassificationProblem(
        type=problem.type,
        target=problem.target,
        classes=tuple(
            ClassPart(
                name=name,
                trained=int((labels[trained] == number).sum()),
                tested=int((labels[tested] == number).sum()),
            )
            for number, name in enumerate(problem.classes)
        ),
        n_rows=len(labels),
        n_trained=len(trained),
        n_tested=len(tested),
        n_columns=len(problem.columns) - 1,
        n_numbers=width(result.model.columns),
        n_qubits=result.n_qubits,
    )


def _algorithm(prepared: PreparedRun, result: ClassificationResult) -> ClassificationAlgorithm:
    model = result.model.model
    kernel = model if isinstance(model, KernelModel) else None
    circuit = model if isinstance(model, ReuploadingModel) else None
    return ClassificationAlgorithm(
        name=result.algorithm,
        n_qubits=result.n_qubits,
        depth=result.depth,
        entangled=(model.encoding.entangled if isinstance(model, KernelModel) else model.entangled),
        encoding=kernel and kernel.encoding.name,
        kernel=kernel and kernel.kernel,
        bandwidth=kernel and kernel.bandwidth,
        regularisation=kernel and kernel.regularisation,
        n_support=None if kernel is None else len(kernel.support),
        n_parameters=None if circuit is None else _size(circuit),
        epochs=result.epochs,
        engine=result.engine,
        chosen_because=prepared.reasons.algorithm.words,
    )


def _size(circuit: ReuploadingModel) -> int:
    """Return how many numbers were trained."""
    linear = sum(map(len, circuit.readout)) + len(circuit.intercepts)
    return len(circuit.weights) + len(circuit.biases) + linear


def _quality(problem: Classification, result: ClassificationResult) -> ClassificationQuality:
    labels, n_classes = _tested_labels(problem), len(problem.classes)
    models = {each.name: _model(each, labels, n_classes) for each in result.models}
    right = {each.name: np.array(each.predictions) == labels for each in result.models}
    mine, quantum = result.models[0], models[QUANTUM]
    rivals = [each for name, each in models.items() if name not in (QUANTUM, ABLATED)]
    if not rivals:
        raise InvalidResult("models: none is classical")
    rival = _best(rivals, right)
    test = _deciding(right, rival, rivals)
    predicted = np.array(mine.predictions)
    return ClassificationQuality(
        **{
            name: getattr(quantum, name)
            for name in ("accuracy", "interval", "balanced_accuracy", "roc_area")
        },
        chance=_chance(problem, labels),
        best_known=rival.accuracy,
        best_known_by=rival.name,
        difference=(quantum.right - rival.right) / labels.size,
        detectable=statistics.detectable(labels.size),
        outcome=test.shown,
        verdict=_verdict(models, rival, test, labels.size) + _without(result.left_out),
        paired=test,
        ablation=_paired(right, ABLATED, 1) if ABLATED in models else None,
        confusion=_rows(statistics.confusion(labels, predicted, n_classes)),
        roc=_curves(problem.classes, labels, np.array(mine.scores)),
        models=tuple(models.values()),
        left_out=result.left_out,
        classical=ClassicalModel(method=rival.name, accuracy=rival.accuracy, seconds=rival.seconds),
        quantum_seconds=mine.seconds,
        findings=(),
    )


def _tested_labels(problem: Classification) -> statistics.Classes:
    return np.array([problem.labels[row] for row in problem.parts.tested])


def _model(each: Competed, labels: statistics.Classes, n_classes: int) -> ModelPart:
    predicted = np.array(each.predictions)
    right = int((predicted == labels).sum())
    matrix = statistics.confusion(labels, predicted, n_classes)
    return ModelPart(
        name=each.name,
        settings=each.settings,
        fits=each.fits,
        unconverged=each.unconverged,
        fold_accuracy=float(np.mean(each.fold_accuracies)),
        right=right,
        accuracy=right / labels.size,
        interval=statistics.wilson(right, labels.size),
        balanced_accuracy=statistics.balanced_accuracy(matrix),
        roc_area=statistics.roc_area(labels, np.array(each.scores), n_classes),
        seconds=each.seconds,
    )


def _best(rivals: Sequence[ModelPart], right: dict[Competitor, Right]) -> ModelPart:
    """Return the classical model that is most often right; of equals the one least told apart."""

    def how_good(each: ModelPart) -> tuple[int, float]:
        return each.right, statistics.paired(right[QUANTUM], right[each.name]).p_value

    return max(rivals, key=how_good)


def _paired(right: dict[Competitor, Right], other: Competitor, chosen_of: int) -> PairedPart:
    test = statistics.paired(right[QUANTUM], right[other])
    shown: Shown = "no difference shown"
    if test.p_value < LEVEL and test.first_only > test.second_only:
        shown = "better"
    elif test.p_value < LEVEL / chosen_of and test.first_only < test.second_only:
        shown = "worse"
    return PairedPart(
        other=other,
        quantum_only=test.first_only,
        other_only=test.second_only,
        p_value=test.p_value,
        chosen_of=chosen_of,
        shown=shown,
    )


def _deciding(
    right: dict[Competitor, Right], best: ModelPart, rivals: Sequence[ModelPart]
) -> PairedPart:
    """Return the test against the best classical model.

    Where that shows the quantum model to be better, one that is less often right may still be told
    apart less, by more rows that either got right alone: then the test against that one decides.
    """
    test = _paired(right, best.name, len(rivals))
    if test.shown != "better":
        return test
    tests = [_paired(right, each.name, len(rivals)) for each in rivals]
    undecided = [each for each in tests if each.shown != "better"]
    return max(undecided, key=lambda each: each.p_value, default=test)


def _chance(problem: Classification, labels: statistics.Classes) -> float:
    trained = np.array([problem.labels[row] for row in problem.parts.trained])
    return float((labels == np.bincount(trained).argmax()).mean())


def _verdict(models: dict[Competitor, ModelPart], best: ModelPart, test: PairedPart, n: int) -> str:
    """Return the outcome in one sentence, with what the test could have shown."""
    quantum, rival = models[QUANTUM], models[test.other]
    named = "the best classical model" if rival is best else f"unlike to {best.name}"
    said = (
        f"{quantum.right} of {n} tested rows right against {rival.right} (p = {test.p_value:.2g})"
    )
    if test.shown != "no difference shown":
        return f"{test.shown} than {rival.name}, {named}: {said}"
    least = statistics.detectable(n)
    could = (
        "so few rows can show none"
        if least is None
        else f"{n} rows can show one from {percent(least)} on"
    )
    if test.p_value < LEVEL:  # seen on the rows by which the rival was chosen
        could = f"as the best of {test.chosen_of}, p has to be below {LEVEL / test.chosen_of:.2g}"
    return f"no difference to {rival.name}, {named}, was shown: {said}; {could}"


def _without(left_out: Sequence[Competitor]) -> str:
    """Return which classical models the best was not chosen of."""
    classical = [name for name in left_out if name != ABLATED]
    return f"; there was no time to tune {' and '.join(classical)}" if classical else ""


def _rows(matrix: NDArray[np.int64]) -> tuple[tuple[int, ...], ...]:
    return tuple(tuple(map(int, row)) for row in matrix)


def _curves(
    classes: Sequence[str], labels: statistics.Classes, scores: statistics.Scores
) -> tuple[RocPart, ...]:
    curves = statistics.against_the_rest(labels, scores, len(classes))
    found = ((classes[number], statistics.roc_curve(*each)) for number, each in curves.items())
    return tuple(
        RocPart(name=name, others=tuple(others.tolist()), own=tuple(own.tolist()))
        for name, (others, own) in found
    )


def _kernel(problem: Classification, result: ClassificationResult) -> KernelPart | None:
    if result.gram is None or len(result.gram) < 2:
        return None
    gram, classes = np.array(result.gram), np.array(result.gram_classes)
    beside = ~np.eye(len(gram), dtype=bool)
    same = classes[:, None] == classes
    off, within, between = gram[beside], gram[beside & same], gram[~same]
    return KernelPart(
        matrix=result.gram,
        classes=result.gram_classes,
        mean=float(off.mean()),
        spread=float(off.std()),
        within=float(within.mean()) if within.size else None,
        between=float(between.mean()) if between.size else None,
        measured=_measured(problem, result, gram),
    )


def _measured(
    problem: Classification, result: ClassificationResult, exact: NDArray[np.float64]
) -> MeasuredPart | None:
    """Return what a device measured of the kernel, and how far it is from the exact one."""
    found, matrix, repaired = result.measured, result.measured_gram, result.repaired_gram
    if found is None or matrix is None or repaired is None:
        return None
    columns, shares = np.array(found.columns), np.array(found.zeros) / np.array(found.shots)
    labels = np.array(problem.labels)[problem.parts.trained[columns]]
    order = np.argsort(labels[: len(exact)], kind="stable")
    raw = assembled(shares.tolist(), len(problem.parts.trained), columns).raw[np.ix_(order, order)]
    right = np.array(found.exact_predictions) == _tested_labels(problem)
    beside = ~np.eye(len(exact), dtype=bool)

    def error(values: object) -> float:
        return float(np.abs(np.array(values) - exact)[beside].mean())

    return MeasuredPart(
        n_entries=len(found.entries),
        shots=max(found.shots),
        mitigation=found.mitigation,
        mitigated_because=found.because,
        matrix=matrix,
        repaired=repaired,
        raw_error=error(raw),
        mitigated_error=error(matrix),
        repaired_error=error(repaired),
        exact_accuracy=float(right.mean()),
    )


def _boundary(problem: Classification, result: ClassificationResult) -> BoundaryPart | None:
    if result.boundary is None:
        return None
    cells = encoded(result.model.columns, problem.rows, problem.columns)
    rows = range(0, len(cells), -(-len(cells) // MOST_DRAWN))
    places = scaled(result.model.scaling, cells)[rows, :2]
    tested = set(map(int, problem.parts.tested))
    return BoundaryPart(
        first=result.boundary.first,
        second=result.boundary.second,
        said=result.boundary.classes,
        x=tuple(places[:, 0].tolist()),
        y=tuple(places[:, 1].tolist()),
        classes=tuple(problem.labels[row] for row in rows),
        tested=tuple(row in tested for row in rows),
    )


def _artifacts(result: ClassificationResult, found: ClassificationQuality) -> Artifacts:
    plots = ["accuracy", "confusion", "training"]
    if found.roc:
        plots.insert(2, "roc")
    if result.gram is not None and len(result.gram) > 1:
        plots.append("kernel")
    if result.boundary is not None:
        plots.append("boundary")
    plots += device_plots(result)
    return Artifacts(
        report_html="report.html",
        plots=tuple(f"plots/{name}.png" for name in plots),
        model=MODEL,
    )
