"""The Lambda functions of one stack, each in processes of its own."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from itertools import count
from pathlib import Path

from quantum_pipeline.local.environment import Environment
from quantum_pipeline.local.functions_python import STARTS_WITH, functions_python
from quantum_pipeline.local.interpreter import Interpreter
from quantum_pipeline.local.runtime_api import Answer, IdleExit
from quantum_pipeline.local.template import Function

MORE_IMPORTS = (
    *("quantum_pipeline.aws.learning", "quantum_pipeline.aws.studies"),
    *("quantum_pipeline.aws.tickets", "quantum_pipeline.pages.study_page"),
    "quantum_pipeline.studies.lifecycle",
)
"""What some of the functions import beside that, most of all for their pictures: no setting of a
function is read by it but the folder of matplotlib's caches."""
CACHES = "MPLCONFIGDIR"

UNRESERVED_CONCURRENCY = 10
"""Calls that all functions without a reserved concurrency run at once: those of a new account."""
IDLE_SECONDS = 30.0
"""How long a process is kept that no invocation takes; on Lambda it is minutes."""
LOOK_SECONDS = 5.0
"""How often such processes are looked for."""


class UnknownFunction(LookupError):
    """The stack has no function of this name."""


class TooManyRequests(Exception):
    """As many calls of the function run as may at once; the message is Lambda's reason."""


class Functions:
    """Runs functions the way Lambda does.

    A process serves one invocation at a time and is kept for the next; where all of a function's
    are busy, another is started, up to its reserved concurrency; functions without one share what
    the account has. A process that has been idle for long ends. An asynchronous invocation waits
    for its turn, and one that fails is tried again as often as the template says, after one and
    after two minutes.
    """

    retry_seconds = (60.0, 120.0)
    turn_seconds = 1.0
    """How long an asynchronous invocation waits before it tries again to have its turn."""

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
        self._shared = functions_python()
        self._interpreter = self._with_more() if self._shared.had_programs else self._shared
        self._interpreter.start()
        self._environments: list[Environment] = []
        self._idle: dict[str, list[Environment]] = {name: [] for name in self._functions}
        self._running: Counter[str] = Counter()
        threading.Thread(target=self._end_idle, name="idle functions", daemon=True).start()

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
            TooManyRequests: as many of its calls run as may at once.
        """
        function = self.find(name)
        with self._turn(function):
            while (environment := self._take(function)) is not None:
                try:
                    return environment.invoke(payload)
                except IdleExit:
                    continue  # on Lambda, too, this is nobody's failure
                finally:
                    self._give_back(environment)
        return Answer(
            b'{"errorType": "Runtime.ExitError", "errorMessage": "shut down"}', failed=True
        )

    def invoke_later(self, name: str, payload: bytes) -> None:
        """Run a function in the background, and again where it fails."""
        function = self.find(name)

        def work() -> None:
            for wait_seconds in (*self.retry_seconds[: function.event_retries], 0):
                if not self._in_turn(name, payload).failed or self._closed.wait(wait_seconds):
                    return

        threading.Thread(target=work, name=f"{function.name} event", daemon=True).start()

    def _in_turn(self, name: str, payload: bytes) -> Answer:
        """Run a function once its concurrency allows: events wait in a queue of Lambda's."""
        while True:
            try:
                return self.invoke(name, payload)
            except TooManyRequests:
                self._closed.wait(self.turn_seconds)

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
        self._shared.close()

    def _with_more(self) -> Interpreter:
        """Return one that has what any function imports, for a process that has many stacks."""
        folders = [
            f.environment[CACHES] for f in self._functions.values() if CACHES in f.environment
        ]
        caches = {CACHES: folders[0]} if folders else {}
        return Interpreter(MORE_IMPORTS, STARTS_WITH | caches, self._shared)

    @contextmanager
    def _turn(self, function: Function) -> Iterator[None]:
        """Count a call of a function for as long as it runs.

        Raises:
            TooManyRequests: it is one too many.
        """
        with self._lock:
            self._check_room(function)
            self._running[function.name] += 1
        try:
            yield
        finally:
            with self._lock:
                self._running[function.name] -= 1

    def _check_room(self, function: Function) -> None:
        if self._closed.is_set():  # what comes then is answered, not made to come again
            return
        if (reserved := function.reserved_concurrency) is not None:
            if self._running[function.name] >= reserved:
                raise TooManyRequests("ReservedFunctionConcurrentInvocationLimitExceeded")
            return
        shared = [f.name for f in self._functions.values() if f.reserved_concurrency is None]
        if sum(self._running[name] for name in shared) >= UNRESERVED_CONCURRENCY:
            raise TooManyRequests("ConcurrentInvocationLimitExceeded")

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

    def _give_back(self, environment: Environment) -> None:
        environment.idle_since = time.monotonic()
        with self._lock:
            self._idle[environment.function.name].append(environment)

    def _end_idle(self) -> None:
        """End the processes that have long been idle, again and again."""
        while not self._closed.wait(LOOK_SECONDS):
            for environment in self._take_idle(time.monotonic() - IDLE_SECONDS):
                environment.close()

    def _take_idle(self, since: float) -> list[Environment]:
        """Take the processes that have been idle since then; those that have ended go with them."""
        taken = []
        with self._lock:
            for name, idle in self._idle.items():
                taken += [each for each in idle if each.idle_since <= since]
                self._idle[name] = [e for e in idle if e.idle_since > since and e.alive]
            self._environments = [each for each in self._environments if each.alive]
        return taken
