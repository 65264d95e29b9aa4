"""Tables in clusters, and jobs that classify them."""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hybrid_job.journal import Journal
from hybrid_job.main import solve
from quantum_pipeline.planning.prepared import PreparedRun
from quantum_pipeline.results.classification import ClassificationResult
from tests.unit.finished_run import prepared_run


def table_of(rows: NDArray[np.float64], classes: Sequence[Any], **fields: Any) -> dict[str, Any]:
    """Return a problem: rows of numbers, and their classes."""
    return {
        "type": "classification",
        "columns": [*(f"c{k}" for k in range(rows.shape[1])), "kind"],
        "rows": [[*row, f"{each}"] for row, each in zip(rows.tolist(), classes, strict=True)],
        "target": "kind",
        **fields,
    }


def clusters(n_classes: int = 3, n_rows: int = 60, apart: float = 6.0) -> dict[str, Any]:
    """Return rows of three numbers in clusters, as many as classes."""
    rng = np.random.default_rng(2)
    classes = np.arange(n_rows) % n_classes
    centres = apart * np.linalg.qr(rng.normal(size=(3, 3)))[0][:n_classes]
    return table_of(centres[classes] + rng.normal(size=(n_rows, 3)), classes.tolist())


def prepared(problem: dict[str, Any], **algorithm: Any) -> PreparedRun:
    limits = {"max_runtime_seconds": algorithm.pop("seconds", 600)}
    asked = {"name": "kernel", "folds": 3, "max_evaluations": 4, **algorithm}
    return prepared_run(problem, algorithm=asked, limits=limits, seed=1)


def solved(run: PreparedRun, folder: Path, *, late: bool = False) -> ClassificationResult:
    """Return what a job finds; late is one that has time for a single setting of its own model."""
    began = time.monotonic() - (run.request.limits.max_runtime_seconds if late else 0)
    with closing(Journal(folder, run.request)) as journal:
        result = solve(run, journal, began)
    assert isinstance(result, ClassificationResult)
    return result
