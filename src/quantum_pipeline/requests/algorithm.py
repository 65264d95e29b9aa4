"""The algorithm of a request: what can be asked of it, and what nothing was said of, settled.

    qaoa    angles optimised on the exact state vector, then shots
    rqaoa   recursive QAOA: correlations fix one variable after the other; needs no state vector,
            so it is what remains for problems too wide for one
    vqe     for molecules: amplitudes of an ansatz in the sector of their electrons

``settle`` is the one place where an algorithm is chosen. It gives its reason with the figures that
it rests on, and the report repeats it.
"""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, StrictInt, model_validator

from quantum_pipeline import cones
from quantum_pipeline.chemistry.excitations import n_excitations
from quantum_pipeline.errors import InvalidRequest
from quantum_pipeline.planning import vqe
from quantum_pipeline.planning.vqe import Ansatz
from quantum_pipeline.problems import BinaryProblem, Chemistry, Number, Problem
from quantum_pipeline.wording import refusal, shown

MAX_DEPTH = 64
EXACT_QUBITS = 26
"""Widest exact state vector."""

MAX_VARIABLES = 4096
"""Most variables of recursive QAOA, and of any problem."""

Depth = Annotated[StrictInt, Field(ge=1, le=MAX_DEPTH)]
GrownDepth = Annotated[
    Depth | Literal["auto"],
    Field(json_schema_extra={"allowed": f"an integer from 1 to {MAX_DEPTH}, or auto"}),
]
Starts = Annotated[StrictInt, Field(ge=1, le=100)]
Evaluations = Annotated[StrictInt, Field(ge=1, le=100_000)]
Angles = Annotated[tuple[Number, ...], Field(min_length=1, max_length=MAX_DEPTH)]
ShotsEach = Annotated[StrictInt, Field(ge=1, le=50_000)]
Tail = Annotated[float, Field(strict=True, gt=0, le=1, allow_inf_nan=False)]

Optimizer = Literal["l-bfgs-b", "spsa", "cobyla", "nft", "none"]
InitialAngles = Literal["ramp", "transferred"]
WarmStart = Literal["none", "relaxed", "classical"]

SHOT_OPTIMIZERS = ("spsa", "cobyla", "nft")
DEVICE_EVALUATIONS = 30
"""Evaluations on a device that are allowed if nothing was said: each costs its shots.

SPSA makes thirteen steps of them, in fifteen tasks where the device takes program sets.
"""

SHOT_DEPTH = 2
"""Layers where energies come from shots, if nothing was said: each more is noise on a device."""


