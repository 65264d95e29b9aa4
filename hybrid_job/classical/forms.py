"""The classical baseline of a problem on a form: HiGHS, or looking at all states.

All states were listed for the circuit's sake, so the optimum is known. What is asked here is what
an ordinary computer needs for it: HiGHS on the constrained form, if it finds and proves the optimum
in time; else the enumeration, and of problems without constraints that alone.
"""

from __future__ import annotations

from hybrid_job.classical import linearised
from hybrid_job.stopwatch import Stopwatch
from quantum_pipeline.results.constrained import ClassicalMethod, ConstrainedSolution
from quantum_pipeline.spaces.landscape import Landscape

MOST_SECONDS = 2.0
"""What HiGHS gets where the optimum is known already."""


def solve(landscape: Landscape, *, listed_seconds: float, seconds: float) -> ConstrainedSolution:
    """Return the optimum, and what proved it.

    Args:
        landscape: all states, one at least feasible.
        listed_seconds: what it took to list them: what enumeration takes.
        seconds: cap of HiGHS's time.
    """
    watch, form = Stopwatch(), landscape.form
    [best] = form.space.bits(landscape.best[:1]).tolist()
    listed_seconds += watch.lap()
    if form.constraints:
        answer = linearised.solve(form, min(seconds, MOST_SECONDS))
        if answer is not None and answer.proven and answer.bits and form.feasible(answer.bits):
            found = form.objective.value(answer.bits)
            if found == form.objective.value(best):
                return _solution("HiGHS", answer.bits, landscape, watch.lap())
    return _solution("enumeration", best, landscape, listed_seconds)


def _solution(
    method: ClassicalMethod, bits: list[int], landscape: Landscape, seconds: float
) -> ConstrainedSolution:
    return ConstrainedSolution(
        method=method,
        bitstring="".join(map(str, bits)),
        objective=landscape.ends[0],
        proven=True,
        seconds=seconds,
    )
