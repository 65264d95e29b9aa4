"""Lists the devices as ``qpipe devices`` shows them: local first, then those that take tasks."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

from pydantic import BaseModel, ConfigDict

from quantum_pipeline.devices import windows
from quantum_pipeline.devices.catalogue import EXACT_QUBITS, Device, catalogue
from quantum_pipeline.devices.states import DeviceState


class ListedDevice(BaseModel):
    """A device, its prices in USD and what it reports; None where it reports nothing.

    ``usable`` means that it takes gate-based tasks now; ``availability`` says until when it is
    open, or why not. ``region`` is None where it is in all of them.
    """

    model_config = ConfigDict(frozen=True)

    name: str
    arn: str
    kind: str
    provider: str
    region: str | None
    usable: bool
    availability: str
    n_qubits: int | None
    native_gates: tuple[str, ...] = ()
    min_shots: int | None = None
    max_shots: int | None = None
    max_executables: int | None = None
    usd_per_task: float
    usd_per_shot: float
    usd_per_minute: float
    prices_as_of: str
    queue: int | None = None
    two_qubit_fidelity: float | None = None
    calibrated_at: str | None = None
    emulated: str | None = None

    @property
    def price(self) -> str:
        """USD of a task and a shot, or of a minute; empty of what has no fee.

        >>> from quantum_pipeline.devices.catalogue import find
        >>> [_row(find(name), None, datetime.now()).price for name in ("garnet", "sv1", "local")]
        ['0.30 + 0.00145', '0.075/min', '']
        """
        if self.usd_per_minute:
            return f"{self.usd_per_minute:g}/min"
        return f"{self.usd_per_task:.2f} + {self.usd_per_shot:g}" if self.usd_per_task else ""


def listed(
    devices: Iterable[Device], states: Mapping[str, DeviceState], now: datetime
) -> list[ListedDevice]:
    """Return the devices that Braket knows here, and local, the usable ones first."""
    known = [each for each in devices if each.kind == "local" or each.arn in states]
    rows = [_row(each, states.get(each.arn), now) for each in known]
    return sorted(rows, key=lambda row: (row.kind != "local", not row.usable))


def _row(device: Device, state: DeviceState | None, now: datetime) -> ListedDevice:
    usable, availability = (True, "always") if state is None else _availability(state, now)
    reported = {}
    if state is not None:
        shared = ListedDevice.model_fields.keys() & DeviceState.model_fields.keys()
        own = {"name", "arn", "kind", "n_qubits"}
        reported = {name: getattr(state, name) for name in shared - own}
        reported["two_qubit_fidelity"] = state.two_qubit_fidelity
        if state.kind == "analog":  # its programs run nowhere but there
            reported["emulated"] = None
    return ListedDevice(
        name=device.name,
        arn=device.arn,
        kind=device.kind if state is None else state.kind,
        provider=device.provider,
        region=device.region,
        usable=usable,
        availability=availability,
        n_qubits=EXACT_QUBITS if state is None else state.n_qubits,
        usd_per_task=device.usd_per_task,
        usd_per_shot=device.usd_per_shot,
        usd_per_minute=device.usd_per_minute,
        prices_as_of=catalogue().prices_as_of,
        **reported,
    )


def _availability(state: DeviceState, now: datetime) -> tuple[bool, str]:
    if state.status != "ONLINE":
        return False, state.status.lower()
    until, opens = windows.closes_at(state.windows, now), windows.opens_at(state.windows, now)
    if until is None:
        return False, "never open" if opens is None else f"from {opens:%a %H:%M}"
    gates = state.kind != "analog"
    return gates, "always" if (until - now).days >= 6 else f"till {until:%a %H:%M}"
