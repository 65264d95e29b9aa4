"""What each state leaves for the next, and a job for its end, so that any of them can be tested."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from quantum_pipeline import runs
from tests.stack import Stack

SUBMIT: dict[str, Any] = json.loads(Path("events/functions/submit.json").read_text("utf-8"))
GARNET = "arn:aws:braket:eu-north-1::device/qpu/iqm/Garnet"
ALWAYS = [("Everyday", "00:00:00", "23:59:59")]


def execution_of(run_id: str) -> str:
    """Return the ARN of the execution that a run is."""
    return f"arn:aws:states:us-east-1:123456789012:execution:machine:{run_id}"


def event(run_id: str, request: Any) -> dict[str, Any]:
    """Return what Prepare gets."""
    return {"run_id": run_id, "execution_arn": execution_of(run_id), "request": request}


def prepared(stack: Stack, run_id: str, request: dict[str, Any]) -> dict[str, Any]:
    """Prepare a run; return what Submit gets."""
    stack.invoke("Prepare", event(run_id, request))
    return SUBMIT | {"run_id": run_id}


def create_task(stack: Stack, run_id: str, job_arn: str) -> str:
    """Create a quantum task on Garnet as a job's own process does; return its ARN."""
    source = "OPENQASM 3.0; bit[1] b; qubit[1] q; x q[0]; b[0] = measure q[0];"
    action = {
        "braketSchemaHeader": {"name": "braket.ir.openqasm.program", "version": "1"},
        "source": source,
    }
    braket = stack.client("braket", GARNET.split(":")[3])
    answer = braket.create_quantum_task(
        deviceArn=GARNET,
        action=json.dumps(action),
        shots=10,
        outputS3Bucket=stack.bucket,
        outputS3KeyPrefix=f"jobs/qpipe-{run_id}/tasks",
        jobToken=stack.aws.braket._jobs.find(job_arn).token,
        tags={runs.RUN_ID_TAG: run_id},
    )
    return str(answer["quantumTaskArn"])


def task_status(stack: Stack, arn: str) -> str:
    return str(stack.braket.get_quantum_task(quantumTaskArn=arn)["status"])
