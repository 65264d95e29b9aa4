"""Reports of classifications: what follows from predictions, what is said of it, what is drawn."""

from __future__ import annotations

import json
import re

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.stats import binomtest
from sklearn.metrics import accuracy_score, balanced_accuracy_score, confusion_matrix, roc_auc_score

from quantum_pipeline.catalogue.sources import EndHeader, ReportHeader, record_of
from quantum_pipeline.cli.main_figures import main_figures
from quantum_pipeline.cli.one_run import read_report
from quantum_pipeline.errors import InvalidResult
from quantum_pipeline.pages import render
from quantum_pipeline.pages.comparison import comparison_page
from quantum_pipeline.planning.prepared import PreparedRun, RunHeader
from quantum_pipeline.reports import ClassificationReport, Report
from quantum_pipeline.results import classification_checks
from quantum_pipeline.results.classification import Competitor, Epoch
from quantum_pipeline.studies.rows import Setting, row_of
from quantum_pipeline.studies.study import Objective
from quantum_pipeline.studies.summary_parts import Spent
from quantum_pipeline.studies.worth import classical, worth
from tests.unit.finished_classification import (
    classification_report,
    classified,
    competed,
    iris,
    prepared_table,
    problem_of,
    sure,
    with_models,
)
from tests.unit.page import Page
from tests.unit.report_fields import DOCS, fields

THREE, TWO = prepared_table(iris()), prepared_table(iris(1, 2))


@pytest.fixture(scope="module")
def report() -> ClassificationReport:
    return classification_report(THREE, classified(THREE))


@pytest.mark.parametrize("prepared", [THREE, TWO], ids=["three classes", "two classes"])
def test_figures_of_every_model_are_those_of_scikit_learn(prepared: PreparedRun) -> None:
    result, problem = classified(prepared), problem_of(prepared)
    labels = np.array(problem.labels)[problem.parts.tested]
    found = classification_report(prepared, result)
    for each, model in zip(result.models, found.quality.models, strict=True):
        assert model.accuracy == accuracy_score(labels, each.predictions)
        assert model.balanced_accuracy == balanced_accuracy_score(labels, each.predictions)
        scores = np.array(each.scores)
        of = {1: 0} if len(problem.classes) == 2 else {c: c for c in range(3)}
        assert model.roc_area is not None
        areas = [roc_auc_score(labels == c, scores[:, column]) for c, column in of.items()]
        assert model.roc_area.value == pytest.approx(np.mean(areas))
    matrix = confusion_matrix(labels, result.models[0].predictions)
    assert np.array_equal(found.quality.confusion, matrix)
    assert found.objective == found.quality.accuracy == found.quality.models[0].accuracy
    names = [each.name for each in found.problem.classes]
    assert [each.tested for each in found.problem.classes] == np.bincount(labels).tolist()
    assert names == list(problem.classes)


@pytest.mark.parametrize(
    ("wrong", "others", "shown"),
    [
        (0, 6, "better"),
        (0, 5, "no difference shown"),
        (6, 0, "worse"),
        (2, 2, "no difference shown"),
    ],
)
def test_a_difference_is_said_only_where_the_paired_test_shows_it(
    wrong: int, others: int, shown: str
) -> None:
    quantum, rival = sure(THREE, wrong), sure(THREE, others, first=10)
    quality = with_models(THREE, {"quantum": quantum, "rbf svm": rival}).quality
    assert quality.outcome == quality.paired.shown == shown
    expected = binomtest(others, wrong + others).pvalue
    assert quality.paired.p_value == pytest.approx(expected)
    assert quality.difference == pytest.approx((others - wrong) / 36)
    assert shown in quality.verdict or quality.verdict.startswith("no difference to rbf svm")


def test_worse_than_the_best_of_several_takes_more_than_worse_than_one() -> None:
    """The best of several was chosen on these very rows: p = 0.031 is none of it."""
    models: dict[Competitor, NDArray[np.float64]] = {
        "quantum": sure(THREE, 6),
        "rbf svm": sure(THREE),
        "mlp": sure(THREE, 9, first=10),
    }
    quality = with_models(THREE, models).quality
    assert (quality.best_known_by, quality.paired.chosen_of) == ("rbf svm", 2)
    assert quality.outcome == "no difference shown"
    assert quality.verdict.endswith("as the best of 2, p has to be below 0.025")


