"""Processes of Python programs that need not import what others before them have imported."""

from __future__ import annotations

import atexit
import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import TextIO, TypeAlias

_BOOTSTRAP = Path(__file__).with_name("bootstrap.py")
CLOSE_SECONDS = 10.0
"""How long an end is waited for that is certain, and hardly ever takes any time."""


class Interpreter:
    """A Python that has imported modules, and runs each program in a fork of itself.

    Once closed it is kept, for the next of its kind in this process need not import anything then.
    It and its programs end when this process does, however it ends. What it cannot import, each
    program imports for itself, or fails to.
    """

    def __init__(
        self,
        modules: Sequence[str],
        environment: Mapping[str, str],
        base: Interpreter | None = None,
    ) -> None:
        """Take what it is to import; `start` or the first program starts it.

        Args:
            environment: variables that are read when Python starts, or while it imports.
            base: it is a fork of this one, and imports more.
        """
        self._modules = tuple(modules)
        self._environment = environment
        self._base = base
        self._lock = threading.Lock()  # held to read or change what follows
        self._python: _Python | None = None
        self._programs: list[Program] = []
        self._closed = False

    @property
    def had_programs(self) -> bool:
        """Whether one of its kind ran programs before, and is there."""
        return any(python.had_programs for python in _KEPT.get(self._kind, ()))

    def get_ready(self) -> None:
        """Start one of its kind for whoever needs it next, unless one is there."""
        kept = _KEPT.setdefault(self._kind, [])
        if not kept:
            kept.append(self._new())

    def start(self) -> None:
        """Start it, unless it runs or is closed; it gets ready in the background."""
        with self._lock, contextlib.suppress(ChildProcessError):
            self._started()

    def _started(self) -> _Python:
        if self._closed:
            raise ChildProcessError("no program runs: the interpreter is closed")
        kept = _KEPT.setdefault(self._kind, [])
        while self._python is None or not self._python.alive:
            if self._python is not None:
                self._python.close()
            self._python = kept.pop() if kept else self._new()
        return self._python

    def _new(self) -> _Python:
        if self._base is None:
            return _Python(self._modules, self._environment)
        with self._base._lock:
            return _Python(self._modules, self._environment, self._base._started())

    @property
    def _kind(self) -> _Kind:
        modules = self._modules if self._base is None else (*self._base._modules, *self._modules)
        return modules, frozenset(self._environment.items())

    def run(
        self,
        arguments: Sequence[str],
        folder: Path,
        environment: Mapping[str, str],
        *,
        on_line: Callable[[str], None],
        on_end: Callable[[int], None],
        reads: int | None = None,
    ) -> Program:
        """Run a program, the first of the arguments: a module, or the path of a file.

        Args:
            folder: where it runs.
            environment: all of its environment variables.
            on_line: called from a thread with each line that it prints.
            on_end: called then, with its exit status.
            reads: a file that is its standard input; without it there is none.

        Raises:
            ChildProcessError: the interpreter has ended.
        """
        for again in (True, False):
            with self._lock:
                python = self._started()
            # Not under the lock: what it imports may take for ever, and it is to be closed then.
            try:
                program = python.run(
                    arguments, folder, environment, on_line=on_line, on_end=on_end, reads=reads
                )
                break
            except ChildProcessError:  # it has just died: nothing has run, and another can
                if not again:
                    raise
        with self._lock:
            self._programs = [p for p in self._programs if p.exit_status is None] + [program]
            if self._closed:
                program.close()
        return program

    def close(self) -> None:
        """End its programs; none runs after it."""
        with self._lock:
            self._closed = True
            for program in self._programs:
                program.close()
            if self._python is not None:
                _KEPT.setdefault(self._kind, []).append(self._python)
                self._python = None


