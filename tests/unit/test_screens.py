"""What ``qpipe`` shows in 40, 80 and 120 columns, as it was looked at and found good.

python -m tests.unit.test_screens      writes the screens anew
"""

from __future__ import annotations

import json
import re
import tempfile
from collections.abc import Callable
from pathlib import Path
from unittest import mock

import click
import pytest
from click.testing import CliRunner

from quantum_pipeline.cli import console
from quantum_pipeline.cli.client import Progress
from quantum_pipeline.cli.entry import main
from quantum_pipeline.cli.job_log import Logged
from quantum_pipeline.cli.progress import ProgressLine
from quantum_pipeline.local.catalogue_file import CatalogueFile
from quantum_pipeline.progress import PhaseReached
from tests.unit.finished_run import prepared_run, report_of, solved_run

SCREENS = Path(__file__).with_name("screens")
REQUESTS = Path("events/requests")
WIDTHS = (40, 80, 120)
RECORD = json.loads(Path(__file__).with_name("record_v1.json").read_text("utf-8"))
FRIENDS = {
    "type": "maxcut",
    "edges": [[0, 1], [1, 2], [2, 3], [3, 0], [0, 2]],
    "node_labels": ["ann", "bob", "cem", "dee"],
}


def command(*arguments: str) -> Callable[[int], str]:
    """Return what a command prints in so many columns, its notes and errors last."""

    def screen(width: int) -> str:
        done = CliRunner(env={"COLUMNS": str(width)}).invoke(main, arguments)
        return f"{done.stdout}{done.stderr}"

    return screen


def listed(width: int) -> str:
    with tempfile.TemporaryDirectory() as folder:
        records = (
            RECORD
            | {"run_id": f"{name}-20261101-120000-1a2b", "ended_at": f"2026-11-0{day}T12:00:00Z"}
            for day, name in enumerate(("petersen", "broken", "refused"), 1)
        )
        CatalogueFile(Path(folder)).add_all(
            json.dumps(each, separators=(",", ":")) for each in records
        )
        return command("list", "--output", folder)(width)


def run(width: int) -> str:
    """Return the progress of a run on a device, and what is printed of a report."""
    log = [
        "Progress: classical 0/0",
        "Progress: training 2/8",
        "Metrics - timestamp=1.5; energy=-11.96875; iteration_number=56;",
        "Progress: sampling 3/12",
        "Metrics - timestamp=1.5; cost_usd=0.5345; iteration_number=4;",
        "Progress: mitigating 0/0",
    ]
    report = report_of(prepared := prepared_run(FRIENDS), solved_run(prepared))

    def show() -> None:
        seconds = iter(range(1000))
        with mock.patch.object(console, "seconds", lambda: float(next(seconds)) / 2):
            line = ProgressLine()
            line.say("starting AWS on this machine")
            line.update(Progress("Prepare"))
            line.update(Progress("Wait", "QUEUED", "7"))
            logged = Logged()
            for each in log:
                logged = logged.after(each)
                line.update(Progress("Wait", "RUNNING", None, logged), " on Garnet, emulated")
            line.update(Progress("PostProcess"))
        with tempfile.TemporaryDirectory() as folder:
            (Path(folder) / "report.json").write_text(report.model_dump_json(), encoding="utf-8")
            console.result(Path(folder), as_json=False)

    made = click.Command("run", callback=show)
    done = CliRunner(env={"COLUMNS": str(width)}).invoke(made, [], catch_exceptions=False)
    return re.sub(r"/\S*/report", "runs/friends-20261101-120000-1a2b/report", done.output)


MADE: dict[str, Callable[[int], str]] = {
    "run": run,
    "devices": command("devices"),
    "estimate": command("estimate", str(REQUESTS / "maxcut_on_garnet.json")),
    "estimate_of_a_pack": command("estimate", str(REQUESTS / "pack_of_kinds.json")),
    "list": listed,
    "refusal": command("validate", str(REQUESTS / "invalid_wrong_types.json")),
    "refusal_of_cost": command("validate", str(REQUESTS / "invalid_above_budget.json")),
}


def path_of(name: str, width: int) -> Path:
    return SCREENS / f"{name}.{width}.txt"


@pytest.mark.parametrize("name", MADE)
def test_screens_are_as_they_were_looked_at(name: str) -> None:
    for width in WIDTHS:
        assert MADE[name](width) == path_of(name, width).read_text("utf-8")


@pytest.mark.parametrize("name", MADE)
@pytest.mark.parametrize("width", WIDTHS)
def test_a_line_fits_unless_it_is_one_word(name: str, width: int) -> None:
    for line in path_of(name, width).read_text("utf-8").splitlines():
        assert len(line) <= width or len(line.split()) == 1


@pytest.mark.parametrize("name", [name for name in MADE if name != "list"])
def test_no_word_and_no_number_is_cut_where_there_is_less_room(name: str) -> None:
    words = set(path_of(name, 120).read_text("utf-8").replace(",", " ").split())
    for width in WIDTHS[:2]:
        narrow = set(path_of(name, width).read_text("utf-8").replace(",", " ").split())
        assert {word for word in narrow if any(map(str.isdigit, word))} <= words


def test_a_phase_is_told_as_it_is_read() -> None:
    told = PhaseReached("sampling", 3, 12)
    assert Logged().after(told.line).phase == told
    assert Logged().after("Progress: other 1/2") == Logged()


if __name__ == "__main__":
    SCREENS.mkdir(exist_ok=True)
    for name, make in MADE.items():
        for width in WIDTHS:
            path_of(name, width).write_text(make(width), encoding="utf-8")
