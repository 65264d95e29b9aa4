"""A run's names, its place in S3, its tags, and the record of its job."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from quantum_pipeline.errors import InvalidRequest

RUN_ID_TAG = "quantum-pipeline:run-id"
BATCH_TAG = "quantum-pipeline:batch"
EXECUTION_TAG = "quantum-pipeline:execution"
STACK_TAG = "quantum-pipeline:stack"
OWNER_TAG = "quantum-pipeline:owner"
SWEPT = "sweep.json"
LINE = "line/"
ENTRY_POINT = "hybrid_job.main:run"
MAX_ATTEMPTS = 2
"""Jobs that a run may have: one may be interrupted at random, two in a row hardly ever."""

INPUT_CHANNEL = "run"
PREPARED = "prepared.json"
PACK = "pack.json"
INPUTS = "inputs/"
"""Folder of a pack: what its job reads, ``pack.json`` and the record of each run."""
CHECKPOINTS = "checkpoints"
PACKED_END = "ended.json"
"""What a job leaves of a run of a pack, in the run's folder of its checkpoint."""
CANCEL_MARKERS = "cancelled/"
"""Folder of a pack: an object in it is the name of a run that is cancelled."""
JOB = "job.json"
END = "end.json"
STAGED = "staged"
REPORT = "report.json"
MODEL = "model.json"
LOG = "job.log"
"""Of a run whose files were fetched: what its jobs have logged."""

COMPLETED, FAILURE, CANCELLED = "completed.json", "failure.json", "cancelled.json"
ENDS = (COMPLETED, FAILURE, CANCELLED)


MAX_RUN_ID = 80
_RUN_ID = rf"[A-Za-z0-9][A-Za-z0-9._-]{{0,{MAX_RUN_ID - 1}}}"
_RUN_ID_ALLOWED = f"1 to {MAX_RUN_ID} of A-Z a-z 0-9 . _ -, a letter or digit first"

RunId = Annotated[
    str, Field(pattern=f"^{_RUN_ID}$", json_schema_extra={"allowed": _RUN_ID_ALLOWED})
]
"""The name of a run that was prepared: of its execution, and of a folder in S3."""

STUDY = r"[A-Za-z0-9][A-Za-z0-9-]{0,39}"
STUDY_ALLOWED = "1 to 40 letters, digits, -, a letter or digit first"

StudyName = Annotated[
    str, Field(pattern=f"^{STUDY}$", json_schema_extra={"allowed": STUDY_ALLOWED})
]
"""The name of a study, and of its folder in S3."""

NOT_IN_NAMES = r"\s<>{}\[\]?*\"#%\\^|~`$&,;:/\x00-\x1f\x7f-\x9f\ufffe\uffff\U0010ffff"
"""What Step Functions has in no name, as a class of characters; half a character neither."""

ExecutionName = Annotated[
    str,
    Field(
        pattern=f"^[^{NOT_IN_NAMES}]{{1,80}}$",
        json_schema_extra={"allowed": "the name of an execution"},
    ),
]
"""The name of any execution, also of those that Prepare refuses for it."""

ExecutionArn = Annotated[
    str,
    Field(
        pattern=r"^arn:aws[a-z-]*:states:[a-z0-9-]+:[0-9]{12}:execution:\S{1,256}$",
        json_schema_extra={"allowed": "the ARN of an execution"},
    ),
]
JobArn = Annotated[
    str,
    Field(
        pattern=r"^arn:aws[a-z-]*:braket:[a-z0-9-]+:[0-9]{12}:job/[!-~]{1,128}$",
        json_schema_extra={"allowed": "the ARN of a Braket job"},
    ),
]
Attempt = Annotated[int, Field(strict=True, ge=1, le=MAX_ATTEMPTS)]
Polls = Annotated[int, Field(strict=True, ge=0, le=1_000_000)]
"""Looks at a job, or at the line for one; an execution has events for fewer."""

MOST_PACKED = 100
"""Runs of a pack."""
NumberOfRuns = Annotated[int, Field(strict=True, ge=1, le=MOST_PACKED)]
"""Of an execution: 1 of a request, more of a pack."""