class _Python:
    """The process that programs are forks of, and the socket on which it hears of them.

    One with a base is a program of the base itself.
    """

    def __init__(
        self, modules: Sequence[str], environment: Mapping[str, str], base: _Python | None = None
    ) -> None:
        self._lock = (
            threading.Lock()
        )  # until it has answered: what is sent together may come as one
        self._socket, theirs = socket.socketpair()
        self._broken = False
        self.had_programs = False
        self._of_base: Program | None = None
        self._process: subprocess.Popen[bytes] | None = None
        arguments = [str(_BOOTSTRAP), *modules]
        with theirs:
            if base is not None:
                self._of_base = base.run(
                    arguments,
                    Path("/"),
                    environment,
                    on_line=lambda _: None,
                    on_end=lambda _: None,
                    reads=theirs.fileno(),
                )
                return
            self._process = subprocess.Popen(
                [sys.executable, "-P", *arguments],
                stdin=theirs.fileno(),
                stdout=subprocess.DEVNULL,
                # Threads are not in a fork, and those of BLAS cost more than they gain here.
                env={**environment, "OPENBLAS_NUM_THREADS": "1"},
                start_new_session=True,  # Ctrl-C in a terminal is for the server to handle
            )

    @property
    def alive(self) -> bool:
        if self._broken:
            return False
        if self._of_base is not None:
            return self._of_base.exit_status is None
        return self._process is not None and self._process.poll() is None

    def run(
        self,
        arguments: Sequence[str],
        folder: Path,
        environment: Mapping[str, str],
        *,
        on_line: Callable[[str], None],
        on_end: Callable[[int], None],
        reads: int | None,
    ) -> Program:
        """Run a program; see `Interpreter.run`."""
        asked = {
            "arguments": list(arguments),
            "folder": str(folder),
            "environment": dict(environment),
        }
        line = json.dumps(asked).encode() + b"\n"
        output, write_output = os.pipe()
        status, write_status = os.pipe()
        files = [write_output, write_status, *([] if reads is None else [reads])]
        with self._lock:
            self.had_programs = True
            try:
                sent = socket.send_fds(self._socket, [line], files)
                self._socket.sendall(line[sent:])
            except OSError as error:
                self._broken = True
                os.close(output)
                os.close(status)
                raise ChildProcessError(f"no program runs: {error}") from error
            finally:
                os.close(write_output)
                os.close(write_status)
            told = os.fdopen(status, encoding="ascii")
            first = told.readline()
        if not first:
            self._broken = True
            told.close()
            os.close(output)
            raise ChildProcessError("no program runs: the interpreter has ended")
        # What is printed is shown as it is: a return in it ends no line.
        printed = os.fdopen(output, encoding="utf-8", errors="replace", newline="\n")
        return Program(int(first), printed, told, on_line, on_end)

    def close(self) -> None:
        self._socket.close()
        if self._of_base is not None:
            self._of_base.signal(signal.SIGTERM)  # it may import for ever
            self._of_base.wait(CLOSE_SECONDS)
        elif self._process is not None:
            self._process.terminate()  # likewise; what has programs ends them, and itself
            self._process.wait()


_Kind: TypeAlias = "tuple[tuple[str, ...], frozenset[tuple[str, str]]]"
_KEPT: dict[_Kind, list[_Python]] = {}
"""Those that nobody uses now, by what they have imported and by their environment."""


@atexit.register
def _end_kept() -> None:
    with contextlib.suppress(KeyboardInterrupt):  # they end with this process all the same
        for each in chain.from_iterable(_KEPT.values()):
            each.close()


class Program:
    """A process and all that it starts.

    Attributes:
        process_id: of the process, which leads a group of its own.
        exit_status: None while it runs; minus the number of the signal that ended it.
    """

    def __init__(
        self,
        process_id: int,
        printed: TextIO,
        status: TextIO,
        on_line: Callable[[str], None],
        on_end: Callable[[int], None],
    ) -> None:
        self.process_id = process_id
        self.exit_status: int | None = None
        self._files = printed, status
        self._on_line, self._on_end = on_line, on_end
        self._reader = threading.Thread(target=self._read, name=f"{process_id}", daemon=True)
        self._reader.start()

    def signal(self, number: int) -> None:
        """Send a signal to the process and all that it has started."""
        if self.exit_status is None:  # else its id may be another's by now
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self.process_id, number)

    def wait(self, seconds: float) -> None:
        """Wait for the end, at most so many seconds."""
        self._reader.join(seconds)

    def close(self) -> None:
        """End it now, and wait a moment until nothing of it is left."""
        self.signal(signal.SIGKILL)
        self.wait(CLOSE_SECONDS)

    def _read(self) -> None:
        printed, status = self._files
        with printed, status:
            for line in printed:
                self._on_line(line)
            self.exit_status = int(status.readline() or -signal.SIGKILL)
        self._on_end(self.exit_status)
