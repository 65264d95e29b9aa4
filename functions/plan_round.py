"""State PlanRound: decides what a study starts next, from how all that it has started has ended.

Called first with the study itself: it is checked as a whole, and this execution takes it over from
an earlier one that has ended. Then it is called after each round. A round that is planned already
is answered as it stands.
"""

from __future__ import annotations

from datetime import UTC, datetime
from functools import cache
from typing import Annotated, Any, NamedTuple, Self

from pydantic import Field

from quantum_pipeline.aws import devices, executions, stored, studies
from quantum_pipeline.aws.settings import PlanRoundSettings
from quantum_pipeline.aws.stage import EventModel, stage
from quantum_pipeline.aws.studies import Lease
from quantum_pipeline.errors import BudgetExceeded, JobFailed, ServiceUnavailable
from quantum_pipeline.planning.device import candidates
from quantum_pipeline.planning.preparation import prepare
from quantum_pipeline.planning.prepared import Preparation
from quantum_pipeline.requests.request import Request
from quantum_pipeline.runs import ExecutionArn, StudyName
from quantum_pipeline.studies.checks import check
from quantum_pipeline.studies.children import children
from quantum_pipeline.studies.lifecycle import Course
from quantum_pipeline.studies.rounds import Round
from quantum_pipeline.studies.study import MAX_ROUNDS, Study, parse_study

MOST_LOOKS = 3
"""How often a round is gone through: an item of the Map may give up while its execution goes on."""

STOPPED = "another execution of the study goes on with it"


class Event(EventModel):
    """The execution, and its input: the study, or what this state has answered before."""

    execution_arn: ExecutionArn
    input: Any


class Done(EventModel):
    """What this state has answered: the round that has been gone through, and how often."""

    study: StudyName
    round: Annotated[int, Field(strict=True, ge=1, le=MAX_ROUNDS)]
    looks: Annotated[int, Field(strict=True, ge=1, le=MOST_LOOKS)]
    turns: Annotated[int, Field(strict=True, ge=1, le=MAX_ROUNDS)]


class _Turn(NamedTuple):
    """Where a study is: the round that was gone through last, 0 before the first, and how often.

    ``turns`` counts all that this execution has gone through: its history has events for so many.
    """

    study: Study
    lease: Lease
    round: int
    looks: int = MOST_LOOKS
    turns: int = 0

    @classmethod
    def of(cls, event: Event, settings: PlanRoundSettings) -> Self:
        bucket = settings.output_bucket
        if isinstance(event.input, dict) and "study" in event.input:
            done = Done.read(event.input)
            study = studies.read_plan(bucket, done.study)
            lease = studies.check_lease(bucket, study.name, event.execution_arn)
            return cls(study, lease, done.round, done.looks, done.turns)
        study = parse_study(event.input)
        check(study, _preparing(settings))
        studies.record_plan(bucket, study)
        lease = studies.take_lease(bucket, study.name, event.execution_arn)
        studies.record_limits(bucket, study)
        return cls(study, lease, lease.first_round - 1)


@stage(Event.read, uses=("s3", "braket", "stepfunctions"))
def handler(event: Event) -> dict[str, Any]:
    """Return the round that is to be gone through next; without executions, the study is done."""
    settings = PlanRoundSettings.read()
    turn = _Turn.of(event, settings)
    try:
        planned = _next(turn, settings)
    except (BudgetExceeded, JobFailed) as error:
        return _done(turn) | {"stopped": {"Error": type(error).__name__, "Cause": str(error)}}
    return _done(turn) if planned is None else _answer(turn, settings, planned)


def _next(turn: _Turn, settings: PlanRoundSettings) -> Round | None:
    """Return the round that is planned already, is to be gone through again, or is planned now.

    Raises:
        JobFailed: too many runs have failed, or this execution has gone through enough.
        BudgetExceeded: the next round might take the study above its cap.
    """
    bucket, name = settings.output_bucket, turn.study.name
    planned = studies.read_round(bucket, name, turn.round + 1)
    if planned is None and turn.round and not studies.has_rows(bucket, name, turn.round):
        planned = _close(turn, settings)
    if planned is None:
        course = studies.read_course(
            bucket, turn.study, rounds=turn.round, first_round=turn.lease.first_round
        )
        planned = _plan(course, settings)
    if planned is not None and turn.turns >= MAX_ROUNDS:
        raise JobFailed(
            f"rounds of an execution: got {turn.turns + 1}; allowed: up to {MAX_ROUNDS}; started "
            "again, the study goes on"
        )
    return planned


def _close(turn: _Turn, settings: PlanRoundSettings) -> Round | None:
    """Write the rows of the round that has been gone through; return it if it is to be again.

    Of an earlier execution, what goes on is stopped first: what ends so gets its next try.

    Raises:
        ServiceUnavailable: not all of its runs have their ends yet.
    """
    bucket, study = settings.output_bucket, turn.study
    planned = studies.need_round(bucket, study.name, turn.round)
    ended = studies.look(bucket, study, planned, settings.state_machine_arn)
    ours = turn.round >= turn.lease.first_round
    if ours and turn.looks < MOST_LOOKS and (ended.running or ended.never_started):
        return planned
    for name in ended.running:
        if not ours:
            executions.stop(executions.arn_of(settings.state_machine_arn, name), "Stopped", STOPPED)
        raise ServiceUnavailable(f"{name}: it goes on")
    studies.check_ended(ended)
    studies.close_round(bucket, study.name, planned, ended)
    return None


def _plan(course: Course, settings: PlanRoundSettings) -> Round | None:
    """Plan the next round; None where there is nothing more to do.

    Raises:
        JobFailed: too many runs have failed.
        BudgetExceeded: the round might take the study above its cap.
    """
    course.check_failures()
    wanted = course.next_settings()
    if not wanted:
        return None
    study = course.study
    found = children(
        study,
        wanted,
        tries=course.tries(),
        prepare=_preparing(settings),
        store=lambda content: studies.keep_input(settings.input_bucket, study.name, content),
        instance=settings.instance_price,
    )
    course.check_budget(found)
    number = len(course.rounds) + 1
    return studies.plan_round(settings.output_bucket, study.name, number, found)


class _preparing:  # noqa: N801 - it is called
    """Plans requests as Prepare does; devices are asked once."""

    def __init__(self, settings: PlanRoundSettings) -> None:
        self._settings = settings
        self._now = datetime.now(UTC)
        self._states = cache(devices.states)

    def __call__(self, request: Request) -> Preparation:
        settings = self._settings
        whole, _ = stored.with_problem(request, settings.input_bucket)
        return prepare(
            whole,
            self._states(candidates(whole)),
            instance=settings.instance_price,
            region=settings.aws_region,
            now=self._now,
            within_budget=False,
        )


def _answer(turn: _Turn, settings: PlanRoundSettings, planned: Round) -> dict[str, Any]:
    return {
        "study": turn.study.name,
        "round": planned.number,
        "looks": turn.looks + 1 if planned.number == turn.round else 1,
        "turns": turn.turns + 1,
        "n_children": len(planned.children),
        "items": studies.write_items(settings.output_bucket, turn.study.name, planned),
        "concurrency": turn.study.limits.concurrency,
    }


def _done(turn: _Turn) -> dict[str, Any]:
    return {"study": turn.study.name, "round": turn.round, "n_children": 0}
