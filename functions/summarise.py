"""State Summarise: makes the summary of a study from the rows of its runs, and tells of its end.

A study that was stopped by its own limits has a summary too, and fails with its error then.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Annotated, Any

from pydantic import BaseModel, Field

from quantum_pipeline.aws import storage, studies
from quantum_pipeline.aws.reported import StateError
from quantum_pipeline.aws.settings import SummariseSettings
from quantum_pipeline.aws.stage import EventModel, stage
from quantum_pipeline.aws.studies import StudyEnd
from quantum_pipeline.pages.study_page import render_study
from quantum_pipeline.runs import REPORT, ExecutionArn, StudyName
from quantum_pipeline.studies import places
from quantum_pipeline.studies.lifecycle import Course
from quantum_pipeline.studies.runs_csv import runs_csv
from quantum_pipeline.studies.study import MAX_ROUNDS
from quantum_pipeline.studies.summary import summarise

RUNS_CSV = "runs.csv"


class Done(BaseModel):
    """The study, its last round, and what has stopped it, if something has."""

    study: StudyName
    round: Annotated[int, Field(strict=True, ge=0, le=MAX_ROUNDS)]
    stopped: StateError | None = None


class Event(EventModel):
    """The execution, and what PlanRound has answered."""

    execution_arn: ExecutionArn
    done: Done


@stage(Event.read, uses=("s3", "sns"))
def handler(event: Event) -> dict[str, Any]:
    """Write the summary; return where it is, and what has stopped the study."""
    settings = SummariseSettings.read()
    bucket, done = settings.output_bucket, event.done
    study = studies.read_plan(bucket, done.study)
    lease = studies.check_lease(bucket, study.name, event.execution_arn)
    course = studies.read_course(bucket, study, rounds=done.round, first_round=lease.first_round)
    for name, content, content_type in _files(course, done.stopped):
        storage.write(bucket, places.key(study.name, name), content, content_type)
    summary = f"s3://{bucket}/{places.key(study.name, REPORT)}"
    answer: dict[str, Any] = {"study": study.name, "report": summary}
    if done.stopped is not None:
        return answer | {"stopped": done.stopped.model_dump(by_alias=True)}
    end = StudyEnd(
        study=study.name,
        execution_arn=event.execution_arn,
        status="SUCCEEDED",
        ended_at=datetime.now(UTC),
        summary=summary,
        quiet=True,
    )
    studies.end(bucket, end)
    studies.tell(bucket, event.execution_arn, settings.notification_topic_arn)
    return answer | {"status": "SUCCEEDED"}


def _files(course: Course, stopped: StateError | None) -> Iterator[tuple[str, bytes, str]]:
    """Yield each file of the summary: its name, content and type; the report comes last."""
    rows, study = course.newest, course.study
    because = None if stopped is None else stopped.outcome.cause
    made = summarise(study, rows, completed_at=datetime.now(UTC), stopped_because=because)
    for name, content in render_study(made, rows).items():
        yield name, content, _type(name)
    yield RUNS_CSV, runs_csv(study, rows).encode(), "text/csv; charset=utf-8"
    yield REPORT, made.model_dump_json(by_alias=True).encode(), "application/json"


def _type(name: str) -> str:
    endings = {"html": "text/html; charset=utf-8", "svg": "image/svg+xml"}
    return endings.get(name.rpartition(".")[2], "image/png")
