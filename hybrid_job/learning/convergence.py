"""Counts fits that scikit-learn says did not converge: they are used, and the result says so."""

from __future__ import annotations

import warnings
from typing import Self

from sklearn.exceptions import ConvergenceWarning


class Unconverged:
    """Counts warnings of convergence in its body; other warnings go on as they would."""

    def __init__(self) -> None:
        self.count = 0
        self._recorded = warnings.catch_warnings(record=True)

    def __enter__(self) -> Self:
        self._caught = self._recorded.__enter__()
        warnings.simplefilter("always", ConvergenceWarning)
        return self

    def __exit__(self, *error: object) -> None:
        self._recorded.__exit__(None, None, None)
        caught = self._caught or []
        self.count = sum(issubclass(each.category, ConvergenceWarning) for each in caught)
        for each in caught:
            if not issubclass(each.category, ConvergenceWarning):
                warnings.warn_explicit(each.message, each.category, each.filename, each.lineno)
