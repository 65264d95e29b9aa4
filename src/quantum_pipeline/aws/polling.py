"""How long to wait before the next look at a job, or at the line of those that wait for one.

The wait grows with the age of the job, so that its end is noticed late by about 5 % of its age and
never by more than 10 minutes, of a pack by 45. One poll is about 9 events of the execution's
history: a job that is 8 days old has cost about 1,300 polls, below half of the 25,000 events an
execution may have.

A stack may have the first few looks follow one another at once, where a job is done in a second and
looks are free. On AWS they are not: GetJob answers five requests a second.
"""

from __future__ import annotations

SHORTEST_SECONDS = 2
LONGEST_SECONDS = 600
LONGEST_SECONDS_OF_PACK = 2700
"""A pack's execution needs events for the ends of its runs: a job of days is looked at less."""
SHARE_OF_AGE = 0.05

LONGEST_IN_LINE_SECONDS = 30
EVEN_WAITS = 20
LINE_GROWTH = 1.08


def longest(n_runs: int) -> int:
    """Return the longest wait of an execution of so many runs."""
    return LONGEST_SECONDS if n_runs == 1 else LONGEST_SECONDS_OF_PACK


def wait_seconds(
    age_seconds: float, polls: int, polls_at_once: int, longest: int = LONGEST_SECONDS
) -> int:
    """Return the seconds until the next look at a job of that age, after so many polls.

    >>> [wait_seconds(age, polls=1, polls_at_once=0) for age in (0, 60, 3600, 86400)]
    [2, 3, 180, 600]
    >>> [wait_seconds(1, polls, polls_at_once=3) for polls in range(5)]
    [0, 0, 0, 2, 2]
    """
    if polls < polls_at_once:
        return 0
    return int(min(longest, max(SHORTEST_SECONDS, SHARE_OF_AGE * age_seconds)))


def line_wait_seconds(place: int, slots: int, waits: int, longest: int = LONGEST_SECONDS) -> int:
    """Return the seconds until a run looks at the line again, after so many waits.

    Whoever is far behind need not look often: at 2 seconds a job the line does not move faster than
    that. After twenty waits each is 8 % longer than the one before, up to 10 minutes: so a day
    in line is about 200 looks of 9 events each.

    >>> [line_wait_seconds(place, slots=3, waits=0) for place in (0, 6, 30, 200)]
    [2, 2, 10, 30]
    >>> [line_wait_seconds(0, 3, waits) for waits in (20, 40, 60, 100)]
    [2, 9, 43, 600]
    """
    by_place = min(LONGEST_IN_LINE_SECONDS, max(SHORTEST_SECONDS, place / slots))
    return int(min(longest, by_place * LINE_GROWTH ** max(0, waits - EVEN_WAITS)))
