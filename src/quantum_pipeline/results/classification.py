"""The result of a classification, as the job writes it. ``classification_checks`` verifies it."""

from __future__ import annotations

from typing import Literal, get_args

from pydantic import Field

from quantum_pipeline.classification.stored import StoredModel
from quantum_pipeline.quantities import Count, Entries, Finite, Number, Probability, Seconds, Text
from quantum_pipeline.results.base import JobResult
from quantum_pipeline.results.record import Record

Competitor = Literal[
    "quantum",
    "without entanglement",
    "logistic regression",
    "rbf svm",
    "gradient boosting",
    "mlp",
    "most frequent",
]
COMPETITORS: tuple[Competitor, ...] = get_args(Competitor)

SHOWN = 64
"""Most trained rows of a kernel matrix that is shown, spread over the classes."""


class Competed(Record):
    """A model beside others, on the same folds and the same tested rows.

    ``settings`` are those that cross-validation chose of ``fits`` tried ones, as text, and
    ``fold_accuracies`` theirs. ``unconverged`` fits, of all on folds and the last one, ended at
    their limit of steps. ``predictions`` are classes by number, in the order of the tested
    rows (``parts``); ``scores`` have a column for each class, of two classes one, larger for the
    second.
    """

    name: Competitor
    settings: dict[Text, Text]
    fits: Count
    fold_accuracies: Entries[Probability]
    predictions: Entries[Number]
    scores: Entries[Entries[Finite]]
    unconverged: Number = 0
    seconds: Seconds


class Epoch(Record):
    """Loss and accuracy on the trained and the held-out rows after an epoch of training."""

    epoch: Count
    loss: Finite
    validation_loss: Finite
    validation_accuracy: Probability


class Boundary(Record):
    """The quantum model's class on a grid of the first two components, others at their mean 0.

    ``classes`` row by row, second component rising.
    """

    first: Entries[Finite]
    second: Entries[Finite]
    classes: Entries[Number]


class ClassificationSeconds(Record):
    """Where the job's time went."""

    quantum: Seconds
    classical: Seconds
    total: Seconds


class MeasuredKernel(Record):
    """What a device measured of the kernel: ``zeros`` of ``shots`` ended in all zeros, an entry
    each, in the order of ``classification.measured``.

    ``columns`` are places among the trained rows, ``support`` those of the model's support among
    the columns. ``entries`` are shares of all zeros, after ``mitigation``, whose reason is
    ``because``. ``exact_predictions`` are what the same settings say of the tested rows by exact
    states.
    """

    columns: Entries[Number] = Field(min_length=2)
    support: Entries[Number] = Field(min_length=1)
    zeros: Entries[Number]
    shots: Entries[Count]
    entries: Entries[Probability]
    mitigation: Literal["none", "readout"]
    because: Text
    exact_predictions: Entries[Number]


class ClassificationResult(JobResult):
    """What the job found. ``history`` has the loss of each epoch, or of a kernel the error
    1 - accuracy of each setting that was tried, in folds.

    ``gram`` is the kernel matrix of up to SHOWN trained rows, sorted by class (``parts.spread``),
    None of re-uploading; ``gram_classes`` their classes. On a device, landmarks take the place of
    the trained rows; ``measured_gram`` is what it measured of the same, mitigated, and
    ``repaired_gram`` that made positive; ``measured`` has all of it. None without a device.
    ``left_out`` are models that there was no time to tune.
    """

    algorithm: Literal["kernel", "reuploading"]
    engine: Text
    n_qubits: Count
    depth: Count
    model: StoredModel
    models: Entries[Competed] = Field(min_length=2)
    left_out: Entries[Competitor] = ()
    epochs: Entries[Epoch]
    gram: Entries[Entries[Finite]] | None
    gram_classes: Entries[Number]
    measured_gram: Entries[Entries[Finite]] | None = None
    repaired_gram: Entries[Entries[Finite]] | None = None
    measured: MeasuredKernel | None = None
    boundary: Boundary | None
    seconds: ClassificationSeconds
