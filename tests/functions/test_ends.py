"""The end of a run, left half-way at any place: finished by whoever comes next, told once."""

from __future__ import annotations

import io
import json
import os
import re
import signal
import tarfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from werkzeug.wrappers import Request, Response

from quantum_pipeline import runs
from quantum_pipeline.errors import InvalidResult, PipelineError, ServiceUnavailable
from tests.functions.stages import execution_of, prepared
from tests.stack import HYDROGEN, REQUEST, Stack, archive_of
from tests.waiting import PATIENCE_SECONDS

POST_PROCESS: dict[str, Any] = json.loads(
    Path("events/functions/post_process.json").read_text("utf-8")
)
CANCEL: dict[str, Any] = json.loads(Path("events/functions/cancel.json").read_text("utf-8"))
STOPPED: dict[str, Any] = json.loads(
    Path("events/functions/cancel_stopped.json").read_text("utf-8")
)
Told = Callable[[], list[dict[str, Any]]]
Completed = Callable[[str], dict[str, Any]]
ENERGY = -1.137284
"""Of `HYDROGEN`, in hartree, as PySCF has it."""


@pytest.fixture(autouse=True)
def no_interception(stack: Stack) -> Iterator[None]:
    yield
    stack.aws.router.intercept = None


@pytest.fixture(scope="module")
def original(stack: Stack) -> tuple[dict[str, Any], dict[str, Any]]:
    """The record of a job that has completed, and its result."""
    arn = stack.invoke("Submit", prepared(stack, "original", HYDROGEN))["job_arn"]
    assert stack.job_ended(arn)["status"] == "COMPLETED"
    with tarfile.open(fileobj=io.BytesIO(stack.output("original"))) as tar:
        member = tar.extractfile("results.json")
        assert member is not None
        return stack.record("original", "job.json"), json.load(member)["dataDictionary"]


@pytest.fixture(scope="module")
def completed(stack: Stack, original: tuple[dict[str, Any], dict[str, Any]]) -> Completed:
    """A function that takes a run to the end of that job; it returns what PostProcess gets."""
    job, result = original

    def make(run_id: str) -> dict[str, Any]:
        prepared(stack, run_id, HYDROGEN)
        body = json.dumps(job | {"run_id": run_id})
        stack.s3.put_object(Bucket=stack.bucket, Key=runs.key(run_id, "job.json"), Body=body)
        stack.put_output("original", archive_of({"dataDictionary": result | {"run_id": run_id}}))
        return POST_PROCESS | {"run_id": run_id, "job_arn": job["job_arn"]}

    return make


def failed(run_id: str) -> dict[str, Any]:
    return CANCEL | {"run_id": run_id, "execution_arn": execution_of(run_id)}


def stopped(run_id: str) -> dict[str, Any]:
    detail = STOPPED["detail"] | {"name": run_id, "executionArn": execution_of(run_id)}
    return {**STOPPED, "detail": detail}


def content(stack: Stack, run_id: str, name: str) -> bytes:
    answer = stack.s3.get_object(Bucket=stack.bucket, Key=runs.key(run_id, name))
    body: bytes = answer["Body"].read()
    return body


Place = Callable[[str, Request], bool]
PLACES: dict[str, Place] = {
    "half published": lambda service, asked: (
        "X-Amz-Copy-Source" in asked.headers and asked.path.endswith("report.json")
    ),
    "published": lambda service, asked: (
        asked.method == "PUT" and asked.path.endswith("completed.json")
    ),
    "remembered": lambda service, asked: service == "dynamodb",
    "cleaned up": lambda service, asked: asked.method == "POST" and "delete" in asked.args,
    "telling": lambda service, asked: service == "sns",
}


def kill_at(stack: Stack, function: str, place: Place) -> None:
    """Kill a function's processes when its next call comes to a place."""
    name = f"quantum-pipeline-{function}Function"
    done: list[Place] = []

    def kill(service: str, request: Request) -> Response | None:
        if not done and place(service, request):
            done.append(place)
            for process_id in stack.aws.functions.process_ids(name):
                os.kill(process_id, signal.SIGKILL)
            return Response(status=503)  # what was asked for has no effect
        return None

    stack.aws.router.intercept = kill


