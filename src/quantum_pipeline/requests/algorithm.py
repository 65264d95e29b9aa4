"""The algorithm of a request, as a user may ask for it and with every choice settled.

    qaoa    angles optimised on the exact state vector, then shots
    rqaoa   recursive QAOA: correlations fix one variable after the other; needs no state vector,
            so it is what remains for problems too wide for one
    divide  blocks of the variables by qaoa, put together and improved in rounds: for what is too
            large for either
    vqe     for molecules: amplitudes of an ansatz in the sector of their electrons
    kernel  for tables: a support vector machine on the likeness of rows as states of qubits
    reuploading  for tables: a circuit that takes a row in each of its layers, its angles trained

``planning.algorithm`` chooses what a request leaves open.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    Discriminator,
    Field,
    StrictBool,
    StrictInt,
    Tag,
    model_validator,
)

from quantum_pipeline.classification.encodings import EncodingName
from quantum_pipeline.cutting import Part
from quantum_pipeline.problems import MAX_MAGNITUDE, Number
from quantum_pipeline.wording import refusal

MAX_DEPTH = 64

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
Ansatz = Literal["uccsd", "adapt"]
Mixer = Literal["complete", "pairs", "ring"]
Inequality = Literal["slack", "unbalanced"]
BlockSize = Annotated[StrictInt, Field(ge=2, le=20)]
Rounds = Annotated[StrictInt, Field(ge=0, le=10_000)]
Kernel = Literal["fidelity", "projected"]
Folds = Annotated[StrictInt, Field(ge=2, le=10)]
Epochs = Annotated[StrictInt, Field(ge=1, le=10_000)]
BatchRows = Annotated[StrictInt, Field(ge=1, le=10_000)]
Landmarks = Annotated[StrictInt, Field(ge=2, le=1000)]
Scale = Annotated[float, Field(strict=True, gt=0, le=1e6, allow_inf_nan=False)]
MAX_CUT = 4
MAX_MEASURED = 100
"""Rounds of recursive QAOA that are measured, each paid for."""

Cut = Annotated[
    Annotated[StrictInt, Field(ge=0, le=MAX_CUT)] | Literal["auto"],
    Field(json_schema_extra={"allowed": f"an integer from 0 to {MAX_CUT}, or auto"}),
]
GatesCut = Annotated[StrictInt, Field(ge=0, le=MAX_CUT)]
Penalty = Annotated[float, Field(strict=True, gt=0, le=MAX_MAGNITUDE, allow_inf_nan=False)]

SHOT_OPTIMIZERS = ("spsa", "cobyla", "nft")


class Algorithm(BaseModel):
    """The algorithm and its settings; those not given are chosen."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: Literal["auto", "qaoa", "rqaoa", "divide", "vqe", "kernel", "reuploading"] = Field(
        "auto", description="the algorithm; auto chooses by the problem and its size"
    )
    depth: GrownDepth | None = Field(
        None,
        description="layers of the circuit; in QAOA auto adds layers until one more does not pay",
    )
    max_depth: Depth | None = Field(
        None, description="most layers that auto may use; chosen by size if not given"
    )
    optimizer: Literal["auto"] | Optimizer = Field(
        "auto",
        description="the optimiser of the parameters; none evaluates the given angles as they are",
        json_schema_extra={"allowed": "one of auto, l-bfgs-b, spsa, cobyla, nft, none"},
    )
    initial_angles: Literal["auto"] | InitialAngles = Field(
        "auto",
        description="where the optimiser starts: a linear ramp, or angles known to be good for "
        "graphs of similar degree",
        json_schema_extra={"allowed": "one of auto, ramp, transferred"},
    )
    warm_start: WarmStart = Field(
        "none",
        description="start near a relaxed or a classical solution, not in equal superposition",
    )
    cvar_alpha: Tail | None = Field(
        None,
        description="optimise the mean of this lowest fraction of the energies, not of all",
        json_schema_extra={"allowed": "a number above 0, up to 1"},
    )
    shots_per_evaluation: ShotsEach | None = Field(
        None,
        description="estimate each energy from so many shots, as a device does; exact if not given",
    )
    train_on: Literal["exact", "device"] = Field(
        "exact",
        description="where energies come from while angles are optimised: the exact state, at no "
        "fee, or the device",
    )
    starts: Starts | None = Field(
        None, description="starting points of the optimiser; chosen by size if not given"
    )
    max_evaluations: Evaluations | None = Field(
        None,
        description="most evaluations of the energy in all, or settings of a classifier that "
        "cross-validation tries; chosen by algorithm if not given",
    )
    gammas: Angles | None = Field(
        None, description="initial angles of the cost layers in radians; together with betas"
    )
    betas: Angles | None = Field(
        None, description="initial angles of the mixing layers in radians; together with gammas"
    )
    ansatz: Literal["auto"] | Ansatz = Field(
        "auto",
        description="ansatz of VQE: all single and double excitations, or those that lower the "
        "energy",
        json_schema_extra={"allowed": "one of auto, uccsd, adapt"},
    )
    mixer: Literal["auto"] | Mixer = Field(
        "auto",
        description="what moves groups of variables with a rule, such as exactly one of them: the "
        "exchange of any two, all at once or pair by pair, or of neighbours in a ring; auto is "
        "complete, and ring on devices, whose gates exchange pair by pair",
        json_schema_extra={"allowed": "one of auto, complete, pairs, ring"},
    )
    block_size: BlockSize | None = Field(
        None, description="most variables of a block of divide, each solved by one state vector"
    )
    max_rounds: Rounds | None = Field(
        None,
        description="most rounds in which divide improves its answer, chosen by size; or in which "
        "recursive QAOA on cut circuits measures correlations, 4 if not given",
    )
    cut: Cut | None = Field(
        None,
        description="cut a circuit that is wider than its device into parts, at so many ZZ gates "
        "at most; auto takes the fewest, up to 4",
    )
    learn: StrictBool = Field(
        False,
        description="start from what the nearest earlier runs of the family found, where the "
        "catalogue has any that help",
    )
    penalty: Penalty | None = Field(
        None,
        description="what a unit of a constraint's violation costs, in the objective's unit; "
        "chosen if not given: twice the least with which no infeasible state is best",
        json_schema_extra={"allowed": f"a number above 0, up to {MAX_MAGNITUDE:g}"},
    )
    inequality: Literal["auto"] | Inequality = Field(
        "auto",
        description="how a device's circuit keeps constraints with <= or >=: by bits of slack, or "
        "by a parabola without any; auto writes short ones as they are, and takes the parabola "
        "for others",
        json_schema_extra={"allowed": "one of auto, slack, unbalanced"},
    )
    kernel: Literal["auto"] | Kernel = Field(
        "auto",
        description="likeness of two rows: the overlap of their states, or of what single qubits "
        "show of them; auto takes what cross-validation prefers",
        json_schema_extra={"allowed": "one of auto, fidelity, projected"},
    )
    encoding: Literal["auto"] | EncodingName = Field(
        "auto",
        description="circuit that a row becomes the angles of; auto takes what cross-validation "
        "prefers",
        json_schema_extra={"allowed": "one of auto, angle, iqp, reuploading"},
    )
    bandwidth: Scale | None = Field(
        None,
        description="what a row's standardised numbers are multiplied by before they are angles; "
        "chosen by cross-validation if not given",
    )
    regularisation: Scale | None = Field(
        None,
        description="C of the support vector machine; chosen by cross-validation if not given",
    )
    landmarks: Landmarks | None = Field(
        None,
        description="trained rows that all others are compared with, instead of with each other "
        "(Nystroem); chosen by size if not given",
    )
    folds: Folds | None = Field(
        None, description="folds of cross-validation; 5 if not given, or as classes allow"
    )
    max_epochs: Epochs | None = Field(
        None, description="most times that training goes over the rows; chosen if not given"
    )
    batch_rows: BatchRows | None = Field(
        None, description="rows of a step of training; 32 if not given"
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
        if self.learn:
            raise ValueError(refusal("learn", True, "false, where gammas are given"))
        if self.initial_angles != "auto":
            raise ValueError(
                refusal("initial_angles", self.initial_angles, "auto, where gammas are given")
            )
        return self

    @model_validator(mode="after")
    def _check_start(self) -> Self:
        if self.learn and self.initial_angles != "auto":
            allowed = "auto, where learn is true"
            raise ValueError(refusal("initial_angles", self.initial_angles, allowed))
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

    @property
    def settled_mixer(self) -> Mixer:
        """What moves groups, of a problem on a form."""
        return "complete" if self.mixer == "auto" else self.mixer


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


class SettledCut(Algorithm):
    """What runs circuits in parts, with nothing left to choose.

    ``cut`` is the most gates that may be cut. Until the device's width is known there are no parts;
    ``parts`` are those of the first circuit.
    """

    depth: Depth
    cut: GatesCut
    parts: tuple[Part, ...] = ()

    @property
    def width(self) -> int:
        """Qubits of the widest part, ancillas included."""
        return max(part.width for part in self.parts)

    @property
    def rounds(self) -> int:
        """Circuits that are measured in parts at most, one after the other."""
        return 1


class SettledCutQaoa(SettledQaoa, SettledCut):
    """QAOA of a circuit in parts."""

    depth: Depth
    cut: GatesCut
    optimizer: Literal["l-bfgs-b", "none"]


class SettledCutRqaoa(SettledRqaoa, SettledCut):
    """Recursive QAOA whose correlations are measured, in at most ``max_rounds`` rounds."""

    cut: GatesCut
    max_rounds: Annotated[StrictInt, Field(ge=1, le=MAX_MEASURED)]

    @property
    def rounds(self) -> int:
        """Circuits that are measured in parts at most, one after the other."""
        return self.max_rounds


class SettledDivide(Algorithm):
    """Blocks by QAOA with nothing left to choose.

    The angles of each block are known ones, unless ``optimizer`` is to improve them, in so many
    evaluations a block at most.
    """

    name: Literal["divide"]
    depth: Depth
    optimizer: Literal["auto", "l-bfgs-b"]
    block_size: BlockSize
    max_rounds: Rounds
    max_evaluations: Evaluations

    @property
    def deepest(self) -> int:
        """Layers of each circuit."""
        return self.depth

    @property
    def evaluations(self) -> int:
        """Most evaluations of a block, 0 where its angles are left as they are known."""
        return self.max_evaluations if self.optimizer == "l-bfgs-b" else 0


class SettledVqe(Algorithm):
    """VQE with nothing left to choose."""

    name: Literal["vqe"]
    optimizer: Literal["l-bfgs-b"]
    ansatz: Ansatz
    max_evaluations: Evaluations


class SettledKernel(Algorithm):
    """A quantum kernel with nothing left to choose but what cross-validation chooses.

    ``encoding``, ``kernel``, ``bandwidth`` and ``regularisation`` of auto or None are chosen by it,
    by at most ``max_evaluations`` settings on ``folds`` folds.
    """

    name: Literal["kernel"]
    depth: Depth
    folds: Folds
    max_evaluations: Evaluations


class SettledReuploading(Algorithm):
    """A re-uploading classifier with nothing left to choose but what cross-validation chooses.

    Trained in at most ``max_epochs`` epochs of batches of ``batch_rows`` rows.
    """

    name: Literal["reuploading"]
    depth: Depth
    folds: Folds
    max_evaluations: Evaluations
    max_epochs: Epochs
    batch_rows: BatchRows


Settled = (
    SettledQaoa | SettledRqaoa | SettledDivide | SettledVqe | SettledKernel | SettledReuploading
)


def _kind(value: Any) -> str:
    """Return which settled algorithm a value is: its name, and whether its circuit is cut."""
    name, parts = (
        value.get(field) if isinstance(value, dict) else getattr(value, field, None)
        for field in ("name", "parts")
    )
    return str(name) if parts is None else f"{name} in parts"


SettledAlgorithm = Annotated[
    Annotated[SettledQaoa, Tag("qaoa")]
    | Annotated[SettledCutQaoa, Tag("qaoa in parts")]
    | Annotated[SettledRqaoa, Tag("rqaoa")]
    | Annotated[SettledCutRqaoa, Tag("rqaoa in parts")]
    | Annotated[SettledDivide, Tag("divide")]
    | Annotated[SettledVqe, Tag("vqe")]
    | Annotated[SettledKernel, Tag("kernel")]
    | Annotated[SettledReuploading, Tag("reuploading")],
    Discriminator(_kind),
]
