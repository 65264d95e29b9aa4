"""What a stored model says of rows: the same numbers, bit for bit, in job, report and ``qpipe``.

Each row is computed alone, by no product that BLAS would share among threads, since last digits
depend on shapes and threads: what is said of a row does not hang on which others are beside it.
Another processor's sines may differ in the last digit.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from quantum_pipeline.classification import reuploading
from quantum_pipeline.classification.encodings import Rows
from quantum_pipeline.classification.kernels import bloch_vectors
from quantum_pipeline.classification.scaling import scaled
from quantum_pipeline.classification.stored import KernelModel, ReuploadingModel, StoredModel

Real = NDArray[np.float64]


class Predictions(NamedTuple):
    """Classes by number, shape (n_rows,); scores, shape (n_rows, n_classes), of two (n_rows, 1)."""

    classes: NDArray[np.int64]
    scores: Real


def predict(stored: StoredModel, rows: Rows) -> Predictions:
    """Return what a model says of encoded rows: numbers, not yet scaled, shape (n_rows, width).

    Cost: for each row its state, and of a kernel O(n_support * 2^n), projected O(n_support * n).
    """
    return predict_scaled(stored, scaled(stored.scaling, rows))


def predict_scaled(stored: StoredModel, rows: Rows) -> Predictions:
    """Return the same of rows that are scaled, shape (n_rows, n_qubits)."""
    model = stored.model
    if isinstance(model, ReuploadingModel):
        scores = reuploading.scores(model, rows)
    else:
        scores = kernel_scores(model, rows)
    return Predictions(decided(scores), scores)


def decided(scores: Real) -> NDArray[np.int64]:
    """Return the classes of scores: of the largest; of one score the second if it is positive.

    >>> decided(np.array([[-0.5], [0.5]])), decided(np.array([[0.1, 0.3, 0.2]]))
    (array([0, 1]), array([1]))
    """
    if scores.shape[1] == 1:
        return np.asarray(scores[:, 0] > 0, dtype=np.int64)
    return np.asarray(scores.argmax(axis=1), dtype=np.int64)


def kernel_scores(model: KernelModel, rows: Rows) -> Real:
    """Return the scores of scaled rows, shape (n_rows, n_scores); what is of the support, once."""
    likeness = _fidelity(model) if model.kernel == "fidelity" else _projected(model)
    coefficients, intercepts = np.array(model.coefficients), np.array(model.intercepts)
    scores = np.empty((len(rows), len(intercepts)))
    for score, row in zip(scores, rows, strict=True):
        np.add(np.einsum("cs,s->c", coefficients, likeness(row)), intercepts, out=score)
    return scores


def _fidelity(model: KernelModel) -> Callable[[Rows], Real]:
    """Return what gives |<x|y>|^2 of a scaled row with all of the support."""
    support = model.encoding.parts(model.bandwidth * np.array(model.support))
    flat = support.reshape(len(support), -1)

    def likeness(row: Rows) -> Real:
        state = model.encoding.parts(model.bandwidth * row[None])[0]
        overlaps = np.einsum("sj,j->s", flat, state.reshape(-1))
        if len(state) == 1:
            return np.asarray(overlaps**2)
        crossed = np.einsum("sj,j->s", support[:, 0], state[1])
        crossed -= np.einsum("sj,j->s", support[:, 1], state[0])
        return np.asarray(overlaps**2 + crossed**2)

    return likeness


def _projected(model: KernelModel) -> Callable[[Rows], Real]:
    """Return what gives exp(-gamma |r(x) - r(y)|^2) of a scaled row with all of the support."""
    support = bloch_vectors(model.encoding, model.bandwidth * np.array(model.support))
    gamma = model.gamma or 0.0

    def likeness(row: Rows) -> Real:
        apart = support - bloch_vectors(model.encoding, model.bandwidth * row[None])
        return np.asarray(np.exp(-gamma * np.einsum("sk,sk->s", apart, apart)))

    return likeness