def test_better_than_the_best_has_to_be_better_than_each() -> None:
    """Six rows against none tell more than ten against three, though seven is more than six."""
    models: dict[Competitor, NDArray[np.float64]] = {
        "quantum": sure(THREE, 3),
        "rbf svm": sure(THREE, 9),  # three of its rows are wrong by both
        "mlp": sure(THREE, 10, first=10),
    }
    quality = with_models(THREE, models).quality
    assert quality.best_known_by == quality.classical.method == "rbf svm"
    assert binomtest(0, 6).pvalue < 0.05 < binomtest(3, 13).pvalue
    assert quality.paired.other == "mlp"
    assert quality.paired.p_value == pytest.approx(binomtest(3, 13).pvalue)
    assert quality.outcome == quality.paired.shown == "no difference shown"
    assert quality.verdict.startswith(
        "no difference to mlp, unlike to rbf svm, was shown: 33 of 36"
    )


def test_a_cheaper_rival_is_named_with_seconds_that_differ() -> None:
    quantum = competed(THREE, "quantum", sure(THREE), seconds=0.4)
    rival = competed(THREE, "mlp", sure(THREE), seconds=0.21)
    found = classification_report(THREE, classified(THREE, models=(quantum, rival)))
    assert "rival is cheaper" in found.quality.findings
    assert "took 0.21 s instead of 0.4 s." in found.recommendations[0]


def test_of_equally_good_rivals_the_one_that_is_told_apart_least_is_taken() -> None:
    models: dict[Competitor, NDArray[np.float64]] = {
        "quantum": sure(THREE, 1),
        "rbf svm": sure(THREE, 9),  # its rows are wrong by both
        "mlp": sure(THREE, 9, first=10),
    }
    for order in (models, dict(reversed(models.items()))):
        quality = with_models(THREE, order).quality
        assert (quality.best_known_by, quality.paired.quantum_only) == ("mlp", 9)


def test_few_rows_are_said_to_show_nothing() -> None:
    few = iris()
    few["rows"] = few["rows"][45:55] + few["rows"][100:103]
    prepared = prepared_table(few | {"test_share": 0.05})
    found = with_models(prepared, {"quantum": sure(prepared), "mlp": sure(prepared, 3)})
    assert found.quality.detectable is None
    assert found.quality.verdict.endswith("(p = 0.25); so few rows can show none")
    assert "few rows" in found.quality.findings


def test_advice_is_named_and_each_name_has_its_sentence() -> None:
    chance = np.tile([1.0, 0.0, 0.0], (36, 1))
    models: dict[Competitor, NDArray[np.float64]] = {
        "quantum": chance,
        "without entanglement": chance,
        "most frequent": sure(THREE),
    }
    for gram, finding in ((0.99, "states alike"), (0.01, "states far apart")):
        matrix = np.full((4, 4), gram) + (1 - gram) * np.eye(4)
        found = with_models(
            THREE, models, gram=tuple(map(tuple, matrix.tolist())), gram_classes=(0, 0, 1, 1)
        )
        expected = ("rival is better", "nothing learned", "entanglement buys nothing", finding)
        assert found.quality.findings == expected
        assert len(found.recommendations) == 4
        assert found.kernel is not None
        assert found.kernel.mean == pytest.approx(gram)
    found = with_models(THREE, models, left_out=("mlp", "without entanglement"))
    assert "models left out" in found.quality.findings
    assert found.quality.verdict.endswith("; there was no time to tune mlp")
    rare = iris()
    rare["rows"] = rare["rows"][:60]
    prepared = prepared_table(rare)
    assert (
        "unbalanced"
        in with_models(
            prepared, {"quantum": sure(prepared), "mlp": sure(prepared)}
        ).quality.findings
    )


def test_a_quantum_model_that_stands_alone_is_refused() -> None:
    result = classified(THREE)
    with pytest.raises(InvalidResult, match="models: none is classical"):
        classification_report(THREE, result.model_copy(update={"models": result.models[:1]}))


