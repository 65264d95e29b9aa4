"""State Prepare: what it stores, what it refuses, what it leaves alone."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import boto3
import pytest

from benchmarks.processors import prepared_by
from quantum_pipeline.aws.catalogue import attributes
from quantum_pipeline.catalogue.record import RunRecord
from quantum_pipeline.errors import (
    BudgetExceeded,
    DeviceUnavailable,
    InvalidRequest,
    PipelineError,
)
from quantum_pipeline.planning.prepared import PreparedRun
from tests.functions.stages import event
from tests.stack import Stack
from tests.unit import device_answers
from tests.unit.earlier_runs import earlier

EVENT = json.loads(Path("events/functions/prepare.json").read_text("utf-8"))


def test_prepare_stores_the_resolved_run(stack: Stack) -> None:
    answer = stack.invoke("Prepare", EVENT)
    assert answer["n_qubits"] == 10
    assert answer["device"] == "local:quantum-pipeline/statevector"
    prepared = PreparedRun.model_validate(stack.record(EVENT["run_id"], "prepared.json"))
    assert prepared.request.algorithm.name == "qaoa"
    assert prepared.request.algorithm.max_evaluations >= 1
    assert prepared.request.device == "local"
    assert prepared.ising.n_variables == 10
    assert prepared.execution_arn == EVENT["execution_arn"]
    assert answer["estimated_usd"] == round(prepared.estimate.total_usd, 6)


def test_prepare_twice_gives_the_same_run(stack: Stack, request_data: dict[str, Any]) -> None:
    first = stack.invoke("Prepare", event("twice", request_data))
    assert stack.invoke("Prepare", event("twice", request_data)) == first


def test_prepare_reads_a_problem_from_the_input_bucket(
    stack: Stack, request_data: dict[str, Any]
) -> None:
    bucket = stack.aws.outputs["InputBucketName"]
    body = json.dumps(request_data["problem"])
    stack.s3.put_object(Bucket=bucket, Key="graphs/petersen.json", Body=body)
    uri = f"s3://{bucket}/graphs/petersen.json"
    answer = stack.invoke("Prepare", event("by-uri", {"problem": {"uri": uri}}))
    assert answer["n_qubits"] == 10
    prepared = PreparedRun.model_validate(stack.record("by-uri", "prepared.json"))
    assert prepared.problem_uri == uri


def test_prepare_reads_a_table_from_the_input_bucket(stack: Stack) -> None:
    bucket = stack.aws.outputs["InputBucketName"]
    table = "size;colour;kind\n" + "".join(
        f"{k * k % 7},5;{'rg'[k % 2]};{'ab'[k % 2]}\n" for k in range(12)
    )
    stack.s3.put_object(Bucket=bucket, Key="tables/t.csv", Body=f"\ufeff{table}".encode())
    stack.s3.put_object(Bucket=bucket, Key="tables/short.csv", Body=f"{table}1,5;r\n".encode())
    asked = {"type": "classification", "uri": f"s3://{bucket}/tables/t.csv", "target": "kind"}
    answer = stack.invoke("Prepare", event("table", {"problem": asked}))
    assert answer["problem_type"] == "classification"
    prepared = PreparedRun.model_validate(stack.record("table", "prepared.json"))
    assert prepared.problem_uri == asked["uri"]
    assert prepared.request.problem.model_dump()["rows"][0] == (0.5, "r", "a")
    assert prepared.model is None
    assert prepared.request.algorithm.name == "kernel"
    asked["uri"] = f"s3://{bucket}/tables/short.csv"
    with pytest.raises(InvalidRequest, match=r"short\.csv: line 14: got 2 cells; allowed: 3"):
        stack.invoke("Prepare", event("short", {"problem": asked}))


@pytest.mark.parametrize(
    "key",
    [
        "a b.json",
        "a%20b.json",
        "a+b&c=d?e#f",
        "é/😀.json",
        "'\"(){}[]<>|\\^`~*!$,;:@",
        "a//b/",
        "c/d:e\tf",
    ],
)
def test_prepare_reads_an_object_of_any_key_as_it_stands(
    stack: Stack, request_data: dict[str, Any], key: str
) -> None:
    bucket = stack.aws.outputs["InputBucketName"]
    stack.s3.put_object(Bucket=bucket, Key=key, Body=json.dumps(request_data["problem"]))
    name = f"key-{key.encode().hex()[:60]}"
    request = {"problem": {"uri": f"s3://{bucket}/{key}"}}
    assert stack.invoke("Prepare", event(name, request))["n_qubits"] == 10


def test_prepare_refuses_half_a_character(stack: Stack, request_data: dict[str, Any]) -> None:
    labels = {"node_labels": ["\ud800", *range(1, 10)]}
    problem = {**request_data["problem"], **labels}
    with pytest.raises(InvalidRequest, match=r"problem.node_labels.0: got .*whole characters"):
        stack.invoke("Prepare", event("half", {"problem": problem}))


@pytest.mark.parametrize(
    ("key", "body", "reason"),
    [
        ("missing.json", None, "an object that exists"),
        ("broken.json", b"{", "not JSON"),
        ("empty.json", b"", "nothing"),
        ("large.json", b" " * (16 * 2**20 + 1), "allowed: up to 16777216"),
        ("request.json", b'{"problem": {"type": "ising", "fields": [1]}}', "problem.type"),
        ("second.json", b'{"uri": "s3://some-bucket/x"}', "not another reference"),
    ],
)
def test_prepare_refuses_an_object_that_is_no_problem(
    stack: Stack, key: str, body: bytes | None, reason: str
) -> None:
    bucket = stack.aws.outputs["InputBucketName"]
    if body is not None:
        stack.s3.put_object(Bucket=bucket, Key=key, Body=body)
    run_id = f"object-{key.removesuffix('.json')}"
    with pytest.raises(InvalidRequest, match=reason) as refusal:
        stack.invoke("Prepare", event(run_id, {"problem": {"uri": f"s3://{bucket}/{key}"}}))
    assert str(refusal.value).startswith(("problem.uri", "problem.type"))
    assert stack.records(run_id) == set()


def test_prepare_reads_no_other_bucket(stack: Stack) -> None:
    with pytest.raises(InvalidRequest, match="an object below s3://amazon-braket-input"):
        stack.invoke("Prepare", event("other", {"problem": {"uri": "s3://some-bucket/x.json"}}))


def test_prepare_refuses_a_run_that_may_not_cost_what_it_could(
    stack: Stack, request_data: dict[str, Any]
) -> None:
    with pytest.raises(BudgetExceeded, match=r"limits.max_cost_usd: .* allowed: up to 0"):
        limits = {"max_cost_usd": 0}
        stack.invoke("Prepare", event("poor", request_data | {"device": "sv1", "limits": limits}))
    assert stack.records("poor") == set()


def braket_says(
    stack: Stack, monkeypatch: pytest.MonkeyPatch, answer: Callable[[str], dict[str, Any] | None]
) -> list[str]:
    """Answer GetDevice by ARN, None as a device that is not here; return the ARNs asked for."""
    from werkzeug.wrappers import Request, Response

    asked: list[str] = []

    def say(service: str, request: Request) -> Response | None:
        arn = unquote(request.path).partition("/device/")[2]
        if service != "braket" or not arn:
            return None
        asked.append(arn)
        told = answer(arn)
        if told is None:
            error = {"message": f"{arn} is not here"}
            headers = {"x-amzn-errortype": "ResourceNotFoundException"}
            return Response(
                json.dumps(error), 404, headers=headers, content_type="application/json"
            )
        return Response(json.dumps(told), content_type="application/json")

    monkeypatch.setattr(stack.aws.router, "intercept", say)
    return asked


GARNET = "arn:aws:braket:eu-north-1::device/qpu/iqm/Garnet"
PLENTY = {"limits": {"max_cost_usd": 1000.0}}


def test_prepare_asks_the_device_plans_and_keeps_what_the_report_needs(
    stack: Stack, request_data: dict[str, Any]
) -> None:
    asked = request_data | PLENTY | {"device": GARNET, "mitigation": "auto", "shots": 500}
    answer = stack.invoke("Prepare", event("garnet", asked))
    assert answer["device"] == GARNET
    prepared = PreparedRun.model_validate(stack.record("garnet", "prepared.json"))
    summary = prepared.state_summary
    assert summary is not None and summary.emulated is not None
    assert (summary.status, summary.n_qubits) == ("ONLINE", 20)
    assert prepared.reasons.mitigation is not None
    assert not prepared.request.mitigation.is_none
    assert prepared.plan.shots == 500 * prepared.plan.batches[0].executables
    by_name = {item.what: item.usd for item in prepared.estimate.items}
    assert by_name["shots on Garnet, samples"] == pytest.approx(0.00145 * prepared.plan.shots)
    assert prepared.request.limits.max_runtime_seconds >= 600 + prepared.plan.seconds


def test_prepare_lets_auto_choose_where_to_train(
    stack: Stack, request_data: dict[str, Any]
) -> None:
    asked = request_data | PLENTY | {"algorithm": {"train_on": "device", "max_evaluations": 9}}
    answer = stack.invoke("Prepare", event("auto", asked))
    prepared = PreparedRun.model_validate(stack.record("auto", "prepared.json"))
    assert answer["device"] == prepared.device.arn
    assert prepared.reasons.device.words.startswith("estimated fidelity of the circuit 0.")
    assert prepared.device.kind == "qpu"
    assert "; the next best is " in prepared.reasons.device.words


LEARN = {"algorithm": {"learn": True}}


def test_prepare_learns_from_the_catalogue_where_a_request_asks_for_it(
    stack: Stack, request_data: dict[str, Any]
) -> None:
    nobody = stack.invoke("Prepare", event("learns-alone", request_data | LEARN))
    assert nobody["n_qubits"] == 10
    record = stack.record("learns-alone", "prepared.json")["learning"]
    assert (record["verdict"], record["runs"]) == ("no runs", [])
    before = RunRecord.model_validate_json(earlier(request_data["problem"]).model_dump_json())
    put_once_into(stack, before)
    stack.invoke("Prepare", event("learns", request_data | LEARN))
    prepared = PreparedRun.model_validate(stack.record("learns", "prepared.json"))
    assert prepared.learning is not None
    assert prepared.learning.verdict == "used"
    assert [run.run_id for run in prepared.learning.runs] == ["r1"]
    assert prepared.learning.default_usd == pytest.approx(prepared.estimate.total_usd)
    pack = {"pack": [{"name": "one", "request": request_data | LEARN}] * 1}
    pack["pack"].append({"name": "two", "request": request_data})
    stack.invoke("Prepare", event("learns-packed", pack))
    one, two = (
        stack.record(f"learns-packed.{name}", "prepared.json")["learning"]
        for name in ("one", "two")
    )
    assert (one["verdict"], two) == ("used", None)


def put_once_into(stack: Stack, record: RunRecord) -> None:
    item = {name: {"S": value} for name, value in attributes(record).items()}
    stack.dynamodb.put_item(TableName=stack.aws.outputs["CatalogueTableName"], Item=item)


@pytest.mark.parametrize(
    ("code", "status"),
    [("ThrottlingException", 400), ("ProvisionedThroughputExceededException", 400), ("", 503)],
)
def test_prepare_goes_on_without_a_catalogue_that_is_throttled_or_down(
    stack: Stack,
    request_data: dict[str, Any],
    monkeypatch: pytest.MonkeyPatch,
    code: str,
    status: int,
) -> None:
    from werkzeug.wrappers import Request, Response

    def fail(service: str, request: Request) -> Response | None:
        if not request.headers.get("X-Amz-Target", "").endswith(".Query"):
            return None
        return Response(json.dumps({"__type": code, "message": "not now"}), status)

    monkeypatch.setattr(stack.aws.router, "intercept", fail)
    run_id = f"unanswered-{code}-{status}"
    stack.invoke("Prepare", event(run_id, request_data | LEARN))
    learning = stack.record(run_id, "prepared.json")["learning"]
    assert (learning["verdict"], learning["suggestion"]) == ("no answer", None)
    assert "the run went on without it" in learning["words"]


def test_prepare_names_a_catalogue_that_it_may_not_ask(
    stack: Stack, request_data: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    from werkzeug.wrappers import Request, Response

    def deny(service: str, request: Request) -> Response | None:
        if not request.headers.get("X-Amz-Target", "").endswith(".Query"):
            return None
        return Response(json.dumps({"__type": "AccessDeniedException", "message": "no"}), 400)

    monkeypatch.setattr(stack.aws.router, "intercept", deny)
    with pytest.raises(PipelineError, match="AccessDenied"):
        stack.invoke("Prepare", event("denied", request_data | LEARN))


@pytest.mark.parametrize(
    ("device", "error", "reason"),
    [
        ("arn:aws:braket:us-east-1::device/qpu/quera/Aquila", DeviceUnavailable, "no gates"),
        ("arn:aws:braket:::device/quantum-simulator/amazon/tn1", DeviceUnavailable, "is retired"),
    ],
)
def test_prepare_refuses_a_device_that_cannot_run_it(
    stack: Stack, request_data: dict[str, Any], device: str, error: type[Exception], reason: str
) -> None:
    with pytest.raises(error, match=reason):
        stack.invoke("Prepare", event("device", request_data | PLENTY | {"device": device}))
    assert stack.records("device") == set()


def test_prepare_refuses_a_device_of_another_region_with_those_of_this_one(
    stack: Stack, request_data: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = braket_says(stack, monkeypatch, lambda _: None)
    with pytest.raises(
        DeviceUnavailable, match=r"eu-north-1, this stack in us-east-1.*allowed: local, .*Forte-1"
    ):
        stack.invoke("Prepare", event("away", request_data | PLENTY | {"device": GARNET}))
    assert asked == [GARNET]


@pytest.mark.parametrize("status", ["OFFLINE", "RETIRED"])
def test_prepare_refuses_a_device_that_is_not_online(
    stack: Stack, request_data: dict[str, Any], status: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = device_answers.answer("sv1", device_answers.SV1, status=status)
    braket_says(stack, monkeypatch, lambda _: told)
    with pytest.raises(DeviceUnavailable, match=f"SV1 is {status}; allowed: local, DM1"):
        stack.invoke("Prepare", event("offline", request_data | {"device": "sv1"}))


def test_prepare_refuses_a_name_that_a_run_had_before(
    stack: Stack, request_data: dict[str, Any]
) -> None:
    stack.put_end("again", "failure.json")
    with pytest.raises(InvalidRequest, match='name of the execution: got "again"'):
        stack.invoke("Prepare", event("again", request_data))


def test_prepare_refuses_a_name_that_is_no_folder(
    stack: Stack, request_data: dict[str, Any]
) -> None:
    with pytest.raises(InvalidRequest, match="name of the execution"):
        stack.invoke("Prepare", event("a+b", request_data))


def test_benchmarks_prepare_a_request_as_an_execution_does(
    stack: Stack, request_data: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in stack.aws.environment().items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)  # it would keep the credentials
    prepared = prepared_by(stack.aws, "a benchmark's", request_data)
    assert prepared.run_id == "a-benchmark-s"
    assert prepared == PreparedRun.model_validate(stack.record("a-benchmark-s", "prepared.json"))
