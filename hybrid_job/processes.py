"""Processes of the job: none outlives it, and when memory is short they go before it does."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
from pathlib import Path


def die_with(parent: int) -> None:
    """End this process with its parent, whatever ends that. Linux alone can.

    Where memory is short this one is the first that the system ends.
    """
    with contextlib.suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("1000", encoding="ascii")
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG
    if os.getppid() != parent:  # it has died meanwhile
        os._exit(1)
