"""Fits re-uploading classifiers: Adam in batches of rows, stopped by rows that are held out.

Of the trained rows one in five of each class is held out. After each epoch the loss of these is
taken; the parameters with the least of it are the model's.
"""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, field
from itertools import count

import numpy as np
from numpy.random import Generator

from hybrid_job.learning.reuploading import Classes, Labelled, Loss, Real, Shape, mean_entropy
from quantum_pipeline.classification.parts import folds
from quantum_pipeline.classification.prediction import decided
from quantum_pipeline.classification.reuploading import Parameters
from quantum_pipeline.results.classification import Epoch

HELD_OUT = 5
"""One row in so many is held out."""

PATIENCE = 20
"""Epochs without a lower loss of the rows that are held out, after which training stops."""

MEAN, SQUARE, LEAST = 0.9, 0.999, 1e-8
"""Adam's decays, and what keeps it from dividing by 0. Source: Kingma, Ba, arXiv:1412.6980."""

NEAR, READOUT = 0.1, 0.5
"""Deviation of the biases, in radians, and of the readout, before training."""


@dataclass(frozen=True)
class Training:
    """How a model is fitted.

    ``input_scale`` is the deviation of the weights at the start, in radians for a row's component
    of 1; ``decay`` is what of weights and readout is added to their gradient.
    """

    learning_rate: float
    input_scale: float
    decay: float
    max_epochs: int
    batch_rows: int


@dataclass(frozen=True)
class Fitted:
    """A model, and how it came about; ``late`` is whether the time ended first."""

    parameters: Parameters
    epochs: tuple[Epoch, ...]
    late: bool

    @property
    def converged(self) -> bool:
        """Whether training stopped because nothing got better any more."""
        best = min(self.epochs, key=lambda each: each.validation_loss)
        return not self.late and len(self.epochs) - best.epoch >= PATIENCE


class Adam:
    """Steps down a gradient, each coordinate in units of its own recent gradients."""

    def __init__(self, rate: float, size: int) -> None:
        self._rate, self._steps = rate, count(1)
        self._mean, self._square = np.zeros((2, size))

    def step(self, gradient: Real) -> Real:
        """Return what is added to the coordinates."""
        number = next(self._steps)
        self._mean += (1 - MEAN) * (gradient - self._mean)
        self._square += (1 - SQUARE) * (gradient**2 - self._square)
        mean, square = self._mean / (1 - MEAN**number), self._square / (1 - SQUARE**number)
        step: Real = -self._rate * mean / (np.sqrt(square) + LEAST)
        return step


@dataclass
class _Course:
    """The epochs so far, and the best parameters after any of them."""

    parameters: Parameters
    least: float = math.inf
    epochs: list[Epoch] = field(default_factory=list)
    since: int = 0

    def add(self, parameters: Parameters, epoch: Epoch) -> None:
        self.epochs.append(epoch)
        self.since += 1
        if epoch.validation_loss < self.least:
            self.parameters, self.least, self.since = parameters, epoch.validation_loss, 0


def started(shape: Shape, input_scale: float, rng: Generator) -> Parameters:
    """Return parameters near the identity: all angles are small, and no two are alike."""
    angles = (shape.layers + 1, shape.n_qubits, 3)
    return Parameters(
        weights=rng.normal(scale=input_scale, size=angles),
        biases=rng.normal(scale=NEAR, size=angles),
        readout=rng.normal(scale=READOUT, size=(shape.n_scores, shape.n_qubits)),
        intercepts=np.zeros(shape.n_scores),
    )


def fitted(
    shape: Shape, training: Training, data: Labelled, seed: int, deadline: float = math.inf
) -> Fitted:
    """Return the model that training on rows comes to.

    Args:
        shape: of the model.
        training: how it is fitted.
        data: at least two rows.
        seed: of the start, the rows that are held out, and the order of the others.
        deadline: time of ``time.monotonic`` after which no further batch is taken.

    Cost: for each epoch that of the gradient of all rows, O(n_rows * layers * n * 2^n).
    """
    rng, loss = np.random.default_rng(seed), Loss(shape)
    parameters = started(shape, training.input_scale, rng)
    held, kept = _held_out(data.classes, seed)
    course, rows = _Course(parameters), data.at(kept)
    adam, late = Adam(training.learning_rate, parameters.flat().size), False
    for epoch in range(1, training.max_epochs + 1):
        for batch in _batches(rng.permutation(len(kept)), training.batch_rows):
            late = late or time.monotonic() > deadline
            if not late:
                gradient = loss.gradient(parameters, rows.at(batch))[1]
                step = adam.step(_decayed(gradient, parameters, training.decay).flat())
                parameters = parameters.moved(step)
        course.add(parameters, _epoch(epoch, loss, parameters, rows, data.at(held)))
        if late or course.since >= PATIENCE:
            break
    return Fitted(course.parameters, tuple(course.epochs), late)


def _held_out(classes: Classes, seed: int) -> tuple[Classes, Classes]:
    """Return the places of the rows that are held out, and of the others."""
    held = folds(classes.tolist(), min(HELD_OUT, len(classes)), seed)[0]
    return held, np.setdiff1d(np.arange(len(classes)), held)


def _batches(order: Classes, size: int) -> list[Classes]:
    """Return rows in batches of about one size, up to ``size``."""
    return np.array_split(order, math.ceil(len(order) / size))


def _epoch(
    number: int, loss: Loss, parameters: Parameters, rows: Labelled, held: Labelled
) -> Epoch:
    scores = loss.scores(parameters, held.rows)
    return Epoch(
        epoch=number,
        loss=loss.value(parameters, rows),
        validation_loss=mean_entropy(scores, held.classes),
        validation_accuracy=float(np.mean(decided(scores) == held.classes)),
    )


def _decayed(gradient: Parameters, parameters: Parameters, decay: float) -> Parameters:
    return gradient._replace(
        weights=gradient.weights + decay * parameters.weights,
        readout=gradient.readout + decay * parameters.readout,
    )