def expire_lease(stack: Stack, run_id: str) -> None:
    """Let the time pass in which a teller is taken to be alive."""
    end = stack.record(run_id, "end.json")
    if end["telling"]:
        end["telling"]["until"] = "2026-01-01T00:00:00Z"
        key = runs.key(run_id, "end.json")
        stack.s3.put_object(Bucket=stack.bucket, Key=key, Body=json.dumps(end))


@pytest.mark.parametrize("place", PLACES)
def test_a_report_whose_post_process_died_is_published_and_told_by_cancel(
    stack: Stack, completed: Completed, told: Told, place: str
) -> None:
    run_id = f"died-{place.replace(' ', '-')}"
    event = completed(run_id)
    told()
    kill_at(stack, "PostProcess", PLACES[place])
    with pytest.raises(PipelineError, match="exited"):
        stack.invoke("PostProcess", event)
    assert not stack.record(run_id, "end.json")["told"]
    expire_lease(stack, run_id)
    stack.invoke("Cancel", stopped(run_id))
    assert [(each["run_id"], each["status"]) for each in told()] == [(run_id, "SUCCEEDED")]
    assert_completed(stack, run_id)
    assert stack.invoke("PostProcess", event)["objective"] == pytest.approx(ENERGY)
    assert told() == []


def assert_completed(stack: Stack, run_id: str) -> None:
    """Hold a run to have one end, with a whole report."""
    names = stack.records(run_id)
    assert names & set(runs.ENDS) == {"completed.json"}
    assert not any(name.startswith("staged/") for name in names)
    report = stack.record(run_id, "report.json")
    assert {report["artifacts"]["report_html"], *report["artifacts"]["plots"]} <= names
    assert stack.record(run_id, "completed.json")["objective"] == report["solution"]["objective"]
    assert stack.record(run_id, "end.json")["told"]
    remembered = stack.remembered(run_id)
    assert remembered is not None
    assert remembered["quality"]["objective"] == report["solution"]["objective"]


def test_a_post_process_that_comes_late_writes_no_other_report(
    stack: Stack, completed: Completed
) -> None:
    event = completed("late")
    first = stack.invoke("PostProcess", event)
    names = ("report.json", "report.html", "completed.json", "end.json")
    written = [content(stack, "late", name) for name in names]
    assert stack.invoke("PostProcess", event | {"polls": 99}) == first
    assert [content(stack, "late", name) for name in names] == written


def test_of_two_post_processes_at_once_one_report_is_left(
    stack: Stack, completed: Completed, told: Told
) -> None:
    event = completed("twice")
    told()
    answers: list[dict[str, Any]] = []
    overtaken: list[str] = []
    is_over = threading.Event()

    def overtake(service: str, request: Request) -> Response | None:
        staged = re.search(r"/staged/\w+/", request.path)
        if request.method != "PUT" or staged is None:
            return None
        if not overtaken:
            overtaken.append(staged[0])
            answers.append(stack.invoke("PostProcess", event | {"polls": 99}))
            is_over.set()
        elif staged[0] == overtaken[0]:  # the call is made again where the other takes long
            is_over.wait(PATIENCE_SECONDS)
        return None

    stack.aws.router.intercept = overtake
    answers.append(stack.invoke("PostProcess", event))
    assert answers[0] == answers[1]
    assert stack.record("twice", "report.json")["timing"]["polls"] == 99
    assert_completed(stack, "twice")
    assert [each["run_id"] for each in told()] == ["twice"]


def test_a_stop_that_is_overtaken_by_the_report_changes_nothing(
    stack: Stack, completed: Completed, told: Told
) -> None:
    event = completed("overtaken")
    told()

    def stop_at_the_copy(service: str, request: Request) -> Response | None:
        if PLACES["half published"](service, request) and not stops:
            stops.append(1)
            stack.invoke("Cancel", stopped("overtaken"))
        return None

    stops: list[int] = []
    stack.aws.router.intercept = stop_at_the_copy
    stack.invoke("PostProcess", event)
    assert_completed(stack, "overtaken")
    assert [each["status"] for each in told()] == ["SUCCEEDED"]


