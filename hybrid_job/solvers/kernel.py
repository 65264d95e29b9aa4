"""A quantum kernel as the job runs it: settings by cross-validation, then what it is compared with.

The model that is tested is the one that is stored, as it is read back.
"""

from __future__ import annotations

from hybrid_job.job import KernelJob, versions
from hybrid_job.learning import picture
from hybrid_job.learning.competitors import competed, competitors
from hybrid_job.learning.quantum_kernel import KernelLearner
from hybrid_job.learning.table import Table
from hybrid_job.learning.tuning import ended, others_may_try, tuned
from hybrid_job.stopwatch import Stopwatch
from quantum_pipeline.results import Evaluation
from quantum_pipeline.results.classification import ClassificationResult, ClassificationSeconds


def solve(job: KernelJob) -> ClassificationResult:
    """Return the result of a run: the quantum model, and what others say of the same rows."""
    table, watch = Table.of(job.problem, job.algorithm.folds), Stopwatch()
    learner = KernelLearner(job, table)
    found = tuned(job, learner)
    quantum = competed(found)
    stored = table.stored(job.prepared.run_id, learner.model(found.setting))
    quantum_seconds = watch.lap()
    ablation = KernelLearner(job, table, entangled=False)
    count, end = others_may_try(job, found), job.deadline(reserved=0.5)
    compared = competitors(job, table, count=count, ablation=ablation, deadline=end)
    classical_seconds = watch.lap()
    shown = picture.shown_rows(table.classes)
    sentence, limit = ended(job, found)
    return ClassificationResult(
        run_id=job.prepared.run_id,
        algorithm="kernel",
        engine="exact states of all rows at once, numpy",
        n_qubits=table.scaling.n_qubits,
        depth=job.algorithm.depth,
        model=stored,
        models=(quantum, *compared.models),
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
        seconds=ClassificationSeconds(
            quantum=quantum_seconds, classical=classical_seconds, total=job.seconds
        ),
        versions=versions(),
    )
