"""The measurement of a form's energy: one circuit, whose shots show by themselves what is wrong.

All gates keep the rules of the groups, so shots that break one are known to have an error, at no
further circuit. Such a shot is no answer: in the energy of all shots it counts as a blind pick of a
state, which the mixed state is too.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from braket.circuits import Circuit
from numpy.typing import NDArray

from hybrid_job.on_device.forms.circuit import form_circuit
from hybrid_job.on_device.measurement import Bits, Compiled, Measurement, Setting
from quantum_pipeline.spaces import Space
from quantum_pipeline.spaces.encoding import Encoded
from quantum_pipeline.spaces.mixers import Mixer
from quantum_pipeline.spaces.readings import mean_of_all, read_energies

Real = NDArray[np.float64]


@dataclass(frozen=True)
class FormEnergy:
    """Energies of shots: those of their states, and the mean of all for what is none.

    ``energies`` has those of all states, constant included.
    """

    space: Space
    energies: Real = field(repr=False)

    @property
    def offset(self) -> float:
        """The mean over all states."""
        return mean_of_all(self.energies)

    def values(self, bits: Bits) -> Real:
        """Return the energy of each row, of which bits of slack are left out."""
        return read_energies(self.energies, self.space.numbers(bits[:, : self.space.n_bits]))


class FormSettings:
    """The circuit of a form, for any angles of one depth."""

    def __init__(self, encoded: Encoded, mixer: Mixer) -> None:
        self._encoded, self._mixer = encoded, mixer
        self._circuit = encoded.circuit(mixer)
        landscape = encoded.landscape
        self._constant = landscape.form.objective.constant
        energies = self._constant + landscape.energies(encoded.weighing)
        self._energy = FormEnergy(landscape.form.space, energies)

    @property
    def n_qubits(self) -> int:
        """Bits of the form, and of slack."""
        return self._encoded.encoding.space.n_bits

    def circuits(self, parameters: Real) -> list[Circuit]:
        """Return the logical circuit of some angles: qubit k is bit k."""
        space, cost = self._encoded.encoding.space, self._encoded.cost
        return [form_circuit(space, cost, parameters.tolist(), self._mixer)]

    def measurement(self, parameters: Real, compiled: Sequence[Compiled]) -> Measurement:
        """Return the setting of the compiled circuit, and the exact energy of its state."""
        [only] = compiled
        checks = any(group.ones is not None for group in self._encoded.encoding.form.space.groups)
        exact = self._constant + self._mean(parameters)
        verified = (Setting(only, self._energy, accepted=self.accepted),) if checks else None
        return Measurement((Setting(only, self._energy),), verified, exact)

    def accepted(self, bits: Bits) -> NDArray[np.bool_]:
        """Return which shots keep the rules of all groups."""
        space = self._energy.space
        kept: NDArray[np.bool_] = space.numbers(bits[:, : space.n_bits]) >= 0
        return kept

    def _mean(self, parameters: Real) -> float:
        probabilities = self._circuit.probabilities(parameters)
        return float(self._encoded.observable @ probabilities)