class SubmittedJob(BaseModel):
    """What submit leaves: the job, and the very code that it runs.

    ``earlier`` are the jobs of the attempts before, which were interrupted and are paid for too.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    schema_version: Literal[1] = 1
    run_id: str
    attempt: int
    job_arn: str
    earlier: tuple[str, ...] = ()
    job_name: str
    source_uri: str
    source_sha256: str
    instance_type: str

    @property
    def all_jobs(self) -> tuple[str, ...]:
        """The jobs of all attempts, the newest last."""
        return *self.earlier, self.job_arn


def check_run_id(run_id: str) -> str:
    """Return the run id, which names folders in S3.

    Raises:
        InvalidRequest: the execution was given a name of other characters.
    """
    if not re.fullmatch(_RUN_ID, run_id):
        raise InvalidRequest.of("name of the execution", run_id, _RUN_ID_ALLOWED)
    return run_id


def packed_run_id(pack_id: str, name: str) -> str:
    """Return the id of a run of a pack.

    Raises:
        InvalidRequest: the pack's id leaves no room for the name.

    >>> packed_run_id("angles-1", "depth-2")
    'angles-1.depth-2'
    """
    room = MAX_RUN_ID - len(name) - 1
    if len(pack_id) > room:
        allowed = f"up to {room} characters, for the ids of its runs have the name of one as well"
        raise InvalidRequest.of("name of the execution", pack_id, allowed)
    return f"{pack_id}.{name}"


def pack_and_name(run_id: str) -> tuple[str, str] | None:
    """Return the pack that a run would be of, and its name there; None where it is of none.

    >>> pack_and_name("angles-1.depth-2"), pack_and_name("angles-1")
    (('angles-1', 'depth-2'), None)
    """
    pack_id, dot, name = run_id.rpartition(".")
    return (pack_id, name) if pack_id and dot and name else None


def key(run_id: str, name: str) -> str:
    """Return the S3 key of one of the run's objects.

    An execution may have a name that is no folder but a step up; what is left of it is kept apart.

    >>> key("r1", "report.json"), key("..", "failure.json")
    ('runs/r1/report.json', 'runs/%2E%2E/failure.json')
    """
    folder = run_id.replace(".", "%2E") if run_id in (".", "..") else run_id
    return f"runs/{folder}/{name}"


def ticket(run_id: str, started_at: datetime) -> str:
    """Return the S3 key of the run's ticket: keys sort by the start of the executions.

    >>> ticket("r1", datetime(2026, 8, 24, 9, 31, 12, 345_000, UTC))
    'line/20260824T093112.345000/r1'
    """
    return f"{LINE}{started_at.astimezone(UTC):%Y%m%dT%H%M%S.%f}/{run_id}"


def labels(owner: str | None, tags: Mapping[str, str] | None) -> dict[str, str]:
    """Return the tags that a job and its quantum tasks have from their request.

    >>> labels("ann", {"project": "P1"})
    {'project': 'P1', 'quantum-pipeline:owner': 'ann'}
    """
    return dict(tags or {}) | ({} if owner is None else {OWNER_TAG: owner})


def job_folder(run_id: str, attempt: int) -> str:
    """Return the S3 prefix where Braket puts the job's results: under it, output/model.tar.gz."""
    return key(run_id, f"job/{attempt}")


def client_token(execution_arn: str, attempt: int) -> str:
    """Return the token that makes CreateJob idempotent: 64 characters, one an attempt."""
    return hashlib.sha256(f"{execution_arn}#{attempt}".encode()).hexdigest()


def job_name(execution_arn: str, attempt: int) -> str:
    """Return the job's name, at most 50 characters.

    >>> job_name("arn:aws:states:us-east-1:1:execution:m:r1", 1)
    'qpipe-e47e6861e808565d601c3eefcb24dc58acfe9a33'
    """
    return f"qpipe-{client_token(execution_arn, attempt)[:40]}"
