"""Support vector machines, one class against the rest, on kernel matrices or features of rows.

Of two classes there is one machine, for the second. Source of the method: C. Cortes, V. Vapnik,
Machine Learning 20, 273 (1995); fitted by LIBSVM and LIBLINEAR in scikit-learn.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.svm import SVC, LinearSVC

from hybrid_job.learning.table import Classes, Scores

Real = NDArray[np.float64]

MOST_STEPS = 10**6
"""Of LIBSVM for a machine, each O(n_rows); it ends in a warning that is counted."""

MOST_NEWTON_STEPS = 2000
"""Of LIBLINEAR."""


class Machine(NamedTuple):
    """Coefficients, shape (n_scores, n_columns), and intercepts (n_scores,)."""

    coefficients: Real
    intercepts: Real

    def scores(self, columns: Real) -> Scores:
        """Return the scores of rows: of kernel values with the fitted ones, or of features."""
        return np.asarray(columns @ self.coefficients.T + self.intercepts)


def of_kernel(gram: Real, classes: Classes, n_classes: int, regularisation: float) -> Machine:
    """Return the machine of a kernel matrix, shape (n_rows, n_rows)."""

    def fit(own: NDArray[np.bool_]) -> tuple[Real, float]:
        machine = SVC(kernel="precomputed", C=regularisation, max_iter=MOST_STEPS)
        machine.fit(gram, own)
        coefficients = np.zeros(len(gram))
        coefficients[machine.support_] = machine.dual_coef_[0]
        return coefficients, float(machine.intercept_[0])

    return _machine(classes, n_classes, fit, len(gram))


def of_features(features: Real, classes: Classes, n_classes: int, regularisation: float) -> Machine:
    """Return the linear machine of features, shape (n_rows, n_features)."""

    def fit(own: NDArray[np.bool_]) -> tuple[Real, float]:
        machine = LinearSVC(C=regularisation, dual=False, max_iter=MOST_NEWTON_STEPS)
        machine.fit(features, own)
        return machine.coef_[0], float(machine.intercept_[0])

    return _machine(classes, n_classes, fit, features.shape[1])


Fit = Callable[[NDArray[np.bool_]], tuple[Real, float]]


def _machine(classes: Classes, n_classes: int, fit: Fit, width: int) -> Machine:
    """Return the machines of all classes, each by what fits one against the rest."""
    numbers = [1] if n_classes == 2 else range(n_classes)
    made = [_against_the_rest(classes == number, fit, width) for number in numbers]
    return Machine(np.array([each for each, _ in made]), np.array([each for _, each in made]))


def _against_the_rest(own: NDArray[np.bool_], fit: Fit, width: int) -> tuple[Real, float]:
    """Return a machine; where a fold has left rows of one side alone, what says that side."""
    if own.all() or not own.any():
        return np.zeros(width), 1.0 if own.all() else -1.0
    return fit(own)
