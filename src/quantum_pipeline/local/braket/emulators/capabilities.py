"""What GetDevice reports of an emulated QPU: ``deviceCapabilities`` in its provider's schema.

Each answer parses with the class of ``braket.device_schema`` that the real device's does, and
reports what the emulator does, no more: no gates that a measured bit controls, no pulses.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from importlib.resources import files
from typing import Any

from quantum_pipeline.local.braket.emulators import calibration
from quantum_pipeline.local.braket.emulators.service import header, service
from quantum_pipeline.local.braket.emulators.spec import EmulatedQpu

PROGRAM = "braket.ir.openqasm.program"
PROGRAM_SET = "braket.ir.openqasm.program_set"
ANALOG = "braket.ir.ahs.program"

_GATES = [
    "ccnot", "cnot", "cphaseshift", "cphaseshift00", "cphaseshift01", "cphaseshift10", "cswap",
    "cy", "cz", "ecr", "h", "i", "iswap", "phaseshift", "pswap", "rx", "ry", "rz", "s", "si",
    "swap", "t", "ti", "v", "vi", "x", "xx", "xy", "y", "yy", "z", "zz",
]  # fmt: skip
_IONQ_GATES = [
    "x", "y", "z", "h", "s", "si", "t", "ti", "v", "vi", "rx", "ry", "rz", "cnot", "swap", "xx",
    "yy",
]  # fmt: skip
_PAULIS = ["x", "y", "z", "h", "i"]
_RESULTS = ("sample", "expectation", "variance", "probability")
_EXACT = ("state_vector", "density_matrix", "amplitude", "adjoint_gradient")

_SCHEMAS = {
    "IQM": ("iqm.iqm_device_capabilities", "1"),
    "Rigetti": ("rigetti.rigetti_device_capabilities", "2"),
    "AQT": ("aqt.aqt_device_capabilities", "1"),
    "IonQ": ("ionq.ionq_device_capabilities", "1"),
}
_STANDARDS: dict[str, Callable[[EmulatedQpu], dict[str, Any]]] = {
    "IQM": calibration.by_coupler,
    "Rigetti": calibration.by_coupler,
    "AQT": calibration.by_device,
    "IonQ": calibration.by_device,
}
_PROVIDERS: dict[str, Callable[[EmulatedQpu], dict[str, Any]]] = {
    "AQT": calibration.of_aqt,
    "IonQ": calibration.of_ionq,
}


def capabilities(qpu: EmulatedQpu) -> dict[str, Any]:
    """Return the capabilities of an emulated QPU."""
    reported = {
        "braketSchemaHeader": header(*_SCHEMAS[qpu.provider]),
        "service": service(qpu.sources, qpu.shots, qpu.usd_per_shot, qpu.calibrated_at),
        "action": _actions(qpu),
        "paradigm": {
            "braketSchemaHeader": header("gate_model_qpu_paradigm_properties"),
            "qubitCount": len(qpu.qubits),
            "nativeGateSet": list(_native(qpu)),
            "connectivity": {"fullyConnected": qpu.all_to_all, "connectivityGraph": _graph(qpu)},
        },
        "standardized": _STANDARDS[qpu.provider](qpu),
        "deviceParameters": {},
    }
    if qpu.provider in _PROVIDERS:
        reported["provider"] = _PROVIDERS[qpu.provider](qpu)
    return reported


def _native(qpu: EmulatedQpu) -> tuple[str, ...]:
    """Return the native gates as the provider spells them."""
    if qpu.provider == "IonQ":
        return tuple(gate.upper() for gate in qpu.native_gates)
    return qpu.native_gates


def _graph(qpu: EmulatedQpu) -> dict[str, list[str]]:
    """Return the neighbours of each qubit; none where all are, but for IonQ, which lists them."""
    if qpu.provider == "AQT":
        return {}
    graph: dict[str, list[str]] = {str(qubit): [] for qubit in qpu.qubits}
    for low, high in qpu.couplers:
        graph[str(low)].append(str(high))
        graph[str(high)].append(str(low))
    return graph


def _actions(qpu: EmulatedQpu) -> dict[str, Any]:
    actions: dict[str, Any] = {PROGRAM: _program(qpu)}
    if qpu.max_executables:
        actions[PROGRAM_SET] = {
            "actionType": PROGRAM_SET,
            "version": ["1"],
            "maximumExecutables": qpu.max_executables,
            "maximumTotalShots": qpu.max_set_shots,
        }
    return actions


def _program(qpu: EmulatedQpu) -> dict[str, Any]:
    gates = _IONQ_GATES if qpu.provider == "IonQ" else _GATES
    own = ["prx"] if "prx" in qpu.native_gates else []
    return {
        "actionType": PROGRAM,
        "version": ["1"],
        "supportedOperations": [*gates, *own],
        "supportedModifiers": [],
        "supportedPragmas": (["verbatim"] if qpu.verbatim else [])
        + [f"braket_result_type_{name}" for name in _RESULTS],
        "forbiddenPragmas": ["braket_unitary_matrix"]
        + [f"braket_result_type_{name}" for name in _EXACT],
        "maximumQubitArrays": 1,
        "maximumClassicalArrays": 1,
        "supportPhysicalQubits": True,
        "requiresAllQubitsMeasurement": False,
        "requiresContiguousQubitIndices": False,
        "supportsPartialVerbatimBox": qpu.provider != "IonQ",
        "supportsUnassignedMeasurements": qpu.provider == "IonQ",
        "disabledQubitRewiringSupported": False,
        "supportedResultTypes": [
            {"name": name.capitalize(), "minShots": 1, "maxShots": qpu.shots[1]}
            | ({} if name == "probability" else {"observables": _PAULIS})
            for name in _RESULTS
        ],
    }


def aquila() -> dict[str, Any]:
    """Return what GetDevice reports of QuEra's Aquila, an analog device that runs no gates."""
    file = files("quantum_pipeline.local.braket.emulators") / "aquila.json"
    data: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    shots = (data["shots"][0], data["shots"][1])
    paradigm = {"braketSchemaHeader": header("quera.quera_ahs_paradigm_properties")}
    return data | {
        "capabilities": {
            "braketSchemaHeader": header("quera.quera_device_capabilities"),
            "service": service(data["sources"], shots, data["usd_per_shot"], data["updated_at"]),
            "action": {ANALOG: {"actionType": ANALOG, "version": ["1"]}},
            "paradigm": paradigm | data["paradigm"],
            "deviceParameters": {},
        }
    }
