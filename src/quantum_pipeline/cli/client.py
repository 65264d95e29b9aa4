"""A client of the deployed pipeline, on AWS or on this machine: start, watch, stop, fetch.

It speaks to Step Functions, S3, Braket and CloudWatch Logs as any AWS client does; which AWS that
is, endpoint and credentials in the environment say.
"""

from __future__ import annotations

import hashlib
import json
import re
import secrets
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property, partial
from itertools import count
from pathlib import Path
from typing import Any

import boto3
from botocore.exceptions import ClientError

from quantum_pipeline import answers, runs
from quantum_pipeline.cli.bucket import Bucket
from quantum_pipeline.cli.catalogue_client import CatalogueClient
from quantum_pipeline.cli.job_log import Logged
from quantum_pipeline.error_codes import Meaning, meaning_of
from quantum_pipeline.errors import ERRORS, InvalidRequest, PipelineError

INPUT_LIMIT_BYTES = 240 * 1024
"""Largest input that leaves room in the 256 KiB of a state's payload; larger problems go by S3."""

_NOT_FETCHED = (
    "job/",
    f"{runs.CHECKPOINTS}/",
    f"{runs.STAGED}/",
    runs.INPUTS,
    runs.CANCEL_MARKERS,
)
"""Folders of a run, or a pack, that are of no use to who has its report and records."""

JOB_LOGS = "/aws/braket/jobs"
"""The log group of all jobs of an account."""


class RunStopped(PipelineError):
    """The execution was stopped before it came to an end of its own."""

    exit_code = 130


@dataclass(frozen=True)
class Progress:
    """Where a run stands; None is what is not known yet."""

    state: str
    job_status: str | None = None
    queue_position: str | None = None
    logged: Logged = Logged()  # noqa: RUF009 - nothing in it changes


