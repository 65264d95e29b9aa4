"""Measures the readout errors of each qubit by two circuits: all qubits in 0, all in 1.

Qubits are taken to be misread independently of each other. Then a spin s that is read as m has

    E[m] = a s + b,    a = 1 - e0 - e1,    b = e1 - e0

with e0 = P(1 is read | 0) and e1 = P(0 is read | 1), and f = (m - b) / a has the mean s.

Source: S. Bravyi et al., "Mitigating measurement errors in multiqubit experiments", Phys. Rev. A
103, 042605 (2021).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from math import pi

import numpy as np
from braket.circuits import Circuit
from numpy.typing import NDArray

from hybrid_job.on_device.measurement import Compiled, Counts
from quantum_pipeline.errors import InvalidRequest
from quantum_pipeline.ising import spins_of

Real = NDArray[np.float64]

Prepare = Callable[[int, int], Circuit]
"""Makes the circuit that brings a qubit, given first, from 0 into the bit given second."""

LEAST_CONTRAST = 0.2
"""Least 1 - e0 - e1 of a qubit: below it, a correction amplifies mostly noise."""


def in_plain_gates(qubit: int, bit: int) -> Circuit:
    """Return X or the identity, for devices that compile what they are given."""
    return Circuit().x(qubit) if bit else Circuit().i(qubit)


def in_native_gates(native: Collection[str]) -> Prepare:
    """Return how a qubit is brought into a bit with a device's own gates, by Braket's names.

    Raises:
        InvalidRequest: none of them turns a qubit over.

    >>> in_native_gates(["prx", "cz"])(4, 1).instructions[0].operator.name
    'PRx'
    """
    if "prx" in native:
        return lambda qubit, bit: Circuit().prx(qubit, pi * bit, 0.0)
    if "rx" in native:
        # A device's Rx may know multiples of pi/2 alone; half a turn there and back is nothing.
        return lambda qubit, bit: Circuit().rx(qubit, pi / 2).rx(qubit, pi / 2 if bit else -pi / 2)
    if "gpi" in native:
        return lambda qubit, bit: (
            Circuit().gpi(qubit, 0.0) if bit else Circuit().gpi(qubit, 0.0).gpi(qubit, 0.0)
        )
    if "x" in native:
        return lambda qubit, bit: Circuit().x(qubit) if bit else Circuit().x(qubit).x(qubit)
    allowed = "false on devices without prx, rx, gpi or x among their native gates"
    raise InvalidRequest.of("mitigation.readout", True, allowed)


def readout_circuits(
    compiled: Compiled, prepare: Prepare = in_plain_gates
) -> tuple[Compiled, Compiled]:
    """Return two circuits on the measured qubits of ``compiled``: all left in 0, all in 1.

    Where the device runs circuits verbatim, ``prepare`` must give its own gates.
    """
    zeros, ones = Circuit(), Circuit()
    for qubit in compiled.qubits:
        zeros.add_circuit(prepare(qubit, 0))
        ones.add_circuit(prepare(qubit, 1))
    return compiled.of(zeros), compiled.of(ones)


@dataclass(frozen=True)
class Misreading:
    """``wrong[k, b]`` is the probability that measured bit k is read as 1 - b where it is b.

    ``variances`` are of the same shape: what the shots leave open.
    """

    wrong: Real
    variances: Real

    @property
    def contrast(self) -> Real:
        """a = 1 - e0 - e1 of each bit."""
        contrast: Real = 1 - self.wrong.sum(axis=1)
        return contrast

    @property
    def shift(self) -> Real:
        """b = e1 - e0 of each bit."""
        return self.wrong[:, 1] - self.wrong[:, 0]

    @property
    def can_be_corrected(self) -> bool:
        """Whether each bit, as read, carries enough information to be corrected."""
        return bool((self.contrast >= LEAST_CONTRAST).all())

    def of(self, bits: Sequence[int]) -> Misreading:
        """Return that of some of the bits, in their order."""
        chosen = list(bits)
        return Misreading(self.wrong[chosen], self.variances[chosen])

    def inverse(self, bit: int) -> Real:
        """Return the matrix, 2 by 2, that takes what is read of a bit to what it was."""
        (e0, e1), a = self.wrong[bit], self.contrast[bit]
        matrix: Real = np.array([[1 - e1, -e1], [-e0, 1 - e0]]) / a
        return matrix


def misreading(zeros: Counts, ones: Counts) -> Misreading:
    """Return the readout errors that the counts of both readout circuits show.

    A probability p of N shots has the variance p (1 - p) / N, with p = (k + 1) / (N + 2) where k
    shots were wrong: so one that was never seen is not taken to be known exactly.

    >>> misreading({"00": 9, "01": 1}, {"11": 8, "10": 2}).wrong.tolist()
    [[0.0, 0.0], [0.1, 0.2]]
    """
    wrong, variances = [], []
    for counts, right in ((zeros, 1), (ones, -1)):
        weights = np.array(list(counts.values()))
        shots = weights.sum()
        missed = weights @ (spins_of(list(counts)) != right)
        guess = (missed + 1) / (shots + 2)
        wrong.append(missed / shots)
        variances.append(guess * (1 - guess) / shots)
    return Misreading(np.array(wrong).T, np.array(variances).T)
