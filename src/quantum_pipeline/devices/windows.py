"""Computes whether a device is open now, until when, and when it opens next; in UTC."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime, time, timedelta

from quantum_pipeline.devices.states import Window

_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_GROUPS = {"Everyday": range(7), "Weekdays": range(5), "Weekend": range(5, 7)}


def closes_at(windows: Iterable[Window], now: datetime) -> datetime | None:
    """Return when the window that is open now ends, None where none is open.

    Windows that follow one another without a gap count as one, for at most a week.

    >>> from datetime import UTC
    >>> night = Window(day="Weekdays", start="22:00:00", end="06:00:00")
    >>> closes_at([night], datetime(2026, 11, 28, 3, tzinfo=UTC)).isoformat()
    '2026-11-28T06:00:00+00:00'
    """
    spans = sorted(_spans(windows, now))
    end: datetime | None = None
    for start, stop in spans:
        if start <= (end or now) and stop > (end or now):
            end = stop
    return end


def opens_at(windows: Iterable[Window], now: datetime) -> datetime | None:
    """Return the beginning of the next window, None where there is none.

    >>> from datetime import UTC
    >>> opens_at([Window(day="Monday", start="09:00:00", end="10:00:00")],
    ...     datetime(2026, 11, 24, 12, tzinfo=UTC)).isoformat()
    '2026-11-30T09:00:00+00:00'
    """
    return min((start for start, _ in _spans(windows, now) if start > now), default=None)


def _spans(windows: Iterable[Window], now: datetime) -> Iterator[tuple[datetime, datetime]]:
    """Yield beginning and end of each window, from yesterday on for nine days.

    A window whose end is before its start ends on the next day. One that ends at 23:59 or later
    ends at midnight: Braket has no 24:00.
    """
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    for window in windows:
        start, end = time.fromisoformat(window.start), time.fromisoformat(window.end)
        for offset in range(-1, 8):
            day = midnight + timedelta(days=offset)
            if not _matches(window.day, day.weekday()):
                continue
            until = day.replace(hour=end.hour, minute=end.minute, second=end.second)
            if until >= day + timedelta(hours=23, minutes=59):
                until = day + timedelta(days=1)
            elif end <= start:
                until += timedelta(days=1)
            yield day.replace(hour=start.hour, minute=start.minute, second=start.second), until


def _matches(day: str, weekday: int) -> bool:
    return weekday in _GROUPS[day] if day in _GROUPS else day == _DAYS[weekday]
