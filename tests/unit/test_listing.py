"""`qpipe list` on this machine: what is shown of a catalogue, and what is refused."""

from __future__ import annotations

import csv
import io
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from quantum_pipeline.cli.entry import main
from quantum_pipeline.local.catalogue_file import CatalogueFile
from tests.unit.finished_run import PETERSEN, prepared_run, report_of, solved_run

Json = dict[str, Any]
STORED: Json = json.loads(Path(__file__).with_name("record_v1.json").read_text("utf-8"))
FAILED: Json = {"status": "FAILED", "error": "JobFailed", "quality": None, "algorithm": None}
REFUSED: Json = {**FAILED, "error": "InvalidRequest", "problem": None, "device": None, "cost": None}
ON_BOTH: Json = {
    "device": STORED["device"] | {"name": "Garnet"},
    "others": [STORED["device"] | {"name": "Emerald"}],
}
RUNS: tuple[tuple[str, Json], ...] = (
    ("petersen", {}),
    ("broken", {**FAILED, "owner": "bob"}),
    ("refused", REFUSED | {"owner": None, "tags": {}}),
    ("stopped", {**FAILED, "status": "CANCELLED", "tags": {"project": "P2", "urgent": ""}}),
    ("on-garnet", ON_BOTH | {"study": "angles"}),
)
"""The oldest first: one a day from 1 November."""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    CatalogueFile(tmp_path).add_all(
        json.dumps(
            STORED | {"run_id": name, "ended_at": f"2026-11-{day:02}T12:00:00Z"} | changes,
            separators=(",", ":"),
        )
        for day, (name, changes) in enumerate(RUNS, 1)
    )
    return tmp_path


@pytest.fixture
def listed(folder: Path) -> Callable[..., Result]:
    """Calls `qpipe list` with options; its output is not mixed."""
    return lambda *options: CliRunner().invoke(main, ["list", "--output", str(folder), *options])


def found(result: Result) -> list[str]:
    assert result.exit_code == 0, result.stderr
    return [each["run_id"] for each in json.loads(result.stdout)]


def test_runs_are_listed_the_newest_first_with_what_came_of_them(listed: Any) -> None:
    header, *lines = listed().stdout.splitlines()
    assert header.split() == ["run", "ended", "(UTC)", "result", "problem", "by", "device", "USD",
                              "job", "s", "owner"]  # fmt: skip
    assert [line.split()[0] for line in lines] == [name for name, _ in reversed(RUNS)]
    assert lines[0].split()[1:] == ["2026-11-05", "12:00", "0.8689", "maxcut", "10", "qaoa", "p=2",
                                    "Garnet+Emerald", "0.0020", "48.2", "ann"]  # fmt: skip
    assert lines[2].split()[3:] == ["InvalidRequest", "48.2"]
    assert max(map(len, lines)) <= 100


def test_a_table_is_listed_by_its_rows_and_columns_then_its_qubits(tmp_path: Path) -> None:
    features = {"kind": "table", "n_qubits": 4, "n_rows": 178, "n_columns": 13}
    problem = {"type": "classification", "features": features}
    quality = STORED["quality"] | {"objective": 0.95, "balanced_accuracy": 0.94}
    record = STORED | {"problem": problem, "quality": quality}
    CatalogueFile(tmp_path).add_all([json.dumps(record, separators=(",", ":"))])
    shown = CliRunner().invoke(main, ["list", "--output", str(tmp_path)]).stdout.splitlines()[1]
    assert "classification 178x13 4" in shown
    assert "95 % right" in shown


def test_an_answer_without_a_mean_is_listed_by_its_own_ratio(tmp_path: Path) -> None:
    quality = STORED["quality"] | {"expected_ratio": None, "approximation_ratio": 0.99}
    record = STORED | {"quality": quality}
    CatalogueFile(tmp_path).add_all([json.dumps(record, separators=(",", ":"))])
    shown = CliRunner().invoke(main, ["list", "--output", str(tmp_path)]).stdout.splitlines()[1]
    assert " 0.9900 best " in shown


@pytest.mark.parametrize(
    ("options", "names"),
    [
        (["--status", "failed"], ["refused", "broken"]),
        (["--status", "Cancelled"], ["stopped"]),
        (["--device", "garnet"], ["on-garnet"]),
        (["--device", "emerald"], ["on-garnet"]),
        (["--study", "angles"], ["on-garnet"]),
        (["--owner", "bob"], ["broken"]),
        (["--tag", "urgent"], ["stopped"]),
        (["--tag", "project=P1"], ["on-garnet", "broken", "petersen"]),
        (["--tag", "project=P2", "--tag", "urgent="], ["stopped"]),
        (["--type", "maxcut", "--status", "succeeded"], ["on-garnet", "petersen"]),
        (["--type", "qubo"], []),
        (["--since", "2026-11-04"], ["on-garnet", "stopped"]),
        (["--since", "2026-11-04T12:00", "--until", "2026-11-05T12:00:00Z"], ["stopped"]),
        (["--until", "2026-11-02T12:00:00+00:00"], ["petersen"]),
        (["--until", "2026-11-02T14:00:01+02:00"], ["broken", "petersen"]),
        (["--since", "30m"], []),
        (["-n", "2"], ["on-garnet", "stopped"]),
    ],
)
def test_filters_leave_the_runs_that_fit(listed: Any, options: list[str], names: list[str]) -> None:
    assert found(listed("--json", *options)) == names


