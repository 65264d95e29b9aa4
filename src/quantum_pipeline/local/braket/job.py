"""One hybrid job: what was asked for, and its history of events.

Status, times and cost are read off the events, so an event may be written before its time: a test
that drives a job on a clock of its own writes the whole timetable at once (see `JobRunner`).
"""

from __future__ import annotations

import math
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, NamedTuple

STATUSES = {
    "WAITING_FOR_PRIORITY": "QUEUED",
    "QUEUED_FOR_EXECUTION": "QUEUED",
    "STARTING_INSTANCE": "RUNNING",
    "DOWNLOADING_DATA": "RUNNING",
    "RUNNING": "RUNNING",
    "DEPRIORITIZED_DUE_TO_INACTIVITY": "RUNNING",
    "UPLOADING_RESULTS": "RUNNING",
    "COMPLETED": "COMPLETED",
    "FAILED": "FAILED",
    "MAX_RUNTIME_EXCEEDED": "FAILED",
    "CANCELLED": "CANCELLED",
}
ENDED = frozenset({"COMPLETED", "FAILED", "CANCELLED"})
FAILURE_REASON_LENGTH = 1024


class Event(NamedTuple):
    """Something that happened, or will, to a job; ``at`` in seconds since the epoch."""

    type: str
    at: float
    reason: str = ""


def moment(at: float) -> datetime:
    """Return seconds since the epoch as the UTC time that answers carry."""
    return datetime.fromtimestamp(at, UTC)


@dataclass
class Job:
    """A hybrid job. Whoever runs it tells by `record` what happens and heeds `cancel_requested`."""

    arn: str
    request: dict[str, Any]
    region: str
    created_at: float
    token: str
    """Secret of the job's process that marks its quantum tasks as the job's."""
    clock: Callable[[], float]
    lock: threading.RLock
    queue_seconds: float = 0.0
    """How long the job is to wait in the queue."""
    unwaited_seconds: float = 0.0
    """Billed time that did not pass: of the instance's start, and of the job's tasks on devices."""
    cancel_requested: bool = False
    woken: threading.Event = field(default_factory=threading.Event)
    """Set when the job is cancelled, and by its runner for itself."""
    ended: threading.Event = field(default_factory=threading.Event)
    """Set when the job's end is recorded, which may be before its time."""

    def __post_init__(self) -> None:
        self.tags: dict[str, str] = dict(self.request.get("tags", {}))
        self._events = [Event("QUEUED_FOR_EXECUTION", self.created_at)]

    @property
    def id(self) -> str:
        """Last part of the ARN."""
        return self.arn.rpartition("/")[2]

    @property
    def name(self) -> str:
        """Name given by the user."""
        return str(self.request["jobName"])

    @property
    def device(self) -> str:
        """Device ARN, or ``local:<provider>/<name>``."""
        return str(self.request["deviceConfig"]["device"])

    @property
    def role(self) -> str:
        """ARN of the role that it runs with."""
        return str(self.request["roleArn"])

    @property
    def max_runtime_seconds(self) -> int:
        """Longest time from start to end."""
        return int(self.request["stoppingCondition"]["maxRuntimeInSeconds"])

    def record(self, event: str, *, at: float | None = None, reason: str = "") -> None:
        """Add an event, now or at a later time; after the job's end nothing happens any more."""
        with self.lock:
            if STATUSES[self._events[-1].type] not in ENDED:
                time = self.clock() if at is None else at
                self._events.append(Event(event, time, reason[:FAILURE_REASON_LENGTH]))
                if STATUSES[event] in ENDED:
                    self.ended.set()

    def cancel(self) -> None:
        """Ask the job to end. One whose end is written already ends now: nobody else will do it."""
        with self.lock:
            self.cancel_requested = True
            happened = self.events
            if len(happened) < len(self._events):
                self._events = happened
                self.record("CANCELLED")
            self.woken.set()

    @property
    def events(self) -> list[Event]:
        """What has happened up to now."""
        now = self.clock()
        return [event for event in self._events if event.at <= now]

    @property
    def status(self) -> str:
        """Status of the service model, CANCELLING included."""
        status = STATUSES[self.events[-1].type]
        return "CANCELLING" if self.cancel_requested and status not in ENDED else status

    @property
    def started_at(self) -> float | None:
        """When the job left the queue, if it has."""
        return next((e.at for e in self.events if STATUSES[e.type] == "RUNNING"), None)

    @property
    def ended_at(self) -> float | None:
        """When the job came to its end, if it has."""
        return next((e.at for e in self.events if STATUSES[e.type] in ENDED), None)

    @property
    def billable_seconds(self) -> int | None:
        """Seconds that the instance is billed for, once the job has ended."""
        if self.started_at is None or self.ended_at is None:
            return None
        return math.ceil(self.ended_at - self.started_at + self.unwaited_seconds)

    def summary(self) -> dict[str, Any]:
        """Return the JobSummary of SearchJobs."""
        return self._times() | {
            "status": self.status,
            "jobArn": self.arn,
            "jobName": self.name,
            "device": self.device,
            "tags": dict(self.tags),
        }

    def describe(self) -> dict[str, Any]:
        """Return the answer of GetJob, without queueInfo."""
        asked = {k: v for k, v in self.request.items() if k not in ("clientToken", "tags")}
        return (
            asked
            | self._times()
            | {
                "status": self.status,
                "jobArn": self.arn,
                "tags": dict(self.tags),
                "failureReason": self.events[-1].reason or None
                if self.status == "FAILED"
                else None,
                "billableDuration": self.billable_seconds,
                "events": [
                    {"eventType": e.type, "timeOfEvent": moment(e.at), "message": e.reason}
                    for e in self.events
                ],
            }
        )

    def _times(self) -> dict[str, Any]:
        times = {
            "createdAt": self.created_at,
            "startedAt": self.started_at,
            "endedAt": self.ended_at,
        }
        return {name: moment(at) for name, at in times.items() if at is not None}
