"""The template and the state machine as they are in the repository; benchmarks in this process."""

from __future__ import annotations

import importlib
import json
import os
import subprocess
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from benchmarks import machine as benchmarks_machine
from quantum_pipeline.local.intrinsics import read_template

ROOT = Path(__file__).parents[2]

Json = dict[str, Any]


@pytest.fixture(scope="session")
def template() -> Json:
    return read_template(ROOT / "template.yaml")


@pytest.fixture(scope="session")
def resources(template: Json) -> Json:
    found: Json = template["Resources"]
    return found


@pytest.fixture(scope="session")
def functions(resources: Json) -> dict[str, Json]:
    """Properties of each function by its logical id."""
    return {
        name: body["Properties"]
        for name, body in resources.items()
        if body["Type"] == "AWS::Serverless::Function"
    }


@pytest.fixture(scope="session")
def machine() -> Json:
    """The state machine's definition, before substitution."""
    text = (ROOT / "statemachine" / "pipeline.asl.json").read_text(encoding="utf-8")
    definition: Json = json.loads(text)
    return definition


@pytest.fixture(scope="session")
def transformed() -> Json:
    """What SAM makes of the template, and what its resources ask of who deploys them.

    SAM takes seconds to be imported: its answer is kept by what it was asked.
    """
    asked = ("template.yaml", "requirements/sam.txt", "tests/packaging/sam_transform.py")
    key = sha256(b"".join((ROOT / name).read_bytes() for name in asked)).hexdigest()[:16]
    kept = ROOT / ".cache" / f"transformed-{key}.json"
    if not kept.exists():
        kept.parent.mkdir(exist_ok=True)
        new = kept.with_suffix(f".{os.getpid()}")
        new.write_text(_transformed(), "utf-8")
        new.replace(kept)  # whole, whoever else reads it
    read: Json = json.loads(kept.read_text("utf-8"))
    return read


def _transformed() -> str:
    subprocess.run(["make", "--silent", ".venv-sam/.ready"], cwd=ROOT, check=True)
    return subprocess.run(
        [ROOT / ".venv-sam/bin/python", ROOT / "tests/packaging/sam_transform.py"],
        stdout=subprocess.PIPE,
        text=True,
        check=True,
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], "AWS_EC2_METADATA_DISABLED": "true"},
    ).stdout


Benchmark = Callable[..., tuple[int, str, Json]]
"""Runs one with arguments; returns the exit status, what it prints, and the JSON that it writes."""


@pytest.fixture
def benchmark(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Benchmark:
    """Runs benchmarks by name, with one thread: a process of its own would import all again."""
    for name in benchmarks_machine.THREADS:  # as they are, no benchmark starts anew
        monkeypatch.setenv(name, "1")

    def run(name: str, *arguments: str) -> tuple[int, str, Json]:
        file = tmp_path / "figures.json"
        command = importlib.import_module(f"benchmarks.{name}").main
        done = CliRunner().invoke(command, [*arguments, "--json", str(file)])
        if done.exception is not None and not isinstance(done.exception, SystemExit):
            raise done.exception
        assert file.exists(), done.output
        return done.exit_code, done.stdout, json.loads(file.read_text("utf-8"))

    return run
