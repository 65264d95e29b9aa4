"""The state machines, linted: what Step Functions would only tell of when it runs."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from quantum_pipeline.aws import polling
from quantum_pipeline.errors import ERRORS
from quantum_pipeline.local.template import Stack
from quantum_pipeline.runs import MAX_ATTEMPTS, MOST_PACKED
from quantum_pipeline.studies.study import MAX_ROUNDS

ROOT = Path(__file__).parents[2]
Json = dict[str, Any]

AWS_ERRORS = {
    "Lambda.AWSLambdaException",
    "Lambda.SdkClientException",
    "Lambda.ServiceException",
    "Lambda.TooManyRequestsException",
    "Lambda.ClientExecutionTimeoutException",
    "Lambda.Unknown",  # out of memory, or cut off
    "Runtime.ExitError",  # the process died
    "Sandbox.Timedout",  # the function's own timeout
    "States.ALL",
    "States.ItemReaderFailed",
    "States.Timeout",
    "StepFunctions.AWSStepFunctionsException",
    "StepFunctions.ExecutionLimitExceededException",
    "StepFunctions.SdkClientException",
    "StepFunctions.ThrottlingException",
}
EVENTS_OF_AN_EXECUTION = 25_000
EVENTS_OF_A_POLL = (
    9  # entered and exited of Wait, Monitor, IsFinished; scheduled, started, succeeded; as in line
)
EVENTS_OF_A_RETRY = 3  # scheduled, started, failed
EVENTS_OF_A_PACKED_RUN = 14  # iteration started, succeeded; five of each task, two of RunHasEnded


def definition(name: str) -> Json:
    path = ROOT / "statemachine" / f"{name}.asl.json"
    found: Json = json.loads(path.read_text(encoding="utf-8"))
    return found


@pytest.fixture
def study() -> Json:
    """The definition of the machine of studies, before substitution."""
    return definition("study")


@pytest.fixture(params=["pipeline", "study"])
def either(request: pytest.FixtureRequest) -> Json:
    """Each state machine's definition, before substitution."""
    return definition(request.param)


def machines(machine: Json) -> Iterator[Json]:
    """The machine, and those inside its states."""
    yield machine
    for state in machine["States"].values():
        if "ItemProcessor" in state:
            yield from machines(state["ItemProcessor"])


def states(machine: Json) -> dict[str, Json]:
    """All states, those of inner machines too; no name is there twice."""
    found = [each for inner in machines(machine) for each in inner["States"].items()]
    assert len(found) == len(dict(found))
    return dict(found)


def tasks(machine: Json) -> dict[str, Json]:
    return {name: state for name, state in states(machine).items() if state["Type"] == "Task"}


def calls(machine: Json) -> dict[str, Json]:
    """The tasks that call functions: all but that which starts the runs of a study."""
    return {name: state for name, state in tasks(machine).items() if name != "StartRun"}


def function_of(state: str) -> str:
    """Name of the function that a state calls: of a pack one function has several states."""
    return {
        "PostProcessRun": "PostProcess",
        "PostProcessPack": "PostProcess",
        "CancelRun": "Cancel",
    }.get(state, state)


def followers(state: Json) -> Iterator[str]:
    """Names of the states that may come next."""
    for key in ("Next", "Default"):
        if key in state:
            yield state[key]
    for branch in state.get("Catch", []) + state.get("Choices", []):
        yield branch["Next"]


def reachable(machine: Json, start: str) -> set[str]:
    found: set[str] = set()
    todo = [start]
    while todo:
        name = todo.pop()
        if name not in found:
            found.add(name)
            todo += followers(machine["States"][name])
    return found


def handlers(machine: Json, kind: str) -> Iterator[tuple[str, Json]]:
    """Name of the state and each of its Retry or Catch entries."""
    for name, state in states(machine).items():
        for entry in state.get(kind, []):
            yield name, entry


def test_every_state_named_as_next_exists(either: Json) -> None:
    for inner in machines(either):
        named = {name for state in inner["States"].values() for name in followers(state)}
        assert named | {inner["StartAt"]} <= inner["States"].keys()


def test_every_state_is_reachable(either: Json) -> None:
    for inner in machines(either):
        assert reachable(inner, inner["StartAt"]) == inner["States"].keys()


def test_every_state_goes_on_or_ends(either: Json) -> None:
    for name, state in states(either).items():
        ends = state["Type"] in ("Succeed", "Fail") or state.get("End", False)
        assert ends != any(True for _ in followers(state)), name


