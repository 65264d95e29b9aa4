"""What the local Braket bills, limits and lets fail, by plain boto3 and the real SDK over HTTP."""

from __future__ import annotations

import ast
import json
import math
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError
from braket.aws import AwsDevice, AwsSession
from braket.circuits import Circuit
from braket.tracking import Tracker

from quantum_pipeline.local.braket import BraketService, billing
from tests.local.braket.server import (
    BELL,
    BUCKET,
    DM1,
    GARNET,
    IBEX,
    SV1,
    Server,
    ended,
    finished,
    program,
    service_of,
    task,
)

QPUS = "arn:aws:braket:{}::device/qpu/{}"
RESERVATION = [
    {
        "arn": "arn:aws:braket:us-east-1:123456789012:reservation/a1b2",
        "type": "RESERVATION_TIME_WINDOW_ARN",
    }
]
DOLLAR_AN_HOUR = 1.0


@pytest.fixture(scope="module")
def service(server: Server) -> Iterator[BraketService]:
    """One service where an hour of a job's instance has a price."""
    with service_of(server, instance_usd_per_hour=DOLLAR_AN_HOUR) as service:
        yield service


@pytest.fixture
def run(braket: Any) -> Callable[..., dict[str, Any]]:
    """Return a function that creates a task and returns what is said of it once it has ended."""

    def run(**change: Any) -> dict[str, Any]:
        arn = braket.create_quantum_task(**task(**change))["quantumTaskArn"]
        return finished(braket, arn)

    return run


Run = Callable[..., dict[str, Any]]
Make = Callable[..., dict[str, Any]]


def test_the_ledger_knows_nothing_of_the_estimates() -> None:
    tree = ast.parse(Path(billing.__file__).read_text())
    imported = {
        name
        for node in ast.walk(tree)
        for name in (
            [node.module or ""]
            if isinstance(node, ast.ImportFrom)
            else [each.name for each in node.names]
            if isinstance(node, ast.Import)
            else []
        )
    }
    ours = {name for name in imported if name.startswith("quantum_pipeline")}
    assert ours == {"quantum_pipeline.local.braket.job", "quantum_pipeline.local.braket.task"}


@pytest.mark.parametrize(
    ("device", "usd"),
    [
        (QPUS.format("eu-north-1", "aqt/Ibex-Q1"), 23.80),
        (QPUS.format("us-east-1", "ionq/Forte-1"), 80.30),
        (QPUS.format("us-east-1", "ionq/Forte-Enterprise-1"), 80.30),
        (QPUS.format("eu-north-1", "iqm/Garnet"), 1.75),
        (QPUS.format("eu-north-1", "iqm/Emerald"), 1.90),
        (QPUS.format("us-west-1", "rigetti/Cepheus-1-108Q"), 0.725),
    ],
)
def test_a_thousand_shots_cost(device: str, usd: float) -> None:
    assert float(billing.qpu_task_usd(device, 1000)) == usd


def test_a_task_is_billed_once_it_has_run(service: BraketService, run: Run) -> None:
    done = run(deviceArn=GARNET, shots=100, tags={"run": "billed-once"})
    assert service.billing.total(done["quantumTaskArn"]) == pytest.approx(0.30 + 0.145)
    assert service.billing.total("billed-once") == pytest.approx(0.445)
    assert service.billing.total("another") == 0


