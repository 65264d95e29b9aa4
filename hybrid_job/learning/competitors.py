"""The models that a quantum one is compared with, tuned by as many settings on the same folds."""

from __future__ import annotations

import time
from typing import NamedTuple

from hybrid_job.job import Job
from hybrid_job.learning.classical import MODELS
from hybrid_job.learning.convergence import Unconverged
from hybrid_job.learning.search import Learner, Search, search
from hybrid_job.learning.table import Table
from hybrid_job.metrics import log_phase
from hybrid_job.stopwatch import Stopwatch
from quantum_pipeline.classification.prediction import decided
from quantum_pipeline.results.classification import Competed, Competitor


class Compared(NamedTuple):
    """The models that were tuned in time, and those that were not, by name."""

    models: tuple[Competed, ...]
    left_out: tuple[Competitor, ...]


def competitors(
    job: Job, table: Table, *, count: int, ablation: Learner | None, deadline: float
) -> Compared:
    """Return what other models say of the tested rows.

    Args:
        job: whose journal has what was found before.
        table: the rows.
        count: settings that each may try.
        ablation: the quantum model without entanglement, None where there is none.
        deadline: time of ``time.monotonic`` by which all have to be done; each may take an even
            share of what is left, and is left out where it takes more.
    """
    seed = int(job.rng("classical").integers(2**31))
    learners: list[Learner] = [model(table, seed, count) for model in MODELS]
    learners[1:1] = [] if ablation is None else [ablation]
    models: list[Competed] = []
    left_out: list[Competitor] = []
    for number, learner in enumerate(learners):
        log_phase("comparing", number + 1, len(learners))
        now = time.monotonic()
        share = now + max(0.0, deadline - now) / (len(learners) - number)
        least = 1 if learner.name == "most frequent" else 0
        found = search(job, learner, count=count, deadline=share, at_least=least)
        if found.late:
            left_out.append(learner.name)
        else:
            models.append(competed(found))
    return Compared(tuple(models), tuple(left_out))


def competed(found: Search) -> Competed:
    """Return what a model says of the tested rows with the setting that was best in folds."""
    watch, learner, setting = Stopwatch(), found.learner, found.setting
    with Unconverged() as unconverged:
        scores = learner.tested(setting)
    return Competed(
        name=learner.name,
        settings=learner.words(setting),
        fits=len(found.tried),
        fold_accuracies=found.best.accuracies,
        predictions=tuple(decided(scores).tolist()),
        scores=tuple(map(tuple, scores.tolist())),
        unconverged=found.unconverged + unconverged.count,
        seconds=found.seconds + watch.seconds,
    )
