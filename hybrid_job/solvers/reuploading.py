"""Re-uploading as the job runs it: settings by cross-validation, then what it is compared with.

The model that is tested is the one that is stored, as it is read back.
"""

from __future__ import annotations

from hybrid_job.job import ReuploadingJob
from hybrid_job.learning import picture
from hybrid_job.learning.reuploading_learner import ReuploadingLearner, Trained
from hybrid_job.learning.reuploading_training import PATIENCE
from hybrid_job.learning.search import Search
from hybrid_job.learning.table import Table
from hybrid_job.learning.tuning import contest, ended
from hybrid_job.limits import time_is_up
from hybrid_job.metrics import log_metric
from quantum_pipeline.requests.limits import Limit
from quantum_pipeline.results import Evaluation
from quantum_pipeline.results.classification import ClassificationResult


def solve(job: ReuploadingJob) -> ClassificationResult:
    """Return the result of a run: the quantum model, and what others say of the same rows."""
    table = Table.of(job.problem, job.algorithm.folds)
    learner = ReuploadingLearner(job, table)
    models = contest(job, learner, ReuploadingLearner(job, table, entangled=False))
    trained = learner.trained(models.found.setting)
    for epoch in trained.epochs:
        log_metric("loss", epoch.loss, epoch.epoch)
    stored = table.stored(job.prepared.run_id, trained.model)
    sentence, limit = _ended(job, models.found, trained)
    return ClassificationResult(
        **models.fields,
        algorithm="reuploading",
        engine="exact states of eight rows side by side, compiled",
        model=stored,
        epochs=trained.epochs,
        gram=None,
        gram_classes=(),
        boundary=picture.boundary(table, stored),
        history=tuple(
            Evaluation(evaluation=each.epoch, start=1, energy=each.loss) for each in trained.epochs
        ),
        converged=limit is None and trained.converged,
        stop_reason=sentence,
        stopped_by=limit,
    )


def _ended(job: ReuploadingJob, found: Search, trained: Trained) -> tuple[str, Limit | None]:
    """Return why no further setting was tried, and no further epoch trained."""
    sentence, limit = ended(job, found)
    count = len(trained.epochs)
    if trained.late:
        reached = time_is_up(f"training stopped in its epoch {count}")
        return f"{sentence}; {reached}", reached.limit
    if not trained.converged:
        return f"{sentence}; trained for all {count} epochs", limit
    return f"{sentence}; no lower loss of the rows held out within {PATIENCE} epochs", limit
