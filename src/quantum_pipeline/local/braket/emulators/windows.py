"""Decides whether a device is open, by its execution windows in UTC (``executionWindows``)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, time, timedelta

_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_GROUPS = {"Everyday": _DAYS, "Weekdays": _DAYS[:5], "Weekend": _DAYS[5:]}


def is_open(windows: Iterable[Mapping[str, str]], now: float) -> bool:
    """Return whether one of the windows is open at ``now``, in seconds since the epoch.

    The last second of a window is part of it. One that ends before it starts ends on the next day.

    >>> window = {"executionDay": "Monday", "windowStartHour": "22:00", "windowEndHour": "01:59:59"}
    >>> [is_open([window], 3600 * hours) for hours in (4 * 24 + 22, 5 * 24 + 1, 5 * 24 + 2)]
    [True, True, False]
    """
    moment = datetime.fromtimestamp(now, UTC)
    return any(_contains(window, moment) for window in windows)


def _contains(window: Mapping[str, str], moment: datetime) -> bool:
    days = _GROUPS.get(window["executionDay"], (window["executionDay"],))
    start = time.fromisoformat(window["windowStartHour"])
    end = time.fromisoformat(window["windowEndHour"])
    clock = moment.time().replace(microsecond=0)
    today, yesterday = (_DAYS[(moment - timedelta(days=back)).weekday()] for back in (0, 1))
    if start <= end:
        return today in days and start <= clock <= end
    return (today in days and clock >= start) or (yesterday in days and clock <= end)
