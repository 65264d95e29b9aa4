"""The studies in events/: the valid ones may start, each invalid one is refused as written."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

import jsonschema
import pytest
from click.testing import CliRunner, Result

from quantum_pipeline.cli.entry import main
from quantum_pipeline.errors import PipelineError
from quantum_pipeline.requests.request import parse_request
from quantum_pipeline.studies.checks import check
from quantum_pipeline.studies.requests import request_of
from quantum_pipeline.studies.strategies import propose
from quantum_pipeline.studies.study import parse_study
from scripts.request_docs import STUDY
from tests.unit.examples import EVENTS, planned, study

FILES = sorted((EVENTS / "studies").glob("*.json"))
INVALID = {path.name: path for path in FILES if path.name.startswith("invalid_")}
VALID = {path.name: path for path in FILES if path.name not in INVALID}
REFUSALS = json.loads((EVENTS / "study_refusals.json").read_text("utf-8"))


@pytest.mark.parametrize(("name", "n_runs"), [
    ("algorithms.json", 10),  # two problems, by QAOA with two tails and two starts, and by RQAOA
    ("block_sizes.json", 6),
    ("depth_sweep.json", 12),
    ("device_benchmark.json", 40),
    ("molecules.json", 8),
    ("seeds.json", 40),
    ("tuning.json", 6),  # its first batch
])  # fmt: skip
def test_a_valid_study_starts_with_requests_that_are_valid(name: str, n_runs: int) -> None:
    asked = study(name)
    check(asked, planned)
    proposed = propose(asked, (), ())
    requests = [parse_request(request_of(asked, setting)) for setting in proposed]
    assert len({request.model_dump_json() for request in requests}) == n_runs == len(proposed)


@pytest.mark.parametrize("name", INVALID)
def test_an_invalid_study_gets_the_refusal_that_is_written_down(name: str) -> None:
    with pytest.raises(PipelineError) as error:
        check(study(name), planned)
    refusal = {"error": type(error.value).__name__, "message": str(error.value)}
    assert refusal == REFUSALS[name]


def test_each_refusal_that_is_written_down_has_its_example() -> None:
    assert REFUSALS.keys() == INVALID.keys()


@cache
def published() -> jsonschema.Draft202012Validator:
    schema = json.loads(STUDY.schema_file.read_text("utf-8"))
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema)


@pytest.mark.parametrize("name", VALID)
def test_a_valid_study_satisfies_the_published_schema(name: str) -> None:
    published().validate(json.loads(VALID[name].read_text("utf-8")))


def test_the_published_schema_refuses_what_a_study_alone_can_tell() -> None:
    found: dict[str, Any] = {
        name: json.loads(path.read_text("utf-8")) for name, path in INVALID.items()
    }
    refused = {name for name, data in found.items() if not published().is_valid(data)}
    assert refused == {
        "invalid_axis_of_no_form.json",
        "invalid_name_with_a_dot.json",
        "invalid_objective_of_no_form.json",
        "invalid_unknown_field.json",
    }


def test_the_published_schema_and_the_page_are_the_models() -> None:
    assert STUDY.schema_file.read_text("utf-8") == STUDY.schema_text()
    page = STUDY.page.read_text("utf-8")
    assert page == STUDY.page_text(page)
    for name in STUDY.models():
        assert STUDY.table(name) in page, f"docs/studies.md has no table of {name}"


def qpipe(*arguments: str) -> Result:
    return CliRunner().invoke(main, arguments, catch_exceptions=False)


def test_a_study_is_estimated_as_a_whole() -> None:
    found = qpipe("estimate", str(VALID["tuning.json"]), "--json")
    said = json.loads(found.stdout)
    assert (found.exit_code, said["n_runs"], said["rounds"], said["executions"]) == (0, 30, 5, 5)
    above = qpipe("estimate", str(INVALID["invalid_bayesian_above_its_cap.json"]))
    assert above.exit_code == 3
    assert "ABOVE limits.max_cost_usd = 1.5: refused" in above.stdout


def test_a_study_is_printed_with_its_defaults() -> None:
    said = json.loads(qpipe("validate", str(VALID["seeds.json"])).stdout)
    assert said["limits"]["concurrency"] == 3
    assert parse_study(said) == study("seeds.json")


@pytest.mark.parametrize(("arguments", "said"), [
    (["run"], "is a study; allowed: a request or a pack; qpipe study takes a study"),
    (["estimate", "--device", "sv1"], "--device: got \"sv1\"; allowed: nothing with a study"),
])  # fmt: skip
def test_a_study_is_no_request(arguments: list[str], said: str) -> None:
    found = qpipe(*arguments, str(VALID["seeds.json"]))
    assert found.exit_code == 2
    assert said in found.stderr.replace("\n                ", " ")