def test_the_sdks_tracker_counts_the_same(
    service: BraketService, session: AwsSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    prices = {"Simulator Task": ("0.075", "minutes")}
    monkeypatch.setattr(
        "braket.tracking.tracker.price_search",
        lambda **asked: [
            {
                "PricePerUnit": prices[asked["Product Family"]][0],
                "Unit": prices[asked["Product Family"]][1],
                "Currency": "USD",
            }
        ],
    )
    circuit = Circuit()
    for _ in range(200):
        circuit.h(0).cnot(0, 9)
    with Tracker() as tracker:
        tasks = [AwsDevice(SV1, session).run(circuit, shots=shots) for shots in (10, 50_000)]
        for each in tasks:
            each.result()
    billed = sum(service.billing.total(each.id) for each in tasks)
    assert billed == pytest.approx(float(tracker.simulator_tasks_cost()), abs=1e-6)


def test_a_simulator_is_billed_three_seconds_at_least(service: BraketService, run: Run) -> None:
    assert service.billing.total(run()["quantumTaskArn"]) == pytest.approx(3 / 60 * 0.075)
    programs = {
        "braketSchemaHeader": {"name": "braket.ir.openqasm.program_set", "version": "1"},
        "programs": [json.loads(program(BELL))] * 20,
    }
    long = run(deviceArn=DM1, action=json.dumps(programs), shots=20_000)["quantumTaskArn"]
    gates_and_shots = 20 * 2 * 4**2 * 4.6e-10 + 20_000 * 1.85e-5
    seconds = 20 * 0.23 + gates_and_shots
    assert service.billing.total(long) == pytest.approx(seconds / 60 * 0.075)


def test_results_tell_the_simulated_time(server: Server, run: Run) -> None:
    source = "OPENQASM 3.0; qubit[8] q; " + "h q; " * 15
    done = run(deviceArn=DM1, shots=10_000, action=program(source))
    key = f"{done['outputS3Directory']}/results.json"
    result = json.loads(server.s3.get_object(Bucket=BUCKET, Key=key)["Body"].read())
    told = result["additionalMetadata"]["simulatorMetadata"]["executionDuration"]
    assert told == round(1000 * (0.23 + 0.185 + 120 * 4**8 * 4.6e-10))


def test_a_reserved_task_is_stored_with_its_reservation_and_costs_nothing(
    service: BraketService, run: Run
) -> None:
    done = run(deviceArn=GARNET, associations=RESERVATION)
    assert done["status"] == "COMPLETED"
    assert done["associations"] == RESERVATION
    assert service.billing.total(done["quantumTaskArn"]) == 0


RUNS_TASKS = """
    import os, time
    import boto3
    def run():
        device = {device!r}
        braket = boto3.client("braket", region_name=device.split(":")[3] or None)
        arn = braket.create_quantum_task(
            clientToken=os.environ["AMZN_BRAKET_JOB_NAME"], deviceArn=device, shots={shots},
            outputS3Bucket={bucket!r}, outputS3KeyPrefix="tasks", action={action!r},
            jobToken=os.environ["AMZN_BRAKET_JOB_TOKEN"], tags={{"run": {name!r}}},
        )["quantumTaskArn"]
        while braket.get_quantum_task(quantumTaskArn=arn)["status"] in ("QUEUED", "RUNNING"):
            time.sleep(0.05)
        time.sleep({sleep})
"""


def job_of_a_task(job_request: Make, name: str, device: str, sleep: float = 0, **more: Any) -> Any:
    source = RUNS_TASKS.format(
        device=device, shots=1000, bucket=BUCKET, action=program(BELL), name=name, sleep=sleep
    )
    return job_request(source, name, tags={"run": name}) | more


def test_a_job_is_billed_for_its_start_its_time_and_that_of_its_tasks(
    service: BraketService, braket: Any, job_request: Make
) -> None:
    arn = braket.create_job(**job_of_a_task(job_request, "billed", GARNET))["jobArn"]
    job = ended(braket, arn)
    assert job["status"] == "COMPLETED", job
    (shots_seconds,) = {1000 * qpu_shot_seconds(GARNET)}
    real = (job["endedAt"] - job["startedAt"]).total_seconds()
    assert job["billableDuration"] == pytest.approx(180 + real + 4.5 + shots_seconds, abs=1.01)
    instance = job["billableDuration"] / 3600 * DOLLAR_AN_HOUR
    assert service.billing.total(arn) == pytest.approx(1.75 + instance)
    assert service.billing.total("billed") == service.billing.total(arn)
    kinds = [(line.kind, line.device) for line in service.billing.lines("billed")]
    assert kinds == [("task", GARNET), ("job", "local:quantum-pipeline/statevector")]


def qpu_shot_seconds(arn: str) -> float:
    from quantum_pipeline.local.braket.emulators import EMULATED

    return EMULATED[arn].shot_seconds


def test_the_time_on_devices_counts_against_a_jobs_time_limit(
    braket: Any, job_request: Make
) -> None:
    limit = {"stoppingCondition": {"maxRuntimeInSeconds": 60}}
    request = job_of_a_task(job_request, "too-long", IBEX, sleep=3600, **limit)
    job = ended(braket, braket.create_job(**request)["jobArn"])
    assert job["events"][-1]["eventType"] == "MAX_RUNTIME_EXCEEDED"


def test_a_reserved_jobs_tasks_cost_nothing(
    service: BraketService, braket: Any, job_request: Make
) -> None:
    request = job_of_a_task(job_request, "reserved", GARNET, associations=RESERVATION)
    job = ended(braket, braket.create_job(**request)["jobArn"])
    assert job["associations"] == RESERVATION
    lines = service.billing.lines(job["jobArn"])
    assert [line.usd > 0 for line in lines] == [False, True]


# --- spending limits


@pytest.fixture
def limit(braket: Any) -> Iterator[Callable[..., str]]:
    """Return a function that makes a limit of some USD on Garnet; all are deleted at the end."""
    made: list[str] = []

    def limit(usd: str, **more: Any) -> str:
        request = {"clientToken": f"limit-{usd}-{len(more)}", "deviceArn": GARNET}
        made.append(
            braket.create_spending_limit(**request, spendingLimit=usd, **more)["spendingLimitArn"]
        )
        return made[-1]

    yield limit
    for arn in made:
        braket.delete_spending_limit(spendingLimitArn=arn)


def spends(braket: Any) -> tuple[float, float]:
    (found,) = braket.search_spending_limits(filters=[])["spendingLimits"]
    return float(found["queuedSpend"]), float(found["totalSpend"])


def test_a_limit_counts_tasks_from_their_creation_on(
    service: BraketService, braket: Any, run: Run, limit: Callable[..., str]
) -> None:
    limit("2.00")
    service.devices.set(GARNET, waiting=1)
    first = braket.create_quantum_task(**task(deviceArn=GARNET, shots=1000))["quantumTaskArn"]
    assert spends(braket) == (1.75, 0)
    with pytest.raises(ClientError, match=r"ValidationException.*costs 0.44500 USD; 0.25000 of"):
        braket.create_quantum_task(**task(deviceArn=GARNET, shots=100))
    assert run()["status"] == "COMPLETED"  # of a simulator: no limit is on it
    reserved = task(deviceArn=GARNET, shots=2000, associations=RESERVATION)
    reserved_arn = braket.create_quantum_task(**reserved)["quantumTaskArn"]
    assert spends(braket) == (1.75, 0)
    braket.cancel_quantum_task(quantumTaskArn=first)
    assert spends(braket) == (0, 0)
    service.devices.set(GARNET, waiting=0)
    assert run(deviceArn=GARNET, shots=1000)["status"] == "COMPLETED"
    assert spends(braket) == (0, 1.75)
    assert finished(braket, reserved_arn)["status"] == "COMPLETED"
    assert spends(braket) == (0, 1.75)


def test_a_task_outside_a_limits_period_is_refused(braket: Any, limit: Callable[..., str]) -> None:
    start = datetime.now(UTC) + timedelta(days=1)
    limit("100", timePeriod={"startAt": start, "endAt": start + timedelta(days=1)})
    with pytest.raises(ClientError, match=r"ValidationException.*outside the time period"):
        braket.create_quantum_task(**task(deviceArn=GARNET))


# --- faults


def test_tasks_end_as_told_and_cost_nothing(service: BraketService, run: Run) -> None:
    service.faults.end_next(GARNET, 2, reason="the cryostat is warm")
    service.faults.end_next(GARNET, status="CANCELLED", reason="maintenance")
    ends = [run(deviceArn=GARNET, tags={"run": "faults"}) for _ in range(4)]
    assert [end["status"] for end in ends] == ["FAILED", "FAILED", "CANCELLED", "COMPLETED"]
    assert [end.get("failureReason") for end in ends] == ["the cryostat is warm"] * 2 + [None] * 2
    assert service.billing.total("faults") == pytest.approx(0.3145)


def test_a_device_goes_offline_between_tasks(service: BraketService, braket: Any) -> None:
    service.faults.go_offline_after(IBEX, 1)
    request = task(deviceArn=IBEX)
    last = braket.create_quantum_task(**request)["quantumTaskArn"]
    assert braket.get_device(deviceArn=IBEX)["deviceStatus"] == "OFFLINE"
    with pytest.raises(ClientError, match="DeviceOfflineException"):
        braket.create_quantum_task(**task(deviceArn=IBEX))
    assert braket.create_quantum_task(**request)["quantumTaskArn"] == last
    service.devices.set(IBEX, status="ONLINE")
    assert finished(braket, last)["status"] == "COMPLETED"


def test_a_result_can_be_lost(server: Server, service: BraketService, run: Run) -> None:
    service.faults.lose_results(GARNET)
    done = run(deviceArn=GARNET)
    assert done["status"] == "COMPLETED"
    next_one = run(deviceArn=GARNET)
    found = [
        server.s3.list_objects_v2(Bucket=BUCKET, Prefix=each["outputS3Directory"])["KeyCount"]
        for each in (done, next_one)
    ]
    assert found == [0, 1]
    assert service.billing.total(done["quantumTaskArn"]) > 0


def test_requests_are_throttled_and_repeated_by_the_client(
    service: BraketService, run: Run, braket: Any
) -> None:
    service.faults.throttle(2)
    assert run()["status"] == "COMPLETED"
    service.faults.throttle(20)
    with pytest.raises(ClientError, match="ThrottlingException"):
        braket.create_quantum_task(**task())
    service.faults.throttle(0)


def test_part_of_the_simulated_time_can_be_waited(server: Server) -> None:
    server.service = BraketService(server.environment, server.work_folder, wait_share=0.1)
    client = server.braket()
    for _ in range(2):  # the first waits for the worker as well
        arn = client.create_quantum_task(**task(deviceArn=GARNET, shots=1))["quantumTaskArn"]
        done = finished(client, arn)
    waited = (done["endedAt"] - done["createdAt"]).total_seconds()
    server.service.close()
    assert waited > 0.45


def test_tasks_are_found_page_by_page_with_their_tags(braket: Any, run: Run) -> None:
    made = [run(tags={"run": f"page-{index}"})["quantumTaskArn"] for index in range(3)]
    pages = braket.get_paginator("search_quantum_tasks").paginate(
        filters=[], PaginationConfig={"PageSize": 2, "MaxItems": 3}
    )
    found = [each for page in pages for each in page["quantumTasks"]]
    assert [each["quantumTaskArn"] for each in found] == made[::-1]
    assert found[0]["tags"] == {"run": "page-2"}
    assert math.isclose(found[0]["shots"], 10)
