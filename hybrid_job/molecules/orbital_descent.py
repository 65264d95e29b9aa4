"""Leads orbitals downhill to a stable minimum of the energy: Newton steps within a trust radius.

The step s minimises  g s + s H s / 2  in a ball of angles:  (H + shift) s = -g,  solved in the
eigenvectors of the Hessian. The shift is what a level shift is to self-consistency. Where the
gradient vanishes and an eigenvalue is negative, the orbitals are at a saddle, as symmetric ones
often are: then the step follows that eigenvector. So the end is a minimum, whatever the start.

Source: Nocedal, Wright, Numerical Optimization, algorithm 4.1 and section 4.3.
"""

from __future__ import annotations

import numpy as np
from scipy.optimize import brentq

from hybrid_job.molecules.restricted import Determinant, Real, RestrictedEnergy

STEPS = 200
FIRST_RADIUS, LARGEST_RADIUS = 0.5, 1.0
"""Norm of the angles of a step, in radians."""

SLOPE = 1e-9
"""Largest derivative left, in hartree; the energy has its square."""

UNSTABLE = -1e-7
"""Eigenvalue of the Hessian, in hartree, below which the energy falls; above, it is rounding."""

ROUNDING = 1e-12
"""Hartree below which the change of an energy says nothing."""


def descend(energy: RestrictedEnergy, start: Determinant) -> Determinant | None:
    """Return the minimum that the orbitals lead to, None where ``STEPS`` steps do not reach it.

    Cost: O(n^5 + pairs^3) a step, of which some ten are needed.
    """
    here, radius = start, FIRST_RADIUS
    derivatives = energy.derivatives(here)
    for _ in range(STEPS):
        gradient, hessian = derivatives
        if not gradient.size:
            return here
        values, vectors = np.linalg.eigh(hessian)
        slopes = vectors.T @ gradient
        if np.abs(gradient).max() < SLOPE and values[0] > UNSTABLE:
            return here
        step = _step(values, slopes, radius)
        there = energy.of(energy.rotated(here.coefficients, vectors @ step))
        expected = float(slopes @ step + values @ step**2 / 2)
        ratio = (there.energy - here.energy) / expected if expected < -ROUNDING else 1.0
        length = float(np.linalg.norm(step))
        if ratio < 0.25:
            radius = length / 4
        elif ratio > 0.75 and length > 0.9 * radius:
            radius = min(2 * radius, LARGEST_RADIUS)
        if ratio > 0:
            here, derivatives = there, energy.derivatives(there)
    return None


def _step(values: Real, slopes: Real, radius: float) -> Real:
    """Return the step of at most ``radius`` in the Hessian's eigenvectors that leads lowest."""
    least = max(0.0, -values[0]) + 1e-10

    def step(shift: float) -> Real:
        taken: Real = -slopes / (values + shift)
        return taken

    def beyond(shift: float) -> float:
        return float(np.linalg.norm(step(shift))) - radius

    if beyond(least) <= 0:
        within = step(least)
        if values[0] < UNSTABLE:  # on the ridge: the rest of the radius along the way down
            rest = max(radius**2 - float(within @ within), 0.0) ** 0.5
            within[0] -= np.copysign(rest, slopes[0])
        return within
    most = least + float(np.linalg.norm(slopes)) / radius
    return step(float(brentq(beyond, least, most, rtol=1e-6)))
