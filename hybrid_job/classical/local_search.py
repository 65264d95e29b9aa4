"""Local search where no proof is in reach: simulated annealing and tabu search by single flips.

Both know the fields f_i = h_i + sum_j J_ij s_j, of which a flip changes those of its neighbours
alone, and start many times from random spins; what annealing finds is joined two by two. Limits are
numbers of sweeps and steps, so a seed gives one answer on any machine; time is a cap that is met on
the largest models only.

Sources: S. Kirkpatrick et al., Science 220, 671 (1983); F. Glover et al., Management Science 44,
336 (1998); G. Palubeckis, Annals of OR 131, 259 (2004); J. Houdayer, O. C. Martin, Phys. Rev.
Lett. 83, 1030 (1999).
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components

from hybrid_job.optimising.optimiser import typical_field
from hybrid_job.sparse import Rows, couplings_of, rows_of
from quantum_pipeline.ising import IsingModel

Real = NDArray[np.float64]
Name = Literal["simulated annealing", "tabu search"]
Search = Callable[[np.random.Generator, float], Real]
"""From a source of random numbers and the monotonic time to end at: spins, shape (n,), -1 or +1."""

_Compiled = Callable[[Rows, Real, Real, np.uint64], Real]
"""From the rows of the couplings, fields on the spins, spins and a seed: the spins found."""

COMPILED_FROM = 80
"""Fewest variables for which compiling takes less time than annealing with numpy."""

READS = 16
"""Anneals."""

TEMPERATURES = np.concatenate(
    [np.geomspace(3.0, 0.7, 300), np.linspace(0.7, 0.1, 2300), np.geomspace(0.1, 0.003, 600)]
)
"""Of the sweeps of an anneal, in units of the typical field on a spin.

