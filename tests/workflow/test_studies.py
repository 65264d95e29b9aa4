"""Studies on the embedded AWS: rounds of runs, their summary, and whatever cuts them short."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from werkzeug.wrappers import Request, Response

from quantum_pipeline import runs
from quantum_pipeline.errors import ServiceUnavailable
from quantum_pipeline.local.aws import ACCOUNT, REGION, STACK_NAME
from tests.stack import Stack, priced_stack
from tests.waiting import wait_for

pytestmark = pytest.mark.usefixtures("quick_and_not_intercepted")

Told = Callable[[], list[dict[str, Any]]]


@pytest.fixture(scope="module")
def stack() -> Iterator[Stack]:
    with priced_stack() as stack:
        yield stack
        assert not stack.aws.authority.refused


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


def child(name: str) -> str:
    """Return the ARN of an execution of the pipeline."""
    return f"arn:aws:states:{REGION}:{ACCOUNT}:execution:{STACK_NAME}-StateMachine:{name}"


def of_study(name: str) -> str:
    """Return the ARN of an execution of a study."""
    return child(name).replace("StateMachine", "StudyMachine")


def keys(stack: Stack, study: str, name: str) -> set[str]:
    """Return the names of the study's objects that begin so."""
    folder = f"studies/{study}/"
    found = stack.s3.list_objects_v2(Bucket=stack.bucket, Prefix=folder + name)
    return {each["Key"].removeprefix(folder) for each in found.get("Contents", [])}


def end(stack: Stack, execution: str) -> dict[str, Any]:
    """Return how an execution of a study has ended; nothing before it has."""
    found = keys(stack, "_ends", f"{execution}.json")
    return dict(read(stack, "_ends", f"{execution}.json")) if found else {}


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
    planned = stack.invoke("PlanRound", {"execution_arn": of_study("devices"), "input": asked})
    assert planned["n_children"] == 3
    children = read(stack, "devices", "rounds/0001.json")["children"]
    names = [[run["run_id"] for run in child["runs"]] for child in children]
    assert names == [["devices-0-1.0", "devices-0-1.1"], ["devices-2-1"], ["devices-3-1"]]
    items = read(stack, "devices", "rounds/0001.items.json")
    assert [item["input"].get("device") for item in items] == [None, "sv1", "sv1"]
    assert [item["input"].get("study") for item in items] == [None, "devices", "devices"]


def test_a_study_that_is_stopped_stops_its_runs_and_goes_on_when_it_is_started_again(
    stack: Stack, told: Told
) -> None:
    told()
    asked = study("halted", {"problem": [ring(5)], "seed": {"count": 2}})
    stack.aws.braket.queue_seconds = 3600
    first = start(stack, asked, "halted-1")
    wait_for(lambda: stack.job_statuses("halted-0-1") == ["QUEUED"])
    stack.states.stop_execution(executionArn=first, error="Enough", cause="for today")
    stack.wait_for_record("halted-0-1.1", runs.CANCELLED)
    assert stack.ended(child("halted-0-1"))["status"] == "ABORTED"
    wait_for(lambda: stack.job_statuses("halted-0-1") == ["CANCELLED"])
    wait_for(lambda: end(stack, "halted-1").get("told"))
    [message] = told()
    assert (message["study"], message["status"], message["error"]) == (
        *("halted", "CANCELLED"),
        "Enough",
    )
    stack.aws.braket.queue_seconds = 0
    again = stack.ended(start(stack, asked, "halted-2"))
    assert again["status"] == "SUCCEEDED", again
    lines = list(csv.DictReader(io.StringIO(read(stack, "halted", "runs.csv"))))
    assert [(line["run_id"], line["status"]) for line in lines] == [
        (f"halted-0-2.{number}", "SUCCEEDED") for number in range(2)
    ]
    assert len(stack.jobs("halted-0-2")) == 1
    assert read(stack, "halted", "rows/0001.json")["rows"][0]["status"] == "CANCELLED"
    assert stack.ended(start(stack, asked, "halted-3"))["status"] == "SUCCEEDED"
    assert [each["status"] for each in told()] == ["SUCCEEDED", "SUCCEEDED"]
    assert keys(stack, "halted", "rounds/") == {
        f"rounds/000{number}{kind}.json" for number in (1, 2) for kind in ("", ".items")
    }


