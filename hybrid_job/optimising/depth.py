"""Grows the number of layers while it pays, each from the optimum of those before.

What a layer pays is its share of the whole descent, from the energy of the untouched start state to
the optimum. This needs no ground energy and no second look at the state: where layers stop paying,
the energies say so themselves.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from hybrid_job.limits import LimitReached, evaluations_used, time_is_up
from hybrid_job.optimising.optimiser import Evaluate, Optimum, Real, minimise
from quantum_pipeline.ising.angles import interpolated
from quantum_pipeline.requests.limits import Limit

LEAST_GAIN = 0.01
"""Share of the descent that a layer must gain for the next one to be tried."""


@dataclass(frozen=True)
class Step:
    """The lowest energy that some layers reached, at which angles, and what it took.

    ``angles`` have the shape (2, depth).
    """

    angles: Real
    energy: float
    evaluations: int

    @property
    def depth(self) -> int:
        """The number of layers."""
        return self.angles.shape[1]


@dataclass(frozen=True)
class Growth:
    """The best of all depths, what each reached, and why there is none after the last.

    ``stopped_by`` is the limit for which there is none, None where it has another reason.
    In ``optimum.history`` the starts of the first depth are numbered from 1, and each further depth
    counts as one more start.
    """

    optimum: Optimum
    steps: tuple[Step, ...]
    because: str
    stopped_by: Limit | None


class _End(NamedTuple):
    """Why no layer follows, and the limit that is the reason if one is."""

    because: str
    stopped_by: Limit | None = None

    @classmethod
    def by(cls, reached: LimitReached) -> _End:
        return cls(str(reached), reached.limit)


class _Stopwatch:
    """An evaluation that knows how long it takes: the most seconds a layer so far."""

    def __init__(self, evaluate: Evaluate) -> None:
        self._evaluate = evaluate
        self._seconds_a_layer = 0.0

    def __call__(self, angles: Real) -> tuple[float, Real]:
        began = time.monotonic()
        found = self._evaluate(angles)
        taken = (time.monotonic() - began) / angles.shape[1]
        self._seconds_a_layer = max(self._seconds_a_layer, taken)
        return found

    def next_ends(self, depth: int) -> float:
        """Return the time at which an evaluation of so many layers, begun now, would end."""
        return time.monotonic() + depth * self._seconds_a_layer


def grow(
    evaluate: Evaluate,
    starts: Sequence[Real],
    *,
    unit: float,
    max_depth: int,
    max_evaluations: int,
    deadline: float,
    untouched: float = 0.0,
    least_gain: float = LEAST_GAIN,
    best_alone: bool = False,
    first_step: float = 1.0,
) -> Growth:
    """Return the best angles of all depths from that of ``starts`` up to ``max_depth``.

    The first depth takes the best of all ``starts``, or with ``best_alone`` goes on from the best
    of them alone, with ``first_step``; each next one starts from the optimum before,
    interpolated. It ends after a depth p that gained too little,

        E_(p-1) - E_p  <  least_gain (untouched - E_p),

    at ``max_depth``, or where the evaluations or the time are used up. The optimum is that of the
    lowest energy: a last layer that was paid for is not thrown away.

    Args:
        evaluate: energy, or its CVaR, and gradient; as ``unit`` and limits for ``minimise``.
        starts: angles of one depth, each of shape (2, depth).
        untouched: energy of the start state, all angles 0: for <C> in |+>^n the mean of all
            energies, which is 0 for a model without its offset.

    Mean of 8 models, n = 12, ``max_depth`` 10 (``python -m benchmarks.growth``): the depth where it
    ends, the evaluations of all depths, and the probability of an optimal bitstring in one shot:

                            <C>                        CVaR 0.2
        3-regular           depth 9.1, 140,  .91       depth 3.6,  19,  .23
        weighted            depth 9.9, 130,  .38       depth 5.8,  42,  .21
        QUBO                depth 8.2, 110,  .38       depth 4.0,  31,  .18
        independent set     depth 9.8, 189,  .56       depth 5.2,  94,  .23
        partition           depth 6.2, 167,  .024      depth 5.1,  80,  .029
        portfolio           depth 9.8, 415,  .038      depth 9.1, 287,  .066

    A tail is content as soon as the optimum fills it: it ends early where <C> would go on, and pays
    where penalties leave the optimum improbable.
    """
    timed = _Stopwatch(evaluate)
    best = Optimum(starts[0])
    history: list[tuple[int, float]] = []
    steps: list[Step] = []
    points, ended = list(starts), None
    while ended is None:
        end = minimise(
            timed,
            points,
            unit=unit,
            max_evaluations=max_evaluations - len(history),
            deadline=deadline,
            best_alone=best_alone and not history,
            first_step=1.0 if history else first_step,
        )
        earlier = history[-1][0] if history else 0
        history += [(earlier + start, energy) for start, energy in end.history]
        steps.append(Step(end.angles, end.energy, len(end.history)))
        if end.energy < best.energy:
            best = end
        if len(history) == max_evaluations:
            ended = _End.by(evaluations_used(max_evaluations))
        else:
            ended = _reason_to_end(steps, end, max_depth, untouched, least_gain)
        if ended is None and timed.next_ends(steps[-1].depth + 1) > deadline:
            ended = _End.by(time_is_up("no time for one more layer"))
        points = [interpolated(end.angles)]
    best.history = history
    return Growth(best, tuple(steps), ended.because, ended.stopped_by)


def _reason_to_end(
    steps: Sequence[Step], end: Optimum, max_depth: int, untouched: float, least_gain: float
) -> _End | None:
    """Return why no layer should follow the last step; None where one should."""
    step = steps[-1]
    if not end.converged:
        return _End(f"depth {step.depth}: {end.stop_reason}", end.stopped_by)
    descent = untouched - min(each.energy for each in steps)
    if not descent > 0:
        return _End(f"depth {step.depth} is no lower than the start state")
    if len(steps) > 1:
        gain = max(0.0, (steps[-2].energy - step.energy) / descent)
        if gain < least_gain:
            share = f"{gain:.2%} of the descent, less than {least_gain:.2%}"
            return _End(f"depth {step.depth} gained {share}")
    return _End(f"depth {step.depth} is the most allowed") if step.depth >= max_depth else None
