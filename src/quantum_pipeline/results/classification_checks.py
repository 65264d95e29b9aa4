"""Verifies what a job says of a table: the model is of the table, its predictions are the model's.

Predictions and scores of the quantum model are computed again from the stored model, of as many
tested rows as MOST_WORK allows; of every model they are held to each other, to the classes and to
the folds. What other models say of a row, how settings did in folds, and the boundary that is
drawn are the job's word.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from quantum_pipeline.classification import kernels
from quantum_pipeline.classification.measured import Measured, assembled
from quantum_pipeline.classification.parts import folds, spread
from quantum_pipeline.classification.prediction import decided, predict
from quantum_pipeline.classification.scaling import fitted, scaled
from quantum_pipeline.classification.stored import KernelModel, StoredModel, n_scores
from quantum_pipeline.errors import InvalidResult
from quantum_pipeline.planning.prepared import PreparedRun
from quantum_pipeline.planning.tables import entries
from quantum_pipeline.problems.classification import Classification
from quantum_pipeline.requests.algorithm import SettledKernel, SettledReuploading
from quantum_pipeline.results.base import check_equal, check_near
from quantum_pipeline.results.classification import (
    COMPETITORS,
    SHOWN,
    ClassificationResult,
    Competed,
    MeasuredKernel,
)
from quantum_pipeline.results.device_checks import check_device_run, check_shots
from quantum_pipeline.wording import refusal

Settled = SettledKernel | SettledReuploading
Real = NDArray[np.float64]

MOST_WORK = 2**31
"""Products of amplitudes with which predictions are computed again: some seconds."""

ROUNDING = 1e-9
"""Between processors, of numbers of size 1."""

GRAM_ROUNDING = 1e-6
"""Of a projected kernel: gamma multiplies distances."""

GATE_WORK = 20
"""Products of a turn of an amplitude, in a re-uploading circuit."""

MOST_POINTS = 20_000
"""Of a boundary's grid."""


def verify(
    result: ClassificationResult,
    prepared: PreparedRun,
    problem: Classification,
    algorithm: Settled,
) -> ClassificationResult:
    """Return the result with the quantum model's predictions and scores as recomputed.

    Raises:
        InvalidResult: names the figure, the claim and what the run has.
    """
    check_equal("run_id", result.run_id, prepared.run_id)
    check_equal("algorithm", result.algorithm, algorithm.name)
    check_equal("n_qubits", result.n_qubits, problem.n_qubits)
    check_equal("depth", result.depth, algorithm.depth)
    measured = result.measured
    check_device_run(
        result,
        prepared,
        n_qubits=result.n_qubits,
        counted=0 if measured is None else sum(measured.shots),
    )
    _check_model(result.model, prepared, problem, algorithm)
    _check_models(result, problem, algorithm)
    _check_course(result, algorithm)
    matrices = _matrices(result, prepared, problem, algorithm)
    _check_gram(result, problem, matrices)
    _check_boundary(result, problem)
    if matrices is None:
        quantum = _recomputed(result.models[0], result.model, problem)
    else:
        quantum = _of_measured(result, matrices)
    return result.model_copy(update={"models": (quantum, *result.models[1:])})