@pytest.mark.parametrize("state", ["Cancel", "StopRuns"])
def test_what_was_cancelled_never_ends_green(either: Json, state: str) -> None:
    if state not in either["States"]:
        return
    ends = {either["States"][name]["Type"] for name in reachable(either, state)}
    assert "Fail" in ends
    assert "Succeed" not in ends


def test_every_state_says_what_it_is_for(either: Json) -> None:
    assert all(state.get("Comment") for state in states(either).values())


@pytest.mark.parametrize("kind", ["Retry", "Catch"])
def test_every_error_named_is_ours_or_one_of_aws(either: Json, kind: str) -> None:
    for name, entry in handlers(either, kind):
        assert set(entry["ErrorEquals"]) <= AWS_ERRORS | ERRORS.keys(), name


def test_all_errors_are_caught_and_never_retried(either: Json) -> None:
    for name, entry in handlers(either, "Retry"):
        assert "States.ALL" not in entry["ErrorEquals"], name
    for name, state in tasks(either).items():
        assert state["Catch"][-1]["ErrorEquals"] == ["States.ALL"], name


def test_what_the_caller_or_the_job_did_wrong_is_not_retried(either: Json) -> None:
    retried = {error for _, entry in handlers(either, "Retry") for error in entry["ErrorEquals"]}
    assert retried & ERRORS.keys() == {"ServiceUnavailable"}


def test_every_retry_has_jitter_and_a_cap(either: Json) -> None:
    for name, entry in handlers(either, "Retry"):
        assert entry["JitterStrategy"] == "FULL", name
        assert entry["IntervalSeconds"] <= entry["MaxDelaySeconds"], name
        assert entry["MaxAttempts"] > 0, name


def test_a_concurrency_that_is_used_up_is_waited_for_by_each_function(machine: Json) -> None:
    """In Prepare, which comes before the line, at short intervals and for half an hour."""
    entries = {
        name: entry
        for name, entry in handlers(machine, "Retry")
        if entry["ErrorEquals"] == ["Lambda.TooManyRequestsException"]
    }
    assert entries.keys() == tasks(machine).keys()
    assert entries["Prepare"]["MaxDelaySeconds"] <= 10
    for name, entry in entries.items():
        delay, expected_seconds = float(entry["IntervalSeconds"]), 0.0
        for _ in range(entry["MaxAttempts"]):
            expected_seconds += delay / 2  # full jitter: half of it on average
            delay = min(delay * entry["BackoffRate"], entry["MaxDelaySeconds"])
        assert expected_seconds > (1800 if name == "Prepare" else 3400), name


def test_every_task_runs_the_function_of_its_name(either: Json) -> None:
    for name, state in calls(either).items():
        assert state["Resource"] == "arn:aws:states:::lambda:invoke"
        assert state["Parameters"]["FunctionName"] == f"${{{function_of(name)}FunctionArn}}"


def test_every_task_times_out_after_its_function_has(
    either: Json, functions: dict[str, Json], template: Json
) -> None:
    default = template["Globals"]["Function"]["Timeout"]
    for name, state in calls(either).items():
        function = functions[f"{function_of(name)}Function"]
        assert state["TimeoutSeconds"] > function.get("Timeout", default), name


@pytest.mark.parametrize("name", ["StateMachine", "StudyMachine"])
def test_placeholders_are_the_templates_substitutions(resources: Json, name: str) -> None:
    properties = resources[name]["Properties"]
    text = (ROOT / properties["DefinitionUri"]).read_text(encoding="utf-8")
    substitutions = properties["DefinitionSubstitutions"]
    assert set(re.findall(r"\$\{(\w+)\}", text)) == substitutions.keys()
    for placeholder, value in substitutions.items():
        named = placeholder.removesuffix("Arn").removesuffix("Name")
        assert value in ({"Fn::GetAtt": [named, "Arn"]}, {"Ref": named})


def test_nothing_is_left_to_substitute() -> None:
    stack = Stack.read(
        ROOT / "template.yaml", name="Pipeline", region="eu-north-1", account="123456789012"
    )
    assert len(stack.state_machines) == 2
    for machine in stack.state_machines:
        assert "${" not in machine.definition
        json.loads(machine.definition)


