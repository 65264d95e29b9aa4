"""The request: what start-execution gets, as one model, and its resolution into a definite one.

Everything but ``problem`` has a default. Unknown fields are refused; a refusal names the field, the
value and what is allowed. ``resolve`` fills in what depends on the problem.
"""

from __future__ import annotations

import json
from typing import Annotated, Any, Literal, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    Discriminator,
    Field,
    Tag,
    ValidationError,
    model_validator,
)

from quantum_pipeline.devices import EXACT_QUBITS
from quantum_pipeline.errors import InvalidRequest
from quantum_pipeline.problems import AnyProblem, Number

StrictInt = Annotated[int, Field(strict=True)]
MAX_DEPTH = 64
MAX_OBJECT_BYTES = 16 * 2**20
"""Largest problem or result that is read from S3 or a file."""


class ProblemReference(BaseModel):
    """A problem that stands in S3, for those too large for an execution's input."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    uri: Annotated[str, Field(pattern=r"^s3://[a-z0-9.-]{3,63}/\S+$")]


class Algorithm(BaseModel):
    """The algorithm and its settings; what is not given is chosen."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: Literal["auto", "qaoa"] = "auto"
    depth: Annotated[StrictInt, Field(ge=1, le=MAX_DEPTH)] | None = None
    optimizer: Literal["auto", "l-bfgs-b", "none"] = "auto"
    starts: Annotated[StrictInt, Field(ge=1, le=100)] | None = None
    max_evaluations: Annotated[StrictInt, Field(ge=1, le=100_000)] | None = None
    gammas: tuple[Number, ...] | None = None
    betas: tuple[Number, ...] | None = None

    @model_validator(mode="after")
    def _check_angles(self) -> Self:
        if (self.gammas is None) != (self.betas is None):
            raise ValueError("gammas: allowed: gammas and betas together, or neither")
        if self.gammas is None or self.betas is None:
            if self.optimizer == "none":
                raise ValueError(
                    "optimizer: got 'none' without angles; allowed: with gammas, betas"
                )
            return self
        depth = self.depth or len(self.gammas)
        if not len(self.gammas) == len(self.betas) == depth or depth > MAX_DEPTH:
            raise ValueError(
                f"gammas: got {len(self.gammas)} gammas and {len(self.betas)} betas; "
                f"allowed: one of each a layer, {self.depth or f'1 to {MAX_DEPTH}'} layers"
            )
        return self


class SettledAlgorithm(Algorithm):
    """The algorithm of a resolved request: nothing is left to choose."""

    name: Literal["qaoa"]
    depth: Annotated[StrictInt, Field(ge=1, le=MAX_DEPTH)]
    optimizer: Literal["l-bfgs-b", "none"]
    starts: Annotated[StrictInt, Field(ge=1, le=100)]
    max_evaluations: Annotated[StrictInt, Field(ge=1, le=100_000)]


