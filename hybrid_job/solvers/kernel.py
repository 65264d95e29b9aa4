"""A quantum kernel as the job runs it: settings by cross-validation, then what it is compared with.

The model that is tested is the one that is stored, as it is read back; on a device it is tested by
what was measured of the tested rows.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from hybrid_job.job import KernelJob
from hybrid_job.learning import picture
from hybrid_job.learning.machines import Real
from hybrid_job.learning.measured_kernel import MeasuredLearner
from hybrid_job.learning.quantum_kernel import KernelLearner
from hybrid_job.learning.search import Setting
from hybrid_job.learning.table import Table
from hybrid_job.learning.tuning import contest, ended
from quantum_pipeline.classification.parts import Places, spread
from quantum_pipeline.results import Evaluation
from quantum_pipeline.results.classification import SHOWN, ClassificationResult


def solve(job: KernelJob) -> ClassificationResult:
    """Return the result of a run: the quantum model, and what others say of the same rows.

    Raises:
        PipelineError: what happens on a device, by name.
    """
    table = Table.of(job.problem, job.algorithm.folds)
    on_device = job.prepared.device.kind != "local"
    learner = _on_device(job, table) if on_device else KernelLearner(job, table)
    models = contest(job, learner, KernelLearner(job, table, entangled=False))
    setting = models.found.setting
    stored = table.stored(job.prepared.run_id, learner.model(setting))
    among = learner.columns if on_device else np.arange(len(table.classes))
    places = spread(table.classes[among].tolist(), SHOWN)
    shown, (sentence, limit) = among[places], ended(job, models.found)
    return ClassificationResult(
        **models.fields,
        **(_measured(learner, setting, places) if isinstance(learner, MeasuredLearner) else {}),
        algorithm="kernel",
        engine="exact states of all rows at once, numpy",
        model=stored,
        epochs=(),
        gram=_rows(learner.gram(setting, shown)),
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


def _on_device(job: KernelJob, table: Table) -> MeasuredLearner:
    from hybrid_job.on_device.kernel import (  # noqa: PLC0415 (takes seconds to import)
        measured_entries,
    )

    return MeasuredLearner(job, table, partial(measured_entries, job))


def _measured(learner: MeasuredLearner, setting: Setting, places: Places) -> dict[str, Any]:
    """Return the result's fields of what a device measured, with some columns as they are shown."""
    found = learner.measured(setting)
    square = np.ix_(places, places)
    return {
        "measured": found.record,
        "measured_gram": _rows(found.matrices.raw[square]),
        "repaired_gram": _rows(found.matrices.trained[learner.columns][square]),
        "device_run": found.run,
        "tasks": found.tasks,
    }


def _rows(matrix: Real) -> tuple[tuple[float, ...], ...]:
    """Return a matrix as a result has it."""
    return tuple(map(tuple, matrix.tolist()))