class Pipeline:
    """One stack: its state machine and buckets."""

    def __init__(self, outputs: Mapping[str, str]) -> None:
        self.outputs = outputs
        self._last_state: dict[str, str] = {}
        self._read: dict[str, tuple[int, Logged]] = {}
        self._states, self._s3, self._braket, self._logs = map(
            _client, ("stepfunctions", "s3", "braket", "logs")
        )
        self.bucket = Bucket(self._s3, outputs["OutputBucketName"])

    @cached_property
    def catalogue(self) -> CatalogueClient:
        """What the stack remembers of its runs.

        Raises:
            InvalidRequest: the stack is of a release that had no catalogue.
        """
        return CatalogueClient(_client("dynamodb"), self.outputs)

    @property
    def region(self) -> str:
        """The region that its AWS clients speak to."""
        return str(self._braket.meta.region_name)

    @classmethod
    def of_stack(cls, name: str) -> Pipeline:
        """Return the pipeline of a CloudFormation stack, in the region that boto3 is set to.

        Raises:
            InvalidRequest: there is no such stack, or it is not one of ours.
        """
        cloudformation = _client("cloudformation")
        where = f"a deployed stack in {cloudformation.meta.region_name}"
        try:
            found = cloudformation.describe_stacks(StackName=name)["Stacks"][0]
        except ClientError as error:
            if meaning_of(error.response) is not Meaning.INVALID:
                raise
            raise InvalidRequest.of("--stack", name, where) from error
        outputs = {each["OutputKey"]: each["OutputValue"] for each in found.get("Outputs", [])}
        if not {"StateMachineArn", "OutputBucketName"} <= outputs.keys():
            raise InvalidRequest.of("--stack", name, f"{where} of this application")
        return cls(outputs)

    def start(self, request: Mapping[str, Any], label: str) -> str:
        """Start a run and return its execution's ARN; ``label`` begins the run's name."""
        body = json.dumps(request)
        if len(body.encode()) > INPUT_LIMIT_BYTES:
            part = "pack" if "pack" in request else "problem"
            body = json.dumps({**request, part: {"uri": self._upload(request[part])}})
        return self.execute(self.outputs["StateMachineArn"], label, body)

    def execute(self, machine_arn: str, label: str, body: str) -> str:
        """Start an execution and return its ARN; ``label`` begins its name."""
        stem = re.sub(r"[^A-Za-z0-9-]+", "-", label).strip("-")[:40] or "run"
        name = f"{stem}-{datetime.now(UTC):%Y%m%d-%H%M%S}-{secrets.token_hex(2)}"
        answer = self._states.start_execution(stateMachineArn=machine_arn, name=name, input=body)
        return str(answer["executionArn"])

    def _upload(self, part: Any) -> str:
        content = json.dumps(part).encode()
        bucket = self.outputs["InputBucketName"]
        key = f"problems/{hashlib.sha256(content).hexdigest()}.json"
        self._s3.put_object(Bucket=bucket, Key=key, Body=content, ContentType="application/json")
        return f"s3://{bucket}/{key}"

    def watch(self, execution_arn: str, every_seconds: float) -> Iterator[Progress]:
        """Yield where the run stands, again and again, until it has succeeded.

        Whether it has ended is asked every ``every_seconds``; where it stands, which takes several
        calls, at every fifth of these times.

        Raises:
            PipelineError: the run failed; its own error, by name.
            RunStopped: the execution was stopped.
        """
        for turn in self.turns(execution_arn, every_seconds):
            if turn % 5 == 0:
                yield self._progress(execution_arn)

    def turns(self, execution_arn: str, every_seconds: float) -> Iterator[int]:
        """Count, again and again, until an execution has succeeded.

        Raises:
            PipelineError, RunStopped: as ``watch``.
        """
        for turn in count():
            execution = self._states.describe_execution(executionArn=execution_arn)
            if execution["status"] != "RUNNING":
                break
            yield turn
            time.sleep(every_seconds)
        if execution["status"] == "ABORTED":
            raise RunStopped("the execution was stopped")
        if execution["status"] != "SUCCEEDED":
            raise _error(execution)

    def _progress(self, execution_arn: str) -> Progress:
        state = self._state(execution_arn)
        if state not in ("Wait", "Monitor", "IsFinished"):
            return Progress(state)
        job_arn = self._job_arn(run_id_of(execution_arn))
        if job_arn is None:
            return Progress(state)
        job = self._braket.get_job(jobArn=job_arn, additionalAttributeNames=["QueueInfo"])
        position = job.get("queueInfo", {}).get("position")
        return Progress(state, job["status"], position, self._logged(job["jobName"]))

    def _state(self, execution_arn: str) -> str:
        events = self._states.get_execution_history(
            executionArn=execution_arn, reverseOrder=True, maxResults=20
        )["events"]
        entered = [event for event in events if "stateEnteredEventDetails" in event]
        if entered:  # else the newest events are all retries of the state that was seen before
            newest = max(entered, key=lambda event: event["id"])
            self._last_state[execution_arn] = newest["stateEnteredEventDetails"]["name"]
        return self._last_state.get(execution_arn, "Started")

    def _job_arn(self, run_id: str) -> str | None:
        content = self._object(run_id, runs.JOB)
        return None if content is None else str(json.loads(content)["job_arn"])

    def _logged(self, job_name: str) -> Logged:
        """Return what the newest lines of the job's log say, read on from the last look."""
        since, found = self._read.get(job_name, (0, Logged()))
        pages = self._logs.get_paginator("filter_log_events").paginate(
            logGroupName=JOB_LOGS,
            logStreamNamePrefix=f"{job_name}/",
            startTime=since,
        )
        try:
            for event in (event for page in pages for event in page["events"]):
                found = found.after(event["message"])
                since = max(since, event["timestamp"])
        except ClientError as error:
            if meaning_of(error.response) is not Meaning.NO_RESOURCE:
                raise
            return Logged()  # nothing was logged yet
        self._read[job_name] = since, found
        return found

    def pack(self, pack_id: str) -> list[str] | None:
        """Return the names of a pack's runs; None where there is no such pack, or none started."""
        content = self._object(pack_id, runs.PACK)
        if content is None:
            return None
        record = json.loads(content)
        return [*record["runs"], *record["refused"]]

    def job_of(self, run_id: str) -> str:
        """Return whose job has solved a run: its own, or its pack's."""
        found = runs.pack_and_name(run_id)
        if found is not None and found[1] in (self.pack(found[0]) or ()):
            return found[0]
        return run_id

    def cancel_in_pack(self, pack_id: str, name: str) -> None:
        """Cancel one run of a pack whose job goes on: the job looks for what is put here."""
        self.bucket.put(runs.key(pack_id, f"{runs.CANCEL_MARKERS}{name}"), b"")

    def has_ended(self, run_id: str) -> bool:
        """Return whether a run has an end."""
        return self._object(run_id, runs.END) is not None

    def _object(self, run_id: str, name: str) -> bytes | None:
        return self.bucket.content(runs.key(run_id, name))

    def execution_of(self, run_id: str) -> str:
        """Return the ARN of a run's execution, which need not exist."""
        machine = self.outputs["StateMachineArn"]
        return f"{machine.replace(':stateMachine:', ':execution:')}:{run_id}"

    def status(self, run_id: str) -> str | None:
        """Return the status of a run's execution, None where there is no such run."""
        return self.status_of(self.execution_of(run_id))

    def status_of(self, execution_arn: str) -> str | None:
        """Return the status of an execution, None where there is none."""
        try:
            found = self._states.describe_execution(executionArn=execution_arn)
        except ClientError as error:
            if meaning_of(error.response) is not Meaning.NO_RESOURCE:
                raise
            return None
        return str(found["status"])

    def log(self, run_id: str) -> Iterator[str]:
        """Yield the lines that the run's jobs have logged, the first attempt's first.

        Of a run of a pack they are those of the pack's jobs.
        """
        execution = self.execution_of(self.job_of(run_id))
        for attempt in range(1, runs.MAX_ATTEMPTS + 1):
            name = runs.job_name(execution, attempt)
            pages = self._logs.get_paginator("filter_log_events").paginate(
                logGroupName=JOB_LOGS, logStreamNamePrefix=f"{name}/"
            )
            try:
                for event in (event for page in pages for event in page["events"]):
                    yield event["message"]
            except ClientError as error:
                if meaning_of(error.response) is not Meaning.NO_RESOURCE:
                    raise

    def stop(self, execution_arn: str) -> None:
        """Stop a run: its job is cancelled as well."""
        self._states.stop_execution(
            executionArn=execution_arn, error="Stopped", cause="stopped by its user"
        )

    def wait_for_end(self, execution_arn: str, seconds: float = 30.0) -> bool:
        """Wait until the end of a stopped run is on record and told; return whether it came."""
        run_id = run_id_of(execution_arn)

        def is_told() -> bool:
            found = self._object(run_id, runs.END)
            return found is not None and bool(json.loads(found)["told"])

        return waited(is_told, seconds)

    def fetch(self, run_id: str, folder: Path, *, with_log: bool = True) -> Path:
        """Download the run's report, pictures and records; return the folder they are in.

        The log of a pack's job is fetched with the pack.

        Raises:
            InvalidResult, OutputNotWritten: as ``Bucket.fetch``.
        """
        return self.bucket.fetch(
            runs.key(run_id, ""),
            self.names(run_id),
            folder / run_id,
            partial(self._write_log, run_id) if with_log else lambda _: None,
        )

    def _write_log(self, run_id: str, folder: Path) -> None:
        """Write the log of the run's jobs, if there is one and the caller may read it."""
        try:
            lines = list(self.log(run_id))
        except ClientError as error:
            if meaning_of(error.response) is not Meaning.DENIED:
                raise
            return
        if lines:
            text = "".join(f"{line}\n" for line in lines)
            (folder / runs.LOG).write_text(text, encoding="utf-8")

    def names(self, run_id: str) -> Iterator[str]:
        """Yield the names of the run's objects that are of use to its user."""
        for name in self.bucket.listed(runs.key(run_id, "")):
            if not name.startswith(_NOT_FETCHED):
                yield name

    def read(self, run_id: str, name: str) -> bytes:
        """Return the content of one of the run's objects."""
        return self.bucket.get(runs.key(run_id, name))

    def uri(self, run_id: str) -> str:
        """Return where the run's objects are."""
        return f"s3://{self.bucket.name}/{runs.key(run_id, '')}"


