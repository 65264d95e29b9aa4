"""A quantum kernel as the job runs it: settings by cross-validation, then what it is compared with.

The model that is tested is the one that is stored, as it is read back.
"""

from __future__ import annotations

from hybrid_job.job import KernelJob
from hybrid_job.learning import picture
from hybrid_job.learning.quantum_kernel import KernelLearner
from hybrid_job.learning.table import Table
from hybrid_job.learning.tuning import contest, ended
from quantum_pipeline.classification.parts import spread
from quantum_pipeline.results import Evaluation
from quantum_pipeline.results.classification import SHOWN, ClassificationResult


def solve(job: KernelJob) -> ClassificationResult:
    """Return the result of a run: the quantum model, and what others say of the same rows."""
    table = Table.of(job.problem, job.algorithm.folds)
    learner = KernelLearner(job, table)
    models = contest(job, learner, KernelLearner(job, table, entangled=False))
    setting = models.found.setting
    stored = table.stored(job.prepared.run_id, learner.model(setting))
    shown, (sentence, limit) = spread(table.classes.tolist(), SHOWN), ended(job, models.found)
    return ClassificationResult(
        **models.fields,
        algorithm="kernel",
        engine="exact states of all rows at once, numpy",
        model=stored,
        epochs=(),
        gram=tuple(map(tuple, learner.gram(setting, shown).tolist())),
        gram_classes=tuple(table.classes[shown].tolist()),
        boundary=picture.boundary(table, stored),
        history=tuple(
            Evaluation(evaluation=number, start=1, energy=1 - each.accuracy)
            for number, each in enumerate(models.found.tried, 1)
        ),
        converged=limit is None,
        stop_reason=sentence,
        stopped_by=limit,
    )
