"""``qpipe cancel``: a run, a pack or a study that goes on is stopped, with its jobs."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

from quantum_pipeline.cli import console, entry, studying
from quantum_pipeline.cli.one_run import check_name
from quantum_pipeline.cli.options import OUTPUT, RUN, STACK
from quantum_pipeline.cli.progress import progress
from quantum_pipeline.cli.reach import pipeline_of
from quantum_pipeline.errors import InvalidRequest
from quantum_pipeline.local import running
from quantum_pipeline.runs import pack_and_name

CANCEL_SECONDS = 60.0
"""How long a cancelled run is waited for: its job is cancelled, its records are fetched."""


@entry.main.command(short_help="Cancel a run and its job.")
@RUN
@STACK
@OUTPUT
def cancel(run_id: str, stack: str | None, output: Path) -> None:
    """Stop RUN, which goes on, and cancel its job; its records are kept.

    Of a pack, or a study, all runs are stopped; a run of one is cancelled alone, and the others go
    on.
    """
    check_name(run_id)
    if _cancel_in_pack(run_id, stack, output):
        console.note("cancelled; its end is recorded with those of its pack")
        return
    with progress(None) as line:

        def say() -> None:
            line.say("stopping the run and its job")

        ended = (
            _cancel_here(run_id, output, say)
            if stack is None
            else _cancel_on_aws(run_id, stack, say)
        )
    console.note("cancelled, with its job" if ended else "stopped; its end is not recorded yet")


def _cancel_in_pack(run_id: str, stack: str | None, output: Path) -> bool:
    """Cancel a run of a pack that goes on; return whether there is such a run.

    Raises:
        InvalidRequest: it has ended.
    """
    found = pack_and_name(run_id)
    if found is None:
        return False
    if stack is None:
        is_there = found[1] in running.names_in_pack(output, found[0])
        if is_there:
            running.cancel_in_pack(output, *found)
        return is_there
    with pipeline_of(stack) as pipeline:
        if pipeline.job_of(run_id) == run_id or pipeline.status(found[0]) != "RUNNING":
            return False
        if pipeline.has_ended(run_id):
            raise InvalidRequest.of("RUN", run_id, "a run that goes on; it has ended")
        pipeline.cancel_in_pack(*found)
    return True


def _cancel_here(run_id: str, output: Path, say: Callable[[], None]) -> bool:
    process_id = running.process_of(output, run_id)
    if process_id is None:
        going_on = ", ".join(running.names(output)) or "there is none"
        raise InvalidRequest.of("RUN", run_id, f"a run that goes on in {output}: {going_on}")
    say()
    os.kill(process_id, signal.SIGINT)
    return _wait(lambda: running.process_of(output, run_id) is None)


def _cancel_on_aws(run_id: str, stack: str, say: Callable[[], None]) -> bool:
    with pipeline_of(stack) as pipeline:
        client = studying.on_aws(pipeline, run_id)
        if client is not None:
            say()
            return studying.cancel_on_aws(client, CANCEL_SECONDS)
        state = pipeline.status(run_id)
        if state != "RUNNING":
            allowed = (
                f"a run of the stack that goes on; it {f'is {state}' if state else 'has none'}"
            )
            raise InvalidRequest.of("RUN", run_id, allowed)
        execution = pipeline.execution_of(run_id)
        say()
        pipeline.stop(execution)
        return pipeline.wait_for_end(execution, CANCEL_SECONDS)


def _wait(is_over: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + CANCEL_SECONDS
    while not (over := is_over()) and time.monotonic() < deadline:
        time.sleep(0.1)
    return over
