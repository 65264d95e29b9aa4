"""Angles of a circuit, as the passes use them.

Betas are folded into [-pi/4, pi/4], where tan(beta) is at most 1. A shift by pi/2 is, but for a
global phase, an X on every qubit, which turns an index into its complement. Moved to the start of
the circuit, where it changes nothing, it makes the layers before it read the costs backwards.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import pi

import numpy as np
from numpy.typing import NDArray

Real = NDArray[np.float64]


@dataclass(frozen=True)
class Circuit:
    """Angles, as the passes use them; pass k has the phases of layer k + 1, and the last has none.

    ``tangents`` and ``scales`` are tan(beta) and cos(beta)^n of each layer, ``first`` the uniform
    state's amplitude; ``real`` and ``imaginary`` are tables of the scaled phases, shape
    (depth + 1, number of distinct costs).
    """

    gammas: Real
    tangents: Real
    scales: Real
    first: float
    backwards: NDArray[np.bool_]
    real: Real | None
    imaginary: Real | None
    global_phase: complex

    @property
    def depth(self) -> int:
        """Number of layers, p."""
        return len(self.tangents)

    @classmethod
    def of(cls, angles: Real, n_qubits: int, table: Real | None, *, halved: bool) -> Circuit:
        """Return what the passes need of angles, for the distinct costs, if they are few."""
        gammas, betas = np.append(angles[0], 0.0), angles[1]
        turns = np.rint(betas / (pi / 2))
        folded = betas - turns * (pi / 2)
        scales = np.append(np.cos(folded) ** n_qubits, 1.0)
        first = 2.0 ** (-n_qubits / 2)
        real = imaginary = None
        if table is not None:
            phases = np.outer(gammas, table)
            factors = (scales * np.where(np.arange(scales.size) == 0, first, 1.0))[:, None]
            real, imaginary = factors * np.cos(phases), -factors * np.sin(phases)
        flipped = np.append(np.cumsum(turns[::-1])[::-1] % 2 != 0, False)
        return cls(
            gammas=gammas,
            tangents=np.tan(folded),
            scales=scales,
            first=first,
            backwards=flipped & (not halved),
            real=real,
            imaginary=imaginary,
            global_phase=(-1j) ** (int(turns.sum()) * n_qubits % 4),
        )
