"""Creates, inspects, finds and cancels Braket hybrid jobs, and reads their output."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Any, NamedTuple, Self

from botocore.exceptions import ClientError

from quantum_pipeline import runs
from quantum_pipeline.answers import require
from quantum_pipeline.aws import archive, storage
from quantum_pipeline.aws.clients import client
from quantum_pipeline.aws.settings import SubmitSettings
from quantum_pipeline.aws.source import Source
from quantum_pipeline.devices.catalogue import LOCAL, Device, find
from quantum_pipeline.error_codes import MEANINGS, Meaning, meaning_of
from quantum_pipeline.errors import (
    BudgetExceeded,
    DeviceUnavailable,
    InvalidRequest,
    InvalidResult,
    JobFailed,
    JobInterrupted,
    PipelineError,
    ServiceUnavailable,
)
from quantum_pipeline.planning.costs import InstancePrice
from quantum_pipeline.planning.pack_record import PackRecord
from quantum_pipeline.planning.prepared import RunHeader
from quantum_pipeline.runs import SubmittedJob

ENDED = ("COMPLETED", "FAILED", "CANCELLED")


@dataclass(frozen=True)
class JobState:
    """A job as GetJob reports it; seconds are by Braket's own clock."""

    arn: str
    status: str
    age_seconds: float
    queue_seconds: float
    job_seconds: float
    billable_seconds: float | None
    failure_reason: str
    output_uri: str

    @property
    def paid_seconds(self) -> float:
        """Billed seconds of the instance; those it has run, if Braket does not report any."""
        return self.job_seconds if self.billable_seconds is None else self.billable_seconds


class PaidJob(NamedTuple):
    """A job that has ended: as it was recorded, as Braket says, and what is billed of it."""

    submitted: SubmittedJob
    newest: JobState
    billed_seconds: float
    part: float = 1.0
    """Of all that is billed, where a run shares the job with others."""

    @classmethod
    def of(cls, submitted: SubmittedJob, job_arn: str) -> Self:
        """Return the job of the last attempt; that of each earlier one is billed as well."""
        job = look(job_arn)
        attempts = [*map(look, submitted.earlier), job]
        return cls(submitted, job, sum(each.paid_seconds for each in attempts))

    def shared(self, seconds: float) -> Self:
        """Return the job as a run has it that pays for so many of the billed seconds."""
        part = seconds / self.billed_seconds if self.billed_seconds else 0.0
        return self._replace(billed_seconds=seconds, part=part)


@dataclass(frozen=True)
class FoundJob:
    """A job as a search shows it, with the run that it is for."""

    arn: str
    alive: bool
    created_at: datetime
    run_id: str
    execution_arn: str


@dataclass(frozen=True)
class Wanted:
    """What a job is created for: an attempt at a run, or at the runs of a pack.

    ``inputs`` is the key, or the prefix, of what it reads in the output bucket; ``tags`` are its
    user's own.
    """

    run_id: str
    execution_arn: str
    created_at: datetime
    attempt: int
    inputs: str
    device: Device
    problem_type: str
    hyperparameters: dict[str, str]
    tags: dict[str, str]
    max_cost_usd: float
    max_runtime_seconds: int
    instance: InstancePrice
    reservation_arn: str | None = None

    @classmethod
    def of_run(cls, prepared: RunHeader, attempt: int) -> Wanted:
        """Return what a run's job is created for."""
        request = prepared.request
        return cls(
            run_id=prepared.run_id,
            execution_arn=prepared.execution_arn,
            created_at=prepared.created_at,
            attempt=attempt,
            inputs=runs.key(prepared.run_id, runs.PREPARED),
            device=prepared.device,
            problem_type=request.problem.type,
            hyperparameters={
                "run_id": prepared.run_id,
                "algorithm": request.algorithm.name,
                "depth": str(request.algorithm.depth),
                "shots": str(request.shots),
                "seed": str(request.seed),
            },
            tags=runs.labels(request.owner, request.tags),
            max_cost_usd=request.limits.max_cost_usd,
            max_runtime_seconds=request.limits.max_runtime_seconds,
            instance=prepared.instance,
            reservation_arn=request.reservation_arn,
        )

    @classmethod
    def of_pack(cls, pack: PackRecord, attempt: int) -> Wanted:
        """Return what a pack's job is created for."""
        return cls(
            run_id=pack.pack_id,
            execution_arn=pack.execution_arn,
            created_at=pack.created_at,
            attempt=attempt,
            inputs=runs.key(pack.pack_id, runs.INPUTS),
            device=find(LOCAL),
            problem_type="pack",
            hyperparameters={"run_id": pack.pack_id, "runs": str(len(pack.runs))},
            tags=runs.labels(pack.owner, pack.tags),
            max_cost_usd=pack.limits.max_cost_usd,
            max_runtime_seconds=pack.limits.max_runtime_seconds,
            instance=pack.instance,
        )


