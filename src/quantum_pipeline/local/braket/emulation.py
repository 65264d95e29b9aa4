"""Runs a QPU's task on its emulator, in the worker: checks, compiles, adds noise and samples.

A program in a verbatim box runs as it is: it is held to the device's qubits, couplers and native
gates. Any other is compiled first, as the device's service does. Probabilities are exact where the
density matrix fits (`density`, up to `EXACT_SIZE`), and sampled by trajectories beyond.

The random numbers of an executable are those of the task's action, its shots and its place in the
task: the same task again has the same answer, and no two executables share one. Copies of one are
emulated as one of as many shots: its states are the same, and take most of the time.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from itertools import chain, islice
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from quantum_pipeline.local.braket import density, trajectories
from quantum_pipeline.local.braket.emulators.spec import EMULATED, EmulatedQpu
from quantum_pipeline.local.braket.noise import misread, noisy
from quantum_pipeline.local.braket.programs import Program, read

PROGRAM_SET = "braket.ir.openqasm.program_set"
EXACT_SIZE = 2**24
"""Entries of the largest array of a density matrix: 12 qubits that are under way together."""


class Executed(NamedTuple):
    """What one executable gave: measured bits, shape (shots, measured), and what ran."""

    bits: NDArray[np.int8]
    qubits: tuple[int, ...]
    compiled: str


def execute(task: dict[str, Any]) -> dict[str, Any]:
    """Return the result of a task in Braket's schema, and its successful shots.

    Raises:
        ValueError: the device would not run this program; says why.
    """
    qpu = EMULATED[task["device_arn"]]
    action = json.loads(task["action"])
    made = _program_set if action["braketSchemaHeader"]["name"] == PROGRAM_SET else _program
    return {"result": json.dumps(made(task, action, qpu)), "shots": task["shots"]}


def run(program: Program, qpu: EmulatedQpu, shots: int, rng: np.random.Generator) -> Executed:
    """Return the shots of one executable."""
    if program.verbatim:
        check_native(program, qpu)
        placed = program
    else:
        # Qiskit takes seconds to load, and verbatim programs do without it.
        from quantum_pipeline.local.braket.transpilation import compiled  # noqa: PLC0415

        placed = compiled(program, qpu)
    return Executed(_sample(placed, qpu, shots, rng), program.measured, source(placed))


def check_native(program: Program, qpu: EmulatedQpu) -> None:
    """Hold a verbatim program to what its device has.

    Raises:
        ValueError: an unknown qubit, a gate that is not native, a pair that is not coupled.
    """
    if not qpu.verbatim:
        raise ValueError(f"{qpu.name} takes no verbatim boxes")
    unknown = sorted(program.qubits - set(qpu.qubits))
    if unknown:
        raise ValueError(f"{qpu.name} has no qubits {', '.join(map(str, unknown))}")
    for gate in program.gates:
        if gate.name not in qpu.native_gates:
            raise ValueError(
                f"uses a gate: {gate.name} which is not native to {qpu.name}; in a verbatim box: "
                f"{', '.join(qpu.native_gates)}"
            )
        if len(gate.qubits) == 2 and tuple(sorted(gate.qubits)) not in qpu.couplers:
            first, second = gate.qubits
            raise ValueError(
                f"{gate.name}: qubits {first} and {second} of {qpu.name} are not coupled"
            )


def seed(task: dict[str, Any], place: int = 0) -> int:
    """Return the seed of the random numbers of a task's executable."""
    text = f"{task['device_arn']} {task['shots']} {place} {task['action']}"
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big")


def source(program: Program) -> str:
    """Return what ran as text: each gate, the qubits it acts on, and what is measured."""
    lines = [f"{gate.name} {', '.join(f'${q}' for q in gate.qubits)};" for gate in program.gates]
    measured = [f"b[{bit}] = measure ${q};" for bit, q in enumerate(program.measured)]
    return "\n".join(["#pragma braket verbatim", "box {", *lines, "}", *measured])


def _sample(
    program: Program, qpu: EmulatedQpu, shots: int, rng: np.random.Generator
) -> NDArray[np.int8]:
    gates = [noisy(gate, qpu) for gate in program.gates]
    column = {qubit: bit for bit, qubit in enumerate(program.measured)}
    bits = np.zeros((shots, len(column)), np.int8)
    for group in density.components(gates, program.measured):
        read_here = [qubit for qubit in group if qubit in column]
        if not read_here:
            continue
        mine = [gate for gate in gates if gate.qubits[0] in group]
        wrong = {qubit: misread(qubit, qpu) for qubit in group}
        if density.largest_size(mine, read_here) <= EXACT_SIZE:
            probabilities = density.probabilities(mine, read_here, wrong)
            drawn = _draw(probabilities, shots, rng)
        elif len(group) <= trajectories.MOST_QUBITS:
            drawn = trajectories.sample(mine, group, wrong, shots, rng)
            drawn = drawn[:, [group.index(qubit) for qubit in read_here]]
        else:
            raise ValueError(
                f"{len(group)} qubits are connected by gates; the emulator of {qpu.name} takes up "
                f"to {trajectories.MOST_QUBITS}, and any number that no gates connect"
            )
        bits[:, [column[qubit] for qubit in read_here]] = drawn
    return bits


