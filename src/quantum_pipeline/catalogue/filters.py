"""Which records are wanted: a question to records as JSON has them, the newest first.

Records are read here as plain dictionaries, for there may be thousands of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

Record = Mapping[str, Any]


@dataclass(frozen=True)
class Wanted:
    """What records have to have; None, or nothing, is what does not matter.

    Attributes:
        device: the name of one of them, in letters of any size.
        tags: names, each with its value, or None where any will do.
        since: no run that ended before.
        until: none that ended at that time or after it.
    """

    type: str | None = None
    device: str | None = None
    status: str | None = None
    study: str | None = None
    pack: str | None = None
    owner: str | None = None
    tags: Mapping[str, str | None] = field(default_factory=dict)
    since: datetime | None = None
    until: datetime | None = None

    def of(self, newest_first: Iterable[Record]) -> Iterator[Record]:
        """Yield the records that are wanted; no more are read than may be."""
        since = None if self.since is None else sortable(self.since)
        until = None if self.until is None else sortable(self.until)
        for record in newest_first:
            ended_at = record["ended_at"].removesuffix("Z")
            if since is not None and ended_at < since:
                return
            if (until is None or ended_at < until) and self._fits(record):
                yield record

    def _fits(self, record: Record) -> bool:
        problem = record["problem"] or {}
        return (
            self.type in (None, problem.get("type"))
            and (self.device is None or self.device.lower() in map(str.lower, device_names(record)))
            and self.status in (None, record["status"])
            and self.study in (None, record["study"])
            and self.pack in (None, record["pack"])
            and self.owner in (None, record["owner"])
            and all(
                name in record["tags"] and value in (None, record["tags"][name])
                for name, value in self.tags.items()
            )
        )


def device_names(record: Record) -> list[str]:
    """Return the names of a run's devices; records of before there were several have one."""
    first = record["device"]
    return [each["name"] for each in (*([first] if first else []), *record.get("others", ()))]


def sortable(moment: datetime) -> str:
    """Return a time as records have it, less the Z of UTC: text in the order of times.

    >>> sortable(datetime(2026, 11, 24, 12, tzinfo=UTC))
    '2026-11-24T12:00:00'
    """
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat()
