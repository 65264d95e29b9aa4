"""Chooses the angles of a calibration circuit: near the circuit's own, so that it errs alike."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

STEP = 0.08
"""By which part of them angles are changed, first down, then up, then twice as far."""


def calibration_angles(angles: NDArray[np.float64], k: int) -> list[NDArray[np.float64]]:
    """Return k other angles of the same circuit, shape (2, depth) each: gammas, then betas.

    All are scaled by one factor: 0.92, 1.08, 0.84, 1.16, and so on. Near trained angles the energy
    is almost as low, thus as far from that of the mixed state to which noise draws it, and every
    gate stays: the circuit loses what the one that counts loses.

    >>> [each.round(3).tolist() for each in calibration_angles(np.array([[1.0], [0.5]]), 2)]
    [[[0.92], [0.46]], [[1.08], [0.54]]]
    """
    return [angles * (1 + STEP * (1 + number // 2) * (-1) ** (number + 1)) for number in range(k)]
