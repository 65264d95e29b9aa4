"""A client of the deployed pipeline, on AWS or on this machine: start, watch, stop, fetch.

It speaks to Step Functions, S3, Braket and CloudWatch Logs as any AWS client does; which AWS that
is, endpoint and credentials in the environment say.
"""

from __future__ import annotations

import hashlib
import json
import re
import secrets
import shutil
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any, NamedTuple

import boto3
from botocore.exceptions import ClientError

from quantum_pipeline import answers, runs
from quantum_pipeline.aws.catalogue import put_once
from quantum_pipeline.catalogue.filters import Wanted, sortable
from quantum_pipeline.catalogue.sources import record_of_files
from quantum_pipeline.error_codes import Meaning, meaning_of
from quantum_pipeline.errors import ERRORS, InvalidRequest, PipelineError
from quantum_pipeline.local.paths import below
from quantum_pipeline.progress import PhaseReached

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

_NUMBER = r"-?\d{1,25}(?:\.\d{1,25})?(?:e[+-]?\d{1,3})?"
_ENERGY = re.compile(rf"^Metrics - .*; energy=({_NUMBER}); iteration_number=(\d{{1,9}});")
_COST = re.compile(rf"^Metrics - .*; cost_usd=({_NUMBER}); ")
_ENDED = re.compile(r"^Metrics - .*; runs_ended=(\d{1,3}); ")


class RunStopped(PipelineError):
    """The execution was stopped before it came to an end of its own."""

    exit_code = 130


class OutputNotWritten(PipelineError):
    """The run's files could not be written on this machine; they are still where they were."""

    exit_code = 73


