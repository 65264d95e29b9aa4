"""``qpipe predict``: classes of other rows by a stored model, and what of a file is refused."""

from __future__ import annotations

import csv
import io
import json
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner, Result

from quantum_pipeline.classification.prediction import predict
from quantum_pipeline.classification.stored import StoredModel
from quantum_pipeline.cli.entry import main
from quantum_pipeline.cli.predicting import stored_model
from quantum_pipeline.errors import InvalidRequest
from tests.unit.finished_classification import classified, iris, prepared_table, problem_of

WITH_WORDS = {
    "type": "classification",
    "columns": ["size", "colour", "kind"],
    "rows": [
        [float(k % 4), "red" if k % 2 else "blue", "yes" if k % 4 > 1 else "no"] for k in range(24)
    ],
    "target": "kind",
    "missing": "impute",
}
QPIPE = str(Path(sys.executable).with_name("qpipe"))
Rows = Sequence[Sequence[object]]


def written(folder: Path, names: Sequence[str], rows: Rows) -> str:
    """Write a CSV, and return its path."""
    path = folder / "rows.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([names, *rows])
    return str(path)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder of runs: of irises, of a table with words, and one without a model."""
    runs = tmp_path_factory.mktemp("runs")
    for run_id, problem in (("irises", iris()), ("words", WITH_WORDS)):
        (runs / run_id).mkdir()
        model = classified(prepared_table(problem)).model.model_copy(update={"run_id": run_id})
        (runs / run_id / "model.json").write_text(model.model_dump_json())
    record: dict[str, Any] = {"run_id": "cut", "status": "SUCCEEDED"}
    (runs / "catalogue.jsonl").write_text(json.dumps(record, separators=(",", ":")) + "\n")
    return runs


@pytest.fixture
def said(folder: Path) -> Callable[..., Result]:
    """Return a function that runs the command."""

    def run(*arguments: str) -> Result:
        return CliRunner().invoke(main, ["predict", *arguments, "--output", str(folder)])

    return run


def test_a_fresh_process_says_the_same_bit_for_bit(folder: Path, tmp_path: Path) -> None:
    problem = problem_of(prepared_table(iris()))
    tested = [problem.rows[place] for place in problem.parts.tested]
    turned = [row[::-1] for row in tested]  # columns are known by their names
    path = written(tmp_path, problem.columns[::-1], turned)
    stored = StoredModel.model_validate_json((folder / "irises" / "model.json").read_bytes())
    expected = predict(stored, problem.numbers[problem.parts.tested])
    command = [QPIPE, "predict", str(folder / "irises" / "model.json"), path, "--json"]
    out = subprocess.run(command, check=True, capture_output=True, text=True)
    found = json.loads(out.stdout)
    scores = np.array([list(row["scores"].values()) for row in found["rows"]])
    assert scores.tobytes() == expected.scores.tobytes()
    assert [row["class"] for row in found["rows"]] == [
        problem.classes[number] for number in expected.classes
    ]
    labels = np.array(problem.labels)[problem.parts.tested]
    assert (found["right"], found["known"]) == ((labels == expected.classes).sum(), 36)


def test_rows_alone_are_enough_and_every_form_says_the_same(
    folder: Path, said: Callable[..., Result], tmp_path: Path
) -> None:
    path = written(tmp_path, ["colour", "size", "note"], [["red", 3, "a"], ["blue", 0.5, ""]])
    data = json.loads(said("words", path, "--json").stdout)
    assert data["right"] is data["known"] is None
    [header, *lines] = csv.reader(io.StringIO(said("words", path, "--csv").stdout))
    assert header == ["kind", "score yes"]
    assert [line[0] for line in lines] == [row["class"] for row in data["rows"]]
    assert [float(line[1]) for line in lines] == [row["scores"]["yes"] for row in data["rows"]]
    assert json.loads(said(str(folder / "words"), path, "--json").stdout) == data
    table = said("words", path).stdout.splitlines()
    assert table[0].split() == ["row", "kind", "score", "yes"]
    assert [line.split()[:2] for line in table[1:]] == [
        [str(number), row["class"]] for number, row in enumerate(data["rows"])
    ]


def test_unknown_words_are_none_of_the_known_and_counted(
    said: Callable[..., Result], tmp_path: Path
) -> None:
    path = written(
        tmp_path,
        ["colour", "size", "kind"],
        [["green", 3, "yes"], ["red", "", "No"], ["grey", 1, ""]],
    )
    found = said("words", path)
    assert "kind: 1 row has a class that the model does not know" in found.stderr
    assert "colour: 2 cells are words that the model has not seen" in found.stderr
    assert " of 2 rows right" in found.stderr


IRIS = ["sepal length", "sepal width", "petal length", "petal width"]
REFUSED = [
    ("irises", ["petal width"], [[1]], "also sepal length, sepal width, petal length"),
    ("words", ["size", "colour"], [[1, "red"], ["big", "red"]], 'line 3, column size: got "big"'),
    ("irises", IRIS, [[1, 2, 3, 4], [1, 2, "", 4]], "rows.1.petal length: got null; allowed: a"),
    ("cut", ["size"], [[1]], 'RUN: got "cut"; allowed: a classification that succeeded'),
    ("no-such-run", ["size"], [[1]], 'RUN: got "no-such-run"; allowed: a run that has ended'),
    ("nowhere/model.json", ["size"], [[1]], "allowed: a model.json that can be read (No such"),
]


@pytest.mark.parametrize(("run", "names", "rows", "words"), REFUSED, ids=range(len(REFUSED)))
def test_what_cannot_be_predicted_is_refused_by_name(
    request: pytest.FixtureRequest, run: str, names: list[str], rows: Rows, words: str
) -> None:
    said, folder = (request.getfixturevalue(name) for name in ("said", "tmp_path"))
    found = said(run, written(folder, names, rows))
    assert (found.exit_code, found.stdout) == (2, "")
    assert words in " ".join(found.stderr.split())


def test_a_file_that_is_no_model_is_refused(said: Callable[..., Result], tmp_path: Path) -> None:
    (tmp_path / "model.json").write_text('{"run_id": 3}')
    path = written(tmp_path, ["size"], [[1]])
    found = said(str(tmp_path / "model.json"), path)
    assert found.exit_code == 2
    assert "model.json: run_id: got 3; allowed: text" in " ".join(found.stderr.split())


CHANGED: list[tuple[tuple[str | int, ...], Any, str]] = [
    (("model", "kind"), "pickle", 'model.kind: got "pickle"; allowed: one of kernel, reuploading'),
    (("model",), {}, "model.kind: missing; allowed: one of kernel, reuploading"),
    (("model",), 3, "model: got 3; allowed: an object whose kind is one of kernel, reuploading"),
    (("scaling", "scales", 0), 0.0, "scales.0: got 0.0; allowed: a number above 0, up to 1e+30"),
    (("columns", 0, "name"), "petal width", 'columns: got ["petal width", "sepal width", "petal'),
    (("classes", 0), "virginica", 'classes: got ["virginica", "versicolor", "virginica"]; allowed'),
    (("target",), "petal width", 'target: got "petal width"; allowed: another name than those of'),
]


@pytest.mark.parametrize(("place", "value", "words"), CHANGED, ids=range(len(CHANGED)))
def test_what_is_changed_in_a_model_is_named(
    folder: Path, place: tuple[str | int, ...], value: Any, words: str
) -> None:
    data = json.loads((folder / "irises" / "model.json").read_bytes())
    inner = data
    for step in place[:-1]:
        inner = inner[step]
    inner[place[-1]] = value
    with pytest.raises(InvalidRequest) as refused:
        stored_model(json.dumps(data).encode())
    assert words in str(refused.value)
