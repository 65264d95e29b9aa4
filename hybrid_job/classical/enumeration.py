"""Enumerates all bitstrings, which proves the lowest and highest energy while 2^n takes seconds.

Few variables are listed in one array by numpy. More go through compiled code: the last spins in
blocks of all their values, the spins before in the order of a Gray code, where one flips at a time
and the fields on the others follow in O(n). Without fields, E(s) = E(-s) and half of it will do.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from quantum_pipeline.ising import EPSILON, IsingModel, all_energies
from quantum_pipeline.ising.exact import ExactEnergies

Real = NDArray[np.float64]

LISTED = 22
"""Most variables listed in one array, which takes less time than compiling."""

SCANNED = 30
"""Most spins scanned, not counting one that symmetry fixes: a second or so."""

STATES_PER_SECOND = 5e8
"""Of the compiled code on a slow day: what is enumerated must not hang on the machine's mood."""

BLOCK = 10
"""Spins in a block: its 2^10 energies stay in the first cache."""

_CALL = 2**10
"""Blocks in one call: a millisecond, after which time is looked at and sums begin anew."""


@dataclass(frozen=True)
class Extremes:
    """The bitstrings of lowest and highest energy, as numbers: variable 0 first.

    ``doubtful`` says that others are lower than the lowest in one reading of the coefficients.
    Where there was no time to tell all apart, others may be lower by ``within``.
    """

    lowest: int
    highest: int
    doubtful: bool = False
    within: float | None = None


def listed(model: IsingModel, exact: ExactEnergies, spectrum: Real) -> Extremes:
    """Return the ends of the energies of all bitstrings, shape (2^n,), less the model's offset."""
    rounding = exact.rounding(model)
    lowest = exact.lowest(spectrum, rounding)
    return Extremes(lowest.place, exact.highest(spectrum, rounding), lowest.doubtful)


def seconds_needed(model: IsingModel) -> float:
    """Return the seconds that ``scanned`` takes; infinite where it is not for the model."""
    free = model.n_variables - (not any(model.fields))
    return 2.0**free / STATES_PER_SECOND if free <= SCANNED else math.inf


def scanned(
    model: IsingModel, seconds: float, exact: ExactEnergies | None = None
) -> Extremes | None:
    """Return the ends of the energies of 12 variables or more; None if ``seconds`` run out.

    Which energy is lower is decided by ``exact``, if not given by the model's own numbers.

    Cost: O(2^n) additions, and O(n) of a flip every 2^10; an energy is a sum of some thousand
    changes at most, then begun anew.
    """
    scan = _Scan(model, time.monotonic() + seconds)
    return scan.ends(exact or ExactEnergies.of(model)) if scan.done() else None


