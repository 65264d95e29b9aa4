"""Spending limits: how much the tasks on one QPU may cost in a time. Simulators have none."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from botocore.utils import parse_to_aware_datetime

from quantum_pipeline.local.braket.arn import new_arn
from quantum_pipeline.local.braket.errors import invalid, not_found
from quantum_pipeline.local.braket.idempotency import Tokens
from quantum_pipeline.local.braket.job import moment
from quantum_pipeline.local.braket.protocol import Call
from quantum_pipeline.local.braket.search import Field, search

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

    def summary(self) -> dict[str, Any]:
        """Return the SpendingLimitSummary. No QPU runs here yet: nothing is spent."""
        return {
            "spendingLimitArn": self.arn,
            "deviceArn": self.device,
            "timePeriod": {"startAt": moment(self.period[0]), "endAt": moment(self.period[1])},
            "spendingLimit": self.usd,
            "queuedSpend": "0",
            "totalSpend": "0",
            "createdAt": moment(self.created_at),
            "updatedAt": moment(self.updated_at),
            "tags": self.tags,
        }


_FIELDS = {"deviceArn": Field[SpendingLimit](lambda limit: limit.device)}


class SpendingLimits:
    """All spending limits of the service."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
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
        return {"spendingLimits": [limit.summary() for limit in page], "nextToken": token}

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
