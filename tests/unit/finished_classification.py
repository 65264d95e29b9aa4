"""A classification that has finished, made by hand: models of scikit-learn, or of given scores."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression
from sklearn.svm import SVC

from quantum_pipeline.classification.encodings import Encoding
from quantum_pipeline.classification.scaling import fitted, scaled
from quantum_pipeline.classification.stored import KernelModel, StoredModel
from quantum_pipeline.planning.prepared import PreparedRun
from quantum_pipeline.problems.classification import Classification
from quantum_pipeline.reports import ClassificationReport, build_report
from quantum_pipeline.results.classification import (
    Boundary,
    ClassificationResult,
    ClassificationSeconds,
    Competed,
    Competitor,
)
from tests.unit.finished_run import history, outcome_of, prepared_run

CLASSES = ("setosa", "versicolor", "virginica")


def iris(*kept: int, columns: int = 4) -> dict[str, Any]:
    """Return the irises of some kinds as a problem."""
    data = load_iris()
    rows = [
        [*map(float, row[:columns]), CLASSES[kind]]
        for row, kind in zip(data.data, data.target, strict=True)
        if kind in (kept or (0, 1, 2))
    ]
    names = ("sepal length", "sepal width", "petal length", "petal width")[:columns]
    return {"type": "classification", "columns": [*names, "kind"], "rows": rows, "target": "kind"}


def problem_of(prepared: PreparedRun) -> Classification:
    problem = prepared.request.problem
    assert isinstance(problem, Classification)
    return problem


def competed(
    prepared: PreparedRun, name: Competitor, scores: NDArray[np.float64], seconds: float = 0.2
) -> Competed:
    """Return a model that says of each tested row the class of its largest score."""
    columns = scores.reshape(len(scores), -1)
    said = columns.argmax(1) if columns.shape[1] > 1 else (columns[:, 0] > 0).astype(int)
    return Competed(
        name=name,
        settings={"C": "1"},
        fits=12,
        fold_accuracies=(0.9, 0.85, 0.95),
        predictions=tuple(map(int, said)),
        scores=tuple(map(tuple, columns.tolist())),
        seconds=seconds,
    )


def sure(prepared: PreparedRun, wrong: int = 0, first: int = 0) -> NDArray[np.float64]:
    """Return scores of the tested rows that are right but for so many of them, from the first."""
    problem = problem_of(prepared)
    labels = np.array(problem.labels)[problem.parts.tested]
    n = len(problem.classes)
    labels[first : first + wrong] = (labels[first : first + wrong] + 1) % n
    scores: NDArray[np.float64] = np.eye(n)[labels] + 0.01 * np.random.default_rng(0).normal(
        size=(labels.size, n)
    )
    return scores if n > 2 else scores[:, 1:] - 0.5


def classified(prepared: PreparedRun, **changes: Any) -> ClassificationResult:
    """Return the result of a job; ``changes`` replace its fields.

    The quantum model is a support vector machine on a Gaussian kernel, its rival a logistic
    regression, both of scikit-learn.
    """
    problem = problem_of(prepared)
    trained, tested = problem.parts
    scaling = fitted(problem.numbers[trained], problem.n_qubits)
    rows, labels = scaled(scaling, problem.numbers), np.array(problem.labels)
    machine = SVC(decision_function_shape="ovr").fit(rows[trained], labels[trained])
    regression = LogisticRegression().fit(rows[trained], labels[trained])
    order = trained[np.argsort(labels[trained], kind="stable")][::3]
    grid = np.linspace(-2.5, 2.5, 40)
    at = np.zeros((1600, problem.n_qubits))
    at[:, 0], at[:, 1] = np.tile(grid, 40), np.repeat(grid, 40)
    fields: dict[str, Any] = {
        "run_id": prepared.run_id,
        "history": history((0.2, 0.1, 0.05, 0.07)),
        "converged": True,
        "stop_reason": "all settings were tried",
        "stopped_by": None,
        "versions": {"numpy": "2.2.6"},
        "algorithm": "kernel",
        "engine": "exact states, numpy",
        "n_qubits": problem.n_qubits,
        "depth": 2,
        "model": StoredModel(
            run_id=prepared.run_id,
            target=problem.target,
            columns=problem.features,
            classes=problem.classes,
            scaling=scaling,
            model=KernelModel(
                kind="kernel",
                encoding=Encoding(name="iqp", n_qubits=problem.n_qubits, depth=2),
                kernel="fidelity",
                bandwidth=0.4,
                gamma=None,
                regularisation=1.0,
                support=tuple(map(tuple, rows[trained][:6].tolist())),
                coefficients=((0.5,) * 6,) * (1 if len(problem.classes) == 2 else 3),
                intercepts=(0.1,) * (1 if len(problem.classes) == 2 else 3),
            ),
        ),
        "models": (
            competed(prepared, "quantum", machine.decision_function(rows[tested]), 3.4),
            competed(
                prepared, "without entanglement", machine.decision_function(rows[tested]), 2.0
            ),
            competed(prepared, "logistic regression", regression.decision_function(rows[tested])),
        ),
        "epochs": (),
        "gram": tuple(
            map(tuple, np.exp(-((rows[order][:, None] - rows[order]) ** 2).sum(2) / 4).tolist())
        ),
        "gram_classes": tuple(map(int, labels[order])),
        "boundary": Boundary(
            first=tuple(grid.tolist()),
            second=tuple(grid.tolist()),
            classes=tuple(map(int, machine.predict(at))),
        ),
        "seconds": ClassificationSeconds(quantum=3.4, classical=0.4, total=4.0),
    }
    return ClassificationResult(**(fields | changes))


def classification_report(
    prepared: PreparedRun, result: ClassificationResult
) -> ClassificationReport:
    """Return the report of a result."""
    report = build_report(prepared, outcome_of(prepared, ()), result)
    assert isinstance(report, ClassificationReport)
    return report


def with_models(
    prepared: PreparedRun, models: Mapping[Competitor, NDArray[np.float64]], **changes: Any
) -> ClassificationReport:
    """Return the report of models with these scores; the first is the quantum one."""
    found = tuple(competed(prepared, name, scores) for name, scores in models.items())
    return classification_report(prepared, classified(prepared, models=found, **changes))


def prepared_table(problem: Mapping[str, Any], **request: Any) -> PreparedRun:
    """Return what prepare leaves of a table."""
    return prepared_run(problem, algorithm={"name": "kernel"}, **request)
