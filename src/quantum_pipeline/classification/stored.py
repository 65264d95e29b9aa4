"""A fitted model, whole: ``model.json``. What predicts from it is the same code everywhere.

The job tests its model by reading its own record, PostProcess recomputes the predictions of the
tested rows, and ``qpipe predict`` those of new ones: the same numbers, bit for bit.
"""

from __future__ import annotations

from typing import Annotated, Literal, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, model_validator

from quantum_pipeline.classification.encodings import Encoding
from quantum_pipeline.quantities import Entries, Finite, Flag, Positive, Text
from quantum_pipeline.wording import refusal

MOST_QUBITS, MOST_LAYERS = 16, 64
"""Of a stored circuit: whoever reads one can compute it."""

Vector = Entries[Finite]


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
    scales: Entries[Positive]
    components: Entries[Vector] | None
    spreads: Entries[Positive] | None


class KernelModel(Record):
    """A support vector machine on a kernel of states, one class against the rest.

    score_c(x) = sum_s coefficients[c][s] K(x, support_s) + intercepts[c]; of two classes one score,
    that of the second. ``support`` are scaled rows without the bandwidth.
    ``kernel`` fidelity is |<x|y>|^2; projected is exp(-gamma sum_k |r_k(x) - r_k(y)|^2), r_k the
    Bloch vector of qubit k.
    ``transform``: with landmarks (Nystroem) the scores are of K(x, landmarks) in the same way.
    """

    kind: Literal["kernel"]
    encoding: Encoding
    kernel: Literal["fidelity", "projected"]
    bandwidth: Positive
    gamma: Positive | None
    regularisation: Positive
    support: Entries[Vector]
    coefficients: Entries[Vector]
    intercepts: Vector


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
        for name, found in (("weights", self.weights), ("biases", self.biases)):
            if len(found) != angles:
                raise ValueError(refusal(f"length of {name}", len(found), f"{angles}"))
        lengths = {len(each) for each in self.readout}
        if lengths != {self.n_qubits} or len(self.readout) != len(self.intercepts):
            allowed = f"{self.n_qubits} for each of {len(self.intercepts)} intercepts"
            raise ValueError(refusal("lengths of readout", sorted(lengths), allowed))
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


class Predictions(NamedTuple):
    """Classes by number, shape (n_rows,); scores, shape (n_rows, n_classes), of two (n_rows, 1)."""

    classes: NDArray[np.int64]
    scores: NDArray[np.float64]


def predict(stored: StoredModel, rows: NDArray[np.float64]) -> Predictions:
    """Return what a model says of encoded rows (numbers, not yet scaled)."""
    raise NotImplementedError
