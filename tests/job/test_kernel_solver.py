"""Quantum kernels as a job runs them: what is fitted, how settings are chosen, what is compared."""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.multiclass import OneVsRestClassifier
from sklearn.svm import SVC

from hybrid_job.job import KernelJob
from hybrid_job.journal import Journal
from hybrid_job.learning import machines, picture
from hybrid_job.learning.classical import MODELS
from hybrid_job.learning.convergence import Unconverged
from hybrid_job.learning.quantum_kernel import KernelLearner
from hybrid_job.learning.search import Chooser, Grid, Point, Setting
from hybrid_job.learning.table import Table
from quantum_pipeline.classification import kernels
from quantum_pipeline.classification.prediction import predict
from quantum_pipeline.classification.stored import KernelModel
from quantum_pipeline.errors import InvalidResult
from quantum_pipeline.planning.prepared import PreparedRun
from quantum_pipeline.problems.classification import Classification
from quantum_pipeline.requests.algorithm import SettledKernel
from quantum_pipeline.results.classification import ClassificationResult, Competed
from tests.job.classification_jobs import clusters, prepared, solved, table_of

RNG = np.random.default_rng(11)


def accuracies(run: PreparedRun, result: ClassificationResult) -> dict[str, float]:
    problem = run.request.problem
    assert isinstance(problem, Classification)
    labels = np.array(problem.labels)[problem.parts.tested]
    return {each.name: float(np.mean(labels == each.predictions)) for each in result.models}


def learner_of(run: PreparedRun, folder: Path, *, entangled: bool = True) -> KernelLearner:
    problem, algorithm = run.request.problem, run.request.algorithm
    assert isinstance(problem, Classification)
    assert isinstance(algorithm, SettledKernel)
    with closing(Journal(folder, run.request)) as journal:
        job = KernelJob(run, journal, time.monotonic(), problem, algorithm)
        return KernelLearner(job, Table.of(problem, algorithm.folds), entangled=entangled)


def test_a_plane_is_drawn_of_a_column_that_is_the_same_in_all_rows(tmp_path: Path) -> None:
    rows = np.column_stack([np.arange(12.0) % 5, np.full(12, 7.0)])
    learner = learner_of(prepared(table_of(rows, "ab" * 6)), tmp_path)
    setting: Setting = {"encoding": "angle", "kernel": "fidelity", "bandwidth": 1.0, "C": 1.0}
    drawn = picture.boundary(learner.table, learner.table.stored("r1", learner.model(setting)))
    assert drawn is not None
    assert all(np.diff(axis).min() > 0 for axis in (drawn.first, drawn.second))


@pytest.fixture(scope="module")
def apart(tmp_path_factory: pytest.TempPathFactory) -> tuple[PreparedRun, ClassificationResult]:
    """Three clusters far apart, and what a job finds."""
    run = prepared(clusters())
    return run, solved(run, tmp_path_factory.mktemp("apart"))


def test_clusters_far_apart_are_told_apart_by_every_model(
    apart: tuple[PreparedRun, ClassificationResult],
) -> None:
    run, result = apart
    found = accuracies(run, result)
    assert found.pop("most frequent") < 0.5
    assert len(found) == 6
    assert set(found.values()) == {1.0}


def test_every_model_has_the_same_number_of_settings_on_the_same_folds(
    apart: tuple[PreparedRun, ClassificationResult],
) -> None:
    models = {each.name: each for each in apart[1].models}
    assert models.pop("most frequent").fits == 1
    assert {each.fits for each in models.values()} == {4}
    assert {len(each.fold_accuracies) for each in models.values()} == {3}


def test_the_stored_model_says_what_the_result_says(
    apart: tuple[PreparedRun, ClassificationResult],
) -> None:
    run, result = apart
    problem = run.request.problem
    assert isinstance(problem, Classification)
    found = predict(result.model, problem.numbers[problem.parts.tested])
    quantum = result.models[0]
    assert found.classes.tolist() == list(quantum.predictions)
    assert [tuple(row) for row in found.scores.tolist()] == list(quantum.scores)


