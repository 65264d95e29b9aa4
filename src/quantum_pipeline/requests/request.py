"""The request, the input of an execution, as one model; and the same with every choice settled.

Everything but ``problem`` has a default. Unknown fields are refused; a refusal names the field, the
value and what is allowed. ``planning.preparation`` decides what a request leaves open.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StrictBool,
    StrictInt,
    ValidationError,
    WithJsonSchema,
    model_validator,
)

from quantum_pipeline.classification.tables import read_table
from quantum_pipeline.errors import InvalidRequest
from quantum_pipeline.problems import AnyProblem
from quantum_pipeline.problems.classification import TableSettings
from quantum_pipeline.refusals import refused, sentences
from quantum_pipeline.requests.algorithm import Algorithm, SettledAlgorithm
from quantum_pipeline.requests.json_text import check_fields, check_text
from quantum_pipeline.requests.labels import MAX_TAGS, Owner, Tags
from quantum_pipeline.requests.mitigation import Mitigation, Noise
from quantum_pipeline.requests.source import Source
from quantum_pipeline.runs import StudyName
from quantum_pipeline.wording import refusal

MAX_OBJECT_BYTES = 16 * 2**20
"""Largest problem or result that is read from S3 or a file."""

MAX_KEY_BYTES = 1024
"""Longest key of an object in S3."""

RUNTIME = 3600
"""Seconds that a job may take unless the request says otherwise."""


Label = Annotated[
    str,
    Field(
        pattern=r"^[A-Za-z0-9][A-Za-z0-9 ._-]{0,63}$",
        json_schema_extra={
            "allowed": "1 to 64 letters, digits, spaces, . _ -, a letter or digit first"
        },
    ),
]
"""What a user calls a run, or a pack."""


class Reference(BaseModel):
    """What is stored in S3, since it is too large for an execution's input."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    uri: Annotated[
        str,
        Field(
            pattern=r"^s3://[a-z0-9.-]{3,63}/[\s\S]+$",
            json_schema_extra={"allowed": "s3://BUCKET/KEY"},
            description="an object in the stack's input bucket that holds it as JSON, or a table "
            "as CSV; the key stands as it is, spaces and all: nothing is percent-encoded",
        ),
    ]

    @model_validator(mode="after")
    def _check_key(self) -> Self:
        if len(self.key.encode()) > MAX_KEY_BYTES:
            raise ValueError(refusal("uri", self.uri, f"a key of up to {MAX_KEY_BYTES} bytes"))
        return self

    @property
    def bucket(self) -> str:
        """The bucket that is named."""
        return self.uri.removeprefix("s3://").partition("/")[0]

    @property
    def key(self) -> str:
        """The object's key, as S3 has it."""
        return self.uri.removeprefix("s3://").partition("/")[2]


class JsonReference(Reference):
    """A problem that is stored in S3."""

    type: Literal["uri"] = "uri"


class TableReference(Reference, TableSettings):
    """A table whose rows are stored in S3, as text: CSV with a header.

    Whoever asks for it says ``classification``: this type tells it from one with rows.
    """

    type: Annotated[
        Literal["classification by uri"],
        WithJsonSchema({"const": "classification", "type": "string"}),
    ]

    def with_rows(self, text: str) -> dict[str, Any]:
        """Return the problem of a table's text, as JSON.

        Raises:
            ValueError: it is no table; names the line.
        """
        table = read_table(text)
        settings = self.model_dump(exclude_unset=True, exclude={"type", "uri"})
        return {"type": "classification", **settings, "columns": table.columns, "rows": table.rows}


ProblemReference = JsonReference | TableReference
"""What stands for a problem that is stored in S3."""


class Limits(BaseModel):
    """What a run may cost and how long its job may take."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    max_cost_usd: Annotated[float, Field(strict=True, ge=0, le=1_000_000, allow_inf_nan=False)] = (
        Field(1.0, description="most that the run may cost; refused if its estimate is higher")
    )
    max_runtime_seconds: Annotated[StrictInt, Field(ge=1, le=432_000)] | None = Field(
        None,
        description="seconds after which the job is stopped; if not given, 3600, or on a device "
        "what its tasks and an allowance for its queue take",
    )
    allow_partial: StrictBool = Field(
        False,
        description="start a run even if its estimate is above max_cost_usd, and stop it below "
        "that with the best result so far",
    )


def _read_reference(problem: Any) -> Any:
    """Return a problem with the type of its reference, if it is one: of a table or of JSON."""
    if not isinstance(problem, dict) or "uri" not in problem:
        return problem
    if problem.get("type") == "classification":
        return {**problem, "type": "classification by uri"}
    return {"type": "uri", **problem}


LONGEST_NAME, MOST_DEVICES = 256, 8
"""Letters of a device's name or ARN, and devices of a run."""

