"""A quantum kernel as the job runs it: settings by cross-validation, then what it is compared with.

The model that is tested is the one that is stored, as it is read back.
"""

from __future__ import annotations

import time

from hybrid_job.job import KernelJob, versions
from hybrid_job.learning import picture
from hybrid_job.learning.competitors import Compared, competed, competitors
from hybrid_job.learning.quantum_kernel import KernelLearner
from hybrid_job.learning.search import Search, Tried, search
from hybrid_job.learning.table import Table
from hybrid_job.limits import time_is_up
from hybrid_job.metrics import log_metric, log_phase
from hybrid_job.stopwatch import Stopwatch
from quantum_pipeline.requests.limits import Limit
from quantum_pipeline.results import Evaluation
from quantum_pipeline.results.classification import (
    ClassificationResult,
    ClassificationSeconds,
)

SHARE = 0.4
"""Of the time that is left, for the quantum model; the others have the rest."""


def solve(job: KernelJob) -> ClassificationResult:
    """Return the result of a run: the quantum model, and what others say of the same rows."""
    table, watch = Table.of(job.problem, job.algorithm.folds), Stopwatch()
    learner = KernelLearner(job, table)
    found = _searched(job, learner)
    quantum, quantum_seconds = competed(found), watch.lap()
    compared = competitors(
        job,
        table,
        count=len(found.tried) if found.late else job.algorithm.max_evaluations,
        ablation=KernelLearner(job, table, entangled=False),
        deadline=job.deadline(reserved=0.5),
    )
    seconds = (quantum_seconds, watch.lap())
    every = compared._replace(models=(quantum, *compared.models))
    return _result(job, found, learner, every, seconds)


def _result(
    job: KernelJob,
    found: Search,
    learner: KernelLearner,
    compared: Compared,
    seconds: tuple[float, float],
) -> ClassificationResult:
    table, (sentence, limit) = learner.table, _ended(job, found)
    stored = table.stored(job.prepared.run_id, learner.model(found.setting))
    shown = picture.shown_rows(table.classes)
    return ClassificationResult(
        run_id=job.prepared.run_id,
        algorithm="kernel",
        engine="exact states of all rows at once, numpy",
        n_qubits=table.scaling.n_qubits,
        depth=job.algorithm.depth,
        model=stored,
        models=compared.models,
        left_out=compared.left_out,
        epochs=(),
        gram=tuple(map(tuple, learner.gram(found.setting, shown).tolist())),
        gram_classes=tuple(table.classes[shown].tolist()),
        boundary=picture.boundary(table, stored),
        history=tuple(
            Evaluation(evaluation=number, start=1, energy=1 - each.accuracy)
            for number, each in enumerate(found.tried, 1)
        ),
        converged=limit is None,
        stop_reason=sentence,
        stopped_by=limit,
        seconds=ClassificationSeconds(quantum=seconds[0], classical=seconds[1], total=job.seconds),
        versions=versions(),
    )


def _searched(job: KernelJob, learner: KernelLearner) -> Search:
    now, count = time.monotonic(), job.algorithm.max_evaluations
    deadline = now + SHARE * max(0.0, job.deadline(reserved=1.0) - now)

    def tell(number: int, tried: Tried) -> None:
        log_phase("tuning", number, count)
        log_metric("accuracy", tried.accuracy, number)

    return search(job, learner, count=count, deadline=deadline, at_least=1, tell=tell)


def _ended(job: KernelJob, found: Search) -> tuple[str, Limit | None]:
    """Return why no further setting was tried."""
    count, most = len(found.tried), job.algorithm.max_evaluations
    if found.late:
        reached = time_is_up(f"{count} of up to {most} settings were tried")
        return str(reached), reached.limit
    folds = f"{len(found.learner.table.folds)} folds"
    if count < most:
        return f"all {count} settings that there are were tried on {folds}", None
    return f"{count} settings were tried on {folds}, as many as planned", None