def create(
    wanted: Wanted, source: Source, settings: SubmitSettings, max_runtime_seconds: int
) -> str:
    """Create the Braket job of this attempt, or find it if it exists; return its ARN.

    Idempotent: job name and client token are hashes of the execution's ARN and the attempt, so a
    second call never creates a second job. Braket answers a repeated token with the first job. If
    it answers ConflictException instead, because the name is taken, the job is looked up by its
    name and the execution in its tags. SearchJobs lags behind CreateJob: a job not found yet
    raises, and the state machine calls again.

    The job has the stack's instance type with 30 GB of disk, is stopped by Braket after
    ``max_runtime_seconds``, and carries the device and, if the request names one, its reservation.
    Nothing else is created: neither quantum tasks nor objects in S3. The cost cap is not Braket's
    to enforce; the job does.

    Raises:
        ServiceUnavailable: the job was created before, but SearchJobs does not list it yet.
        ClientError: any other refusal of CreateJob, to be given its name by `error_codes`.
    """
    try:
        call = _call(wanted, source, settings, max_runtime_seconds)
        return str(client("braket").create_job(**call)["jobArn"])
    except ClientError as error:
        if meaning_of(error.response) is not Meaning.CONFLICT:
            raise
        name = runs.job_name(wanted.execution_arn, wanted.attempt)
        found = find_all(wanted.execution_arn, wanted.created_at, name)
        if not found:  # SearchJobs lags behind CreateJob: a later call finds it
            raise ServiceUnavailable(f"{name}: created before, but not found yet") from error
        return found[-1]


def _call(
    wanted: Wanted, source: Source, settings: SubmitSettings, max_runtime_seconds: int
) -> dict[str, Any]:
    """Return the arguments of CreateJob."""
    bucket = f"s3://{settings.output_bucket}"
    script = {
        "entryPoint": runs.ENTRY_POINT,
        "s3Uri": source.uri,
        "compressionType": "GZIP",
    }
    inputs = {"s3DataSource": {"s3Uri": f"{bucket}/{wanted.inputs}"}}
    folder = runs.job_folder(wanted.run_id, wanted.attempt)
    checkpoints = runs.key(wanted.run_id, runs.CHECKPOINTS)
    return {
        "clientToken": runs.client_token(wanted.execution_arn, wanted.attempt),
        "jobName": runs.job_name(wanted.execution_arn, wanted.attempt),
        "roleArn": settings.job_role_arn,
        "algorithmSpecification": {"scriptModeConfig": script},
        "inputDataConfig": [{"channelName": runs.INPUT_CHANNEL, "dataSource": inputs}],
        "outputDataConfig": {"s3Path": f"{bucket}/{folder}"},
        "checkpointConfig": {"s3Uri": f"{bucket}/{checkpoints}"},
        "instanceConfig": {"instanceType": settings.job_instance_type, "volumeSizeInGb": 30},
        "deviceConfig": {"device": wanted.device.arn},
        "stoppingCondition": {"maxRuntimeInSeconds": max_runtime_seconds},
        "hyperParameters": wanted.hyperparameters,
        "tags": {
            **wanted.tags,
            runs.RUN_ID_TAG: wanted.run_id,
            runs.EXECUTION_TAG: wanted.execution_arn,
            runs.STACK_TAG: settings.powertools_service_name,
        },
        **_reservation(wanted),
    }


def _reservation(wanted: Wanted) -> dict[str, Any]:
    arn = wanted.reservation_arn
    if arn is None:
        return {}
    return {"associations": [{"arn": arn, "type": "RESERVATION_TIME_WINDOW_ARN"}]}


