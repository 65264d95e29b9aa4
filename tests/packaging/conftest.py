"""The template and the state machine as they are in the repository."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

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