def test_the_report_is_read_as_what_it_is_and_its_fields_are_in_the_docs(
    report: ClassificationReport,
) -> None:
    content = report.model_dump_json(by_alias=True).encode()
    assert read_report(content) == report
    section = DOCS.read_text("utf-8").partition("## Classifications")[2].partition("\n## ")[0]
    documented = re.findall(r"^\| `([^`]+)` \|", section, flags=re.MULTILINE)
    assert len(documented) == len(set(documented))
    own = fields(ClassificationReport) - fields(Report)
    assert set(documented) == own
    for figure in (each for word in report.jobs_word for each in word.figures):
        assert [path for path in fields(ClassificationReport) if path.startswith(figure)], figure


def test_predictions_that_were_not_recomputed_are_the_jobs_word(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(classification_checks, "MOST_WORK", 1)
    partly = classification_report(THREE, classified(THREE)).jobs_word[0]
    assert partly.held_to.endswith("36 tested rows the model's predictions were recomputed for 0")
    assert "quality.accuracy" in partly.figures


def test_page_and_pictures_are_those_that_the_report_names(report: ClassificationReport) -> None:
    files = render(report)
    names = ("accuracy", "confusion", "roc", "training", "kernel", "boundary")
    assert set(files) == {"report.html", *(f"plots/{name}.png" for name in names)}
    page = Page(files["report.html"].decode())
    images = [attributes for tag, attributes in page.tags if tag == "img"]
    assert len(images) == len(names)
    assert report.quality.verdict in page.words
    assert "qpipe predict r1 rows.csv" in page.words


def test_a_course_of_epochs_is_drawn_and_names_of_classes_are_text() -> None:
    hostile = iris(1, 2)
    hostile["rows"] = [[*row[:4], f"<b>{row[4]}$x_{{"] for row in hostile["rows"]]
    prepared = prepared_table(hostile)
    epochs = tuple(
        Epoch(epoch=k, loss=1 / k, validation_loss=1.1 / k, validation_accuracy=1 - 0.5 / k)
        for k in range(1, 9)
    )
    result = classified(prepared, epochs=epochs, gram=None, gram_classes=(), boundary=None)
    found = classification_report(prepared, result)
    assert "plots/kernel.png" not in found.artifacts.plots
    plots = ("plots/accuracy.png", "plots/training.png")
    artifacts = found.artifacts.model_copy(update={"plots": plots})
    files = render(found.model_copy(update={"artifacts": artifacts}))
    page = Page(files["report.html"].decode())
    assert "b" not in {tag for tag, _ in page.tags}
    assert "<b>versicolor$x_{" in page.text


def test_console_record_study_and_comparison_know_its_figures(report: ClassificationReport) -> None:
    data = json.loads(report.model_dump_json(by_alias=True))
    lines = dict(main_figures(data))
    assert lines["verdict"] == report.quality.verdict
    assert lines["accuracy"].startswith("94.4 % of 36 tested rows (81.9 % to 98.5 %")
    header = ReportHeader.model_validate(data)
    end = EndHeader(run_id="r1", status="SUCCEEDED", ended_at=report.completed_at)
    record = record_of(end, RunHeader.model_validate_json(THREE.model_dump_json()), header)
    assert record.quality is not None
    assert record.quality.objective == report.quality.accuracy
    assert record.quality.best_known_by == "logistic regression"
    assert record.quality.p_value == report.quality.paired.p_value
    assert report.quality.roc_area is not None
    assert record.quality.roc_area == report.quality.roc_area.value
    row = row_of(
        Setting(number=0, values={}), "r1", data, {}, Objective(path="quality.balanced_accuracy")
    )
    assert row.objective == report.quality.balanced_accuracy
    assert row.figures["quality.outcome"] == "no difference shown"
    found = classical([row, row])
    assert (found.equal, found.undecided) == (0, 2)
    spent = Spent(usd=0.5, cap_usd=1.0, unknown=0, job_seconds=9.0)
    assert worth(found, spent).because.endswith("be better; all 2 runs showed no difference")
    html = comparison_page(["a", "b"], [], [], [report, report])
    assert html.count("<figure>") == 1
    assert "Accuracies" in html
