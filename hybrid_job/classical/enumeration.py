"""Enumerates all bitstrings, which proves the lowest and highest energy while 2^n takes seconds.

Few variables are listed in one array by numpy. More go through compiled code: the last spins in
blocks of all their values, the spins before in the order of a Gray code, where one flips at a time
and the fields on the others follow in O(n). Without fields, E(s) = E(-s) and half of it will do.
"""

from __future__ import annotations

import math
import time
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from quantum_pipeline.ising import IsingModel, all_energies

Real = NDArray[np.float64]

LISTED = 22
"""Most variables listed in one array, which takes less time than compiling."""

SCANNED = 30
"""Most spins scanned, not counting one that symmetry fixes: a second or so."""

STATES_PER_SECOND = 5e8
"""Of the compiled code on a slow day: what is enumerated must not hang on the machine's mood."""

BLOCK = 10
"""Spins in a block: its 2^10 energies stay in the first cache."""

_CALL = 2**12
"""Blocks in one call: some milliseconds, after which time is looked at and sums begin anew."""


@dataclass(frozen=True)
class Extremes:
    """The bitstrings of lowest and highest energy, as numbers: variable 0 first."""

    lowest: int
    highest: int


def listed(spectrum: Real) -> Extremes:
    """Return the ends of the energies of all bitstrings, shape (2^n,)."""
    return Extremes(int(spectrum.argmin()), int(spectrum.argmax()))


def seconds_needed(model: IsingModel) -> float:
    """Return the seconds that ``scanned`` takes; infinite where it is not for the model."""
    free = model.n_variables - (not any(model.fields))
    return 2.0**free / STATES_PER_SECOND if free <= SCANNED else math.inf


def scanned(model: IsingModel, seconds: float) -> Extremes | None:
    """Return the ends of the energies of 12 variables or more; None if ``seconds`` run out.

    Cost: O(2^n) additions, and O(n) of a flip every 2^10; an energy is a sum of some thousand
    changes at most, then begun anew.
    """
    from hybrid_job.classical import kernels  # noqa: PLC0415 (compiles)

    deadline = time.monotonic() + seconds
    n, m = model.n_variables, model.n_variables - BLOCK
    couplings = np.zeros((n, n))
    for i, j, coupling in model.couplings:
        couplings[i, j] = couplings[j, i] = coupling
    fields = np.asarray(model.fields)
    block = all_energies(_last(model, m)).reshape(2 ** (BLOCK // 2), -1)
    within, across = couplings[:m, :m].copy(), couplings[:m, m:].copy()
    extremes, codes = np.array([math.inf, -math.inf]), np.zeros(2, dtype=np.int64)
    room = np.empty(block.shape[0]), np.empty(block.shape[1])
    blocks = 2 ** (m - (not fields.any()))
    for start in range(0, blocks, _CALL):
        if time.monotonic() > deadline:
            return None
        spins = _spins(start ^ (start >> 1), m)
        local = fields[:m] + within @ spins
        energy = float(spins @ (fields[:m] + local)) / 2
        count = min(_CALL, blocks - start)
        kernels.scan(
            within, across, block, start, count, energy, spins, local, spins @ across, *room,
            extremes, codes,
        )  # fmt: skip
    low, high = (block + _added(across, _spins(int(code), m), block.shape) for code in codes)
    ends = [int(code) << BLOCK for code in codes]
    return Extremes(ends[0] + int(low.argmin()), ends[1] + int(high.argmax()))


def _last(model: IsingModel, m: int) -> IsingModel:
    """Return the model of the spins from m on, among themselves."""
    couplings = [(i - m, j - m, coupling) for i, j, coupling in model.couplings if i >= m]
    return IsingModel.from_spins(model.fields[m:], couplings)


def _spins(code: int, m: int) -> Real:
    return np.asarray(1.0 - 2.0 * ((code >> np.arange(m)[::-1]) & 1), dtype=np.float64)


def _added(across: Real, spins: Real, shape: tuple[int, ...]) -> Real:
    """Return what the spins before a block add to its energies, but for a constant."""
    return all_energies(IsingModel.from_spins((spins @ across).tolist(), [])).reshape(shape)
