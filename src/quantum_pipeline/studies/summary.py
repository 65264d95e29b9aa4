"""The summary of a study: ``report.json``, whose every figure follows from the rows of its runs."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict

from quantum_pipeline.studies.rows import RunRow
from quantum_pipeline.studies.study import Study


def _to_the_second(moment: datetime) -> datetime:
    return moment.astimezone(UTC).replace(microsecond=0)


Moment = Annotated[AwareDatetime, AfterValidator(_to_the_second)]


class Part(BaseModel):
    """A part of a summary."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class RunCounts(Part):
    """How the runs of a study have ended."""

    succeeded: int
    failed: int
    cancelled: int


class Spent(Part):
    """What the study has cost in USD; ``unknown`` runs ended without a bill that is known."""

    usd: float
    cap_usd: float
    unknown: int
    job_seconds: float


class StudySummary(Part):
    """``report.json`` of a study; ``stopped_because`` of one that did not come to its own end."""

    schema_version: Literal[1] = 1
    study: dict[str, Any]
    completed_at: Moment
    stopped_because: str | None
    runs: RunCounts
    spent: Spent


def summarise(
    study: Study,
    rows: Sequence[RunRow],
    *,
    completed_at: datetime,
    stopped_because: str | None = None,
) -> StudySummary:
    """Return the summary of a study from the rows of its runs, each setting's once.

    Args:
        study: what was asked.
        rows: of all settings that have an end, in any order.
        completed_at: when the last of them had ended.
        stopped_because: why no more were started; None where the strategy was done.
    """
    ended = [row.status for row in rows]
    known = [row.cost_usd for row in rows if row.cost_usd is not None]
    return StudySummary(
        study=study.model_dump(mode="json", by_alias=True),
        completed_at=completed_at,
        stopped_because=stopped_because,
        runs=RunCounts(
            succeeded=ended.count("SUCCEEDED"),
            failed=ended.count("FAILED"),
            cancelled=ended.count("CANCELLED"),
        ),
        spent=Spent(
            usd=sum(known),
            cap_usd=study.limits.max_cost_usd,
            unknown=len(rows) - len(known),
            job_seconds=sum(row.seconds or 0.0 for row in rows),
        ),
    )