Most are spent where spins freeze; the last are for couplings much smaller than others.
"""

LARGE = 2000
"""Variables beyond which every temperature has two sweeps."""

FEW_TEMPERATURES = TEMPERATURES[::8].copy()
"""Of a short anneal."""

JOINED, SIDE_BY_SIDE = 4, 64
"""Short anneals of the clusters of two solutions, and in numpy, of all variables at once."""

STARTS, STEPS = 16, 200
"""Tabu searches, and steps per variable in one."""

MOST_LOOKS = 4e7
"""Spins looked at in one tabu search, every one at each step: some hundredths of a second."""


def searches(model: IsingModel) -> dict[Name, Search]:
    """Return the searches by name, compiled where that pays: they are quick, this may take 2 s."""
    if model.n_variables < COMPILED_FROM:
        return {"simulated annealing": _side_by_side(model)}
    n, neighbours = model.n_variables, _Neighbours.of(model)
    temperatures = np.repeat(TEMPERATURES, 1 if n <= LARGE else 2)

    def anneal(rng: np.random.Generator, deadline: float) -> Real:
        reads = neighbours.searched(READS, partial(_annealed, temperatures), rng, deadline)
        return neighbours.recombined(reads, rng, deadline)

    def tabu(rng: np.random.Generator, deadline: float) -> Real:
        search = partial(_tabu_searched, int(min(STEPS * n, MOST_LOOKS / n)))
        return neighbours.best(neighbours.searched(STARTS, search, rng, deadline))

    return {"simulated annealing": anneal, "tabu search": tabu}


def _annealed(temperatures: Real, rows: Rows, local: Real, spins: Real, seed: np.uint64) -> Real:
    from hybrid_job.classical import kernels  # noqa: PLC0415 (compiles)

    kernels.anneal(*rows, local, spins, temperatures, seed)
    return spins


def _tabu_searched(steps: int, rows: Rows, local: Real, spins: Real, seed: np.uint64) -> Real:
    from hybrid_job.classical import kernels  # noqa: PLC0415 (compiles)

    best = spins.copy()
    kernels.tabu(*rows, local, spins, best, steps, seed)
    return best


@dataclass(frozen=True)
class _Neighbours:
    """The couplings as sparse rows, and the fields in units of the typical field on a spin."""

    fields: Real
    matrix: csr_array

    @classmethod
    def of(cls, model: IsingModel) -> _Neighbours:
        unit = typical_field(model)
        return cls(np.asarray(model.fields) / unit, couplings_of(model) / unit)

    def energy(self, spins: Real) -> float:
        return float(spins @ (self.fields + self.matrix @ spins / 2))

    def best(self, found: Sequence[Real]) -> Real:
        return min(found, key=self.energy)

    def searched(
        self, count: int, search: _Compiled, rng: np.random.Generator, deadline: float
    ) -> list[Real]:
        """Return the spins that searches find, each from random ones: of ``count``, or in time."""
        found, rows = list[Real](), rows_of(self.matrix)
        while len(found) < count and not (found and time.monotonic() > deadline):
            spins = rng.choice([-1.0, 1.0], size=self.fields.size)
            seed = rng.integers(1, 2**63, dtype=np.uint64)
            found.append(search(rows, self.fields + self.matrix @ spins, spins, seed))
        return found

    def recombined(self, found: list[Real], rng: np.random.Generator, deadline: float) -> Real:
        """Return the best of solutions joined two by two, and then with all of them once more."""
        left = found
        while len(left) > 1 and time.monotonic() <= deadline:
            pairs = zip(left[::2], left[1::2], strict=False)
            joined = [self._joined(*pair, rng, deadline) for pair in pairs]
            left = joined + left[len(left) - len(left) % 2 :]
        best = self.best(left)
        for other in found[: len(found) * (time.monotonic() <= deadline)]:
            best = self._joined(best, other, rng, deadline)
        return best

    def _joined(self, first: Real, second: Real, rng: np.random.Generator, deadline: float) -> Real:
        """Return the best of two solutions and of those that keep all in which they agree.

        Neighbours whose product is the same in both are one cluster, and its flip one spin of a
        smaller model, which is annealed: so a wall that one has, and the other has not, goes.
        """
        n, entries = first.size, self.matrix.tocoo()
        i, j = entries.coords
        same = first[i] * first[j] == second[i] * second[j]
        links = csr_array((np.ones(int(same.sum())), (i[same], j[same])), shape=(n, n))
        count, cluster = connected_components(links, directed=False)
        members = csr_array((first, (cluster, np.arange(n))), shape=(count, n))
        apart = csr_array((entries.data[~same], (i[~same], j[~same])), shape=(n, n))
        clusters = _Neighbours._scaled(members @ self.fields, members @ apart @ members.T)
        if clusters is None:
            return self.best([first, second])
        search = partial(_annealed, FEW_TEMPERATURES)
        flips = clusters.best(clusters.searched(JOINED, search, rng, deadline))
        return self.best([first, second, members.T @ flips])

    @classmethod
    def _scaled(cls, fields: Real, matrix: csr_array) -> _Neighbours | None:
        """Return the neighbours of a model in units of its typical field; None if that is 0."""
        unit = math.hypot(*fields, *matrix.data) / math.sqrt(fields.size)
        return cls(fields / unit, csr_array(matrix / unit)) if unit > 1e-9 else None


def _side_by_side(model: IsingModel) -> Search:
    """Return simulated annealing in numpy, all reads at once. Cost: O(n^2 SIDE_BY_SIDE)."""
    n, unit = model.n_variables, typical_field(model)
    fields, couplings = np.asarray(model.fields) / unit, np.zeros((n, n))
    for i, j, coupling in model.couplings:
        couplings[i, j] = couplings[j, i] = coupling / unit

    def anneal(rng: np.random.Generator, deadline: float) -> Real:
        spins = rng.choice([-1.0, 1.0], size=(n, SIDE_BY_SIDE))
        local = fields[:, None] + couplings @ spins
        for temperature in FEW_TEMPERATURES:
            # Accept dE = -2 s f with probability exp(-dE/T): compare to T log(uniform).
            thresholds = temperature * np.log1p(-rng.random((n, SIDE_BY_SIDE)))
            for i in range(n):
                flipped = np.where(2 * spins[i] * local[i] > thresholds[i], 2 * spins[i], 0.0)
                spins[i] -= flipped
                local -= couplings[:, i, None] * flipped
            if time.monotonic() > deadline:
                break
        energies = (spins * (local + fields[:, None])).sum(axis=0)
        return np.asarray(spins[:, energies.argmin()])

    return anneal
