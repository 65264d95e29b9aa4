"""The request: what start-execution gets, as one model, and its resolution into a definite one.

Everything but ``problem`` has a default. Unknown fields are refused; a refusal names the field, the
value and what is allowed. ``resolve`` fills in what depends on the problem.
"""

from __future__ import annotations

import json
from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StrictBool,
    StrictInt,
    ValidationError,
)

from quantum_pipeline.devices.catalogue import LOCAL, Device, find
from quantum_pipeline.errors import InvalidRequest
from quantum_pipeline.problems import AnyProblem, BinaryProblem
from quantum_pipeline.refusals import describe
from quantum_pipeline.requests import mitigation
from quantum_pipeline.requests.algorithm import EXACT_QUBITS, Algorithm, SettledAlgorithm, settle
from quantum_pipeline.requests.mitigation import Mitigation, Noise
from quantum_pipeline.wording import shown

MAX_OBJECT_BYTES = 16 * 2**20
"""Largest problem or result that is read from S3 or a file."""


RUNTIME = 3600
"""Seconds that a job may take where nothing was said."""


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


class Limits(BaseModel):
    """What a run may cost and how long its job may take."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    max_cost_usd: Annotated[float, Field(strict=True, ge=0, le=1_000_000, allow_inf_nan=False)] = (
        Field(1.0, description="a run whose estimate is higher is refused")
    )
    max_runtime_seconds: Annotated[StrictInt, Field(ge=1, le=432_000)] | None = Field(
        None,
        description="the job is ended after that time; if not given, 3600, or on a device what its "
        "tasks and their queue take",
    )
    allow_partial: StrictBool = Field(
        False,
        description="start a run whose estimate is higher than max_cost_usd, too, and stop it "
        "before that with the best result so far",
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
        0,
        description="seed of all that the job draws: same seed, same result; a device draws itself",
    )
    mitigation: Literal["none", "auto"] | Mitigation = Field(
        "none",
        description="what is done about a device's errors, for more shots; auto chooses",
        json_schema_extra={"allowed": "none, auto, or an object"},
    )
    noise: Noise | None = Field(
        None,
        description="noise that dm1 simulates; on no other device",
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
    ) = Field(None, description="reservation of the device that the run is made in")
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


class SettledLimits(Limits):
    """Limits with nothing left to choose."""

    max_runtime_seconds: Annotated[StrictInt, Field(ge=1, le=432_000)]


class ResolvedRequest(Request):
    """A request with its problem read and its algorithm settled."""

    problem: AnyProblem
    algorithm: SettledAlgorithm
    mitigation: Mitigation
    limits: SettledLimits


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
            that name, or what is asked of the device is not for it.
    """
    problem = request.problem
    if isinstance(problem, ProblemReference):
        raise InvalidRequest.of("problem.uri", problem.uri, "to be read before it is resolved")
    device = None
    if not is_open(request):
        device = find(LOCAL if request.device == "auto" else request.device)
    _check_device(request, device)
    exact = device is not None and device.kind == "local"
    if not exact:
        _check_width(problem, request.algorithm)
    settled, because = settle(problem, request.algorithm, exact=exact)
    fields = {name: getattr(request, name) for name in Request.model_fields}
    limits = request.limits
    chosen = {
        "problem": problem,
        "algorithm": settled,
        "mitigation": settle_mitigation(request, device)[0],
        "limits": SettledLimits(
            **limits.model_dump() | {"max_runtime_seconds": limits.max_runtime_seconds or RUNTIME}
        ),
    }
    return ResolvedRequest(**fields | chosen), because


def is_open(request: Request) -> bool:
    """Return whether a device that takes tasks has yet to be chosen: what auto leaves open.

    The job's own simulator has no noise to simulate, and trains on itself alone.
    """
    on_device = request.noise is not None or request.algorithm.train_on == "device"
    return request.device == "auto" and on_device


def _check_device(request: Request, device: Device | None) -> None:
    """Refuse what is asked of a device that is not for it."""
    if request.noise is not None and device is not None and device.name != "DM1":
        allowed = f"dm1 or auto, where noise is given; {device.name} simulates none"
        raise InvalidRequest.of("device", request.device, allowed)
    reservation = request.reservation_arn
    if reservation is None:
        return
    if device is None or device.kind != "qpu":
        raise InvalidRequest.of(
            "device", request.device, "the QPU that is reserved, where reservation_arn is given"
        )
    if reservation.split(":")[3] != device.region:
        allowed = f"a reservation in {device.region}, where {device.name} is"
        raise InvalidRequest.of("reservation_arn", reservation, allowed)


def _check_width(problem: AnyProblem, algorithm: Algorithm) -> None:
    """Refuse what auto would solve by recursive QAOA, which samples no device."""
    wide = isinstance(problem, BinaryProblem) and problem.n_qubits > EXACT_QUBITS
    if wide and algorithm.name == "auto":
        raise InvalidRequest(
            f"problem: got {problem.n_qubits} variables; allowed: up to {EXACT_QUBITS} on a "
            "device, for QAOA is trained on the exact state; rqaoa, which is chosen beyond, "
            "samples no device: local or auto"
        )


def settle_mitigation(request: Request, device: Device | None) -> tuple[Mitigation, str | None]:
    """Return the mitigation of a request on its device, and why it was chosen.

    On a device that is still open it is what was asked.

    Raises:
        InvalidRequest: as ``mitigation.settle``.
    """
    problem, warm, asked = request.problem, request.algorithm.warm_start, request.mitigation
    if device is None or asked == "none":
        return asked if isinstance(asked, Mitigation) else Mitigation(), None
    no_symmetry = None
    if isinstance(problem, BinaryProblem):
        if any(problem.ising().fields):
            no_symmetry = "the problem has fields, which the flip of all bits changes"
        elif warm != "none":
            no_symmetry = f"a {warm} start breaks the flip of all bits"
    noisy = request.noise is not None and not request.noise.is_none
    return mitigation.settle(
        asked,
        device=device.name,
        ideal=device.kind == "local" or (device.kind == "simulator" and not noisy),
        n_qubits=0 if isinstance(problem, ProblemReference) else problem.n_qubits,
        of_molecule=not isinstance(problem, BinaryProblem),
        no_symmetry=no_symmetry,
    )
