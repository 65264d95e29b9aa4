"""The loss of re-uploading classifiers, and its exact gradient.

loss = mean over rows of  log(1 + exp(-s)),  s the score, negative for the first of two classes
                          log sum_c exp(s_c) - s_own,  of more classes
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from hybrid_job.engines.rotations import Circuits
from quantum_pipeline.classification.reuploading import Parameters

Real = NDArray[np.float64]
Classes = NDArray[np.int64]


@dataclass(frozen=True)
class Shape:
    """What a model is before it is fitted."""

    layers: int
    n_qubits: int
    n_classes: int
    entangled: bool

    @property
    def n_scores(self) -> int:
        """Scores of a row: of two classes one."""
        return 1 if self.n_classes == 2 else self.n_classes


class Labelled(NamedTuple):
    """Scaled rows, shape (n_rows, n), and their classes by number."""

    rows: Real
    classes: Classes

    def at(self, places: NDArray[np.int64]) -> Labelled:
        """Return some of the rows."""
        return Labelled(self.rows[places], self.classes[places])


class Loss:
    """The mean cross-entropy of models of one shape."""

    def __init__(self, shape: Shape) -> None:
        self._circuits = Circuits(shape.layers + 1, shape.n_qubits, entangled=shape.entangled)

    def scores(self, parameters: Parameters, rows: Real) -> Real:
        """Return the scores of rows, shape (n_rows, n_scores)."""
        found = [
            parameters.scores(self._circuits.evolved(parameters.angles(rows[part])).expectations)
            for part in self._circuits.parts(len(rows))
        ]
        return np.concatenate(found)

    def value(self, parameters: Parameters, data: Labelled) -> float:
        """Return the mean loss of rows."""
        return mean_entropy(self.scores(parameters, data.rows), data.classes)

    def gradient(self, parameters: Parameters, data: Labelled) -> tuple[float, Parameters]:
        """Return the mean loss of rows, and its derivatives by all parameters."""
        parts = self._circuits.parts(len(data.rows))
        totals, slopes = zip(
            *(self._sums(parameters, Labelled(data.rows[at], data.classes[at])) for at in parts),
            strict=True,
        )
        means = (sum(each) / len(data.rows) for each in zip(*slopes, strict=True))
        return sum(totals) / len(data.rows), Parameters(*means)

    def _sums(self, parameters: Parameters, data: Labelled) -> tuple[float, Parameters]:
        """Return the same as sums over rows."""
        evolved = self._circuits.evolved(parameters.angles(data.rows))
        losses, by_score = _entropy(parameters.scores(evolved.expectations), data.classes)
        by_angle = self._circuits.derivatives(evolved, by_score @ parameters.readout)
        slopes = Parameters(
            weights=np.einsum("rlkj,rk->lkj", by_angle, data.rows),
            biases=by_angle.sum(axis=0),
            readout=by_score.T @ evolved.expectations,
            intercepts=by_score.sum(axis=0),
        )
        return float(losses.sum()), slopes


def mean_entropy(scores: Real, classes: Classes) -> float:
    """Return the mean cross-entropy of rows."""
    return float(_entropy(scores, classes)[0].mean())


def _entropy(scores: Real, classes: Classes) -> tuple[Real, Real]:
    """Return the cross-entropy of each row, and its derivatives by the scores."""
    if scores.shape[1] == 1:
        signs = 2.0 * classes - 1.0
        margins = signs * scores[:, 0]
        slopes = -signs * np.exp(-np.logaddexp(0.0, margins))
        return np.logaddexp(0.0, -margins), slopes[:, None]
    shifted = scores - scores.max(axis=1, keepdims=True)
    powers = np.exp(shifted)
    sums, every = powers.sum(axis=1), np.arange(len(classes))
    slopes = powers / sums[:, None]
    slopes[every, classes] -= 1.0
    return np.log(sums) - shifted[every, classes], slopes
