"""Times competitors in turn, round by round, so that a disturbance affects all of them.

Each is called once before, which compiles, fills caches and gives the result to compare. Calls that
take less than a clock can resolve are repeated within a round. A competitor whose share of time is
used up takes no further rounds: the number that it took stands beside its figure.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from statistics import median
from typing import Any

Clock = Callable[[], float]
CLOCKS: dict[str, Clock] = {"wall": time.perf_counter, "cpu": time.process_time}
"""The processor's time leaves out what other programs take, and adds up that of all threads."""

SAMPLE_SECONDS = 0.01
"""Shortest time that one figure is made of."""


@dataclass(frozen=True)
class Limits:
    """How many rounds all take, how many seconds each may take for them, and by which clock."""

    rounds: int
    budget_seconds: float = math.inf
    clock: Clock = time.perf_counter


@dataclass
class Timing:
    """Seconds of one call in each round, and the first call's own result and seconds."""

    result: Any
    first_seconds: float
    samples: list[float] = field(default_factory=list)

    @property
    def seconds(self) -> float:
        """Median of the rounds; of a competitor that had time for none, the first call."""
        return median(self.samples or [self.first_seconds])

    @property
    def rounds(self) -> int:
        return max(1, len(self.samples))

    def __str__(self) -> str:
        samples = self.samples or [self.first_seconds]
        unit, size = _unit(self.seconds)
        low, high = min(samples) / size, max(samples) / size
        return f"{self.seconds / size:.3g} {unit} ({low:.3g}-{high:.3g})"


def interleave(calls: Mapping[str, Callable[[], Any]], limits: Limits) -> dict[str, Timing]:
    """Call each once, then each in turn round by round, within its limits.

    >>> timings = interleave({"one": lambda: 1, "two": lambda: 2}, Limits(rounds=3))
    >>> [(name, timing.result, timing.rounds) for name, timing in timings.items()]
    [('one', 1, 3), ('two', 2, 3)]
    """
    timings, clock = {}, limits.clock
    for name, call in calls.items():
        begun = clock()
        result = call()
        timings[name] = Timing(result, clock() - begun)
    spent = {name: timing.first_seconds for name, timing in timings.items()}
    last = dict(spent)
    for _ in range(limits.rounds):
        for name, call in calls.items():
            if spent[name] + last[name] > limits.budget_seconds:
                continue
            seconds, count = _sample(call, clock)
            timings[name].samples.append(seconds)
            last[name] = seconds * count
            spent[name] += last[name]
    return timings


def _sample(call: Callable[[], Any], clock: Clock) -> tuple[float, int]:
    """Return the seconds of one call, averaged over as many as fill a sample, and their number."""
    begun, count = clock(), 0
    while True:
        call()
        count += 1
        passed = clock() - begun
        if passed >= SAMPLE_SECONDS:
            return passed / count, count


def in_words(seconds: float) -> str:
    """Return seconds in the unit that reads best: three digits.

    >>> [in_words(seconds) for seconds in (2.5e-5, 0.0025, 2.5)]
    ['25 us', '2.5 ms', '2.5 s']
    """
    unit, size = _unit(seconds)
    return f"{seconds / size:.3g} {unit}"


def _unit(seconds: float) -> tuple[str, float]:
    units = (("s", 1.0), ("ms", 1e-3))
    return next(((unit, size) for unit, size in units if seconds >= size), ("us", 1e-6))
