"""What GetDevice answers of devices of every kind, cut short, in the shapes of the SDK."""

from __future__ import annotations

import json
from typing import Any

from quantum_pipeline.devices.catalogue import find
from quantum_pipeline.devices.states import DeviceState, read_state

ALWAYS = [{"executionDay": "Everyday", "windowStartHour": "00:00", "windowEndHour": "23:59:59"}]


def answer(
    name: str,
    capabilities: dict[str, Any],
    *,
    status: str = "ONLINE",
    queue: str | None = None,
    windows: list[dict[str, str]] | None = None,
    emulated: bool = False,
) -> dict[str, Any]:
    """Return GetDevice's answer of a device of the catalogue."""
    device = find(name)
    service = {
        "braketSchemaHeader": header("device_service_properties", 1),
        "executionWindows": windows or ALWAYS,
        "shotsRange": [1, 1000],
        "deviceLocation": "emulated on this machine" if emulated else "somewhere",
        "deviceDocumentation": {"summary": "an emulator of few qubits"},
        "updatedAt": "2026-11-24T06:00:00",
    }
    service |= capabilities.get("service", {})
    return {
        "deviceArn": device.arn,
        "deviceName": device.name,
        "providerName": device.provider,
        "deviceType": "SIMULATOR" if device.kind == "simulator" else "QPU",
        "deviceStatus": status,
        "deviceCapabilities": json.dumps(capabilities | {"service": service}),
        "deviceQueueInfo": []
        if queue is None
        else [
            {"queue": "QUANTUM_TASKS_QUEUE", "queueSize": queue, "queuePriority": "Normal"},
            {"queue": "QUANTUM_TASKS_QUEUE", "queueSize": "2", "queuePriority": "Priority"},
            {"queue": "JOBS_QUEUE", "queueSize": "7"},
        ],
    }


def header(name: str, version: int) -> dict[str, str]:
    return {"name": f"braket.device_schema.{name}", "version": str(version)}


def program(*pragmas: str, sets: int = 0) -> dict[str, Any]:
    """Return the actions of a gate-based device."""
    openqasm, program_set = "braket.ir.openqasm.program", "braket.ir.openqasm.program_set"
    actions: dict[str, Any] = {
        openqasm: {
            "actionType": openqasm,
            "version": ["1"],
            "supportedOperations": ["h", "cz"],
            "supportedResultTypes": [],
            "supportedPragmas": list(pragmas),
            "forbiddenPragmas": [],
        }
    }
    if sets:
        actions[program_set] = {
            "actionType": program_set,
            "version": ["1"],
            "maximumExecutables": sets,
            "maximumTotalShots": 200_000,
        }
    return actions


def paradigm(qubits: int, native: list[str], graph: dict[str, list[str]]) -> dict[str, Any]:
    return {
        "braketSchemaHeader": header("gate_model_qpu_paradigm_properties", 1),
        "qubitCount": qubits,
        "nativeGateSet": native,
        "connectivity": {"fullyConnected": not graph, "connectivityGraph": graph},
    }


def one_qubit(rb: float, simultaneous: float | None, readout: float) -> dict[str, Any]:
    """Return a qubit of the standardised properties, versions 1 and 2."""
    measured = {"RANDOMIZED_BENCHMARKING": rb, "READOUT": readout}
    if simultaneous is not None:
        measured["SIMULTANEOUS_RANDOMIZED_BENCHMARKING"] = simultaneous
    time = {"value": 3e-5, "standardError": None, "unit": "s"}
    return {
        "T1": time,
        "T2": time,
        "oneQubitFidelity": [
            {"fidelityType": {"name": name}, "fidelity": value, "unit": "fraction"}
            for name, value in measured.items()
        ],
    }


def two_qubits(**gates: float) -> dict[str, Any]:
    """Return a pair of the standardised properties, versions 1 and 2."""
    return {
        "twoQubitGateFidelity": [
            {
                "gateName": gate,
                "fidelity": value,
                "fidelityType": {"name": "INTERLEAVED_RANDOMIZED_BENCHMARKING"},
                "unit": "fraction",
            }
            for gate, value in gates.items()
        ]
    }


def standardized(version: int, **properties: Any) -> dict[str, Any]:
    name = "standardized_gate_model_qpu_device_properties"
    return {"braketSchemaHeader": header(name, version), **properties}


