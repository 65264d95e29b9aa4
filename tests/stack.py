"""The local stack as the tests use it: the deployed functions, reached over HTTP by boto3."""

from __future__ import annotations

import contextlib
import io
import json
import os
import signal
import tarfile
import threading
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config
from moto.stepfunctions.responses import get_backend

from quantum_pipeline import runs
from quantum_pipeline.errors import ERRORS, PipelineError
from quantum_pipeline.local.aws import ACCOUNT, LOOK_SECONDS, REGION, LocalAws
from quantum_pipeline.local.braket import BraketError, BraketService
from quantum_pipeline.local.iam.policies import Statement
from quantum_pipeline.local.iam.roles import Role
from quantum_pipeline.local.keys import Key
from quantum_pipeline.local.places import APPLICATION as PROJECT
from tests.waiting import PATIENCE_SECONDS, wait_for

PETERSEN = [[i, (i + 1) % 5] for i in range(5)] + [[i, i + 5] for i in range(5)]
PETERSEN += [[5 + i, 5 + (i + 2) % 5] for i in range(5)]
REQUEST = {
    "problem": {"type": "maxcut", "edges": PETERSEN},
    "seed": 7,
    "algorithm": {"depth": 1},
}
"""MaxCut on the Petersen graph, by one layer: 10 nodes, 15 edges, best cut 12."""

HYDROGEN = {
    "problem": {"type": "chemistry", "molecule": "H2", "bond_length_angstrom": 0.74},
    "seed": 7,
}
"""What is reported soonest, with two pictures: for runs of which only the end is looked at."""

LONG = {
    "problem": {"type": "random", "problem_size": 20},
    "algorithm": {"depth": 8, "starts": 100, "max_evaluations": 100_000},
    "limits": {"max_runtime_seconds": 86_400, "max_cost_usd": 1000},
}
"""A request whose job outlasts every test, on a machine of any speed."""


POLLS_AT_ONCE = 10
"""Looks at a job before a stack of the tests waits as on AWS: most jobs have ended by then."""

PARAMETERS = {"PollsAtOnce": str(POLLS_AT_ONCE), "SweepMinutes": "1440"}
"""Those of a stack of the tests, which call the sweep themselves."""

KEY = f"arn:aws:kms:{REGION}:{ACCOUNT}:key/1234abcd-12ab-34cd-56ef-1234567890ab"
LOCKED_DOWN = {
    "PermissionsBoundaryArn": f"arn:aws:iam::{ACCOUNT}:policy/Boundary",
    "KmsKeyArn": KEY,
    "VpcSubnetIds": "subnet-0123456789abcdef0,subnet-0a1b2c3d",
    "VpcSecurityGroupIds": "sg-0123456789abcdef0",
    "LogExecutionData": "false",
    "AccessLogBucket": "access-logs-of-123456789012",
    "ReportRetentionDays": "90",
}
"""What a locked-down account may ask for, all of it."""


