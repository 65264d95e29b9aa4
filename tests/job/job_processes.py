"""Job processes that start at once and can be killed: each is forked from one that has the SDK.

It runs ``hybrid_job.main:run`` as the job's container does, in a process of its own, with its
environment: loading what it takes, and what botocore reads of services, is all that it is spared.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

_SOURCE = """
import json, os, sys
import hybrid_job.main
for name in sys.argv[1:]:
    __import__(name)
if "boto3" in sys.modules:
    import boto3, botocore.session, functools
    botocore.session.create_loader = functools.cache(botocore.session.create_loader)
    for service in ("braket", "s3"):
        boto3.Session("testing", "testing", region_name="us-east-1").client(service)
for line in sys.stdin:
    environment = json.loads(line)
    child = os.fork()
    if child == 0:
        os.environ.update(environment)
        os.dup2(os.open(environment["LOG"], os.O_WRONLY | os.O_CREAT | os.O_APPEND), 1)
        os.dup2(1, 2)
        try:
            hybrid_job.main.run()
        except BaseException as error:
            print(f"{type(error).__name__}: {error}", file=sys.stderr, flush=True)
            os._exit(1)
        sys.stdout.flush()
        os._exit(0)
    print(child, flush=True)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""


class JobProcesses:
    """Runs one job after another; leaving the block ends all."""

    def __init__(
        self,
        variables: Mapping[str, str] | None = None,
        imported: tuple[str, ...] = ("hybrid_job.on_device.qaoa",),
    ) -> None:
        """Start the process that jobs are forked from.

        Args:
            variables: of its environment, beside those of this process.
            imported: what jobs import beside their entry point, once for all of them.
        """
        self.running: int | None = None
        """Process of the job that runs now."""
        self._killer: threading.Timer | None = None
        self._parent = subprocess.Popen(
            [sys.executable, "-W", "ignore", "-c", _SOURCE, *imported],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=Path(__file__).parents[2],
            env=self._environment() | dict(variables or {}),
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self.kill()
        with self._parent:  # closes its input, which ends it
            pass

    @staticmethod
    def _environment() -> dict[str, str]:
        return {name: value for name, value in os.environ.items() if name[:4] != "AWS_"}

    def run(self, environment: Mapping[str, str], killed_after: float | None = None) -> int:
        """Run a job to its end, of whatever kind, and return its exit code: -9 if it was killed.

        Args:
            killed_after: seconds after its start at which it is killed, where it runs so long.
        """
        assert self._parent.stdin is not None
        assert self._parent.stdout is not None
        print(json.dumps(dict(environment)), file=self._parent.stdin, flush=True)
        self.running = int(self._parent.stdout.readline())
        if killed_after is not None:
            self.kill_after(killed_after)
        code = int(self._parent.stdout.readline())
        self.running = None
        self.wait_for_kill()
        return code

    def kill(self) -> None:
        """End the job that runs now as the death of its instance would."""
        if self.running is not None:
            with suppress(ProcessLookupError):  # it has ended by itself just now
                os.kill(self.running, signal.SIGKILL)

    def kill_after(self, seconds: float) -> None:
        """End the job that runs now, if it runs so long, some seconds from now."""
        self._killer = threading.Timer(seconds, self.kill)
        self._killer.start()

    def wait_for_kill(self) -> bool:
        """Wait for a kill that is to come, so that it meets its job; return whether one was."""
        killer, self._killer = self._killer, None
        if killer is not None:
            killer.join()
        return killer is not None
