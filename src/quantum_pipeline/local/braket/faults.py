"""Faults of quantum tasks that tests can inject, each by name; none occurs unless requested.

`BraketService.intercept` serves where any operation is to be refused, or watched; windows, queues
and a device's status at once are set on `BraketService.devices`.
"""

from __future__ import annotations

import threading
from collections import Counter, deque

from quantum_pipeline.local.braket.devices import Devices
from quantum_pipeline.local.braket.errors import BraketError
from quantum_pipeline.local.braket.task import Ending


class Faults:
    """Faults to come. A request that is repeated under its token uses none up but throttling."""

    def __init__(self, devices: Devices, lock: threading.RLock) -> None:
        self._devices = devices
        self._lock = lock
        self._endings: dict[str, deque[Ending]] = {}
        self._left_online: dict[str, int] = {}
        self._results_to_lose: Counter[str] = Counter()
        self._throttled = 0

    def end_next(
        self,
        device_arn: str,
        count: int = 1,
        *,
        status: str = "FAILED",
        reason: str = "the device reported an internal error",
    ) -> None:
        """Let the next tasks created on a device end FAILED, with a reason, or CANCELLED.

        They run on nothing, leave no result and are not billed.
        """
        with self._lock:
            self._endings.setdefault(device_arn, deque()).extend([Ending(status, reason)] * count)

    def go_offline_after(self, device_arn: str, creations: int) -> None:
        """Let a device be OFFLINE once this many more tasks have been created on it.

        Those that were created before stay in its queue and run.
        """
        with self._lock:
            self._left_online[device_arn] = creations
            self._count_down(device_arn, 0)

    def lose_results(self, device_arn: str, count: int = 1) -> None:
        """Let the next tasks on a device end COMPLETED, and be billed, with nothing in S3."""
        with self._lock:
            self._results_to_lose[device_arn] += count

    def throttle(self, count: int = 1) -> None:
        """Refuse the next CreateQuantumTask requests with a ThrottlingException; 0 ends that.

        AWS clients repeat such requests by themselves: as many as they do have to be refused.
        """
        with self._lock:
            self._throttled = count

    def at_request(self) -> None:
        """Record a CreateQuantumTask request.

        Raises:
            BraketError: it is throttled.
        """
        if self._throttled:
            self._throttled -= 1
            raise BraketError("ThrottlingException", "Rate exceeded")

    def at_creation(self, device_arn: str) -> Ending | None:
        """Record a task that is created; return how it is to end, if by a fault."""
        self._count_down(device_arn, 1)
        endings = self._endings.get(device_arn)
        return endings.popleft() if endings else None

    def loses_result(self, device_arn: str) -> bool:
        """Return whether the result of a task that has run is lost."""
        with self._lock:
            lost = self._results_to_lose[device_arn] > 0
            self._results_to_lose[device_arn] -= lost
            return lost

    def _count_down(self, device_arn: str, created: int) -> None:
        if device_arn in self._left_online:
            self._left_online[device_arn] -= created
            if self._left_online[device_arn] <= 0:
                del self._left_online[device_arn]
                self._devices.set(device_arn, status="OFFLINE")