class Stack:
    """The local stack as its users see it: boto3 clients, and what the tests ask of them."""

    def __init__(self, aws: LocalAws) -> None:
        self.aws = aws
        self._session: Any = boto3.Session(**aws.key.arguments())
        self.s3, self.braket = self.client("s3"), self.client("braket")
        self.states, self.lambdas = self.client("stepfunctions"), self.client("lambda")
        self.dynamodb = self.client("dynamodb")
        self.bucket = aws.outputs["OutputBucketName"]

    def client(self, service: str, region: str | None = None) -> Any:
        """Return a client of a service, in the stack's region unless another is given."""
        where = {"region_name": region or self.aws.region, "endpoint_url": self.aws.endpoint_url}
        # Whoever gave up on a call would make it again while it goes on.
        return self._session.client(service, **where, config=Config(read_timeout=PATIENCE_SECONDS))

    def caller(self, policy: Mapping[str, Any]) -> Key:
        """Return the key of somebody who has this policy and no other."""
        arn = f"arn:aws:iam::{ACCOUNT}:role/Caller"
        statements = tuple(map(Statement.read, policy["Statement"]))
        self.aws.authority._policies.roles[arn] = Role(arn, statements, trust=())
        return self.aws.keys.of(arn, "test")

    def invoke(self, function: str, event: Mapping[str, Any]) -> dict[str, Any]:
        """Return a function's answer, or raise the error that it names."""
        answer = self.lambdas.invoke(
            FunctionName=f"quantum-pipeline-{function}Function", Payload=json.dumps(event)
        )
        payload = json.load(answer["Payload"])
        if "FunctionError" in answer:
            raise ERRORS.get(payload["errorType"], PipelineError)(payload["errorMessage"])
        return dict(payload)

    def start(self, request: Mapping[str, Any], name: str) -> str:
        answer = self.states.start_execution(
            stateMachineArn=self.aws.outputs["StateMachineArn"],
            name=name,
            input=json.dumps(request),
        )
        return str(answer["executionArn"])

    def ended(self, execution: str) -> dict[str, Any]:
        """Return the execution once it has ended."""
        # Looked at where moto has it, found once: a call of the API costs a hundred times as much.
        found = get_backend(ACCOUNT, self.aws.region).describe_execution(execution)
        wait_for(
            lambda: found.status != "RUNNING",
            told=lambda: self.visited(execution)[-10:],
        )
        return dict(self.states.describe_execution(executionArn=execution))

    def job_ended(self, arn: str) -> dict[str, Any]:
        """Return a job once it has ended, with its billable duration."""

        def look() -> dict[str, Any] | None:
            job: dict[str, Any] = self.braket.get_job(jobArn=arn)
            return job if "billableDuration" in job else None

        return wait_for(look, told=lambda: self.braket.get_job(jobArn=arn))

    def visited(self, execution: str) -> list[str]:
        """Return the states that an execution entered, in order."""
        events = self.states.get_execution_history(executionArn=execution)["events"]
        return [
            event["stateEnteredEventDetails"]["name"]
            for event in sorted(events, key=lambda event: event["id"])
            if "stateEnteredEventDetails" in event
        ]

    def once(self, operation: str, act: Callable[[dict[str, Any]], object]) -> threading.Event:
        """Act before the first call of a Braket operation; return what is set from then on."""
        done = threading.Event()

        def intercept(name: str, params: dict[str, Any]) -> None:
            if name == operation and not done.is_set():
                done.set()
                act(params)

        self.aws.braket.intercept = intercept
        return done

    def refuse(self, operation: str, code: str, times: int) -> list[str]:
        """Make Braket refuse an operation so many times; return what it refused, as it happens."""
        refused: list[str] = []

        def intercept(name: str, _: dict[str, Any]) -> None:
            if name == operation and len(refused) < times:
                refused.append(name)
                raise BraketError(code, "not now")

        self.aws.braket.intercept = intercept
        return refused

    def kill_job(self) -> None:
        """Kill the processes of jobs, as a failing instance would."""
        for process_id in self.aws.braket.process_ids():
            os.killpg(process_id, signal.SIGKILL)

    def record(self, run_id: str, name: str) -> dict[str, Any]:
        answer = self.s3.get_object(Bucket=self.bucket, Key=runs.key(run_id, name))
        return dict(json.load(answer["Body"]))

    def records(self, run_id: str) -> set[str]:
        """Return the names of the run's objects."""
        prefix = runs.key(run_id, "")
        found = self.s3.list_objects_v2(Bucket=self.bucket, Prefix=prefix).get("Contents", [])
        return {item["Key"].removeprefix(prefix) for item in found}

    def remembered(self, run_id: str) -> dict[str, Any] | None:
        """Return the record that the catalogue has of a run, None where it has none."""
        table, key = self.aws.outputs["CatalogueTableName"], {"run_id": {"S": run_id}}
        item = self.dynamodb.get_item(TableName=table, Key=key, ConsistentRead=True).get("Item")
        return None if item is None else dict(json.loads(item["record"]["S"]))

    def jobs(self, run_id: str) -> list[dict[str, Any]]:
        """Return every job that was ever made for a run, the newest first."""
        pages = self.braket.get_paginator("search_jobs").paginate(filters=[])
        jobs = [job for page in pages for job in page["jobs"]]
        return [job for job in jobs if job["tags"].get(runs.RUN_ID_TAG) == run_id]

    def job_statuses(self, run_id: str) -> list[str]:
        """Return the status of every job that was ever made for a run."""
        return [job["status"] for job in self.jobs(run_id)]

    def tasks(self, run_id: str) -> list[dict[str, Any]]:
        """Return every quantum task that was ever made for a run, the newest first."""
        pages = self.braket.get_paginator("search_quantum_tasks").paginate(filters=[])
        tasks = [task for page in pages for task in page["quantumTasks"]]
        return [task for task in tasks if task["tags"].get(runs.RUN_ID_TAG) == run_id]

    def task_statuses(self, run_id: str) -> list[str]:
        """Return the status of every quantum task that was ever made for a run."""
        return [task["status"] for task in self.tasks(run_id)]

    def billed(self, run_id: str) -> float:
        """Return what Braket bills for a run, in USD: its jobs and quantum tasks."""
        return self.aws.braket.billing.total(run_id)

    def billed_tasks(self, run_id: str) -> list[float]:
        """Return what Braket bills for each quantum task of a run that is not for free, in USD."""
        lines = self.aws.braket.billing.lines(run_id)
        return [float(line.usd) for line in lines if line.kind == "task" and line.usd]

    def wait_for_record(self, run_id: str, name: str) -> dict[str, Any]:
        wait_for(lambda: name in self.records(run_id), told=lambda: self.records(run_id))
        return self.record(run_id, name)

    def put_end(self, run_id: str, record: str, **more: Any) -> None:
        """End a run as a release before this one did, with nothing else of it."""
        end = {"run_id": run_id, "ended_at": "2026-08-24T09:31:12Z", **more}
        for name, content in (("end.json", {"record": record}), (record, end)):
            key = runs.key(run_id, name)
            self.s3.put_object(Bucket=self.bucket, Key=key, Body=json.dumps(content))

    def put_output(self, run_id: str, content: bytes) -> None:
        """Put an archive where the run's job leaves its results."""
        key = f"{runs.job_folder(run_id, 1)}/output/model.tar.gz"
        self.s3.put_object(Bucket=self.bucket, Key=key, Body=content)

    def output(self, run_id: str) -> bytes:
        key = f"{runs.job_folder(run_id, 1)}/output/model.tar.gz"
        content: bytes = self.s3.get_object(Bucket=self.bucket, Key=key)["Body"].read()
        return content


