"""Local search where no proof is in reach: simulated annealing and tabu search by single flips.

Both know the fields f_i = h_i + sum_j J_ij s_j, of which a flip changes those of its neighbours
alone, and start many times from random spins. Limits are numbers of sweeps and steps, so a seed
gives one answer on any machine; time is a cap that is met on the largest models only.

Sources: S. Kirkpatrick et al., Science 220, 671 (1983); F. Glover et al., Management Science 44,
336 (1998); G. Palubeckis, Annals of OR 131, 259 (2004).
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from hybrid_job.optimising.optimiser import typical_field
from quantum_pipeline.ising import IsingModel

Real = NDArray[np.float64]
Name = Literal["simulated annealing", "tabu search"]
Search = Callable[[np.random.Generator, float], Real]
"""From a source of random numbers and the monotonic time to end at: spins, shape (n,), -1 or +1."""

COMPILED_FROM = 80
"""Fewest variables for which compiling takes less time than annealing with numpy."""

READS = 64
"""Anneals."""

TEMPERATURES = np.geomspace(3.0, 0.03, 400)
"""Of the sweeps of an anneal, in units of the typical field on a spin."""

STARTS, STEPS = 16, 200
"""Tabu searches, and steps per variable in one."""

MOST_LOOKS = 4e7
"""Spins looked at in one tabu search, every one at each step: some hundredths of a second."""


def searches(model: IsingModel) -> dict[Name, Search]:
    """Return the searches by name, compiled where that pays: they are quick, this may take 2 s."""
    if model.n_variables < COMPILED_FROM:
        return {"simulated annealing": _side_by_side(model)}
    from hybrid_job.classical import kernels  # noqa: PLC0415 (compiles)

    neighbours = _Neighbours.of(model)
    rows = neighbours.arrays

    def anneal(rng: np.random.Generator, deadline: float) -> Real:
        def read(spins: Real, local: Real, seed: np.uint64) -> Real:
            kernels.anneal(*rows, local, spins, TEMPERATURES, seed)
            return spins

        return neighbours.best_of(READS, read, rng, deadline)

    def tabu(rng: np.random.Generator, deadline: float) -> Real:
        n = model.n_variables
        steps = int(min(STEPS * n, MOST_LOOKS / n))

        def start(spins: Real, local: Real, seed: np.uint64) -> Real:
            best = spins.copy()
            kernels.tabu(*rows, local, spins, best, steps, seed)
            return best

        return neighbours.best_of(STARTS, start, rng, deadline)

    return {"simulated annealing": anneal, "tabu search": tabu}


@dataclass(frozen=True)
class _Neighbours:
    """The couplings as sparse rows, and the fields in units of the typical field on a spin."""

    fields: Real
    matrix: csr_array

    @classmethod
    def of(cls, model: IsingModel) -> _Neighbours:
        unit = typical_field(model)
        i = np.array([i for i, _, _ in model.couplings], dtype=np.int64)
        j = np.array([j for _, j, _ in model.couplings], dtype=np.int64)
        values = np.array([coupling / unit for _, _, coupling in model.couplings])
        n = model.n_variables
        both = np.append(i, j), np.append(j, i)
        matrix = csr_array((np.append(values, values), both), shape=(n, n))
        return cls(np.asarray(model.fields) / unit, matrix)

    @property
    def arrays(self) -> tuple[NDArray[np.int64], NDArray[np.int64], Real]:
        matrix = self.matrix
        return matrix.indptr.astype(np.int64), matrix.indices.astype(np.int64), matrix.data

    def best_of(
        self,
        count: int,
        search: Callable[[Real, Real, np.uint64], Real],
        rng: np.random.Generator,
        deadline: float,
    ) -> Real:
        """Return the best spins of ``count`` searches, each from random ones; at least of one."""
        lowest, best = np.inf, self.fields
        for number in range(count):
            if number and time.monotonic() > deadline:
                break
            first = rng.choice([-1.0, 1.0], size=self.fields.size)
            seed = rng.integers(1, 2**63, dtype=np.uint64)
            spins = search(first, self.fields + self.matrix @ first, seed)
            energy = float(spins @ (self.fields + self.matrix @ spins / 2))
            if energy < lowest:
                lowest, best = energy, spins
        return best


def _side_by_side(model: IsingModel) -> Search:
    """Return simulated annealing in numpy, all reads at once. Cost: O(n^2 READS)."""
    n, unit = model.n_variables, typical_field(model)
    fields, couplings = np.asarray(model.fields) / unit, np.zeros((n, n))
    for i, j, coupling in model.couplings:
        couplings[i, j] = couplings[j, i] = coupling / unit

    def anneal(rng: np.random.Generator, deadline: float) -> Real:
        spins = rng.choice([-1.0, 1.0], size=(n, READS))
        local = fields[:, None] + couplings @ spins
        for temperature in TEMPERATURES:
            # Accept dE = -2 s f with probability exp(-dE/T): compare to T log(uniform).
            thresholds = temperature * np.log1p(-rng.random((n, READS)))
            for i in range(n):
                flipped = np.where(2 * spins[i] * local[i] > thresholds[i], 2 * spins[i], 0.0)
                spins[i] -= flipped
                local -= couplings[:, i, None] * flipped
            if time.monotonic() > deadline:
                break
        energies = (spins * (local + fields[:, None])).sum(axis=0)
        return np.asarray(spins[:, energies.argmin()])

    return anneal
