"""Amazon Braket on this machine: a WSGI application that any AWS client talks to."""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from werkzeug.http import http_date
from werkzeug.wrappers import Request, Response

from quantum_pipeline.local.braket import protocol
from quantum_pipeline.local.braket.clients import Clients
from quantum_pipeline.local.braket.container import ContainerRunner
from quantum_pipeline.local.braket.devices import Devices
from quantum_pipeline.local.braket.errors import BraketError
from quantum_pipeline.local.braket.jobs import JobRunner, Jobs
from quantum_pipeline.local.braket.protocol import Call
from quantum_pipeline.local.braket.simulator import Simulator
from quantum_pipeline.local.braket.spending import SpendingLimits
from quantum_pipeline.local.braket.tags import Tags
from quantum_pipeline.local.braket.tasks import Tasks

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

Handler = Callable[[Call], dict[str, Any]]


class BraketService:
    """All of Braket's API.

    Args:
        environment: what makes an AWS client reach the endpoint where S3 and Logs answer
            (AWS_ENDPOINT_URL, AWS_REGION, keys); asked for when it is first needed.
        work_folder: where jobs have their folders while they run.
        clock: seconds since the epoch; all times of answers, their Date header included.
        runner: what makes jobs happen, see `JobRunner`.
        concurrent_jobs: quota of jobs that have not ended.
    """

    def __init__(
        self,
        environment: Callable[[], Mapping[str, str]],
        work_folder: Path,
        *,
        clock: Callable[[], float] = time.time,
        runner: JobRunner | None = None,
        concurrent_jobs: int = 3,
    ) -> None:
        self.intercept: Callable[[str, dict[str, Any]], None] | None = None
        """Called before each operation with its name and parameters; may raise BraketError."""
        self._clock = clock
        # One lock for all state. What is done under it never waits: work is handed to threads.
        self._lock = threading.RLock()
        clients = Clients(environment)
        self._containers = ContainerRunner(environment, clients, work_folder)
        self._simulator = Simulator(clients)
        devices = Devices()
        self._jobs = Jobs(runner or self._containers, devices, clock, self._lock, concurrent_jobs)
        tasks = Tasks(self._simulator, devices, self._jobs, clock, self._lock)
        devices.queues = (tasks.queues, self._jobs.queues)
        limits = SpendingLimits(clock)
        tags = Tags((self._jobs.tags, tasks.tags, limits.tags))
        self._handlers: dict[str, Handler] = {
            "CreateJob": self._jobs.create,
            "GetJob": self._jobs.get,
            "CancelJob": self._jobs.cancel,
            "SearchJobs": self._jobs.search,
            "CreateQuantumTask": tasks.create,
            "GetQuantumTask": tasks.get,
            "CancelQuantumTask": tasks.cancel,
            "SearchQuantumTasks": tasks.search,
            "GetDevice": devices.get,
            "SearchDevices": devices.search,
            "CreateSpendingLimit": limits.create,
            "SearchSpendingLimits": limits.search,
            "UpdateSpendingLimit": limits.update,
            "DeleteSpendingLimit": limits.delete,
            "ListTagsForResource": tags.list,
            "TagResource": tags.add,
            "UntagResource": tags.remove,
        }

    @property
    def queue_seconds(self) -> float:
        """How long jobs created from now on wait in the queue; 0 unless a test sets it."""
        return self._jobs.queue_seconds

    @queue_seconds.setter
    def queue_seconds(self, seconds: float) -> None:
        self._jobs.queue_seconds = seconds

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request."""
        try:
            response = self._answer(Request(environ))
        except BraketError as error:
            response = protocol.refusal(error)
        response.headers["Date"] = http_date(self._clock())
        response.headers["x-amzn-requestid"] = str(uuid.uuid4())
        return response(environ, start_response)

    def close(self) -> None:
        """End every process of jobs and tasks."""
        self._containers.close()
        self._simulator.close()

    def _answer(self, request: Request) -> Response:
        call = protocol.read(request)
        if self.intercept is not None:
            self.intercept(call.operation, call.params)
        with self._lock:
            output = self._handlers[call.operation](call)
        return protocol.answer(call.operation, output)