def test_two_starts_at_once_another_plan_and_what_is_no_study(stack: Stack, told: Told) -> None:
    told()
    asked = study("twice", {"problem": [ring(5)], "seed": {"count": 2}})
    stack.aws.braket.queue_seconds = 3600
    first = start(stack, asked, "twice-1")
    wait_for(lambda: stack.job_statuses("twice-0-1") == ["QUEUED"])
    second = stack.ended(start(stack, asked, "twice-2"))
    assert (second["status"], second["error"]) == ("FAILED", "InvalidRequest")
    assert first in second["cause"]
    other = stack.ended(start(stack, asked | {"vary": {"problem": [ring(6)]}}, "twice-3"))
    assert "a name that no other study had" in other["cause"]
    stack.aws.braket.queue_seconds = 0
    stack.states.stop_execution(executionArn=first)
    nameless = stack.ended(start(stack, {"vary": {}}, "nameless"))
    assert (nameless["status"], nameless["error"]) == ("FAILED", "InvalidRequest")
    names = ("twice-1", "twice-2", "twice-3", "nameless")
    wait_for(lambda: all(end(stack, name).get("told") for name in names))
    assert sorted((each["study"], each["status"]) for each in told()) == [
        ("nameless", "FAILED"),
        *(("twice", status) for status in ("CANCELLED", "FAILED", "FAILED")),
    ]
    status = {"status": "FAILED", "name": "twice-2", "executionArn": second["executionArn"]}
    stack.invoke("StopRuns", {"detail": status})  # the event comes again
    assert told() == []
    wait_for(lambda: stack.job_statuses("twice-0-1") == ["CANCELLED"])


def test_a_study_of_which_too_many_runs_fail_ends_with_its_summary(
    stack: Stack, told: Told
) -> None:
    told()
    asked = study("luckless", {"device": ["sv1"], "problem": [ring(4)], "seed": {"count": 2}})
    refused = stack.refuse("CreateJob", "ValidationException", 2)
    ended = stack.ended(start(stack, asked, "luckless"))
    assert len(refused) == 2
    assert (ended["status"], ended["error"]) == ("FAILED", "JobFailed")
    assert "2 of 2 runs have failed" in ended["cause"]
    report = read(stack, "luckless", "report.json")
    assert report["runs"] == {"succeeded": 0, "failed": 2, "cancelled": 0}
    assert report["stopped_because"].startswith("limits.tolerated_failures: 2 of 2 runs")
    wait_for(lambda: end(stack, "luckless").get("told"))
    assert [(each["study"], each["status"]) for each in told()] == [("luckless", "FAILED")]


def test_runs_that_their_user_has_cancelled_are_rows_until_the_study_is_started_again(
    stack: Stack,
) -> None:
    asked = study("picked", {"problem": [ring(4)], "seed": {"count": 2}})
    stack.aws.braket.queue_seconds = 3600
    first = start(stack, asked, "picked-1")
    wait_for(lambda: stack.job_statuses("picked-0-1") == ["QUEUED"])
    stack.states.stop_execution(executionArn=child("picked-0-1"))
    assert stack.ended(first)["status"] == "SUCCEEDED"
    counted = {"succeeded": 0, "failed": 0, "cancelled": 2}
    assert read(stack, "picked", "report.json")["runs"] == counted
    stack.aws.braket.queue_seconds = 0
    wider = asked | {"limits": asked.get("limits", {}) | {"tolerated_failures": 0.5}}
    assert stack.ended(start(stack, wider, "picked-2"))["status"] == "SUCCEEDED"
    assert read(stack, "picked", "report.json")["runs"]["succeeded"] == 2
    assert read(stack, "picked", "study.json")["limits"]["tolerated_failures"] == 0.5


def test_plan_round_says_the_same_again_and_finishes_what_an_earlier_call_has_left(
    stack: Stack,
) -> None:
    asked = study("calls", {"problem": [ring(5)], "seed": {"count": 2}})
    arn = of_study("calls")
    first = stack.invoke("PlanRound", {"execution_arn": arn, "input": asked})
    stack.s3.delete_object(Bucket=stack.bucket, Key=first["items"])  # it died before it wrote them
    assert stack.invoke("PlanRound", {"execution_arn": arn, "input": asked}) == first
    assert [each["name"] for each in read(stack, "calls", "rounds/0001.items.json")] == [
        "calls-0-1"
    ]
    again = stack.invoke("PlanRound", {"execution_arn": arn, "input": first})
    assert again == first | {"looks": 2, "turns": 2}  # nothing of it has started
    last = stack.invoke("PlanRound", {"execution_arn": arn, "input": again | {"looks": 3}})
    assert last["stopped"]["Error"] == "JobFailed"
    rows = read(stack, "calls", "rows/0001.json")["rows"]
    assert [row["error"] for row in rows] == ["NotStarted", "NotStarted"]


