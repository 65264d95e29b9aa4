"""Calls a function on cases in a process of their own: their ends, processor time and memory.

A worker imports everything once, then forks for a few cases at a time, as a warm function has a few
calls. So a case that hangs, dies or takes all memory harms no other. Linux alone: the peak of a
process's memory is reset before each case.
"""

from __future__ import annotations

import gc
import multiprocessing
import os
import re
import resource
import signal
import time
import traceback
from collections.abc import Callable, Mapping
from multiprocessing.connection import Connection
from pathlib import Path
from typing import NamedTuple, Self

Call = Callable[[bytes], str]
"""Takes a case, returns the name of its end; whatever it raises has no name."""

CASES = 25
"""Cases that one process has."""

CPU_SECONDS, WALL_SECONDS, ADDRESSES = 60, 600, 16 * 2**30
"""Where a case is ended that would not end by itself, or would take the machine's memory."""

UNNAMED = "unnamed"
_CLOSED = 3


class Outcome(NamedTuple):
    """How a case ended: the name, or ``UNNAMED`` with what it raised or was killed by."""

    end: str
    words: str
    seconds: float
    megabytes: float


class Watched:
    """Calls one function on cases, one after the other."""

    def __init__(
        self, call: Call, ready: Callable[[], None], environment: Mapping[str, str] | None = None
    ) -> None:
        """Start the worker; it has the environment, and is ``ready`` before it forks."""
        spawn = multiprocessing.get_context("spawn")
        self._connection, theirs = spawn.Pipe()
        asked = (theirs, call, ready, dict(environment or {}))
        self._process = spawn.Process(target=_serve, args=asked, daemon=True)
        self._process.start()
        theirs.close()

    def __call__(self, case: bytes) -> Outcome:
        self._connection.send_bytes(case)
        outcome: Outcome = self._connection.recv()
        return outcome

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()
        self._process.join()


def _serve(
    connection: Connection, call: Call, ready: Callable[[], None], environment: dict[str, str]
) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the worker ends when its connection is closed
    os.environ |= environment
    with open(os.devnull, "wb") as nowhere:  # noqa: PTH123 - its number is wanted
        os.dup2(nowhere.fileno(), 1)  # what functions log
    ready()
    gc.collect()
    gc.freeze()
    code = 0
    while code != _CLOSED:
        child = os.fork()
        if child == 0:
            _answer(connection, call)
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        if code not in (0, _CLOSED):
            connection.send(Outcome(UNNAMED, f"the process ended with {code}", 0.0, 0.0))


def _answer(connection: Connection, call: Call) -> None:
    """Answer a few cases in this process, which is a fork for them alone, and end it."""
    resource.setrlimit(resource.RLIMIT_AS, (ADDRESSES, ADDRESSES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    for _ in range(CASES):
        try:
            case = connection.recv_bytes()
        except EOFError:
            os._exit(_CLOSED)
        connection.send(_watch(call, case))
    os._exit(0)


def _watch(call: Call, case: bytes) -> Outcome:
    signal.setitimer(signal.ITIMER_PROF, CPU_SECONDS)
    signal.alarm(WALL_SECONDS)
    Path("/proc/self/clear_refs").write_text("5", "ascii")
    started = time.process_time()
    try:
        said = call(case), ""
    except BaseException as error:  # noqa: BLE001 - whatever has no name is what is looked for
        frames = traceback.extract_tb(error.__traceback__)
        where = " < ".join(f"{frame.filename}:{frame.lineno}" for frame in frames[::-1][:6])
        said = UNNAMED, f"{type(error).__name__}: {str(error)[:300]!r} at {where}"
    seconds = time.process_time() - started
    [peak] = re.findall(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text("ascii"))
    return Outcome(*said, seconds, int(peak) / 1024)
