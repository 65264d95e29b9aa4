"""Measures how long each stage of a job took, one after the other."""

from __future__ import annotations

import time


class Stopwatch:
    """Runs from when it is made, in seconds."""

    def __init__(self) -> None:
        self._lap = time.monotonic()

    @property
    def seconds(self) -> float:
        """Seconds since the last lap."""
        return time.monotonic() - self._lap

    def lap(self) -> float:
        """Return the seconds since the last lap, and begin the next."""
        before, self._lap = self._lap, time.monotonic()
        return self._lap - before