class Limits(BaseModel):
    """What a run may cost and how long its job may take."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    max_cost_usd: Annotated[float, Field(strict=True, ge=0, le=1e6, allow_inf_nan=False)] = 1.0
    max_runtime_seconds: Annotated[StrictInt, Field(ge=1, le=432_000)] = 3600


def _tag(problem: Any) -> str:
    by_uri = isinstance(problem, dict) and "uri" in problem and "type" not in problem
    return "uri" if by_uri or isinstance(problem, ProblemReference) else "inline"


class Request(BaseModel):
    """A run to be made: the problem, how to solve it, and what it may cost."""

    model_config = ConfigDict(extra="forbid", frozen=True, title="Quantum Pipeline request")

    problem: Annotated[
        Annotated[AnyProblem, Tag("inline")] | Annotated[ProblemReference, Tag("uri")],
        Discriminator(_tag),
    ]
    algorithm: Algorithm = Algorithm()
    device: Annotated[str, Field(min_length=1, max_length=256)] = "auto"
    shots: Annotated[StrictInt, Field(ge=1, le=50_000)] = 1000
    seed: Annotated[StrictInt, Field(ge=0, lt=2**32)] = 0
    limits: Limits = Limits()
    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9 ._-]{0,63}$")] | None = None


class ResolvedRequest(Request):
    """A request with its problem read and its algorithm settled."""

    problem: AnyProblem
    algorithm: SettledAlgorithm


def parse_json(text: str | bytes, what: str) -> Any:
    """Return the JSON value of a text; ``what`` names the text in a refusal.

    Raises:
        InvalidRequest: empty, not UTF-8, not JSON, or with NaN or Infinity, which JSON has not.
    """

    def refuse(constant: str) -> None:
        raise InvalidRequest.of(what, constant, "finite numbers")

    try:
        return json.loads(text, parse_constant=refuse)
    except (ValueError, RecursionError) as error:
        if not text.strip():
            raise InvalidRequest.of(what, "nothing", "a request or problem as JSON") from error
        raise InvalidRequest(f"{what}: not JSON ({error}); allowed: JSON in UTF-8") from error


def parse_request(data: Any) -> Request:
    """Return the request of a JSON value.

    Raises:
        InvalidRequest: names each field that is wrong, its value and what is allowed.
    """
    if not isinstance(data, dict):
        raise InvalidRequest.of("request", data, 'an object like {"problem": {...}}')
    try:
        return Request.model_validate(data)
    except ValidationError as error:
        raise InvalidRequest(describe(error)) from None


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


def describe(error: ValidationError, root: str = "") -> str:
    """Return one sentence a wrong field: its path, its value, what is allowed."""
    found = error.errors(include_url=False)
    paths = [tuple(part for part in each["loc"] if part not in _TAGS) for each in found]
    sentences = []
    for path, each in zip(paths, found, strict=True):
        if any(len(other) > len(path) and other[: len(path)] == path for other in paths):
            continue  # a list whose entries were refused is reported as too short as well
        field = ".".join(map(str, path)) or root or "request"
        sentences.append(_sentence(field, each))
    more = len(sentences) - 5
    return "; ".join(sentences[:5] + ([f"and {more} more"] if more > 0 else []))


_TAGS = frozenset({"inline", "uri", "maxcut", "qubo", "ising", "bqm", "optimization", "random"})


def _sentence(field: str, error: Any) -> str:
    context, value = error.get("ctx", {}), error["input"]
    match error["type"]:
        case "value_error":
            return f"{field}.{context['error']}" if field != "request" else str(context["error"])
        case "union_tag_invalid":
            return str(InvalidRequest.of(f"{field}.type", context["tag"], context["expected_tags"]))
        case "union_tag_not_found" | "missing":
            missing = f"{field}.type" if error["type"] == "union_tag_not_found" else field
            return f"{missing}: missing; allowed: a value, it has no default"
        case "extra_forbidden":
            return str(InvalidRequest.of(field, value, "only the documented fields"))
        case _:
            allowed = error["msg"].removeprefix("Input should be ").removeprefix("String should ")
            return str(InvalidRequest.of(field, value, allowed))


def resolve(request: Request) -> tuple[ResolvedRequest, str]:
    """Return the request with its algorithm settled, and why it was settled so.

    Raises:
        InvalidRequest: the problem is wider than the exact state vector can be.
    """
    problem, asked = request.problem, request.algorithm
    if isinstance(problem, ProblemReference):
        raise InvalidRequest.of("problem.uri", problem.uri, "to be read before it is resolved")
    n = problem.n_variables
    if n > EXACT_QUBITS:
        raise InvalidRequest.of(
            "problem", f"{n} variables", f"1 to {EXACT_QUBITS}, the widest exact state vector"
        )
    depth = asked.depth or len(asked.gammas or ()) or default_depth(n)
    starts = 1 if asked.gammas else asked.starts or default_starts(n)
    settled = SettledAlgorithm(
        name="qaoa",
        depth=depth,
        optimizer="l-bfgs-b" if asked.optimizer == "auto" else asked.optimizer,
        starts=starts,
        max_evaluations=asked.max_evaluations or 200 * starts,
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
    """Return the layers for n variables: deep where an evaluation is cheap."""
    return 4 if n <= 16 else 3 if n <= 20 else 2


def default_starts(n: int) -> int:
    """Return the starting points for n variables: several where an evaluation is cheap."""
    return 5 if n <= 10 else 3 if n <= 14 else 1
