"""The course of a study: what is planned next, from the rounds that there were and their rows.

A setting is open, and gets its next try, where its newest run was cancelled or never started and
an execution of the study has begun since. All else that has a row is done.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from math import fsum

from quantum_pipeline.errors import BudgetExceeded, InvalidRequest, JobFailed
from quantum_pipeline.studies.rounds import Child, PlannedRun, Round
from quantum_pipeline.studies.rows import RunRow, Setting
from quantum_pipeline.studies.strategies import propose
from quantum_pipeline.studies.study import MAX_ROUNDS, Study
from quantum_pipeline.wording import refusal

NOT_STARTED = "NotStarted"
"""The error of a run whose execution never began."""

MOST_RUNS_OF_ROUND = 1000
"""PlanRound reads how they all ended in one call."""

CHILDREN_OF_SLOT = 20
"""Executions of a round for each that may run at once: the last of them leave others idle, and too
many failures are noticed at the end of a round alone."""


@dataclass(frozen=True)
class Course:
    """What a study has done; rounds in their order, rows of each that has ended.

    ``first_round`` is that of the execution which goes on with it.
    """

    study: Study
    rounds: tuple[Round, ...]
    rows: tuple[tuple[RunRow, ...], ...]
    first_round: int = 1

    @property
    def planned(self) -> tuple[Setting, ...]:
        """All settings of the rounds, by their numbers."""
        found = {run.setting.number: run.setting for run in self._runs()}
        return tuple(found[number] for number in sorted(found))

    @property
    def newest(self) -> tuple[RunRow, ...]:
        """The newest row of each setting, by their numbers."""
        found = {row.setting.number: row for rows in self.rows for row in rows}
        return tuple(found[number] for number in sorted(found))

    @property
    def standing(self) -> tuple[RunRow, ...]:
        """The newest rows of the settings that are done."""
        open_now = {setting.number for setting in self.open()}
        return tuple(row for row in self.newest if row.setting.number not in open_now)

    def open(self) -> tuple[Setting, ...]:
        """Return the settings that get a next try."""
        found: dict[int, Setting] = {}
        for number, rows in enumerate(self.rows, 1):
            for row in rows:
                found.pop(row.setting.number, None)
                cut_off = row.status == "CANCELLED" or row.error == NOT_STARTED
                if cut_off and number < self.first_round:
                    found[row.setting.number] = row.setting
        return tuple(found[number] for number in sorted(found))

    def next_settings(self) -> tuple[Setting, ...]:
        """Return the settings of the next round: what is open, else what the strategy proposes.

        Raises:
            InvalidRequest: there were as many rounds as there may be.
        """
        asked = self.open() or propose(self.study, self.standing, self.planned)
        if asked and len(self.rounds) >= MAX_ROUNDS:
            raise InvalidRequest(
                refusal("rounds of the study", len(self.rounds) + 1, f"up to {MAX_ROUNDS}")
            )
        return asked[:MOST_RUNS_OF_ROUND]

    def tries(self) -> Counter[int]:
        """Return how often each setting was planned."""
        return Counter(run.setting.number for run in self._runs())

    def spent_usd(self) -> float:
        """Return what all tries have cost; of a run whose bill nobody knows, its estimate."""
        estimates = {
            run.run_id: child.estimated_usd / len(child.runs)
            for each in self.rounds
            for child in each.children
            for run in child.runs
        }
        return fsum(_counted(row, estimates[row.run_id]) for rows in self.rows for row in rows)

    def check_failures(self) -> None:
        """Refuse to go on with a study of which too many runs have failed.

        Raises:
            JobFailed: says how many, of how many.
        """
        failed = [row for row in self.standing if row.status == "FAILED" or _not_started(row)]
        if not failed:
            return
        n_runs = self.study.strategy.n_runs or len(propose(self.study, (), ()))
        tolerated = self.study.limits.tolerated_failures
        if len(failed) > tolerated * n_runs:
            raise JobFailed(
                f"limits.tolerated_failures: {len(failed)} of {n_runs} runs have failed, the last "
                f"of them, {failed[-1].run_id}, by {failed[-1].error}; allowed: a share of "
                f"up to {tolerated:g}"
            )

    def check_budget(self, children: Iterable[Child]) -> None:
        """Refuse a round that may take the study above its cap.

        Raises:
            BudgetExceeded: says what was spent, and what the round may cost.
        """
        spent, more = self.spent_usd(), fsum(child.estimated_usd for child in children)
        cap = self.study.limits.max_cost_usd
        if spent + more > cap:
            raise BudgetExceeded(
                f"limits.max_cost_usd: {spent:.4f} USD are spent, and the next round may cost "
                f"{more:.4f}; allowed: up to {cap:.4f} in all"
            )

    def _runs(self) -> Iterable[PlannedRun]:
        return (run for each in self.rounds for child in each.children for run in child.runs)


def _not_started(row: RunRow) -> bool:
    return row.error == NOT_STARTED


def _counted(row: RunRow, estimated_usd: float) -> float:
    if row.cost_usd is not None:
        return row.cost_usd
    return 0.0 if _not_started(row) else estimated_usd


def not_started(run: PlannedRun) -> RunRow:
    """Return the row of a run whose execution never began."""
    return RunRow(
        setting=run.setting,
        run_id=run.run_id,
        status="CANCELLED",
        error=NOT_STARTED,
        cause="the study ended, or Step Functions refused, before it could start",
    )


def split(
    seconds: Mapping[int, float], concurrency: int, start: float, most: int
) -> list[list[int]]:
    """Return which runs share a job: as few jobs as hold them, more where that saves time.

    A job costs its start, so one more is worth it where the work of each is still longer than that.
    Runs are dealt out by their seconds, the longest first, to the job that has least so far.

    Args:
        seconds: what each run may take of a job, by its number.
        concurrency: jobs at once.
        start: seconds that a job takes to start.
        most: runs of a job.

    >>> split({0: 500.0, 1: 400.0, 2: 300.0}, 2, 180.0, 100), split({0: 1.0, 1: 2.0}, 3, 180.0, 100)
    ([[0], [1, 2]], [[0, 1]])
    """
    n_jobs = max(
        -(-len(seconds) // most),
        min(concurrency, int(fsum(seconds.values()) // start), len(seconds)),
        1,
    )
    jobs: list[list[int]] = [[] for _ in range(n_jobs)]
    loads = [0.0] * n_jobs
    for number in sorted(seconds, key=lambda number: (-seconds[number], number)):
        job = min((j for j in range(n_jobs) if len(jobs[j]) < most), key=lambda j: (loads[j], j))
        jobs[job].append(number)
        loads[job] += seconds[number]
    return [sorted(job) for job in jobs if job]
