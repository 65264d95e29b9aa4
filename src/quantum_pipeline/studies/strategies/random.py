"""Settings drawn at random, all at once: each by itself, none twice; seeds go round."""

from __future__ import annotations

from typing import Any

import numpy as np

from quantum_pipeline.studies.axes import Axis, axes_of, goes_round
from quantum_pipeline.studies.requests import Requests
from quantum_pipeline.studies.rows import Setting
from quantum_pipeline.studies.study import Study

IN_VAIN = 1000
"""Draws one after the other that were all there before: there is nothing left, or nearly."""


def settings(study: Study) -> tuple[Setting, ...]:
    """Return as many settings as ``strategy.n_runs``, or all that there are if these are fewer.

    Raises:
        InvalidRequest: as ``axes_of``.
    """
    found = Drawn(study)
    while len(found.values) < (study.strategy.n_runs or 0) and found.add():
        pass
    return tuple(Setting(number=n, values=values) for n, values in enumerate(found.values))


class Drawn:
    """Settings that are drawn one after the other, none of them twice.

    ``values`` of each; ``before`` are keys of settings that are not to be drawn.
    """

    def __init__(self, study: Study, before: frozenset[str] = frozenset(), number: int = 0) -> None:
        self.values: list[dict[str, Any]] = []
        self._axes, self._requests = axes_of(study), Requests(study)
        self._random = np.random.default_rng((study.strategy.seed, number))
        self._keys, self._number = set(before), number

    def add(self) -> bool:
        """Draw a setting that is new, and return whether there was one."""
        for _ in range(IN_VAIN):
            number = self._number + len(self.values)
            drawn = {axis.path: self._value(axis, number) for axis in self._axes}
            kept = self._requests.kept(drawn)
            if self._requests.key(kept) not in self._keys:
                self._keys.add(self._requests.key(kept))
                self.values.append(kept)
                return True
        return False

    def _value(self, axis: Axis, number: int) -> Any:
        if goes_round(axis):
            return axis.values[number % len(axis.values)]
        return axis.draw(self._random)
