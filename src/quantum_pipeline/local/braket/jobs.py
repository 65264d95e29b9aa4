"""CreateJob, GetJob, CancelJob and SearchJobs."""

from __future__ import annotations

import re
import secrets
import threading
from collections.abc import Callable, Iterable
from typing import Any, Protocol

from quantum_pipeline.local.braket.arn import new_arn
from quantum_pipeline.local.braket.devices import Devices
from quantum_pipeline.local.braket.errors import BraketError, invalid, not_found
from quantum_pipeline.local.braket.idempotency import Tokens
from quantum_pipeline.local.braket.job import ENDED, Job
from quantum_pipeline.local.braket.protocol import Call
from quantum_pipeline.local.braket.search import Field, search

FIVE_DAYS = 432_000
_LOCAL_DEVICE = re.compile(r"local:[\w.-]+/[\w.-]+")
_ENTRY_POINT = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*(:[A-Za-z_]\w*)?")
_S3_OBJECT = re.compile(r"s3://[^/]+/.+")
_FIELDS = {
    "jobArn": Field[Job](lambda job: job.arn),
    "createdAt": Field[Job](lambda job: job.created_at, is_time=True),
}


class JobRunner(Protocol):
    """What makes a created job happen: the seam for tests that script a job's life.

    Called once, under the service's lock, when the job is created; it returns at once. From then
    on `Job.record` tells what happens. `ContainerRunner` records from a thread of its own; a
    script records a whole timetable, with times to come on the service's clock:

        def five_days_after_three_in_the_queue(job: Job) -> None:
            job.record("STARTING_INSTANCE", at=job.created_at + 3 * DAY)
            job.record("COMPLETED", at=job.created_at + 8 * DAY)
    """

    def __call__(self, job: Job, /) -> None:
        """Start the job."""


class Jobs:
    """All jobs of the service, oldest first."""

    def __init__(
        self,
        runner: JobRunner,
        devices: Devices,
        clock: Callable[[], float],
        lock: threading.RLock,
        concurrent_jobs: int,
    ) -> None:
        self.queue_seconds = 0.0
        self._runner = runner
        self._devices = devices
        self._clock = clock
        self._lock = lock
        self._concurrent_jobs = concurrent_jobs
        self._jobs: dict[str, Job] = {}
        self._tokens: Tokens[Job] = Tokens()

    def create(self, call: Call) -> dict[str, Any]:
        """CreateJob."""
        job = self._tokens.known(call)
        if job is None:
            self._check(call.params)
            job = self._new(call)
            self._tokens.remember(call, job)
            self._jobs[job.arn] = job
            self._runner(job)
        return {"jobArn": job.arn}

    def get(self, call: Call) -> dict[str, Any]:
        """GetJob."""
        job = self.find(call.params["jobArn"])
        answer = job.describe()
        if "QueueInfo" in call.params.get("additionalAttributeNames", ()):
            answer["queueInfo"] = self._queue_info(job)
        return answer

    def wait_for_end(self, arn: str, seconds: float) -> None:
        """Wait for a job's end, at most so many seconds."""
        job = self._jobs.get(arn)
        if job is not None:
            job.ended.wait(seconds)

    def cancel(self, call: Call) -> dict[str, Any]:
        """CancelJob: returns at once; the job is CANCELLED when its process has ended."""
        job = self.find(call.params["jobArn"])
        if job.status in ENDED:
            raise BraketError(
                "ConflictException", f"{job.arn} is {job.status}: it can no longer be cancelled"
            )
        job.cancel()
        return {"jobArn": job.arn, "cancellationStatus": job.status}

    def search(self, call: Call) -> dict[str, Any]:
        """SearchJobs, newest first."""
        page, token = search(reversed(self._jobs.values()), _FIELDS, call)
        return {"jobs": [job.summary() for job in page], "nextToken": token}

    def find(self, arn: str) -> Job:
        """Return the job of an ARN."""
        if arn not in self._jobs:
            raise not_found(arn)
        return self._jobs[arn]

    def of_token(self, token: str) -> Job:
        """Return the job whose process holds a job token."""
        for job in self._jobs.values():
            if job.token == token:
                return job
        raise invalid("jobToken: no job has this token")

    def all(self) -> Iterable[Job]:
        """Return all jobs, oldest first."""
        with self._lock:
            return list(self._jobs.values())

    def queues(self, device: str) -> list[dict[str, str]]:
        """Return how many jobs wait for a device."""
        waiting = sum(job.status == "QUEUED" for job in self._jobs.values() if job.device == device)
        return [{"queue": "JOBS_QUEUE", "queueSize": str(waiting)}]

    def tags(self, arn: str) -> dict[str, str] | None:
        """Return the tags of a job, to be changed in place, or None if there is no such job."""
        return self._jobs[arn].tags if arn in self._jobs else None

    def _new(self, call: Call) -> Job:
        request = dict(call.params)
        request["stoppingCondition"] = {"maxRuntimeInSeconds": FIVE_DAYS} | request.get(
            "stoppingCondition", {}
        )
        request["instanceConfig"] = {"instanceCount": 1} | request["instanceConfig"]
        return Job(
            arn=new_arn("job", call.region),
            request=request,
            region=call.region,
            created_at=self._clock(),
            token=secrets.token_hex(16),
            clock=self._clock,
            lock=self._lock,
            queue_seconds=self.queue_seconds,
        )

    def _check(self, params: dict[str, Any]) -> None:
        script = params["algorithmSpecification"].get("scriptModeConfig")
        if script is None:
            raise invalid(
                "algorithmSpecification: needs a scriptModeConfig; images do not run here"
            )
        if not _ENTRY_POINT.fullmatch(script["entryPoint"]):
            raise invalid(f"entryPoint: {script['entryPoint']!r} is not package.module:function")
        if not _S3_OBJECT.fullmatch(script["s3Uri"]):
            raise invalid(f"scriptModeConfig.s3Uri: {script['s3Uri']!r} is not s3://bucket/key")
        if params["instanceConfig"].get("instanceCount", 1) != 1:
            raise invalid("instanceConfig.instanceCount: one instance runs here")
        channels = [channel["channelName"] for channel in params.get("inputDataConfig", ())]
        if len(set(channels)) < len(channels):
            raise invalid(f"inputDataConfig: channel names repeat: {channels}")
        self._check_device(params["deviceConfig"]["device"])
        self._check_room(params["jobName"])

    def _check_device(self, device: str) -> None:
        if device.startswith("local:"):
            if not _LOCAL_DEVICE.fullmatch(device):
                raise invalid(f"deviceConfig.device: {device!r} is not local:<provider>/<name>")
        else:
            self._devices.usable(device)

    def _check_room(self, name: str) -> None:
        if any(job.name == name for job in self._jobs.values()):
            raise BraketError("ConflictException", f"jobName: a job {name!r} exists already")
        active = sum(job.status not in ENDED for job in self._jobs.values())
        if active >= self._concurrent_jobs:
            raise BraketError(
                "ServiceQuotaExceededException",
                f"{active} hybrid jobs are active; the quota is {self._concurrent_jobs}",
            )

    def _queue_info(self, job: Job) -> dict[str, str]:
        info = {"queue": "JOBS_QUEUE", "position": "None"}
        if job.status != "QUEUED":
            return info | {
                "message": f"Job is in {job.status} status. "
                "AmazonBraket does not show queue position for this status."
            }
        queue = [
            other.arn
            for other in self._jobs.values()
            if other.status == "QUEUED" and other.device == job.device
        ]
        position = queue.index(job.arn) + 1
        return info | {"position": str(position) if position <= 15 else ">15"}
