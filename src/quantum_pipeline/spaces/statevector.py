"""QAOA on the states of a space: energy and exact gradient, with numpy alone.

    |psi> = prod_k exp(-i beta_k B) exp(-i gamma_k C) |u>,    C = diag(cost),    B = sum_groups B_g

|u> is the uniform superposition of all states, and ``mixers`` has B_g, which keeps a group's rule:
no amplitude ever leaves the space. What turns the phases, C, and what is measured, O, may be two
diagonals: a state that breaks a constraint need not turn by as much as it costs.

Angles have shape (2, depth): gammas, then betas, as in ``quantum_pipeline.ising.statevector``. This
module knows nothing of problems, units or optimisers.
"""

from __future__ import annotations

from math import prod
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from quantum_pipeline.ising import statevector
from quantum_pipeline.ising.statevector import Diagonal, matrix_element, mean_and_deviation
from quantum_pipeline.spaces.groups import Space
from quantum_pipeline.spaces.mixers import Mixer, turns_of

Real = NDArray[np.float64]
Complex = NDArray[np.complex128]


class Circuit(Protocol):
    """A QAOA circuit, and what can be asked of its state."""

    def probabilities(self, angles: Real) -> Real:
        """Return the probability of each state, shape (n_states,)."""

    def energy_and_gradient(self, angles: Real) -> tuple[float, Real]:
        """Return <psi|O|psi> and its derivatives, shape (2, depth)."""

    def tail_and_gradient(self, angles: Real, alpha: float) -> tuple[float, Real]:
        """Return the mean of O over the lowest ``alpha`` of the probability, and derivatives."""

    def tail(self, probabilities: Real, alpha: float) -> float:
        """Return that mean alone, of probabilities of shape (n_states,)."""


def circuit_of(
    space: Space, cost: Real, observable: Real | None = None, *, mixer: Mixer
) -> Circuit:
    """Return the circuit of a cost diagonal: of qubits where all groups have two levels.

    Their mixers are X, but for a constant, which transforms of all qubits at once apply faster.
    """
    if is_of_qubits(space):
        return statevector.Qaoa(cost, observable)
    return Qaoa(space, cost, observable, mixer=mixer)


def is_of_qubits(space: Space) -> bool:
    """Return whether a space is that of all bitstrings of some qubits, in the states' order."""
    return space.n_states > 1 and all(levels <= 2 for levels in space.shape)


class Qaoa:
    """The QAOA circuit of one cost diagonal C on a space, measured in O, or else in C.

    ``cost`` and ``observable`` have the states' order, shape (n_states,) or ``space.shape``.

    Memory: five vectors of n_states complex numbers.
    """

    def __init__(
        self, space: Space, cost: Real, observable: Real | None = None, *, mixer: Mixer = "complete"
    ) -> None:
        self.cost = Diagonal(cost.ravel())
        self.observable = self.cost if observable is None else Diagonal(observable.ravel())
        self._states = np.empty((2, space.n_states), dtype=np.complex128)
        self._turns = [
            ((prod(space.shape[:at]), space.shape[at], prod(space.shape[at + 1 :])), turn)
            for at, group in enumerate(space.groups)
            for turn in turns_of(group, mixer)
        ]

    def state(self, angles: Real) -> Complex:
        """Return |psi>, shape (n_states,); valid until the next call."""
        psi: Complex = self._states[0]
        psi[:] = len(psi) ** -0.5
        for gamma, beta in angles.T:
            self.cost.apply_phase(gamma, self._states[:1])
            for shape, turn in self._turns:
                turn.apply(beta, psi.reshape(shape))
        return psi

    def probabilities(self, angles: Real) -> Real:
        """Return the probability of each state, shape (n_states,)."""
        psi = self.state(angles)
        probabilities: Real = psi.real**2 + psi.imag**2
        return probabilities

    def energy(self, angles: Real) -> float:
        """Return <psi|O|psi>."""
        psi = self.state(angles)
        return matrix_element(self.observable.values, psi, psi).real

    def energy_and_gradient(self, angles: Real) -> tuple[float, Real]:
        """Return <psi|O|psi> and its derivatives, shape (2, depth), at about three times the cost.

        As in ``ising.statevector``: O|psi> and |psi> are walked back through the circuit.
        """
        self.state(angles)
        return self._value_and_gradient(angles, self.observable.values)

    def tail_and_gradient(self, angles: Real, alpha: float) -> tuple[float, Real]:
        """Return CVaR, the mean of O over the lowest ``alpha`` of the probability, and derivatives.

        As in ``quantum_pipeline.ising.statevector``.
        """
        tail = self._tail(self.probabilities(angles), alpha)
        return self._value_and_gradient(angles, tail)

    def tail(self, probabilities: Real, alpha: float) -> float:
        """Return CVaR alone, of probabilities of shape (n_states,)."""
        return mean_and_deviation(self._tail(probabilities, alpha), probabilities)[0]

    def _tail(self, probabilities: Real, alpha: float) -> Real:
        quantile = self.observable.quantile(probabilities, alpha)
        return quantile - np.maximum(quantile - self.observable.values, 0) / alpha

    def _value_and_gradient(self, angles: Real, observable: Real) -> tuple[float, Real]:
        psi, bra = self._states
        np.multiply(observable, psi, out=bra)
        value = matrix_element(observable, psi, psi).real
        gradient = np.zeros_like(angles)
        for layer in reversed(range(angles.shape[1])):
            gamma, beta = angles[:, layer]
            for shape, turn in reversed(self._turns):
                both = psi.reshape(shape), bra.reshape(shape)
                gradient[1, layer] += 2 * np.vdot(both[1], turn.image(both[0])).imag
                for each in both:
                    turn.apply(-beta, each)
            gradient[0, layer] = 2 * matrix_element(self.cost.values, bra, psi).imag
            self.cost.apply_phase(-gamma, self._states)
        return value, gradient