def look(arn: str) -> JobState:
    """Return the state of a job.

    Ages are differences between Braket's own times, with the response's Date header as now: the
    function's clock has no part in them.
    """
    answer = client("braket").get_job(jobArn=arn)
    headers = answer["ResponseMetadata"]["HTTPHeaders"]
    require(headers, "date")
    now = parsedate_to_datetime(headers["date"])
    created = answer["createdAt"]
    started, ended = answer.get("startedAt"), answer.get("endedAt")
    return JobState(
        arn=arn,
        status=answer["status"],
        age_seconds=_seconds(created, now),
        queue_seconds=_seconds(created, started or ended or now),
        job_seconds=_seconds(started, ended or now) if started else 0.0,
        billable_seconds=answer.get("billableDuration"),
        failure_reason=answer.get("failureReason", "no reason given"),
        output_uri=answer["outputDataConfig"]["s3Path"],
    )


def _seconds(start: datetime, end: datetime) -> float:
    return max(0.0, (end - start).total_seconds())


_KILLED = re.compile(r"AlgorithmError: .*\bcode:? (-9|-15|137|143)$", re.DOTALL)
"""Failure reason of a job whose process was killed from outside."""


_OF_THE_REQUEST = (InvalidRequest, BudgetExceeded, DeviceUnavailable)
"""Errors that a job may raise just as prepare does: the run then ends with the same error."""


def failure(job: JobState) -> PipelineError:
    """Return the error that a failed or cancelled job ends the run with, with its reason.

    Only JobInterrupted gets another attempt, which goes on from the checkpoint. A job that raised
    an error of its own, or used up its time, would only do so again.
    """
    message = f"{job.arn} {job.status}: {job.failure_reason}"
    if job.status == "FAILED":
        name = job.failure_reason.partition(": ")[0]  # ours, or a code of a service that it needs
        for error in _OF_THE_REQUEST:
            if name == error.__name__:
                return error(message)
        if MEANINGS.get(name) is Meaning.UNAVAILABLE or _KILLED.match(job.failure_reason):
            return JobInterrupted(message)
    return JobFailed(message)


def cancel(arn: str) -> bool:
    """Cancel a job; return False if it has ended or is being cancelled already."""
    if look(arn).status in (*ENDED, "CANCELLING"):
        return False
    try:
        client("braket").cancel_job(jobArn=arn)
    except ClientError as error:
        if meaning_of(error.response) is Meaning.CONFLICT:  # it ended in between
            return False
        raise
    return True


def find_all(execution_arn: str, since: datetime, name: str | None = None) -> list[str]:
    """Return the ARNs of the execution's jobs, or of those with this name, the newest last.

    SearchJobs filters by time only; the execution is matched by the job's tags.
    """
    found = [
        job
        for job in _search(since)
        if job["tags"].get(runs.EXECUTION_TAG) == execution_arn and name in (None, job["jobName"])
    ]
    return [job["jobArn"] for job in sorted(found, key=lambda job: job["createdAt"])]


def of_stack(stack: str, since: datetime) -> list[FoundJob]:
    """Return the jobs of a stack that were created since then."""
    return [
        FoundJob(
            arn=job["jobArn"],
            alive=job["status"] not in ENDED,
            created_at=job["createdAt"],
            run_id=job["tags"][runs.RUN_ID_TAG],
            execution_arn=job["tags"][runs.EXECUTION_TAG],
        )
        for job in _search(since)
        if job["tags"].get(runs.STACK_TAG) == stack
        and job["tags"].keys() >= {runs.RUN_ID_TAG, runs.EXECUTION_TAG}
    ]


def _search(since: datetime) -> Iterator[dict[str, Any]]:
    filters = [
        {"name": "createdAt", "operator": "GTE", "values": [since.strftime("%Y-%m-%dT%H:%M:%SZ")]}
    ]
    for page in client("braket").get_paginator("search_jobs").paginate(filters=filters):
        for job in page["jobs"]:
            yield {"tags": {}} | job


def read_output(state: JobState) -> Any:
    """Return the data that the job saved: dataDictionary in results.json in model.tar.gz.

    Raises:
        InvalidResult: no archive, not an archive, no results in it, not JSON, or too large.
    """
    bucket, _, prefix = state.output_uri.removeprefix("s3://").partition("/")
    key = f"{prefix}/output/model.tar.gz"
    where = f"s3://{bucket}/{key}"
    try:
        packed = storage.read(bucket, key, archive.MAX_BYTES)
    except ValueError as error:
        raise InvalidResult(f"{where}: {error}") from error
    if packed is None:
        raise InvalidResult(f"{where}: missing; the job ended without saving a result")
    return archive.saved_data(packed, where)
