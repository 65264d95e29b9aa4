"""Spending limits: how much the tasks on one QPU may cost in a time. Simulators have none.

A task counts at its list price from its creation on, with what it is billed once it has ended:
nothing if it FAILED or was CANCELLED. Tasks count that were created in the limit's period while the
limit stood; those in a reservation never do. A task that would pass a limit, or comes outside its
period, is refused with a ValidationException (the developer guide: "a validation error"; its
wording here is ours).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from botocore.utils import parse_to_aware_datetime

from quantum_pipeline.local.braket.arn import new_arn
from quantum_pipeline.local.braket.billing import qpu_task_usd, task_usd
from quantum_pipeline.local.braket.errors import invalid, not_found
from quantum_pipeline.local.braket.idempotency import Tokens
from quantum_pipeline.local.braket.job import moment
from quantum_pipeline.local.braket.protocol import Call
from quantum_pipeline.local.braket.search import Field, search
from quantum_pipeline.local.braket.task import ENDED, Task

_QPU = re.compile(r"arn:aws[a-z-]*:braket:[a-z0-9-]*::device/qpu/[^/]+/[^/]+")
_FOREVER = 253_402_300_799.0
"""The last second of the year 9999: a limit without an end."""


@dataclass
class SpendingLimit:
    """One limit, in USD as decimal text; times in seconds since the epoch."""

    arn: str
    device: str
    usd: str
    period: tuple[float, float]
    created_at: float
    updated_at: float
    tags: dict[str, str]

    def spent(self, tasks: Iterable[Task]) -> tuple[Decimal, Decimal]:
        """Return what counts of some tasks: those that have not ended, and those that have."""
        mine = [
            task
            for task in tasks
            if task.device.arn == self.device
            and not task.reserved
            and self.created_at <= task.created_at
            and self.is_active(task.created_at)
        ]
        queued = [task for task in mine if task.status not in ENDED]
        ended = [task for task in mine if task.status in ENDED]
        return (
            sum((qpu_task_usd(self.device, task.request["shots"]) for task in queued), Decimal(0)),
            sum(map(task_usd, ended), Decimal(0)),
        )

    def is_active(self, at: float) -> bool:
        """Return whether a time is in the period of the limit."""
        return self.period[0] <= at <= self.period[1]

    def summary(self, tasks: Iterable[Task]) -> dict[str, Any]:
        """Return the SpendingLimitSummary, given all tasks."""
        queued, total = self.spent(tasks)
        return {
            "spendingLimitArn": self.arn,
            "deviceArn": self.device,
            "timePeriod": {"startAt": moment(self.period[0]), "endAt": moment(self.period[1])},
            "spendingLimit": self.usd,
            "queuedSpend": f"{queued:f}",
            "totalSpend": f"{total:f}",
            "createdAt": moment(self.created_at),
            "updatedAt": moment(self.updated_at),
            "tags": self.tags,
        }


_FIELDS = {"deviceArn": Field[SpendingLimit](lambda limit: limit.device)}


class SpendingLimits:
    """All spending limits of the service."""

    def __init__(self, clock: Callable[[], float], tasks: Callable[[], Iterable[Task]]) -> None:
        self._clock = clock
        self._tasks = tasks
        self._limits: dict[str, SpendingLimit] = {}
        self._made: Tokens[SpendingLimit] = Tokens()
        self._updates: Tokens[SpendingLimit] = Tokens()

    def create(self, call: Call) -> dict[str, Any]:
        """CreateSpendingLimit."""
        limit = self._made.known(call)
        if limit is None:
            limit = self._new(call)
            self._limits[limit.arn] = limit
            self._made.remember(call, limit)
        return {"spendingLimitArn": limit.arn}

    def search(self, call: Call) -> dict[str, Any]:
        """SearchSpendingLimits, newest first."""
        page, token = search(reversed(self._limits.values()), _FIELDS, call)
        return {
            "spendingLimits": [limit.summary(self._tasks()) for limit in page],
            "nextToken": token,
        }

    def update(self, call: Call) -> dict[str, Any]:
        """UpdateSpendingLimit."""
        limit = self._find(call.params["spendingLimitArn"])
        if self._updates.known(call) is None:
            limit.period = self._period(call.params, limit.period)
            limit.usd = call.params.get("spendingLimit", limit.usd)
            limit.updated_at = self._clock()
            self._updates.remember(call, limit)
        return {}

    def delete(self, call: Call) -> dict[str, Any]:
        """DeleteSpendingLimit."""
        del self._limits[self._find(call.params["spendingLimitArn"]).arn]
        return {}

    def approve(self, task: Task) -> None:
        """Hold a new task, not yet among the others, to the limits of its device.

        Raises:
            BraketError: ValidationException; it would pass one, or is outside its period.
        """
        mine = [limit for limit in self._limits.values() if limit.device == task.device.arn]
        if task.reserved or not mine:
            return
        usd = qpu_task_usd(task.device.arn, task.request["shots"])
        for limit in mine:
            if not limit.is_active(task.created_at):
                raise invalid(f"{limit.arn}: the task is outside the time period of this limit")
            left = Decimal(limit.usd) - sum(limit.spent(self._tasks()))
            if usd > left:
                raise invalid(
                    f"{limit.arn}: the task costs {usd:f} USD; {left:f} of this spending limit of "
                    f"{limit.usd} USD are left"
                )

    def tags(self, arn: str) -> dict[str, str] | None:
        """Return the tags of a limit, to be changed in place, or None if there is no such limit."""
        return self._limits[arn].tags if arn in self._limits else None

    def _find(self, arn: str) -> SpendingLimit:
        if arn not in self._limits:
            raise not_found(arn)
        return self._limits[arn]

    def _new(self, call: Call) -> SpendingLimit:
        params, now = call.params, self._clock()
        if not _QPU.fullmatch(params["deviceArn"]):
            raise invalid(
                f"deviceArn: {params['deviceArn']!r} is no QPU; simulators have no limits"
            )
        return SpendingLimit(
            arn=new_arn("spending-limit", call.region),
            device=params["deviceArn"],
            usd=params["spendingLimit"],
            period=self._period(params, (now, _FOREVER)),
            created_at=now,
            updated_at=now,
            tags=dict(params.get("tags", {})),
        )

    def _period(
        self, params: Mapping[str, Any], default: tuple[float, float]
    ) -> tuple[float, float]:
        if "timePeriod" not in params:
            return default
        start, end = (
            parse_to_aware_datetime(params["timePeriod"][name]).timestamp()
            for name in ("startAt", "endAt")
        )
        if end <= max(start, self._clock()):
            raise invalid("timePeriod: endAt is not after startAt and now")
        return start, end
