"""The pack: 2 to 100 runs that share one job, the other input of an execution beside a request.

    {"name": ..., "pack": [{"name": ..., "request": {...}}, ...], "limits": {...}}
    {"name": ..., "pack": {"uri": "s3://<input bucket>/..."}, "limits": {...}}

An object with the field ``pack`` is a pack, any other a request. A refusal of what one of its runs
asks begins with that run's name.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Annotated, Any, Self, TypeVar

from pydantic import BaseModel, ConfigDict, Field, StrictInt, ValidationError, model_validator

from quantum_pipeline.errors import InvalidRequest, PipelineError
from quantum_pipeline.refusals import sentences
from quantum_pipeline.requests.json_text import check_fields, check_text
from quantum_pipeline.requests.request import Label, Limits, Reference, Request, parse_request
from quantum_pipeline.runs import MOST_PACKED
from quantum_pipeline.wording import refusal, shown

FEWEST, MOST = 2, MOST_PACKED
"""Runs of a pack."""

MOST_USD = 1_000_000
"""That a limit on cost may be."""

LONGEST_NAME = 40
"""Characters of a run's name: they leave as many to the id of its pack."""

RunName = Annotated[
    str,
    Field(
        pattern=rf"^[A-Za-z0-9][A-Za-z0-9_-]{{0,{LONGEST_NAME - 1}}}$",
        json_schema_extra={
            "allowed": f"1 to {LONGEST_NAME} letters, digits, _ -, a letter or digit first"
        },
        description="name of the run, once in a pack: its id is that of the pack, a dot, and this",
    ),
]
"""Without dots: what stands before the last one in a run's id is the pack's."""


class PackLimits(BaseModel):
    """What a pack may cost and how long its job may take; each run has limits of its own too."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    max_cost_usd: Annotated[float, Field(strict=True, ge=0, le=MOST_USD, allow_inf_nan=False)] = (
        Field(1.0, description="most that the pack may cost; refused if its estimate is higher")
    )
    max_runtime_seconds: Annotated[StrictInt, Field(ge=1, le=432_000)] | None = Field(
        None,
        description="seconds after which the job is stopped; if not given, 3600, or what its runs "
        "are allowed one after the other on its processors",
    )

    @property
    def of_cost(self) -> Limits:
        """The same limit on cost as a run has it: nothing of a pack is started in part."""
        return Limits(max_cost_usd=self.max_cost_usd)


class SettledPackLimits(PackLimits):
    """Limits with nothing left to choose."""

    max_runtime_seconds: Annotated[StrictInt, Field(ge=1, le=432_000)]


class PackedRequest(BaseModel):
    """A run of a pack: its name and its request."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: RunName
    request: Request = Field(
        description="the request of the run: one that needs no device",
        json_schema_extra={"allowed": "a request"},
    )


class _Pack(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    name: Label | None = Field(None, description="label of the pack")
    limits: PackLimits = Field(
        PackLimits(), description="most that the pack may cost, and how long its job may take"
    )


class RunOutline(BaseModel):
    """A run of a pack whose request has yet to be read."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: RunName
    request: Annotated[dict[str, Any], Field(json_schema_extra={"allowed": "a request"})]

    def read(self) -> PackedRequest:
        """Return the run with its request.

        Raises:
            InvalidRequest: as ``parse_request``.
        """
        return PackedRequest(name=self.name, request=parse_request(self.request))


_RUNS = Field(
    description="the runs",
    json_schema_extra={"allowed": f"{FEWEST} to {MOST} runs, each an object with name, request"},
)


class PackOutline(_Pack):
    """A pack whose requests have yet to be read."""

    pack: Annotated[tuple[RunOutline, ...], _RUNS]

    @model_validator(mode="after")
    def _check_runs(self) -> Self:
        if not FEWEST <= len(self.pack) <= MOST:
            raise ValueError(f"pack: got {len(self.pack)} runs; allowed: {FEWEST} to {MOST}")
        seen: dict[str, int] = {}
        for number, run in enumerate(self.pack):
            first = seen.setdefault(run.name, number)
            if first != number:
                allowed = f"each name once; it stands in pack.{first} already"
                raise ValueError(refusal(f"pack.{number}.name", run.name, allowed))
        return self

    def read(self) -> Pack:
        """Return the pack with all of its requests.

        Raises:
            InvalidRequest: one of them is none; names the run, and each field that is wrong.
        """
        return Pack(name=self.name, pack=tuple(map(_read, self.pack)), limits=self.limits)


class Pack(_Pack):
    """Runs that share one job."""

    model_config = ConfigDict(title="Quantum Pipeline pack")

    pack: Annotated[tuple[PackedRequest, ...], _RUNS, Field(min_length=FEWEST, max_length=MOST)]


class StoredPack(_Pack):
    """A pack whose runs are stored in S3, for those too large for an execution's input."""

    model_config = ConfigDict(title="Quantum Pipeline pack, stored")

    pack: Reference = Field(
        description="an object in the stack's input bucket that holds the list of runs as JSON"
    )

    def filled(self, runs: Any) -> PackOutline:
        """Return the pack with the runs that are stored, a JSON value.

        Raises:
            InvalidRequest: as ``parse_outline``.
        """
        return _validated(PackOutline, self.model_dump(exclude={"pack"}) | {"pack": runs})


def parse_input(data: Any) -> Request | Pack | StoredPack:
    """Return what a JSON value asks for: a run or a pack.

    Raises:
        InvalidRequest: names each field that is wrong, its value and what is allowed.
    """
    found = parse_outline(data)
    return found.read() if isinstance(found, PackOutline) else found


def parse_outline(data: Any) -> Request | PackOutline | StoredPack:
    """Return what a JSON value asks for; of a pack the requests have yet to be read.

    Raises:
        InvalidRequest: names each field that is wrong, its value and what is allowed.
    """
    if not isinstance(data, dict) or "pack" not in data:
        return parse_request(data)
    check_text(data)
    check_fields(data)
    if isinstance(data["pack"], dict):
        return _validated(StoredPack, data)
    return _validated(PackOutline, data)


def _read(run: RunOutline) -> PackedRequest:
    with of_run(run.name):
        return run.read()


Model = TypeVar("Model", bound=BaseModel)


def _validated(model: type[Model], data: dict[str, Any]) -> Model:
    try:
        return model.model_validate(data)
    except ValidationError as error:
        raise InvalidRequest(*sentences(error, model, "pack")) from None


def of_run(name: str) -> AbstractContextManager[None]:
    """Say which run of a pack an error is of, before each of its sentences."""
    return said_of(f"run {shown(name)}")


@contextmanager
def said_of(what: str) -> Iterator[None]:
    """Say what an error is of, before each of its sentences."""
    try:
        yield
    except PipelineError as error:
        raise type(error)(*(f"{what}: {sentence}" for sentence in error.args)) from None
