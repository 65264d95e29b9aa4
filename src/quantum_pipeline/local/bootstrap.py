"""A Python that gets ready once and then forks: the first thing in processes of functions and jobs.

    python -P bootstrap.py MODULE ...

imports the modules, those that it can, and waits on standard input, a Unix socket, for programs to
run. Each comes as a line of JSON with two or three files: one takes what the program prints, the
next is told its process id and, at its end, its exit status, which is minus the number of the
signal that ended it; the program reads the third, if there is one. A program runs in a fork with a
process group, folder, environment and arguments of its own; whatever it has started ends with it.
All end when the socket closes: then the server that asked is gone. This file itself may be such a
program, which has more modules: it ends, and ends its own programs, when its own socket closes, and
a SIGTERM ends it while it imports, for that may take for ever.

It imports nothing of ours, since a job brings its own.
"""

import contextlib
import gc
import importlib
import json
import os
import runpy
import select
import signal
import socket
import sys
import time
from pathlib import Path
from typing import Any

LOOKED_FOR = (10_000, 10, 10)
"""How much is made before garbage is looked for: programs begin with imports, which leave none."""


class Programs:
    """The programs that run, as the process sees them that forks them.

    Attributes:
        server: whoever asks for them.
        statuses: the files that are told of their ends, by process ids.
        like_this: those that run programs themselves.
    """

    def __init__(self) -> None:
        self.server = socket.socket(fileno=os.dup(0))
        self.statuses: dict[int, int] = {}
        self.like_this: set[int] = set()
        self._woken, self._waker = os.pipe()
        os.set_blocking(self._waker, False)
        signal.set_wakeup_fd(self._waker)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.signal(signal.SIGTERM, signal.SIG_IGN)  # the socket closes: programs end with it

    def fork(self) -> dict[str, Any]:
        """Return, in a process of its own, each program that is asked for."""
        while True:
            waited_for: list[Any] = [self.server, self._woken]
            readable, _, _ = select.select(waited_for, [], [])
            if self._woken in readable:
                os.read(self._woken, 4096)
                self._reap()
            if self.server in readable:
                line, (output, status, *given) = self._receive()
                program: dict[str, Any] = json.loads(line)
                child = os.fork()
                if child == 0:
                    self._leave(output, status, *given)
                    return program
                for file in (output, *given):
                    os.close(file)
                self.statuses[child] = status
                if program["arguments"][0] == __file__:
                    self.like_this.add(child)

    def _receive(self) -> tuple[bytes, list[int]]:
        line, files, _, _ = socket.recv_fds(self.server, 2**16, 3)
        while not line.endswith(b"\n"):
            more = self.server.recv(2**16)
            if not more:
                for child in self.statuses:
                    _end(child, signal.SIGTERM if child in self.like_this else signal.SIGKILL)
                os._exit(0)
            line += more
        return line, files

    def _reap(self) -> None:
        with contextlib.suppress(ChildProcessError):
            while (ended := os.waitpid(-1, os.WNOHANG))[0]:
                child, status = ended
                _end_group(child, signal.SIGKILL)
                self.like_this.discard(child)
                told = self.statuses.pop(child)
                with contextlib.suppress(BrokenPipeError):  # the server is gone: others are to end
                    os.write(told, b"%d\n" % os.waitstatus_to_exitcode(status))
                os.close(told)

    def _leave(self, output: int, status: int, given: int | None = None) -> None:
        """Become a process on its own, as if it had been started by name."""
        os.setsid()
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        self.server.close()
        try:
            os.write(status, b"%d\n" % os.getpid())
        except BrokenPipeError:  # the server is gone
            os._exit(0)
        if given is None:
            given = os.open(os.devnull, os.O_RDONLY)
        for old, new in ((given, 0), (output, 1), (output, 2)):
            os.dup2(old, new)
        for file in (given, output, status, self._woken, self._waker, *self.statuses.values()):
            os.close(file)


def _end(child: int, number: int) -> None:
    """End a child that runs, or has not been waited for, with all that it has started."""
    os.kill(child, number)  # it may have no group yet
    _end_group(child, number)


def _end_group(leader: int, number: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):  # it has ended, all of it
        os.killpg(leader, number)


def run(program: dict[str, Any]) -> None:
    """Run a program in this process: a module, or a file of Python, with its arguments."""
    os.chdir(program["folder"])
    os.environ.clear()
    os.environ.update(program["environment"])
    time.tzset()
    if "numpy.random" in sys.modules:  # else the same for all: Python's own is reseeded by forks
        sys.modules["numpy.random"].seed()
    sys.path[:0] = filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep))
    sys.argv = program["arguments"]
    name = sys.argv[0]
    if Path(name).suffix == ".py":
        runpy.run_path(name, run_name="__main__")
    else:
        runpy.run_module(name, run_name="__main__", alter_sys=True)


def main() -> None:
    """Import the modules, then run what is asked for."""
    gc.disable()
    for module in sys.argv[1:]:
        with contextlib.suppress(Exception, SystemExit):  # raised again where it is needed
            importlib.import_module(module)
    gc.freeze()  # what is here stays, and stays shared
    gc.set_threshold(*LOOKED_FOR)
    gc.enable()
    run(Programs().fork())


if __name__ == "__main__":
    main()
