"""GetDevice and SearchDevices: the simulators on demand, emulated QPUs, and one analog device.

The properties that each reports are in `on_demand` and `emulators`. The devices of all regions
answer, whatever region they are asked in, and jobs of any region may name them, so that a stack on
this machine can rehearse runs on each; but a QPU takes tasks in its own region alone.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any

from quantum_pipeline.local.braket import emulators, on_demand
from quantum_pipeline.local.braket.device import Device
from quantum_pipeline.local.braket.emulators import EMULATED, EmulatedQpu
from quantum_pipeline.local.braket.emulators.capabilities import PROGRAM, PROGRAM_SET
from quantum_pipeline.local.braket.errors import BraketError, invalid, not_found
from quantum_pipeline.local.braket.protocol import Call
from quantum_pipeline.local.braket.search import Field, search

__all__ = ["PROGRAM", "PROGRAM_SET", "Device", "Devices"]

_FIELDS = {"deviceArn": Field[Device](lambda device: device.arn)}


class Devices:
    """The devices that answer here, and what tests make of them."""

    def __init__(self) -> None:
        devices = (
            on_demand.sv1(),
            on_demand.dm1(),
            *map(_emulated, EMULATED.values()),
            _aquila(),
        )
        self._devices = {device.arn: device for device in devices}
        self.queues: tuple[Callable[[str], list[dict[str, str]]], ...] = ()
        """What reports the lengths of the queues of a device."""

    def get(self, call: Call) -> dict[str, Any]:
        """GetDevice, which answers for retired devices too."""
        device = self._devices.get(call.params["deviceArn"])
        if device is None:
            raise not_found(call.params["deviceArn"])
        return device.summary() | {
            "deviceCapabilities": json.dumps(device.capabilities),
            "deviceQueueInfo": [
                _lengthened(entry, device.waiting)
                for queue in self.queues
                for entry in queue(device.arn)
            ],
        }

    def search(self, call: Call) -> dict[str, Any]:
        """SearchDevices."""
        page, token = search(self._devices.values(), _FIELDS, call)
        return {"devices": [device.summary() for device in page], "nextToken": token}

    def usable(self, arn: str, region: str | None = None) -> Device:
        """Return the device that a job or a task asks for, a task in the region of its request.

        A device outside its windows is usable: its tasks wait until it opens (`is_open`).

        Raises:
            BraketError: there is none, it is in another region, or it is offline or retired.
        """
        device = self._devices.get(arn)
        if device is None:
            raise invalid(f"{arn!r} is not a device of this service")
        home = arn.split(":")[3]  # a simulator has none: it is in every region
        if region is not None and home not in ("", region):
            raise invalid(f"{arn!r} is not a device in {region}: {device.name} is in {home}")
        if device.status != "ONLINE":
            code = (
                "DeviceRetiredException" if device.status == "RETIRED" else "DeviceOfflineException"
            )
            raise BraketError(code, f"{device.name} is {device.status}")
        return device

    def is_open(self, arn: str, now: float) -> bool:
        """Return whether the device takes tasks at ``now``, in seconds since the epoch.

        It does in its execution windows, while it is online. KeyError if there is none.
        """
        device = self._devices[arn]
        windows = device.capabilities["service"]["executionWindows"]
        return device.status == "ONLINE" and emulators.is_open(windows, now)

    def waiting(self, arn: str) -> int:
        """Return how many tasks of others are before all that wait here; KeyError if no device."""
        return self._devices[arn].waiting

    def set(
        self,
        arn: str,
        *,
        status: str | None = None,
        windows: Iterable[tuple[str, str, str]] | None = None,
        waiting: int | None = None,
        capabilities: Mapping[str, Any] | None = None,
    ) -> None:
        """Change what a device is, for jobs and tasks created from now on.

        Args:
            arn: the device; KeyError if there is none.
            status: ONLINE, OFFLINE or RETIRED.
            windows: day as Braket names it, start and last second, UTC: ("Monday", "13:00:00",
                "17:59:59"); none at all closes the device.
            waiting: tasks of others in its queue.
            capabilities: laid over those of GetDevice: objects are merged, all else is replaced.
        """
        device = self._devices[arn]
        merged = _merged(device.capabilities, capabilities or {})
        if windows is not None:
            merged["service"]["executionWindows"] = [
                {"executionDay": day, "windowStartHour": start, "windowEndHour": end}
                for day, start, end in windows
            ]
        self._devices[arn] = replace(
            device,
            status=device.status if status is None else status,
            waiting=device.waiting if waiting is None else waiting,
            capabilities=merged,
        )


def _lengthened(entry: dict[str, str], waiting: int) -> dict[str, str]:
    """Return the length of a queue with the tasks of others, which are of no job."""
    if entry["queue"] == "QUANTUM_TASKS_QUEUE" and entry["queuePriority"] == "Normal":
        return entry | {"queueSize": str(int(entry["queueSize"]) + waiting)}
    return entry


def _merged(base: dict[str, Any], other: Mapping[str, Any]) -> dict[str, Any]:
    merged = copy.deepcopy(base)
    for name, value in other.items():
        both = isinstance(value, Mapping) and isinstance(merged.get(name), dict)
        merged[name] = _merged(merged[name], value) if both else value
    return merged


def _emulated(qpu: EmulatedQpu) -> Device:
    return Device(
        arn=qpu.arn,
        name=qpu.name,
        provider=qpu.provider,
        type="QPU",
        status=qpu.status,
        simulator="emulator",
        capabilities=emulators.capabilities(qpu),
    )


def _aquila() -> Device:
    data = emulators.aquila()
    return Device(
        arn=data["arn"],
        name=data["name"],
        provider=data["provider"],
        type="QPU",
        status="ONLINE",
        simulator="",
        capabilities=data["capabilities"],
    )
