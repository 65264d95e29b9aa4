"""State PostProcess: a verified report, its pictures, the mark, the metrics, the notification."""

from __future__ import annotations

import io
import json
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from werkzeug.wrappers import Request, Response

from quantum_pipeline import runs
from quantum_pipeline.aws.metrics import METRICS
from quantum_pipeline.classification.columns import encoded
from quantum_pipeline.classification.prediction import predict
from quantum_pipeline.classification.stored import StoredModel
from quantum_pipeline.errors import InvalidResult, JobFailed, ServiceUnavailable
from quantum_pipeline.local.braket import BraketError
from quantum_pipeline.reports import ClassificationReport, OptimisationReport
from tests.functions.stages import ALWAYS, GARNET, create_task, prepared, task_status
from tests.stack import HYDROGEN, REQUEST, Stack, archive_of
from tests.waiting import wait_for

EVENT: dict[str, Any] = json.loads(Path("events/functions/post_process.json").read_text("utf-8"))


def completed(stack: Stack, run_id: str, request: dict[str, Any]) -> dict[str, Any]:
    """Take a run to the end of its job; return what PostProcess gets."""
    arn = stack.invoke("Submit", prepared(stack, run_id, request))["job_arn"]
    assert stack.job_ended(arn)["status"] == "COMPLETED"
    return EVENT | {"run_id": run_id, "job_arn": arn}


@pytest.fixture(scope="module")
def finished(stack: Stack) -> dict[str, Any]:
    """The event and the answer of one run."""
    event = completed(stack, "finished", REQUEST | {"algorithm": {}})  # which has every figure
    return {"event": event, "answer": stack.invoke("PostProcess", event)}


def test_the_report_says_what_the_request_asked_for(stack: Stack, finished: dict[str, Any]) -> None:
    report = OptimisationReport.model_validate(stack.record("finished", "report.json"))
    assert finished["answer"]["objective"] == report.solution.objective == 12
    assert report.request["seed"] == 7
    assert report.timing.polls == EVENT["polls"]
    assert report.provenance.source_sha256 == stack.record("finished", "job.json")["source_sha256"]
    assert sum(report.samples.values()) == report.request["shots"]


def test_page_and_pictures_are_where_the_report_says(
    stack: Stack, finished: dict[str, Any]
) -> None:
    artifacts = stack.record("finished", "report.json")["artifacts"]
    assert {artifacts["report_html"], *artifacts["plots"]} <= stack.records("finished")
    for name in artifacts["plots"]:
        picture = stack.s3.get_object(Bucket=stack.bucket, Key=runs.key("finished", name))
        assert picture["ContentType"] == "image/png"
        assert picture["Body"].read(4) == b"\x89PNG"
    page = stack.s3.get_object(Bucket=stack.bucket, Key=runs.key("finished", "report.html"))
    assert page["ContentType"] == "text/html; charset=utf-8"


TABLE: dict[str, Any] = {
    "type": "classification",
    "columns": ["x", "kind"],
    "rows": [[float(k), "odd" if k % 2 else "even"] for k in range(12)],
    "target": "kind",
}


@pytest.fixture(scope="module")
def classified(stack: Stack) -> dict[str, Any]:
    """The answer of a run that classifies rows."""
    asked = {"name": "kernel", "max_evaluations": 1, "folds": 2, "encoding": "angle"}
    event = completed(stack, "classified", {"problem": TABLE, "algorithm": asked})
    answer: dict[str, Any] = stack.invoke("PostProcess", event)
    return answer


def test_the_model_of_a_table_is_left_beside_its_report(
    stack: Stack, classified: dict[str, Any]
) -> None:
    report = ClassificationReport.model_validate(stack.record("classified", "report.json"))
    assert classified["objective"] == report.quality.accuracy
    assert report.artifacts.model == "model.json"
    model = stack.s3.get_object(Bucket=stack.bucket, Key=runs.key("classified", "model.json"))
    assert model["ContentType"] == "application/json"
    stored = StoredModel.model_validate_json(model["Body"].read())
    assert stored.run_id == "classified"
    said = predict(stored, encoded(stored.columns, TABLE["rows"], TABLE["columns"])).classes
    assert tuple(said[list(report.solution.rows)]) == report.solution.predicted


def test_the_bill_is_the_jobs_billable_time_at_the_stacks_price(
    stack: Stack, finished: dict[str, Any]
) -> None:
    job = stack.braket.get_job(jobArn=finished["event"]["job_arn"])
    cost = stack.record("finished", "report.json")["cost"]
    assert cost["actual_usd"] == pytest.approx(job["billableDuration"] * 0.115 / 3600)
    assert 0 < cost["estimate_ratio"] == cost["actual_usd"] / cost["estimated_usd"]
    assert "assumed" in cost["prices_as_of"]


