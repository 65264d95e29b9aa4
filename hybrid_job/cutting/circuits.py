"""The circuit of a part: QAOA of its own couplings, with what the cuts ask for at its sites.

A measurement in a later layer is a CNOT onto an ancilla, which is read at the end. The ancilla
starts in (0 + 1)/sqrt(2); CZ, up to a phase ZZ(pi/2) and Rz(-pi/2) on both, and then H are the
CNOT, so that the ancilla is one more variable of the layer's commuting ZZ rotations. H is
Rz(pi/2) Rx(pi/2) Rz(pi/2): its first turn and CZ's cancel, its last one changes no readout.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import pi

import numpy as np
from braket.circuits import Circuit
from numpy.typing import NDArray

from quantum_pipeline.cutting.expansion import MEASURED, ONE, ZERO, Expansion

Real = NDArray[np.float64]
Pair = tuple[int, int]

TILTS = {ZERO: 0.0, ONE: pi}
PLUS = pi / 2
"""The angles t of starts Ry(t)|0>: of bits that are prepared, and of their superposition."""


@dataclass(frozen=True)
class PartLayer:
    """Commuting ZZ(t) and Rz(t), then Rx(t) of each qubit: pairs i < j, and angles by qubit."""

    pairs: Mapping[Pair, float]
    z: Real
    x: Real


@dataclass(frozen=True)
class PartCircuit:
    """Qubits in Ry(t)|0>, then layers; the last qubits are ancillas."""

    tilts: tuple[float, ...]
    layers: tuple[PartLayer, ...]

    @property
    def n_qubits(self) -> int:
        """Variables of the part, and ancillas."""
        return len(self.tilts)

    def logical(self) -> Circuit:
        """Return it in the gates of Braket, which carry half angles."""
        circuit = Circuit()
        for qubit, tilt in enumerate(self.tilts):
            circuit.ry(qubit, tilt)
        for layer in self.layers:
            for qubit, angle in enumerate(layer.z.tolist()):
                circuit.rz(qubit, angle)
            for (i, j), angle in layer.pairs.items():
                circuit.zz(i, j, angle)
            for qubit, angle in enumerate(layer.x.tolist()):
                circuit.rx(qubit, angle)
        return circuit


def part_circuit(expansion: Expansion, part: int, name: str) -> PartCircuit:
    """Return a circuit of a part by its name; bit k of its readout is the part's k-th variable.

    Ancillas follow in the order of their sites.
    """
    variables, sites = expansion.parts[part].variables, expansion.sites[part]
    at = {v: k for k, v in enumerate(variables)}
    n_qubits = expansion.n_bits(part, name)
    tilts = [PLUS] * n_qubits
    asked = list(zip(sites, name, strict=True))
    for site, letter in asked:
        if letter in TILTS:
            tilts[at[site.variable]] = TILTS[letter]
    measured = [site for site, letter in asked if letter == MEASURED]
    ancillas = {site: len(variables) + k for k, site in enumerate(measured)}
    own = {(at[i], at[j]): J for i, j, J in expansion.model.couplings if i in at and j in at}
    layers = []
    for k, (gamma, beta) in enumerate(expansion.angles.T.tolist()):
        pairs = {pair: 2 * gamma * coupling for pair, coupling in own.items()}
        z, x = np.zeros(n_qubits), np.zeros(n_qubits)
        z[: len(variables)] = [2 * gamma * expansion.model.fields[v] for v in variables]
        x[: len(variables)] = 2 * beta
        for site, letter in asked:
            if site.layer != k:
                continue
            if letter == MEASURED:
                pairs[at[site.variable], ancillas[site]] = pi / 2
                z[at[site.variable]] -= pi / 2
                x[ancillas[site]] = pi / 2
            elif letter not in TILTS:
                z[at[site.variable]] += int(letter) * pi / 2
        layers.append(PartLayer(pairs, z, x))
    return PartCircuit(tuple(tilts), tuple(layers))