DeviceName = Annotated[str, Field(min_length=1, max_length=LONGEST_NAME)]
DEVICES = (
    "auto, local, sv1, dm1, or a device's name or ARN; with divide also a list of 1 to "
    f"{MOST_DEVICES} QPUs"
)


def _read_device(given: Any) -> Any:
    """Return a name, or the names of several devices; a list of one is the one."""
    names = list(given) if isinstance(given, list | tuple) else [given]
    if not 1 <= len(names) <= MOST_DEVICES or not all(
        isinstance(name, str) and 1 <= len(name) <= LONGEST_NAME for name in names
    ):
        raise refused(DEVICES)
    return names[0] if len(names) == 1 else tuple(names)


class Request(BaseModel):
    """A request for a run: the problem, how to solve it, and what it may cost."""

    model_config = ConfigDict(extra="forbid", frozen=True, title="Quantum Pipeline request")

    problem: Annotated[
        AnyProblem | ProblemReference,
        Field(discriminator="type", description="the problem to solve, or where it is stored"),
        BeforeValidator(_read_reference),
    ]
    algorithm: Algorithm = Field(Algorithm(), description="the algorithm and its settings")
    device: Annotated[
        DeviceName
        | Annotated[tuple[DeviceName, ...], Field(min_length=1, max_length=MOST_DEVICES)],
        BeforeValidator(_read_device),
    ] = Field(
        "auto",
        description="the device that takes the samples; auto chooses; with divide also a list of "
        "QPUs of one region, which solve its blocks in parallel",
        json_schema_extra={"allowed": DEVICES},
    )
    shots: Annotated[StrictInt, Field(ge=1, le=50_000)] = Field(
        1000,
        description="samples of the final state; of a table, of each entry of a kernel that a "
        "device measures: rqaoa, and what is learned of a table on local, take none",
    )
    seed: Annotated[StrictInt, Field(ge=0, le=2**32 - 1)] = Field(
        0,
        description="seed of the job's random numbers: the same seed gives the same result; a "
        "device's shots are not seeded",
    )
    mitigation: Literal["none", "auto"] | Mitigation = Field(
        "none",
        description="error mitigation on a device, at the cost of more shots; auto chooses",
        json_schema_extra={"allowed": "none, auto, or an object"},
    )
    noise: Noise | None = Field(
        None,
        description="noise that dm1 simulates; for dm1 only",
    )
    reservation_arn: (
        Annotated[
            str,
            Field(
                pattern=r"^arn:aws[a-z-]*:braket:[a-z0-9-]+:[0-9]{12}:reservation/\S+$",
                json_schema_extra={"allowed": "the ARN of a Braket Direct reservation"},
            ),
        ]
        | None
    ) = Field(None, description="the device reservation to run in")
    limits: Limits = Field(
        Limits(), description="most that the run may cost, and how long it may take"
    )
    name: Label | None = Field(None, description="label of the run in its report")
    owner: Owner | None = Field(
        None, description="whose run it is; runs are found by it, and it is a tag of the job on AWS"
    )
    tags: Tags | None = Field(
        None,
        description="names and texts by which runs are found; on AWS also tags of the job and of "
        "its quantum tasks, for Cost Explorer",
        json_schema_extra={"allowed": f"an object of up to {MAX_TAGS} names, each with a text"},
    )
    study: StudyName | None = Field(
        None,
        description="the study that the run is of, as studies set it: its end is told, not the "
        "run's",
    )
    source: Source | None = Field(
        None,
        description="the file that the problem was read from, as qpipe has it; it changes nothing",
    )

    @property
    def device_names(self) -> tuple[str, ...]:
        """The devices as they are named: one, unless several are."""
        return (self.device,) if isinstance(self.device, str) else self.device


class SettledLimits(Limits):
    """Limits with nothing left to choose."""

    max_runtime_seconds: Annotated[StrictInt, Field(ge=1, le=432_000)]


class ResolvedRequest(Request):
    """A request with its problem read and its algorithm settled."""

    problem: AnyProblem
    algorithm: SettledAlgorithm
    mitigation: Mitigation
    limits: SettledLimits


def parse_request(data: Any, problem: AnyProblem | ProblemReference | None = None) -> Request:
    """Return the request of a JSON value.

    A ``problem`` that was read already takes the place of the one in the data: many requests can
    share it.

    Raises:
        InvalidRequest: names each field that is wrong, its value and what is allowed.
    """
    check_text(data)
    check_fields(data)
    try:
        return Request.model_validate(data if problem is None else data | {"problem": problem})
    except ValidationError as error:
        raise InvalidRequest(*sentences(error, Request, "request")) from None


def parse_problem(data: Any) -> Any:
    """Return the problem of a JSON value: what ``problem.uri`` points to.

    Raises:
        InvalidRequest: as ``parse_request``.
    """
    request = parse_request({"problem": data})
    if isinstance(request.problem, ProblemReference):
        raise InvalidRequest.of(
            "problem.uri", request.problem.uri, "a problem, not another reference"
        )
    return request.problem