class Logged(NamedTuple):
    """What the newest lines of a job's log say: of one run, or how many of a pack have ended."""

    evaluation: int | None = None
    energy: float | None = None
    runs_ended: int | None = None
    phase: PhaseReached | None = None
    cost_usd: float | None = None

    def after(self, line: str) -> Logged:
        """Return the same with what a further line says."""
        if energy := _ENERGY.match(line):
            return self._replace(evaluation=int(energy[2]), energy=float(energy[1]))
        if phase := PhaseReached.read(line):
            return self._replace(phase=phase)
        if cost := _COST.match(line):
            return self._replace(cost_usd=float(cost[1]))
        if ended := _ENDED.match(line):
            return self._replace(runs_ended=int(ended[1]))
        return self


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
        if "StateMachineArn" not in outputs:
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
        self.put(runs.key(pack_id, f"{runs.CANCEL_MARKERS}{name}"), b"")

    def has_ended(self, run_id: str) -> bool:
        """Return whether a run has an end."""
        return self._object(run_id, runs.END) is not None

    def _object(self, run_id: str, name: str) -> bytes | None:
        return self.content(runs.key(run_id, name))

    def content(self, key: str) -> bytes | None:
        """Return what is in the output bucket under a key, None where nothing is."""
        try:
            return self._get(key)
        except ClientError as error:
            if meaning_of(error.response) is not Meaning.NO_OBJECT:
                raise
            return None

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

        All of them are there, or nothing: they come into a folder of another name first. The log of
        a pack's job is fetched with the pack.

        Raises:
            InvalidResult: the name of an object would lead out of that folder.
            OutputNotWritten: the disk is full, read-only or the like.
        """
        prefix = runs.key(run_id, "")
        with self._whole(folder / run_id) as part:
            self._download(prefix, self.names(run_id), part)
            if with_log:
                self._write_log(run_id, part / runs.LOG)
        return folder / run_id

    def fetch_all_of(self, prefix: str, folder: Path) -> Path:
        """Download all objects whose keys have a prefix into a folder, and return it.

        Raises:
            InvalidResult, OutputNotWritten: as ``fetch``.
        """
        with self._whole(folder) as part:
            self._download(prefix, self.listed(prefix), part)
        return folder

    @contextmanager
    def _whole(self, folder: Path) -> Iterator[Path]:
        """Yield a folder of another name, which replaces one once all is in it."""
        part = folder.with_name(f".{folder.name}.{secrets.token_hex(4)}")
        try:
            part.mkdir(parents=True)
            yield part
            _rename(part, folder)
        except OSError as error:
            where = folder.parent
            raise OutputNotWritten(f"--output: {where}: {error.strerror or error}") from error
        finally:
            shutil.rmtree(part, ignore_errors=True)

    def _download(self, prefix: str, names: Iterable[str], folder: Path) -> None:
        for name in names:
            path = below(folder, name)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(self._get(f"{prefix}{name}"))

    def _write_log(self, run_id: str, path: Path) -> None:
        """Write the log of the run's jobs, if there is one and the caller may read it."""
        try:
            lines = list(self.log(run_id))
        except ClientError as error:
            if meaning_of(error.response) is not Meaning.DENIED:
                raise
            return
        if lines:
            path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")

    def names(self, run_id: str) -> Iterator[str]:
        """Yield the names of the run's objects that are of use to its user."""
        for name in self.listed(runs.key(run_id, "")):
            if not name.startswith(_NOT_FETCHED):
                yield name

    def listed(self, prefix: str) -> Iterator[str]:
        """Yield the names of the objects in the output bucket whose keys have a prefix, less it."""
        bucket = self.outputs["OutputBucketName"]
        pages = self._s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
        for item in (item for page in pages for item in page.get("Contents", [])):
            yield item["Key"].removeprefix(prefix)

    def put(self, key: str, content: bytes) -> None:
        """Put an object into the output bucket."""
        self._s3.put_object(Bucket=self.outputs["OutputBucketName"], Key=key, Body=content)

    def read(self, run_id: str, name: str) -> bytes:
        """Return the content of one of the run's objects."""
        return self._get(runs.key(run_id, name))

    def _get(self, key: str) -> bytes:
        answer = self._s3.get_object(Bucket=self.outputs["OutputBucketName"], Key=key)
        content: bytes = answer["Body"].read()
        return content

    def record(self, run_id: str) -> str | None:
        """Return the record of a run as JSON, None where the catalogue has none.

        Raises:
            InvalidRequest: the stack is of a release that had no catalogue.
        """
        found = _client("dynamodb").get_item(TableName=self._table, Key={"run_id": {"S": run_id}})
        return str(found["Item"]["record"]["S"]) if "Item" in found else None

    @property
    def _table(self) -> str:
        table = self.outputs.get("CatalogueTableName")
        if table is None:
            allowed = "one with a catalogue, which this release has: deploy it again"
            raise InvalidRequest.of("--stack", self.outputs["StateMachineArn"], allowed)
        return table

    def records(self, wanted: Wanted) -> Iterator[str]:
        """Yield the records of the catalogue as JSON, the newest first: of the study, of the time.

        Raises:
            InvalidRequest: the stack is of a release that had no catalogue.
        """
        index, key, value = "by-time", "kind", "run"
        if wanted.study is not None:
            index, key, value = "by-study", "study", wanted.study
        condition = "#key = :value AND ended_at BETWEEN :since AND :until"
        pages = (
            _client("dynamodb")
            .get_paginator("query")
            .paginate(
                TableName=self._table,
                IndexName=index,
                KeyConditionExpression=condition,
                ProjectionExpression="#record",
                ExpressionAttributeNames={"#key": key, "#record": "record"},
                ExpressionAttributeValues={
                    ":value": {"S": value},
                    ":since": {"S": sortable(wanted.since) if wanted.since else "0"},
                    ":until": {"S": sortable(wanted.until) if wanted.until else "9"},
                },
                ScanIndexForward=False,
            )
        )
        for page in pages:
            for item in page["Items"]:
                yield item["record"]["S"]

    def read_in(self) -> int:
        """Put the runs into the catalogue that ended before the stack had one; return how many.

        Raises:
            InvalidRequest: the stack is of a release that had no catalogue.
        """
        known = {json.loads(each)["run_id"] for each in self.records(Wanted())}
        left = (run_id for run_id in self._run_ids() if run_id not in known)
        made = (record_of_files(partial(self._object, run_id)) for run_id in left)
        return sum(put_once(self._table, each) for each in made if each is not None)

    def _run_ids(self) -> Iterator[str]:
        pages = self._s3.get_paginator("list_objects_v2").paginate(
            Bucket=self.outputs["OutputBucketName"], Prefix="runs/", Delimiter="/"
        )
        for each in (each for page in pages for each in page.get("CommonPrefixes", [])):
            yield each["Prefix"].split("/")[1]

    def uri(self, run_id: str) -> str:
        """Return where the run's objects are."""
        return f"s3://{self.outputs['OutputBucketName']}/{runs.key(run_id, '')}"


def _rename(folder: Path, target: Path) -> None:
    """Give a folder its name; what had it, from an earlier time, is gone."""
    if target.exists():
        shutil.rmtree(target)
    folder.rename(target)


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
