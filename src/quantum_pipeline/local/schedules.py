"""EventBridge Scheduler: calls functions again and again, the first time after one period."""

from __future__ import annotations

import threading
from collections.abc import Iterable

from quantum_pipeline.local.lambdas import Functions
from quantum_pipeline.local.template import Schedule


class Schedules:
    """The schedules of one stack, each with a thread that waits."""

    def __init__(self, schedules: Iterable[Schedule], functions: Functions) -> None:
        """Begin to wait."""
        self._functions = functions
        self._closed = threading.Event()
        for schedule in schedules:
            threading.Thread(
                target=self._follow, args=(schedule,), name="schedule", daemon=True
            ).start()

    def close(self) -> None:
        """Call nothing any more."""
        self._closed.set()

    def _follow(self, schedule: Schedule) -> None:
        while not self._closed.wait(schedule.every_seconds):
            self._functions.invoke_later(schedule.function_arn, schedule.payload.encode())
