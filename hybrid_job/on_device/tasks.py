"""Quantum tasks through the SDK: created idempotently, found again, awaited, read.

Nothing here knows what a task costs or whether it should be created at all. Every error of Braket,
S3 and the way to them leaves this module as one of the pipeline's, by name. What a task is for
stands in its tags, so that it counts even where the checkpoint that recorded it is lost.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any, cast

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError
from braket.aws import AwsQuantumTask, AwsSession
from braket.program_sets import ProgramSet
from braket.tasks import ProgramSetQuantumTaskResult
from braket.tasks.program_set_quantum_task_result import MeasuredEntry

from hybrid_job import environment
from hybrid_job.journal import Batch
from hybrid_job.on_device.measurement import Compiled, Counts
from hybrid_job.on_device.named_errors import named
from quantum_pipeline import answers
from quantum_pipeline.error_codes import Meaning, meaning_of
from quantum_pipeline.errors import JobFailed
from quantum_pipeline.planning.prepared import PreparedRun
from quantum_pipeline.planning.tasks import Purpose
from quantum_pipeline.runs import BATCH_TAG, RUN_ID_TAG, labels

ATTEMPTS = 8
"""Most attempts of one call: with jitter, and at most 1, 2, 4, .. 20 seconds between two."""

COMPLETED, FAILED, CANCELLED = ENDED = "COMPLETED", "FAILED", "CANCELLED"

_CLOCKS_APART = timedelta(minutes=5)
"""That those of Braket and of who prepared the run may differ by."""


class Session(AwsSession):  # type: ignore[misc]  # the SDK has no types
    """The SDK's session; each task is created under the token that its batch tag begins with.

    Results are read by one client of S3: making one, as the SDK does for each result, takes longer.
    """

    @cached_property
    def _results(self) -> Any:
        return self.boto_session.client("s3", config=self._config)

    def retrieve_s3_object_body(self, s3_bucket: str, s3_object_key: str) -> str:
        """Return what an object holds."""
        answer = self._results.get_object(Bucket=s3_bucket, Key=s3_object_key)
        return str(answer["Body"].read().decode("utf-8"))

    def create_quantum_task(self, **arguments: Any) -> str:
        """Create a task, or return the ARN of the one that was created under the same token."""
        token = arguments["tags"][BATCH_TAG].partition(" ")[0]
        arn: str = super().create_quantum_task(clientToken=token, **arguments)
        return arn


def connect(region: str | None, seconds: float) -> Session:
    """Return a session in a region, by default the job's own.

    Its calls are attempted again where Braket throttles them or fails itself, as often as fits
    a quarter of the ``seconds`` that there are.
    """
    attempts = next(
        (
            n
            for n in range(ATTEMPTS, 2, -1)
            if 4 * sum(min(2**k, 20) for k in range(n - 1)) <= seconds
        ),
        2,
    )
    config = Config(
        retries={"mode": "standard", "total_max_attempts": attempts},
        connect_timeout=10,
        read_timeout=max(5, min(60, seconds / 4)),
    )
    session = boto3.Session(region_name=region)
    answers.watch(session.events)
    return Session(session, config=config)


@dataclass(frozen=True)
class Program:
    """Circuits that are one task, with ``shots`` each: a circuit, or a program set of several."""

    circuits: tuple[Compiled, ...]
    shots: int
    as_set: bool

    def text(self) -> str:
        """Return what tells the task from others: its circuits in OpenQASM, one after another."""
        return "\n".join(each.source for each in self.circuits)

    def specification(self) -> Any:
        """Return what the SDK submits."""
        if not self.as_set:
            return self.circuits[0].program()
        programs = [each.program() for each in self.circuits]
        return ProgramSet(programs, shots_per_executable=self.shots)

    def create(
        self, session: Session, device: str, *, tags: Mapping[str, str], reservation: str | None
    ) -> AwsQuantumTask:
        """Create the task; its results go where the job's container says.

        Raises:
            PipelineError: by name, as Braket refuses.
        """
        with named(f"quantum task on {device}"):
            return AwsQuantumTask.create(
                session,
                device,
                self.specification(),
                _results_folder(session),
                self.shots * len(self.circuits),
                disable_qubit_rewiring=self.circuits[0].verbatim,
                tags=dict(tags),
                reservation_arn=reservation,
            )

    def known(self, session: Session, arn: str) -> AwsQuantumTask:
        """Return the task that exists already."""
        return AwsQuantumTask(arn, session, task_specification=self.specification())

    def read(self, task: AwsQuantumTask) -> tuple[list[Counts], float | None]:
        """Return the counts of each circuit, and the seconds that a simulator says it took.

        Raises:
            JobFailed: the result is missing, unreadable, or lacks a circuit.
        """
        result = _result(task)
        if not isinstance(result, ProgramSetQuantumTaskResult):
            bits = result.measurement_counts
            counts = [ordered(bits, result.measured_qubits, self.circuits[0].qubits)]
            return counts, _seconds(result.additional_metadata)
        counts, seconds = [], []
        for compiled, program in zip(self.circuits, result, strict=True):
            (entry,) = program.entries
            if not isinstance(entry, MeasuredEntry):
                reason = getattr(entry, "failureMetadata", entry)
                raise JobFailed(f"quantum task {task.id}: a circuit of it failed: {reason}")
            counts.append(ordered(entry.counts, entry.measured_qubits, compiled.qubits))
            seconds.append(_seconds(program.additional_metadata))
        reported = [each for each in seconds if each is not None]
        return counts, sum(reported) if reported else None


def ordered(counts: Mapping[str, int], measured: Sequence[int], wanted: Sequence[int]) -> Counts:
    """Return counts whose bit k is of qubit ``wanted[k]``, from those in the order ``measured``.

    >>> ordered({"10": 7}, [2, 5], [5, 2])
    {'01': 7}
    """
    places = [list(measured).index(qubit) for qubit in wanted]
    found: Counts = {}
    for bits, count in counts.items():
        key = "".join(bits[place] for place in places)
        found[key] = found.get(key, 0) + int(count)
    return found


@dataclass(frozen=True)
class Found:
    """A task as a search finds it: the digest of its batch, what it is for, and its status."""

    digest: str
    batch: Batch
    status: str


def tags(prepared: PreparedRun, digest: str, batch: Batch) -> dict[str, str]:
    """Return the tags of a task: its request's own, the run, and all that a bill has to know.

    The last is ``d0 2 3 5 100 samples``: the digest of the batch, its ordinal, its executables,
    those together, shots, and the purpose.
    """
    numbers = f"{batch.ordinal} {batch.executables} {batch.together} {batch.shots}"
    return {
        **labels(prepared.request.owner, prepared.request.tags),
        RUN_ID_TAG: prepared.run_id,
        BATCH_TAG: f"{digest} {numbers} {batch.purpose}",
    }


def find(session: Session, device: str, run_id: str, since: datetime) -> list[Found]:
    """Return the tasks of a run on a device, oldest first.

    Raises:
        ServiceUnavailable, JobFailed: as Braket answers.
    """
    filters = [
        {"name": "deviceArn", "operator": "EQUAL", "values": [device]},
        {
            "name": "createdAt",
            "operator": "GTE",
            "values": [(since - _CLOCKS_APART).strftime("%Y-%m-%dT%H:%M:%SZ")],
        },
    ]
    with named("search for quantum tasks"):
        pages = session.braket_client.get_paginator("search_quantum_tasks").paginate(
            filters=filters
        )
        mine = [
            task
            for page in pages
            for task in page["quantumTasks"]
            if task.get("tags", {}).get(RUN_ID_TAG) == run_id and BATCH_TAG in task["tags"]
        ]
    return list(map(_found, sorted(mine, key=lambda task: task["createdAt"])))


def _found(task: Mapping[str, Any]) -> Found:
    digest, *numbers, purpose = task["tags"][BATCH_TAG].split(" ", 5)
    ordinal, executables, together, shots = map(int, numbers)
    arn = task["quantumTaskArn"]
    batch = Batch(
        purpose=cast(Purpose, purpose),
        ordinal=ordinal,
        executables=executables,
        shots=shots,
        arn=arn,
        together=together,
    )
    return Found(digest, batch, task["status"])


def status(task: AwsQuantumTask) -> str:
    """Return what Braket says now of a task."""
    with named(f"quantum task {task.id}"):
        return str(task.metadata()["status"])


def successful_shots(task: AwsQuantumTask, shots: int) -> int:
    """Return how many of a task's ``shots`` are billed: a QPU may return fewer than were asked.

    All of them for a completed task that reports no number; none for one that did not complete.
    """
    metadata = task.metadata(use_cached_value=True)
    reported = metadata.get("numSuccessfulShots")
    if reported is None:
        return shots if metadata["status"] == COMPLETED else 0
    return min(int(reported), shots)


def cancel(task: AwsQuantumTask) -> None:
    """Ask a task to end; one that has ended in between is left as it is."""
    with named(f"cancelling quantum task {task.id}"):
        try:
            task.cancel()
        except ClientError as error:
            if meaning_of(error.response) is not Meaning.CONFLICT:
                raise


def _results_folder(session: Session) -> tuple[str, str]:
    uri = environment.task_results_uri()
    if uri is None:
        return session.default_bucket(), "tasks"
    bucket, key = AwsSession.parse_s3_uri(uri)
    return bucket, key


def _result(task: AwsQuantumTask) -> Any:
    try:
        with named(f"result of quantum task {task.id}"):
            return task.result()
    except (ValueError, TypeError, KeyError, IndexError) as error:  # pydantic's are ValueErrors
        raise JobFailed(f"result of quantum task {task.id}: {error}") from error


def _seconds(metadata: Any) -> float | None:
    simulator = getattr(metadata, "simulatorMetadata", None)
    return None if simulator is None else simulator.executionDuration / 1000
