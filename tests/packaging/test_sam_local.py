"""`sam local invoke`: what SAM CLI's own code sets for each function, from the template and a file.

Docker is not needed: the functions run here under Lambda's runtime client, with those variables.
"""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from quantum_pipeline.aws import settings
from quantum_pipeline.cli.entry import main
from quantum_pipeline.local.aws import read_stack
from quantum_pipeline.local.lambdas import Functions
from scripts.invoke import example
from tests.stack import Stack

ROOT = Path(__file__).parents[2]
FUNCTIONS = ("Prepare", "Submit", "Monitor", "PostProcess", "Cancel", "Sweep")

Variables = dict[str, dict[str, str]]


@pytest.fixture(scope="module")
def file(stack: Stack) -> Variables:
    """The --env-vars file for the AWS on this machine, at a name, as containers call it."""
    endpoint = stack.aws.endpoint_url.replace("127.0.0.1", "localhost")
    done = CliRunner().invoke(main, ["env", "--endpoint", endpoint])
    assert done.exit_code == 0, done.output
    variables: Variables = json.loads(done.stdout)
    return variables


@pytest.fixture(scope="module")
def sam(file: Variables) -> tuple[Variables, Variables]:
    """What SAM CLI sets for each function: without a file, and with it."""
    subprocess.run(["make", "--silent", ".venv-sam/.ready"], cwd=ROOT, check=True)
    found = subprocess.run(
        [ROOT / ".venv-sam/bin/python", ROOT / "tests/packaging/sam_variables.py"],
        input=json.dumps([None, file]),
        stdout=subprocess.PIPE,
        text=True,
        check=True,
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], "AWS_EC2_METADATA_DISABLED": "true"},
    )
    without, with_file = json.loads(found.stdout)
    return without, with_file


@pytest.fixture
def functions(
    stack: Stack, sam: tuple[Variables, Variables], tmp_path: Path
) -> Iterator[Functions]:
    """The functions with what SAM CLI sets, credentials of the shell among it, and nothing else."""
    _, found = sam
    shell = stack.aws.key.environment()
    functions = [
        replace(f, environment=found[f.logical_id] | shell) for f in read_stack().functions
    ]
    running = Functions(functions, {}, tmp_path, lambda *_: None)
    yield running
    running.close()


def read(name: str, variables: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> Any:
    """Return a function's settings in an environment of these variables alone."""
    monkeypatch.setattr(os, "environ", variables)
    return getattr(settings, f"{name}Settings").read()


@pytest.mark.parametrize("name", FUNCTIONS)
def test_every_variable_of_the_template_reaches_the_function(
    sam: tuple[Variables, Variables], monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    without, _ = sam
    variables = without[f"{name}Function"]
    assert [each for each, value in variables.items() if not value] == ["AWS_ENDPOINT_URL"]
    read(name, variables, monkeypatch)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_with_the_file_a_functions_settings_are_those_of_the_stack(
    sam: tuple[Variables, Variables], file: Variables, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    _, with_file = sam
    variables = file[f"{name}Function"]
    assert variables.items() <= with_file[f"{name}Function"].items()
    served = read(name, {"AWS_REGION": "us-east-1", **variables}, monkeypatch)
    assert read(name, with_file[f"{name}Function"], monkeypatch) == served


def test_with_the_file_stages_work_on_the_served_aws(stack: Stack, functions: Functions) -> None:
    known: dict[str, Any] = {}
    for name in ("Prepare", "Submit", "Monitor", "Cancel"):
        event = json.dumps(example(name, known)).encode()
        answer = functions.invoke(f"quantum-pipeline-{name}Function", event)
        assert not answer.failed, answer.payload
        known |= json.loads(answer.payload)
    run_id = known["run_id"]
    assert stack.records(run_id) >= {"prepared.json", "job.json", "failure.json"}
    assert len(stack.job_statuses(run_id)) == 1
