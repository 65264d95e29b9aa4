"""A classification's result is held to its table and its model: what is tampered with is named."""

from __future__ import annotations

import json
from typing import Any

import pytest

from quantum_pipeline.classification.stored import KernelModel
from quantum_pipeline.errors import InvalidResult
from quantum_pipeline.planning.prepared import PreparedRun
from quantum_pipeline.results import ClassificationResult, read_result
from quantum_pipeline.results.classification_checks import recomputed_rows
from tests.job.classification_jobs import clusters, prepared, solved

Made = tuple[PreparedRun, dict[str, Any]]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    """A run of 60 rows in clusters that touch, and its result as the job writes it.

    The models that it had no time for say what the quantum one says.
    """
    run = prepared(clusters(apart=2.0), kernel="fidelity", max_evaluations=2)
    result = solved(run, tmp_path_factory.mktemp("made"), late=True)
    quantum = result.models[0]
    others = [quantum.model_copy(update={"name": name}) for name in result.left_out]
    models = (*result.models, *others)
    found = result.model_copy(update={"models": models, "left_out": ()})
    return run, json.loads(json.dumps(found.model_dump(mode="json")))


def test_a_result_as_the_job_writes_it_is_believed(made: Made) -> None:
    run, data = made
    found = read_result(data, run)
    assert isinstance(found, ClassificationResult)
    assert found.model_dump(mode="json") == data


def tampered(data: dict[str, Any], *path: Any, value: Any) -> dict[str, Any]:
    copy: dict[str, Any] = json.loads(json.dumps(data))
    place: Any = copy
    for each in path[:-1]:
        place = place[each]
    place[path[-1]] = value(place[path[-1]]) if callable(value) else value
    return copy


MODEL = ("model", "model")
TAMPERED: list[tuple[tuple[Any, ...], Any, str]] = [
    (("run_id",), "other", "run_id"),
    (("depth",), 3, "depth: got 3"),
    (("n_qubits",), 2, "n_qubits: got 2"),
    (("model", "run_id"), "other", "model.run_id"),
    (("model", "target"), "c1", "model.target"),
    (("model", "columns", 0, "name"), "other", "model.columns"),
    (("model", "classes", 0), "other", "model.classes"),
    ((*MODEL, "kind"), "pickle", 'model.model.kind: got "pickle"; allowed: one of kernel, reuploa'),
    (("model", "scaling", "means", 1), lambda x: x + 1e-3, "model.scaling.means.1"),
    (("model", "scaling", "scales", 0), lambda x: 2 * x, "model.scaling.scales.0"),
    ((*MODEL, "encoding", "depth"), 1, "model.encoding.depth"),
    ((*MODEL, "encoding", "entangled"), False, "model.encoding.entangled"),
    ((*MODEL, "bandwidth"), lambda x: 1.01 * x, "gram.0"),
    ((*MODEL, "support", 3, 1), lambda x: x + 1e-3, "model.support.3: got"),
    ((*MODEL, "coefficients", 0, 0), 1e9, "model.coefficients: got"),
    ((*MODEL, "coefficients", 0, 0), lambda x: 0.999 * x, "models.quantum.scores.0"),
    ((*MODEL, "intercepts", 0), lambda x: x + 1e-4, "models.quantum.scores.0"),
    (("models", 0, "scores", 4, 2), lambda x: x + 1e-6, "models.quantum.scores.4"),
    (("models", 0, "predictions", 2), lambda x: (x + 1) % 3, "models.quantum.predictions.2"),
    (("models", 0, "predictions", 2), 7, "models.quantum.predictions.2"),
    (("models", 3, "predictions", 0), lambda x: (x + 1) % 3, "models.logistic regression.pred"),
    (("models", 3, "scores"), lambda x: x[1:], "length of models.logistic regression.scores"),
    (("models", 3, "scores", 1), lambda x: x[1:], "lengths of models.logistic regression.scores"),
    (("models", 3, "fits"), 3, "models.logistic regression.fits: got 3; allowed: up to 2"),
    (("models", 3, "fold_accuracies", 1), 0.99, "fold_accuracies.1, as a share of 15 rows"),
    (("models", 3, "fold_accuracies"), lambda x: x[1:], "length of models.logistic regression.f"),
    (("models", 3, "name"), "mlp", "models: got"),
    (("models",), lambda x: x[:-1], "models: got"),
    (("models", 0, "name"), "mlp", "models.0.name"),
    (("left_out",), ["mlp"], "models: got"),
    (("history", 0, "energy"), -0.5, "least of history"),
    (("gram", 5, 6), lambda x: x + 1e-4, "gram.5.6"),
    (("gram_classes", 0), 2, "gram_classes"),
    (("boundary", "classes", 0), 3, "boundary.classes"),
    (("boundary", "classes"), lambda x: x[1:], "length of boundary.classes"),
    (("boundary", "first"), [], "boundary: got 0"),
    ((*MODEL, "support"), lambda x: x[1:], "length of coefficients"),
    ((*MODEL, "intercepts", 0), "NaN", "intercepts"),
]


@pytest.mark.parametrize(
    ("path", "value", "said"), TAMPERED, ids=[f"{place}" for place in range(len(TAMPERED))]
)
def test_what_is_tampered_with_is_refused_by_name(
    made: Made, path: tuple[Any, ...], value: Any, said: str
) -> None:
    run, data = made
    with pytest.raises(InvalidResult) as refused:
        read_result(tampered(data, *path, value=value), run)
    assert said in str(refused.value)


def test_the_most_frequent_class_is_that_of_the_trained_rows(made: Made) -> None:
    run, data = made
    place = next(k for k, each in enumerate(data["models"]) if each["name"] == "most frequent")
    changed = tampered(data, "models", place, "scores", value=lambda x: [[0.0, 0.0, 1.0]] * len(x))
    changed = tampered(changed, "models", place, "predictions", value=lambda x: [2] * len(x))
    with pytest.raises(InvalidResult, match="most frequent"):
        read_result(changed, run)


def test_large_models_rest_on_the_jobs_word_where_recomputing_takes_too_long(
    made: Made, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, data = made
    found = read_result(data, run)
    assert isinstance(found, ClassificationResult)
    assert recomputed_rows(found.model, 15) == 15
    model = found.model.model
    assert isinstance(model, KernelModel)
    state, n_support = 3 * 2 * 8, len(model.support)
    work = n_support * state + 4 * (state + 8 * n_support)
    monkeypatch.setattr("quantum_pipeline.results.classification_checks.MOST_WORK", work)
    assert recomputed_rows(found.model, 15) == 4
    read_result(tampered(data, "models", 0, "scores", 14, 0, value=lambda x: 1.01 * x), run)
    with pytest.raises(InvalidResult, match=r"models\.quantum\.scores\.0"):
        read_result(tampered(data, "models", 0, "scores", 0, 0, value=lambda x: 1.01 * x), run)