def test_two_copies_of_an_event_tell_of_the_end_once(stack: Stack, told: Told) -> None:
    told()
    copies: list[int] = []

    def call_again(_: str, request: Request) -> Response | None:
        takes = request.method == "PUT" and "If-Match" in request.headers
        if takes and request.path.endswith("end.json") and not copies:
            copies.append(1)
            stack.invoke("Cancel", failed("copied"))  # both have found that nobody tells
        return None

    stack.aws.router.intercept = call_again
    stack.invoke("Cancel", failed("copied"))
    assert copies
    assert [each["run_id"] for each in told()] == ["copied"]


def test_a_teller_that_died_is_waited_for_and_then_replaced(stack: Stack, told: Told) -> None:
    told()
    kill_at(stack, "Cancel", PLACES["telling"])
    with pytest.raises(PipelineError, match="exited"):
        stack.invoke("Cancel", failed("dead"))
    stack.invoke("Cancel", failed("dead"))
    assert told() == []  # it might be alive, and telling
    expire_lease(stack, "dead")
    stack.invoke("Cancel", failed("dead"))
    assert [each["run_id"] for each in told()] == ["dead"]


def test_a_topic_that_refuses_a_success_makes_no_failure_of_it(
    stack: Stack, completed: Completed, told: Told
) -> None:
    event = completed("unheard")
    told()

    def refuse(service: str, request: Request) -> Response | None:
        return Response("<ErrorResponse/>", 500) if service == "sns" else None

    stack.aws.router.intercept = refuse
    assert stack.invoke("PostProcess", event)["status"] == "SUCCEEDED"
    stack.aws.router.intercept = None
    assert not stack.record("unheard", "end.json")["told"]
    stack.invoke("Cancel", stopped("unheard"))
    assert [each["status"] for each in told()] == ["SUCCEEDED"]
    assert_completed(stack, "unheard")


@pytest.mark.parametrize("operation", ["SearchJobs", "GetJob"])
def test_a_failure_is_told_even_where_its_job_cannot_be_cancelled(
    stack: Stack, told: Told, operation: str
) -> None:
    run_id = f"denied-{operation.lower()}"
    stack.invoke("Submit", prepared(stack, run_id, REQUEST))
    told()
    stack.refuse(operation, "AccessDeniedException", times=9)
    with pytest.raises(PipelineError, match="AccessDenied"):
        stack.invoke("Cancel", failed(run_id))
    stack.aws.braket.intercept = None
    assert [each["run_id"] for each in told()] == [run_id]
    assert stack.records(run_id) & set(runs.ENDS) == {"failure.json"}


def test_an_end_of_an_earlier_release_is_left_as_it_is(stack: Stack, told: Told) -> None:
    told()
    stack.put_end("old", "failure.json")
    stack.invoke("Cancel", failed("old"))
    assert stack.record("old", "end.json") == {"record": "failure.json"}
    assert told() == []


@pytest.mark.parametrize("ender", ["PostProcess", "Cancel"])
def test_what_an_attempt_has_staged_that_came_late_and_died_is_removed(
    stack: Stack, completed: Completed, told: Told, ender: str
) -> None:
    run_id = f"late-and-dead-{ender.lower()}"
    event = completed(run_id)
    first = stack.invoke("PostProcess", event)
    key = runs.key(run_id, "staged/dead/report.json")
    stack.s3.put_object(Bucket=stack.bucket, Key=key, Body=b"{")
    told()
    stack.invoke(ender, event if ender == "PostProcess" else stopped(run_id))
    assert_completed(stack, run_id)
    assert first["objective"] == pytest.approx(ENERGY)
    assert told() == []


