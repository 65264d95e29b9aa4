"""One quantum task."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from quantum_pipeline.local.braket.device import Device
from quantum_pipeline.local.braket.job import Job, moment

ENDED = frozenset({"COMPLETED", "FAILED", "CANCELLED"})
PROGRAM_SET = "braket.ir.openqasm.program_set"


class Ending(NamedTuple):
    """How a task ends without having run: FAILED with a reason, or CANCELLED."""

    status: str
    reason: str


@dataclass
class Task:
    """A quantum task, from QUEUED over RUNNING to its end."""

    arn: str
    request: dict[str, Any]
    device: Device
    job: Job | None
    created_at: float
    clock: Callable[[], float]
    lock: threading.RLock
    status: str = "QUEUED"
    ended_at: float | None = None
    failure_reason: str | None = None
    successful_shots: int | None = None
    device_seconds: float | None = None
    """Simulated time on the device; None until the task has run."""

    fault: Ending | None = None
    """How the task ends without having run, if a test wants that."""

    tags: dict[str, str] = field(default_factory=dict)

    @property
    def bucket(self) -> str:
        """Bucket of the result."""
        return str(self.request["outputS3Bucket"])

    @property
    def directory(self) -> str:
        """Key prefix of the result."""
        return f"{self.request['outputS3KeyPrefix'].strip('/')}/{self.arn.rpartition('/')[2]}"

    @property
    def reserved(self) -> bool:
        """Whether the task runs in a reservation: its own, or that of its job."""
        own = self.request.get("associations") or ()
        return bool(own or (self.job and self.job.request.get("associations")))

    def ran(self, seconds: float, waited: float) -> None:
        """Record that the device was busy for ``seconds``, so many of which were waited."""
        with self.lock:
            self.device_seconds = seconds
            if self.job is not None and self.job.ended_at is None:
                self.job.unwaited_seconds += seconds - waited

    def begin(self) -> bool:
        """Go from QUEUED to RUNNING; False if the task was cancelled in the queue."""
        with self.lock:
            if self.status != "QUEUED":
                return False
            self.status = "RUNNING"
            return True

    def end(self, status: str, reason: str | None = None, *, successful_shots: int = 0) -> None:
        """Come to an end: to CANCELLED, whatever happened meanwhile, if that was asked for."""
        with self.lock:
            self.status = "CANCELLED" if self.status == "CANCELLING" else status
            self.ended_at = self.clock()
            if self.status == "FAILED":
                self.failure_reason = reason
            if self.status == "COMPLETED":
                self.successful_shots = successful_shots

    def cancel(self) -> bool:
        """Ask the task to end; True if its execution has to be stopped for it."""
        with self.lock:
            running = self.status == "RUNNING"
            self.status = "CANCELLING"
            if not running:
                self.end("CANCELLED")
            return running

    def summary(self) -> dict[str, Any]:
        """Return the QuantumTaskSummary of SearchQuantumTasks."""
        return {
            "quantumTaskArn": self.arn,
            "status": self.status,
            "deviceArn": self.device.arn,
            "shots": self.request["shots"],
            "outputS3Bucket": self.bucket,
            "outputS3Directory": self.directory,
            "createdAt": moment(self.created_at),
            "tags": dict(self.tags),
        } | ({} if self.ended_at is None else {"endedAt": moment(self.ended_at)})

    def describe(self) -> dict[str, Any]:
        """Return the answer of GetQuantumTask, without queueInfo."""
        return self.summary() | {
            "deviceParameters": self.request.get("deviceParameters", "{}"),
            "failureReason": self.failure_reason,
            "jobArn": self.job.arn if self.job else None,
            "associations": self.request.get("associations", []),
            "numSuccessfulShots": self.successful_shots,
            "actionMetadata": self._action(),
            "experimentalCapabilities": self.request.get("experimentalCapabilities"),
        }

    def _action(self) -> dict[str, Any]:
        action = json.loads(self.request["action"])
        kind = action["braketSchemaHeader"]["name"]
        if kind != PROGRAM_SET:
            return {"actionType": kind}
        programs = action["programs"]
        return {
            "actionType": kind,
            "programCount": len(programs),
            "executableCount": sum(map(executables, programs)),
        }


def executables(program: dict[str, Any]) -> int:
    """Return how often a program of a set is executed: once for each value of its inputs."""
    return len(next(iter((program.get("inputs") or {"": [None]}).values())))
