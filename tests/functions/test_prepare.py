"""State Prepare: what it stores, what it refuses, what it leaves alone."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from quantum_pipeline.errors import BudgetExceeded, DeviceUnavailable, InvalidRequest
from quantum_pipeline.runs import PreparedRun
from tests.stack import Stack

EVENT = json.loads(Path("events/functions/prepare.json").read_text("utf-8"))


def event(run_id: str, request: Any) -> dict[str, Any]:
    execution = f"arn:aws:states:us-east-1:123456789012:execution:machine:{run_id}"
    return {"run_id": run_id, "execution_arn": execution, "request": request}


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
    assert answer["estimated_usd"] == prepared.estimate.total_usd


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


@pytest.mark.parametrize(
    ("key", "body", "reason"),
    [
        ("missing.json", None, "an object that exists"),
        ("broken.json", b"{", "not JSON"),
        ("empty.json", b"", "nothing"),
        ("large.json", b" " * (16 * 2**20 + 1), "allowed: up to 16777216"),
        ("request.json", b'{"problem": {"type": "ising", "fields": [1]}}', "problem.type"),
        ("second.json", b'{"uri": "s3://some-bucket/x"}', "no second reference"),
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


@pytest.mark.parametrize(
    ("device", "error", "reason"),
    [
        (
            "arn:aws:braket:us-west-1::device/qpu/rigetti/Cepheus-1-108Q",
            DeviceUnavailable,
            "us-west-1",
        ),
        ("arn:aws:braket:us-east-1::device/qpu/quera/Aquila", DeviceUnavailable, "analog"),
        ("arn:aws:braket:us-east-1::device/qpu/ionq/Forte-1", DeviceUnavailable, "Forte-1"),
        ("arn:aws:braket:::device/quantum-simulator/amazon/tn1", InvalidRequest, "device: got"),
    ],
)
def test_prepare_refuses_a_device_that_cannot_run_it(
    stack: Stack, request_data: dict[str, Any], device: str, error: type[Exception], reason: str
) -> None:
    with pytest.raises(error, match=reason):
        limits = {"max_cost_usd": 1000.0}
        request = request_data | {"device": device, "limits": limits}
        stack.invoke("Prepare", event("device", request))
    assert stack.records("device") == set()


@pytest.mark.parametrize("status", ["OFFLINE", "RETIRED"])
def test_prepare_refuses_a_device_that_is_not_online(
    stack: Stack, request_data: dict[str, Any], status: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from werkzeug.wrappers import Request, Response

    def say(service: str, request: Request) -> Response | None:
        if service != "braket" or "/device/" not in request.path:
            return None
        capabilities = json.dumps({"paradigm": {"qubitCount": 34}})
        device = {
            "deviceArn": "arn:aws:braket:::device/quantum-simulator/amazon/sv1",
            "deviceName": "SV1",
            "providerName": "Amazon Braket",
            "deviceType": "SIMULATOR",
            "deviceStatus": status,
            "deviceCapabilities": capabilities,
        }
        return Response(json.dumps(device), content_type="application/json")

    monkeypatch.setattr(stack.aws.router, "intercept", say)
    with pytest.raises(DeviceUnavailable, match=f"SV1 is {status}"):
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
