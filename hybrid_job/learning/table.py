"""A table as models see it: scaled rows, classes of the trained ones, folds that all of them share.

Classes of tested rows are not in it: no model can be chosen by them.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Self

import numpy as np
from numpy.typing import NDArray

from quantum_pipeline.classification.encodings import Rows
from quantum_pipeline.classification.parts import Places, folds
from quantum_pipeline.classification.scaling import fitted, scaled
from quantum_pipeline.classification.stored import (
    KernelModel,
    ReuploadingModel,
    Scaling,
    StoredModel,
    n_scores,
)
from quantum_pipeline.problems.classification import Classification

Classes = NDArray[np.int64]
Scores = NDArray[np.float64]


@dataclass(frozen=True)
class Table:
    """Rows that models are fitted and tested on; ``classes`` are those of the trained ones.

    ``folds`` are places among the trained rows.
    """

    problem: Classification
    scaling: Scaling
    classes: Classes
    folds: tuple[Places, ...]

    @classmethod
    def of(cls, problem: Classification, n_folds: int) -> Self:
        """Return the table of a problem; what scales its rows is learned of the trained ones."""
        trained = problem.parts.trained
        classes = np.array(problem.labels, dtype=np.int64)[trained]
        return cls(
            problem=problem,
            scaling=fitted(problem.numbers[trained], problem.n_qubits),
            classes=classes,
            folds=tuple(folds(classes.tolist(), n_folds, problem.seed)),
        )

    @property
    def n_classes(self) -> int:
        """How many classes there are."""
        return len(self.problem.classes)

    @property
    def n_scores(self) -> int:
        """How many scores a row has."""
        return n_scores(self.n_classes)

    @cached_property
    def trained(self) -> Rows:
        """The trained rows as quantum models have them: a number for each qubit."""
        return scaled(self.scaling, self.problem.numbers[self.problem.parts.trained])

    @cached_property
    def trained_whole(self) -> Rows:
        """The trained rows as classical models have them: all numbers, standardised."""
        return self._standardised(self.problem.parts.trained)

    @cached_property
    def tested_whole(self) -> Rows:
        """The tested rows, likewise."""
        return self._standardised(self.problem.parts.tested)

    def _standardised(self, places: Places) -> Rows:
        whole = self.scaling.model_copy(update={"components": None, "spreads": None})
        return scaled(whole, self.problem.numbers[places])

    @property
    def tested_numbers(self) -> Rows:
        """The tested rows as numbers, not yet scaled: what a stored model is asked about."""
        return self.problem.numbers[self.problem.parts.tested]

    def stored(self, run_id: str, model: KernelModel | ReuploadingModel) -> StoredModel:
        """Return a model with all that leads from a row of the table to it, as it is read back."""
        made = StoredModel(
            run_id=run_id,
            target=self.problem.target,
            columns=self.problem.features,
            classes=self.problem.classes,
            scaling=self.scaling,
            model=model,
        )
        return StoredModel.model_validate_json(made.model_dump_json())

    def outside(self, fold: Places) -> Places:
        """Return the trained rows that are not in a fold."""
        return np.setdiff1d(np.arange(len(self.classes)), fold)
