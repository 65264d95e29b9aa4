"""Adds what moto lacks for executions: an event at their end, and a stop that works at once.

On AWS an execution's end is an event on EventBridge, and StopExecution ends an execution even
while a function runs (the function goes on). moto tells nobody, drops a stop's error and cause, and
keeps the status RUNNING until the function has answered.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from moto.core.exceptions import AWSError
from moto.stepfunctions.parser.api import ExecutionStatus
from moto.stepfunctions.parser.asl.eval.program_state import ProgramStopped
from moto.stepfunctions.responses import get_backend

_WATCH_SECONDS = 0.02


class UnknownExecution(LookupError):
    """No execution has this ARN."""


class Executions:
    """The executions of one server, as moto's objects."""

    def __init__(self, on_end: Callable[[Any], None]) -> None:
        """Begin to watch; `on_end` is called once with each execution that has ended."""
        self._on_end = on_end
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
        program = _program(execution)
        now = datetime.now(UTC)
        execution.stop(stop_date=now, error=error, cause=cause)
        if isinstance(program.program_state(), ProgramStopped):
            # What the state that still runs comes to no longer matters.
            execution.exec_worker._execution_communication = _Unheard()
            execution.stop_date = now
            execution.error, execution.cause = error, cause
            execution.exec_status = ExecutionStatus.ABORTED
        ended: datetime = execution.stop_date or now
        return ended

    def newest_events(self, arn: str, count: int) -> list[dict[str, Any]]:
        """Return the newest events of an execution's history, the newest first.

        Raises:
            UnknownExecution: there is no such execution.
        """
        events: list[dict[str, Any]] = _find(arn).to_history_output()["events"]
        return events[: -count - 1 : -1]

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
                self._changed.wait(_WATCH_SECONDS if self._running else None)
                if self._closed:
                    return
                ended = {
                    arn: execution
                    for arn, execution in self._running.items()
                    if execution.status != ExecutionStatus.RUNNING
                }
                for arn in ended:
                    del self._running[arn]
            for execution in ended.values():
                self._on_end(execution)


class _Unheard:
    """Stands where moto's engine tells of an execution's end."""

    def terminated(self) -> None:
        """Change nothing."""


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
