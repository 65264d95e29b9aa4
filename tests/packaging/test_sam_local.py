"""`sam local invoke`: what SAM CLI's own code sets for each function, from the template."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from quantum_pipeline.aws import settings

ROOT = Path(__file__).parents[2]
FUNCTIONS = ("Prepare", "Submit", "Monitor", "PostProcess", "Cancel")

Variables = dict[str, dict[str, str]]


@pytest.fixture(scope="module")
def sam() -> Variables:
    """What SAM CLI sets for each function."""
    subprocess.run(["make", "--silent", ".venv-sam/.ready"], cwd=ROOT, check=True)
    found = subprocess.run(
        [ROOT / ".venv-sam/bin/python", ROOT / "tests/packaging/sam_variables.py"],
        input=json.dumps([None]),
        stdout=subprocess.PIPE,
        text=True,
        check=True,
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], "AWS_EC2_METADATA_DISABLED": "true"},
    )
    variables: Variables
    [variables] = json.loads(found.stdout)
    return variables


def read(name: str, variables: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> Any:
    """Return a function's settings in an environment of these variables alone."""
    monkeypatch.setattr(os, "environ", variables)
    return getattr(settings, f"{name}Settings").read()


@pytest.mark.parametrize("name", FUNCTIONS)
def test_every_variable_of_the_template_reaches_the_function(
    sam: Variables, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    variables = sam[f"{name}Function"]
    assert all(variables.values()), variables
    read(name, variables, monkeypatch)