def test_a_second_attempt_reads_the_first_ones_settings(tmp_path: Path) -> None:
    run = prepared(clusters(2, 40), max_evaluations=2)
    first = solved(run, tmp_path)
    (journal,) = tmp_path.glob("journal-*")
    lines = journal.read_text().splitlines()
    journal.write_text("".join(f"{line}\n" for line in lines[:5]))
    second = solved(run, tmp_path)
    assert journal.read_text().splitlines()[:5] == lines[:5]
    assert len(journal.read_text().splitlines()) == len(lines)

    def timeless(models: Sequence[Competed]) -> list[Competed]:
        return [each.model_copy(update={"seconds": 0.0}) for each in models]

    assert timeless(second.models) == timeless(first.models)
    assert second.model == first.model


def test_a_setting_of_the_journal_has_as_many_folds(tmp_path: Path) -> None:
    run = prepared(clusters(2, 40))
    solved(run, tmp_path, late=True)
    (journal,) = tmp_path.glob("journal-*")
    line = journal.read_text().splitlines()[0].replace('"accuracies": [', '"accuracies": [0.5, ')
    journal.write_text(line + "\n")
    with pytest.raises(InvalidResult, match=r"quantum, setting 1.*length of accuracies: got 4"):
        solved(run, tmp_path, late=True)


def test_models_that_do_not_fit_in_the_time_are_left_out_by_name(tmp_path: Path) -> None:
    result = solved(prepared(clusters(2, 40)), tmp_path, late=True)
    assert [each.name for each in result.models] == ["quantum", "most frequent"]
    assert result.left_out == (
        "without entanglement", "logistic regression", "rbf svm", "gradient boosting", "mlp",
    )  # fmt: skip
    assert result.stopped_by == "limits.max_runtime_seconds"
    assert "1 of up to 4 settings" in result.stop_reason


@pytest.mark.parametrize("n_classes", [2, 3])
def test_machines_are_those_of_one_class_against_the_rest(n_classes: int) -> None:
    rows, classes = RNG.normal(size=(50, 3)), RNG.integers(n_classes, size=50)
    gram = np.exp(-kernels.distances(rows))
    found = machines.of_kernel(gram, classes, n_classes, 2.0).scores(gram)
    peer = OneVsRestClassifier(SVC(C=2.0, kernel="precomputed")).fit(gram, classes)
    wanted = peer.decision_function(gram).reshape(50, -1)
    assert abs(found - wanted).max() < 1e-9


def test_a_fold_of_one_side_alone_says_that_side() -> None:
    gram, classes = np.eye(4), np.array([0, 0, 2, 2])
    scores = machines.of_kernel(gram, classes, 3, 1.0).scores(gram)
    assert (scores[:, 1] == -1).all()


def test_landmarks_that_are_all_rows_make_the_kernel_itself(tmp_path: Path) -> None:
    """Nystroem's features with every row: their products are the kernel matrix."""
    run = prepared(clusters(2, 40), kernel="fidelity", encoding="iqp", landmarks=12)
    learner = learner_of(run, tmp_path)
    learner._landmarks = np.arange(len(learner.table.classes))
    setting: Setting = {"encoding": "iqp", "kernel": "fidelity", "bandwidth": 0.7, "C": 1.0}
    features = learner._columns(setting)
    assert np.allclose(features @ features.T, learner._matrix(setting), rtol=0, atol=1e-8)


@pytest.mark.parametrize("kernel", ["fidelity", "projected"])
def test_a_model_of_landmarks_predicts_what_its_machine_says(tmp_path: Path, kernel: str) -> None:
    run = prepared(clusters(3, 60), kernel=kernel, encoding="iqp", landmarks=10)
    learner = learner_of(run, tmp_path)
    setting: Setting = {
        "encoding": "iqp",
        "kernel": kernel,
        "bandwidth": 0.4,
        "C": 10.0,
        "width": 1.0,
    }
    model = learner.model(setting)
    every = np.arange(len(learner.table.classes))
    direct = learner.scores(setting, every, every)
    stored = learner.table.stored("r", model)
    problem = learner.table.problem
    found = predict(stored, problem.numbers[problem.parts.trained]).scores
    assert len(model.support) == 10
    assert abs(found - direct).max() < 1e-7


