"""The request: what start-execution gets, as one model, and its resolution into a definite one.

Everything but ``problem`` has a default. Unknown fields are refused; a refusal names the field, the
value and what is allowed. ``resolve`` fills in what depends on the problem.
"""

from __future__ import annotations

import json
from typing import Annotated, Any, Literal, Self

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StrictInt,
    ValidationError,
    model_validator,
)

from quantum_pipeline.devices import EXACT_QUBITS, find
from quantum_pipeline.errors import InvalidRequest
from quantum_pipeline.problems import AnyProblem, Number
from quantum_pipeline.refusals import describe
from quantum_pipeline.wording import refusal, shown

MAX_DEPTH = 64
MAX_OBJECT_BYTES = 16 * 2**20
"""Largest problem or result that is read from S3 or a file."""


class ProblemReference(BaseModel):
    """A problem that stands in S3, for those too large for an execution's input."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    type: Literal["uri"] = "uri"
    uri: Annotated[
        str,
        Field(
            pattern=r"^s3://[a-z0-9.-]{3,63}/\S+$",
            json_schema_extra={"allowed": "s3://BUCKET/KEY"},
            description="an object in the stack's input bucket that holds a problem as JSON",
        ),
    ]


Depth = Annotated[StrictInt, Field(ge=1, le=MAX_DEPTH)]
Starts = Annotated[StrictInt, Field(ge=1, le=100)]
Evaluations = Annotated[StrictInt, Field(ge=1, le=100_000)]
Angles = Annotated[tuple[Number, ...], Field(min_length=1, max_length=MAX_DEPTH)]


class Algorithm(BaseModel):
    """The algorithm and its settings; what is not given is chosen."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: Literal["auto", "qaoa"] = Field("auto", description="the algorithm; auto chooses")
    depth: Depth | None = Field(None, description="layers; chosen by size if not given")
    optimizer: Literal["auto", "l-bfgs-b", "none"] = Field(
        "auto", description="how angles are improved; none evaluates the given ones as they are"
    )
    starts: Starts | None = Field(
        None, description="starting points of the optimiser; chosen by size if not given"
    )
    max_evaluations: Evaluations | None = Field(
        None, description="evaluations of energy and gradient in all; 200 a start if not given"
    )
    gammas: Angles | None = Field(
        None, description="angles of the cost layers in radians, to start from; with betas"
    )
    betas: Angles | None = Field(
        None, description="angles of the mixing layers in radians, to start from; with gammas"
    )

    @model_validator(mode="after")
    def _check_angles(self) -> Self:
        if self.gammas is None and self.betas is None:
            if self.optimizer == "none":
                raise ValueError(refusal("optimizer", "none", "none with gammas and betas only"))
            return self
        if self.gammas is None or self.betas is None:
            missing = "gammas" if self.gammas is None else "betas"
            raise ValueError(f"{missing}: missing; allowed: gammas and betas together, or neither")
        n = self.depth or len(self.gammas)
        for name, angles in (("gammas", self.gammas), ("betas", self.betas)):
            if len(angles) != n:
                raise ValueError(
                    f"{name}: got a length of {len(angles)}; allowed: {n}, one a layer"
                )
        if (self.starts or 1) > 1:
            raise ValueError(refusal("starts", self.starts, "1, from the angles that are given"))
        return self


class SettledAlgorithm(Algorithm):
    """The algorithm of a resolved request: nothing is left to choose."""

    name: Literal["qaoa"]
    depth: Depth
    optimizer: Literal["l-bfgs-b", "none"]
    starts: Starts
    max_evaluations: Evaluations


