"""Validates the action of a CreateQuantumTask: its kind, its shots, its verbatim boxes.

Braket reads a program before it makes a task of it, and names the line that a device cannot run. So
does this for verbatim boxes of plain gates, without Braket's interpreter, which takes seconds to
load. What else is wrong with a program is found when it is executed, and is its failureReason.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from quantum_pipeline.local.braket.devices import PROGRAM_SET, Device
from quantum_pipeline.local.braket.emulators.spec import EMULATED, EmulatedQpu
from quantum_pipeline.local.braket.errors import BraketError, invalid
from quantum_pipeline.local.braket.task import executables

_BOX = re.compile(r"#pragma\s+braket\s+verbatim\s*\n\s*box\s*\{(.*?)\}", re.DOTALL)
_GATE = re.compile(r"\s*(?P<name>\w+)\s*(?:\([^)]*\))?\s+(?P<qubits>\$\d+(?:\s*,\s*\$\d+)*)\s*")


def check(params: dict[str, Any], device: Device) -> None:
    """Hold the parameters of CreateQuantumTask to a device.

    Raises:
        BraketError: ValidationException, with what is wrong and what is allowed.
    """
    try:
        action = json.loads(params["action"])
        kind = action["braketSchemaHeader"]["name"]
    except (ValueError, KeyError, TypeError) as error:
        raise invalid("action: it is not a program in JSON with a braketSchemaHeader") from error
    if kind not in device.actions:
        raise invalid(f"action: {device.name} runs {', '.join(sorted(device.actions))}, not {kind}")
    if kind == PROGRAM_SET:
        _check_set(action, params["shots"], device)
    else:
        least, most = device.shots
        if not least <= params["shots"] <= most:
            raise invalid(f"shots: {params['shots']}; {device.name} takes {least} to {most}")
    qpu = EMULATED.get(device.arn)
    if qpu is not None:
        for program in action["programs"] if kind == PROGRAM_SET else [action]:
            for refusal in _refusals(str(program.get("source")), qpu):
                raise refusal


def _check_set(action: dict[str, Any], shots: int, device: Device) -> None:
    """Check a program set: as many executables, and shots in all, as the device takes."""
    limits = device.capabilities["action"][PROGRAM_SET]
    if not isinstance(action.get("programs"), list):
        raise invalid("action: a program set needs programs")
    count = sum(map(executables, action["programs"]))
    if not 1 <= count <= limits["maximumExecutables"]:
        raise invalid(
            f"action: {count} executables; {device.name} takes 1 to {limits['maximumExecutables']}"
        )
    if shots > limits["maximumTotalShots"]:
        raise invalid(
            f"shots: {shots} in all; {device.name} takes up to {limits['maximumTotalShots']}"
        )
    if shots % count:
        raise invalid(f"shots: {shots} cannot be shared evenly by {count} executables")
    least, most = device.shots
    if not least <= shots // count <= most:
        raise invalid(
            f"shots: {shots // count} for each executable; {device.name} takes {least} to {most}"
        )


def _refusals(source: str, qpu: EmulatedQpu) -> Iterator[BraketError]:
    """Yield what a QPU cannot run of the verbatim boxes of a program, by line."""
    for box in _BOX.finditer(source):
        line = source.count("\n", 0, box.start(1)) + 1
        for statement in box[1].split(";"):
            blank = statement[: len(statement) - len(statement.lstrip())]
            at = line + blank.count("\n")
            line += statement.count("\n")
            gate = _GATE.fullmatch(statement)
            if gate is not None:
                said = _wrong(gate["name"], _numbers(gate["qubits"]), qpu)
                if said:
                    yield invalid(f"[line {at}] {said}")


def _numbers(text: str) -> tuple[int, ...]:
    return tuple(int(number) for number in re.findall(r"\d+", text))


def _wrong(name: str, qubits: tuple[int, ...], qpu: EmulatedQpu) -> str | None:
    if name not in qpu.native_gates:
        return (
            f"uses a gate: {name} which is not native to {qpu.name}: {', '.join(qpu.native_gates)}"
        )
    for qubit in qubits:
        if qubit not in qpu.qubits:
            return f"{qpu.name} has no qubit {qubit}"
    if len(qubits) == 2 and tuple(sorted(qubits)) not in qpu.couplers:
        return f"{name}: qubits {qubits[0]} and {qubits[1]} of {qpu.name} are not coupled"
    return None
