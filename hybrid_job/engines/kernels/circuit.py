"""The angles of a circuit in the form that the passes use.

Betas are folded into [-pi/4, pi/4], where tan(beta) is at most 1. A shift by pi/2 is, but for a
global phase, an X on every qubit, which turns an index into its complement. Moved to the start of
the circuit, where it changes nothing, it makes the layers before it read the costs backwards.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import cos, pi, tan

import numpy as np
from numpy.typing import NDArray

Real = NDArray[np.float64]


@dataclass(frozen=True)
class Circuit:
    """What passes and results need of the angles of p layers.

    ``passes`` has a row for each of p + 1 passes, the fields ``ANGLES`` of ``Pass``: pass k has the
    phases of layer k + 1, and the last one none. ``scales`` is cos(beta)^n of each layer.
    """

    passes: list[list[float]]
    scales: list[float]
    global_phase: complex

    @classmethod
    def of(cls, angles: Real, n_qubits: int, *, halved: bool) -> Circuit:
        """Return the circuit of angles of shape (2, p); a loop, which is faster than arrays here.

        ``halved`` is whether the state is, to which an X on every qubit does nothing.

        >>> Circuit.of(np.array([[0.5], [np.pi / 2]]), 2, halved=False).passes[0]
        [0.0, 0.0, 0.5, 0.5, 1.0]
        """
        gammas, betas = angles.tolist()
        turns = [round(beta / (pi / 2)) for beta in betas]
        folded = [beta - turn * (pi / 2) for beta, turn in zip(betas, turns, strict=True)]
        scales = [cos(beta) ** n_qubits for beta in folded]
        passes, before, left = [], 0.0, sum(turns)
        first = 2.0 ** (-n_qubits / 2)
        for gamma, beta, scale, turn in zip(gammas, folded, scales, turns, strict=True):
            after = tan(beta)
            passes.append([before, after, gamma, scale * first, float(left % 2 and not halved)])
            before, first, left = after, 1.0, left - turn
        passes.append([before, 0.0, 0.0, 1.0, 0.0])
        return cls(passes, scales, (-1j) ** (sum(turns) * n_qubits % 4))
