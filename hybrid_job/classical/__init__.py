"""The classical baseline: what an ordinary computer finds for the same model, and how fast.

Which method answers is decided here. Proofs come first: enumeration while 2^n is a matter of
seconds, then exact reductions, whatever the size. The kernels that those leave are proven by bucket
elimination, enumeration or HiGHS. Where none of them gets to the end, the best of simulated
annealing and tabu search is the answer, and not proven.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from hybrid_job.classical import elimination, enumeration, local_search, milp
from hybrid_job.classical.elimination import eliminated
from hybrid_job.classical.enumeration import Extremes
from hybrid_job.classical.reductions import Reduction
from quantum_pipeline.ising import IsingModel, all_energies, energy_of, spins_of
from quantum_pipeline.results import ClassicalSolution
from quantum_pipeline.results.optimisation import Method

Real = NDArray[np.float64]
_AFTER_REDUCTION: dict[Method, Method] = {
    "exact reduction": "exact reduction",
    "enumeration": "enumeration after reduction",
    "HiGHS": "HiGHS after reduction",
    "simulated annealing": "simulated annealing after reduction",
    "tabu search": "tabu search after reduction",
}


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
    in neither: it says nothing of the problem. Nor does the search for the worst energy, which is
    given where enumeration or reductions alone find it.

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
        return _reduced(model, clock, rng)
    bitstring, worst = (format(each, f"0{n}b") for each in (ends.lowest, ends.highest))
    return ClassicalSolution(
        method="enumeration",
        bitstring=bitstring,
        energy=energy_of(model, bitstring),
        worst_energy=energy_of(model, worst),
        proven=True,
        seconds=spectrum_seconds + clock.used,
    )


def _reduced(model: IsingModel, clock: _Clock, rng: np.random.Generator) -> ClassicalSolution:
    """Return the solution put together from those of the kernels that reductions leave."""
    reduction, sparse = Reduction(model), milp.worth_trying(model)
    answers: list[_Answer] = []
    for k, kernel in enumerate(reduction.kernels):
        sizes = [len(each.couplings) for each in reduction.kernels[k:]]
        share = clock.left * sizes[0] / sum(sizes)
        # A kernel has more neighbours than its model, but is none the harder to prove.
        hopeful = sparse or milp.worth_trying(kernel)
        answers.append(_solved(kernel, clock, share, rng, hopeful=hopeful))
    bitstring = _bits(reduction.spins([answer.spins for answer in answers]))
    seconds = clock.used
    return ClassicalSolution(
        method=_method(model, answers),
        bitstring=bitstring,
        energy=energy_of(model, bitstring),
        worst_energy=_highest(model),
        proven=all(answer.proven for answer in answers),
        seconds=seconds,
    )


def _method(model: IsingModel, answers: list[_Answer]) -> Method:
    """Return what the answer hangs on: of what is not proven, or else of all, the largest part."""
    if not answers:
        return "exact reduction"
    decisive = max(answers, key=lambda answer: (not answer.proven, answer.spins.size))
    whole = len(answers) == 1 and decisive.spins.size == model.n_variables
    return decisive.method if whole else _AFTER_REDUCTION[decisive.method]


def _highest(model: IsingModel) -> float | None:
    """Return the highest energy, if reductions find it: it is no part of the answer sought."""
    negated = IsingModel(
        fields=tuple(-h for h in model.fields),
        couplings=tuple((i, j, -coupling) for i, j, coupling in model.couplings),
    )
    reduction = Reduction(negated)
    found: list[Real] = []
    for kernel in reduction.kernels:
        spins = eliminated(kernel)
        if spins is None:
            return None
        found.append(spins)
    return energy_of(model, _bits(reduction.spins(found)))


def _solved(
    model: IsingModel, clock: _Clock, seconds: float, rng: np.random.Generator, *, hopeful: bool
) -> _Answer:
    """Return the optimum of a kernel if a proof is in reach, else the best that is found.

    ``hopeful`` is whether HiGHS may prove it within seconds.
    """
    spins = eliminated(model, _entries(seconds, hopeful=hopeful))
    if spins is not None:
        return _Answer(spins, "exact reduction", proven=True)
    if enumeration.seconds_needed(model) <= seconds:
        with clock.stopped():
            _compile()
        ends = enumeration.scanned(model, seconds)
        if ends is not None:
            return _Answer(_spins(ends.lowest, model.n_variables), "enumeration", proven=True)
    return _searched(model, clock, seconds, rng, hopeful=hopeful)


def _entries(seconds: float, *, hopeful: bool) -> int:
    """Return how large tables may be: where HiGHS may be faster, it has its turn first."""
    if hopeful:
        return elimination.FEW_ENTRIES
    in_time = int(elimination.ENTRIES_PER_SECOND * max(seconds, 0.0))
    return max(elimination.FEW_ENTRIES, min(elimination.MOST_ENTRIES, in_time))


def _searched(
    model: IsingModel, clock: _Clock, seconds: float, rng: np.random.Generator, *, hopeful: bool
) -> _Answer:
    """Return what HiGHS proves, else the best that it and the searches find."""
    found: dict[Method, Real] = {}
    end = clock.used + seconds
    proof = milp.Proof(model) if hopeful else None
    if proof:
        proof.bound(clock.deadline(end, parts=3), rounds=milp.FEW_ROUNDS)
    if not (proof and proof.proven):
        with clock.stopped():
            if model.n_variables >= local_search.COMPILED_FROM:
                _compile()
        for name, search in local_search.searches(model).items():
            found[name] = search(rng, clock.deadline(end, parts=3 if proof else 2))
    if proof:
        for spins in found.values():
            proof.offer(spins)
        if not proof.proven:
            proof.bound(clock.deadline(end, parts=2))
        proof.branch(clock.deadline(end, parts=1))
        found["HiGHS"] = proof.spins
        if proof.proven:
            return _Answer(proof.spins, "HiGHS", proven=True)
    energies = {name: energy_of(model, _bits(spins)) for name, spins in found.items()}
    method = min(energies, key=lambda name: energies[name])
    return _Answer(found[method], method, proven=False)


def _compile() -> None:
    from hybrid_job.classical import kernels  # noqa: F401, PLC0415 (the import compiles)


class _Answer(NamedTuple):
    """Spins of a kernel, shape (n,), and what found or proved them."""

    spins: Real
    method: Method
    proven: bool


def _spins(number: int, n: int) -> Real:
    """Return the spins of a bitstring that is ``number`` in binary."""
    return np.asarray(spins_of([format(number, f"0{n}b")])[0], dtype=np.float64)


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

    def deadline(self, end: float, parts: int) -> float:
        """Return the monotonic time at which one of ``parts`` of what is left to ``end`` is used.

        ``end`` is in seconds used.
        """
        return time.monotonic() + (end - self.used) / parts

    @contextmanager
    def stopped(self) -> Iterator[None]:
        stopped = time.monotonic()
        yield
        self._began += time.monotonic() - stopped
