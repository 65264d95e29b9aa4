"""The study, an input beside a request and a pack: what varies, how, and for which objective.

    {"name": "angles", "base": {...}, "vary": {"algorithm.depth": [1, 2, 3], "seed": {"count": 10}}}

``base`` is a request without what is varied; a path in ``vary`` names a field of it.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, TypeVar

from pydantic import (
    BaseModel,
    ConfigDict,
    Discriminator,
    Field,
    StrictBool,
    StrictInt,
    Tag,
    ValidationError,
    model_validator,
)

from quantum_pipeline.errors import InvalidRequest
from quantum_pipeline.refusals import sentences
from quantum_pipeline.requests.json_text import check_fields, check_text
from quantum_pipeline.runs import StudyName

MAX_RUNS = 10_000
"""Runs of a study."""

MAX_ROUNDS = 1_500
"""Rounds of a study: each takes about 15 of the 25,000 events that an execution's history has."""

MOST_LEVELS = 32
"""Lists and objects inside each other; a request has a third as many."""

Number = Annotated[float, Field(strict=True, allow_inf_nan=False)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Range(_Part):
    """Numbers from one to another, both included; whole where both are; drawn, never enumerated."""

    start: StrictInt | Number = Field(
        alias="from", description="the least value", json_schema_extra={"allowed": "a number"}
    )
    stop: StrictInt | Number = Field(
        alias="to", description="the greatest value", json_schema_extra={"allowed": "a number"}
    )
    log: StrictBool = Field(False, description="whether its logarithm is what is spread evenly")


class Count(_Part):
    """The whole numbers from 0: so many seeds."""

    count: Annotated[StrictInt, Field(ge=1, le=MAX_RUNS)] = Field(description="how many values")


def _form(values: Any) -> str | None:
    match values:
        case list():
            return "list"
        case Range() | {"from": _} | {"to": _}:
            return "Range"
        case Count() | {"count": _}:
            return "Count"
    return None


_AXIS = {"allowed": 'a list of values, {"from": ..., "to": ...} or {"count": ...}'}

Values = Annotated[
    Annotated[list[Any], Tag("list")]
    | Annotated[Range, Tag("Range")]
    | Annotated[Count, Tag("Count")],
    Discriminator(
        _form,
        custom_error_type="refused",
        custom_error_message="allowed: {allowed}",
        custom_error_context=_AXIS,
    ),
    Field(json_schema_extra={**_AXIS}),
]
"""Of an axis: tried one after the other, or drawn from."""


class Strategy(_Part):
    """Who proposes the next round of runs."""

    name: Literal["grid", "random", "bayesian"] = Field("grid", description="the strategy")
    n_runs: Annotated[StrictInt, Field(ge=1, le=MAX_RUNS)] | None = Field(
        None, description="runs of the study, for random and bayesian"
    )
    batch: Annotated[StrictInt, Field(ge=1, le=100)] | None = Field(
        None, description="runs of a round, for bayesian"
    )
    seed: Annotated[StrictInt, Field(ge=0, le=2**32 - 1)] = Field(
        0, description="seed of what random and bayesian draw"
    )


class Objective(_Part):
    """A number of the report by its path, and which way is better; perhaps against what it costs.

    Given as text it is the path alone.
    """

    model_config = ConfigDict(
        json_schema_extra={
            "type": ["object", "string"],
            "allowed": "a path, or an object with path, sense, against",
        }
    )

    path: str = Field(description="path of a number in report.json, such as quality.expected_ratio")
    sense: Literal["maximise", "minimise"] | None = Field(
        None, description="which way is better; known for the figures of quality, cost and time"
    )
    against: Literal["cost_usd"] | None = Field(
        None, description="what it is weighed against: bayesian then looks for the best trade-offs"
    )

    @model_validator(mode="before")
    @classmethod
    def _read_path(cls, objective: Any) -> Any:
        return {"path": objective} if isinstance(objective, str) else objective


class StudyLimits(_Part):
    """What the study may cost, how many runs it may have, how many at once, how many may fail."""

    max_cost_usd: Annotated[float, Field(strict=True, ge=0, le=1_000_000, allow_inf_nan=False)] = (
        Field(1.0, description="most that all runs may cost; refused if the estimate is higher")
    )
    max_runs: Annotated[StrictInt, Field(ge=1, le=MAX_RUNS)] = Field(
        500, description="most runs of the study"
    )
    concurrency: Annotated[StrictInt, Field(ge=1, le=100)] = Field(
        3, description="executions that go on at once, each a run or a pack"
    )
    tolerated_failures: Annotated[float, Field(strict=True, ge=0, le=1, allow_inf_nan=False)] = (
        Field(0.2, description="share of the runs that may fail before the study stops")
    )


class Study(_Part):
    """A study."""

    model_config = ConfigDict(title="Quantum Pipeline study")

    name: StudyName = Field(description="the study's id: started again under it, the study goes on")
    base: dict[str, Any] = Field(description="a request without what is varied")
    vary: dict[str, Values] = Field(
        description="what is varied: a path of the request, and its values"
    )
    strategy: Strategy = Field(Strategy(), description="who proposes the runs")
    objective: Objective = Field(
        Objective(path="quality.expected_ratio"),
        description="what is to be best; as text, the path alone",
    )
    learn: StrictBool = Field(False, description="whether runs start from what earlier runs found")
    limits: StudyLimits = Field(StudyLimits(), description="what the study may cost and take")

    def asks_the_same(self, other: Study) -> bool:
        """Return whether this is the other study, which may go on within other limits.

        >>> study = Study(name="a", base={}, vary={"shots": [1, 2]})
        >>> dearer = study.model_copy(update={"limits": StudyLimits(max_cost_usd=5.0)})
        >>> study.asks_the_same(dearer), study.asks_the_same(dearer.model_copy(update={"learn": 1}))
        (True, False)
        """
        return self == other.model_copy(update={"limits": self.limits})


def is_study(data: Any) -> bool:
    """Return whether a JSON value asks for a study: an object with the field ``vary``."""
    return isinstance(data, dict) and "vary" in data


def parse_study(data: Any) -> Study:
    """Return the study of a JSON value.

    Raises:
        InvalidRequest: names each field that is wrong, its value and what is allowed.
    """
    check_text(data)
    check_fields(data)
    _check_levels(data)
    return _validated(Study, data)


def _check_levels(data: Any) -> None:
    """Refuse what is nested deeper than any request, before copies of it go down each time."""
    level = [data] if isinstance(data, dict | list) else []
    for _ in range(MOST_LEVELS):
        inner = (each.values() if isinstance(each, dict) else each for each in level)
        level = [each for values in inner for each in values if isinstance(each, dict | list)]
        if not level:
            return
    allowed = f"up to {MOST_LEVELS} inside each other"
    raise InvalidRequest(f"study: got lists and objects that are nested deeper; allowed: {allowed}")


Model = TypeVar("Model", bound=BaseModel)


def _validated(model: type[Model], data: Any) -> Model:
    try:
        return model.model_validate(data)
    except ValidationError as error:
        raise InvalidRequest(*sentences(error, model, "study")) from None
