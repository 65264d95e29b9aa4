"""Finds the devices that a request can mean, and checks whether the chosen one can run it now.

``candidates`` is the one place that knows what ``auto`` may be: the job's own simulator, or any
device that takes tasks where something asks for one.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from quantum_pipeline.devices import windows
from quantum_pipeline.devices.catalogue import EXACT_QUBITS, LOCAL, Device, catalogue, find
from quantum_pipeline.devices.states import DeviceState
from quantum_pipeline.errors import DeviceUnavailable, InvalidRequest
from quantum_pipeline.planning.reasons import Reason, Why
from quantum_pipeline.requests.algorithm import Algorithm
from quantum_pipeline.requests.request import Request


def candidates(request: Request) -> tuple[Device, ...]:
    """Return the devices that a request can mean: those it names, unless ``is_open``.

    Raises:
        InvalidRequest: no device has that name.
        DeviceUnavailable: Braket had it once.
    """
    if not is_open(request):
        return tuple(find(LOCAL if name == "auto" else name) for name in request.device_names)
    if request.noise is not None:
        return (find("dm1"),)
    return tuple(each for each in catalogue().devices if each.kind in ("simulator", "qpu"))


def is_open(request: Request) -> bool:
    """Return whether a device that takes tasks has yet to be chosen: what auto leaves open.

    The job's own simulator has no noise to simulate, and trains on itself alone.
    """
    on_device = request.noise is not None or request.algorithm.train_on == "device"
    return request.device == "auto" and on_device


def needs_device(request: Request) -> bool:
    """Return whether a run takes a device beside the job's own simulator."""
    return any(device.kind != "local" for device in candidates(request))


def check_several(devices: tuple[Device, ...], algorithm: Algorithm) -> None:
    """Refuse a list of devices that cannot share the blocks of a run, or its parts.

    Raises:
        InvalidRequest: they are not different QPUs of one region, or there is nothing to share.
    """
    if len(devices) == 1:
        return
    names = [device.name for device in devices]
    others = [device.name for device in devices if device.kind != "qpu"]
    first = devices[0].region
    apart = [f"{each.name} is in {each.region}" for each in devices if each.region != first]
    if algorithm.name not in ("auto", "divide") and algorithm.cut is None:
        allowed = (
            f"one device with {algorithm.name}; several with divide, whose blocks they share, or "
            "algorithm.cut, whose parts"
        )
    elif others:
        allowed = f"a list of QPUs alone, which {' and '.join(others)} is not"
    elif len(set(names)) < len(names):
        allowed = "a list that names each device once"
    elif apart:
        allowed = f"QPUs of one region; {names[0]} is in {first}, {', '.join(apart)}"
    else:
        return
    raise InvalidRequest.of("device", names, allowed)


def reason_of(request: Request) -> Reason:
    """Return why a request that is not open has its device."""
    if request.device != "auto":
        words = "named in the request"
        if request.reservation_arn is not None:
            words += "; the reservation is billed by its time, its tasks are not"
        return Reason(why=Why.ASKED, words=words)
    return Reason(
        why=Why.NO_DEVICE_NEEDED,
        words="the job itself computes exactly what it needs: no noise, no fee a shot, nothing to "
        "queue for",
    )


def check_asked(request: Request, device: Device) -> None:
    """Refuse what is asked of a device that is not for it.

    Raises:
        InvalidRequest: noise that it does not simulate, or a reservation of another device.
    """
    named = request.device if isinstance(request.device, str) else list(request.device)
    if request.noise is not None and device.name != "DM1":
        allowed = f"dm1 or auto, where noise is given; {device.name} simulates none"
        raise InvalidRequest.of("device", named, allowed)
    reservation = request.reservation_arn
    if reservation is None:
        return
    if device.kind != "qpu":
        allowed = "the QPU that is reserved, where reservation_arn is given"
        raise InvalidRequest.of("device", named, allowed)
    if not isinstance(request.device, str):
        allowed = "one device, that which is reserved, where reservation_arn is given"
        raise InvalidRequest.of("device", named, allowed)
    if reservation.split(":")[3] != device.region:
        allowed = f"a reservation in {device.region}, where {device.name} is"
        raise InvalidRequest.of("reservation_arn", reservation, allowed)


def check_usable(
    device: Device,
    *,
    n_qubits: int,
    shots: int,
    region: str,
    state: DeviceState | None,
    now: datetime,
    wait_seconds: float = 0.0,
) -> None:
    """Refuse a device that cannot run a circuit as it is now.

    Args:
        device: that was chosen; the job's own simulator always can.
        n_qubits: that the circuit takes.
        shots: of each circuit.
        region: that the stack stands in; a device that is emulated answers in each.
        state: the device's own now; None where Braket does not know it, and of local.
        now: UTC.
        wait_seconds: that a job may wait for the device to open.

    Raises:
        InvalidRequest: shots outside its range.
        DeviceUnavailable: in another region, analog, retired, offline, outside its window, or
            narrower than the problem; names what could be used instead.
    """
    if device.kind == "local":
        return
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


def _closed(state: DeviceState | None, now: datetime, wait_seconds: float) -> str | None:
    """Return that a device is outside its window for longer than the job may wait."""
    assert state is not None
    if state.kind != "qpu" or windows.closes_at(state.windows, now) is not None:
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
