"""Names and paths in README, architecture and runbook exist, and none is missing that has to be."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

import click
import pytest

from quantum_pipeline.cli.entry import main
from quantum_pipeline.errors import ERRORS, PipelineError
from quantum_pipeline.problems import PROBLEM_TYPES

README = Path("README.md").read_text("utf-8")
CONTEXT = click.Context(main)
COMMANDS = {name: main.get_command(CONTEXT, name) for name in main.list_commands(CONTEXT)}
FUNCTIONS = ("Prepare", "Submit", "Monitor", "PostProcess", "Cancel", "Sweep")


@pytest.mark.parametrize("name", sorted(set(re.findall(r"\bmake ([a-z][a-z-]*)", README))))
def test_every_make_target_exists(name: str) -> None:
    assert (
        f"make {name} "
        in subprocess.run(["make", "help"], capture_output=True, text=True, check=True).stdout
    )


def test_every_command_of_qpipe_is_described_and_exists() -> None:
    assert set(re.findall(r"`qpipe ([a-z]+)", README)) == set(COMMANDS)


def test_every_option_of_qpipe_exists() -> None:
    options = {
        option
        for command in COMMANDS.values()
        for p in (command.params if command else ())
        for option in p.opts
    }
    named = set(re.findall(r"`(--[a-z-]+)", README))
    assert named <= options


@pytest.mark.parametrize("name", FUNCTIONS)
def test_every_stage_has_its_event_and_its_line(name: str) -> None:
    event = re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()
    assert f"sam local invoke {name}Function -e events/functions/{event}.json" in README
    assert Path(f"events/functions/{event}.json").is_file()


def test_every_error_is_listed_with_its_exit_status() -> None:
    rows = dict(re.findall(r"^\| `(\w+)` \| .* \| (\d+) \|$", README, re.MULTILINE))
    errors = {n: str(e.exit_code) for n, e in ERRORS.items() if e is not PipelineError}
    assert rows == errors


def test_every_problem_type_is_listed() -> None:
    assert set(PROBLEM_TYPES) <= set(re.findall(r"^\| `(\w+)` \|", README, re.MULTILINE))


def test_every_region_of_the_template_is_named() -> None:
    template = Path("template.yaml").read_text("utf-8")
    regions = set(re.findall(r"\b[a-z]{2}-[a-z]+-\d\b", template))
    assert regions
    assert regions <= set(re.findall(r"\b[a-z]{2}-[a-z]+-\d\b", README))


def test_every_file_that_is_named_exists() -> None:
    for path in re.findall(r"`((?:docs|src|functions|events|policies)/[\w./]+)`", README):
        assert Path(path).exists(), path


PLACES = (Path(), Path("src/quantum_pipeline"), Path("hybrid_job"))


@pytest.mark.parametrize(
    ("page", "least"), [("docs/architecture.md", 30), ("SECURITY.md", 10), ("docs/accounts.md", 4)]
)
def test_every_path_on_a_page_that_explains_the_code_exists(page: str, least: int) -> None:
    text = Path(page).read_text("utf-8")
    paths = set(re.findall(r"`([\w.*]+/[\w./*]*|\w+\.(?:py|mk|toml|yaml|md))`", text))
    assert len(paths) > least
    assert [path for path in paths if not any(list(each.glob(path)) for each in PLACES)] == []


def runbook(heading: str) -> set[str]:
    """Return the names in the first column of a table of the runbook."""
    page = Path("docs/reliability.md").read_text("utf-8")
    _, _, section = page.partition(f"### {heading}\n")
    rows = re.findall(r"^\| (`.*?`) \|", section.partition("\n#")[0], re.MULTILINE)
    return {name for row in rows for name in re.findall(r"`([\w.]+)`", row)}


def test_the_runbook_has_every_alarm_of_the_template_and_no_other() -> None:
    template = Path("template.yaml").read_text("utf-8")
    assert runbook("Alarms") == set(re.findall(r"^  (\w+Alarm):$", template, re.MULTILINE))


def test_the_runbook_has_every_error_that_a_run_can_end_with() -> None:
    machine = json.loads(Path("statemachine/pipeline.asl.json").read_text("utf-8"))
    retried = {
        error
        for state in machine["States"].values()
        for retry in state.get("Retry", ())
        for error in retry["ErrorEquals"]
    }
    assert runbook("Errors") == {*ERRORS, *retried, "ExecutionAborted", "ExecutionTimedOut"}
