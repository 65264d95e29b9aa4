"""The Lambda functions of one stack, each in processes of its own."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping
from itertools import count
from pathlib import Path

from quantum_pipeline.local.environment import STARTS_WITH, Environment
from quantum_pipeline.local.interpreter import Interpreter
from quantum_pipeline.local.runtime_api import Answer, IdleExit
from quantum_pipeline.local.template import Function

SHARED_IMPORTS = "quantum_pipeline.local.shared_imports"


class UnknownFunction(LookupError):
    """The stack has no function of this name."""


class Functions:
    """Runs functions the way Lambda does.

    A process serves one invocation at a time and is kept for the next; where all of a function's
    are busy, another is started. An asynchronous invocation that fails is tried again as often as
    the template says, after one and after two minutes.
    """

    retry_seconds = (60.0, 120.0)

    def __init__(
        self,
        functions: Iterable[Function],
        variables: Mapping[str, str],
        folder: Path,
        on_line: Callable[[str, str, str], None],
    ) -> None:
        """Take the functions, and get ready to start their processes.

        Args:
            variables: environment variables beside a function's own: endpoint, region, credentials.
            folder: where the processes' temporary folders are made.
            on_line: called with log group, log stream and each line that a process prints.
        """
        self._functions = {function.name: function for function in functions}
        self._variables = variables
        self._folder = folder
        self._on_line = on_line
        self._numbers = count(1)
        self._closed = threading.Event()
        self._lock = threading.Lock()  # held to read or change what follows
        self._interpreter = Interpreter([SHARED_IMPORTS], {**STARTS_WITH, **variables})
        self._interpreter.start()
        self._environments: list[Environment] = []
        self._idle: dict[str, list[Environment]] = {name: [] for name in self._functions}

    def warm(self, names: Iterable[str]) -> None:
        """Start one process for each of these functions, one after the other."""
        for function in map(self.find, names):
            with self._lock:
                if any(e.function is function for e in self._environments):
                    continue
                environment = self._start(function)
                if environment is None:
                    return
                self._idle[function.name].append(environment)
            environment.wait_until_ready()

    def invoke(self, name: str, payload: bytes) -> Answer:
        """Run a function once and return its answer.

        Args:
            name: the function's name or ARN, with or without a qualifier.

        Raises:
            UnknownFunction: no function has this name.
        """
        function = self.find(name)
        while (environment := self._take(function)) is not None:
            try:
                return environment.invoke(payload)
            except IdleExit:
                continue  # on Lambda, too, this is nobody's failure
            finally:
                with self._lock:
                    self._idle[function.name].append(environment)
        return Answer(
            b'{"errorType": "Runtime.ExitError", "errorMessage": "shut down"}', failed=True
        )

    def invoke_later(self, name: str, payload: bytes) -> None:
        """Run a function in the background, and again where it fails."""
        function = self.find(name)

        def work() -> None:
            for wait_seconds in (*self.retry_seconds[: function.event_retries], 0):
                if not self.invoke(name, payload).failed or self._closed.wait(wait_seconds):
                    return

        threading.Thread(target=work, name=f"{function.name} event", daemon=True).start()

    def process_ids(self, name: str) -> list[int]:
        """Return the processes that now serve a function."""
        function = self.find(name)
        with self._lock:
            return [e.process_id for e in self._environments if e.function is function and e.alive]

    def find(self, name: str) -> Function:
        """Return the function of this name or ARN."""
        short_name = name.rpartition(":function:")[2].partition(":")[0]
        try:
            return self._functions[short_name]
        except KeyError:
            raise UnknownFunction(f"Function not found: {name}") from None

    def close(self) -> None:
        """End every process; what they were doing fails."""
        with self._lock:
            self._closed.set()
            environments = self._environments
        for environment in environments:
            environment.kill()
        for environment in environments:
            environment.close()
        self._interpreter.close()

    def _take(self, function: Function) -> Environment | None:
        with self._lock:
            idle = self._idle[function.name]
            while idle:
                environment = idle.pop()
                if environment.alive:
                    return environment
            return self._start(function)

    def _start(self, function: Function) -> Environment | None:
        if self._closed.is_set():
            return None
        folder = self._folder / f"{function.logical_id}-{next(self._numbers)}"
        environment = Environment(
            function, self._interpreter, self._variables, folder, self._on_line
        )
        self._environments = [*(e for e in self._environments if e.alive), environment]
        return environment
