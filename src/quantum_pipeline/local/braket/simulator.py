"""Executes quantum tasks one after another in a worker process and stores their results.

The worker starts with the first task: importing Braket takes seconds, and the server never does it.
Tasks run as fast as they can; each is given the time that a device would have been busy.
"""

from __future__ import annotations

import contextlib
import json
import queue
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from quantum_pipeline.local.braket.clients import Clients
from quantum_pipeline.local.braket.emulators.spec import EMULATED
from quantum_pipeline.local.braket.faults import Faults
from quantum_pipeline.local.braket.task import Task

_WORKER = Path(__file__).with_name("worker.py")
CLOSE_SECONDS = 5.0
"""How long closing waits for a thread that talks to a server which may be gone."""

LOOK_SECONDS = 0.05
"""How often it is looked whether the turn of a task that has to wait has come."""

QPU_TASK_SECONDS = 4.5
"""Assumed: of a task on a QPU, beside its shots."""


class Simulator:
    """Runs tasks on Braket's local simulators and on the emulators of QPUs."""

    def __init__(self, clients: Clients, faults: Faults, wait_share: float) -> None:
        self.ready: Callable[[Task], bool] = lambda _: True
        """Whether the turn of a task has come."""
        self._clients = clients
        self._faults = faults
        self._wait_share = wait_share
        self._ending = threading.Event()
        self._tasks: queue.SimpleQueue[Task | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        self._worker: subprocess.Popen[str] | None = None
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
            if self._worker is not None:
                self._worker.kill()
                self._worker.wait()

    def close(self) -> None:
        """End the worker; no task runs after it."""
        with self._lock:
            self._closed = True
        self._ending.set()
        self._tasks.put(None)
        self.stop_running()
        if self._thread is not None:
            self._thread.join(CLOSE_SECONDS)
        self._end_worker()

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
        # A worker that ends in the middle closes its pipes: there is no answer then.
        with contextlib.suppress(OSError):
            worker = self._running_worker()
            assert worker.stdin is not None
            assert worker.stdout is not None
            print(json.dumps(question), file=worker.stdin, flush=True)
            answer = worker.stdout.readline()
        if not answer:
            self._end_worker()
            return {"error": "the simulator's process ended before the task did"}
        reply: dict[str, Any] = json.loads(answer)
        return reply

    def _running_worker(self) -> subprocess.Popen[str]:
        with self._lock:
            if self._closed:
                raise OSError("closed")
            if self._worker is not None and self._worker.poll() is not None:
                _end(self._worker)
                self._worker = None
            if self._worker is None:
                self._worker = subprocess.Popen(
                    [sys.executable, "-P", "-W", "ignore", str(_WORKER)],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    text=True,
                    encoding="utf-8",
                    start_new_session=True,
                )
            return self._worker

    def _end_worker(self) -> None:
        with self._lock:
            if self._worker is not None:
                _end(self._worker)
                self._worker = None


def _qpu_seconds(task: Task) -> float:
    shots: int = task.request["shots"]
    return QPU_TASK_SECONDS + shots * EMULATED[task.device.arn].shot_seconds


def _end(worker: subprocess.Popen[str]) -> None:
    """End a worker and close its pipes."""
    worker.kill()
    worker.wait()
    for pipe in (worker.stdin, worker.stdout):
        assert pipe is not None
        with contextlib.suppress(OSError):
            pipe.close()
