"""The classical baseline: what an ordinary computer finds for the same model, and how fast.

Which method answers is decided here. Proofs come first: enumeration while 2^n is a matter of
seconds, then exact reductions, whatever the size. The kernels that those leave are proven by bucket
elimination, enumeration or HiGHS. Where none of them gets to the end, the best of simulated
annealing and tabu search is the answer, and not proven.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from hybrid_job.classical import elimination, enumeration, local_search, milp
from hybrid_job.classical.elimination import eliminated
from hybrid_job.classical.enumeration import Extremes
from hybrid_job.classical.reductions import Reduction
from quantum_pipeline.ising import IsingModel, all_energies, spins_of
from quantum_pipeline.ising.exact import ExactEnergies
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
    exact: ExactEnergies | None = None,
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
        exact: what decides which energy is lower; if not given, the model's own numbers.
        spectrum: energies of all bitstrings less the offset, shape (2^n,), if they are there
            already.
        spectrum_seconds: what the spectrum took: part of what enumeration takes.
        seconds: cap of the time; where it is not reached, the answer hangs on ``rng`` alone.
        rng: source of the random numbers of the searches.

    >>> model = IsingModel.from_spins([0, 0, 1], [(0, 1, 1), (1, 2, 2)])
    >>> found = solve(model, seconds=1.0, rng=np.random.default_rng(7))
    >>> found.bitstring, found.energy, found.method, found.proven
    ('101', -4.0, 'enumeration', True)
    """
    clock, n = _Clock(seconds), model.n_variables
    exact = exact or ExactEnergies.of(model)
    model = model.model_copy(update={"offset": 0.0})
    if spectrum is None and n <= enumeration.LISTED:
        spectrum = all_energies(model)
    if spectrum is not None:
        answer = _Whole.of(enumeration.listed(model, exact, spectrum), n)
    else:
        answer = _answered(model, exact, clock, rng)
    used, worst = clock.used, answer.worst() if answer.worst else None
    return ClassicalSolution(
        method=answer.method,
        bitstring=answer.bitstring,
        energy=float(exact.energy(answer.bitstring)),
        worst_bitstring=worst,
        worst_energy=None if worst is None else float(exact.energy(worst)),
        proven=answer.proven,
        within=answer.within,
        doubtful=answer.doubtful,
        seconds=spectrum_seconds + used,
    )


@dataclass
class _Whole:
    """An answer as a ``ClassicalSolution`` has it; ``worst`` finds the worst bitstring."""

    method: Method
    bitstring: str
    worst: Callable[[], str | None] | None = None
    proven: bool = True
    within: float | None = None
    doubtful: bool = False

    @classmethod
    def of(cls, ends: Extremes, n: int) -> _Whole:
        lowest, worst = (format(each, f"0{n}b") for each in (ends.lowest, ends.highest))
        return cls(
            "enumeration",
            lowest,
            lambda: worst,
            proven=ends.within is None,
            within=ends.within,
            doubtful=ends.doubtful,
        )


def _answered(
    model: IsingModel, exact: ExactEnergies, clock: _Clock, rng: np.random.Generator
) -> _Whole:
    """Return what is enumerated in time, else what is left to reductions.

    Where the model has a unit that makes integers of its numbers, no sum of them is rounded. Where
    it has none, its floats are solved, and in doubt if they are not the problem's own numbers.
    """
    integers = exact.whole(model)
    solved = integers or model
    answer = None
    if not solved.scale:
        answer = _Whole.of(Extremes(0, 0), model.n_variables)
    elif enumeration.seconds_needed(solved) <= clock.left:
        with clock.stopped():
            _compile()
        ends = enumeration.scanned(solved, clock.left, exact)
        answer = None if ends is None else _Whole.of(ends, model.n_variables)
    if answer is None:
        answer = _reduced(solved, clock, rng)
        answer.doubtful |= answer.proven and integers is None and not exact.holds(model)
    if integers is not None and answer.within is not None and integers.scale:
        answer.within *= model.scale / integers.scale
    return answer


def _reduced(model: IsingModel, clock: _Clock, rng: np.random.Generator) -> _Whole:
    """Return the solution put together from those of the kernels that reductions leave."""
    reduction, sparse = Reduction(model), milp.worth_trying(model)
    answers: list[_Answer] = []
    for k, kernel in enumerate(reduction.kernels):
        sizes = [len(each.couplings) for each in reduction.kernels[k:]]
        share = clock.left * sizes[0] / sum(sizes)
        # A kernel has more neighbours than its model, but is none the harder to prove.
        hopeful = sparse or milp.worth_trying(kernel)
        answers.append(_solved(kernel, clock, share, rng, hopeful=hopeful))
    proven = all(answer.proven for answer in answers)
    open_ = [answer.within for answer in answers if not answer.proven]
    bounded = [each for each in open_ if each is not None]
    return _Whole(
        method=_method(model, answers),
        bitstring=_bits(reduction.spins([answer.spins for answer in answers])),
        worst=partial(_highest, model),
        proven=proven,
        within=sum(bounded) if open_ and len(bounded) == len(open_) else None,
        # The numbers of a kernel are sums, which are rounded unless they are of integers.
        doubtful=proven and bool(answers) and not model.sums_are_floats,
    )


def _method(model: IsingModel, answers: list[_Answer]) -> Method:
    """Return what the answer hangs on: of what is not proven, or else of all, the largest part."""
    if not answers:
        return "exact reduction"
    decisive = max(answers, key=lambda answer: (not answer.proven, answer.spins.size))
    whole = len(answers) == 1 and decisive.spins.size == model.n_variables
    return decisive.method if whole else _AFTER_REDUCTION[decisive.method]


def _highest(model: IsingModel) -> str | None:
    """Return the bitstring of highest energy, if reductions find it: the answer is another."""
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
    return _bits(reduction.spins(found))


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
            spins = _spins(ends.lowest, model.n_variables)
            return _Answer(spins, "enumeration", ends.within is None, ends.within)
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
    if not (proof and proof.closed):
        with clock.stopped():
            if model.n_variables >= local_search.COMPILED_FROM:
                _compile()
        for name, search in local_search.searches(model).items():
            found[name] = search(rng, clock.deadline(end, parts=3 if proof else 2))
    if proof:
        for spins in found.values():
            proof.offer(spins)
        if not proof.closed:
            proof.bound(clock.deadline(end, parts=2))
        proof.branch(clock.deadline(end, parts=1))
        found["HiGHS"] = proof.spins
        if proof.closed:
            return _Answer(proof.spins, "HiGHS", proof.proven, proof.within)
    names, bitstrings = list(found), [_bits(spins) for spins in found.values()]
    method = names[ExactEnergies.of(model).best(bitstrings)]
    return _Answer(found[method], method, proven=False, within=proof.within if proof else None)


def _compile() -> None:
    from hybrid_job.classical import kernels  # noqa: F401, PLC0415 (the import compiles)


class _Answer(NamedTuple):
    """Spins of a kernel, shape (n,), and what found or proved them.

    Without a proof, no others are lower by more than ``within``, if that is known.
    """

    spins: Real
    method: Method
    proven: bool
    within: float | None = None


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