def test_twenty_runs_are_listed_unless_more_are_asked_for(listed: Any, folder: Path) -> None:
    CatalogueFile(folder).add_all(
        json.dumps(STORED | {"run_id": f"r{k}"}, separators=(",", ":")) for k in range(150)
    )
    assert len(found(listed("--json"))) == 20
    assert len(found(listed("--json", "--newest", "120"))) == 120
    everything = found(listed("--json", "--all"))
    assert len(everything) == len(set(everything)) == 155


def test_json_has_the_records_as_they_are(listed: Any) -> None:
    oldest = json.loads(listed("--json").stdout)[-1]
    assert oldest == STORED | {"run_id": "petersen", "ended_at": "2026-11-01T12:00:00Z"}


def test_csv_has_a_line_a_run_and_nothing_where_nothing_is_known(listed: Any) -> None:
    rows = list(csv.DictReader(io.StringIO(listed("--csv").stdout)))
    assert [row["run_id"] for row in rows] == [name for name, _ in reversed(RUNS)]
    assert rows[-1]["quality.expected_ratio"] == str(STORED["quality"]["expected_ratio"])
    assert rows[-1]["problem.features.density"] == str(STORED["problem"]["features"]["density"])
    assert json.loads(rows[1]["tags"]) == {"project": "P2", "urgent": ""}
    assert rows[2]["problem.type"] == rows[2]["quality.objective"] == ""


@pytest.mark.parametrize(
    ("options", "status", "said"),
    [
        (["--type", "maxcutt"], 2, '--type: got "maxcutt"; allowed: one of maxcut, qubo'),
        (["--device", "garnett"], 2, "Garnet"),
        (["--since", "yesterday"], 2, '--since: got "yesterday"; allowed: a time in UTC'),
        (["--since", "999999d"], 2, '--since: got "999999d"'),
        (["--status", "lost"], 2, "'lost' is not one of"),
        (["-n", "0"], 2, "0 is not in the range"),
        (["--json", "--csv"], 2, "Give one of --json and --csv."),
    ],
)
def test_what_cannot_be_asked_is_refused_by_name(
    listed: Any, options: list[str], status: int, said: str
) -> None:
    result = listed(*options)
    assert result.exit_code == status
    assert said in result.stderr


def test_a_folder_without_runs_has_none(tmp_path: Path) -> None:
    result = CliRunner().invoke(main, ["list", "--output", str(tmp_path / "none")])
    assert (result.exit_code, result.stderr) == (0, "no such runs\n")
    assert not (tmp_path / "none").exists()


def test_an_export_is_a_catalogue_that_can_be_listed(listed: Any, tmp_path: Path) -> None:
    kept = tmp_path / "kept" / "catalogue.jsonl"
    kept.parent.mkdir()
    assert listed("--export", str(kept), "--owner", "ann").exit_code == 0
    again = CliRunner().invoke(main, ["list", "--output", str(kept.parent), "--json"])
    assert found(again) == ["on-garnet", "stopped", "petersen"]
    refused = listed("--export", str(kept))
    assert refused.exit_code == 2
    assert "--export" in refused.stderr
    assert "File exists" in refused.stderr


def test_runs_that_were_made_before_there_was_a_catalogue_are_read_in(tmp_path: Path) -> None:
    prepared = prepared_run(PETERSEN)
    old = json.loads(prepared.model_dump_json(by_alias=True))
    del old["features"], old["request"]["owner"], old["request"]["tags"]
    report = report_of(prepared, solved_run(prepared)).model_dump_json(by_alias=True)
    end = {"run_id": "good", "status": "SUCCEEDED", "ended_at": "2026-08-21T12:01:31Z"}
    failure = end | {"run_id": "bad", "status": "FAILED", "error": "JobFailed", "cause": "no"}
    for name, content in {
        "good/prepared.json": json.dumps(old),
        "good/report.json": report,
        "good/completed.json": json.dumps(end),
        "oldest/report.json": report.replace('"run_id":"r1"', '"run_id":"oldest"'),
        "bad/prepared.json": json.dumps(old),
        "bad/failure.json": json.dumps(failure | {"ended_at": "2026-08-20T12:00:00Z"}),
        "garbled/completed.json": "{",
    }.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(content, encoding="utf-8")
    for _ in range(2):
        result = CliRunner().invoke(main, ["list", "--output", str(tmp_path), "--json"])
        assert sorted(found(result)) == ["bad", "good", "oldest"]
    records = {each["run_id"]: each for each in json.loads(result.stdout)}
    known = {name: value for name, value in STORED["quality"].items() if name != "rating"}
    assert records["good"]["quality"].items() >= known.items()
    features = STORED["problem"]["features"] | {"field_share": 0.0, "skewness": 0.0}
    assert records["good"]["problem"] == STORED["problem"] | {"features": features}  # computed
    assert records["oldest"]["status"] == "SUCCEEDED"
    assert (records["bad"]["error"], records["bad"]["quality"]) == ("JobFailed", None)


HEAVY = {"boto3", "botocore", "numpy", "pydantic", "pydantic_core", "rich", "yaml", "filelock"}


def test_the_newest_are_listed_without_what_takes_its_time_to_load(folder: Path) -> None:
    program = (
        "import sys; from quantum_pipeline.cli.entry import main\n"
        f"main(['list', '--output', {str(folder)!r}], standalone_mode=False)\n"
        "print(*sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines()[1].startswith("on-garnet")
    assert HEAVY & set(done.stdout.splitlines()[-1].split()) == set()
