"""Exact QAOA energies of large sparse problems, one light cone at a time.

Cones of one shape are summed side by side (``histories``), equal ones once. Angles have shape
(2, depth): gammas, then betas. Conventions are those of ``statevector``; the model's offset, which
moves no angle, is left out.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, MutableMapping, Sequence

import numpy as np
from numpy.typing import NDArray

from hybrid_job.correlations.cone_sum import ConeSum
from hybrid_job.correlations.histories import Histories
from quantum_pipeline.errors import InvalidRequest
from quantum_pipeline.ising import IsingModel
from quantum_pipeline.ising.cones import (
    LARGEST,
    Cone,
    Shape,
    cone_of,
    neighbours_of,
    plan,
    terms_of,
)

Real = NDArray[np.float64]
Pair = tuple[int, int]

BATCH = 2**16
"""Numbers in all arrays of the cones that are summed side by side: they stay in the cache."""


class LightCones:
    """QAOA of one problem at one depth: energy, gradient and correlations.

    Raises:
        InvalidRequest: a cone is too large.

    Cost of an energy: O(``cone_sizes(model, depth).work``); of a gradient about three times that.

    >>> ring = IsingModel.from_spins([0] * 99, [(i, (i + 1) % 99, 0.5) for i in range(99)])
    >>> cones = LightCones(ring, 1)
    >>> print(round(cones.energy(np.array([[np.pi / 4], [-np.pi / 8]])) / 99, 6))  # cut 3/4
    -0.25
    """

    def __init__(self, model: IsingModel, depth: int) -> None:
        self.n_qubits, self.depth = model.n_variables, depth
        self._fields, self._neighbours = model.fields, neighbours_of(model)
        weights: dict[Cone, float] = {}
        for term in terms_of(model):
            i, j = term[0], term[-1]
            strength = model.fields[i] if i == j else self._neighbours[i][j]
            cone = self._cone(term)
            weights[cone] = weights.get(cone, 0.0) + strength
        self._batches = [
            (batch, np.array([weights[Cone(batch.shape, numbers)] for numbers in batch.numbers]))
            for batch in _batches(weights)
        ]

    def energy(self, angles: Real) -> float:
        """Return the mean energy, without the model's offset."""
        histories = Histories(angles)
        return float(sum(batch.means(histories) @ weights for batch, weights in self._batches))

    def energy_and_gradient(self, angles: Real) -> tuple[float, Real]:
        """Return the mean energy, without the offset, and its derivatives, shape (2, depth)."""
        histories = Histories(angles)
        energy, gradient = 0.0, np.zeros((2, self.depth))
        for batch, weights in self._batches:
            means, slopes = batch.means_and_gradient(histories, weights)
            energy += float(means @ weights)
            gradient += slopes
        return energy, gradient

    def correlations(
        self,
        angles: Real,
        pairs: Iterable[Pair] | None = None,
        known: MutableMapping[Cone, float] | None = None,
    ) -> tuple[Real, dict[Pair, float]]:
        """Return <Z_i> of each variable, shape (n,), and <Z_i Z_j> of each pair i < j.

        Args:
            angles: shape (2, depth).
            pairs: those asked for; all that are coupled if None.
            known: means of cones at these very angles; what is not in it yet is added.
        """
        if pairs is None:
            pairs = ((i, j) for i, near in enumerate(self._neighbours) for j in near if i < j)
        terms: list[tuple[int, ...]] = list(pairs)
        if any(self._fields):  # else every <Z_i> is 0, since flipping all spins changes nothing
            terms += [(i,) for i in range(self.n_qubits)]
        cones = {term: self._cone(term) for term in terms}
        means = {} if known is None else known
        histories = Histories(angles)
        for batch in _batches(cone for cone in cones.values() if cone not in means):
            values = batch.means(histories).tolist()
            for numbers, value in zip(batch.numbers, values, strict=True):
                means[Cone(batch.shape, numbers)] = value
        magnetisations = np.zeros(self.n_qubits)
        correlations: dict[Pair, float] = {}
        for term, cone in cones.items():
            if len(term) == 1:
                magnetisations[term[0]] = means[cone]
            else:
                correlations[term[0], term[1]] = means[cone]
        return magnetisations, correlations

    def _cone(self, term: Sequence[int]) -> Cone:
        measured = (term[0],) if term[0] == term[-1] else term
        return cone_of(measured, self.depth, self._fields, self._neighbours)


def _batches(cones: Iterable[Cone]) -> list[ConeSum]:
    """Return the distinct cones, those of one shape together as far as they fit the cache."""
    shapes: dict[Shape, dict[Cone, None]] = {}
    for cone in cones:
        shapes.setdefault(cone.shape, {})[cone] = None
    batches = []
    for shape, alike in shapes.items():
        numbers = [cone.numbers for cone in alike]
        work = plan(shape).work
        if math.isinf(work):
            allowed = f"less: a light cone takes arrays of more than {LARGEST} numbers"
            raise InvalidRequest.of("algorithm.depth", shape.depth, allowed)
        rows = max(1, BATCH // int(work))
        batches += [
            ConeSum(shape, numbers[start : start + rows]) for start in range(0, len(numbers), rows)
        ]
    return batches
