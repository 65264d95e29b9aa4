"""Cancels the tasks that nobody waits for, all at once and within a time limit.

A queue keeps what a run leaves in it, and bills it when its turn comes: to be asked to end is what
counts. How a task then ended is awaited for a moment, for the bill.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from contextlib import suppress

from braket.aws import AwsQuantumTask

from hybrid_job.on_device import tasks
from hybrid_job.on_device.tasks import ENDED
from quantum_pipeline.errors import PipelineError, ServiceUnavailable

PAUSE_SECONDS = 0.2
"""Time between two looks, or two calls that were refused."""

END_SECONDS = 5.0
"""How long tasks together are given to end; one that has not by then counts as if it ran."""


def cancelled(
    region: str | None, arns: Iterable[str], *, seconds: float
) -> dict[str, AwsQuantumTask]:
    """Cancel tasks; return those that have ended, of whatever kind, each with what Braket says.

    A call that Braket throttles, or fails, is made again for up to ``seconds`` for all tasks
    together; one that is refused for good is not. It takes up to END_SECONDS more until they end.
    """
    # A connection of its own: the job's would try each call for as long as it has time.
    session = tasks.connect(region, END_SECONDS)
    left = {arn: AwsQuantumTask(arn, session) for arn in arns}
    unasked, until = dict(left), time.monotonic() + seconds
    while unasked:
        for arn, task in list(unasked.items()):
            if _is_asked(task):
                del unasked[arn]
            if time.monotonic() >= until:
                unasked.clear()
                break
        if unasked:
            time.sleep(PAUSE_SECONDS)
    return _ended(left, time.monotonic() + END_SECONDS)


def _is_asked(task: AwsQuantumTask) -> bool:
    """Ask a task to end; return False where another try may help."""
    try:
        tasks.cancel(task)
    except ServiceUnavailable:
        return False
    except PipelineError:
        return True
    return True


def _ended(left: dict[str, AwsQuantumTask], until: float) -> dict[str, AwsQuantumTask]:
    found: dict[str, AwsQuantumTask] = {}
    while True:
        for arn, task in list(left.items()):
            with suppress(PipelineError):
                if tasks.status(task) in ENDED:
                    found[arn] = left.pop(arn)
            if time.monotonic() >= until:
                return found
        if not left:
            return found
        time.sleep(PAUSE_SECONDS)