def test_what_an_attempt_has_staged_that_died_is_removed_by_the_end(
    stack: Stack, completed: Completed
) -> None:
    event = completed("two-attempts")
    key = runs.key("two-attempts", "staged/dead/report.json")
    stack.s3.put_object(Bucket=stack.bucket, Key=key, Body=b"{")
    stack.invoke("PostProcess", event)
    assert_completed(stack, "two-attempts")


def refuse_the_table(stack: Stack, code: str) -> list[str]:
    """Make DynamoDB refuse all; return what it refused, as it happens."""
    refused: list[str] = []

    def refuse(service: str, request: Request) -> Response | None:
        if service != "dynamodb":
            return None
        refused.append(request.headers["X-Amz-Target"])
        status = 500 if code == "InternalServerError" else 400
        body = json.dumps({"__type": f"com.amazonaws.dynamodb.v20120810#{code}", "message": "no"})
        return Response(body, status, content_type="application/x-amz-json-1.0")

    stack.aws.router.intercept = refuse
    return refused


@pytest.fixture(scope="module")
def remembered(stack: Stack, completed: Completed) -> None:
    """A run that succeeded, one that failed, and one that was stopped before it was prepared."""
    stack.invoke("PostProcess", completed("good"))
    prepared(stack, "bad", HYDROGEN | {"owner": "ann", "tags": {"project": "P1"}})
    stack.invoke("Cancel", failed("bad"))
    stack.invoke("Cancel", stopped("halted"))


def test_every_end_is_remembered_as_its_record_says(stack: Stack, remembered: None) -> None:
    good, bad, halted = (stack.remembered(each) for each in ("good", "bad", "halted"))
    assert good and bad and halted
    report = stack.record("good", "report.json")
    assert (good["status"], good["ended_at"]) == ("SUCCEEDED", report["completed_at"])
    assert good["quality"]["objective"] == report["solution"]["objective"]
    assert good["cost"]["actual_usd"] == report["cost"]["actual_usd"]
    failure = stack.record("bad", "failure.json")
    assert (bad["status"], bad["error"]) == ("FAILED", failure["error"])
    assert (bad["owner"], bad["tags"], bad["problem"]["type"]) == (
        "ann",
        {"project": "P1"},
        "chemistry",
    )
    assert (halted["status"], halted["problem"]) == ("CANCELLED", None)


@pytest.mark.parametrize(
    ("index", "names"),
    [
        (("by-time", "kind", "run"), ["halted", "bad", "good"]),
        (("by-family", "family", "chemistry/H2 sto-3g/vqe"), ["bad", "good"]),
    ],
)
def test_runs_are_found_by_time_and_by_family_the_newest_first(
    stack: Stack, remembered: None, index: tuple[str, str, str], names: list[str]
) -> None:
    name, key, value = index
    found = stack.dynamodb.query(
        TableName=stack.aws.outputs["CatalogueTableName"],
        IndexName=name,
        KeyConditionExpression="#key = :value",
        ExpressionAttributeNames={"#key": key},
        ExpressionAttributeValues={":value": {"S": value}},
        ScanIndexForward=False,
    )["Items"]
    listed = [each["run_id"]["S"] for each in found]
    assert [each for each in listed if each in ("good", "bad", "halted")] == names


@pytest.mark.parametrize("code", ["ProvisionedThroughputExceededException", "InternalServerError"])
def test_an_end_waits_for_a_catalogue_that_is_throttled_or_down(
    stack: Stack, completed: Completed, told: Told, code: str
) -> None:
    run_id = f"waits-{code[:8].lower()}"
    event = completed(run_id)
    told()
    refused = refuse_the_table(stack, code)
    with pytest.raises(ServiceUnavailable, match=code):  # the state machine calls again
        stack.invoke("PostProcess", event)
    assert len(refused) == 2
    assert told() == []
    assert not stack.record(run_id, "end.json")["told"]
    stack.aws.router.intercept = None
    assert stack.invoke("PostProcess", event)["objective"] == pytest.approx(ENERGY)
    assert [each["status"] for each in told()] == ["SUCCEEDED"]
    assert_completed(stack, run_id)


