"""``qpipe study`` and what other commands do of a study: by files alone, without any AWS."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from quantum_pipeline.cli.entry import main
from quantum_pipeline.local import running
from quantum_pipeline.local.catalogue_file import CatalogueFile
from quantum_pipeline.studies.progress import StudyProgress, progress_of
from quantum_pipeline.studies.rounds import Child, PlannedRun, Round
from quantum_pipeline.studies.rows import RunRow
from quantum_pipeline.studies.strategies import known
from quantum_pipeline.studies.study import Study, parse_study
from tests.unit.study_rows import ENDED, failed, row, summary_of

RING = {"type": "maxcut", "edges": [[0, 1], [1, 2], [2, 3], [0, 3]]}
PLAN = {
    "name": "depths",
    "base": {"problem": RING},
    "vary": {"algorithm.depth": [1, 2], "seed": {"count": 2}},
    "limits": {"max_cost_usd": 3.0},
}


@pytest.fixture
def study() -> Study:
    return parse_study(PLAN)


def planned(study: Study, number: int, *settings: int, attempt: int = 1) -> Round:
    """Return a round of executions of a run each."""
    wanted = [each for each in known(study) if each.number in settings]
    return Round(
        number=number,
        children=tuple(
            Child(
                name=f"depths-{each.number}-{attempt}",
                input={},
                runs=(PlannedRun(run_id=f"depths-{each.number}-{attempt}", setting=each),),
                estimated_usd=0.25,
            )
            for each in wanted
        ),
    )


def record(run_id: str, status: str, ratio: float | None, usd: float | None) -> dict[str, Any]:
    return {
        "run_id": run_id,
        "ended_at": "2026-11-29T08:00:00Z",
        "status": status,
        "study": "depths",
        "problem": None,
        "device": None,
        "quality": None if ratio is None else {"expected_ratio": ratio},
        "cost": {"estimated_usd": 0.25, "actual_usd": usd},
        "pack": None,
        "owner": None,
        "tags": {},
    }


def rows(study: Study, *ratios: float | None) -> list[RunRow]:
    """Return the rows of the first settings: None is of one that was cancelled."""
    found = []
    for setting, ratio in zip(known(study), ratios, strict=False):
        run_id = f"depths-{setting.number}-1"
        done = row(setting, ratio or 0.0, run_id=run_id, cost_usd=0.5)
        cancelled = failed(done).model_copy(update={"status": "CANCELLED"})
        found.append(cancelled if ratio is None else done)
    return found


def test_progress_counts_settings_and_not_their_tries(study: Study) -> None:
    first, second = planned(study, 1, 0, 1), planned(study, 2, 1, 2, 3, attempt=2)
    records = {
        each["run_id"]: each
        for each in (
            record("depths-0-1", "SUCCEEDED", 0.8, 0.5),
            record("depths-1-2", "SUCCEEDED", 0.95, None),
            record("depths-2-2", "FAILED", None, None),
        )
    }
    found = progress_of(study, [first, second], rows(study, 0.8, None), records)
    assert found == StudyProgress(
        n_runs=4,
        succeeded=2,
        failed=1,
        running=1,
        round=2,
        spent_usd=0.5 + 0.25 + 0.25,  # the bill, and the estimates of those without one
        cap_usd=3.0,
        best=0.95,
    )
    assert found.seconds_left(60.0, ended_before=1) == pytest.approx(30.0)
    assert found.seconds_left(60.0, ended_before=3) is None


def test_nothing_has_ended_before_the_first_round(study: Study) -> None:
    found = progress_of(study, [], [], {})
    assert (found.n_runs, found.ended, found.running, found.best) == (4, 0, 0, None)


@pytest.fixture
def output(tmp_path: Path, study: Study) -> Path:
    """A folder of runs with a study that was stopped after two of its four runs."""
    folder = tmp_path / "studies" / "depths"
    for name in ("rounds", "rows"):
        (folder / name).mkdir(parents=True)
    (folder / "study.json").write_text(study.model_dump_json(by_alias=True))
    (folder / "rounds" / "0001.json").write_text(planned(study, 1, 0, 1).model_dump_json())
    (folder / "rounds" / "0001.items.json").write_text("[]")
    done = [each.model_dump() for each in rows(study, 0.8)]
    (folder / "rows" / "0001.json").write_text(json.dumps({"rows": done}))
    (folder / "rounds" / "0002.json").write_text(planned(study, 2, 2, 3).model_dump_json())
    done_since = record("depths-2-1", "SUCCEEDED", 0.9, 0.5)
    CatalogueFile(tmp_path).add(json.dumps(done_since, separators=(",", ":")))
    for name in ("depths-0-1", "depths-0-1.5", "depths-too-0-1", "depths"):
        (tmp_path / name).mkdir()
    return tmp_path


def invoke(*arguments: str) -> Result:
    return CliRunner().invoke(main, arguments)


def test_a_study_that_was_stopped_shows_how_far_it_came(output: Path) -> None:
    found = invoke("show", "depths", "--output", str(output))
    assert found.exit_code == 0, found.output
    words = " ".join(found.stdout.split())
    assert "study depths: stopped; started again, it goes on" in words
    assert "runs 2 of 4: 1.0000 of 3 USD, best 0.9" in words
    as_json = json.loads(invoke("show", "depths", "--output", str(output), "--json").stdout)
    assert (as_json["succeeded"], as_json["n_runs"], as_json["round"]) == (2, 4, 2)


def test_a_study_that_has_ended_shows_what_it_found(output: Path, study: Study) -> None:
    summary = summary_of(study, rows(study, 0.8, 0.81, 0.9, 0.92))
    folder = output / "studies" / "depths"
    (folder / "report.json").write_text(summary.model_dump_json())
    found = invoke("show", "depths", "--output", str(output))
    words = " ".join(found.stdout.split())
    assert "study depths: 4 runs" in words
    assert "won depth 2. Mean 0.91 (0.78 to 1.04) in 2 runs" in words
    assert f"summary {folder}/report.html" in words
    printed = json.loads(invoke("show", "depths", "--output", str(output), "--json").stdout)
    assert printed["completed_at"] == ENDED.isoformat().replace("+00:00", "Z")


def test_the_files_of_a_study_are_its_folder_and_those_of_its_runs(output: Path) -> None:
    found = invoke("fetch", "depths", "--output", str(output))
    names = [Path(line).relative_to(output) for line in found.stdout.splitlines()]
    assert list(map(str, names)) == ["studies/depths", "depths-0-1", "depths-0-1.5"]


def study_file(folder: Path, **changes: Any) -> str:
    file = folder / "plan.json"
    file.write_text(json.dumps(PLAN | changes))
    return str(file)


def test_another_plan_under_a_name_that_was_used_is_refused(output: Path, tmp_path: Path) -> None:
    file = study_file(tmp_path, vary={"algorithm.depth": [3]})
    found = invoke("study", file, "--output", str(output))
    assert found.exit_code == 2
    assert 'name: got "depths"; allowed: a name that no other study had' in found.stderr


def test_a_study_that_goes_on_is_not_started_twice(output: Path, tmp_path: Path) -> None:
    with running.marked(output, "depths"):
        found = invoke("study", study_file(tmp_path), "--output", str(output))
    assert found.exit_code == 2
    assert "allowed: a study that goes on in no process" in found.stderr


def test_what_a_study_asks_is_checked_before_anything_starts(tmp_path: Path) -> None:
    file = study_file(tmp_path, vary={"algorithm.depth": [1, 0]})
    found = invoke("study", file, "--output", str(tmp_path / "none"))
    assert found.exit_code == 2
    assert "run 1 (algorithm.depth 0)" in found.stderr
    assert not (tmp_path / "none").exists()
