"""Commands on one run of this machine: what they show, and what they refuse."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from quantum_pipeline.cli.entry import main
from quantum_pipeline.cli.one_run import request_of
from quantum_pipeline.errors import InvalidRequest
from quantum_pipeline.local import running
from quantum_pipeline.local.catalogue_file import CatalogueFile
from quantum_pipeline.planning.prepared import PreparedRun
from quantum_pipeline.requests.changes import changed
from quantum_pipeline.requests.request import parse_request
from tests.planned import planned
from tests.unit.finished_run import CREATED, EXECUTION, PETERSEN
from tests.waiting import wait_for

STORED: dict[str, Any] = json.loads(Path(__file__).with_name("record_v1.json").read_text("utf-8"))
RUN = STORED["run_id"]
ASKED = {"problem": PETERSEN, "algorithm": {"depth": "auto"}, "seed": 7, "owner": "ann"}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Runs of which one has its files, and one was of `qpipe serve`."""
    served = STORED | {"run_id": "served"}
    lines = [json.dumps(each, separators=(",", ":")) for each in (STORED, served)]
    CatalogueFile(tmp_path).add_all(lines)
    asked = parse_request(ASKED)
    prepared = PreparedRun.of(
        planned(asked),
        run_id=RUN,
        execution_arn=EXECUTION,
        problem_uri=None,
        created_at=CREATED,
        prepare_seconds=0.02,
        asked=asked,
    )
    (tmp_path / RUN).mkdir()
    content = prepared.model_dump_json(by_alias=True)
    (tmp_path / RUN / "prepared.json").write_text(content, encoding="utf-8")
    (tmp_path / RUN / "job.log").write_text("first line\n", encoding="utf-8")
    return tmp_path


def qpipe(folder: Path, *arguments: str) -> Result:
    return CliRunner().invoke(main, [*arguments, "--output", str(folder)])


def test_show_tells_what_the_catalogue_has(folder: Path) -> None:
    shown = qpipe(folder, "show", RUN)
    assert shown.exit_code == 0, shown.stderr
    said = {line[:13].strip(): line[13:] for line in shown.stdout.splitlines()}
    assert said["run"] == RUN
    assert said["objective"] == "12, best known 12 by exact"
    assert said["ratio"] == "1 of the solution, 0.868892 of the mean"
    assert (said["owner"], said["tags"]) == ("ann", "project=P1")
    assert said["cost"] == "0.0020 USD, estimated 0.0061"
    assert said["files"] == str(folder / RUN)
    assert json.loads(qpipe(folder, "show", RUN, "--json").stdout) == STORED
    assert "none on this machine" in qpipe(folder, "show", "served").stdout


def test_files_and_log_of_a_run_are_where_they_are_said_to_be(folder: Path) -> None:
    assert qpipe(folder, "fetch", RUN).stdout == f"{folder / RUN}\n"
    assert qpipe(folder, "logs", RUN).stdout == "first line\n"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("show", RUN[:-1]), f"a run that has ended, as `qpipe list` shows; {RUN}"),
        (("show", "none"), 'RUN: got "none"; allowed: a run that has ended'),
        (("fetch", "served"), "a run whose files were kept; those of `qpipe serve` were not"),
        (("logs", "served"), "job.log; one that had no job has none"),
        (("cancel", RUN), "a run that goes on in"),
        (("rerun", "served"), "a run with its prepared.json"),
        (("rerun", RUN, "--set", "seed"), '--set: got "seed"; allowed: PATH=VALUE'),
        (("rerun", RUN, "--set", "shots=-1"), "shots: got -1; allowed: an integer from 1"),
        (("rerun", RUN, "--set", "shot=1"), "shot: no such field"),
        (("rerun", RUN, "--set", "problem.edges.99=1"), 'no "99" in a list of 15'),
        *(((name, "../.."), "the name of a run") for name in ("show", "fetch", "logs", "cancel")),
        (("rerun", "a/b"), "the name of a run"),
    ],
)
def test_what_cannot_be_is_refused_by_name(
    folder: Path, arguments: tuple[str, ...], said: str
) -> None:
    refused = qpipe(folder, *arguments)
    assert refused.exit_code == 2
    assert said in " ".join(refused.stderr.split())
    assert "stopping" not in refused.stderr


def test_a_request_is_had_again_as_it_was_asked(folder: Path) -> None:
    again = request_of(RUN, None, folder)
    assert {**again, "problem": None} == {**ASKED, "problem": None}
    assert parse_request(again) == parse_request(ASKED)
    deeper = parse_request(changed(again, ["algorithm.depth=3", "tags.round=two"]))
    assert (deeper.algorithm.depth, deeper.algorithm.max_depth) == (3, None)
    assert deeper.tags == {"round": "two"}


@pytest.mark.parametrize(
    ("assignment", "found"),
    [
        ("a.b=1", {"a": {"b": 1}, "list": [1, {"c": 2}]}),
        ("a=x=y", {"a": "x=y", "list": [1, {"c": 2}]}),
        ("list.1.c=[0]", {"list": [1, {"c": [0]}]}),
        ("list.0=null", {"list": [None, {"c": 2}]}),
        ('a="7"', {"a": "7", "list": [1, {"c": 2}]}),
    ],
)
def test_a_change_is_made_where_its_path_leads(assignment: str, found: Any) -> None:
    before = {"list": [1, {"c": 2}]}
    assert changed(before, [assignment]) == found
    assert before == {"list": [1, {"c": 2}]}


@pytest.mark.parametrize("assignment", ["=1", "a..b=1", "list.2=1", "list.x=1", "list.0.x=1"])
def test_a_path_that_leads_nowhere_is_refused(assignment: str) -> None:
    with pytest.raises(InvalidRequest, match=r"^--set: "):
        changed({"list": [1, {"c": 2}]}, [assignment])


RUNNING = """
import signal, sys, time
from pathlib import Path
from quantum_pipeline.local.running import marked
signal.signal(signal.SIGINT, signal.default_int_handler)  # in the background it may be ignored
with marked(Path(sys.argv[1]), "r1"):
    print("marked", flush=True)
    time.sleep(600)
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_a_run_goes_on_as_long_as_its_process_lives(tmp_path: Path, number: signal.Signals) -> None:
    assert running.process_of(tmp_path, "r1") is None
    command = [sys.executable, "-c", RUNNING, str(tmp_path)]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "marked\n"
        assert running.process_of(tmp_path, "r1") == process.pid
        assert running.names(tmp_path) == ["r1"]
        process.send_signal(number)
    wait_for(lambda: running.process_of(tmp_path, "r1") is None)
    assert running.names(tmp_path) == []
