"""A device of the local Braket, as a task sees it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Device:
    """A device and what stands in for it."""

    arn: str
    name: str
    provider: str
    type: str
    status: str
    simulator: str
    """Braket's local simulator, "emulator" for a QPU with gates, "" where nothing executes."""

    capabilities: dict[str, Any] = field(repr=False)
    waiting: int = 0
    """Tasks of others in the queue, before all that wait here."""

    @property
    def shots(self) -> tuple[int, int]:
        """Fewest and most shots of a program."""
        least, most = self.capabilities["service"]["shotsRange"]
        return least, most

    @property
    def actions(self) -> frozenset[str]:
        """Kinds of program that the device runs."""
        return frozenset(self.capabilities["action"])

    def summary(self) -> dict[str, Any]:
        """Return the DeviceSummary of SearchDevices."""
        return {
            "deviceArn": self.arn,
            "deviceName": self.name,
            "providerName": self.provider,
            "deviceType": self.type,
            "deviceStatus": self.status,
        }
