"""CreateQuantumTask, GetQuantumTask, CancelQuantumTask and SearchQuantumTasks."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from typing import Any, Protocol

from quantum_pipeline.local.braket.arn import new_arn
from quantum_pipeline.local.braket.devices import Devices
from quantum_pipeline.local.braket.errors import BraketError, not_found
from quantum_pipeline.local.braket.faults import Faults
from quantum_pipeline.local.braket.idempotency import Tokens
from quantum_pipeline.local.braket.jobs import Jobs
from quantum_pipeline.local.braket.protocol import Call
from quantum_pipeline.local.braket.search import Field, search
from quantum_pipeline.local.braket.task import ENDED, Task
from quantum_pipeline.local.braket.validation import check

_FIELDS = {
    "quantumTaskArn": Field[Task](lambda task: task.arn),
    "deviceArn": Field[Task](lambda task: task.device.arn),
    "jobArn": Field[Task](lambda task: task.job.arn if task.job else None),
    "status": Field[Task](lambda task: task.status),
    "createdAt": Field[Task](lambda task: task.created_at, is_time=True),
}


class TaskRunner(Protocol):
    """What executes tasks: the seam between the API and the simulators."""

    def submit(self, task: Task) -> None:
        """Execute a task later; `Task.begin` and `Task.end` record what happens."""

    def stop_running(self) -> None:
        """End the task that runs now."""


class Tasks:
    """All quantum tasks of the service, oldest first."""

    def __init__(
        self,
        runner: TaskRunner,
        devices: Devices,
        jobs: Jobs,
        clock: Callable[[], float],
        lock: threading.RLock,
        *,
        faults: Faults,
    ) -> None:
        self.approve: Callable[[Task], None] = lambda _: None
        """Called with each new task before it is kept; may refuse it by a BraketError."""
        self._faults = faults
        self._runner = runner
        self._devices = devices
        self._jobs = jobs
        self._clock = clock
        self._lock = lock
        self._tasks: dict[str, Task] = {}
        self._tokens: Tokens[Task] = Tokens()

    def create(self, call: Call) -> dict[str, Any]:
        """CreateQuantumTask."""
        self._faults.at_request()
        task = self._tokens.known(call)
        if task is None:
            task = self._new(call)
            self.approve(task)
            task.fault = self._faults.at_creation(task.device.arn)
            self._tokens.remember(call, task)
            self._tasks[task.arn] = task
            self._runner.submit(task)
        return {"quantumTaskArn": task.arn}

    def get(self, call: Call) -> dict[str, Any]:
        """GetQuantumTask."""
        task = self._find(call.params["quantumTaskArn"])
        answer = task.describe()
        if "QueueInfo" in call.params.get("additionalAttributeNames", ()):
            answer["queueInfo"] = self._queue_info(task)
        return answer

    def cancel(self, call: Call) -> dict[str, Any]:
        """CancelQuantumTask."""
        task = self._find(call.params["quantumTaskArn"])
        if task.status in ENDED:
            raise BraketError(
                "ConflictException", f"{task.arn} is {task.status}: it can no longer be cancelled"
            )
        if task.cancel():
            self._runner.stop_running()
        return {"quantumTaskArn": task.arn, "cancellationStatus": task.status}

    def search(self, call: Call) -> dict[str, Any]:
        """SearchQuantumTasks, newest first."""
        page, token = search(reversed(self._tasks.values()), _FIELDS, call)
        return {"quantumTasks": [task.summary() for task in page], "nextToken": token}

    def queues(self, device: str) -> list[dict[str, str]]:
        """Return how many tasks wait for a device: those of no job, and those of jobs."""
        waiting = [
            _priority(task)
            for task in self._tasks.values()
            if task.status == "QUEUED" and task.device.arn == device
        ]
        return [
            {
                "queue": "QUANTUM_TASKS_QUEUE",
                "queuePriority": priority,
                "queueSize": str(waiting.count(priority)),
            }
            for priority in ("Normal", "Priority")
        ]

    def all(self) -> Iterable[Task]:
        """Return all tasks, oldest first."""
        with self._lock:
            return list(self._tasks.values())

    def ready(self, task: Task) -> bool:
        """Return whether a task's turn has come: its device is open, and nobody else's is before.

        A device that went offline keeps its queue; a test may set it online again.
        """
        device = task.device.arn
        return self._devices.is_open(device, self._clock()) and not self._devices.waiting(device)

    def tags(self, arn: str) -> dict[str, str] | None:
        """Return the tags of a task, to be changed in place, or None if there is no such task."""
        return self._tasks[arn].tags if arn in self._tasks else None

    def _find(self, arn: str) -> Task:
        if arn not in self._tasks:
            raise not_found(arn)
        return self._tasks[arn]

    def _new(self, call: Call) -> Task:
        params = call.params
        device = self._devices.usable(params["deviceArn"], call.region)
        check(params, device)
        return Task(
            arn=new_arn("quantum-task", call.region),
            request=params,
            device=device,
            job=self._jobs.of_token(params["jobToken"]) if "jobToken" in params else None,
            created_at=self._clock(),
            clock=self._clock,
            lock=self._lock,
            tags=dict(params.get("tags", {})),
        )

    def _queue_info(self, task: Task) -> dict[str, str]:
        info = {
            "queue": "QUANTUM_TASKS_QUEUE",
            "queuePriority": _priority(task),
            "position": "None",
        }
        if task.status != "QUEUED":
            return info | {
                "message": f"Task is in {task.status} status. "
                "AmazonBraket does not show queue position for this status."
            }
        queue = [
            other.arn
            for other in self._tasks.values()
            if other.status == "QUEUED" and other.device.arn == task.device.arn
        ]
        position = self._devices.waiting(task.device.arn) + queue.index(task.arn) + 1
        return info | {"position": str(position) if position <= 2000 else ">2000"}


def _priority(task: Task) -> str:
    return "Priority" if task.job else "Normal"
