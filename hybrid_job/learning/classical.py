"""The classical models of scikit-learn that a quantum one is compared with.

They have all of a row's numbers, standardised, where quantum models may have fewer components. All
scores are of one kind: of two classes one, positive for the second; of more the largest decides.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import Any

import numpy as np
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.neural_network import MLPClassifier
from threadpoolctl import threadpool_limits

from hybrid_job.learning import machines
from hybrid_job.learning.machines import Real
from hybrid_job.learning.search import Grid, Learner, Setting, number
from hybrid_job.learning.table import Classes, Scores, Table
from quantum_pipeline.classification import kernels
from quantum_pipeline.classification.encodings import Rows
from quantum_pipeline.classification.parts import Places
from quantum_pipeline.results.classification import Competitor

MOST_STEPS = 1000
"""Of an optimiser of logistic regression or of a network; what needs more is counted."""

LEAST = 1e-300
"""In place of a probability of 0, before its logarithm."""


class Classical(Learner):
    """A model that is fitted on rows and their classes, by a seed."""

    name: Competitor

    def __init__(self, table: Table, seed: int, count: int) -> None:
        super().__init__(table)
        self._seed, self._count = seed, count

    def scores(self, setting: Setting, fitted: Places, asked: Places) -> Scores:
        """Return scores of trained rows."""
        rows, classes = self.table.trained_whole, self.table.classes
        return self._scores(setting, rows[fitted], classes[fitted], rows[asked])

    def tested(self, setting: Setting) -> Scores:
        """Return scores of the tested rows."""
        table = self.table
        return self._scores(setting, table.trained_whole, table.classes, table.tested_whole)

    @abstractmethod
    def _scores(self, setting: Setting, rows: Rows, classes: Classes, asked: Rows) -> Scores:
        """Return scores of rows by a model that was fitted on others."""


class MostFrequent(Classical):
    """Says the most frequent class of whatever row."""

    name = "most frequent"
    grids: Sequence[Grid] = ({},)

    def _scores(self, _setting: Setting, _rows: Rows, classes: Classes, asked: Rows) -> Scores:
        shares = np.bincount(classes, minlength=self.table.n_classes) / len(classes)
        scores = shares if len(shares) > 2 else shares[1:] - shares[:1]
        return np.tile(scores, (len(asked), 1))


class RbfMachine(Classical):
    """A support vector machine on exp(-gamma |x - y|^2), one class against the rest.

    ``width`` is gamma times the numbers of a row.
    """

    name = "rbf svm"
    grids: Sequence[Grid] = (
        {
            "width": (0.03, 0.1, 0.3, 1.0, 3.0, 10.0),
            "C": (0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 100.0, 1000.0),
        },
    )

    def _scores(self, setting: Setting, rows: Rows, classes: Classes, asked: Rows) -> Scores:
        gamma = number(setting, "width") / rows.shape[1]
        gram = np.exp(-gamma * kernels.distances(rows))
        columns = np.exp(-gamma * kernels.distances_from(asked, rows))
        regularisation = number(setting, "C")
        machine = machines.of_kernel(gram, classes, self.table.n_classes, regularisation)
        return machine.scores(columns)


class Estimated(Classical):
    """A model of scikit-learn that gives probabilities: scores are their logarithms."""

    @abstractmethod
    def _estimator(self, setting: Setting) -> Any:
        """Return the model, not yet fitted."""

    def _scores(self, setting: Setting, rows: Rows, classes: Classes, asked: Rows) -> Scores:
        known = np.unique(classes)
        logarithms = np.full((len(asked), self.table.n_classes), np.log(LEAST))
        if len(known) == 1:
            logarithms[:, known] = 0.0
        else:
            model = self._estimator(setting)
            with threadpool_limits(1):
                probabilities: Real = model.fit(rows, classes).predict_proba(asked)
            logarithms[:, known] = np.log(np.maximum(probabilities, LEAST))
        is_pair = logarithms.shape[1] == 2
        return np.asarray(logarithms[:, 1:] - logarithms[:, :1] if is_pair else logarithms)


class Logistic(Estimated):
    """Logistic regression with a squared penalty, 1 / C."""

    name = "logistic regression"

    @property
    def grids(self) -> Sequence[Grid]:
        """As many C as settings are tried."""
        return ({"C": tuple(np.geomspace(1e-3, 1e3, max(7, self._count)).tolist())},)

    def _estimator(self, setting: Setting) -> Any:
        return LogisticRegression(C=setting["C"], max_iter=MOST_STEPS)


class Boosting(Estimated):
    """Gradient boosting of trees on histograms."""

    name = "gradient boosting"
    grids: Sequence[Grid] = (
        {
            "learning rate": (0.03, 0.1, 0.3),
            "leaves": (3.0, 7.0, 15.0),
            "rows of a leaf": (2.0, 5.0, 20.0),
            "penalty": (0.0, 1.0),
        },
    )

    def _estimator(self, setting: Setting) -> Any:
        return HistGradientBoostingClassifier(
            learning_rate=setting["learning rate"],
            max_leaf_nodes=int(number(setting, "leaves")),
            min_samples_leaf=int(number(setting, "rows of a leaf")),
            l2_regularization=setting["penalty"],
            max_iter=TREES,
            early_stopping=False,
            random_state=self._seed,
        )


TREES = 60
"""Of gradient boosting, for each class."""


class Network(Estimated):
    """A multi-layer perceptron, fitted by L-BFGS, which suits few rows."""

    name = "mlp"
    grids: Sequence[Grid] = (
        {
            "layers": ((5,), (20,), (50,), (20, 20)),
            "penalty": (1e-3, 1e-2, 1e-1, 1.0, 3.0, 10.0),
        },
    )

    def _estimator(self, setting: Setting) -> Any:
        return MLPClassifier(
            hidden_layer_sizes=setting["layers"],
            alpha=setting["penalty"],
            solver="lbfgs",
            max_iter=MOST_STEPS,
            random_state=self._seed,
        )


MODELS: tuple[type[Classical], ...] = (MostFrequent, Logistic, RbfMachine, Boosting, Network)
"""In the order in which they are fitted: the dearest come last."""