def test_a_run_that_has_waited_long_succeeds_and_the_sweep_finishes_its_end(
    stack: Stack, completed: Completed, told: Told
) -> None:
    event = completed("patient")
    told()
    refuse_the_table(stack, "InternalServerError")
    with pytest.raises(ServiceUnavailable):
        stack.invoke("PostProcess", event)
    end = stack.record("patient", "end.json")
    end["end"]["ended_at"] = "2026-08-24T09:31:12Z"
    key = runs.key("patient", "end.json")
    stack.s3.put_object(Bucket=stack.bucket, Key=key, Body=json.dumps(end))
    assert stack.invoke("PostProcess", event)["status"] == "SUCCEEDED"
    assert told() == []
    with pytest.raises(ServiceUnavailable):
        stack.invoke("Cancel", swept("patient"))
    stack.aws.router.intercept = None
    stack.invoke("Cancel", swept("patient"))
    assert [each["status"] for each in told()] == ["SUCCEEDED"]
    assert_completed(stack, "patient")


def swept(run_id: str) -> dict[str, Any]:
    """Return what the sweep calls Cancel with for an execution that has succeeded."""
    detail = {"name": run_id, "executionArn": execution_of(run_id), "status": "SUCCEEDED"}
    return {"detail": detail}


def test_a_failure_waits_for_the_catalogue_too_and_is_told_once(stack: Stack, told: Told) -> None:
    told()
    refuse_the_table(stack, "ThrottlingException")
    with pytest.raises(ServiceUnavailable):
        stack.invoke("Cancel", failed("throttled"))
    assert told() == []
    stack.aws.router.intercept = None
    stack.invoke("Cancel", failed("throttled"))
    stack.invoke("Cancel", failed("throttled"))
    assert [each["run_id"] for each in told()] == ["throttled"]
    remembered = stack.remembered("throttled")
    assert remembered is not None
    assert remembered["error"] == "JobFailed"


def test_a_record_is_written_once_and_stays_as_it_is(stack: Stack, completed: Completed) -> None:
    event = completed("once")
    stack.invoke("PostProcess", event)
    first = stack.remembered("once")
    end = stack.record("once", "end.json") | {"told": False, "telling": None}
    stack.s3.put_object(Bucket=stack.bucket, Key="runs/once/end.json", Body=json.dumps(end))
    report = stack.record("once", "report.json")
    report["solution"]["objective"] = 5.0
    stack.s3.put_object(Bucket=stack.bucket, Key="runs/once/report.json", Body=json.dumps(report))
    stack.invoke("Cancel", swept("once"))
    assert stack.record("once", "end.json")["told"]
    assert stack.remembered("once") == first


def test_a_run_in_flight_across_an_upgrade_is_remembered(
    stack: Stack, completed: Completed
) -> None:
    event = completed("in-flight")
    old = stack.record("in-flight", "prepared.json")
    del old["features"], old["request"]["owner"], old["request"]["tags"]
    key = runs.key("in-flight", "prepared.json")
    stack.s3.put_object(Bucket=stack.bucket, Key=key, Body=json.dumps(old))
    stack.invoke("PostProcess", event)
    assert_completed(stack, "in-flight")
    remembered = stack.remembered("in-flight")
    assert remembered is not None
    assert remembered["problem"] == {"type": "chemistry", "features": None}


def test_an_end_whose_run_cannot_be_read_is_remembered_and_told_nevertheless(
    stack: Stack, told: Told
) -> None:
    told()
    key = runs.key("garbled", "prepared.json")
    stack.s3.put_object(Bucket=stack.bucket, Key=key, Body=b"{")
    with pytest.raises(InvalidResult):
        stack.invoke("Cancel", failed("garbled"))
    assert [each["run_id"] for each in told()] == ["garbled"]
    remembered = stack.remembered("garbled")
    assert remembered is not None
    assert (remembered["error"], remembered["problem"]) == ("JobFailed", None)
