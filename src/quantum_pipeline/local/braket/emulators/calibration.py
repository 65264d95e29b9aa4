"""What GetDevice reports of an emulated QPU's errors, in its provider's schema.

IQM and Rigetti report the errors of each qubit and coupler (standardised properties, version 1);
AQT and IonQ those of each ion and a mean over all pairs (version 3), which qiskit-braket-provider
does not read.
"""

from __future__ import annotations

from collections.abc import Iterable
from statistics import fmean, median
from typing import Any

from quantum_pipeline.local.braket.emulators.service import header
from quantum_pipeline.local.braket.emulators.spec import EmulatedQpu


def by_coupler(qpu: EmulatedQpu) -> dict[str, Any]:
    """Return the standardised properties of version 1."""
    return {
        "braketSchemaHeader": header("standardized_gate_model_qpu_device_properties"),
        "oneQubitProperties": {str(qubit): _qubit(qpu, qubit) for qubit in qpu.qubits},
        "twoQubitProperties": {
            f"{low}-{high}": {
                "twoQubitGateFidelity": [
                    {
                        "gateName": qpu.two_qubit_gate.upper(),
                        "fidelity": fidelity,
                        "fidelityType": {"name": "INTERLEAVED_RANDOMIZED_BENCHMARKING"},
                    }
                ]
            }
            for (low, high), fidelity in qpu.couplers.items()
        },
    }


def _qubit(qpu: EmulatedQpu, qubit: int) -> dict[str, Any]:
    one_for_zero, zero_for_one = qpu.readout_errors[qubit]
    fidelities = {
        "SIMULTANEOUS_RANDOMIZED_BENCHMARKING": qpu.gate_fidelity[qubit],
        "READOUT_ERROR_0_TO_1": one_for_zero,
        "READOUT_ERROR_1_TO_0": zero_for_one,
        "READOUT": qpu.readout_fidelity[qubit],
    }
    return {
        "T1": {"value": qpu.t1[qubit], "unit": "S"},
        "T2": {"value": qpu.t2[qubit], "unit": "S"},
        "oneQubitFidelity": [
            {"fidelityType": {"name": name}, "fidelity": value}
            for name, value in fidelities.items()
        ],
    }


def by_device(qpu: EmulatedQpu) -> dict[str, Any]:
    """Return the standardised properties of version 3."""
    one = list(qpu.gate_fidelity.values())
    return {
        "braketSchemaHeader": header("standardized_gate_model_qpu_device_properties", "3"),
        "oneQubitProperties": {
            str(qubit): {"oneQubitFidelity": [_benchmark(qpu.gate_fidelity[qubit])]}
            for qubit in qpu.qubits
        },
        "T1": _seconds(median(qpu.t1.values())),
        "T2": _seconds(median(qpu.t2.values())),
        "readoutFidelity": [{"fidelity": _mean(qpu.readout_fidelity.values()), "unit": "fraction"}],
        "readoutDuration": _seconds(qpu.gate_seconds["measure"]),
        "singleQubitGateDuration": _seconds(_one_qubit_seconds(qpu)),
        "singleQubitFidelity": [_benchmark(_mean(one)) | {"median": median(one)}],
        "twoQubitGateFidelity": [_benchmark(_mean(qpu.couplers.values()))],
        "twoQubitGateDuration": _seconds(qpu.gate_seconds[qpu.two_qubit_gate]),
        "updatedAt": qpu.calibrated_at,
    }


def _mean(fidelities: Iterable[float]) -> float:
    """Return the mean without the digits that adding up alone brings."""
    return round(fmean(fidelities), 9)


def _benchmark(fidelity: float) -> dict[str, Any]:
    return {
        "fidelityType": {"name": "RANDOMIZED_BENCHMARKING"},
        "fidelity": fidelity,
        "unit": "fraction",
    }


def _seconds(value: float) -> dict[str, Any]:
    return {"value": value, "unit": "s"}


def _one_qubit_seconds(qpu: EmulatedQpu) -> float:
    """Return the duration of the gates on one qubit that take any time."""
    others = {qpu.two_qubit_gate, "measure"}
    return max(time for gate, time in qpu.gate_seconds.items() if gate not in others)


def of_aqt(qpu: EmulatedQpu) -> dict[str, Any]:
    """Return AQT's provider properties: fidelities in per cent, durations in microseconds."""
    sure = {"uncertainty": 0.0}
    return {
        "braketSchemaHeader": header("aqt.aqt_provider_properties"),
        "properties": {
            "single_qubit_gate_fidelity": {
                str(qubit): sure | {"value": _percent(fidelity)}
                for qubit, fidelity in qpu.gate_fidelity.items()
            },
            "mean_two_qubit_gate_fidelity": sure
            | {"value": _percent(_mean(qpu.couplers.values()))},
            "spam_fidelity_lower_bound": _percent(_mean(qpu.readout_fidelity.values())),
            "t1_s": sure | {"value": median(qpu.t1.values())},
            "t2_coherence_time_s": sure | {"value": median(qpu.t2.values())},
            "readout_time_micros": 1e6 * qpu.gate_seconds["measure"],
            "single_qubit_gate_duration_micros": 1e6 * _one_qubit_seconds(qpu),
            "two_qubit_gate_duration_micros": 1e6 * qpu.gate_seconds[qpu.two_qubit_gate],
            "updated_at": qpu.calibrated_at,
        },
    }


def _percent(fidelity: float) -> float:
    return round(100 * fidelity, 7)


def of_ionq(qpu: EmulatedQpu) -> dict[str, Any]:
    """Return IonQ's provider properties: mean fidelities, durations in seconds."""
    return {
        "braketSchemaHeader": header("ionq.ionq_provider_properties"),
        "fidelity": {
            "1Q": {"mean": _mean(qpu.gate_fidelity.values())},
            "2Q": {"mean": _mean(qpu.couplers.values())},
            "spam": {"mean": _mean(qpu.readout_fidelity.values())},
        },
        "timing": {
            "T1": median(qpu.t1.values()),
            "T2": median(qpu.t2.values()),
            "1Q": _one_qubit_seconds(qpu),
            "2Q": qpu.gate_seconds[qpu.two_qubit_gate],
            "readout": qpu.gate_seconds["measure"],
        },
    }
