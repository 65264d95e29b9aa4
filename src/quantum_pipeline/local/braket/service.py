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
from quantum_pipeline.local.braket.billing import Billing
from quantum_pipeline.local.braket.clients import Clients
from quantum_pipeline.local.braket.container import ContainerRunner
from quantum_pipeline.local.braket.devices import Devices
from quantum_pipeline.local.braket.errors import BraketError
from quantum_pipeline.local.braket.faults import Faults
from quantum_pipeline.local.braket.jobs import JobRunner, Jobs
from quantum_pipeline.local.braket.protocol import Call
from quantum_pipeline.local.braket.simulator import Simulator
from quantum_pipeline.local.braket.sources import Sources
from quantum_pipeline.local.braket.spending import SpendingLimits
from quantum_pipeline.local.braket.tags import Tags
from quantum_pipeline.local.braket.tasks import Tasks

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

Handler = Callable[[Call], dict[str, Any]]


class BraketService:
    """All of Braket's API, and what tests set and read beside it.

    Args:
        environment: what makes an AWS client reach the endpoint where S3 and Logs answer
            (AWS_ENDPOINT_URL, AWS_REGION, keys); asked for when it is first needed.
        work_folder: where jobs have their folders while they run.
        clock: seconds since the epoch; all times of answers, their Date header included.
        runner: what makes jobs happen, see `JobRunner`.
        concurrent_jobs: quota of jobs that have not ended.
        instance_usd_per_hour: price of the jobs' instances in `billing`.
        startup_seconds: assumed time in which a job's instance starts: billed, not waited for.
        look_seconds: how long GetJob takes while the job has not ended: who looks again and again
            leaves the processors to the job, and hears of its end at once.
        sources: where the source of jobs is kept, unpacked and compiled, for others to come.
        wait_share: how much of the simulated time of tasks is really waited, 0 to 1.

    A task runs as fast as it can, and is billed for the time that its device would have been busy:
    of a QPU 4.5 s and its shots' seconds, of SV1 and DM1 as `worker` says; all assumed. A job is
    billed for its real time, its start and the simulated time of its tasks. So it is in GetJob's
    billableDuration, in `billing`, and in the metadata of results (executionDuration).

    Attributes:
        devices: `set(arn, status=, windows=, waiting=)` closes a device, or lets others wait
            before its tasks, which stay QUEUED until it is set otherwise.
        faults: what is to go wrong: `end_next(arn, count, status=, reason=)`,
            `go_offline_after(arn, creations)`, `lose_results(arn, count)`, `throttle(count)`.
        billing: `total(of)` and `lines(of)`, in USD, of a job's ARN (with its tasks), a task's ARN
            or the value of a tag, such as a run's id; of all without it.
        intercept: called before each operation with its name and parameters; may raise
            BraketError. Seeing is its use, and refusing what `faults` has no name for.
        clients: `key_of` is set to what returns the key of a job's role; without it jobs act with
            the key of `environment`.
    """

    def __init__(
        self,
        environment: Callable[[], Mapping[str, str]],
        work_folder: Path,
        *,
        clock: Callable[[], float] = time.time,
        runner: JobRunner | None = None,
        concurrent_jobs: int = 3,
        instance_usd_per_hour: float = 0.0,
        startup_seconds: float = 180.0,
        look_seconds: float = 0.0,
        sources: Path | None = None,
        wait_share: float = 0.0,
    ) -> None:
        self.intercept: Callable[[str, dict[str, Any]], None] | None = None
        self._clock = clock
        self._look_seconds = look_seconds
        # One lock for all state. What is done under it never waits: work is handed to threads.
        self._lock = threading.RLock()
        self.clients = clients = Clients(environment)
        self.work_folder = work_folder
        self._containers = ContainerRunner(clients, work_folder, startup_seconds, Sources(sources))
        self.devices = devices = Devices()
        self.faults = Faults(devices, self._lock)
        self._simulator = Simulator(clients, self.faults, wait_share, self._containers.on_devices)
        self._jobs = Jobs(runner or self._containers, devices, clock, self._lock, concurrent_jobs)
        tasks = Tasks(self._simulator, devices, self._jobs, clock, self._lock, faults=self.faults)
        self.tasks = tasks
        self._simulator.ready = tasks.ready
        devices.queues = (tasks.queues, self._jobs.queues)
        limits = SpendingLimits(clock, tasks.all)
        tasks.approve = limits.approve
        self.billing = Billing(tasks.all, self._jobs.all, instance_usd_per_hour)
        self._tags = tags = Tags((self._jobs.tags, tasks.tags, limits.tags))
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

    def tags_of(self, arn: str) -> dict[str, str]:
        """Return the tags of a job, a task or a spending limit; none where there is no such."""
        with self._lock:
            return dict(self._tags.of(arn) or {})

    def warm(self, on_devices: bool = False) -> None:
        """Get ready to start the processes of jobs, or of those on devices, in the background."""
        self._containers.warm(on_devices=on_devices)

    def process_ids(self) -> list[int]:
        """Return the processes of the jobs that run now."""
        return self._containers.process_ids()

    def close(self) -> None:
        """End every process of jobs and tasks."""
        self._containers.close()
        self._simulator.close()

    def _answer(self, request: Request) -> Response:
        call = protocol.read(request)
        if self.intercept is not None:
            self.intercept(call.operation, call.params)
        if call.operation == "GetJob":
            self._jobs.wait_for_end(call.params["jobArn"], self._look_seconds)
        with self._lock:
            output = self._handlers[call.operation](call)
        return protocol.answer(call.operation, output)
