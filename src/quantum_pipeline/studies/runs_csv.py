"""``runs.csv`` of a study: a line a run, from which every figure of the summary follows."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence

from quantum_pipeline.studies.levels import Varied
from quantum_pipeline.studies.rows import FIGURES, RunRow
from quantum_pipeline.studies.study import Study

_FIRST = (
    *("run_id", "setting", "status", "error", "cause"),
    *("objective", "cost_usd", "seconds"),
)


def runs_csv(study: Study, rows: Sequence[RunRow]) -> str:
    """Return a line a run, in the order of the settings.

    What varies is in columns ``vary.PATH``, by the names of the summary, empty where it does not
    apply; figures of the report are in columns of their paths. Times in seconds, money in USD.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow((*_FIRST, *(f"vary.{path}" for path in study.vary), *FIGURES))
    for run in Varied(study, rows).runs:
        row = run.row
        writer.writerow(
            (
                *(row.run_id, row.setting.number, row.status, row.error, row.cause),
                *(row.objective, row.cost_usd, row.seconds),
                *run.levels.values(),
                *(row.figures.get(path) for path in FIGURES),
            )
        )
    return text.getvalue()
