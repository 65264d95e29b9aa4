"""The catalogue of devices: names, ARNs, prices with their date, and assumed times.

It is what cannot be asked of Braket. All else is asked when a run is prepared, and comes as a
``DeviceState``.
"""

from __future__ import annotations

import json
from difflib import get_close_matches
from fnmatch import fnmatchcase
from functools import cache
from importlib import resources
from typing import Literal

from pydantic import BaseModel, ConfigDict

from quantum_pipeline.errors import DeviceUnavailable, InvalidRequest
from quantum_pipeline.wording import shown


class Device(BaseModel):
    """One entry of the catalogue. Money in USD, times in seconds.

    ``max_qubits`` and ``max_shots`` are what is published of a simulator, for what stands in for it
    on this machine; what holds for a run is what Braket answers.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    arn: str
    kind: Literal["local", "simulator", "qpu", "analog"]
    provider: str
    max_qubits: int | None = None
    max_shots: int | None = None
    usd_per_task: float = 0.0
    usd_per_shot: float = 0.0
    usd_per_minute: float = 0.0
    minimum_seconds: float = 0.0
    assumed_task_seconds: float = 0.0
    assumed_shot_seconds: float = 0.0

    @property
    def region(self) -> str | None:
        """AWS region that the device stands in; None for simulators, which are in all of them."""
        return self.arn.split(":")[3] or None if self.arn.startswith("arn:") else None

    def is_ideal(self, *, noisy: bool) -> bool:
        """Return whether no error of its own is in what it measures; ``noisy`` if a run asks for
        some."""
        return self.kind == "local" or (self.kind == "simulator" and not noisy)


class Catalogue(BaseModel):
    """The devices and the day their prices were read.

    ``retired`` are names, or patterns of names, of devices that Braket had.
    """

    prices_as_of: str
    prices_source: str
    timings: str
    retired: tuple[str, ...]
    devices: tuple[Device, ...]


@cache
def catalogue() -> Catalogue:
    """Return the catalogue that ships with the package."""
    file = resources.files("quantum_pipeline.devices") / "devices.json"
    return Catalogue.model_validate(json.loads(file.read_text("utf-8")))


LOCAL = "local"
"""Name of the job's own simulator."""

EXACT_QUBITS = 26
"""Widest exact state vector that it computes."""


def find(spec: str) -> Device:
    """Return the device of a name (any case; spaces, - and _ are one) or ARN.

    Raises:
        InvalidRequest: no device has that name; says which is meant where one is like it.
        DeviceUnavailable: Braket had it once.

    >>> find("sv1").arn
    'arn:aws:braket:::device/quantum-simulator/amazon/sv1'
    """
    devices = catalogue().devices
    for device in devices:
        if spec == device.arn or _key(spec) == _key(device.name):
            return device
    names = ", ".join(device.name for device in devices if device.kind != "analog")
    name = spec.rpartition("/")[2].lower()
    if any(fnmatchcase(name, retired.lower()) for retired in catalogue().retired):
        raise DeviceUnavailable(f"device: got {shown(spec)}, which is retired; allowed: {names}")
    moved = [each for each in devices if "/" in spec and each.arn.lower().endswith(f"/{name}")]
    if moved:
        raise InvalidRequest.of("device", spec, f"{moved[0].name}, whose ARN is {moved[0].arn}")
    meant = _like(name)
    ask = f"; did you mean {' or '.join(meant)}?" if meant else ""
    raise InvalidRequest.of("device", spec, f"auto, or the name or ARN of one of {names}{ask}")


def _key(name: str) -> str:
    """Return a name as it is compared: Forte 1 is Forte-1."""
    return "".join(letter for letter in name.lower() if letter not in " -_")


def _like(name: str) -> list[str]:
    """Return the names that hold a part of a name, or else those that are nearly it."""
    by_name = {each.name.lower(): each.name for each in catalogue().devices}
    parts = [known for known in by_name if len(name) >= MIN_PART and name in known]
    return [by_name[each] for each in parts or get_close_matches(name, by_name, n=2)]


MIN_PART = 3
"""Letters from which on a part of a device's name is taken for it."""
