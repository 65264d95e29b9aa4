"""Re-uploading as the job runs it: the model that is stored, attempts, and time."""

from __future__ import annotations

import time
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hybrid_job.journal import Journal
from hybrid_job.learning.reuploading_learner import Trained
from hybrid_job.main import solve
from quantum_pipeline.classification.prediction import predict
from quantum_pipeline.errors import InvalidResult
from quantum_pipeline.planning.prepared import PreparedRun
from quantum_pipeline.problems.classification import Classification
from quantum_pipeline.results.classification import ClassificationResult
from tests.unit.finished_run import prepared_run

QUICK = {"name": "reuploading", "depth": 1, "max_evaluations": 1, "max_epochs": 6, "folds": 2}


def quadrants(**algorithm: Any) -> PreparedRun:
    """Return a run whose classes are those of the sign of x y."""
    points = np.random.default_rng(5).uniform(-1, 1, size=(48, 2)).round(3)
    rows = [[*point, "same" if point[0] * point[1] > 0 else "other"] for point in points.tolist()]
    problem = {"type": "classification", "columns": ["x", "y", "sign"], "rows": rows}
    return prepared_run(problem | {"target": "sign"}, algorithm=QUICK | algorithm)


def solved(prepared: PreparedRun, folder: Path, ago: float = 0.0) -> ClassificationResult:
    """Return the result of a job that started a while ago."""
    with closing(Journal(folder, prepared.request)) as journal:
        result = solve(prepared, journal, time.monotonic() - ago)
    assert isinstance(result, ClassificationResult)
    return result


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> tuple[PreparedRun, Path, ClassificationResult]:
    prepared, folder = quadrants(), tmp_path_factory.mktemp("journal")
    return prepared, folder, solved(prepared, folder)


Run = tuple[PreparedRun, Path, ClassificationResult]


def test_what_the_model_says_is_what_its_record_says(run: Run) -> None:
    prepared, _, result = run
    problem, quantum = prepared.request.problem, result.models[0]
    assert isinstance(problem, Classification)
    found = predict(result.model, problem.numbers[problem.parts.tested])
    assert quantum.name == "quantum"
    assert quantum.predictions == tuple(found.classes.tolist())
    assert quantum.scores == tuple(map(tuple, found.scores.tolist()))
    assert result.model.model.kind == "reuploading"
    assert result.gram is None


def test_the_history_is_the_loss_of_the_epochs_of_the_last_fit(run: Run) -> None:
    _, _, result = run
    assert [each.epoch for each in result.epochs] == [1, 2, 3, 4, 5, 6]
    assert [each.energy for each in result.history] == [each.loss for each in result.epochs]
    assert not result.converged
    assert result.stop_reason.endswith("trained for all 6 epochs")
    assert result.models[0].unconverged == 3  # two folds, and the last fit


def test_all_models_have_as_many_settings_and_folds(run: Run) -> None:
    _, _, result = run
    assert {each.name for each in result.models} >= {"without entanglement", "rbf svm"}
    assert {each.fits for each in result.models} == {1}
    assert {len(each.fold_accuracies) for each in result.models} == {2}


def test_an_attempt_that_starts_again_fits_no_circuit_again(run: Run) -> None:
    prepared, folder, result = run
    (journal,) = folder.iterdir()
    before = journal.read_bytes()
    again = solved(prepared, folder)
    assert journal.read_bytes() == before
    assert again.model == result.model
    assert again.epochs == result.epochs


def test_a_model_of_another_shape_in_the_checkpoint_is_refused(run: Run, tmp_path: Path) -> None:
    _, _, result = run
    other = quadrants(depth=2)
    with closing(Journal(tmp_path, other.request)) as journal:
        found = Trained(model=result.model.model, epochs=result.epochs, converged=True, late=False)
        journal.record_decision("quantum, trained", found)
    with pytest.raises(InvalidResult, match="shape of the model"):
        solved(other, tmp_path)


def test_a_job_whose_time_is_over_gives_what_it_has(tmp_path: Path) -> None:
    result = solved(quadrants(max_evaluations=5), tmp_path, ago=1e5)
    assert result.stopped_by == "limits.max_runtime_seconds"
    assert len(result.epochs) == 1
    assert result.left_out
