"""Chooses a quantum model's settings in its share of the time; says why no more were tried."""

from __future__ import annotations

import time

from hybrid_job.job import ClassificationJob
from hybrid_job.learning.search import Learner, Search, Tried, search
from hybrid_job.limits import time_is_up
from hybrid_job.metrics import log_metric, log_phase
from quantum_pipeline.requests.limits import Limit

SHARE = 0.4
"""Of the time that is left, for the quantum model; the others have the rest."""


def tuned(job: ClassificationJob, learner: Learner) -> Search:
    """Return what settings came to, at least one."""
    now, count = time.monotonic(), job.algorithm.max_evaluations
    deadline = now + SHARE * max(0.0, job.deadline(reserved=1.0) - now)

    def tell(number: int, tried: Tried) -> None:
        log_phase("tuning", number, count)
        log_metric("accuracy", tried.accuracy, number)

    return search(job, learner, count=count, deadline=deadline, at_least=1, tell=tell)


def others_may_try(job: ClassificationJob, found: Search) -> int:
    """Return how many settings other models may try: as many as the quantum one had time for."""
    return len(found.tried) if found.late else job.algorithm.max_evaluations


def ended(job: ClassificationJob, found: Search) -> tuple[str, Limit | None]:
    """Return why no further setting was tried."""
    count, most = len(found.tried), job.algorithm.max_evaluations
    if found.late:
        reached = time_is_up(f"{count} of up to {most} settings were tried")
        return str(reached), reached.limit
    folds = f"{len(found.learner.table.folds)} folds"
    if count < most:
        return f"all {count} settings that there are were tried on {folds}", None
    return f"{count} settings were tried on {folds}, as many as planned", None
