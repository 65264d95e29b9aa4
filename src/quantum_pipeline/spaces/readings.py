"""What the shots of a device say: whether they keep the groups' rules, and their energies.

A shot that breaks a rule is no state. In the energy of all shots it counts as a blind pick of one:
as the mean of all states, which is what shots without any information come to.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import sqrt
from typing import Self

import numpy as np
from numpy.typing import NDArray

from quantum_pipeline.spaces.landscape import Landscape, Weighing

Real = NDArray[np.float64]
Places = NDArray[np.intp]


def mean_of_all(energies: Real) -> float:
    """Return the mean over all states."""
    return float(energies.mean())


def read_energies(energies: Real, numbers: Places) -> Real:
    """Return the energy of each reading, given by its state's number, -1 where it is none."""
    found: Real = np.where(numbers < 0, mean_of_all(energies), energies[numbers])
    return found


@dataclass(frozen=True)
class Readings:
    """Shots of a form's circuit, counted by the state that they show.

    ``energies`` are those of the shots, with the constant of the objective; ``weights`` their
    counts; ``numbers`` their states', -1 where there is none.
    """

    landscape: Landscape
    energies: Real
    weights: Real
    numbers: Places

    @classmethod
    def of(cls, landscape: Landscape, weighing: Weighing, counts: Mapping[str, int]) -> Self:
        """Return the readings of counts by bitstring, of at least one shot."""
        constant, space = landscape.form.objective.constant, landscape.form.space
        rows = np.array([[int(bit) for bit in each] for each in counts], dtype=np.int8)
        numbers = space.numbers(rows)
        energies = read_energies(constant + landscape.energies(weighing), numbers)
        weights = np.array(list(counts.values()), dtype=np.float64)
        return cls(landscape, energies, weights, numbers)

    @property
    def space_share(self) -> float:
        """Part of the shots that keep the rules of all groups."""
        return self._share(self.numbers >= 0)

    @property
    def feasible_share(self) -> float:
        """Part of the shots that keep all constraints too."""
        return self._share(self._feasible)

    @property
    def share_of_best(self) -> float:
        """Part of the shots that are a best state."""
        return self._share(np.isin(self.numbers, self.landscape.best))

    @property
    def mean(self) -> float | None:
        """Mean objective of the feasible shots, as it is minimised; None where there are none."""
        chosen = self._feasible
        if not chosen.any():
            return None
        objective = self.landscape.objective[self.numbers[chosen]]
        constant = self.landscape.form.objective.constant
        lowest, highest = self.landscape.ends
        mean = constant + float(np.average(objective, weights=self.weights[chosen]))
        return min(max(mean, lowest), highest)

    @property
    def energy(self) -> tuple[float, float]:
        """Mean energy of all shots, and its standard error."""
        return self._mean(np.ones(len(self.weights), dtype=np.bool_))

    @property
    def selected(self) -> tuple[float, float] | None:
        """The same of the shots that keep the groups' rules; None where there are none."""
        kept = self.numbers >= 0
        return self._mean(kept) if kept.any() else None

    @property
    def _feasible(self) -> NDArray[np.bool_]:
        kept: NDArray[np.bool_] = (self.numbers >= 0) & self.landscape.feasible[self.numbers]
        return kept

    def _share(self, chosen: NDArray[np.bool_]) -> float:
        return float(self.weights[chosen].sum() / self.weights.sum())

    def _mean(self, chosen: NDArray[np.bool_]) -> tuple[float, float]:
        weights, values = self.weights[chosen], self.energies[chosen]
        shots = float(weights.sum())
        mean = float(np.average(values, weights=weights))
        variance = float(np.average((values - mean) ** 2, weights=weights))
        return mean, sqrt(variance / max(shots - 1, 1.0))