def test_what_is_asked_for_is_not_varied(tmp_path: Path) -> None:
    run = prepared(
        clusters(2, 40), kernel="projected", encoding="angle", bandwidth=0.3, regularisation=5.0
    )
    found = solved(run, tmp_path, late=True).model.model
    assert isinstance(found, KernelModel)
    assert (found.kernel, found.encoding.name) == ("projected", "angle")
    assert (found.bandwidth, found.regularisation) == (0.3, 5.0)
    assert found.gamma is not None


def test_without_entanglement_the_circuit_has_no_gates_of_two_qubits(tmp_path: Path) -> None:
    learner = learner_of(prepared(clusters()), tmp_path, entangled=False)
    setting: Setting = {"encoding": "iqp", "kernel": "fidelity", "bandwidth": 0.7, "C": 1.0}
    encoding = learner.model(setting).encoding
    assert not encoding.entangled
    assert {len(gate.qubits) for gate in encoding.gates(learner.table.trained[0])} == {1}


def test_shuffled_labels_leave_nothing_to_learn(tmp_path: Path) -> None:
    """Of 120 tested rows 0.5 +- 0.137 is three standard deviations around chance."""
    rows = RNG.normal(size=(240, 3))
    classes = RNG.permutation(np.arange(240) % 2)
    run = prepared(table_of(rows, classes.tolist(), test_share=0.5), max_evaluations=2, folds=2)
    found = accuracies(run, solved(run, tmp_path))
    assert len(found) == 7
    for name, accuracy in found.items():
        assert abs(accuracy - 0.5) < 0.137, name


def test_most_frequent_says_the_class_of_most_trained_rows(tmp_path: Path) -> None:
    learner = learner_of(prepared(clusters(3, 60)), tmp_path)
    table = learner.table
    classes = np.where(np.arange(len(table.classes)) < 30, 2, table.classes)
    frequent = MODELS[0](Table(table.problem, table.scaling, classes, table.folds), 0, 1)
    assert frequent.tested({}).argmax(axis=1).tolist() == [2] * len(table.problem.parts.tested)


GRIDS: list[Grid] = [{"a": (1.0, 2.0, 3.0), "b": (1.0, 2.0, 3.0)}, {"a": (1.0, 2.0, 3.0)}]


def chosen(count: int, value: Any) -> list[Point]:
    chooser = Chooser(GRIDS, count, np.random.default_rng(0))
    points: list[Point] = []
    while len(points) < count:
        point = chooser.next(points, [value(each) for each in points])
        if point is None:
            break
        points.append(point)
    return points


def test_families_take_turns_from_the_middle_and_no_setting_comes_twice() -> None:
    points = chosen(20, lambda _: 0.5)
    assert points[:2] == [Point(0, (1, 1)), Point(1, (1,))]
    assert [each.grid for each in points[:4]] == [0, 1, 0, 1]
    assert len(set(points)) == len(points) == 12


def test_the_second_half_is_near_the_best() -> None:
    middle = Point(0, (1, 1))
    points = chosen(10, lambda each: 1.0 if each == middle else 0.0)
    assert points[0] == middle
    apart = [sum(abs(k - 1) for k in each.indices) for each in points[5:7]]
    assert [each.grid for each in points[5:7]] == [0, 0]
    assert apart == [1, 1]


def test_fits_that_do_not_converge_are_counted() -> None:
    gram = np.exp(-kernels.distances(RNG.normal(size=(40, 2))))
    with Unconverged() as found, pytest.MonkeyPatch.context() as patch:
        patch.setattr(machines, "MOST_STEPS", 1)
        machines.of_kernel(gram, np.arange(40) % 3, 3, 1.0)
    assert found.count == 3