GARNET: dict[str, Any] = {
    "braketSchemaHeader": header("iqm.iqm_device_capabilities", 1),
    "action": program("verbatim", "braket_result_type_sample", sets=100),
    "paradigm": paradigm(4, ["cz", "prx"], {"1": ["2", "3"], "2": ["4"], "3": ["4"]}),
    "standardized": standardized(
        1,
        oneQubitProperties={
            "1": one_qubit(0.999, 0.998, 0.97),
            "2": one_qubit(0.999, 0.997, 0.95),
            "3": one_qubit(0.996, None, 0.96),
            "4": one_qubit(0.999, 0.995, 0.98),
        },
        twoQubitProperties={
            "1-2": two_qubits(CZ=0.99),
            "3-1": two_qubits(CZ=0.98),
            "3-4": two_qubits(CZ=0.97),
        },
    ),
    "deviceParameters": {},
}
CEPHEUS: dict[str, Any] = {
    "braketSchemaHeader": header("rigetti.rigetti_device_capabilities", 2),
    "action": program("verbatim"),
    "paradigm": paradigm(3, ["rx", "rz", "iswap", "cz"], {"0": ["1"], "1": ["0", "7"], "7": ["1"]}),
    "standardized": standardized(
        1,
        oneQubitProperties={
            "0": one_qubit(0.999, None, 0.96),
            "1": one_qubit(0.998, None, 0.94),
            "7": one_qubit(0.997, None, 0.95),
        },
        twoQubitProperties={
            "0-1": two_qubits(ISWAP=0.985, XY=0.999),
            "1-7": two_qubits(ISWAP=0.97, CZ=0.98),
        },
    ),
    "deviceParameters": {},
}
FORTE: dict[str, Any] = {
    "braketSchemaHeader": header("ionq.ionq_device_capabilities", 1),
    "action": program("verbatim"),
    "paradigm": paradigm(3, ["GPI", "GPI2", "ZZ"], {}),
    "provider": {
        "fidelity": {"1Q": {"mean": 0.9998}, "2Q": {"mean": 0.993}, "spam": {"mean": 0.995}}
    },
    "service": {"shotsRange": [100, 5000]},
    "deviceParameters": {},
}
IBEX: dict[str, Any] = {
    "braketSchemaHeader": header("aqt.aqt_device_capabilities", 1),
    "action": program("verbatim", sets=10),
    "paradigm": paradigm(2, ["prx", "xx", "rz"], {}),
    "standardized": standardized(
        3,
        singleQubitFidelity=[{"fidelity": 0.9997, "unit": "fraction"}],
        readoutFidelity=[{"fidelity": 0.996, "unit": "fraction"}],
        twoQubitGateFidelity=[{"fidelity": 0.987, "unit": "fraction"}],
        updatedAt="2026-11-23T12:29:03Z",
    ),
    "deviceParameters": {},
}
AQUILA: dict[str, Any] = {
    "braketSchemaHeader": header("quera.quera_device_capabilities", 1),
    "action": {"braket.ir.ahs.program": {"actionType": "braket.ir.ahs.program", "version": ["1"]}},
    "paradigm": {"qubitCount": 256},
    "deviceParameters": {},
}
SV1: dict[str, Any] = {
    "braketSchemaHeader": header("simulators.gate_model_simulator_device_capabilities", 1),
    "action": program("braket_unitary_matrix", sets=100),
    "paradigm": {"qubitCount": 34},
    "service": {"shotsRange": [0, 50_000]},
    "deviceParameters": {},
}
CAPABILITIES = {
    "garnet": GARNET,
    "cepheus-1-108q": CEPHEUS,
    "emerald": GARNET,
    "forte-1": FORTE,
    "forte-enterprise-1": FORTE,
    "ibex-q1": IBEX,
    "aquila": AQUILA,
    "sv1": SV1,
    "dm1": SV1 | {"paradigm": {"qubitCount": 17}},
}


def state(name: str, **how: Any) -> DeviceState:
    """Return the state of a device of CAPABILITIES, with other fields as given."""
    told = {key: how.pop(key) for key in ("status", "queue", "windows", "emulated") if key in how}
    return read_state(answer(name, CAPABILITIES[name], **told)).model_copy(update=how)
