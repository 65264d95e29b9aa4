"""Quantum tasks by plain boto3, and jobs and tasks by the real Braket SDK, all over HTTP."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from botocore.exceptions import ClientError
from braket.aws import AwsDevice, AwsQuantumJob, AwsSession
from braket.circuits import Circuit, Observable
from braket.program_sets import ProgramSet

from quantum_pipeline.local.braket import BraketService, worker
from quantum_pipeline.local.braket.task import Task
from tests.local.braket.server import (
    BELL,
    BUCKET,
    DM1,
    ROLE,
    SV1,
    Server,
    ended,
    finished,
    log_lines,
    program,
    task,
)
from tests.waiting import PATIENCE_SECONDS, wait_for

# A task of as many gates as nobody waits for.
LOOPS = "".join(f"for int {name} in [1:1000] {{ " for name in "ijkl") + "h q[0]; " + "} " * 4
ENDLESS = f"OPENQASM 3.0; qubit[1] q; {LOOPS}"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A current folder of the test's own: the SDK downloads results into it."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def status(braket: Any, arn: str) -> str:
    return str(braket.get_quantum_task(quantumTaskArn=arn)["status"])


def test_a_task_runs_and_leaves_its_result_in_s3(server: Server, braket: Any) -> None:
    request = task(tags={"a": "b"})
    arn = braket.create_quantum_task(**request)["quantumTaskArn"]
    assert braket.create_quantum_task(**request)["quantumTaskArn"] == arn
    done = finished(braket, arn)
    assert done["status"] == "COMPLETED", done
    assert (done["shots"], done["numSuccessfulShots"], done["tags"]) == (10, 10, {"a": "b"})
    assert done["actionMetadata"] == {"actionType": "braket.ir.openqasm.program"}
    assert done["outputS3Directory"] == f"tasks/{arn.rpartition('/')[2]}"
    key = f"{done['outputS3Directory']}/results.json"
    result = json.loads(server.s3.get_object(Bucket=BUCKET, Key=key)["Body"].read())
    assert result["taskMetadata"]["id"] == arn
    assert result["taskMetadata"]["deviceId"] == SV1
    assert {tuple(bits) for bits in result["measurements"]} <= {(0, 0), (1, 1)}


def test_a_token_is_not_for_two_tasks(braket: Any) -> None:
    request = task()
    braket.create_quantum_task(**request)
    with pytest.raises(ClientError, match=r"ValidationException.*clientToken"):
        braket.create_quantum_task(**request | {"shots": 11})


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"deviceArn": "arn:aws:braket:::device/quantum-simulator/amazon/tn1"}, "is not a device"),
        ({"shots": 50_001}, "shots: 50001; SV1 takes 0 to 50000"),
        ({"action": "circuit"}, "not a program in JSON"),
        ({"action": "[]"}, "not a program in JSON"),
        ({"action": '{"braketSchemaHeader": {"name": "braket.ir.ahs.program"}}'}, "SV1 runs"),
        ({"jobToken": "unknown"}, "jobToken"),
    ],
)
def test_create_quantum_task_refuses(braket: Any, change: dict[str, Any], said: str) -> None:
    with pytest.raises(ClientError, match=f"ValidationException.*{said}"):
        braket.create_quantum_task(**task(**change))


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("OPENQASM 3.0; qubit[2] q; nogate q[0];", "nogate"),
        ("OPENQASM 3.0; qubit[27] q; h q;", "27 qubits; at most 26 fit this machine"),
    ],
)
def test_a_failing_task_says_why(braket: Any, source: str, reason: str) -> None:
    arn = braket.create_quantum_task(**task(action=program(source)))["quantumTaskArn"]
    done = finished(braket, arn)
    assert done["status"] == "FAILED"
    assert reason in done["failureReason"]


def test_a_result_that_cannot_be_stored_fails_the_task(braket: Any) -> None:
    arn = braket.create_quantum_task(**task(outputS3Bucket="no-such-bucket"))["quantumTaskArn"]
    assert "NoSuchBucket" in finished(braket, arn)["failureReason"]


def test_tasks_are_cancelled_while_running_and_while_queued(braket: Any) -> None:
    running = braket.create_quantum_task(**task(action=program(ENDLESS)))["quantumTaskArn"]
    queued = braket.create_quantum_task(**task())["quantumTaskArn"]
    wait_for(lambda: status(braket, running) != "QUEUED")
    waiting = braket.get_quantum_task(quantumTaskArn=queued, additionalAttributeNames=["QueueInfo"])
    assert waiting["queueInfo"] == {
        "queue": "QUANTUM_TASKS_QUEUE",
        "position": "1",
        "queuePriority": "Normal",
    }
    assert braket.cancel_quantum_task(quantumTaskArn=queued)["cancellationStatus"] == "CANCELLED"
    assert braket.cancel_quantum_task(quantumTaskArn=running)["cancellationStatus"] == "CANCELLING"
    assert finished(braket, running)["status"] == "CANCELLED"
    with pytest.raises(ClientError, match="ConflictException"):
        braket.cancel_quantum_task(quantumTaskArn=running)
    # The next task gets a simulator that works.
    after = braket.create_quantum_task(**task())["quantumTaskArn"]
    assert finished(braket, after)["status"] == "COMPLETED"


def test_a_task_that_is_cancelled_before_it_comes_to_a_simulator_does_not_run(
    braket: Any, service: BraketService, monkeypatch: pytest.MonkeyPatch
) -> None:
    begin = Task.begin

    def begin_and_cancel(task: Task) -> bool:
        began = begin(task)
        assert task.cancel()
        service._simulator.stop_running()
        return began

    monkeypatch.setattr(Task, "begin", begin_and_cancel)
    arn = braket.create_quantum_task(**task(action=program(ENDLESS)))["quantumTaskArn"]
    assert finished(braket, arn)["status"] == "CANCELLED"


def test_a_task_whose_simulator_dies_fails(braket: Any, service: BraketService) -> None:
    service._simulator.stop_running()  # of the tasks before
    arn = braket.create_quantum_task(**task(action=program(ENDLESS)))["quantumTaskArn"]
    wait_for(lambda: service._simulator._worker)
    service._simulator.stop_running()
    assert "ended before the task did" in finished(braket, arn)["failureReason"]
    after = braket.create_quantum_task(**task())["quantumTaskArn"]
    assert finished(braket, after)["status"] == "COMPLETED"


def test_a_simulator_that_died_between_tasks_is_replaced(
    braket: Any, service: BraketService
) -> None:
    for _ in range(2):
        arn = braket.create_quantum_task(**task())["quantumTaskArn"]
        assert finished(braket, arn)["status"] == "COMPLETED"
        service._simulator.stop_running()


def test_the_simulator_ends_with_the_server_in_the_middle_of_a_task() -> None:
    arguments = [sys.executable, "-P", "-W", "ignore", worker.__file__]
    with subprocess.Popen(
        arguments, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        for source in (BELL, ENDLESS):
            question = {"simulator": "braket_sv", "action": program(source), "shots": 1}
            names = {"task_arn": "task", "device_arn": SV1}
            print(json.dumps(question | names), file=process.stdin, flush=True)
        assert "result" in json.loads(process.stdout.readline())
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(0.5)
        process.stdin.close()
        assert process.wait(PATIENCE_SECONDS) == 0


def test_search_quantum_tasks_filters_by_status_and_device(braket: Any) -> None:
    arn = braket.create_quantum_task(**task(deviceArn=DM1))["quantumTaskArn"]
    finished(braket, arn)
    filters = [
        {"name": "deviceArn", "operator": "EQUAL", "values": [DM1]},
        {"name": "status", "operator": "EQUAL", "values": ["COMPLETED"]},
    ]
    found = braket.search_quantum_tasks(filters=filters)["quantumTasks"]
    assert arn in [summary["quantumTaskArn"] for summary in found]
    assert {summary["deviceArn"] for summary in found} == {DM1}


@pytest.mark.parametrize(("arn", "qubits"), [(SV1, 34), (DM1, 17)])
def test_the_sdk_reads_the_devices(session: AwsSession, arn: str, qubits: int) -> None:
    device = AwsDevice(arn, session)
    assert device.properties.paradigm.qubitCount == qubits
    assert device.is_available
    action = device.properties.action["braket.ir.openqasm.program"]
    assert ("bit_flip" in action.supportedOperations) == (arn == DM1)
    assert ("braket_noise_bit_flip" in action.forbiddenPragmas) == (arn == SV1)
    assert device.queue_depth().jobs == "0"


def test_the_sdk_runs_a_circuit_on_sv1(session: AwsSession) -> None:
    device = AwsDevice(SV1, session)
    result = device.run(Circuit().h(0).cnot(0, 1), shots=200).result()
    assert sum(result.measurement_counts.values()) == 200
    assert set(result.measurement_counts) == {"00", "11"}
    assert result.additional_metadata.simulatorMetadata.executionDuration >= 0


def test_the_sdk_reads_exact_values(session: AwsSession) -> None:
    circuit = Circuit().h(0).s(0).cnot(0, 1)
    circuit.state_vector().amplitude(["11"]).probability([0])
    circuit.expectation(Observable.Z() @ Observable.Z(), [0, 1])
    values = AwsDevice(SV1, session).run(circuit, shots=0).result().values
    assert np.allclose(values[0], np.array([1, 0, 0, 1j]) / np.sqrt(2))
    assert np.isclose(values[1]["11"], 1j / np.sqrt(2))
    assert np.allclose(values[2], [0.5, 0.5])
    assert np.isclose(values[3], 1)


def test_the_sdk_reads_values_from_shots(session: AwsSession) -> None:
    circuit = Circuit().x(0).expectation(Observable.Z(), 0).variance(Observable.Z(), 0)
    assert AwsDevice(SV1, session).run(circuit, shots=50).result().values == [-1, 0]


def test_dm1_applies_noise(session: AwsSession) -> None:
    circuit = Circuit().x(0).bit_flip(0, 0.25).probability([0])
    (probabilities,) = AwsDevice(DM1, session).run(circuit, shots=0).result().values
    assert np.allclose(probabilities, [0.25, 0.75])


def test_sv1_refuses_noise(session: AwsSession) -> None:
    task = AwsDevice(SV1, session).run(Circuit().x(0).bit_flip(0, 0.25), shots=10)
    assert task.result() is None
    assert task.state() == "FAILED"


def test_the_sdk_runs_a_program_set(braket: Any, session: AwsSession) -> None:
    programs = ProgramSet([Circuit().x(0).i(1), Circuit().i(0).x(1)], shots_per_executable=20)
    task = AwsDevice(SV1, session).run(programs)
    counts = [entry[0].counts for entry in task.result()]
    assert counts == [Counter({"10": 20}), Counter({"01": 20})]
    metadata = braket.get_quantum_task(quantumTaskArn=task.id)["actionMetadata"]
    assert (metadata["programCount"], metadata["executableCount"]) == (2, 2)


def test_the_sdk_creates_a_job_and_reads_its_result_logs_and_tasks(
    server: Server,
    braket: Any,
    session: AwsSession,
    folder: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    module = folder / "algorithm.py"
    module.write_text(
        """