def waited(is_so: Callable[[], bool], seconds: float) -> bool:
    """Wait until something is so; return whether it came to be in that time."""
    deadline = time.monotonic() + seconds
    while not (found := is_so()) and time.monotonic() < deadline:
        time.sleep(0.2)
    return found


def _client(service: str) -> Any:
    """Return a client of a service, in the region and with the credentials of the environment."""
    # Of a session of its own: that of boto3 keeps the credentials that it has found first.
    create: Any = boto3.Session().client
    created = create(service)
    answers.watch(created.meta.events)
    return created


def function_variables(stack: str) -> dict[str, dict[str, str]]:
    """Return the environment variables of each function of a stack, by its logical id."""
    pages = (
        _client("cloudformation").get_paginator("list_stack_resources").paginate(StackName=stack)
    )
    lambdas = _client("lambda")
    return {
        each["LogicalResourceId"]: lambdas.get_function_configuration(
            FunctionName=each["PhysicalResourceId"]
        )["Environment"]["Variables"]
        for page in pages
        for each in page["StackResourceSummaries"]
        if each["ResourceType"] == "AWS::Lambda::Function"
    }


def run_id_of(execution_arn: str) -> str:
    """Return the run's id, which is the execution's name.

    >>> run_id_of("arn:aws:states:us-east-1:123456789012:execution:pipeline:petersen-1")
    'petersen-1'
    """
    return execution_arn.rsplit(":", 1)[1]


def _error(execution: Mapping[str, Any]) -> PipelineError:
    """Return a failed execution's error by its name, with the message alone."""
    name, cause = execution.get("error", execution["status"]), execution.get("cause", "")
    try:
        message = json.loads(cause)["errorMessage"]
    except (ValueError, KeyError, TypeError):
        message = cause or "no cause given"
    kind = ERRORS.get(name)
    return kind(message) if kind else PipelineError(f"{name}: {message}")
