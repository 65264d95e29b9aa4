"""What is measured of a molecule: one circuit for each group of ``chemistry.factorisation``.

In each the orbitals are turned so that the group is diagonal, and its energy is that of the bits:
an Ising model of all spin orbitals. The first is the state itself, so its shots are determinants.
All turns conserve the electrons of each spin: shots with other numbers of them are known to be
wrong, at no further circuit.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
from braket.circuits import Circuit
from numpy.typing import NDArray

from hybrid_job.on_device.measurement import Bits, Compiled, Measurement, Setting
from hybrid_job.on_device.molecules.excitations import measured_circuit
from quantum_pipeline.chemistry.excitations import Excitation, state_of
from quantum_pipeline.chemistry.factorisation import Group, groups
from quantum_pipeline.chemistry.hamiltonian import energy_of
from quantum_pipeline.chemistry.integrals import Integrals
from quantum_pipeline.chemistry.rotations import network
from quantum_pipeline.chemistry.sector import Sector
from quantum_pipeline.ising import IsingModel

Compile = Callable[[Circuit], Compiled]

NEGLIGIBLE = 1e-8
"""Amplitudes in radians, zero by symmetry but for rounding, that no gates are spent on."""


class Settings:
    """The circuits of a molecule's energy, for any amplitudes of the same excitations."""

    def __init__(self, integrals: Integrals, excitations: Sequence[Excitation]) -> None:
        self.integrals, self.excitations = integrals, tuple(excitations)
        self.sector = Sector.of(integrals)
        self._networks = [network(each.rotation) for each in groups(integrals)]
        self.models = [
            occupation_model(group, order)
            for group, (_, order) in zip(groups(integrals), self._networks, strict=True)
        ]

    def circuits(self, amplitudes: Sequence[float]) -> list[Circuit]:
        """Return the logical circuits: qubit k is spin orbital k, in each one all of them."""
        return [
            measured_circuit(self.sector, self.excitations, amplitudes, turns)
            for turns, _ in self._networks
        ]

    def measurement(self, amplitudes: Sequence[float], compiled: Sequence[Compiled]) -> Measurement:
        """Return the settings of compiled ``circuits``, and the exact energy of their state."""
        plain = tuple(map(Setting, compiled, self.models))
        state = state_of(self.sector, self.excitations, amplitudes)
        return Measurement(
            plain=plain,
            verified=tuple(replace(each, accepted=self.accepted) for each in plain),
            exact=energy_of(self.integrals, state),
        )

    def accepted(self, bits: Bits) -> NDArray[np.bool_]:
        """Return which shots have the right numbers of alpha and of beta electrons."""
        alpha, beta = bits[:, ::2].sum(axis=1), bits[:, 1::2].sum(axis=1)
        right: NDArray[np.bool_] = (alpha == self.sector.n_alpha) & (beta == self.sector.n_beta)
        return right


def occupation_model(group: Group, order: Sequence[int]) -> IsingModel:
    """Return a group's energy as a model of the spin orbitals' bits; orbital i holds row order[i].

    c + sum_i f_i (x_i,alpha + x_i,beta) + 1/2 sum_ij q_ij (x_i,alpha + x_i,beta) (x_j,... )
    """
    rows = np.repeat(order, 2)
    quadratic = group.quadratic[np.ix_(rows, rows)]
    n = len(rows)
    pairs = [
        (a, b, float(quadratic[a, b] if a < b else quadratic[a, a] / 2))
        for a in range(n)
        for b in range(a, n)
    ]
    return IsingModel.from_bits(group.linear[rows].tolist(), pairs, group.constant)
