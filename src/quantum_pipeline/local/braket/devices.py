"""The simulators SV1 and DM1: GetDevice and SearchDevices.

What they are called, how many qubits and shots they take and what they cost is the catalogue's
(`quantum_pipeline.devices`). What they can do is what Braket's local simulators can, which execute
their tasks here.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from quantum_pipeline import devices as catalogue
from quantum_pipeline.local.braket.errors import BraketError, invalid, not_found
from quantum_pipeline.local.braket.protocol import Call
from quantum_pipeline.local.braket.search import Field, search

PROGRAM = "braket.ir.openqasm.program"
PROGRAM_SET = "braket.ir.openqasm.program_set"

_GATES = [
    "ccnot",
    "cnot",
    "cphaseshift",
    "cphaseshift00",
    "cphaseshift01",
    "cphaseshift10",
    "cswap",
    "cv",
    "cy",
    "cz",
    "ecr",
    "gpi",
    "gpi2",
    "gphase",
    "h",
    "i",
    "iswap",
    "ms",
    "phaseshift",
    "prx",
    "pswap",
    "rx",
    "ry",
    "rz",
    "s",
    "si",
    "swap",
    "t",
    "ti",
    "U",
    "unitary",
    "v",
    "vi",
    "x",
    "xx",
    "xy",
    "y",
    "yy",
    "z",
    "zz",
]
_CHANNELS = [
    "amplitude_damping",
    "bit_flip",
    "depolarizing",
    "generalized_amplitude_damping",
    "kraus",
    "pauli_channel",
    "phase_damping",
    "phase_flip",
    "two_qubit_dephasing",
    "two_qubit_depolarizing",
]
_OBSERVABLES = ["x", "y", "z", "h", "i", "hermitian"]


@dataclass(frozen=True)
class Device:
    """A device and the local simulator that stands in for it."""

    arn: str
    name: str
    provider: str
    type: str
    status: str
    simulator: str
    shots: tuple[int, int]
    capabilities: dict[str, Any]

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


_FIELDS = {"deviceArn": Field[Device](lambda device: device.arn)}


class Devices:
    """The devices that answer here."""

    def __init__(self) -> None:
        devices = (_simulator("sv1", "braket_sv", []), _simulator("dm1", "braket_dm", _CHANNELS))
        self._devices = {device.arn: device for device in devices}
        self.queues: tuple[Callable[[str], list[dict[str, str]]], ...] = ()
        """What tells the lengths of the queues before a device."""

    def get(self, call: Call) -> dict[str, Any]:
        """GetDevice."""
        device = self._devices.get(call.params["deviceArn"])
        if device is None:
            raise not_found(call.params["deviceArn"])
        return device.summary() | {
            "deviceCapabilities": json.dumps(device.capabilities),
            "deviceQueueInfo": [entry for queue in self.queues for entry in queue(device.arn)],
        }

    def search(self, call: Call) -> dict[str, Any]:
        """SearchDevices."""
        page, token = search(self._devices.values(), _FIELDS, call)
        return {"devices": [device.summary() for device in page], "nextToken": token}

    def usable(self, arn: str) -> Device:
        """Return the device that a job or a task asks for.

        Raises:
            BraketError: there is none, or it is offline or retired.
        """
        device = self._devices.get(arn)
        if device is None:
            raise invalid(f"{arn!r} is not a device of this service")
        if device.status != "ONLINE":
            code = (
                "DeviceRetiredException" if device.status == "RETIRED" else "DeviceOfflineException"
            )
            raise BraketError(code, f"{device.name} is {device.status}")
        return device


def _simulator(name: str, simulator: str, channels: list[str]) -> Device:
    entry = catalogue.find(name)
    return Device(
        arn=entry.arn,
        name=entry.name,
        provider="Amazon Braket",
        type="SIMULATOR",
        status="ONLINE",
        simulator=simulator,
        shots=(0, entry.max_shots),
        capabilities={
            "braketSchemaHeader": _header("simulators.gate_model_simulator_device_capabilities"),
            "service": _service(entry),
            "action": {
                PROGRAM: _program(entry.max_shots, channels),
                PROGRAM_SET: {
                    "actionType": PROGRAM_SET,
                    "version": ["1"],
                    "maximumExecutables": 100,
                    "maximumTotalShots": entry.max_shots,
                },
            },
            "paradigm": {
                "braketSchemaHeader": _header(
                    "simulators.gate_model_simulator_paradigm_properties"
                ),
                "qubitCount": entry.max_qubits,
            },
            "deviceParameters": {},
        },
    )


def _header(name: str) -> dict[str, str]:
    return {"name": f"braket.device_schema.{name}", "version": "1"}


def _service(entry: catalogue.Device) -> dict[str, Any]:
    return {
        "braketSchemaHeader": _header("device_service_properties"),
        "executionWindows": [
            {"executionDay": "Everyday", "windowStartHour": "00:00", "windowEndHour": "23:59:59"}
        ],
        "shotsRange": [0, entry.max_shots],
        "deviceCost": {"price": entry.usd_per_minute, "unit": "minute"},
        "deviceLocation": "this machine",
        "getTaskPollIntervalMillis": 200,
    }


def _program(max_shots: int, channels: list[str]) -> dict[str, Any]:
    sampled = ["probability", "expectation", "variance", "sample"]
    exact = ["density_matrix"] if channels else ["state_vector", "density_matrix", "amplitude"]
    return {
        "actionType": PROGRAM,
        "version": ["1"],
        "supportedOperations": sorted(_GATES + channels),
        "supportedModifiers": [
            {"name": "ctrl"},
            {"name": "negctrl"},
            {"name": "pow", "exponent_types": ["int", "float"]},
            {"name": "inv"},
        ],
        "supportedPragmas": ["braket_unitary_matrix"]
        + [f"braket_result_type_{name}" for name in sampled + exact]
        + [f"braket_noise_{name}" for name in channels],
        "forbiddenPragmas": ["braket_result_type_adjoint_gradient"]
        + [f"braket_noise_{name}" for name in _CHANNELS if name not in channels],
        "supportedResultTypes": _result_types(max_shots, noisy=bool(channels)),
        "supportPhysicalQubits": False,
        "requiresContiguousQubitIndices": False,
        "requiresAllQubitsMeasurement": False,
        "supportsUnassignedMeasurements": True,
        "disabledQubitRewiringSupported": False,
    }


def _result_types(max_shots: int, *, noisy: bool) -> list[dict[str, Any]]:
    observed = [("Sample", 1), ("Expectation", 0), ("Variance", 0)]
    exact = ["DensityMatrix"] if noisy else ["StateVector", "DensityMatrix", "Amplitude"]
    return [
        *(
            {"name": name, "observables": _OBSERVABLES, "minShots": least, "maxShots": max_shots}
            for name, least in observed
        ),
        {"name": "Probability", "minShots": 0, "maxShots": max_shots},
        *({"name": name, "minShots": 0, "maxShots": 0} for name in exact),
    ]
