"""The course of a study: rounds, next tries, what stops it; and a study of 10,000 runs."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from quantum_pipeline.errors import BudgetExceeded, InvalidRequest, JobFailed
from quantum_pipeline.planning.costs import InstancePrice
from quantum_pipeline.planning.preparation import prepare
from quantum_pipeline.planning.prepared import Preparation
from quantum_pipeline.requests.pack import parse_outline
from quantum_pipeline.requests.request import Request
from quantum_pipeline.studies.children import children
from quantum_pipeline.studies.lifecycle import (
    MOST_RUNS_OF_ROUND,
    NOT_STARTED,
    Course,
    not_started,
    split,
)
from quantum_pipeline.studies.rounds import Child, Round
from quantum_pipeline.studies.rows import RunRow, Setting
from quantum_pipeline.studies.study import MAX_ROUNDS, Study, parse_study

INSTANCE = InstancePrice(instance_type="ml.m5.large", usd_per_hour=0.115, as_of="today")
EDGE = {"type": "maxcut", "edges": [[0, 1]]}


def study(n: int, **limits: Any) -> Study:
    vary = {"algorithm.depth": [1, 2], "seed": {"count": n // 2}}
    asked = {"name": "many", "base": {"problem": EDGE}, "vary": vary}
    return parse_study(asked | {"limits": {"max_runs": n, "max_cost_usd": 100} | limits})


def planned(request: Request) -> Preparation:
    now = datetime(2026, 11, 29, tzinfo=UTC)
    return prepare(request, {}, instance=INSTANCE, region="us-east-1", now=now)


class Inputs(dict[str, Any]):
    """What is stored for executions, by its URI."""

    def __call__(self, content: bytes) -> str:
        uri = f"s3://inputs/{len(self)}"
        self[uri] = json.loads(content)
        return uri


def next_round(
    course: Course, inputs: Inputs, settings: Sequence[Setting] | None = None
) -> tuple[Child, ...]:
    return children(
        course.study,
        course.next_settings() if settings is None else settings,
        tries=course.tries(),
        prepare=planned,
        store=inputs,
        instance=INSTANCE,
    )


def after(course: Course, started: Sequence[Child], *rows: RunRow) -> Course:
    """Return the course with a round more; its runs have these rows."""
    made = Round(number=len(course.rounds) + 1, children=tuple(started))
    return replace(course, rounds=(*course.rounds, made), rows=(*course.rows, rows))


def ended(started: Sequence[Child], status: Any = "SUCCEEDED", **more: Any) -> list[RunRow]:
    return [
        RunRow(setting=run.setting, run_id=run.run_id, status=status, **more)
        for child in started
        for run in child.runs
    ]


def test_three_thousand_runs_are_each_started_once_in_rounds_that_one_call_can_read() -> None:
    course, inputs = Course(study(3000), (), ()), Inputs()
    while settings := course.next_settings():
        started = next_round(course, inputs, settings)
        assert sum(len(child.runs) for child in started) <= MOST_RUNS_OF_ROUND
        assert max(len(json.dumps(child.input)) for child in started) < 1000
        for child in started:
            runs = parse_outline({"pack": inputs[child.input["pack"]["uri"]]})
            assert [f"{child.name}.{run.name}" for run in runs.pack] == [  # type: ignore[union-attr]
                run.run_id for run in child.runs
            ]
        course.check_budget(started)
        course = after(course, started, *ended(started, cost_usd=0.001))
    assert len(course.rounds) == 3
    assert [row.setting.number for row in course.newest] == list(range(3000))
    assert max(Counter(row.run_id for rows in course.rows for row in rows).values()) == 1
    assert course.spent_usd() == pytest.approx(3.0)


def test_what_was_cut_off_is_open_once_the_study_is_started_again_and_gets_its_next_try() -> None:
    course, inputs = Course(study(4), (), ()), Inputs()
    [pack] = next_round(course, inputs)
    [first, second, *others] = ended([pack])
    cut = second.model_copy(update={"status": "CANCELLED"})
    lost = not_started(pack.runs[2])
    course = after(course, [pack], first, cut, lost, others[1])
    assert lost.error == NOT_STARTED
    assert course.open() == course.next_settings() == ()
    again = replace(course, first_round=2)
    assert [setting.number for setting in again.open()] == [1, 2]
    assert [row.setting.number for row in again.standing] == [0, 3]
    [pack] = next_round(again, inputs)
    assert pack.name == "many-1-2"
    done = after(again, [pack], *ended([pack]))
    assert done.next_settings() == ()
    assert {row.run_id for row in done.newest} == {
        *("many-0-1.0", "many-1-2.1", "many-1-2.2", "many-0-1.3"),
    }


def test_a_round_starts_only_if_the_cap_has_room_and_unknown_bills_count_as_estimated() -> None:
    course, inputs = Course(study(4), (), ()), Inputs()
    [pack] = next_round(course, inputs)
    [first, second, third, fourth] = ended([pack])
    rows = (
        first.model_copy(update={"cost_usd": 0.004}),
        second.model_copy(update={"status": "FAILED", "error": "JobFailed"}),
        third.model_copy(update={"cost_usd": 0.0}),
        not_started(pack.runs[3]),
    )
    course = after(course, [pack], *rows)
    spent = 0.004 + pack.estimated_usd / 4
    assert course.spent_usd() == pytest.approx(spent)
    assert fourth.setting == rows[3].setting

    def capped(cap: float) -> Course:
        return replace(course, study=study(4, max_cost_usd=cap))

    capped(spent + pack.estimated_usd + 1e-9).check_budget([pack])
    with pytest.raises(BudgetExceeded, match="USD are spent, and the next round may cost"):
        capped(spent + pack.estimated_usd - 1e-9).check_budget([pack])


@pytest.mark.parametrize(("failed", "stops"), [(2, False), (3, True)])
def test_a_share_of_the_runs_may_fail(failed: int, stops: bool) -> None:
    course, inputs = Course(study(10, tolerated_failures=0.2), (), ()), Inputs()
    [pack] = next_round(course, inputs)
    rows = ended([pack], error=None)
    lost = [row.model_copy(update={"status": "FAILED", "error": "JobFailed"}) for row in rows]
    course = after(course, [pack], *lost[:failed], *rows[failed:])
    if stops:
        with pytest.raises(JobFailed, match=r"3 of 10 runs have failed, the last of them, many-0-"):
            course.check_failures()
    else:
        course.check_failures()


def test_a_study_has_so_many_rounds_and_no_more() -> None:
    course = Course(study(4), (Round(number=1, children=()),) * MAX_ROUNDS, ())
    with pytest.raises(InvalidRequest, match="got 1501; allowed: up to 1500"):
        course.next_settings()


def test_a_run_that_will_be_refused_has_an_execution_of_its_own_and_the_others_go_on() -> None:
    settings = [
        Setting(number=number, values={"problem.edges.0.1": node})
        for number, node in enumerate((1, 0, 2))  # an edge from 0 to 0 is none
    ]
    started = next_round(Course(study(2), (), ()), inputs := Inputs(), settings)
    assert [[run.setting.number for run in child.runs] for child in started] == [[0, 2], [1]]
    assert started[1].input["problem"]["edges"] == [[0, 0]]
    assert (started[1].estimated_usd, len(inputs)) == (0.0, 1)


@pytest.mark.parametrize(
    ("n", "seconds", "sizes"),
    [
        (12, 1.0, [12]),  # one start is longer than all of them
        (12, 60.0, [3, 3, 3, 3]),
        (12, 1000.0, [2, 2, 2, 2, 2, 2]),
        (250, 0.1, [84, 83, 83]),
        (3, 1000.0, [1, 1, 1]),
    ],
)
def test_runs_share_jobs_unless_their_work_is_longer_than_one_more_start(
    n: int, seconds: float, sizes: list[int]
) -> None:
    jobs = split(dict.fromkeys(range(n), seconds), concurrency=6, start=180.0, most=100)
    assert [len(job) for job in jobs] == sizes
    assert sorted(number for job in jobs for number in job) == list(range(n))
