"""One run followed from its start to the end that is printed; an interruption cancels it."""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from quantum_pipeline.cli import console, entry
from quantum_pipeline.cli.folders import fetch_files, folders_for_runs
from quantum_pipeline.cli.preparing import Ready, body_of, check_before
from quantum_pipeline.cli.progress import ProgressLine, progress
from quantum_pipeline.cli.reach import reached
from quantum_pipeline.errors import PipelineError
from quantum_pipeline.requests.request import Request

if TYPE_CHECKING:
    from quantum_pipeline.cli.client import Pipeline


def start(
    request: Request, label: str, *, stack: str | None, output: Path, as_json: bool, cancel: bool
) -> None:
    """Take a request through the pipeline and print its report; ``label`` begins the run's name."""
    ready = check_before(request, stack)  # what can be refused is refused before anything starts
    with (
        folders_for_runs(output, stack),
        progress(ready.expected_seconds) as line,
        reached(stack, output, line, on_devices=bool(ready.where)) as pipeline,
    ):
        folder = _follow(
            pipeline,
            ready,
            label,
            output,
            line=line,
            cancel=cancel or not stack,
            lasts=stack is not None,
        )
    console.result(folder, as_json=as_json)


def _follow(
    pipeline: Pipeline,
    ready: Ready,
    label: str,
    output: Path,
    *,
    line: ProgressLine,
    cancel: bool,
    lasts: bool,
) -> Path:
    """Start a run, show its progress, and return the folder of its report.

    Its records are fetched when it fails, too; an interruption stops it and exits with 130.
    """
    from quantum_pipeline.cli.client import OutputNotWritten, run_id_of  # noqa: PLC0415
    from quantum_pipeline.local.running import marked  # noqa: PLC0415

    execution = ""
    fetch = partial(fetch_files, pipeline, output=output, lasts=lasts)
    with ExitStack() as going_on:
        try:
            execution = pipeline.start(body_of(ready.asked), label)
            if not lasts:
                going_on.enter_context(marked(output, run_id_of(execution)))
            console.note(f"run {run_id_of(execution)}")
            for found in pipeline.watch(execution, every_seconds=looks_every(lasts=lasts)):
                line.update(found, ready.where)
            line.say("fetching the report")
            return fetch(run_id_of(execution))
        except KeyboardInterrupt:
            if execution:
                _interrupted(pipeline, execution, fetch, line, cancel=cancel)
            sys.exit(entry.INTERRUPTED)
        except OutputNotWritten:
            raise
        except PipelineError:
            if execution:
                _note_records(execution, fetch)
            raise


def looks_every(*, lasts: bool) -> float:
    """Return the seconds between two looks at a run: AWS, which ``lasts``, is asked less often."""
    return 0.6 if lasts else 0.1


def _note_records(execution: str, fetch: Callable[[str], Path]) -> None:
    """Say where the records of a run are that has no report."""
    from quantum_pipeline.cli.client import OutputNotWritten, run_id_of  # noqa: PLC0415

    try:
        console.note(f"records  {fetch(run_id_of(execution))}")
    except OutputNotWritten as error:  # what ended the run is said as well, and counts
        console.error(type(error).__name__, str(error))


def _interrupted(
    pipeline: Pipeline,
    execution: str,
    fetch: Callable[[str], Path],
    line: ProgressLine,
    *,
    cancel: bool,
) -> None:
    """Stop the run and see its job cancelled, or leave it running where the user says so."""
    with line.paused():
        stop = is_cancelled_for_good(cancel=cancel)
    if not stop:
        console.note(f"left running: {execution}")
        return
    line.say("stopping the run and its job")
    pipeline.stop(execution)
    console.note("cancelled, with its job" if pipeline.wait_for_end(execution) else "stopped")
    _note_records(execution, fetch)


def is_cancelled_for_good(*, cancel: bool) -> bool:
    """Return whether what was interrupted is to be cancelled, by an option or by its user."""
    try:
        return cancel or click.confirm("\nCancel the run and its job?", default=True, err=True)
    except click.Abort:  # nobody can answer, or the answer was Ctrl-C again
        return False