def recomputed_rows(stored: StoredModel, n_tested: int) -> int:
    """Return of how many tested rows, from the first, predictions are computed again."""
    model = stored.model
    if isinstance(model, KernelModel):
        encoding = model.encoding
        state = encoding.n_qubits * encoding.depth << encoding.n_qubits
        compared = 3 * encoding.n_qubits if model.kernel == "projected" else 2**encoding.n_qubits
        support, row = len(model.support) * state, state + len(model.support) * compared
    else:
        support, row = 0, GATE_WORK * (model.layers + 1) * model.n_qubits << model.n_qubits
    return max(0, min(n_tested, (MOST_WORK - support) // row))


def _check_model(
    stored: StoredModel, prepared: PreparedRun, problem: Classification, algorithm: Settled
) -> None:
    """Hold the stored model to the table, and to what was asked for."""
    check_equal("model.run_id", stored.run_id, prepared.run_id)
    check_equal("model.target", stored.target, problem.target)
    check_equal("model.columns", stored.columns, problem.features)
    check_equal("model.classes", stored.classes, problem.classes)
    numbers = problem.numbers[problem.parts.trained]
    width = numbers.shape[1]
    expected = fitted(numbers, width)  # without components, whose signs another processor may turn
    _check_close("model.scaling.means", stored.scaling.means, expected.means)
    _check_close("model.scaling.scales", stored.scaling.scales, expected.scales)
    if (stored.scaling.components is None) != (width == problem.n_qubits):
        allowed = "components where a row has more numbers than there are qubits, else null"
        raise InvalidResult(refusal("model.scaling.components", "others", allowed))
    model = stored.model
    check_equal("model.kind", model.kind, algorithm.name)
    if isinstance(model, KernelModel) and isinstance(algorithm, SettledKernel):
        _check_kernel(stored, model, problem, algorithm)
    elif not isinstance(model, KernelModel):
        check_equal("model.layers", model.layers, algorithm.depth)
        check_equal("model.entangled", model.entangled, True)


def _check_kernel(
    stored: StoredModel, model: KernelModel, problem: Classification, algorithm: SettledKernel
) -> None:
    check_equal("model.encoding.depth", model.encoding.depth, algorithm.depth)
    check_equal("model.encoding.entangled", model.encoding.entangled, True)
    asked = {
        "encoding.name": (model.encoding.name, algorithm.encoding),
        "kernel": (model.kernel, algorithm.kernel),
        "bandwidth": (model.bandwidth, algorithm.bandwidth),
        "regularisation": (model.regularisation, algorithm.regularisation),
    }
    for name, (found, wanted) in asked.items():
        if wanted not in (None, "auto"):
            check_equal(f"model.{name}", found, wanted)
    trained = scaled(stored.scaling, problem.numbers[problem.parts.trained])
    most = min(len(trained), algorithm.landmarks or len(trained))
    if len(model.support) > most:
        allowed = f"up to {most}, as many as rows are compared with"
        raise InvalidResult(refusal("length of model.support", len(model.support), allowed))
    support = np.array(model.support)
    apart = np.array([np.abs(trained - each).max(axis=1).min() for each in support])
    if apart.max() > ROUNDING * (1 + np.abs(trained).max()):
        place = int(apart.argmax())
        allowed = "one of the trained rows, scaled"
        raise InvalidResult(refusal(f"model.support.{place}", list(model.support[place]), allowed))
    largest = float(np.abs(model.coefficients).max())
    if most == len(trained) and largest > model.regularisation * (1 + ROUNDING):
        allowed = f"up to {model.regularisation:g} in size, its regularisation"
        raise InvalidResult(refusal("model.coefficients", largest, allowed))


def _check_models(
    result: ClassificationResult, problem: Classification, algorithm: Settled
) -> None:
    names = [each.name for each in result.models]
    check_equal("models.0.name", names[0], "quantum")
    if sorted((*names, *result.left_out)) != sorted(COMPETITORS):
        allowed = f"each of {', '.join(COMPETITORS)} once, in models or in left_out"
        raise InvalidResult(refusal("models", [*names, *result.left_out], allowed))
    labels = np.array(problem.labels)[problem.parts.trained]
    sizes = [len(each) for each in folds(labels.tolist(), algorithm.folds, problem.seed)]
    for each in result.models:
        _check_competed(each, problem, algorithm, sizes)
        if each.name == "most frequent":
            often = int(np.bincount(labels).argmax())
            check_equal("models.most frequent.predictions", set(each.predictions), {often})


def _check_competed(
    each: Competed, problem: Classification, algorithm: Settled, sizes: Sequence[int]
) -> None:
    """Hold what a model says to itself, and its accuracies to what folds of these sizes allow."""
    where, n_tested = f"models.{each.name}", len(problem.parts.tested)
    columns = n_scores(len(problem.classes))
    check_equal(f"length of {where}.predictions", len(each.predictions), n_tested)
    check_equal(f"length of {where}.scores", len(each.scores), n_tested)
    check_equal(f"lengths of {where}.scores", {len(row) for row in each.scores}, {columns})
    said = decided(np.array(each.scores))
    wrong = np.flatnonzero(said != each.predictions)
    if wrong.size:
        row = int(wrong[0])
        allowed = f"{said[row]}, by its scores"
        raise InvalidResult(refusal(f"{where}.predictions.{row}", each.predictions[row], allowed))
    if each.fits > algorithm.max_evaluations:
        allowed = f"up to {algorithm.max_evaluations}, algorithm.max_evaluations"
        raise InvalidResult(refusal(f"{where}.fits", each.fits, allowed))
    check_equal(f"length of {where}.fold_accuracies", len(each.fold_accuracies), len(sizes))
    for fold, (accuracy, size) in enumerate(zip(each.fold_accuracies, sizes, strict=True)):
        check_near(
            f"{where}.fold_accuracies.{fold}, as a share of {size} rows",
            accuracy,
            round(accuracy * size) / size,
            ROUNDING,
        )


def _check_course(result: ClassificationResult, algorithm: Settled) -> None:
    if isinstance(algorithm, SettledKernel):
        quantum = result.models[0]
        check_equal("epochs", len(result.epochs), 0)
        check_equal("length of history", len(result.history), quantum.fits)
        least = min(each.energy for each in result.history)
        error = 1 - float(np.mean(quantum.fold_accuracies))
        check_near("least of history", least, error, ROUNDING)
        return
    numbers = [each.epoch for each in result.epochs]
    check_equal("epochs", numbers, list(range(1, len(numbers) + 1)))
    if not 1 <= len(numbers) <= algorithm.max_epochs:
        allowed = f"1 to {algorithm.max_epochs}, algorithm.max_epochs"
        raise InvalidResult(refusal("length of epochs", len(numbers), allowed))


def _matrices(
    result: ClassificationResult,
    prepared: PreparedRun,
    problem: Classification,
    algorithm: Settled,
) -> Measured | None:
    """Return what a device measured, its counts held to the run; None without a device."""
    found, model = result.measured, result.model.model
    on_device = prepared.device.kind != "local"
    check_equal("measured", found is not None, on_device)
    if isinstance(model, KernelModel):
        name = prepared.device.name if on_device else None
        check_equal("model.measured_on", model.measured_on, name)
    if found is None or not isinstance(algorithm, SettledKernel):
        return None
    n_trained, n_tested = len(problem.parts.trained), len(problem.parts.tested)
    _check_columns(found, result, problem, algorithm)
    count = entries(problem, algorithm.landmarks)
    for name, values in (
        ("zeros", found.zeros),
        ("shots", found.shots),
        ("entries", found.entries),
    ):
        check_equal(f"length of measured.{name}", len(values), count)
    _check_counts(found, prepared)
    check_shots(result, min(found.shots), prepared)
    check_equal("length of measured.exact_predictions", len(found.exact_predictions), n_tested)
    if max(found.exact_predictions) >= len(problem.classes):
        allowed = f"below {len(problem.classes)}, the number of classes"
        wrong = max(found.exact_predictions)
        raise InvalidResult(refusal("measured.exact_predictions", wrong, allowed))
    return assembled(found.entries, n_trained, np.array(found.columns))


def _check_columns(
    found: MeasuredKernel,
    result: ClassificationResult,
    problem: Classification,
    algorithm: SettledKernel,
) -> None:
    """Hold columns and support to the trained rows: the model's support are columns."""
    n_trained, model = len(problem.parts.trained), result.model.model
    assert isinstance(model, KernelModel)
    width = min(algorithm.landmarks or n_trained, n_trained)
    columns, support = list(found.columns), list(found.support)
    if columns != sorted(set(columns)) or len(columns) != width or columns[-1] >= n_trained:
        allowed = f"{width} different places of {n_trained} trained rows, rising"
        raise InvalidResult(refusal("measured.columns", columns, allowed))
    if support != sorted(set(support)) or support[-1] >= width:
        allowed = f"different places of {width} columns, rising"
        raise InvalidResult(refusal("measured.support", support, allowed))
    check_equal("length of measured.support", len(support), len(model.support))
    rows = scaled(result.model.scaling, problem.numbers[problem.parts.trained])
    for place, row in enumerate(rows[np.array(columns)[support]]):
        _check_close(f"model.support.{place}", model.support[place], row)


def _check_counts(found: MeasuredKernel, prepared: PreparedRun) -> None:
    """Hold each entry to its shots: all were sent as many, and no more zeros than shots came."""
    most = prepared.request.shots
    for place, (zeros, shots) in enumerate(zip(found.zeros, found.shots, strict=True)):
        if not zeros <= shots <= most:
            allowed = f"zeros up to shots, and shots up to {most}"
            raise InvalidResult(refusal(f"measured.shots.{place}", [zeros, shots], allowed))
        if found.mitigation == "none":
            name = f"measured.entries.{place}"
            check_near(name, found.entries[place], zeros / shots, ROUNDING)
    if found.mitigation == "readout" and not prepared.request.mitigation.readout:
        raise InvalidResult(refusal("measured.mitigation", "readout", "none, as asked"))


def _of_measured(result: ClassificationResult, matrices: Measured) -> Competed:
    """Return the quantum model with what it says of the tested rows by what was measured."""
    claimed, model, found = result.models[0], result.model.model, result.measured
    assert isinstance(model, KernelModel)
    assert found is not None
    coefficients = np.array(model.coefficients)
    values = matrices.tested[:, list(found.support)]
    scores = values @ coefficients.T + np.array(model.intercepts)
    rounding = ROUNDING * (1 + float(np.abs(coefficients).sum()))
    for row, (said, expected) in enumerate(zip(claimed.scores, scores.tolist(), strict=True)):
        for score, other in zip(said, expected, strict=True):
            check_near(f"models.quantum.scores.{row}", score, other, rounding)
    said = tuple(decided(scores).tolist())
    return claimed.model_copy(
        update={"predictions": said, "scores": tuple(map(tuple, scores.tolist()))}
    )


def _check_gram(
    result: ClassificationResult, problem: Classification, matrices: Measured | None
) -> None:
    """Hold the matrix that is shown to the stored model, and to what was measured of it."""
    model = result.model.model
    if not isinstance(model, KernelModel):
        check_equal("gram", result.gram, None)
        return
    columns = slice(None) if result.measured is None else list(result.measured.columns)
    trained = problem.parts.trained[columns]
    labels = np.array(problem.labels)[trained]
    places = spread(labels.tolist(), SHOWN)
    check_equal("gram_classes", result.gram_classes, tuple(labels[places].tolist()))
    rows = model.bandwidth * scaled(result.model.scaling, problem.numbers[trained[places]])
    if model.kernel == "fidelity":
        expected = kernels.fidelities(model.encoding, rows)
    else:
        apart = kernels.distances(kernels.bloch_vectors(model.encoding, rows))
        expected = np.exp(-(model.gamma or 0.0) * apart)
    claimed = result.gram or ()
    check_equal("length of gram", len(claimed), len(rows))
    for place, (row, wanted) in enumerate(zip(claimed, expected, strict=True)):
        _check_close(f"gram.{place}", row, wanted, GRAM_ROUNDING)
    if matrices is None:
        check_equal("measured_gram", result.measured_gram, None)
        check_equal("repaired_gram", result.repaired_gram, None)
        return
    square = np.ix_(places, places)
    for name, claims, matrix in (
        ("measured_gram", result.measured_gram, matrices.raw),
        ("repaired_gram", result.repaired_gram, matrices.trained[columns]),
    ):
        check_equal(f"length of {name}", len(claims or ()), len(places))
        for place, (row, wanted) in enumerate(zip(claims or (), matrix[square], strict=True)):
            _check_close(f"{name}.{place}", row, wanted)


def _check_boundary(result: ClassificationResult, problem: Classification) -> None:
    found = result.boundary
    if found is None:
        return
    first, second = len(found.first), len(found.second)
    if not 2 <= first * second <= MOST_POINTS:
        raise InvalidResult(refusal("boundary", first * second, f"2 to {MOST_POINTS} points"))
    check_equal("length of boundary.classes", len(found.classes), first * second)
    if max(found.classes) >= len(problem.classes):
        allowed = f"below {len(problem.classes)}, the number of classes"
        raise InvalidResult(refusal("boundary.classes", max(found.classes), allowed))


def _recomputed(claimed: Competed, stored: StoredModel, problem: Classification) -> Competed:
    """Return the quantum model with what its stored form says of the tested rows."""
    tested = problem.parts.tested
    count = recomputed_rows(stored, len(tested))
    if not count:
        return claimed
    found, model = predict(stored, problem.numbers[tested[:count]]), stored.model
    weights = model.coefficients if isinstance(model, KernelModel) else model.readout
    rounding = ROUNDING * (1 + float(np.abs(weights).sum()))
    for row in range(count):
        where = f"models.quantum.scores.{row}"
        for score, expected in zip(claimed.scores[row], found.scores[row].tolist(), strict=True):
            check_near(where, score, expected, rounding)
    said = (*found.classes.tolist(), *claimed.predictions[count:])
    scores = (*map(tuple, found.scores.tolist()), *claimed.scores[count:])
    return claimed.model_copy(update={"predictions": said, "scores": scores})


def _check_close(
    name: str,
    claimed: Sequence[float],
    expected: Sequence[float] | Real,
    rounding: float = ROUNDING,
) -> None:
    check_equal(f"length of {name}", len(claimed), len(expected))
    for place, (one, other) in enumerate(zip(claimed, map(float, expected), strict=True)):
        check_near(f"{name}.{place}", one, other, rounding * (1 + abs(other)))
