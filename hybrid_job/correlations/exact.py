"""Computes a QAOA state's correlations by the least expensive exact method that applies.

In closed form at depth 1; from the whole state where the problem is small; from light cones where
it is sparse.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from hybrid_job.correlations.closed_form import ClosedForm
from hybrid_job.correlations.lightcone import LightCones
from quantum_pipeline.errors import InvalidRequest
from quantum_pipeline.ising import IsingModel, all_energies
from quantum_pipeline.ising.cones import EXACT, WORK, cone_sizes, require_fit
from quantum_pipeline.ising.statevector import Qaoa

Real = NDArray[np.float64]
Pair = tuple[int, int]

SMALL = 12
"""Up to so many variables the whole state is cheaper than looking at the cones."""

CONE = 10
"""What one number of a cone's sum costs, in amplitudes of a layer and qubit of the whole state."""


class Correlations(Protocol):
    """QAOA of one problem at one depth, as far as single variables and pairs of them go."""

    n_qubits: int
    depth: int

    def energy_and_gradient(self, angles: Real) -> tuple[float, Real]:
        """Return the mean energy, without the model's offset, and its derivatives."""
        ...

    def correlations(self, angles: Real) -> tuple[Real, dict[Pair, float]]:
        """Return <Z_i> of each variable, shape (n,), and <Z_i Z_j> of each coupled pair i < j."""
        ...


class State(Protocol):
    """An engine for the whole state."""

    def energy_and_gradient(self, angles: Real) -> tuple[float, Real]:
        """Return the mean energy and its derivatives."""
        ...

    def probabilities(self, angles: Real) -> Real:
        """Return the probability of each bitstring, shape (2^n,)."""
        ...


class WholeState:
    """QAOA of a small problem, from its state vector of any depth."""

    def __init__(
        self, model: IsingModel, depth: int, engine: Callable[[Real], State] = Qaoa
    ) -> None:
        self.n_qubits, self.depth = model.n_variables, depth
        self._pairs = [(i, j) for i, j, _ in model.couplings]
        self._state = engine(all_energies(model.model_copy(update={"offset": 0.0})))

    def energy_and_gradient(self, angles: Real) -> tuple[float, Real]:
        """Return the mean energy, without the model's offset, and its derivatives."""
        return self._state.energy_and_gradient(angles)

    def correlations(self, angles: Real) -> tuple[Real, dict[Pair, float]]:
        """Return <Z_i> of each variable, and <Z_i Z_j> of each coupled pair.

        The Walsh-Hadamard transform of the probabilities has the mean of the product of Z over any
        set of variables, at the number that has a bit for each. Cost: O(n 2^n).
        """
        means = self._state.probabilities(angles).copy()
        for qubit in range(self.n_qubits):
            halves = means.reshape(2**qubit, 2, -1)
            halves[:, 0], halves[:, 1] = halves.sum(axis=1), halves[:, 0] - halves[:, 1]
        bits = [1 << (self.n_qubits - 1 - i) for i in range(self.n_qubits)]
        pairs = {(i, j): float(means[bits[i] | bits[j]]) for i, j in self._pairs}
        return means[bits], pairs


def exact_correlations(
    model: IsingModel, depth: int, engine: Callable[[Real], State] = Qaoa, work: float = WORK
) -> Correlations:
    """Return the cheapest exact way to the correlations of a problem.

    Args:
        model: problem of n variables.
        depth: layers.
        engine: makes the engine for the whole state from the energies, shape (2^n,).
        work: most numbers that a sum over light cones may take, or a state of the same cost.

    Raises:
        InvalidRequest: there is none at this depth; it says which depth fits.
    """
    n = model.n_variables
    state = depth * n * 2.0**n / CONE if n <= EXACT else math.inf
    if depth > 1 and n <= SMALL:
        return WholeState(model, depth, engine)
    sizes = cone_sizes(model, depth)
    if sizes.fits and sizes.work <= min(work, state):
        return ClosedForm(model) if depth == 1 else LightCones(model, depth)
    if state <= work or (n <= EXACT and work == WORK):
        return WholeState(model, depth, engine)
    require_fit(model, depth)
    raise InvalidRequest.of(
        "algorithm.depth", depth, f"less: it takes more than {work:.3g} numbers"
    )


def exact_or_shallower(
    model: IsingModel, depth: int, engine: Callable[[Real], State] = Qaoa, work: float = WORK
) -> Correlations:
    """Return the same at the largest depth up to ``depth`` that takes no more than ``work``.

    Raises:
        InvalidRequest: not even depth 1 can be computed at all.
    """
    for shallower in range(depth, 1, -1):
        try:
            return exact_correlations(model, shallower, engine, work)
        except InvalidRequest:
            continue
    return exact_correlations(model, 1, engine)
