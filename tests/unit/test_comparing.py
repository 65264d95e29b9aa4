"""`qpipe compare`: figures and requests side by side, and the page that draws them."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner, Result

from quantum_pipeline.cli.entry import main
from quantum_pipeline.local.catalogue_file import CatalogueFile
from quantum_pipeline.local.run_folder import record_of_folder
from quantum_pipeline.pages.comparison import Comparison
from tests.unit.finished_molecule import H2, prepared_molecule, report_of_molecule
from tests.unit.finished_run import (
    PETERSEN,
    TRIANGLE,
    outcome_of,
    prepared_run,
    report_of,
    solved_run,
)

PROBLEMS: Mapping[str, Any] = {
    "first": (PETERSEN, {"seed": 1, "owner": "ann"}),
    "second": (PETERSEN, {"seed": 2, "shots": 200}),
    "triangle": (TRIANGLE, {}),
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three runs that succeeded, a molecule, and one that failed, each with its files."""
    folder = tmp_path_factory.mktemp("runs")
    for name, (problem, request) in PROBLEMS.items():
        prepared = prepared_run(problem, **request).model_copy(update={"run_id": name})
        write(folder / name, prepared, report_of(prepared, solved_run(prepared)))
    molecule = prepared_molecule(H2).model_copy(update={"run_id": "molecule"})
    write(folder / "molecule", molecule, report_of_molecule(molecule))
    failed = prepared_run(PETERSEN, seed=1, owner="ann").model_copy(update={"run_id": "failed"})
    write(folder / "failed", failed, None)
    records = (record_of_folder(each) for each in sorted(folder.iterdir()))
    CatalogueFile(folder).add_all(filter(None, records))
    return folder


def write(folder: Path, prepared: Any, report: Any) -> None:
    ended_at = outcome_of(prepared, ()).completed_at.isoformat()
    end = {"run_id": folder.name, "status": "SUCCEEDED", "ended_at": ended_at}
    files = {"prepared.json": prepared.model_dump_json(by_alias=True)}
    if report is None:
        failure = end | {"status": "FAILED", "error": "JobFailed", "cause": "<b>lost</b>"}
        files["failure.json"] = json.dumps(failure)
    else:
        files |= {"completed.json": json.dumps(end)}
        files |= {"report.json": report.model_dump_json(by_alias=True)}
    folder.mkdir()
    for name, content in files.items():
        (folder / name).write_text(content, encoding="utf-8")


def compared(folder: Path, *arguments: str) -> Result:
    return CliRunner().invoke(main, ["compare", *arguments, "--output", str(folder)])


def rows(text: str) -> dict[str, list[str]]:
    return {words[0]: words[1:] for line in text.splitlines() if (words := line.split())}


def test_figures_and_differing_requests_stand_side_by_side(folder: Path) -> None:
    result = compared(folder, "first", "second")
    assert result.exit_code == 0, result.stderr
    found = rows(result.stdout)
    assert found["quality.objective"] == ["12", "12"]
    assert found["algorithm.shots"] == ["1000", "200"]
    assert (found["seed"], found["shots"]) == (["1", "2"], ["1000", "200"])
    assert found["owner"] == ['"ann"']
    assert "problem.edges" not in found  # it is the same


def test_the_page_has_the_tables_and_what_was_sampled_and_seen(folder: Path) -> None:
    page = folder / "comparison.html"
    assert compared(folder, "first", "second", "failed").exit_code == 0
    html = page.read_text("utf-8")
    pictures = re.findall(r'src="data:image/png;base64,([^"]+)" alt="(\w+)', html)
    assert [title for _, title in pictures] == ["Convergence", "Distributions"]
    assert all(base64.b64decode(png).startswith(b"\x89PNG") for png, _ in pictures)
    assert "<code>seed</code>" in html
    assert "<td>JobFailed</td>" in html


def test_the_page_of_an_unknown_run_is_not_written(folder: Path, tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    result = compared(folder, "failed", "failed-not", "--page", str(page))
    assert result.exit_code == 2
    assert 'RUN: got "failed-not"' in result.stderr
    assert not page.exists()


def test_what_is_compared_as_json_is_the_records_and_their_differences(folder: Path) -> None:
    found = json.loads(compared(folder, "first", "molecule", "--json").stdout)
    assert [each["run_id"] for each in found["runs"]] == ["first", "molecule"]
    assert found["differences"]["problem.type"] == {"first": '"maxcut"', "molecule": '"chemistry"'}


def test_energies_of_one_problem_are_drawn_as_they_are_and_of_several_as_shares() -> None:
    petersen, triangle = (
        report_of(prepared, solved_run(prepared))
        for prepared in (prepared_run(PETERSEN), prepared_run(TRIANGLE))
    )
    energies = np.array([-12.0, -7.5])  # the optimum, and random bits: half of 15 edges
    alone, both = Comparison((petersen, petersen)), Comparison((petersen, triangle))
    same = alone.scaled(petersen, energies)
    assert same is not None
    assert same.tolist() == [-12.0, -7.5]
    shares = both.scaled(petersen, energies)
    assert shares is not None
    assert shares == pytest.approx([0.0, 1.0])
    assert both.scaled(triangle, np.array([-2.0, -1.5])) == pytest.approx([0.0, 1.0])


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["first"], "2 to 12 different runs"),
        (["first", "first"], "2 to 12 different runs"),
        ([f"r{k}" for k in range(13)], "2 to 12 different runs"),
        (["first", "second", "--page", "/nowhere/page.html"], "--page: got"),
    ],
)
def test_what_cannot_be_compared_is_refused_by_name(
    folder: Path, arguments: list[str], said: str
) -> None:
    result = compared(folder, *arguments)
    assert result.exit_code == 2
    assert said in result.stderr
