"""Starting angles: those that are best on the infinite regular tree, for graphs that look like it.

The angles that are best for MaxCut on the infinite d-regular tree are known (fixed_angles.json, by
scripts/fixed_angles.py), and near the best ones of any graph that looks like it. Measured in the
typical field sqrt(d) on a spin they hardly depend on d: they are straight lines in 1/d, which reach
the limit of many neighbours, 1/d = 0. Signs of couplings do not matter: on a tree, turning spins
over makes them all equal.

Sources: Wurtz, Lykov, arXiv:2107.00677 (fixed angles); Basso et al., arXiv:2110.14206 (the limit);
Shaydulin et al., arXiv:2201.11785, Sureshbabu et al., arXiv:2305.15201 (weights: scaled gammas).
"""

from __future__ import annotations

import json
import math
from functools import cache
from importlib import resources
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from hybrid_job.optimising.optimiser import starting_points, typical_field
from quantum_pipeline.ising import IsingModel
from quantum_pipeline.ising.angles import at_depth, from_units

Real = NDArray[np.float64]

WEAK_FIELDS = 0.1
"""Share of the fields in the square of the typical field up to which a model counts as a graph."""

ONE_SQUARE = 0.8
"""Share of the largest eigenvalue in the sum of their squares: 1/2 to 0.75 in small dense graphs,
more in complete ones alone."""


ROUNDING = 1 + 1e-9
"""How far above a bound a figure may come out that lies on it, as that of five equal spins does."""


class Start(NamedTuple):
    """Angles to start from, shape (2, depth), and where they come from."""

    angles: Real
    words: str


def starting(model: IsingModel, depth: int) -> Start:
    """Return the angles that are transferred, or a linear ramp where there are none."""
    known = transferred(model, depth)
    if known is not None:
        return Start(known, "angles of the regular tree that the couplings resemble")
    [ramp] = starting_points(depth, 1, typical_field(model), np.random.default_rng(0))
    return Start(ramp, "linear ramp")


def transferred(model: IsingModel, depth: int) -> Real | None:
    """Return angles, shape (2, depth), of the regular tree that the model resembles, if any.

    A graph where all nodes have d equal couplings, up to sign, takes those of degree d. All other
    couplings take the limit of many neighbours: degrees that vary blur what is special to small d
    (with few weighted neighbours a start by mean degree was worse than the ramp).

    None, for the ramp is as good or better, where fields matter, and where the couplings are
    nearly one square, J_ij = a_i a_j, as a penalty makes them: there no two neighbours are far
    apart, as they are on a tree.

    Evaluations to convergence and ratio at the end, ``python -m benchmarks.starts``, n = 12:

                           depth 3               depth 5               depth 8
        from         ramp      this        ramp      this        ramp      this
        ring         25 .908    3 .908     47 .944    4 .944     33 1.000   9 1.000
        3-regular    16 .905   11 .905     29 .953   15 .953     83 .976   23 .981
        6-regular    13 .920   12 .920     26 .958   14 .958     73 .982   20 .985
        scale-free   13 .891   10 .891     23 .937   13 .937     64 .966   18 .970
        weighted     14 .897   10 .897     26 .944   16 .944     71 .968   23 .971
        spin glass   12 .870   10 .870     23 .930   14 .930     75 .963   21 .968
    """
    field = typical_field(model)
    couplings = _matrix(model) / field
    of_couplings, of_fields = np.sum(couplings**2), np.sum(np.divide(model.fields, field) ** 2)
    if not of_couplings or of_fields > ROUNDING * WEAK_FIELDS * (of_couplings + of_fields):
        return None
    if np.linalg.eigvalsh(couplings)[-1] ** 2 > ROUNDING * ONE_SQUARE * of_couplings:
        return None
    known = min(depth, max(_table()))
    angles = from_units(_at(known, _regular_degree(couplings)), field)
    return at_depth(angles, depth)


def _matrix(model: IsingModel) -> Real:
    """Return J, symmetric, shape (n, n)."""
    matrix = np.zeros((model.n_variables,) * 2)
    for i, j, coupling in model.couplings:
        matrix[i, j] = matrix[j, i] = coupling
    return matrix


def _regular_degree(couplings: Real) -> float:
    """Return d where every spin has d couplings of one size, else infinity."""
    sizes = np.abs(couplings[couplings != 0])
    degrees = np.count_nonzero(couplings, axis=0)
    regular = np.ptp(sizes) <= 1e-9 * sizes.max() and np.ptp(degrees) == 0
    return float(degrees[0]) if regular else math.inf


def _at(depth: int, degree: float) -> Real:
    """Return the angles in units of the typical field, on a straight line in 1/degree."""
    known = _table()[depth]
    degrees = sorted(known)
    degree = max(degree, degrees[0])
    at = min(int(np.searchsorted(degrees, degree)), len(degrees) - 1)
    low, high = degrees[max(at - 1, 0)], degrees[max(at, 1)]
    share = (1 / degree - 1 / low) / (1 / high - 1 / low)
    line: Real = (1 - share) * known[low] + share * known[high]
    return line


@cache
def _table() -> dict[int, dict[int, Real]]:
    """Return the angles in units of the typical field sqrt(d), by depth and degree."""
    file = resources.files("hybrid_job.optimising") / "data" / "fixed_angles.json"
    table: dict[int, dict[int, Real]] = {}
    for entry in json.loads(file.read_text("utf-8")):
        degree = entry["degree"]
        angles = np.array([entry["gammas"], entry["betas"]]) * [[math.sqrt(degree)], [1.0]]
        table.setdefault(entry["depth"], {})[degree] = angles
    return table
