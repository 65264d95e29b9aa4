"""A job's process group."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Self

_BOOTSTRAP = Path(__file__).with_name("bootstrap.py")
GRACE_SECONDS = 2.0
"""Between the request to end and the kill."""


class JobProcess:
    """The process of a job and all that it starts; leaving the block ends them.

    They also end when this process does, however it ends: their standard input closes then.
    """

    def __init__(
        self,
        folder: Path,
        failure: Path,
        environment: Mapping[str, str],
        *,
        on_line: Callable[[str], None],
        on_end: Callable[[], None],
    ) -> None:
        """Start the bootstrap in a folder; both callbacks come from a thread."""
        self._process = subprocess.Popen(
            [sys.executable, "-P", str(_BOOTSTRAP), str(failure)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            cwd=folder,
            env=environment,
            text=True,
            encoding="utf-8",
            errors="replace",
            start_new_session=True,
        )
        self._on_line = on_line
        self._on_end = on_end
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()
        self._process.wait()
        self._reader.join(GRACE_SECONDS)
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.stdout.close()

    @property
    def exit_code(self) -> int | None:
        """Exit code, or None while it runs."""
        return self._process.poll()

    def stop(self) -> None:
        """Ask the processes to end and give them a moment to do so."""
        self._signal(signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(GRACE_SECONDS)

    def kill(self) -> None:
        """End the processes at once."""
        self._signal(signal.SIGKILL)

    def _signal(self, number: int) -> None:
        # The group is gone (or, on macOS, only a zombie of it is left) when all has ended well.
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, number)

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self._on_line(line)
        self._process.wait()
        self._on_end()
