"""EventBridge Scheduler: calls functions again and again, the first time after one period."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterable

from quantum_pipeline.local.iam.authority import AccessDenied, Authority
from quantum_pipeline.local.lambdas import Functions
from quantum_pipeline.local.template import Schedule

_log = logging.getLogger(__name__)


class Schedules:
    """The schedules of one stack, each with a thread that waits."""

    def __init__(
        self, schedules: Iterable[Schedule], functions: Functions, authority: Authority
    ) -> None:
        """Begin to wait."""
        self._functions = functions
        self._authority = authority
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
            try:
                self._authority.check_schedule(
                    schedule.arn, schedule.role_arn, schedule.function_arn
                )
            except AccessDenied as denied:  # on AWS it lands in the schedule's queue
                _log.warning("%s", denied)
            else:
                self._functions.invoke_later(schedule.function_arn, schedule.payload.encode())
