"""What Braket says of a device now: its status, windows, qubits, gates, limits, queue and errors.

``read`` makes it of GetDevice's answer, in prepare and again in the job, which compiles for the
calibration of its own moment. Whatever an answer leaves out is None or empty, and never guessed.
"""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict


class Window(BaseModel):
    """A time in which a device takes tasks; ``day`` as Braket names it, hours as HH:MM:SS UTC."""

    model_config = ConfigDict(frozen=True)

    day: str
    start: str
    end: str


class Coupler(BaseModel):
    """Two qubits that a gate acts on, and the fidelity of that gate where it was measured."""

    model_config = ConfigDict(frozen=True)

    qubits: tuple[int, int]
    gate: str | None = None
    fidelity: float | None = None


class Qubit(BaseModel):
    """A qubit and its fidelities where they were measured: of gates, and of its readout."""

    model_config = ConfigDict(frozen=True)

    number: int
    gate_fidelity: float | None = None
    readout_fidelity: float | None = None


class DeviceState(BaseModel):
    """A device at a moment.

    ``qubits`` is empty where a device has no calibrated qubits (simulators); ``couplers`` is None
    where every pair is coupled. ``max_executables`` is that of a program set, 1 where the device
    takes none. ``queue`` counts the tasks that wait. ``emulated`` says what stands in for the
    device, and what its topology and errors rest on; None on the real one.
    """

    model_config = ConfigDict(frozen=True)

    arn: str
    name: str
    kind: Literal["simulator", "qpu", "analog"]
    status: Literal["ONLINE", "OFFLINE", "RETIRED"]
    windows: tuple[Window, ...] = ()
    n_qubits: int | None = None
    min_shots: int = 1
    max_shots: int
    max_executables: int = 1
    max_set_shots: int | None = None
    native_gates: tuple[str, ...] = ()
    verbatim: bool = False
    qubits: tuple[Qubit, ...] = ()
    couplers: tuple[Coupler, ...] | None = None
    queue: int | None = None
    calibrated_at: str | None = None
    emulated: str | None = None
