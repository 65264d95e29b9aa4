"""What GetDevice reports of an emulated device's service: that it is emulated, and its sources."""

from __future__ import annotations

from typing import Any

LOCATION = "emulated on this machine"

ALWAYS = ({"executionDay": "Everyday", "windowStartHour": "00:00", "windowEndHour": "23:59:59"},)
"""Open at any hour, so that no rehearsal has to wait for one."""


def header(name: str, version: str = "1") -> dict[str, str]:
    """Return the header of a schema of ``braket.device_schema``."""
    return {"name": f"braket.device_schema.{name}", "version": version}


def service(
    sources: str, shots: tuple[int, int], usd_per_shot: float, updated_at: str
) -> dict[str, Any]:
    """Return the service properties, whose summary names the sources of the emulator."""
    return {
        "braketSchemaHeader": header("device_service_properties"),
        "executionWindows": [dict(window) for window in ALWAYS],
        "shotsRange": list(shots),
        "deviceCost": {"price": usd_per_shot, "unit": "shot"},
        "deviceDocumentation": {
            "summary": f"Emulated; {sources}; open all day, every day, unless configured otherwise."
        },
        "deviceLocation": LOCATION,
        "updatedAt": updated_at,
        "getTaskPollIntervalMillis": 200,
    }