def test_the_sweep_stops_the_runs_of_a_study_of_whose_end_nobody_heard(
    stack: Stack, told: Told
) -> None:
    told()
    asked = study("unheard", {"problem": [ring(4)], "seed": {"count": 2}})
    stack.aws.braket.queue_seconds = 3600
    execution = start(stack, asked, "unheard")
    wait_for(lambda: stack.job_statuses("unheard-0-1") == ["QUEUED"])
    rule, events = f"{STACK_NAME}-StoppedStudyRule", stack.client("events")
    events.disable_rule(Name=rule)
    stack.states.stop_execution(executionArn=execution)
    assert "unheard" in stack.invoke("Sweep", {"grace_seconds": 0})["left"]
    events.enable_rule(Name=rule)
    assert stack.ended(child("unheard-0-1"))["status"] == "ABORTED"
    wait_for(lambda: end(stack, "unheard").get("told"))
    assert [(each["study"], each["status"]) for each in told()] == [("unheard", "CANCELLED")]
    wait_for(lambda: stack.job_statuses("unheard-0-1") == ["CANCELLED"])


def cut_off_at_each_call(
    stack: Stack, function: str, event: Callable[[int], dict[str, Any]], step: int = 1
) -> list[dict[str, Any]]:
    """Call a function that AWS answers no more after 0, ``step``, 2 ``step``, ... calls.

    Each time it is called again then, as the state machine does. Returns what it answered, until it
    has not been cut off.
    """
    answers = []
    for n_answered in range(0, 100, step):
        asked: list[str] = []

        def intercept(
            _: str, request: Request, n: int = n_answered, asked: list[str] = asked
        ) -> Response | None:
            if f"app/{function}Function" not in request.headers.get("User-Agent", ""):
                return None
            asked.append(request.path)
            refused = "<Error><Code>SlowDown</Code></Error>"
            return Response(refused, 503) if len(asked) > n else None

        stack.aws.router.intercept = intercept
        try:
            answers.append(stack.invoke(function, event(n_answered)))
        except ServiceUnavailable:
            stack.aws.router.intercept = None
            answers.append(stack.invoke(function, event(n_answered)))
        else:
            stack.aws.router.intercept = None
            return answers
    raise AssertionError(f"{function}: {asked}")


def test_functions_of_a_study_that_are_cut_off_at_any_call_come_to_the_same_when_called_again(
    stack: Stack, told: Told
) -> None:
    told()
    vary = {"problem": [ring(5)], "seed": {"count": 2}}
    planned = cut_off_at_each_call(
        stack,
        "PlanRound",
        lambda n: {"execution_arn": of_study(f"cut-{n}"), "input": study(f"cut-{n}", vary)},
    )
    assert len(planned) > 8
    for number, answer in enumerate(planned):
        same = {"round": 1, "looks": 1, "turns": 1, "n_children": 1, "concurrency": 3}
        assert same.items() <= answer.items()
        [item] = read(stack, f"cut-{number}", "rounds/0001.items.json")
        assert item["name"] == f"cut-{number}-0-1"
    [item] = read(stack, "cut-0", "rounds/0001.items.json")
    assert stack.ended(stack.start(item["input"], item["name"]))["status"] == "SUCCEEDED"
    event = {"execution_arn": of_study("cut-0"), "input": planned[0]}
    done = cut_off_at_each_call(stack, "PlanRound", lambda _: event)
    assert len(done) > 3
    assert {json.dumps(each) for each in done} == {
        json.dumps({"study": "cut-0", "round": 1, "n_children": 0})
    }
    rows = read(stack, "cut-0", "rows/0001.json")["rows"]
    assert [(row["run_id"], row["status"]) for row in rows] == [
        (f"cut-0-0-1.{number}", "SUCCEEDED") for number in range(2)
    ]
    event = {"execution_arn": of_study("cut-0"), "done": done[0]}
    ended = cut_off_at_each_call(stack, "Summarise", lambda _: event, step=4)
    assert len(ended) > 2
    assert [(each["study"], each["status"]) for each in told()] == [("cut-0", "SUCCEEDED")]
    assert read(stack, "cut-0", "report.json")["runs"]["succeeded"] == 2
