"""Names of runs and jobs, and the records that cross from one state to the next."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from pydantic import ValidationError

from quantum_pipeline.errors import InvalidRequest
from quantum_pipeline.planning.prepared import PreparedRun, RunHeader
from quantum_pipeline.runs import (
    SubmittedJob,
    check_run_id,
    client_token,
    job_folder,
    job_name,
    key,
)
from tests.unit.finished_run import EXECUTION, prepared_run

PROBLEMS: list[dict[str, Any]] = [
    {"type": "maxcut", "edges": [[0, 1], [1, 2, 0.1]], "node_labels": ["a", "b", 3]},
    {"type": "qubo", "matrix": [[0.1, 0.2], [0.3, 1 / 3]]},
    {"type": "ising", "fields": [0.0, 1e-12], "couplings": [[1, 0, -1.0]], "offset": 2.5},
    {
        "type": "bqm",
        "bqm": {
            "type": "BinaryQuadraticModel",
            "variable_type": "SPIN",
            "variable_labels": [["a", 1], 2],
            "linear_biases": [1.0, -1.0],
        },
    },
    {"type": "optimization", "linear_coefficients": [1.0], "quadratic_matrix": [[2.0]]},
    {"type": "random", "problem_size": 3},
]


@pytest.mark.parametrize("problem", PROBLEMS, ids=lambda problem: problem["type"])
def test_a_prepared_run_survives_json(problem: dict[str, Any]) -> None:
    prepared = prepared_run(problem, name="a name", algorithm={"gammas": [0.1], "betas": [0.2]})
    assert PreparedRun.model_validate_json(prepared.model_dump_json(by_alias=True)) == prepared
    assert PreparedRun.model_validate_json(prepared.model_dump_json()) == prepared


def test_a_submitted_job_survives_json() -> None:
    job = SubmittedJob(
        run_id="r1",
        attempt=2,
        job_arn="arn:aws:braket:us-east-1:123456789012:job/1",
        job_name="qpipe-1",
        source_uri="s3://amazon-braket-code/source/ab.tar.gz",
        source_sha256="ab",
        instance_type="ml.m5.large",
    )
    assert SubmittedJob.model_validate_json(job.model_dump_json()) == job


def test_a_record_of_another_version_is_not_read() -> None:
    written = prepared_run(PROBLEMS[0]).model_dump(mode="json")
    with pytest.raises(ValidationError, match="schema_version"):
        PreparedRun.model_validate({**written, "schema_version": 1})


@pytest.mark.parametrize("run_id", ["r", "a" * 80, "2026-08-21_12.00", "A-b.c_d"])
def test_a_run_id_of_safe_characters_is_kept(run_id: str) -> None:
    assert check_run_id(run_id) == run_id


@pytest.mark.parametrize("run_id", ["", "a" * 81, "../r", ".r", "a/b", "a b", "ä", "a\n"])
def test_a_run_id_that_names_no_folder_is_refused(run_id: str) -> None:
    with pytest.raises(InvalidRequest, match=r"name of the execution: got .*; allowed: 1 to 80"):
        check_run_id(run_id)


def test_a_run_has_one_folder_and_each_attempt_one_in_it() -> None:
    assert key("r1", "report.json") == "runs/r1/report.json"
    assert job_folder("r1", 2) == "runs/r1/job/2"


def test_job_name_and_token_fit_braket_and_are_the_attempts_own() -> None:
    names = {job_name(execution, attempt) for execution in (EXECUTION, "b") for attempt in (1, 2)}
    tokens = {client_token(e, attempt) for e in (EXECUTION, "b") for attempt in (1, 2)}
    assert len(names) == len(tokens) == 4
    for name in names:
        assert re.fullmatch(r"[a-zA-Z0-9](-*[a-zA-Z0-9]){0,49}", name)
        assert len(name) <= 50
    assert {len(token) for token in tokens} == {64}
    assert job_name(EXECUTION, 1) in names


def test_what_submit_reads_of_a_run_is_its_header_whatever_the_problem_holds() -> None:
    run = prepared_run(PROBLEMS[0], shots=77, seed=5)
    record = json.loads(run.model_dump_json(by_alias=True))
    record["request"]["problem"] = {"type": "maxcut", "edges": "not read here"}
    header = RunHeader.model_validate_json(json.dumps(record))
    for name in RunHeader.model_fields.keys() - {"request"}:
        assert getattr(header, name) == getattr(run, name)
    for name in ("algorithm", "shots", "seed", "limits", "reservation_arn"):
        assert getattr(header.request, name) == getattr(run.request, name)
    assert header.request.problem.type == "maxcut"
