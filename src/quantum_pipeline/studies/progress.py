"""Where a study stands: of the rounds that are closed by their rows, of the newest by records.

What is counted are settings, not runs: one that was cancelled, and is tried again, counts once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import fsum

from quantum_pipeline.catalogue.comparison import at
from quantum_pipeline.catalogue.filters import Record
from quantum_pipeline.studies.contest import signed
from quantum_pipeline.studies.objectives import Sense, sense_of
from quantum_pipeline.studies.rounds import Child, Round
from quantum_pipeline.studies.rows import RunRow
from quantum_pipeline.studies.strategies import known
from quantum_pipeline.studies.study import Study


@dataclass(frozen=True)
class StudyProgress:
    """How far a study has come.

    ``succeeded`` and ``failed`` of ``n_runs`` have ended, ``running`` executions go on. ``best`` is
    of the runs whose objective is known so far. ``spent_usd`` counts a run without a bill with its
    estimate.
    """

    n_runs: int
    succeeded: int
    failed: int
    running: int
    round: int
    spent_usd: float
    cap_usd: float
    best: float | None

    @property
    def ended(self) -> int:
        """How many have ended."""
        return self.succeeded + self.failed

    def seconds_left(self, seconds: float, ended_before: int) -> float | None:
        """Return how long the rest takes if it goes on as in the last ``seconds``.

        None before anything has ended since: ``ended_before`` were there when they began.

        >>> StudyProgress(10, 4, 1, 2, 1, 0.0, 1.0, None).seconds_left(60.0, 2)
        100.0
        """
        ended = self.ended - ended_before
        return seconds / ended * (self.n_runs - self.ended) if ended > 0 else None


def progress_of(
    study: Study,
    rounds: Sequence[Round],
    rows: Sequence[RunRow],
    records: Mapping[str, Record],
) -> StudyProgress:
    """Return where a study stands.

    Args:
        study: what was asked.
        rounds: those that are planned.
        rows: of the rounds that are closed.
        records: of runs that have ended, by their names.
    """
    sense = sense_of(study.objective)
    newest = {row.setting.number: row for row in rows}
    going_on = [] if not rounds or _is_closed(rounds[-1], rows) else list(rounds[-1].children)
    since = [
        (run.setting.number, child, records[run.run_id])
        for child in going_on
        for run in child.runs
        if run.run_id in records
    ]
    status = {number: row.status for number, row in newest.items()} | {
        number: record["status"] for number, _, record in since
    }
    ended = list(status.values())
    found = [row.objective for row in newest.values()]
    found += [_objective(record, study) for _, _, record in since]
    return StudyProgress(
        n_runs=study.strategy.n_runs or len(known(study)),
        succeeded=ended.count("SUCCEEDED"),
        failed=ended.count("FAILED"),
        running=min(
            sum(not _has_ended(child, records) for child in going_on), study.limits.concurrency
        ),
        round=len(rounds),
        spent_usd=fsum(row.cost_usd or 0.0 for row in rows)
        + fsum(_cost(child, record) for _, child, record in since),
        cap_usd=study.limits.max_cost_usd,
        best=_best([each for each in found if each is not None], sense),
    )


def _is_closed(newest: Round, rows: Sequence[RunRow]) -> bool:
    ended = {row.run_id for row in rows}
    return all(run.run_id in ended for child in newest.children for run in child.runs)


def _has_ended(child: Child, records: Mapping[str, Record]) -> bool:
    return all(run.run_id in records for run in child.runs)


def _objective(record: Record, study: Study) -> float | None:
    """Return the objective of a run, if its record has it by the same path."""
    found = at(record, study.objective.path)
    return found if isinstance(found, int | float) else None


def _cost(child: Child, record: Record) -> float:
    actual = at(record, "cost.actual_usd")
    return child.estimated_usd / len(child.runs) if actual is None else actual


def _best(found: Sequence[float], sense: Sense) -> float | None:
    return min(found, key=lambda value: signed(value, sense), default=None)
