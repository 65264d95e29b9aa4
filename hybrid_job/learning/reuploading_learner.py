"""A re-uploading circuit as a model whose settings are chosen, with or without entanglement."""

from __future__ import annotations

import time
import warnings
from collections.abc import Sequence

import numpy as np
from sklearn.exceptions import ConvergenceWarning

from hybrid_job.job import ReuploadingJob
from hybrid_job.journal import Kept
from hybrid_job.learning.reuploading import Labelled, Loss, Shape
from hybrid_job.learning.reuploading_training import Fitted, Training, fitted
from hybrid_job.learning.search import Grid, Learner, Setting, number
from hybrid_job.learning.table import Scores, Table
from quantum_pipeline.classification.parts import Places
from quantum_pipeline.classification.prediction import predict
from quantum_pipeline.classification.reuploading import Parameters
from quantum_pipeline.classification.stored import ReuploadingModel
from quantum_pipeline.quantities import Entries, Flag
from quantum_pipeline.results.classification import Epoch
from quantum_pipeline.wording import refusal

INPUT_SCALES = (0.1, 0.2, 0.5, 1.0, 2.0)
LEARNING_RATES = (0.02, 0.05, 0.1)
DECAYS = (0.0, 0.003, 0.01, 0.03)

SHARE = 8
"""A fit takes up to one in so many of the seconds that are left."""


class Trained(Kept):
    """The model that was fitted on all trained rows, and how."""

    model: ReuploadingModel
    epochs: Entries[Epoch]
    converged: Flag
    late: Flag


class ReuploadingLearner(Learner):
    """A circuit that is trained; the ablation is the same without entangling gates."""

    def __init__(self, job: ReuploadingJob, table: Table, *, entangled: bool = True) -> None:
        super().__init__(table)
        self.name = "quantum" if entangled else "without entanglement"
        self._job, self._algorithm = job, job.algorithm
        self._seed = int(job.rng("training").integers(2**31))
        self._shape = Shape(job.algorithm.depth, table.scaling.n_qubits, table.n_classes, entangled)

    @property
    def grids(self) -> Sequence[Grid]:
        """How training starts and goes: one grid, for all are settings of one circuit."""
        return (
            {
                "input scale": INPUT_SCALES,
                "learning rate": LEARNING_RATES,
                "decay": DECAYS,
            },
        )

    def scores(self, setting: Setting, fitted: Places, asked: Places) -> Scores:
        """Return scores of trained rows; a fit that did not converge is warned of."""
        found = self._fit(setting, fitted)
        if not found.converged:
            warnings.warn("epochs or time ended first", ConvergenceWarning, stacklevel=1)
        return Loss(self._shape).scores(found.parameters, self.table.trained[asked])

    def tested(self, setting: Setting) -> Scores:
        """Return what the model says, as one that is stored says it."""
        trained = self.trained(setting)
        if not trained.converged:
            warnings.warn("epochs or time ended first", ConvergenceWarning, stacklevel=1)
        stored = self.table.stored("", trained.model)
        return predict(stored, self.table.tested_numbers).scores

    def trained(self, setting: Setting) -> Trained:
        """Return the model of a setting, fitted on all trained rows in the first attempt.

        Raises:
            InvalidResult: the checkpoint has one of another shape.
        """
        purpose, journal, shape = f"{self.name}, trained", self._job.journal, self._shape
        found = journal.decided(purpose, Trained, lambda: self._trained(setting))
        with journal.checked(purpose):
            model = found.model
            is_of = Shape(model.layers, model.n_qubits, shape.n_classes, model.entangled)
            if is_of != shape or len(model.intercepts) != shape.n_scores or not found.epochs:
                raise ValueError(refusal("shape of the model", is_of, f"{shape}"))
        return found

    def _trained(self, setting: Setting) -> Trained:
        found = self._fit(setting, np.arange(len(self.table.classes)))
        return Trained(
            model=_stored(found.parameters, self._shape),
            epochs=found.epochs,
            converged=found.converged,
            late=found.late,
        )

    def _fit(self, setting: Setting, places: Places) -> Fitted:
        training = Training(
            learning_rate=number(setting, "learning rate"),
            input_scale=number(setting, "input scale"),
            decay=number(setting, "decay"),
            max_epochs=self._algorithm.max_epochs,
            batch_rows=self._algorithm.batch_rows,
        )
        data = Labelled(self.table.trained, self.table.classes).at(places)
        now = time.monotonic()
        deadline = now + (self._job.deadline(reserved=0.5) - now) / SHARE
        return fitted(self._shape, training, data, self._seed, deadline)


def _stored(parameters: Parameters, shape: Shape) -> ReuploadingModel:
    return ReuploadingModel(
        kind="reuploading",
        n_qubits=shape.n_qubits,
        layers=shape.layers,
        entangled=shape.entangled,
        weights=tuple(parameters.weights.ravel().tolist()),
        biases=tuple(parameters.biases.ravel().tolist()),
        readout=tuple(map(tuple, parameters.readout.tolist())),
        intercepts=tuple(parameters.intercepts.tolist()),
    )
