"""Reads a device's state from Braket: status, windows, qubits, gates, limits, queue and errors.

``read_state`` makes it of GetDevice's answer, in prepare and again in the job, which compiles for
the calibration of its own moment. Whatever an answer leaves out is None or empty, never guessed.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from statistics import median
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from quantum_pipeline.errors import ServiceUnavailable


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
    where every pair is coupled, and ``pair_fidelity`` then that of a gate on any two qubits.
    ``max_executables`` is that of a program set, 1 where the device takes none. ``queue`` counts
    the tasks that wait. ``max_shots`` is 0 where the device reports no range. ``emulated`` says
    what stands in for the device, and what its topology and errors rest on; None on the real one.
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
    pair_fidelity: float | None = None
    queue: int | None = None
    calibrated_at: str | None = None
    emulated: str | None = None

    @property
    def two_qubit_fidelity(self) -> float | None:
        """Median fidelity of a gate on two qubits, None where none was measured."""
        return self.pair_fidelity or _median(each.fidelity for each in self.couplers or ())

    @property
    def gate_fidelity(self) -> float | None:
        """Median fidelity of a gate on one qubit, None where none was measured."""
        return _median(each.gate_fidelity for each in self.qubits)

    @property
    def readout_fidelity(self) -> float | None:
        """Median fidelity of a readout, None where none was measured."""
        return _median(each.readout_fidelity for each in self.qubits)


PROGRAM, PROGRAM_SET = "braket.ir.openqasm.program", "braket.ir.openqasm.program_set"
EMULATED = "emulated"
"""A ``deviceLocation`` that begins so is that of an emulator, which no real device's does."""


def read_state(answer: Mapping[str, Any]) -> DeviceState:
    """Return the state that GetDevice answers.

    Capabilities are those of ``braket.device_schema``: of every provider, with standardised
    properties of versions 1 to 3. What is unknown among them is passed over.

    Raises:
        ServiceUnavailable: the capabilities are not JSON; a later answer may be.

    >>> capabilities = {"service": {"shotsRange": [1, 100]}, "paradigm": {"qubitCount": 5}}
    >>> read_state({
    ...     "deviceArn": "a", "deviceName": "b", "deviceType": "QPU", "deviceStatus": "ONLINE",
    ...     "deviceCapabilities": json.dumps(capabilities),
    ... }).n_qubits
    5
    """
    try:
        capabilities: dict[str, Any] = json.loads(answer["deviceCapabilities"])
    except ValueError as error:
        raise ServiceUnavailable(f"{answer['deviceArn']}: capabilities: {error}") from error
    service, paradigm = capabilities.get("service") or {}, capabilities.get("paradigm") or {}
    standard = capabilities.get("standardized") or {}
    actions = capabilities.get("action") or {}
    qpu = answer["deviceType"] == "QPU"
    connectivity = paradigm.get("connectivity") or {}
    whole = connectivity.get("fullyConnected", not connectivity)
    native = tuple(name.lower() for name in paradigm.get("nativeGateSet") or ())
    low, high = service.get("shotsRange") or (1, 0)
    program_set = actions.get(PROGRAM_SET) or {}
    emulated = (service.get("deviceLocation") or "").startswith(EMULATED)
    return DeviceState(
        arn=answer["deviceArn"],
        name=answer["deviceName"],
        kind=("analog" if actions and PROGRAM not in actions else "qpu") if qpu else "simulator",
        status=answer["deviceStatus"],
        windows=tuple(map(_window, service.get("executionWindows") or ())),
        n_qubits=paradigm.get("qubitCount"),
        min_shots=max(1, low),
        max_shots=high,
        max_executables=program_set.get("maximumExecutables") or 1,
        max_set_shots=program_set.get("maximumTotalShots"),
        native_gates=native,
        verbatim="verbatim" in ((actions.get(PROGRAM) or {}).get("supportedPragmas") or ()),
        qubits=_qubits(paradigm, standard, capabilities.get("provider") or {}) if qpu else (),
        couplers=None if whole else _couplers(connectivity, standard, native),
        pair_fidelity=_pair_fidelity(standard, capabilities.get("provider") or {})
        if whole
        else None,
        queue=_queue(answer.get("deviceQueueInfo") or ()),
        calibrated_at=(standard.get("updatedAt") or service.get("updatedAt")) if qpu else None,
        emulated=_summary(service) if emulated else None,
    )


def _window(window: Mapping[str, str]) -> Window:
    return Window(
        day=window["executionDay"],
        start=_clock(window["windowStartHour"]),
        end=_clock(window["windowEndHour"]),
    )


