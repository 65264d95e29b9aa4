"""The devices that a request can name, with what cannot be asked of Braket: prices and their date.

Whether a device is online, and how many qubits a QPU has, is asked of Braket when a run is
prepared; this module decides what follows from the name alone.
"""

from __future__ import annotations

import json
from functools import cache
from importlib import resources
from typing import Literal

from pydantic import BaseModel, ConfigDict

from quantum_pipeline.errors import DeviceUnavailable, InvalidRequest


class Device(BaseModel):
    """One entry of the catalogue. Money in USD, times in seconds."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    arn: str
    kind: Literal["local", "simulator", "qpu", "analog"]
    max_qubits: int | None = None
    min_shots: int = 1
    max_shots: int = 50_000
    usd_per_task: float = 0.0
    usd_per_shot: float = 0.0
    usd_per_minute: float = 0.0
    minimum_seconds: float = 0.0

    @property
    def region(self) -> str | None:
        """AWS region that the device stands in; None for simulators, which are in all of them."""
        return self.arn.split(":")[3] or None if self.arn.startswith("arn:") else None


class Catalogue(BaseModel):
    """The devices and the day their prices were read."""

    prices_as_of: str
    prices_source: str
    devices: tuple[Device, ...]


@cache
def catalogue() -> Catalogue:
    """Return the catalogue that ships with the package."""
    text = resources.files("quantum_pipeline").joinpath("data/devices.json").read_text("utf-8")
    return Catalogue.model_validate(json.loads(text))


LOCAL = "local"


def find(spec: str) -> Device:
    """Return the device of a name (any case) or ARN.

    Raises:
        InvalidRequest: no device has that name.

    >>> find("sv1").arn
    'arn:aws:braket:::device/quantum-simulator/amazon/sv1'
    """
    for device in catalogue().devices:
        if spec == device.arn or spec.lower() == device.name.lower():
            return device
    names = ", ".join(device.name for device in catalogue().devices)
    raise InvalidRequest.of("device", spec, f"auto, or the name or ARN of one of {names}")


def choose(spec: str, *, n_qubits: int, shots: int, region: str) -> tuple[Device, str]:
    """Return the device of a request and the reason for it.

    Raises:
        InvalidRequest: unknown device, or shots outside its range.
        DeviceUnavailable: in another region, analog, or narrower than the problem.
    """
    device = find(LOCAL if spec == "auto" else spec)
    if device.region not in (None, region):
        raise DeviceUnavailable(
            f"device: {device.arn} is in {device.region}, this stack in {region}; allowed: devices "
            f"of {region}, sv1, dm1 or local, or a stack deployed in {device.region}"
        )
    if device.kind == "analog":
        raise DeviceUnavailable(
            f"device: {device.name} runs analog programs, no gates; allowed: local, sv1, dm1 or a "
            "gate-based QPU"
        )
    if device.max_qubits is not None and n_qubits > device.max_qubits:
        raise DeviceUnavailable(
            f"device: {device.name} has {device.max_qubits} qubits, the problem needs {n_qubits}"
        )
    if not device.min_shots <= shots <= device.max_shots:
        raise InvalidRequest.of(
            "shots", shots, f"{device.min_shots} to {device.max_shots} on {device.name}"
        )
    if spec == "auto":
        return device, (
            f"the job itself computes exactly what it needs of {n_qubits} qubits: no noise, no fee "
            "a shot, nothing to queue for"
        )
    return device, "named in the request"
