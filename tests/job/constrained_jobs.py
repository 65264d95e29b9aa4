"""Problems on a form as their job solves them, and what the pipeline reads of the result."""

from __future__ import annotations

import time
from contextlib import closing
from pathlib import Path
from typing import Any

from hybrid_job.journal import Journal
from hybrid_job.main import solve
from quantum_pipeline.planning.prepared import PreparedRun
from quantum_pipeline.results import read_result
from quantum_pipeline.results.constrained import ConstrainedResult


def solved(prepared: PreparedRun, folder: Path) -> ConstrainedResult:
    """Return the result of a run, with its journal in a folder."""
    with closing(Journal(folder, prepared.request)) as journal:
        result = solve(prepared, journal, time.monotonic())
    assert isinstance(result, ConstrainedResult)
    return result


def read(result: ConstrainedResult, prepared: PreparedRun, **changes: Any) -> ConstrainedResult:
    """Return what the pipeline makes of a result with some fields, or parts of them, changed."""
    data = result.model_dump(mode="json")
    for name, value in changes.items():
        data[name] = data[name] | value if isinstance(value, dict) and name != "counts" else value
    found = read_result(data, prepared)
    assert isinstance(found, ConstrainedResult)
    return found
