"""Adds what moto lacks for executions: an event at their end, and a stop that works at once.

On AWS an execution's end is an event on EventBridge, and StopExecution ends an execution even
while a function runs (the function goes on). moto tells nobody, drops a stop's error and cause, and
keeps the status RUNNING until the function has answered. What has ended it keeps as a whole, a
quarter of a megabyte and more: here it is replaced by what is ever asked for (see `spilled`).
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import Any

from moto.core.exceptions import AWSError
from moto.stepfunctions.parser.api import ExecutionStatus
from moto.stepfunctions.parser.asl.eval.program_state import ProgramStopped
from moto.stepfunctions.parser.utils import TMP_THREADS
from moto.stepfunctions.responses import get_backend

from quantum_pipeline.local.spilled import EndedExecution

_WATCH_SECONDS = 0.02


class UnknownExecution(LookupError):
    """No execution has this ARN."""


class Executions:
    """The executions of one server, as moto's objects."""

    def __init__(self, on_end: Callable[[Any], None], folder: Path) -> None:
        """Begin to watch.

        Args:
            on_end: called once with each execution that has ended.
            folder: where what has ended is kept.
        """
        self._on_end = on_end
        self._folder = folder
        self._numbers = count()
        self._running: dict[str, Any] = {}
        self._closed = False
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._watch, name="executions", daemon=True)
        self._thread.start()

    def has_machine(self, arn: str) -> bool:
        """Return whether there is a state machine of this ARN."""
        try:
            _, _, _, region, account, *_ = arn.split(":")
            return bool(get_backend(account, region).describe_state_machine(arn))
        except (AWSError, ValueError, KeyError):
            return False

    def watch(self, arn: str) -> None:
        """Tell of the end of this execution."""
        with self._changed:
            self._running[arn] = _find(arn)
            self._changed.notify()

    def stop(self, arn: str, error: str | None = None, cause: str | None = None) -> datetime:
        """End an execution as ABORTED, if it still runs, and return when it ended.

        Raises:
            UnknownExecution: there is no such execution.
        """
        execution = _find(arn)
        if isinstance(execution, EndedExecution):
            return execution.stop_date
        program = _program(execution)
        now = datetime.now(UTC)
        execution.stop(stop_date=now, error=error, cause=cause)
        if isinstance(program.program_state(), ProgramStopped):
            # What the state that still runs comes to no longer matters.
            unheard = _Unheard(lambda: self._shrink(execution))
            execution.exec_worker._execution_communication = unheard
            execution.stop_date = now
            execution.error, execution.cause = error, cause
            execution.exec_status = ExecutionStatus.ABORTED
        ended: datetime = execution.stop_date or now
        return ended

    def newest_events(self, arn: str, count: int | None) -> list[dict[str, Any]]:
        """Return the newest events of an execution's history, or all of them, the newest first.

        Raises:
            UnknownExecution: there is no such execution.
        """
        events: list[dict[str, Any]] = _find(arn).to_history_output()["events"]
        return events[::-1][:count]

    def stopped_at(self, arn: str) -> datetime:
        """Return when an execution ended.

        Raises:
            UnknownExecution: there is no such execution.
        """
        stopped: datetime = _find(arn).stop_date
        return stopped

    def close(self) -> None:
        """Stop what still runs, and tell nobody."""
        with self._changed:
            self._closed = True
            self._changed.notify()
        self._thread.join()
        for arn in self._running:
            self.stop(arn)

    def _watch(self) -> None:
        while True:
            with self._changed:
                if not self._closed:  # else what was told while it looked has been missed
                    self._changed.wait(_WATCH_SECONDS if self._running else None)
                if self._closed:
                    return
            self._look()

    def _look(self) -> None:
        """Tell of the executions that have ended; no frame that stays holds on to one of them."""
        with self._changed:
            ended = {
                arn: execution
                for arn, execution in self._running.items()
                if execution.status != ExecutionStatus.RUNNING
            }
        for arn, execution in ended.items():
            self._on_end(execution)
            with self._changed:
                del self._running[arn]
            if not isinstance(execution.exec_worker._execution_communication, _Unheard):
                self._shrink(execution)

    def _shrink(self, execution: Any) -> None:
        """Keep of an execution that has ended what is ever asked for; its thread ends too.

        Where that cannot be, since the disk is full or the state machine gone, all of it stays.
        """
        TMP_THREADS[:] = [thread for thread in TMP_THREADS if thread.is_alive()]
        backend = get_backend(execution.account_id, execution.region_name)
        with suppress(OSError, AWSError, ValueError):
            machine: Any = backend.describe_state_machine(execution.state_machine_arn)
            small = EndedExecution(execution, self._folder / f"{next(self._numbers)}")
            machine.executions[machine.executions.index(execution)] = small


class _Unheard:
    """Stands where moto's engine tells of the end of an execution that was stopped before."""

    def __init__(self, terminated: Callable[[], None]) -> None:
        """Take what is called in place of changing the execution."""
        self.terminated = terminated


def _find(arn: str) -> Any:
    try:
        _, _, _, region, account, *_ = arn.split(":")
        return get_backend(account, region).describe_execution(arn)
    except (AWSError, ValueError, KeyError) as error:
        raise UnknownExecution(arn) from error


def _program(execution: Any) -> Any:
    """Return the running program of an execution, which starts a moment after StartExecution."""
    for _ in range(5000):
        program = execution.exec_worker.env
        if program is not None and program.program_state() is not None:
            return program
        time.sleep(0.001)
    raise RuntimeError(f"{execution.execution_arn} has not started")
