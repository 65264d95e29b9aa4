"""How a limit of the request ends an optimisation, with the limit as a field beside the words."""

from __future__ import annotations

from quantum_pipeline.requests.limits import Limit


class LimitReached(Exception):
    """The evaluations, the time or what may be spent are used up: the best so far is the result."""

    def __init__(self, limit: Limit, reason: str) -> None:
        super().__init__(reason)
        self.limit: Limit = limit


def evaluations_used(most: int) -> LimitReached:
    """Return that no evaluation is left.

    >>> str(evaluations_used(40))
    'algorithm.max_evaluations: all 40 are used'
    """
    limit: Limit = "algorithm.max_evaluations"
    return LimitReached(limit, f"{limit}: all {most} are used")


def time_is_up(consequence: str = "stopped in time to give a result") -> LimitReached:
    """Return that no time is left, and what follows from it."""
    limit: Limit = "limits.max_runtime_seconds"
    return LimitReached(limit, f"{limit}: {consequence}")
