"""The process that runs quantum tasks: Braket's local simulators behind standard input and output.

Each line in is a task, {"simulator", "action", "shots", "task_arn", "device_arn"}; each line out is
the answer to one, {"result": text of results.json, "shots": how many succeeded, "seconds": on the
simulated device} or {"error": reason}. A task of a QPU runs on its emulator, and reports no
seconds. The process ends, even in the middle of a task, when its input closes.

The time of a simulator on demand is assumed: each executable takes 0.23 s, 4.6e-10 s for each gate
or noise channel and number of its state (2^n of SV1, 4^n of DM1), and 1.85e-5 s for each shot. Its
random numbers are those of the task's action and shots: the same task again has the same answer.
"""

from __future__ import annotations

import hashlib
import json
import os
import queue
import sys
import threading
from typing import Any

import numpy as np
from braket.default_simulator import DensityMatrixSimulator, StateVectorSimulator
from braket.default_simulator import simulator as braket_simulator
from braket.default_simulator.density_matrix_simulation import DensityMatrixSimulation
from braket.default_simulator.simulator import BaseLocalSimulator
from braket.schema_common import BraketSchemaBase
from braket.task_result import GateModelTaskResult
from braket.task_result.gate_model_task_result_v1 import ResultTypeValue
from braket.task_result.program_set_executable_result_v1 import ProgramSetExecutableResult
from braket.task_result.simulator_metadata_v1 import SimulatorMetadata
from braket.tasks import GateModelQuantumTaskResult
from pydantic.v1 import BaseModel

SECONDS = 0.23
SECONDS_PER_SHOT = 1.85e-5
SECONDS_PER_GATE_AND_NUMBER = 4.6e-10

SIMULATORS: dict[str, BaseLocalSimulator] = {
    "braket_sv": StateVectorSimulator(),
    "braket_dm": DensityMatrixSimulator(),
}


def execute(task: dict[str, Any]) -> dict[str, Any]:
    """Run one task and return the answer to it."""
    if task["simulator"] == "emulator":
        # Only who runs such tasks loads what they take.
        from quantum_pipeline.local.braket import emulation  # noqa: PLC0415

        return emulation.execute(task)
    simulator = SIMULATORS[task["simulator"]]
    METER.start(task)
    result = simulator.run(BraketSchemaBase.parse_raw_schema(task["action"]), shots=task["shots"])
    result.taskMetadata.id = task["task_arn"]
    result.taskMetadata.deviceId = task["device_arn"]
    if isinstance(result, GateModelTaskResult):
        result.additionalMetadata.simulatorMetadata = took(METER.seconds)
        result.measurements = numbers(result.measurements)
        if result.resultTypes and not isinstance(result.resultTypes[0], ResultTypeValue):
            # The simulator leaves it to its caller to work these out from the shots.
            result.resultTypes = GateModelQuantumTaskResult.from_object(result).result_types
    else:
        share = METER.seconds / len(result.programResults)
        for program in result.programResults:
            program.additionalMetadata.simulatorMetadata = took(share)
    text = json.dumps(result, default=plain)
    return {"result": text, "shots": task["shots"], "seconds": METER.seconds}


def numbers(measurements: Any) -> list[list[int]] | None:
    """Return shots, which come as characters; for none, as the schema wants no empty list."""
    shots = np.array(measurements, dtype=int)
    return shots.tolist() if shots.size else None


def unchecked(**fields: Any) -> ProgramSetExecutableResult:
    """Return the result of one executable: the schema would take 20 us for each bit of it."""
    fields["measurements"] = numbers(fields["measurements"])
    return ProgramSetExecutableResult.construct(**fields)


def took(seconds: float) -> SimulatorMetadata:
    """Return simulated seconds as results report them."""
    return SimulatorMetadata(executionDuration=round(1000 * seconds))


class Meter:
    """Makes each simulation of a task report its gates, and use the random numbers of the task."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self._seeds = np.random.SeedSequence(0)

    def start(self, task: dict[str, Any]) -> None:
        """Begin a task."""
        text = f"{task['shots']} {task['action']}"
        digest = hashlib.sha256(text.encode()).digest()
        self._seeds = np.random.SeedSequence(int.from_bytes(digest, "big"))
        self.seconds = 0.0

    def watch(self, simulation: Any, shots: int) -> None:
        """Begin one simulation of the task."""
        (seed,) = self._seeds.spawn(1)
        simulation._rng_generator = np.random.default_rng(seed)  # it takes no seed
        base = 4 if isinstance(simulation, DensityMatrixSimulation) else 2
        numbers = float(base**simulation.qubit_count)
        self.seconds += SECONDS + SECONDS_PER_SHOT * shots
        evolve = simulation.evolve

        def counted(operations: list[Any]) -> None:
            self.seconds += SECONDS_PER_GATE_AND_NUMBER * len(operations) * numbers
            evolve(operations)

        simulation.evolve = counted


METER = Meter()


def plain(value: Any) -> Any:
    """Return as JSON what JSON does not know: complex numbers as [real, imaginary]."""
    if isinstance(value, BaseModel):
        return dict(value)  # its own `dict` would copy each bit of each shot
    if isinstance(value, complex):
        return [value.real, value.imag]
    if isinstance(value, np.ndarray | np.generic):
        return value.tolist()
    return str(value)


def set_up() -> None:
    """Make each simulator refuse more qubits than it says it has, before it takes the memory.

    Its simulations are metered. Programs of a set are checked one by one, each before it runs: to
    check all of them first, as the simulator would, parses each twice. Their shots are not checked.
    """
    braket_simulator.ProgramSetExecutableResult = unchecked
    for simulator in SIMULATORS.values():
        simulator._validate_program_set_instructions_compatibility = lambda _: None
        limit, initialize = (
            simulator.properties.paradigm.qubitCount,
            simulator.initialize_simulation,
        )

        def bounded(limit: int = limit, initialize: Any = initialize, **options: Any) -> Any:
            if options["qubit_count"] > limit:
                raise ValueError(
                    f"{options['qubit_count']} qubits; at most {limit} fit this machine"
                )
            simulation = initialize(**options)
            METER.watch(simulation, options["shots"])
            return simulation

        simulator.initialize_simulation = bounded


def read(tasks: queue.SimpleQueue[str]) -> None:
    """Take in tasks until the input closes; then the server is gone, and so are we."""
    for line in sys.stdin:
        tasks.put(line)
    os._exit(0)


def main() -> None:
    """Answer tasks one by one."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for printed in (1, 2):  # what a library prints is not an answer
        os.dup2(nowhere, printed)
    set_up()
    tasks: queue.SimpleQueue[str] = queue.SimpleQueue()
    threading.Thread(target=read, args=(tasks,), daemon=True).start()
    while True:
        try:
            answer = execute(json.loads(tasks.get()))
        except Exception as error:  # noqa: BLE001 - whatever the program does wrong is its failureReason
            answer = {"error": f"{type(error).__name__}: {error}"}
        print(json.dumps(answer), file=answers, flush=True)


if __name__ == "__main__":
    main()