@pytest.mark.parametrize("n_runs", [1, MOST_PACKED])
def test_the_longest_execution_stays_below_the_limit_of_events(
    machine: Json, template: Json, n_runs: int
) -> None:
    """Looks until the machine's own timeout, by jobs of all attempts and by the line before each,

    which share the time so that there are most of them, and all retries of Prepare and Submit; then
    the runs of a pack, each retried to the last for one kind of error.
    """
    at_once = template["Parameters"]["PollsAtOnce"]["MaxValue"]
    share = machine["TimeoutSeconds"] / (2 * MAX_ATTEMPTS)
    age, polls, longest = 0, 0, polling.longest(n_runs)
    for _ in range(MAX_ATTEMPTS):
        in_line, waits = 0, 0
        while in_line < share:
            in_line += polling.line_wait_seconds(0, 1, waits, longest)
            waits += 1
        job_age, job_polls = 0, 0
        while job_age < share:
            job_age += polling.wait_seconds(job_age, job_polls, at_once, longest)
            job_polls += 1
        age += in_line + job_age
        polls += waits + job_polls
    assert age >= machine["TimeoutSeconds"]
    prepare, submit = (
        sum(entry["MaxAttempts"] for entry in machine["States"][name]["Retry"])
        for name in ("Prepare", "Submit")
    )
    retries = prepare + MAX_ATTEMPTS * submit
    events = polls * EVENTS_OF_A_POLL + retries * EVENTS_OF_A_RETRY
    of_a_run = EVENTS_OF_A_PACKED_RUN + EVENTS_OF_A_RETRY * sum(
        max(entry["MaxAttempts"] for entry in tasks(machine)[name]["Retry"])
        for name in ("PostProcessRun", "CancelRun")
    )
    assert events + (n_runs - 1) * of_a_run < EVENTS_OF_AN_EXECUTION


def test_the_longest_study_stays_below_the_limit_of_events(study: Json) -> None:
    """Rounds as many as an execution goes through, then the summary; 1,700 retries beside them.

    A task is entered, scheduled, started, succeeded and exited; a Map is entered, started,
    succeeded and exited, and so is its run; other states are entered and exited.
    """
    events = {"Task": 5, "Map": 6, "Choice": 2, "Pass": 2, "Succeed": 2, "Fail": 1}
    loop = ("PlanRound", "HasRuns", "Runs")
    assert set(loop) == reachable(study, "PlanRound") & {
        name for name in study["States"] if "PlanRound" in reachable(study, name)
    }
    of_a_round = sum(events[study["States"][name]["Type"]] for name in loop)
    of_the_rest = sum(events[state["Type"]] for state in study["States"].values())
    assert of_a_round == 13
    left = EVENTS_OF_AN_EXECUTION - MAX_ROUNDS * of_a_round - of_the_rest - 2  # started, ended
    assert left > 1_700 * EVENTS_OF_A_RETRY


def test_what_travels_in_a_study_does_not_grow_with_its_runs(study: Json) -> None:
    """Items are read from S3, and the Map hands nothing on."""
    runs = study["States"]["Runs"]
    assert runs["ItemReader"]["Parameters"]["Key.$"] == "$.items"
    assert runs["ResultPath"] is None
    item = runs["ItemProcessor"]["States"]
    assert item["StartRun"]["ResultPath"] is None
    assert item["StartRun"]["Catch"] == [
        {"ErrorEquals": ["States.ALL"], "ResultPath": None, "Next": "RunHasEnded"}
    ]
    assert item["RunHasEnded"]["Parameters"] == {}
    assert runs["ToleratedFailurePercentage"] == 100


def test_an_interrupted_job_is_resumed_as_often_as_a_run_has_attempts(machine: Json) -> None:
    [choice] = machine["States"]["MayResume"]["Choices"]
    assert choice == {"Variable": "$.attempt", "NumericLessThan": MAX_ATTEMPTS, "Next": "Resume"}
    catchers = {name for name, each in handlers(machine, "Catch") if each["Next"] == "MayResume"}
    assert catchers == {"Monitor"}


def test_only_small_values_travel_between_states(machine: Json) -> None:
    """Payloads name their fields one by one; the request alone is handed on whole, to Prepare."""
    whole = {
        (name, field)
        for name, state in tasks(machine).items()
        for field, path in state["Parameters"]["Payload"].items()
        if path == "$"
    }
    assert whole == {("Prepare", "request.$"), ("Cancel", "error.$")}


def test_a_pack_ends_its_runs_a_few_at_once_and_hands_nothing_of_them_on(machine: Json) -> None:
    runs = machine["States"]["PostProcessRuns"]
    assert runs["MaxConcurrency"] == 4
    assert runs["ResultPath"] is None
    selected = {name for name, path in runs["ItemSelector"].items() if path.startswith("$.")}
    assert selected == {"run_id.$", "attempt.$", "job_arn.$", "polls.$", "n_runs.$"}
