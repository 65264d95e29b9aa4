"""A quantum model tuned in its share of the time, and beside it the others: what any result has."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

from hybrid_job.job import ClassificationJob, versions
from hybrid_job.learning.competitors import Compared, competed, competitors
from hybrid_job.learning.search import Learner, Search, Tried, search
from hybrid_job.limits import time_is_up
from hybrid_job.metrics import log_metric, log_phase
from hybrid_job.stopwatch import Stopwatch
from quantum_pipeline.requests.limits import Limit
from quantum_pipeline.results.classification import ClassificationSeconds

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


@dataclass(frozen=True)
class Contest:
    """What settings of the quantum model came to, and what all models say of the tested rows."""

    job: ClassificationJob
    found: Search
    compared: Compared
    seconds: tuple[float, float]

    @property
    def fields(self) -> dict[str, Any]:
        """The result's fields that are alike for all quantum models."""
        quantum, classical = self.seconds
        return {
            "run_id": self.job.prepared.run_id,
            "n_qubits": self.found.learner.table.scaling.n_qubits,
            "depth": self.job.algorithm.depth,
            "models": self.compared.models,
            "left_out": self.compared.left_out,
            "seconds": ClassificationSeconds(
                quantum=quantum, classical=classical, total=self.job.seconds
            ),
            "versions": versions(),
        }


def contest(job: ClassificationJob, learner: Learner, ablation: Learner) -> Contest:
    """Return the quantum model's search, and all models; others may try as many settings as it."""
    watch, found = Stopwatch(), tuned(job, learner)
    quantum, quantum_seconds = competed(found), watch.lap()
    compared = competitors(
        job,
        learner.table,
        count=len(found.tried) if found.late else job.algorithm.max_evaluations,
        ablation=ablation,
        deadline=job.deadline(reserved=0.5),
    )
    every = compared._replace(models=(quantum, *compared.models))
    return Contest(job, found, every, (quantum_seconds, watch.lap()))


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
