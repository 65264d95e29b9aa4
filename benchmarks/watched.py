"""Calls a function in a process of its own for each case: its end, its processor time, its memory.

A worker imports everything once, then forks for every case. So a case that hangs, dies or takes all
memory harms no other, and what it took is what the kernel counted of its process.
"""

from __future__ import annotations

import gc
import multiprocessing
import os
import pickle
import resource
import signal
import traceback
from collections.abc import Callable, Mapping
from contextlib import suppress
from multiprocessing.connection import Connection
from typing import NamedTuple, Self

Call = Callable[[bytes], str]
"""Takes a case, returns the name of its end; whatever it raises has no name."""

CPU_SECONDS = 60
WALL_SECONDS = 300
ADDRESSES = 16 * 2**30
"""Where a case is ended, since it would not end by itself or would take the machine's memory."""

UNNAMED = "unnamed"


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
    with suppress(EOFError):
        while True:
            connection.send(_watch(call, connection.recv_bytes()))


def _watch(call: Call, case: bytes) -> Outcome:
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        _answer(call, case, writing)
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        said = pipe.read()
    _, status, usage = os.wait4(child, 0)
    code = os.waitstatus_to_exitcode(status)
    end, words = pickle.loads(said) if said else (UNNAMED, f"the process ended with {code}")
    return Outcome(end, words, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)


def _answer(call: Call, case: bytes, writing: int) -> None:
    """Run the case in this process, which is a fork for it alone, and end it."""
    for limit, value in (
        (resource.RLIMIT_CPU, CPU_SECONDS),
        (resource.RLIMIT_AS, ADDRESSES),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(limit, (value, value))
    signal.alarm(WALL_SECONDS)
    try:
        said = call(case), ""
    except BaseException as error:  # noqa: BLE001 - whatever has no name is what is looked for
        frames = traceback.extract_tb(error.__traceback__)
        where = " < ".join(f"{frame.filename}:{frame.lineno}" for frame in frames[::-1][:6])
        said = UNNAMED, f"{type(error).__name__}: {str(error)[:300]!r} at {where}"
    os.write(writing, pickle.dumps(said)[:65_536])
    os._exit(0)