def _clock(text: str) -> str:
    """Return HH:MM:SS, of which Braket leaves out seconds that are 0."""
    return f"{text}:00" if text.count(":") == 1 else text[:8]


def _summary(service: Mapping[str, Any]) -> str:
    documentation = service.get("deviceDocumentation") or {}
    return str(documentation.get("summary") or service["deviceLocation"])


def _qubits(
    paradigm: Mapping[str, Any], standard: Mapping[str, Any], provider: Mapping[str, Any]
) -> tuple[Qubit, ...]:
    """Return the qubits of the graph and the calibration, else as many as the device reports."""
    graph = (paradigm.get("connectivity") or {}).get("connectivityGraph") or {}
    each = standard.get("oneQubitProperties") or {}
    numbers = {int(name) for name in (*graph, *each, *(q for ends in graph.values() for q in ends))}
    gate, readout = _common(standard, provider)
    return tuple(
        Qubit(
            number=number,
            gate_fidelity=_fidelity(each.get(str(number)), _GATES) or gate,
            readout_fidelity=_fidelity(each.get(str(number)), _READOUT) or readout,
        )
        for number in sorted(numbers or range(paradigm.get("qubitCount") or 0))
    )


_GATES = ("SIMULTANEOUS_RANDOMIZED_BENCHMARKING", "RANDOMIZED_BENCHMARKING")
"""Gates at the same time first: that is how a circuit's layer runs them."""

_READOUT = ("READOUT",)


def _fidelity(properties: Mapping[str, Any] | None, names: Iterable[str]) -> float | None:
    measured = {
        each["fidelityType"]["name"].upper(): each["fidelity"]
        for each in (properties or {}).get("oneQubitFidelity") or ()
    }
    return next((measured[name] for name in names if name in measured), None)


def _common(
    standard: Mapping[str, Any], provider: Mapping[str, Any]
) -> tuple[float | None, float | None]:
    """Return fidelities of gate and readout that are reported for all qubits alike."""
    fidelity = provider.get("fidelity") or {}
    return (
        _first(standard.get("singleQubitFidelity")) or (fidelity.get("1Q") or {}).get("mean"),
        _first(standard.get("readoutFidelity")) or (fidelity.get("spam") or {}).get("mean"),
    )


def _pair_fidelity(standard: Mapping[str, Any], provider: Mapping[str, Any]) -> float | None:
    pairs = (standard.get("twoQubitProperties") or {}).values()
    measured = (each["fidelity"] for pair in pairs for each in pair["twoQubitGateFidelity"])
    mean = ((provider.get("fidelity") or {}).get("2Q") or {}).get("mean")
    return _first(standard.get("twoQubitGateFidelity")) or _median(measured) or mean


def _first(listed: Iterable[Mapping[str, Any]] | None) -> float | None:
    return next((each["fidelity"] for each in listed or ()), None)


def _couplers(
    connectivity: Mapping[str, Any], standard: Mapping[str, Any], native: tuple[str, ...]
) -> tuple[Coupler, ...]:
    """Return each pair once, with the best of the native gates that were measured on it."""
    graph = connectivity.get("connectivityGraph") or {}
    pairs = {tuple(sorted((int(a), int(b)))) for a, ends in graph.items() for b in ends}
    by_pair = {
        tuple(sorted(map(int, name.split("-")))): each["twoQubitGateFidelity"]
        for name, each in (standard.get("twoQubitProperties") or {}).items()
    }
    return tuple(_coupler(a, b, by_pair.get((a, b), ()), native) for a, b in sorted(pairs))


def _coupler(
    a: int, b: int, measured: Iterable[Mapping[str, Any]], native: tuple[str, ...]
) -> Coupler:
    usable = [each for each in measured if each["gateName"].lower() in native]
    best = max(usable, key=lambda each: float(each["fidelity"]), default=None)
    if best is None:
        return Coupler(qubits=(a, b))
    return Coupler(qubits=(a, b), gate=best["gateName"].lower(), fidelity=best["fidelity"])


def _queue(queues: Iterable[Mapping[str, str]]) -> int | None:
    """Return the tasks of all priorities that wait; a size of ">4000" counts as 4000."""
    sizes = [
        int("".join(filter(str.isdigit, each["queueSize"])) or 0)
        for each in queues
        if each["queue"] == "QUANTUM_TASKS_QUEUE"
    ]
    return sum(sizes) if sizes else None


def _median(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return median(known) if known else None
