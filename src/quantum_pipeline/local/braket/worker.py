"""The process that runs quantum tasks: Braket's local simulators behind standard input and output.

Each line in is a task, {"simulator", "action", "shots", "task_arn", "device_arn"}; each line out is
the answer to one, {"result": text of results.json, "shots": how many succeeded} or
{"error": reason}. It ends, even in the middle of a task, when its input closes.
"""

from __future__ import annotations

import json
import os
import queue
import sys
import threading
import time
from typing import Any

import numpy as np
from braket.default_simulator import DensityMatrixSimulator, StateVectorSimulator
from braket.default_simulator.simulator import BaseLocalSimulator
from braket.schema_common import BraketSchemaBase
from braket.task_result import GateModelTaskResult
from braket.task_result.gate_model_task_result_v1 import ResultTypeValue
from braket.task_result.simulator_metadata_v1 import SimulatorMetadata
from braket.tasks import GateModelQuantumTaskResult

SIMULATORS: dict[str, BaseLocalSimulator] = {
    "braket_sv": StateVectorSimulator(),
    "braket_dm": DensityMatrixSimulator(),
}


def execute(task: dict[str, Any]) -> dict[str, Any]:
    """Run one task and return the answer to it."""
    simulator = SIMULATORS[task["simulator"]]
    started = time.perf_counter()
    result = simulator.run(BraketSchemaBase.parse_raw_schema(task["action"]), shots=task["shots"])
    milliseconds = int(1000 * (time.perf_counter() - started))
    result.taskMetadata.id = task["task_arn"]
    result.taskMetadata.deviceId = task["device_arn"]
    if isinstance(result, GateModelTaskResult):
        result.additionalMetadata.simulatorMetadata = SimulatorMetadata(
            executionDuration=milliseconds
        )
        # Shots come as characters; where there are none, the schema wants no empty list.
        shots = np.array(result.measurements, dtype=int)
        result.measurements = shots.tolist() if shots.size else None
        if result.resultTypes and not isinstance(result.resultTypes[0], ResultTypeValue):
            # The simulator leaves it to its caller to work these out from the shots.
            result.resultTypes = GateModelQuantumTaskResult.from_object(result).result_types
    return {"result": json.dumps(result.dict(), default=plain), "shots": task["shots"]}


def plain(value: Any) -> Any:
    """Return as JSON what JSON does not know: complex numbers as [real, imaginary]."""
    if isinstance(value, complex):
        return [value.real, value.imag]
    if isinstance(value, np.ndarray | np.generic):
        return value.tolist()
    return str(value)


def bound_memory() -> None:
    """Make each simulator refuse more qubits than it says it has, before it takes the memory."""
    for simulator in SIMULATORS.values():
        limit, initialize = (
            simulator.properties.paradigm.qubitCount,
            simulator.initialize_simulation,
        )

        def bounded(limit: int = limit, initialize: Any = initialize, **options: Any) -> Any:
            if options["qubit_count"] > limit:
                raise ValueError(
                    f"{options['qubit_count']} qubits; at most {limit} fit this machine"
                )
            return initialize(**options)

        simulator.initialize_simulation = bounded


def read(tasks: queue.SimpleQueue[str]) -> None:
    """Take in tasks until the input closes; then the server is gone, and so are we."""
    for line in sys.stdin:
        tasks.put(line)
    os._exit(0)


def main() -> None:
    """Answer tasks one by one."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # what a library prints is not an answer
    bound_memory()
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
