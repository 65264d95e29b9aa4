"""A fitted model, whole: ``model.json``, from which alone ``prediction`` says what it says."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from quantum_pipeline.classification.encodings import Encoding
from quantum_pipeline.classification.kernels import Kernel
from quantum_pipeline.quantities import Entries, Finite, Flag, Positive, Text
from quantum_pipeline.wording import refusal

MOST_QUBITS, MOST_LAYERS = 16, 64
"""Of a stored circuit: whoever reads one can compute it."""

Vector = Entries[Finite]
Divisor = Annotated[Positive, Field(gt=0)]


def check_lengths(name: str, found: Sequence[Sequence[object]], wanted: int) -> None:
    """Refuse a row of numbers that is not of the length that goes with the others.

    Raises:
        ValueError: names the length.
    """
    for each in found:
        if len(each) != wanted:
            raise ValueError(refusal(f"length of {name}", len(each), f"{wanted}"))


class Record(BaseModel):
    """A part of a stored model."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Column(Record):
    """A column of numbers, or of words: then ``words`` are those that are known, in order.

    ``fill`` is what stands for a missing value: the median, or the most frequent word; None where
    none is allowed. A word that is not known is none of them: all of its indicators are 0.
    """

    name: Text
    words: Entries[Text] | None
    fill: Finite | Text | None


class Scaling(Record):
    """What a row's numbers go through: (x - means) / scales, then times ``components``.

    ``components`` has a row for each qubit, None where the numbers are as many as the qubits.
    The components are divided by ``spreads``, their standard deviations on the trained rows.
    """

    means: Vector
    scales: Entries[Divisor]
    components: Entries[Vector] | None
    spreads: Entries[Divisor] | None

    @property
    def n_qubits(self) -> int:
        """How many numbers come out."""
        return len(self.means if self.components is None else self.components)

    @model_validator(mode="after")
    def _check_lengths(self) -> Self:
        check_lengths("scales", [self.scales], len(self.means))
        check_lengths("components", self.components or (), len(self.means))
        if (self.components is None) != (self.spreads is None):
            raise ValueError(refusal("spreads", self.spreads, "one for each of components"))
        check_lengths("spreads", [self.spreads or ()], len(self.components or ()))
        return self


class KernelModel(Record):
    """A support vector machine on a kernel of states, one class against the rest.

        score_c(x) = sum_s coefficients[c][s] K(x, support_s) + intercepts[c]

    Of two classes there is one score, that of the second. ``support`` are scaled rows without the
    bandwidth; with landmarks (Nystroem) they are these. ``kernels`` has the two kernels; ``gamma``
    is of the projected one. ``regularisation`` is C. ``measured_on`` names the device that measured
    the kernel that coefficients were fitted to; None where it was exact.
    """

    kind: Literal["kernel"]
    encoding: Encoding
    kernel: Kernel
    bandwidth: Positive
    gamma: Positive | None
    regularisation: Positive
    support: Entries[Vector] = Field(min_length=1)
    coefficients: Entries[Vector] = Field(min_length=1)
    intercepts: Vector
    measured_on: Text | None = None

    @model_validator(mode="after")
    def _check_lengths(self) -> Self:
        sizes = self.encoding.n_qubits, self.encoding.depth
        for name, found, most in zip(
            ("n_qubits", "depth"), sizes, (MOST_QUBITS, MOST_LAYERS), strict=True
        ):
            if found > most:
                raise ValueError(refusal(f"encoding.{name}", found, f"up to {most}"))
        if (self.gamma is None) != (self.kernel == "fidelity"):
            raise ValueError(refusal("gamma", self.gamma, "a number of the projected kernel alone"))
        check_lengths("support", self.support, self.encoding.n_qubits)
        check_lengths("coefficients", self.coefficients, len(self.support))
        check_lengths("intercepts", [self.intercepts], len(self.coefficients))
        return self


class ReuploadingModel(Record):
    """A circuit whose layers take the row again and again, its parameters fitted.

    See ``reuploading``, which has the formula. ``weights`` and ``biases`` are those of the angles,
    in order of layer, qubit and angle: 3 n (layers + 1). ``readout`` has n numbers a score.
    """

    kind: Literal["reuploading"]
    n_qubits: Annotated[int, Field(strict=True, ge=1, le=MOST_QUBITS)]
    layers: Annotated[int, Field(strict=True, ge=1, le=MOST_LAYERS)]
    entangled: Flag
    weights: Vector
    biases: Vector
    readout: Entries[Vector]
    intercepts: Vector

    @model_validator(mode="after")
    def _check_lengths(self) -> Self:
        angles = 3 * self.n_qubits * (self.layers + 1)
        check_lengths("weights", [self.weights], angles)
        check_lengths("biases", [self.biases], angles)
        check_lengths("readout", self.readout, self.n_qubits)
        check_lengths("intercepts", [self.intercepts], len(self.readout))
        return self


class StoredModel(Record):
    """Everything from a row of the table to its class."""

    schema_version: Literal[1] = 1
    run_id: Text
    target: Text
    columns: Entries[Column]
    classes: Entries[Text] = Field(min_length=2)
    scaling: Scaling
    model: Annotated[KernelModel | ReuploadingModel, Field(discriminator="kind")]

    @model_validator(mode="after")
    def _check_names(self) -> Self:
        names = tuple(each.name for each in self.columns)
        for field, found in (("columns", names), ("classes", self.classes)):
            if len(set(found)) < len(found):
                raise ValueError(refusal(field, list(found), "each name once"))
        if self.target in names:
            raise ValueError(refusal("target", self.target, "another name than those of columns"))
        return self

    @model_validator(mode="after")
    def _check_lengths(self) -> Self:
        width = sum(1 if each.words is None else len(each.words) for each in self.columns)
        check_lengths("scaling.means", [self.scaling.means], width)
        check_lengths("model.intercepts", [self.model.intercepts], n_scores(len(self.classes)))
        model = self.model
        n_qubits = model.encoding.n_qubits if isinstance(model, KernelModel) else model.n_qubits
        if n_qubits != self.scaling.n_qubits:
            raise ValueError(refusal("model", f"{n_qubits} qubits", f"{self.scaling.n_qubits}"))
        return self


def n_scores(n_classes: int) -> int:
    """Return how many scores a row has: of two classes one, larger for the second.

    >>> n_scores(2), n_scores(3)
    (1, 3)
    """
    return 1 if n_classes == 2 else n_classes
