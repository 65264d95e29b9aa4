"""The measurements of a molecule: one circuit for each of ``chemistry.measuring.diagonals``.

The first is the state itself, so its shots are determinants. All turns conserve the electrons of
each spin: shots with other numbers of them are known to be wrong, at no further circuit.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Self

import numpy as np
from braket.circuits import Circuit
from numpy.typing import NDArray

from hybrid_job.on_device.measurement import Bits, Compiled, Measurement, Setting
from hybrid_job.on_device.molecules.excitations import measured_circuit
from quantum_pipeline.chemistry.excitations import Excitation, state_of
from quantum_pipeline.chemistry.factorisation import Group
from quantum_pipeline.chemistry.hamiltonian import energy_of
from quantum_pipeline.chemistry.integrals import Integrals
from quantum_pipeline.chemistry.measuring import diagonals
from quantum_pipeline.chemistry.sector import Sector
from quantum_pipeline.results import MoleculePoint

NEGLIGIBLE = 1e-8
"""Amplitudes in radians, zero by symmetry but for rounding, that no gates are spent on."""


class Settings:
    """The circuits of a molecule's energy, for any amplitudes of the same excitations."""

    def __init__(
        self, integrals: Integrals, groups: Sequence[Group], excitations: Sequence[Excitation]
    ) -> None:
        self.integrals, self.excitations = integrals, tuple(excitations)
        self.sector = Sector.of(integrals)
        self._diagonals = diagonals(integrals, groups)

    @classmethod
    def of(cls, point: MoleculePoint, groups: Sequence[Group]) -> tuple[Self, NDArray[np.float64]]:
        """Return the circuits of a trained state's excitations, and their amplitudes."""
        kept = [each for each in point.amplitudes if abs(each.amplitude) > NEGLIGIBLE]
        settings = cls(point.integrals, groups, [each.excitation for each in kept])
        return settings, np.array([each.amplitude for each in kept])

    @property
    def n_qubits(self) -> int:
        """Spin orbitals."""
        return self.sector.n_qubits

    def circuits(self, parameters: NDArray[np.float64]) -> list[Circuit]:
        """Return the logical circuits of some amplitudes: qubit k is spin orbital k."""
        amplitudes = parameters.tolist()
        return [
            measured_circuit(self.sector, self.excitations, amplitudes, each.turns)
            for each in self._diagonals
        ]

    def measurement(
        self, parameters: NDArray[np.float64], compiled: Sequence[Compiled]
    ) -> Measurement:
        """Return the settings of compiled ``circuits``, and the exact energy of their state."""
        plain = tuple(
            Setting(circuit, each.model)
            for circuit, each in zip(compiled, self._diagonals, strict=True)
        )
        state = state_of(self.sector, self.excitations, parameters.tolist())
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
