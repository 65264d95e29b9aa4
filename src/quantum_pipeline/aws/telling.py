"""Tells of an end once: whoever holds the lease in its record tells, and then marks it as told.

The lease outlasts any function: two calls tell the same end only if the first dies, or loses the
answer, between telling and marking.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import TypeVar

from pydantic import BaseModel

from quantum_pipeline.aws import storage
from quantum_pipeline.aws.storage import Tagged

LEASE_SECONDS = 330
"""How long a teller that says no more is taken to be alive: longer than any function may run."""


class Lease(BaseModel):
    """Who tells of an end, and until when nobody else does."""

    teller: str
    until: datetime


class ToBeTold(BaseModel):
    """The record of an end, as far as it is to be told."""

    telling: Lease | None = None
    told: bool = False

    @property
    def finished(self) -> bool:
        """Whether nothing is left to do."""
        return self.told

    def leased(self, now: datetime) -> bool:
        """Return whether somebody may be telling of it now."""
        return self.telling is not None and now < self.telling.until


Record = TypeVar("Record", bound=ToBeTold)


def once(
    bucket: str, key: str, model: type[Record], tell: Callable[[Record], Record | None]
) -> None:
    """Tell of a record and mark it, unless somebody else has told, or may be telling now.

    If telling fails, the lease is given back: the next call tells. What it returns is marked, where
    it returns a record.
    """
    leased = _take_lease(bucket, key, model)
    if leased is None:
        return
    stands = leased.record
    try:
        stands = tell(stands) or stands
    except Exception:  # whatever it is, it is raised again, with the lease given back
        free = stands.model_copy(update={"telling": None})
        storage.replace(bucket, key, Tagged(free, leased.tag))
        raise
    storage.replace(bucket, key, Tagged(stands.model_copy(update={"told": True}), leased.tag))


def _take_lease(bucket: str, key: str, model: type[Record]) -> Tagged[Record] | None:
    """Return the record with a lease of our own; None where there is nothing to tell for us."""
    now = datetime.now(UTC)
    found = storage.read_tagged(bucket, key, model)
    if found is None or found.record.finished or found.record.leased(now):
        return None
    lease = Lease(teller=secrets.token_hex(8), until=now + timedelta(seconds=LEASE_SECONDS))
    asked = found.record.model_copy(update={"telling": lease})
    tag = storage.replace(bucket, key, Tagged(asked, found.tag))
    if tag is not None:
        return Tagged(asked, tag)
    now_there = storage.read_tagged(bucket, key, model)  # ours, if the answer to our write was lost
    return now_there if now_there is not None and now_there.record.telling == lease else None
