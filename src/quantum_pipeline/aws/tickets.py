"""The line of runs that wait for a job: a ticket each, an object in S3, in order of their start.

A run takes its ticket when others wait already, or when Braket's quota of jobs is full, and renews
it at each look. The keys sort by the executions' start, so a place in the line is the number of
tickets before one's own. A ticket that nobody renews any more is a lost one: it counts no more
after a while, by the times of S3 alone, and so blocks the line of nobody. Who comes back renews it,
and has its place again.

A ticket is removed by Submit when its run has a job, and by Cancel when it has ended. One that is
left even so is found by the sweep, or expires.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import takewhile
from typing import NamedTuple

from quantum_pipeline import runs
from quantum_pipeline.aws import storage

LOST = timedelta(seconds=150)
"""How long a ticket counts that is not renewed: a wait, a throttled call and a retry of it."""


class Ticket(NamedTuple):
    """Where it is, whose it is, and when it was renewed, by the clock of S3."""

    key: str
    run_id: str
    renewed_at: datetime


def waiting(bucket: str) -> Iterator[Ticket]:
    """Yield all tickets, the first in line first; a call to S3 for each thousand."""
    for key, renewed_at in storage.listed(bucket, runs.LINE):
        yield Ticket(key, key.removeprefix(runs.LINE).partition("/")[2], renewed_at)


def renew(bucket: str, run_id: str, started_at: datetime) -> int:
    """Take a run's ticket, or renew it; return how many wait before it."""
    key = runs.ticket(run_id, started_at)
    storage.write(bucket, key, b"", "text/plain")
    up_to_it = list(takewhile(lambda each: each.key <= key, waiting(bucket)))
    now = max((each.renewed_at for each in up_to_it), default=datetime.min)
    return sum(each.key < key and now - each.renewed_at <= LOST for each in up_to_it)


def give_back(bucket: str, run_id: str, started_at: datetime) -> None:
    """Leave the line; nothing happens where there is no ticket."""
    storage.delete(bucket, runs.ticket(run_id, started_at))


def remove(bucket: str, run_id: str) -> None:
    """Take a run out of the line, whenever it started."""
    for key in [each.key for each in waiting(bucket) if each.run_id == run_id]:
        storage.delete(bucket, key)
