"""Branch and cut by HiGHS, which finds and proves the optimum of sparse models.

The linear program over the edges of ``cut_polytope`` gets the inequalities that its solution
violates until it has no more; its solution rounded is a cut, and often that closes the gap. HiGHS
branches on what is left, if it is little.

Source of the bound: A. Neumaier, O. Shcherbina, Math. Programming 99, 283 (2004).
"""

from __future__ import annotations

import math
import time

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import Bounds, LinearConstraint, linprog, milp
from scipy.sparse import csr_array, vstack
from scipy.sparse.csgraph import connected_components

from hybrid_job.classical.cut_polytope import CutGraph, Inequalities, violated
from quantum_pipeline.ising import EPSILON, IsingModel
from quantum_pipeline.ising.exact import ExactEnergies

Real = NDArray[np.float64]

FEW_ROUNDS, MOST_ROUNDS = 15, 150
"""Linear programs solved before searching, which few models need, and before branching."""

PATIENCE = 15
"""Rounds that must together close a fiftieth of the gap."""

BRANCHED_GAP = 0.04
"""Gap, in parts of the energy, up to which branching is tried: a wider one seldom closes."""


MOST_CLUSTERS = 12
"""Clusters of spins of which all flips are compared at the end."""

TOLERANCE = 1e-6
"""What HiGHS may take for 0 in a bound, for each variable, of costs up to 100."""


def worth_trying(model: IsingModel) -> bool:
    """Return whether the structure gives hope of a proof within seconds.

    Up to 320 couplings there is; or up to 2000 where a spin has 4 or less on average, as ``python
    -m benchmarks.classical`` shows. Fields make it easier, so they do not count. Beyond 2000 spins
    the paths between all of them take too much memory.

    >>> worth_trying(IsingModel.from_spins([0, 0], [(0, 1, 1)]))
    True
    """
    n, couplings = model.n_variables, len(model.couplings)
    return n <= 2000 and (couplings <= 320 or couplings <= min(2000, 2 * n))