def _draw(
    probabilities: NDArray[np.float64], shots: int, rng: np.random.Generator
) -> NDArray[np.int8]:
    sums = np.cumsum(probabilities.ravel())
    found = np.searchsorted(sums, rng.random(shots) * sums[-1], side="right")
    return np.stack(np.unravel_index(found, probabilities.shape), axis=1).astype(np.int8)


def _program(task: dict[str, Any], action: dict[str, Any], qpu: EmulatedQpu) -> dict[str, Any]:
    program = read(action["source"], action.get("inputs"))
    done = run(program, qpu, task["shots"], np.random.default_rng(seed(task)))
    return {
        "braketSchemaHeader": _header("gate_model_task_result"),
        "measurements": done.bits.tolist(),
        "measuredQubits": list(done.qubits),
        "taskMetadata": _metadata(task, "task_metadata")
        | {"shots": task["shots"], "deviceParameters": None},
        "additionalMetadata": {"action": action} | _of_provider(qpu, done.compiled),
    }


def _program_set(task: dict[str, Any], action: dict[str, Any], qpu: EmulatedQpu) -> dict[str, Any]:
    executables = [
        [(program["source"], _frozen(values)) for values in _inputs(program)]
        for program in action["programs"]
    ]
    drawn = _drawn(task, list(chain(*executables)), qpu)
    results = []
    for program, mine in zip(action["programs"], executables, strict=True):
        answers = list(islice(drawn, len(mine)))
        results.append(
            {
                "braketSchemaHeader": _header("program_result"),
                "executableResults": [
                    {
                        "braketSchemaHeader": _header("program_set_executable_result"),
                        "inputsIndex": index,
                        "measurements": done.bits.tolist(),
                        "measuredQubits": list(done.qubits),
                    }
                    for index, done in enumerate(answers)
                ],
                "source": program,
                "additionalMetadata": _of_provider(qpu, answers[0].compiled),
            }
        )
    return {
        "braketSchemaHeader": _header("program_set_task_result"),
        "programResults": results,
        "taskMetadata": _metadata(task, "program_set_task_metadata")
        | {
            "requestedShots": task["shots"],
            "successfulShots": task["shots"],
            "programMetadata": [{"executables": [{} for _ in each]} for each in executables],
            "totalFailedExecutables": 0,
            "deviceParameters": None,
        },
    }


def _drawn(
    task: dict[str, Any], executables: Sequence[_Executable], qpu: EmulatedQpu
) -> Iterator[Executed]:
    """Yield the shots of each executable: those of one that is there more than once in one go."""
    shots = task["shots"] // len(executables)
    copies, left = Counter(executables), dict[_Executable, list[Executed]]()
    for place, each in enumerate(executables):
        if each not in left:
            rng = np.random.default_rng(seed(task, place))
            done = run(_read(*each), qpu, copies[each] * shots, rng)
            parts = np.split(done.bits, copies[each])
            left[each] = [done._replace(bits=bits) for bits in parts]
        yield left[each].pop()


def _inputs(program: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the inputs of each executable of a program."""
    inputs = program.get("inputs")
    if not inputs:
        yield {}
        return
    for values in zip(*inputs.values(), strict=True):
        yield dict(zip(inputs, values, strict=True))


_Executable = tuple[str, tuple[tuple[str, Any], ...]]
"""A program's source, and what its inputs are."""


def _frozen(values: dict[str, Any]) -> tuple[tuple[str, Any], ...]:
    return tuple(values.items())


@lru_cache(maxsize=8)
def _read(text: str, values: tuple[tuple[str, Any], ...]) -> Program:
    """Return a program; sets often hold the same one again."""
    return read(text, dict(values) or None)


def _header(name: str) -> dict[str, str]:
    return {"name": f"braket.task_result.{name}", "version": "1"}


def _metadata(task: dict[str, Any], header: str) -> dict[str, Any]:
    now = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return {
        "braketSchemaHeader": _header(header),
        "id": task["task_arn"],
        "deviceId": task["device_arn"],
        "createdAt": now,
        "endedAt": now,
    }


def _of_provider(qpu: EmulatedQpu, compiled: str) -> dict[str, Any]:
    """Return the provider's part of the metadata: what ran, where its schema has a place for it."""
    key, name = {
        "AQT": ("aqtMetadata", "aqt_metadata"),
        "IonQ": ("ionqMetadata", "ionq_metadata"),
        "IQM": ("iqmMetadata", "iqm_metadata"),
        "Rigetti": ("rigettiMetadata", "rigetti_metadata"),
    }[qpu.provider]
    program = {} if qpu.provider == "IonQ" else {"compiledProgram": compiled}
    return {key: {"braketSchemaHeader": _header(name)} | program}
