"""What GetDevice reports of the on-demand simulators, SV1 and DM1.

What they are called, how many qubits and shots they take and what they cost is the catalogue's
(`quantum_pipeline.devices.catalogue`). What they can do is what Braket's local simulators can,
which execute their tasks here.
"""

from __future__ import annotations

from typing import Any

from quantum_pipeline.devices import catalogue
from quantum_pipeline.local.braket.device import Device
from quantum_pipeline.local.braket.emulators.capabilities import PROGRAM, PROGRAM_SET
from quantum_pipeline.local.braket.emulators.service import ALWAYS, header

_GATES = [
    "ccnot", "cnot", "cphaseshift", "cphaseshift00", "cphaseshift01", "cphaseshift10", "cswap",
    "cv", "cy", "cz", "ecr", "gpi", "gpi2", "gphase", "h", "i", "iswap", "ms", "phaseshift",
    "prx", "pswap", "rx", "ry", "rz", "s", "si", "swap", "t", "ti", "U", "unitary", "v", "vi",
    "x", "xx", "xy", "y", "yy", "z", "zz",
]  # fmt: skip
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


def sv1() -> Device:
    """Return the state-vector simulator."""
    return _device("sv1", "braket_sv", [])


def dm1() -> Device:
    """Return the density-matrix simulator, which takes channels of noise."""
    return _device("dm1", "braket_dm", _CHANNELS)


def _device(name: str, simulator: str, channels: list[str]) -> Device:
    entry = catalogue.find(name)
    max_shots = entry.max_shots or 0
    return Device(
        arn=entry.arn,
        name=entry.name,
        provider="Amazon Braket",
        type="SIMULATOR",
        status="ONLINE",
        simulator=simulator,
        capabilities={
            "braketSchemaHeader": header("simulators.gate_model_simulator_device_capabilities"),
            "service": _service(entry),
            "action": {
                PROGRAM: _program(max_shots, channels),
                PROGRAM_SET: {
                    "actionType": PROGRAM_SET,
                    "version": ["1"],
                    "maximumExecutables": 100,
                    "maximumTotalShots": max_shots,
                },
            },
            "paradigm": {
                "braketSchemaHeader": header("simulators.gate_model_simulator_paradigm_properties"),
                "qubitCount": entry.max_qubits,
            },
            "deviceParameters": {},
        },
    )


def _service(entry: catalogue.Device) -> dict[str, Any]:
    return {
        "braketSchemaHeader": header("device_service_properties"),
        "executionWindows": list(ALWAYS),
        "shotsRange": [0, entry.max_shots],
        "deviceCost": {"price": entry.usd_per_minute, "unit": "minute"},
        "deviceLocation": "emulated on this machine",
        "deviceDocumentation": {
            "summary": f"Emulated; Braket's local simulator runs the circuits of {entry.name}; "
            "assumed: how long they take"
        },
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
