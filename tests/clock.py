"""A clock that stands still: only sleeping, and what a test says, moves it."""

from __future__ import annotations

from types import ModuleType

import pytest


class Clock:
    """Stands where a module has ``time``."""

    def __init__(self) -> None:
        self.now = 100.0

    def monotonic(self) -> float:
        return self.now

    def time(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


def clock_of(monkeypatch: pytest.MonkeyPatch, *modules: ModuleType) -> Clock:
    """Return the clock that these modules have from now on."""
    clock = Clock()
    for module in modules:
        monkeypatch.setattr(module, "time", clock)
    return clock
