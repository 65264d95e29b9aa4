"""How long to wait before the next look at a job.

The wait grows with the age of the job, so that its end is noticed late by about 5 % of its age and
never by more than 10 minutes. One poll is about 9 events of the execution's history: a job that
is 8 days old has cost about 1,300 polls, below half of the 25,000 events an execution may have.

A stack may have the first few looks follow one another at once, where a job is done in a second and
looks are free. On AWS they are not: GetJob answers five requests a second.
"""

from __future__ import annotations

SHORTEST_SECONDS = 2
LONGEST_SECONDS = 600
SHARE_OF_AGE = 0.05


def wait_seconds(age_seconds: float, polls: int, polls_at_once: int) -> int:
    """Return the seconds until the next look at a job of that age, after so many polls.

    >>> [wait_seconds(age, polls=1, polls_at_once=0) for age in (0, 60, 3600, 86400)]
    [2, 3, 180, 600]
    >>> [wait_seconds(1, polls, polls_at_once=3) for polls in range(5)]
    [0, 0, 0, 2, 2]
    """
    if polls < polls_at_once:
        return 0
    return int(min(LONGEST_SECONDS, max(SHORTEST_SECONDS, SHARE_OF_AGE * age_seconds)))