from braket.aws import AwsDevice
from braket.circuits import Circuit
from braket.jobs import get_job_device_arn, save_job_result
from braket.jobs.metrics import log_metric

def start(angle: float):
    device = AwsDevice(get_job_device_arn())
    result = device.run(Circuit().rx(0, angle), shots=30).result()
    log_metric("energy", -1.5, iteration_number=3)
    save_job_result({"counts": dict(result.measurement_counts), "angle": angle})
"""
    )
    job = AwsQuantumJob.create(
        SV1,
        source_module=str(module),
        entry_point="algorithm:start",
        job_name="by-the-sdk",
        role_arn=ROLE,
        hyperparameters={"angle": np.pi},
        aws_session=session,
    )
    assert ended(braket, job.arn)["status"] == "COMPLETED", log_lines(
        server, braket.get_job(jobArn=job.arn)
    )
    assert job.result() == {"counts": {"1": 30}, "angle": np.pi}
    job.logs(poll_interval_seconds=0)
    assert "Metrics" in capsys.readouterr().out
    (task,) = job.get_tasks()
    assert task.state() == "COMPLETED"
    described = braket.get_quantum_task(
        quantumTaskArn=task.id, additionalAttributeNames=["QueueInfo"]
    )
    assert described["jobArn"] == job.arn
    assert described["queueInfo"]["queuePriority"] == "Priority"
    assert job.queue_position().queue_position is None


def test_the_sdk_cancels_a_job(braket: Any, session: AwsSession, service: BraketService) -> None:
    service.queue_seconds = 3600
    arn = braket.create_job(
        jobName="cancelled-by-the-sdk",
        clientToken="c",
        roleArn=ROLE,
        algorithmSpecification={
            "scriptModeConfig": {"entryPoint": "a:b", "s3Uri": f"s3://{BUCKET}/a.tar.gz"}
        },
        outputDataConfig={"s3Path": f"s3://{BUCKET}/out"},
        instanceConfig={"instanceType": "ml.m5.large", "volumeSizeInGb": 30},
        deviceConfig={"device": SV1},
    )["jobArn"]
    service.queue_seconds = 0
    job = AwsQuantumJob(arn, session)
    assert job.queue_position().queue_position == "1"
    assert job.cancel() == "CANCELLING"
    ended(braket, arn)
    assert job.state() == "CANCELLED"