class Subscriber:
    """A queue that the topic tells; called, it returns what it was told since it was last."""

    def __init__(self, stack: Stack) -> None:
        self._sqs = stack.client("sqs")
        self._queue = self._sqs.create_queue(QueueName="told")["QueueUrl"]
        stack.client("sns").subscribe(
            TopicArn=stack.aws.outputs["NotificationTopicArn"],
            Protocol="sqs",
            Endpoint=f"arn:aws:sqs:{stack.aws.region}:{ACCOUNT}:told",
        )

    def __call__(self) -> list[dict[str, Any]]:
        told = []
        while found := self._received():
            told += [json.loads(json.loads(message["Body"])["Message"]) for message in found]
            for message in found:
                receipt = message["ReceiptHandle"]
                self._sqs.delete_message(QueueUrl=self._queue, ReceiptHandle=receipt)
        return told

    def _received(self) -> list[dict[str, Any]]:
        found = self._sqs.receive_message(QueueUrl=self._queue, MaxNumberOfMessages=10)
        return list(found.get("Messages", []))


def with_room(
    environment: Callable[[], Mapping[str, str]], folder: Path, usd_per_hour: float = 0.0
) -> BraketService:
    """Return a Braket service where the jobs of one test do not stand in the way of the next.

    The jobs' source is kept where `qpipe` keeps it: the stacks of all tests unpack it once.
    """
    return BraketService(
        environment,
        folder,
        concurrent_jobs=100,
        instance_usd_per_hour=usd_per_hour,
        look_seconds=LOOK_SECONDS,
        sources=PROJECT / ".cache" / "sources",
    )


@contextlib.contextmanager
def priced_stack() -> Iterator[Stack]:
    """Yield a stack where a job's instance has a price: the same for estimates and for the bill."""
    parameters = PARAMETERS | {"JobInstanceUsdPerHour": "0.115"}
    braket = partial(with_room, usd_per_hour=0.115)
    with LocalAws(parameters=parameters, braket=braket) as aws:
        yield Stack(aws)


def archive_of(results: Any) -> bytes:
    """Return the archive of a results.json with that content."""
    buffer = io.BytesIO()
    content = results if isinstance(results, bytes) else json.dumps(results).encode()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        member = tarfile.TarInfo("results.json")
        member.size = len(content)
        tar.addfile(member, io.BytesIO(content))
    return buffer.getvalue()
