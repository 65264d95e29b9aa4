"""The devices that a request can name, and whether one of them can run it as it is now.

The catalogue has what cannot be asked of Braket: prices with their date, and times that are
assumed. All else is asked when a run is prepared, and comes as a ``DeviceState``.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime
from difflib import get_close_matches
from fnmatch import fnmatchcase
from functools import cache
from importlib import resources
from typing import Literal

from pydantic import BaseModel, ConfigDict

from quantum_pipeline.devices import windows
from quantum_pipeline.devices.states import DeviceState
from quantum_pipeline.errors import DeviceUnavailable, InvalidRequest
from quantum_pipeline.requests.algorithm import EXACT_QUBITS
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


def find(spec: str) -> Device:
    """Return the device of a name (any case) or ARN.

    Raises:
        InvalidRequest: no device has that name; says which is meant where one is like it.
        DeviceUnavailable: Braket had it once.

    >>> find("sv1").arn
    'arn:aws:braket:::device/quantum-simulator/amazon/sv1'
    """
    devices = catalogue().devices
    for device in devices:
        if spec == device.arn or spec.lower() == device.name.lower():
            return device
    names = ", ".join(device.name for device in devices if device.kind != "analog")
    name = spec.rpartition("/")[2].lower()
    if any(fnmatchcase(name, retired.lower()) for retired in catalogue().retired):
        raise DeviceUnavailable(f"device: {shown(spec)} is retired; allowed: {names}")
    moved = [each for each in devices if "/" in spec and each.arn.lower().endswith(f"/{name}")]
    if moved:
        raise InvalidRequest.of("device", spec, f"{moved[0].name}, whose ARN is {moved[0].arn}")
    meant = _like(name)
    ask = f"; did you mean {' or '.join(meant)}?" if meant else ""
    raise InvalidRequest.of("device", spec, f"auto, or the name or ARN of one of {names}{ask}")


def _like(name: str) -> list[str]:
    """Return the names that hold a part of a name, or else those that are nearly it."""
    by_name = {each.name.lower(): each.name for each in catalogue().devices}
    parts = [known for known in by_name if len(name) >= MIN_PART and name in known]
    return [by_name[each] for each in parts or get_close_matches(name, by_name, n=2)]


MIN_PART = 3
"""Letters from which on a part of a device's name is taken for it."""


def choose(
    spec: str,
    *,
    n_qubits: int,
    shots: int,
    region: str,
    state: DeviceState | None = None,
    now: datetime | None = None,
    wait_seconds: float = 0.0,
) -> tuple[Device, str]:
    """Return the device that a request names and the reason for it; of auto, the job's simulator.

    Args:
        spec: name or ARN, or auto.
        n_qubits: that the circuit takes.
        shots: of each circuit.
        region: that the stack stands in; a device that is emulated answers in each.
        state: the device's own now; None where Braket does not know it, and of local.
        now: UTC; without it windows are not looked at.
        wait_seconds: that a job may wait for the device to open.

    Raises:
        InvalidRequest: unknown device, or shots outside its range.
        DeviceUnavailable: in another region, analog, retired, offline, outside its window, or
            narrower than the problem; names what could be used instead.
    """
    device = find(LOCAL if spec == "auto" else spec)
    if device.kind == "local":
        return device, (
            (
                f"the job itself computes exactly what it needs of {n_qubits} qubits: no noise, no "
                "fee a shot, nothing to queue for"
            )
            if spec == "auto"
            else "named in the request"
        )
    problem = _unreachable(device, region, state) or _wrong(device, state, n_qubits)
    problem = problem or _closed(state, now, wait_seconds)
    if problem is not None:
        anywhere = state is not None and state.emulated is not None
        others = alternatives(n_qubits, None if anywhere else region, but=device)
        raise DeviceUnavailable(f"device: {device.name} {problem}; allowed: {', '.join(others)}")
    assert state is not None
    if not state.min_shots <= shots <= state.max_shots:
        raise InvalidRequest.of(
            "shots", shots, f"{state.min_shots} to {state.max_shots} on {device.name}"
        )
    return device, "named in the request"


def _unreachable(device: Device, region: str, state: DeviceState | None) -> str | None:
    if device.region not in (None, region) and (state is None or state.emulated is None):
        return (
            f"({device.arn}) is in {device.region}, this stack in {region}, and a stack in "
            f"{device.region} could use it"
        )
    if device.kind == "analog":
        return "runs analog programs, no gates"
    return "is not known to Braket here" if state is None else None


def _wrong(device: Device, state: DeviceState | None, n_qubits: int) -> str | None:
    assert state is not None
    if state.status != "ONLINE":
        return f"is {state.status}"
    if state.kind == "analog":
        return "runs analog programs, no gates"
    if state.n_qubits is not None and n_qubits > state.n_qubits:
        return f"has {state.n_qubits} qubits, the problem needs {n_qubits}"
    if device.kind == "qpu" and len(state.qubits) < n_qubits:
        return f"has {len(state.qubits)} qubits that work, the problem needs {n_qubits}"
    return None


def _closed(state: DeviceState | None, now: datetime | None, wait_seconds: float) -> str | None:
    """Return that a device is outside its window for longer than the job may wait."""
    assert state is not None
    if now is None or state.kind != "qpu" or windows.closes_at(state.windows, now) is not None:
        return None
    opens = windows.opens_at(state.windows, now)
    if opens is None:
        return "has no window in which it takes tasks"
    seconds = (opens - now).total_seconds()
    if seconds <= wait_seconds:
        return None
    return (
        f"is outside its window and opens at {opens:%Y-%m-%d %H:%M} UTC, in {seconds:.0f} s, which "
        "limits.max_runtime_seconds does not reach"
    )


def alternatives(n_qubits: int, region: str | None, *, but: Device) -> Iterator[str]:
    """Yield the names of what else could hold the problem, in a region or in all."""
    for device in catalogue().devices:
        widest = EXACT_QUBITS if device.kind == "local" else device.max_qubits
        near = region is None or device.region in (None, region)
        if device != but and device.kind != "analog" and near and n_qubits <= (widest or n_qubits):
            yield device.name