class _Scan:
    """The lowest and highest energy of each call of the compiled code, and their blocks' codes."""

    def __init__(self, model: IsingModel, deadline: float) -> None:
        self._model, self._deadline = model, deadline
        n, self._m = model.n_variables, model.n_variables - BLOCK
        couplings = np.zeros((n, n))
        for i, j, coupling in model.couplings:
            couplings[i, j] = couplings[j, i] = coupling
        self._fields, self._couplings = np.asarray(model.fields), couplings
        self._block = all_energies(_last(model, self._m)).reshape(2 ** (BLOCK // 2), -1)
        self._blocks = 2 ** (self._m - (not self._fields.any()))
        self._in_a_call = min(_CALL, self._blocks)
        calls = self._blocks // self._in_a_call
        self._extremes = np.repeat([[math.inf, -math.inf]], calls, axis=0)
        self._codes = np.zeros((calls, 2), dtype=np.int64)

    def done(self) -> bool:
        """Scan all; return whether there was time for it."""
        from hybrid_job.classical import kernels  # noqa: PLC0415 (compiles)

        m, fields = self._m, self._fields[: self._m]
        within, across = self._couplings[:m, :m].copy(), self._couplings[:m, m:].copy()
        room = np.empty(self._block.shape[0]), np.empty(self._block.shape[1])
        for call, (extremes, codes) in enumerate(zip(self._extremes, self._codes, strict=True)):
            if time.monotonic() > self._deadline:
                return False
            start = call * self._in_a_call
            spins = _spins(start ^ (start >> 1), m)
            local = fields + within @ spins
            energy = float(spins @ (fields + local)) / 2
            kernels.scan(
                within, across, self._block, start, self._in_a_call, energy, spins, local,
                spins @ across, *room, extremes, codes,
            )  # fmt: skip
        return True

    def ends(self, exact: ExactEnergies) -> Extremes:
        """Return the ends of all, or, if time runs out, the best and what others may be lower by.

        Calls that are as low but for the drift of their sums are listed, the lowest first, and what
        is as low but for rounding is compared exactly.
        """
        lows, highs = self._extremes.T
        highest = self._within(int(self._codes[highs.argmax(), 1]), highest=True)
        if self._model.sums_are_floats:
            return Extremes(self._within(int(self._codes[lows.argmin(), 0])), highest)
        rounding, drift = self._model.tolerance + exact.rounding(self._model), self._drift()
        lowest, best, listed = math.inf, list[int](), self._listing()
        for call in np.argsort(lows).tolist():
            above = float(lows[call]) - drift - (lowest + rounding)
            if best and above > 0:
                break
            if best and time.monotonic() > self._deadline:
                return Extremes(best[0], highest, within=-above)
            first, energies = listed(int(self._codes[call, 0]))
            lowest = min(lowest, float(energies.min()))
            near = first + np.flatnonzero(energies <= lowest + 2 * rounding)
            best = [exact.lowest_of(np.append(best, near).astype(np.intp))]
        return Extremes(best[0], highest)

    def _drift(self) -> float:
        """Return how far a low may be off: by F flips, each of a field that F flips changed.

        u (F^2 max_i (|h_i| + sum_j |J_ij|) + 2 F scale), and the rounding of a sum.
        """
        largest = float((np.abs(self._fields) + np.abs(self._couplings).sum(axis=0)).max())
        flips = self._in_a_call
        drift = EPSILON * flips * (flips * largest + 2 * self._model.scale)
        return float(drift + self._model.tolerance)

    def _within(self, code: int, *, highest: bool = False) -> int:
        """Return the bitstring of lowest, or of highest, energy in a block."""
        added = _spins(code, self._m) @ self._couplings[: self._m, self._m :]
        energies = self._block.ravel() + all_energies(IsingModel.from_spins(added.tolist(), []))
        return (code << BLOCK) + int(energies.argmax() if highest else energies.argmin())

    def _listing(self) -> Callable[[int], tuple[int, Real]]:
        """Return a function from a block of a call to the call's first bitstring and all energies.

        The couplings among the last spins give every call the same energies, a table; their fields
        give each row and each column of it one more.
        """
        last = BLOCK + self._in_a_call.bit_length() - 1
        m, half = self._model.n_variables - last, last // 2
        model = _last(self._model, m)
        alone = model.model_copy(update={"fields": (0.0,) * last})
        table = all_energies(alone).reshape(2**half, -1)

        def listed(code: int) -> tuple[int, Real]:
            first = code >> (last - BLOCK)
            spins = _spins(first, m)
            fields = np.asarray(model.fields) + spins @ self._couplings[:m, m:]
            constant = float(spins @ (self._fields[:m] + self._couplings[:m, :m] @ spins / 2))
            rows, columns = (
                all_energies(IsingModel.from_spins(part.tolist(), []))
                for part in np.split(fields, [half])
            )
            energies = table + (constant + rows)[:, None]
            energies += columns
            return first << last, energies.ravel()

        return listed


def _last(model: IsingModel, m: int) -> IsingModel:
    """Return the model of the spins from m on, among themselves."""
    couplings = [(i - m, j - m, coupling) for i, j, coupling in model.couplings if i >= m]
    return IsingModel.from_spins(model.fields[m:], couplings)


def _spins(code: int, m: int) -> Real:
    return np.asarray(1.0 - 2.0 * ((code >> np.arange(m)[::-1]) & 1), dtype=np.float64)