def test_a_second_call_writes_the_same_answer_and_counts_nothing_twice(
    stack: Stack, finished: dict[str, Any]
) -> None:
    mark = stack.record("finished", "completed.json")
    assert stack.record("finished", "end.json")["told"]
    answer = stack.invoke("PostProcess", finished["event"])
    assert answer == finished["answer"]
    assert stack.record("finished", "completed.json") == mark


@pytest.mark.usefixtures("finished", "classified")
def test_every_metric_of_a_success_reaches_cloudwatch_with_its_dimensions(stack: Stack) -> None:
    cloudwatch = stack.client("cloudwatch")
    wanted = {
        (name, frozenset({"service", *dimensions}))
        for name, metric in METRICS.items()
        for dimensions in metric.dimension_sets
        if name not in ("RunsFailed", "RunsSwept")
    }

    def found() -> set[tuple[str, frozenset[str]]]:
        return {
            (metric["MetricName"], frozenset(d["Name"] for d in metric["Dimensions"]))
            for metric in cloudwatch.list_metrics(Namespace="QuantumPipeline")["Metrics"]
        }

    wait_for(lambda: wanted <= found(), told=found)
    assert found() <= wanted


@pytest.fixture(scope="module")
def damaged(stack: Stack) -> dict[str, Any]:
    """What PostProcess gets of a run whose results each test damages in its own way."""
    event = completed(stack, "damaged", REQUEST)
    return {"event": event, "output": stack.output("damaged")}


def with_energy(content: bytes, energy: float) -> bytes:
    """Return the archive of results with another best energy."""
    with tarfile.open(fileobj=io.BytesIO(content)) as tar:
        member = tar.extractfile("results.json")
        assert member is not None
        results = json.load(member)["dataDictionary"]
    return archive_of({"dataDictionary": results | {"best_energy": energy}})


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (lambda content: content[: len(content) // 2], "not a readable archive"),
        (lambda _: b"", "not a readable archive"),
        (lambda _: archive_of(b"{"), "not JSON"),
        (lambda _: archive_of({}), "no dataDictionary"),
        (lambda _: archive_of({"dataDictionary": {"best_energy": -99}}), r"results\.json"),
        (lambda content: with_energy(content, -15.0), "best_energy"),
    ],
    ids=["cut off", "empty", "no JSON", "no result", "no figures", "wrong energy"],
)
def test_a_damaged_result_is_refused(
    stack: Stack, damaged: dict[str, Any], damage: Callable[[bytes], bytes], reason: str
) -> None:
    stack.put_output("damaged", damage(damaged["output"]))
    with pytest.raises(InvalidResult, match=reason):
        stack.invoke("PostProcess", damaged["event"])
    assert {"report.json", "completed.json"}.isdisjoint(stack.records("damaged"))


def test_a_run_that_is_stopped_at_the_last_moment_ends_once(
    stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    event = completed(stack, "contested", HYDROGEN)
    stopped = json.loads(Path("events/functions/cancel_stopped.json").read_text("utf-8"))
    stopped["detail"]["name"] = "contested"

    def stop_at_the_report(service: str, request: Request) -> Response | None:
        if request.method == "PUT" and "contested/staged" in request.path:
            stack.invoke("Cancel", stopped)  # PostProcess has looked for an end, and found none
        return None

    monkeypatch.setattr(stack.aws.router, "intercept", stop_at_the_report)
    with pytest.raises(JobFailed, match=r"cancelled\.json"):
        stack.invoke("PostProcess", event)
    left = {"prepared.json", "job.json", "end.json", "cancelled.json"}
    found = stack.records("contested")
    assert {name for name in found if not name.startswith(("job/", "checkpoints/"))} == left
    assert stack.record("contested", "end.json")["told"]


def test_a_success_leaves_no_task_in_a_devices_queue_however_often_that_is_refused(
    stack: Stack, request_data: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    event = completed(stack, "on-sv1", request_data | {"device": "sv1"})
    stack.aws.braket.devices.set(GARNET, windows=ALWAYS, waiting=9)
    task = create_task(stack, "on-sv1", event["job_arn"])

    def throttle(operation: str, params: dict[str, Any]) -> None:
        if operation == "CancelQuantumTask":
            raise BraketError("ThrottlingException", "Rate exceeded")

    monkeypatch.setattr(stack.aws.braket, "intercept", throttle)
    with pytest.raises(ServiceUnavailable):
        stack.invoke("PostProcess", event)
    assert not stack.record("on-sv1", "end.json")["told"]
    monkeypatch.undo()
    stack.invoke("PostProcess", event)
    assert task_status(stack, task) == "CANCELLED"
    assert stack.record("on-sv1", "end.json")["told"]


def test_no_report_is_made_of_a_run_that_was_cancelled(
    stack: Stack, request_data: dict[str, Any]
) -> None:
    event = completed(stack, "unwanted", request_data)
    stack.put_end("unwanted", "cancelled.json")
    with pytest.raises(JobFailed, match=r"cancelled\.json"):
        stack.invoke("PostProcess", event)
    assert "report.json" not in stack.records("unwanted")