class Limits(BaseModel):
    """What a run may cost and how long its job may take."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    max_cost_usd: Annotated[float, Field(strict=True, ge=0, le=1_000_000, allow_inf_nan=False)] = (
        Field(1.0, description="a run whose estimate is higher is refused")
    )
    max_runtime_seconds: Annotated[StrictInt, Field(ge=1, le=432_000)] = Field(
        3600, description="the job is ended after that time"
    )


def _read_reference(problem: Any) -> Any:
    by_uri = isinstance(problem, dict) and "uri" in problem and "type" not in problem
    return {"type": "uri", **problem} if by_uri else problem


class Request(BaseModel):
    """A run to be made: the problem, how to solve it, and what it may cost."""

    model_config = ConfigDict(extra="forbid", frozen=True, title="Quantum Pipeline request")

    problem: Annotated[
        AnyProblem | ProblemReference,
        Field(discriminator="type", description="what is to be solved, or where it stands"),
        BeforeValidator(_read_reference),
    ]
    algorithm: Algorithm = Field(Algorithm(), description="how it is solved")
    device: str = Field(
        "auto",
        min_length=1,
        max_length=256,
        description="where the samples are taken; auto chooses",
        json_schema_extra={"allowed": "auto, local, sv1, dm1, or a device's name or ARN"},
    )
    shots: Annotated[StrictInt, Field(ge=1, le=50_000)] = Field(
        1000, description="samples taken from the final state"
    )
    seed: Annotated[StrictInt, Field(ge=0, le=2**32 - 1)] = Field(
        0, description="seed of all that is random: same seed, same result"
    )
    limits: Limits = Field(Limits(), description="what the run may cost, how long it may take")
    name: (
        Annotated[
            str,
            Field(
                pattern=r"^[A-Za-z0-9][A-Za-z0-9 ._-]{0,63}$",
                json_schema_extra={
                    "allowed": "1 to 64 letters, digits, spaces, . _ -, a letter or digit first"
                },
            ),
        ]
        | None
    ) = Field(None, description="label of the run in its report")


class ResolvedRequest(Request):
    """A request with its problem read and its algorithm settled."""

    problem: AnyProblem
    algorithm: SettledAlgorithm


def parse_json(text: str | bytes, what: str) -> Any:
    """Return the JSON value of a text; ``what`` names the text in a refusal.

    NaN and Infinity, which JSON has not but Python writes, pass: the model that reads the value
    refuses them by their field.

    Raises:
        InvalidRequest: empty, not UTF-8, not JSON, nested too deeply, or a name twice in an object.
    """

    def each_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for name, value in pairs:
            if name in found:
                raise InvalidRequest(
                    f"{what}: got {shown(name)} twice in one object; allowed: once"
                )
            found[name] = value
        return found

    try:
        if isinstance(text, bytes):
            text = text.decode("utf-8")
        text = text.removeprefix("\ufeff")  # the byte order mark that some editors put first
        if not text.strip():
            raise InvalidRequest(f"{what}: got nothing; allowed: JSON in UTF-8")
        return json.loads(text, object_pairs_hook=each_once)
    except UnicodeDecodeError as error:
        wrong = f"byte {error.start + 1} is not UTF-8"
    except json.JSONDecodeError as error:
        wrong = f"line {error.lineno}, column {error.colno}: {error.msg}"
    except RecursionError:
        wrong = "lists or objects are nested too deeply"
    except ValueError:
        wrong = "an integer has thousands of digits"
    raise InvalidRequest(f"{what}: not JSON ({wrong}); allowed: JSON in UTF-8")


def parse_request(data: Any) -> Request:
    """Return the request of a JSON value.

    Raises:
        InvalidRequest: names each field that is wrong, its value and what is allowed.
    """
    try:
        return Request.model_validate(data)
    except ValidationError as error:
        raise InvalidRequest(describe(error, Request, "request")) from None


def parse_problem(data: Any) -> Any:
    """Return the problem of a JSON value: what ``problem.uri`` points to.

    Raises:
        InvalidRequest: as ``parse_request``.
    """
    request = parse_request({"problem": data})
    if isinstance(request.problem, ProblemReference):
        raise InvalidRequest.of(
            "problem.uri", request.problem.uri, "a problem, no second reference"
        )
    return request.problem


def resolve(request: Request) -> tuple[ResolvedRequest, str]:
    """Return the request with its algorithm settled, and why it was settled so.

    Raises:
        InvalidRequest: the problem is wider than the exact state vector can be, or no device has
            that name.
    """
    problem, asked = request.problem, request.algorithm
    if request.device != "auto":
        find(request.device)
    if isinstance(problem, ProblemReference):
        raise InvalidRequest.of("problem.uri", problem.uri, "to be read before it is resolved")
    n = problem.n_variables
    if n > EXACT_QUBITS:
        raise InvalidRequest(
            f"problem: got {shown(n)} variables; allowed: 1 to {EXACT_QUBITS}, the widest exact "
            "state vector"
        )
    depth = asked.depth or len(asked.gammas or ()) or default_depth(n)
    starts = 1 if asked.gammas else asked.starts or default_starts(n)
    settled = SettledAlgorithm(
        name="qaoa",
        depth=depth,
        optimizer="l-bfgs-b" if asked.optimizer == "auto" else asked.optimizer,
        starts=starts,
        max_evaluations=1 if asked.optimizer == "none" else asked.max_evaluations or 200 * starts,
        gammas=asked.gammas,
        betas=asked.betas,
    )
    because = (
        f"QAOA: the problem is an Ising model of {n} spins, whose exact state takes "
        f"{16 * 2**n / 2**20:.3g} MiB a vector; depth {depth} "
        f"{'as asked' if asked.gammas or asked.depth else 'by its size'}, "
        f"{starts} {'start' if starts == 1 else 'starts'}, exact gradients"
    )
    fields = {name: getattr(request, name) for name in Request.model_fields}
    return ResolvedRequest(**fields | {"problem": problem, "algorithm": settled}), because


def default_depth(n: int) -> int:
    """Return the layers for n variables: deep where an evaluation is cheap.

    Measured on random weighted MaxCut and QUBO: 1000 shots hold the optimum of at least 99 %.
    """
    return 8 if n <= 12 else 6 if n <= 16 else 4 if n <= 18 else 3 if n <= 20 else 2


def default_starts(n: int) -> int:
    """Return the starting points for n variables: depth gains more wherever a start takes time."""
    return 3 if n <= 8 else 1
