"""The classical baseline: what an ordinary computer finds for the same model, and how fast.

Which method answers is decided here. Proofs come first: enumeration while 2^n is a matter of
seconds, then HiGHS where the model is sparse. Where neither gets to the end, the best of simulated
annealing and tabu search is the answer, and not proven.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from hybrid_job.classical import enumeration, local_search, milp
from hybrid_job.classical.enumeration import Extremes
from quantum_pipeline.ising import IsingModel, all_energies, energy_of
from quantum_pipeline.results import ClassicalSolution

Real = NDArray[np.float64]
Method = Literal["HiGHS", "simulated annealing", "tabu search"]


def solve(
    model: IsingModel,
    *,
    spectrum: Real | None = None,
    spectrum_seconds: float = 0.0,
    seconds: float,
    rng: np.random.Generator,
) -> ClassicalSolution:
    """Return the best solution that classical methods find in about ``seconds``.

    The solution's ``method`` is what proved it the optimum, or else what found it, and its
    ``seconds`` are those of all that ran. Compiling, once a process and two seconds or so, counts
    in neither: it says nothing of the problem.

    Args:
        model: Ising model of n variables.
        spectrum: energies of all bitstrings, shape (2^n,), if they are there already; they may
            lack the offset.
        spectrum_seconds: what the spectrum took: part of what enumeration takes.
        seconds: cap of the time; where it is not reached, the answer hangs on ``rng`` alone.
        rng: source of the random numbers of the searches.

    >>> model = IsingModel.from_spins([0, 0, 1], [(0, 1, 1), (1, 2, 2)])
    >>> found = solve(model, seconds=1.0, rng=np.random.default_rng(7))
    >>> found.bitstring, found.energy, found.method, found.proven
    ('101', -4.0, 'enumeration', True)
    """
    clock = _Clock(seconds)
    n = model.n_variables
    if spectrum is None and n <= enumeration.LISTED:
        spectrum = all_energies(model.model_copy(update={"offset": 0.0}))
    ends = enumeration.listed(spectrum) if spectrum is not None else None
    if not model.scale:
        ends = Extremes(0, 0)
    if ends is None and enumeration.seconds_needed(model) <= seconds:
        with clock.stopped():
            _compile()
        ends = enumeration.scanned(model, clock.left)
    if ends is None:
        return _searched(model, clock, rng)
    bitstring, worst = (format(each, f"0{n}b") for each in (ends.lowest, ends.highest))
    return ClassicalSolution(
        method="enumeration",
        bitstring=bitstring,
        energy=energy_of(model, bitstring),
        worst_energy=energy_of(model, worst),
        proven=True,
        seconds=spectrum_seconds + clock.used,
    )


def _searched(model: IsingModel, clock: _Clock, rng: np.random.Generator) -> ClassicalSolution:
    """Return what HiGHS proves, else the best that it and the searches find."""
    found: dict[Method, Real] = {}
    proof = milp.Proof(model) if milp.worth_trying(model) else None
    if proof:
        proof.bound(time.monotonic() + clock.left / 3, rounds=milp.FEW_ROUNDS)
    if not (proof and proof.proven):
        with clock.stopped():
            if model.n_variables >= local_search.COMPILED_FROM:
                _compile()
        for name, search in local_search.searches(model).items():
            found[name] = search(rng, time.monotonic() + clock.left / 3)
    if proof:
        for spins in found.values():
            proof.offer(spins)
        if not proof.proven:
            proof.bound(time.monotonic() + clock.left / 2)
        proof.branch(time.monotonic() + clock.left)
        found["HiGHS"] = proof.spins
    energies = {name: energy_of(model, _bits(spins)) for name, spins in found.items()}
    method = min(energies, key=lambda name: energies[name])
    if proof and proof.proven:
        method = "HiGHS"
    return ClassicalSolution(
        method=method,
        bitstring=_bits(found[method]),
        energy=energies[method],
        worst_energy=None,
        proven=bool(proof and proof.proven),
        seconds=clock.used,
    )


def _compile() -> None:
    from hybrid_job.classical import kernels  # noqa: F401, PLC0415 (the import compiles)


def _bits(spins: Real) -> str:
    return "".join("0" if spin > 0 else "1" for spin in spins.tolist())


class _Clock:
    """Seconds used and left, without those while it was stopped."""

    def __init__(self, seconds: float) -> None:
        self._began, self._seconds = time.monotonic(), seconds

    @property
    def used(self) -> float:
        return time.monotonic() - self._began

    @property
    def left(self) -> float:
        return self._seconds - self.used

    @contextmanager
    def stopped(self) -> Iterator[None]:
        stopped = time.monotonic()
        yield
        self._began += time.monotonic() - stopped