class Algorithm(BaseModel):
    """The algorithm and its settings; what is not given is chosen."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: Literal["auto", "qaoa", "rqaoa", "vqe"] = Field(
        "auto", description="the algorithm; auto chooses by the problem and its size"
    )
    depth: GrownDepth | None = Field(
        None, description="layers of QAOA; auto grows them until one more does not pay"
    )
    max_depth: Depth | None = Field(
        None, description="most layers that auto grows to; chosen by size if not given"
    )
    optimizer: Literal["auto"] | Optimizer = Field(
        "auto",
        description="how parameters are improved; none evaluates the given angles as they are",
        json_schema_extra={"allowed": "one of auto, l-bfgs-b, spsa, cobyla, nft, none"},
    )
    initial_angles: Literal["auto"] | InitialAngles = Field(
        "auto",
        description="where the optimiser starts: a linear ramp, or angles known to be good for "
        "graphs of such degrees",
        json_schema_extra={"allowed": "one of auto, ramp, transferred"},
    )
    warm_start: WarmStart = Field(
        "none", description="start from a relaxed or a classical solution, not from all bitstrings"
    )
    cvar_alpha: Tail | None = Field(
        None,
        description="optimise the mean of this lowest part of the energies instead of all of them",
        json_schema_extra={"allowed": "a number above 0, up to 1"},
    )
    shots_per_evaluation: ShotsEach | None = Field(
        None, description="energies from so many shots, as a device has them; exact if not given"
    )
    train_on: Literal["exact", "device"] = Field(
        "exact",
        description="where energies come from while angles are improved: the exact state, which "
        "is free, or the device",
    )
    starts: Starts | None = Field(
        None, description="starting points of the optimiser; chosen by size if not given"
    )
    max_evaluations: Evaluations | None = Field(
        None, description="evaluations of the energy in all; chosen by the algorithm if not given"
    )
    gammas: Angles | None = Field(
        None, description="angles of the cost layers in radians, to start from; with betas"
    )
    betas: Angles | None = Field(
        None, description="angles of the mixing layers in radians, to start from; with gammas"
    )
    ansatz: Literal["auto"] | Ansatz = Field(
        "auto",
        description="of VQE: all single and double excitations, or those that lower the energy",
        json_schema_extra={"allowed": "one of auto, uccsd, adapt"},
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
        if self.depth == "auto":
            raise ValueError(refusal("depth", "auto", "the length of gammas and betas, or nothing"))
        n = self.depth or len(self.gammas)
        for name, angles in (("gammas", self.gammas), ("betas", self.betas)):
            if len(angles) != n:
                raise ValueError(
                    f"{name}: got a length of {len(angles)}; allowed: {n}, one a layer"
                )
        if (self.starts or 1) > 1:
            raise ValueError(refusal("starts", self.starts, "1, from the angles that are given"))
        if self.initial_angles != "auto":
            raise ValueError(
                refusal("initial_angles", self.initial_angles, "auto, where gammas are given")
            )
        return self

    @model_validator(mode="after")
    def _check_start(self) -> Self:
        if self.warm_start != "none" and self.initial_angles == "transferred":
            # Those angles are of a state that starts in all bitstrings.
            raise ValueError(
                refusal("initial_angles", "transferred", "auto or ramp in warm starts")
            )
        return self

    @model_validator(mode="after")
    def _check_depth(self) -> Self:
        if self.max_depth is not None and (self.gammas or isinstance(self.depth, int)):
            raise ValueError(refusal("max_depth", self.max_depth, "nothing, where depth is fixed"))
        return self

    @model_validator(mode="after")
    def _check_shots(self) -> Self:
        if self.shots_per_evaluation and self.optimizer in ("l-bfgs-b", "none"):
            allowed = f"{', '.join(SHOT_OPTIMIZERS)} or auto, with shots_per_evaluation"
            raise ValueError(refusal("optimizer", self.optimizer, allowed))
        return self


class SettledQaoa(Algorithm):
    """QAOA with nothing left to choose; a depth of auto grows up to ``max_depth``."""

    name: Literal["qaoa"]
    depth: GrownDepth
    optimizer: Optimizer
    initial_angles: Literal["auto"] | InitialAngles
    cvar_alpha: Tail
    starts: Starts
    max_evaluations: Evaluations

    @property
    def deepest(self) -> int:
        """Most layers that the circuit may have."""
        return self.depth if isinstance(self.depth, int) else self.max_depth or 1


class SettledRqaoa(Algorithm):
    """Recursive QAOA with nothing left to choose."""

    name: Literal["rqaoa"]
    depth: Depth
    optimizer: Literal["l-bfgs-b"]
    max_evaluations: Evaluations

    @property
    def deepest(self) -> int:
        """Layers of the circuit."""
        return self.depth


class SettledVqe(Algorithm):
    """VQE with nothing left to choose."""

    name: Literal["vqe"]
    optimizer: Literal["l-bfgs-b"]
    ansatz: Ansatz
    max_evaluations: Evaluations


SettledAlgorithm = Annotated[SettledQaoa | SettledRqaoa | SettledVqe, Field(discriminator="name")]


def settle(
    problem: Problem, asked: Algorithm, *, exact: bool
) -> tuple[SettledQaoa | SettledRqaoa | SettledVqe, str]:
    """Return the algorithm with nothing left to choose, and why it was chosen.

    ``exact`` tells that the run samples the exact state, not a device.

    Raises:
        InvalidRequest: the algorithm cannot solve this problem, or one of its settings is of
            another algorithm; says what can.
    """
    if isinstance(problem, Chemistry):
        return _vqe(problem, asked, exact=exact)
    assert isinstance(problem, BinaryProblem)
    n = problem.n_variables
    if n > MAX_VARIABLES:
        raise InvalidRequest(f"problem: got {shown(n)} variables; allowed: 1 to {MAX_VARIABLES}")
    if asked.name == "vqe":
        allowed = "auto, qaoa or rqaoa; vqe is for chemistry"
        raise InvalidRequest.of("algorithm.name", asked.name, allowed)
    _refuse(asked, "ansatz", "auto", "vqe")
    if asked.name == "rqaoa" or (asked.name == "auto" and n > EXACT_QUBITS):
        return _recursive(problem, asked, exact=exact)
    if n > EXACT_QUBITS:
        raise InvalidRequest(
            f"problem: got {shown(n)} variables; allowed: 1 to {EXACT_QUBITS}, the widest exact "
            "state vector, or algorithm.name rqaoa"
        )
    return _qaoa(n, asked, exact=exact)


def _qaoa(n: int, asked: Algorithm, *, exact: bool) -> tuple[SettledQaoa, str]:
    given, on_device = len(asked.gammas or ()), asked.train_on == "device"
    optimizer = asked.optimizer
    if optimizer == "auto":
        optimizer = "spsa" if asked.shots_per_evaluation or on_device else "l-bfgs-b"
    if on_device:
        _check_trainable(optimizer, exact=exact)
    without_gradients = optimizer in SHOT_OPTIMIZERS
    if without_gradients and (asked.depth == "auto" or asked.max_depth):
        field = "max_depth" if asked.max_depth else "depth"
        allowed = f"depth as a number with {optimizer}; depth grows with l-bfgs-b alone"
        raise InvalidRequest.of(f"algorithm.{field}", getattr(asked, field), allowed)
    depth = given or asked.depth or (SHOT_DEPTH if without_gradients else "auto")
    if without_gradients and (asked.starts or 1) > 1:
        raise InvalidRequest.of("algorithm.starts", asked.starts, f"1 with {optimizer}")
    starts = 1 if given or without_gradients else asked.starts or default_starts(n)
    layers = asked.max_depth or default_max_depth(n)
    budget = 200 * starts + (100 * layers if depth == "auto" else 0)
    if on_device:
        budget = DEVICE_EVALUATIONS
    settled = SettledQaoa(
        name="qaoa",
        depth=depth,
        max_depth=layers if depth == "auto" else None,
        optimizer=optimizer,
        initial_angles=asked.initial_angles,
        warm_start=asked.warm_start,
        cvar_alpha=asked.cvar_alpha or 1.0,
        shots_per_evaluation=asked.shots_per_evaluation,
        starts=starts,
        train_on=asked.train_on,
        max_evaluations=1 if optimizer == "none" else asked.max_evaluations or budget,
        gammas=asked.gammas,
        betas=asked.betas,
    )
    if depth == "auto":
        deep = f"depth grows to at most {layers}, as long as a layer pays"
    else:
        deep = f"depth {depth}" + (" as asked" if given or asked.depth else ", for few angles")
    return settled, (
        f"QAOA: the problem is an Ising model of {n} spins, whose exact state takes "
        f"{16 * 2**n / 2**20:.3g} MiB a vector; {deep}, "
        f"{starts} {'start' if starts == 1 else 'starts'}, "
        f"{'exact gradients' if optimizer == 'l-bfgs-b' else optimizer}"
        f"{' on the device' if on_device else ''}"
    )


def _check_trainable(optimizer: str, *, exact: bool) -> None:
    if exact:
        allowed = "exact on local; device with one that takes tasks: sv1, dm1 or a QPU"
        raise InvalidRequest.of("algorithm.train_on", "device", allowed)
    if optimizer not in SHOT_OPTIMIZERS:
        allowed = f"{', '.join(SHOT_OPTIMIZERS)} or auto, where train_on is device"
        raise InvalidRequest.of("algorithm.optimizer", optimizer, allowed)


_OF_QAOA = {
    "warm_start": "none",
    "cvar_alpha": None,
    "shots_per_evaluation": None,
    "train_on": "exact",
    "starts": None,
    "gammas": None,
    "max_depth": None,
    "initial_angles": "auto",
}
"""Settings that only QAOA has, and their values where nothing was said."""


def _recursive(
    problem: BinaryProblem, asked: Algorithm, *, exact: bool
) -> tuple[SettledRqaoa, str]:
    n = problem.n_variables
    for field, default in _OF_QAOA.items():
        _refuse(asked, field, default, "qaoa")
    if asked.optimizer not in ("auto", "l-bfgs-b"):
        raise InvalidRequest.of("algorithm.optimizer", asked.optimizer, "auto or l-bfgs-b in rqaoa")
    if not exact:
        raise InvalidRequest(
            f"device: rqaoa for {shown(n)} variables rests on exact correlations and samples no "
            "device; allowed: local or auto"
        )
    depth = asked.depth if isinstance(asked.depth, int) else 1
    if n > cones.EXACT:
        cones.require_fit(problem.ising(), depth)
        how = ", from light cones" if depth > 1 else ", in closed form"
    else:
        how = ""
    settled = SettledRqaoa(
        name="rqaoa",
        depth=depth,
        optimizer="l-bfgs-b",
        max_evaluations=asked.max_evaluations or 2000,
    )
    wide = f"too many for a state vector (at most {EXACT_QUBITS})"
    return settled, (
        f"recursive QAOA: {n} spins{f' are {wide}' if n > EXACT_QUBITS else ', as asked'}; its "
        f"correlations at depth {depth} are exact{how}, and fix one variable after the other"
    )


def _vqe(problem: Chemistry, asked: Algorithm, *, exact: bool) -> tuple[SettledVqe, str]:
    if asked.name not in ("auto", "vqe"):
        allowed = "auto or vqe; a molecule is no Ising model"
        raise InvalidRequest.of("algorithm.name", asked.name, allowed)
    for field, default in ({"depth": None} | _OF_QAOA).items():
        _refuse(asked, field, default, "qaoa")
    if asked.optimizer not in ("auto", "l-bfgs-b"):
        raise InvalidRequest.of("algorithm.optimizer", asked.optimizer, "auto or l-bfgs-b in vqe")
    vqe.check_size(problem)
    ansatz, why = vqe.choose_ansatz(problem)
    if asked.ansatz != "auto":
        n = n_excitations(problem.sector)
        ansatz, why = asked.ansatz, f"{asked.ansatz.upper()} as asked, from {n} excitations"
    points = len(problem.lengths)
    settled = SettledVqe(
        name="vqe",
        optimizer="l-bfgs-b",
        ansatz=ansatz,
        max_evaluations=asked.max_evaluations or min(points * vqe.EVALUATIONS[ansatz], 100_000),
    )
    sector = problem.sector
    return settled, (
        f"VQE: {problem.n_qubits} spin orbitals, of whose {2.0**problem.n_qubits:.3g} states the "
        f"{sector.dimension:,} determinants of {sector.n_alpha} + {sector.n_beta} electrons take "
        f"part; {why}; exact gradients"
        f"{'' if exact else '; the energy that they lead to is measured on the device'}"
    )


def _refuse(asked: Algorithm, field: str, default: object, algorithm: str) -> None:
    value = getattr(asked, field)
    if value != default:
        allowed = f"nothing here; {field} is a setting of {algorithm}"
        raise InvalidRequest.of(f"algorithm.{field}", value, allowed)


def default_max_depth(n: int) -> int:
    """Return the most layers for n variables: deep where an evaluation is cheap.

    ``python -m benchmarks.instances`` prints how often 1000 shots then hold the optimum.
    """
    return next((depth for widest, depth in _DEEPEST if n <= widest), 2)


_DEEPEST = ((16, 8), (18, 6), (20, 5), (22, 4), (24, 3))


def default_starts(n: int) -> int:
    """Return the starting points for n variables: depth gains more wherever a start takes time."""
    return 3 if n <= 8 else 1