class Proof:
    """The best spins of a model so far, ``proven`` once a bound shows that none are better.

    A bound of the linear programs is computed here from their multipliers, so it holds whatever
    the rounding inside HiGHS; one by branching is HiGHS's own, less what its tolerances may hide.
    Of weights on a lattice, a gap below its step is none. Of others a gap is always left; where it
    is ``closed``, no wider than what HiGHS resolves, reduced costs leave few cuts that might be
    better, and these are compared exactly.
    """

    def __init__(self, model: IsingModel) -> None:
        self._model, self._graph = model, CutGraph.of(model)
        self._costs = -2 * self._graph.weights
        self._constant = float(self._graph.weights.sum())
        self._resolved = 1e-9 * float(abs(self._graph.weights).sum())
        self._cuts = Inequalities(csr_array((0, len(self._costs))), np.zeros(0))
        # Of equally good cuts the linear program would mix several; a tenth of a step parts them.
        random = np.random.default_rng(0).random(len(self._costs))
        self._parted = self._costs + 0.1 * self._graph.step * random / len(self._costs)
        self._spins: Real = np.ones(0)
        self._energy, self._bound = math.inf, -math.inf
        self._reduced, self._reduced_bound = np.zeros(len(self._costs)), -math.inf
        self._settled = False

    @property
    def spins(self) -> Real:
        """Shape (n,), entries -1 or +1; none before the first linear program or offer."""
        return self._spins[:-1] * self._spins[-1:]

    @property
    def proven(self) -> bool:
        """Whether no spins have a lower energy; a bound above the energy found would be false."""
        on_lattice = self._graph.step > 0 and abs(self._gap()) <= 0.999 * self._graph.step
        return on_lattice or self._settled

    @property
    def closed(self) -> bool:
        """Whether it is proven, or as good as that for HiGHS."""
        return self.proven or abs(self._gap()) <= self._resolved

    @property
    def within(self) -> float | None:
        """By how much other spins may be lower at most, in units of the model; None if unknown."""
        gap = self._gap()
        return max(gap, 0.0) * self._graph.unit if math.isfinite(gap) else None

    def offer(self, spins: Real) -> None:
        """Take the spins, shape (n,), if they are better than the best so far."""
        self._take(np.append(spins, 1.0))

    def bound(self, deadline: float, rounds: int = MOST_ROUNDS) -> None:
        """Add inequalities until the proof stands, there are none, or the bound hardly moves."""
        bounds: list[float] = []
        while (left := deadline - time.monotonic()) > 0 and len(bounds) < rounds:
            options = {"time_limit": left}
            cuts = self._cuts
            found = linprog(self._parted, cuts.rows, cuts.limits, bounds=(0, 1), options=options)
            if found.status != 0:
                return
            bounds.append(self._safe(-found.ineqlin.marginals))
            self._bound = max(self._bound, bounds[-1])
            self._take(self._graph.rounded(found.x))
            if self.closed:
                self._settle()
            if self.closed or self._stalls(bounds):
                return
            more = violated(self._graph, found.x)
            if more is None:
                return
            # Slack inequalities go where the bound rose, which cannot repeat itself for ever.
            rose = len(bounds) < 2 or bounds[-1] > bounds[-2] + 1e-9 * abs(bounds[-2])
            self._cuts = (cuts.binding(found.x) if rose else cuts) + more

    def branch(self, deadline: float) -> None:
        """Let HiGHS branch until ``deadline``, if the gap is narrow."""
        left = deadline - time.monotonic()
        if self.closed or left <= 0 or self._gap() > BRANCHED_GAP * abs(self._energy):
            return
        whole, bounds, constraints = self._integer_program()
        found = milp(
            np.append(self._costs, np.zeros(self._graph.vertices)),
            integrality=whole,
            bounds=bounds,
            constraints=constraints,
            options={"time_limit": left, "mip_rel_gap": 0.0},
        )
        if found.x is not None:
            self._take(1 - 2 * np.rint(found.x[len(self._costs) :]))
        if found.mip_dual_bound is not None:
            hidden = TOLERANCE * len(whole) * max(1.0, float(abs(self._costs).max()) / 100)
            self._bound = max(self._bound, self._constant + float(found.mip_dual_bound) - hidden)

    def _settle(self) -> None:
        """Compare with all cuts that may be better, if they are few.

        A cut that differs in edge e from the sign of its reduced cost r_e is no lower than the
        bound by |r_e|. The edges that no better cut may change hold their ends together in
        clusters, and a better cut flips whole ones.
        """
        doubt = 2 * (self._energy - self._reduced_bound) + self._resolved
        kept, n = np.abs(self._reduced) > doubt, self._graph.vertices
        ends = self._graph.tails[kept], self._graph.heads[kept]
        count, clusters = connected_components(
            csr_array((np.ones(kept.sum()), ends), shape=(n, n)), directed=False
        )
        if count > MOST_CLUSTERS:
            return
        flips = 1 - 2 * ((np.arange(2 ** (count - 1))[:, None] >> np.arange(count)) & 1)
        spins = (self._spins * flips[:, clusters]) * (self._spins * flips[:, clusters])[:, -1:]
        bits = (spins[:, :-1] < 0).astype(np.int8).T
        best = ExactEnergies.of(self._model).best_of(bits)
        self._spins, self._settled = spins[best].astype(np.float64), True

    def _take(self, spins: Real) -> None:
        spins = self._graph.descended(spins)
        energy = self._graph.energy(spins)
        if energy < self._energy and not self._settled:
            self._spins, self._energy = spins, energy

    def _gap(self) -> float:
        return self._energy - self._bound

    def _stalls(self, bounds: list[float]) -> bool:
        return len(bounds) > PATIENCE and bounds[-1] - bounds[-PATIENCE] < 0.02 * self._gap()

    def _safe(self, marginals: Real) -> float:
        """Return a lower bound from any multipliers y: -limits y + sum min(0, costs + y rows).

        Less the rounding of these sums: of each addition, by u of all terms.
        """
        multipliers, rows = np.maximum(marginals, 0.0), self._cuts.rows
        reduced = self._costs + multipliers @ rows
        terms = abs(self._costs).sum() + multipliers @ (abs(rows).sum(axis=1) + self._cuts.limits)
        rounding = EPSILON * (sum(rows.shape) + 8) * terms
        bound = np.minimum(reduced, 0.0).sum() - multipliers @ self._cuts.limits - rounding
        if self._constant + bound > self._reduced_bound:
            self._reduced_bound, self._reduced = self._constant + float(bound), reduced
        return self._constant + float(bound)

    def _integer_program(self) -> tuple[Real, Bounds, LinearConstraint]:
        """Return integrality, bounds and constraints on z of the edges, then x of the vertices.

        z_e is the exclusive or of its ends. J_e > 0 pushes it up: z <= x_i + x_j and
        z <= 2 - x_i - x_j. J_e < 0 pushes it down: z >= x_i - x_j and z >= x_j - x_i.
        """
        graph, cuts = self._graph, self._cuts
        m, shape = len(self._costs), (len(self._costs), len(self._costs) + graph.vertices)
        up = graph.weights > 0
        columns = np.concatenate([np.arange(m), m + graph.tails, m + graph.heads])
        places = np.tile(np.arange(m), 3), columns
        links = [
            csr_array(
                (np.concatenate([np.where(up, 1, -1), a, np.where(up, a, -a)]), places), shape=shape
            )
            for a in (np.full(m, -1.0), np.full(m, 1.0))
        ]
        parts = cuts.rows.data, cuts.rows.indices, cuts.rows.indptr
        links.append(csr_array(parts, shape=(len(cuts.limits), shape[1])))
        limits = np.concatenate([np.zeros(m), np.where(up, 2.0, 0.0), cuts.limits])
        upper = np.ones(shape[1])
        # All spins may be flipped at once: the one with most neighbours stays.
        upper[m + np.bincount(np.append(graph.tails, graph.heads)).argmax()] = 0.0
        whole = np.append(np.zeros(m), np.ones(graph.vertices))
        return whole, Bounds(0, upper), LinearConstraint(vstack(links), -np.inf, limits)
