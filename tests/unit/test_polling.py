"""The waits between looks at a job: few for a long job, short for a short one."""

from __future__ import annotations

import pytest

from quantum_pipeline.aws.polling import LONGEST_SECONDS, SHORTEST_SECONDS, wait_seconds

DAY = 86_400
EVENTS_A_POLL = 9


def watch(end_seconds: float) -> tuple[int, float]:
    """Return how many looks a job of that end takes on AWS, and how late the last one is."""
    age, polls = 0.0, 0
    while age < end_seconds:
        age += wait_seconds(age, polls, polls_at_once=0)
        polls += 1
        assert polls < 25_000, "an execution's history is full"
    return polls, age - end_seconds


def test_a_job_of_five_days_after_three_in_the_queue_stays_below_half_of_the_history() -> None:
    polls, late = watch(8 * DAY)
    assert polls * EVENTS_A_POLL < 12_500
    assert late <= 600


@pytest.mark.parametrize("end_seconds", range(1, 61))
def test_a_job_of_up_to_a_minute_is_noticed_at_most_four_seconds_late(end_seconds: int) -> None:
    assert watch(end_seconds)[1] <= 4


@pytest.mark.parametrize("end_seconds", [61, 333, 1000, 5000, 20_000, 100_000])
def test_no_end_is_noticed_later_than_a_twentieth_of_the_age_or_ten_minutes(
    end_seconds: int,
) -> None:
    assert watch(end_seconds)[1] <= min(600, max(2, 0.05 * end_seconds))


def test_waits_are_whole_seconds_that_never_shrink() -> None:
    waits = [wait_seconds(age, 0, 0) for age in range(0, 20_000, 7)]
    assert waits == sorted(waits)
    assert {type(wait) for wait in waits} == {int}
    assert (waits[0], waits[-1]) == (SHORTEST_SECONDS, LONGEST_SECONDS)


def test_a_clock_that_runs_behind_still_gives_the_shortest_wait() -> None:
    assert wait_seconds(-5.0, 0, 0) == SHORTEST_SECONDS


def test_a_stack_that_polls_at_once_does_so_a_few_times_and_then_waits_as_others_do() -> None:
    assert [wait_seconds(1.0, polls, polls_at_once=3) for polls in range(6)] == [0, 0, 0, 2, 2, 2]
    assert wait_seconds(3600.0, 3, polls_at_once=3) == wait_seconds(3600.0, 3, 0) == 180
