"""Studies on the embedded AWS: rounds of runs, their summary, and whatever cuts them short."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from quantum_pipeline import runs
from tests.stack import Stack, Subscriber, priced_stack

Told = Callable[[], list[dict[str, Any]]]


@pytest.fixture(scope="module")
def stack() -> Iterator[Stack]:
    with priced_stack() as stack:
        yield stack
        assert not stack.aws.authority.refused


@pytest.fixture(scope="module")
def told(stack: Stack) -> Told:
    return Subscriber(stack)


def ring(n: int) -> dict[str, Any]:
    return {"type": "maxcut", "edges": [[i, (i + 1) % n] for i in range(n)]}


def study(name: str, vary: dict[str, Any], **more: Any) -> dict[str, Any]:
    base = {"algorithm": {"depth": 1, "starts": 1, "max_evaluations": 20}}
    return {"name": name, "base": base | more.pop("base", {}), "vary": vary, **more}


def start(stack: Stack, asked: dict[str, Any], name: str) -> str:
    answer = stack.states.start_execution(
        stateMachineArn=stack.aws.outputs["StudyMachineArn"], name=name, input=json.dumps(asked)
    )
    return str(answer["executionArn"])


def read(stack: Stack, study: str, name: str) -> Any:
    body = stack.s3.get_object(Bucket=stack.bucket, Key=f"studies/{study}/{name}")["Body"].read()
    return json.loads(body) if name.endswith(".json") else body.decode()


def test_a_grid_runs_as_a_pack_to_its_summary_and_is_told_of_once(stack: Stack, told: Told) -> None:
    told()
    asked = study("rings", {"problem": [ring(5), ring(6)], "seed": {"count": 2}})
    execution = start(stack, asked, "first")
    ended = stack.ended(execution)
    assert ended["status"] == "SUCCEEDED", ended
    assert stack.visited(execution) == [
        *("PlanRound", "HasRuns", "Runs"),
        *("PlanRound", "HasRuns", "Summarise", "HasStopped", "Succeeded"),
    ]
    [child] = read(stack, "rings", "rounds/0001.json")["children"]
    assert child["name"] == "rings-0-1"
    lines = list(csv.DictReader(io.StringIO(read(stack, "rings", "runs.csv"))))
    assert [line["run_id"] for line in lines] == [f"rings-0-1.{number}" for number in range(4)]
    for line, best in zip(lines, (4, 4, 6, 6), strict=True):
        assert float(line["solution.objective"]) == best  # a ring's best cut, counted by hand
        record = stack.remembered(line["run_id"])
        assert record is not None
        assert (record["study"], record["pack"]) == ("rings", "rings-0-1")
    billed = sum(float(line["cost_usd"]) for line in lines)
    assert billed == pytest.approx(stack.billed("rings-0-1"), rel=1e-9)
    assert read(stack, "rings", "report.json")["spent"]["usd"] == pytest.approx(billed)
    assert [(each["study"], each["status"]) for each in told()] == [("rings", "SUCCEEDED")]
    assert stack.record("rings-0-1", runs.END)["told"]


def test_runs_that_need_a_device_have_jobs_alone(stack: Stack) -> None:
    vary = {"device": ["local", "sv1"], "problem": [ring(4)], "seed": {"count": 2}}
    asked = study("devices", vary, base={"shots": 10})
    assert stack.ended(start(stack, asked, "devices"))["status"] == "SUCCEEDED"
    children = read(stack, "devices", "rounds/0001.json")["children"]
    names = [[run["run_id"] for run in child["runs"]] for child in children]
    assert names == [["devices-0-1.0", "devices-0-1.1"], ["devices-2-1"], ["devices-3-1"]]
    assert read(stack, "devices", "report.json")["runs"]["succeeded"] == 4
