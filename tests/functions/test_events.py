"""Events out of form, for every function: refused by their fields, whoever sends them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from benchmarks import mutating
from benchmarks.mutations import event_case
from quantum_pipeline.errors import ERRORS, InvalidRequest
from tests.functions.stages import event, execution_of
from tests.stack import Stack

EXAMPLES: dict[str, dict[str, Any]] = {
    path.stem: json.loads(path.read_text("utf-8"))
    for path in Path("events/functions").glob("*.json")
}
FUNCTIONS = {
    "Prepare": "prepare",
    "Submit": "submit",
    "Monitor": "monitor",
    "PostProcess": "post_process",
    "Cancel": "cancel",
    "PlanRound": "plan_round",
    "Summarise": "summarise",
    "StopRuns": "stop_runs",
    "Sweep": "sweep",
}
OPTIONAL = {("Submit", "started_at"), ("Submit", "waits")}
"""Executions that began before there was a line for jobs do not send them."""

HALF = "\ud800"


def changed(example: str, **fields: Any) -> dict[str, Any]:
    return EXAMPLES[example] | fields


def ended(**fields: Any) -> dict[str, Any]:
    """Return the event of an execution that was stopped, with other details."""
    return changed("cancel_stopped", detail=EXAMPLES["cancel_stopped"]["detail"] | fields)


@pytest.mark.parametrize("function", FUNCTIONS)
@pytest.mark.parametrize("sent", [None, 5, "text", [{}]], ids=repr)
def test_what_is_no_object_is_no_event(stack: Stack, function: str, sent: Any) -> None:
    with pytest.raises(InvalidRequest, match=r"^event: got .*; allowed: an object with "):
        stack.invoke(function, sent)


@pytest.mark.parametrize(
    ("function", "field"),
    [
        (function, field)
        for function, name in FUNCTIONS.items()
        for field in EXAMPLES[name]
        if function != "Sweep" and (function, field) not in OPTIONAL
    ],
)
def test_a_field_that_is_missing_is_named(stack: Stack, function: str, field: str) -> None:
    sent = {name: value for name, value in EXAMPLES[FUNCTIONS[function]].items() if name != field}
    with pytest.raises(InvalidRequest, match=rf"^{field}: missing; allowed: "):
        stack.invoke(function, sent)


@pytest.mark.parametrize(
    ("function", "sent", "refusal"),
    [
        ("Prepare", changed("prepare", run_id=["r"]), r'run_id: got \["r"\]'),
        ("Prepare", changed("prepare", run_id="a/b"), 'run_id: got "a/b"; allowed: the name of an'),
        ("Prepare", changed("prepare", run_id=HALF), r'run_id: got "\\ud800"; allowed: the name'),
        ("Prepare", changed("prepare", execution_arn="x"), 'execution_arn: got "x"; allowed: the'),
        ("Submit", changed("submit", run_id=".."), r'run_id: got "\.\."; allowed: 1 to 80 of'),
        ("Submit", changed("submit", attempt=3), "attempt: got 3; allowed: an integer from 1 to 2"),
        ("Submit", changed("submit", started_at="x"), 'started_at: got "x"; allowed: a time with'),
        ("Submit", changed("submit", waits=-1), "waits: got -1; allowed: an integer from 0 to"),
        ("Submit", changed("submit", attempt=True), "attempt: got true; allowed: an integer"),
        ("Monitor", changed("monitor", polls=-1), "polls: got -1; allowed: an integer from 0"),
        ("Monitor", changed("monitor", polls=10**400), "polls: got an integer of about 401 digits"),
        ("Monitor", changed("monitor", job_arn=""), 'job_arn: got ""; allowed: the ARN of a Brak'),
        ("PostProcess", changed("post_process", job_arn={}), r"job_arn: got \{\}; allowed: the A"),
        ("Cancel", changed("cancel", error="x"), 'error: got "x"; allowed: an object with Error'),
        ("Cancel", changed("cancel", error={}), "error.Error: missing; allowed: text"),
        ("Cancel", ended(stopDate="now"), 'detail.stopDate: got "now"; allowed: a number from 0'),
        ("Cancel", ended(stopDate=1e300), "detail.stopDate: got 1e.300; allowed: a number from 0"),
        ("Cancel", ended(name=None), "detail.name: got null; allowed: the name of an execution"),
        ("Cancel", changed("cancel_stopped", detail=[]), r"detail: got \[\]; allowed: an object w"),
        ("PlanRound", changed("plan_round", input=5), r"study: got 5; allowed: an object with"),
        ("PlanRound", changed("plan_round", input={"study": "a"}), "round: missing; allowed: an "),
        ("Summarise", changed("summarise", done={"study": "a b"}), 'done.study: got "a b"; allo'),
        ("StopRuns", changed("stop_runs", error={}), "error.Error: missing; allowed: text"),
        ("Sweep", {"grace_seconds": 1e308}, r"grace_seconds: got 1e\+308; allowed: a number from"),
        ("Sweep", {"grace_seconds": "1"}, 'grace_seconds: got "1"; allowed: a number from 0 to'),
    ],
)
def test_a_field_of_another_form_is_named_with_its_value(
    stack: Stack, function: str, sent: dict[str, Any], refusal: str
) -> None:
    with pytest.raises(InvalidRequest, match=f"^{refusal}"):
        stack.invoke(function, sent)


@pytest.mark.parametrize("name", ["..", ".", "...", "-r", "ä", "a+b"])
def test_an_execution_of_a_name_that_is_no_folder_is_refused_and_its_end_is_its_own(
    stack: Stack, request_data: dict[str, Any], name: str
) -> None:
    with pytest.raises(InvalidRequest, match=r"^name of the execution: got .*; allowed: 1 to 80"):
        stack.invoke("Prepare", event(name, request_data))
    error = {"Error": "InvalidRequest", "Cause": json.dumps({"errorMessage": f"{HALF}, {name}"})}
    failed = changed("cancel", run_id=name, execution_arn=execution_of(name), error=error)
    assert stack.invoke("Cancel", failed)["cause"] == f"?, {name}"
    keys = [item["Key"] for item in stack.s3.list_objects_v2(Bucket=stack.bucket)["Contents"]]
    folder = {"..": "%2E%2E", ".": "%2E"}.get(name, name)
    assert {f"runs/{folder}/end.json", f"runs/{folder}/failure.json"} <= set(keys)
    assert not [key for key in keys if "/" not in key or key.count("/") == 1]


def test_mutated_events_are_answered_or_refused_by_name(stack: Stack) -> None:
    for number in range(60):
        name, _, content = event_case(mutating.generator(0, number), number).partition(b"\n")
        function = next(each for each, file in FUNCTIONS.items() if file == name.decode())
        if len(content) > 100_000 or function == "Sweep":
            continue  # the sweep looks at whatever other tests have left
        try:
            sent = json.dumps(json.loads(content, parse_constant=str))
        except (ValueError, RecursionError):
            continue  # no event: Lambda's runtime refuses it
        answer = stack.lambdas.invoke(
            FunctionName=f"quantum-pipeline-{function}Function", Payload=sent
        )
        said = json.load(answer["Payload"])
        assert "FunctionError" not in answer or said["errorType"] in ERRORS, (number, said)
