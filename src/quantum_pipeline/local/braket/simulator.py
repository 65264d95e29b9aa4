"""Executes quantum tasks one after another in a worker process and stores their results.

The worker starts with the first task, as a fork of a Python that has imported what it takes, and is
itself a fork of the one that jobs on devices are forks of: importing Braket takes seconds, and the
server never does it. Tasks run as fast as they can; each is given the time that a device would have
been busy.
"""

from __future__ import annotations

import contextlib
import json
import os
import queue
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from quantum_pipeline.local.braket.clients import Clients
from quantum_pipeline.local.braket.emulators.spec import EMULATED
from quantum_pipeline.local.braket.faults import Faults
from quantum_pipeline.local.braket.folder import inherited
from quantum_pipeline.local.braket.task import Task
from quantum_pipeline.local.interpreter import Interpreter

_WORKER = Path(__file__).with_name("worker.py")
_WORKER_MODULE = "quantum_pipeline.local.braket.worker"
CLOSE_SECONDS = 5.0
"""How long closing waits for a thread that talks to a server which may be gone."""

LOOK_SECONDS = 0.05
"""How often it is looked whether the turn of a task that has to wait has come."""

QPU_TASK_SECONDS = 4.5
"""Assumed: of a task on a QPU, beside its shots."""


class Simulator:
    """Runs tasks on Braket's local simulators and on the emulators of QPUs."""

    def __init__(
        self, clients: Clients, faults: Faults, wait_share: float, base: Interpreter
    ) -> None:
        """Take how long tasks wait, and the interpreter that has imported Braket."""
        self.ready: Callable[[Task], bool] = lambda _: True
        """Whether the turn of a task has come."""
        self._clients = clients
        self._faults = faults
        self._wait_share = wait_share
        self._interpreter = Interpreter([_WORKER_MODULE], inherited(), base)
        self._ending = threading.Event()
        self._tasks: queue.SimpleQueue[Task | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        self._worker: _Worker | None = None
        self._lock = threading.Lock()
        self._closed = False

    def submit(self, task: Task) -> None:
        """Run a task after those before it."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._serve, name="quantum-tasks", daemon=True)
            self._thread.start()
        self._tasks.put(task)

    def stop_running(self) -> None:
        """End the task that runs now, by ending the worker; the next task gets a new one."""
        with self._lock:
            worker, self._worker = self._worker, None
            if worker is not None:
                worker.end()

    def close(self) -> None:
        """End the worker; no task runs after it."""
        with self._lock:
            self._closed = True
        self._ending.set()
        self._tasks.put(None)
        self.stop_running()
        if self._thread is not None:
            self._thread.join(CLOSE_SECONDS)
        self._interpreter.close()

    def _serve(self) -> None:
        waiting: list[Task] = []
        while not self._closed:
            with contextlib.suppress(queue.Empty):
                new = self._tasks.get(timeout=LOOK_SECONDS if waiting else None)
                waiting += [] if new is None else [new]
            turn = next((task for task in waiting if self._has_turn(task)), None)
            if turn is not None:
                waiting.remove(turn)
                self._run(turn)

    def _has_turn(self, task: Task) -> bool:
        return task.status != "QUEUED" or self.ready(task)

    def _run(self, task: Task) -> None:
        if task.begin():
            try:
                self._execute(task)
            except Exception as error:  # noqa: BLE001 - it ends the task, visibly
                task.end("FAILED", f"{type(error).__name__}: {error}")

    def _execute(self, task: Task) -> None:
        if task.fault is not None:
            task.end(task.fault.status, task.fault.reason)
            return
        answer = self._ask(task)
        if "error" in answer:
            task.end("FAILED", answer["error"])
            return
        seconds = answer.get("seconds") or _qpu_seconds(task)
        waited = self._wait_share * seconds
        self._ending.wait(waited)
        task.ran(seconds, waited)
        if not self._faults.loses_result(task.device.arn):
            self._clients.s3(task.job.role if task.job else None).put_object(
                Bucket=task.bucket,
                Key=f"{task.directory}/results.json",
                Body=answer["result"].encode(),
                ContentType="application/json",
            )
        task.end("COMPLETED", successful_shots=answer["shots"])

    def _ask(self, task: Task) -> dict[str, Any]:
        question = {
            "simulator": task.device.simulator,
            "action": task.request["action"],
            "shots": task.request["shots"],
            "task_arn": task.arn,
            "device_arn": task.device.arn,
        }
        answer = ""
        with contextlib.suppress(OSError, ValueError):  # of a file that is closed
            answer = self._worker_for(task).ask(json.dumps(question))
        if not answer:
            return {"error": "the simulator's process ended before the task did"}
        reply: dict[str, Any] = json.loads(answer)
        return reply

    def _worker_for(self, task: Task) -> _Worker:
        """Return a worker that runs; none for a task that was cancelled before it came to one."""
        with self._lock:
            if self._closed or task.status == "CANCELLING":
                raise OSError("it is to run no more")
            if self._worker is None or not self._worker.alive:
                self._worker = _Worker(self._interpreter)
            return self._worker


class _Worker:
    """The process that runs tasks: each is a line that it reads, the answer a line that it prints.

    Where it ends in the middle of a task, the answer is empty.
    """

    def __init__(self, interpreter: Interpreter) -> None:
        reads, writes = os.pipe()
        self._tasks = os.fdopen(writes, "w", encoding="utf-8")
        self._answers: queue.SimpleQueue[str] = queue.SimpleQueue()
        try:
            self._program = interpreter.run(
                [str(_WORKER)],
                _WORKER.parent,
                inherited(),
                on_line=self._answers.put,
                on_end=lambda _: self._ended(),
                reads=reads,
            )
        except OSError:
            self._tasks.close()
            raise
        finally:
            os.close(reads)

    @property
    def alive(self) -> bool:
        return self._program.exit_status is None

    def ask(self, task: str) -> str:
        print(task, file=self._tasks, flush=True)
        return self._answers.get()

    def end(self) -> None:
        self._program.close()

    def _ended(self) -> None:
        self._answers.put("")
        with contextlib.suppress(OSError):  # what was still to be written
            self._tasks.close()


def _qpu_seconds(task: Task) -> float:
    shots: int = task.request["shots"]
    return QPU_TASK_SECONDS + shots * EMULATED[task.device.arn].shot_seconds
