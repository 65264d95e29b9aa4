"""Executions followed from their start to their end; an interruption cancels them."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import click

from quantum_pipeline.cli import console, entry
from quantum_pipeline.cli.folders import fetch_all, folders_for_runs
from quantum_pipeline.cli.preparing import Ready, body_of, check_before
from quantum_pipeline.cli.progress import ProgressLine, progress
from quantum_pipeline.cli.reach import reached
from quantum_pipeline.errors import PipelineError
from quantum_pipeline.local import running
from quantum_pipeline.requests.pack import Pack
from quantum_pipeline.requests.request import Request

if TYPE_CHECKING:
    from quantum_pipeline.cli.client import Pipeline


class Following(NamedTuple):
    """The AWS on which executions go on, the folder and the line that they are shown in.

    ``lasts`` says that this AWS stays when the command has ended.
    """

    pipeline: Pipeline
    output: Path
    line: ProgressLine
    lasts: bool

    def start(self, ready: Ready, label: str, going_on: ExitStack) -> str:
        """Start what is asked, marked while it goes on on this machine; return the execution."""
        from quantum_pipeline.cli.client import run_id_of  # noqa: PLC0415 - boto3 takes a while

        execution = self.pipeline.start(body_of(ready.asked), label)
        if not self.lasts:
            names = [run.name for run in ready.asked.pack] if isinstance(ready.asked, Pack) else []
            going_on.enter_context(running.marked(self.output, run_id_of(execution), names))
        return execution

    def watch(self, execution: str, where: str) -> None:
        """Show the progress of an execution until it has succeeded.

        Raises:
            PipelineError: as ``Pipeline.watch``.
        """
        from quantum_pipeline.cli.client import run_id_of  # noqa: PLC0415

        run_id = run_id_of(execution)
        console.note(f"run {run_id}")
        looks_every = 0.6 if self.lasts else 0.1  # AWS is asked less often
        for found in self.pipeline.watch(execution, every_seconds=looks_every):
            self.line.update(found, where)
            for name in running.cancelled_in_pack(self.output, run_id):
                self.pipeline.cancel_in_pack(run_id, name)

    def fetch(self, execution: str) -> list[Path]:
        """Return the folders of an execution's run, or of a pack and of each of its runs.

        Raises:
            OutputNotWritten: as ``fetch_all``.
        """
        from quantum_pipeline.cli.client import run_id_of  # noqa: PLC0415

        run_id = run_id_of(execution)
        return fetch_all(self.pipeline, run_id, output=self.output, lasts=self.lasts)

    def note_records(self, execution: str) -> None:
        """Say where the records are of what has no report."""
        from quantum_pipeline.cli.bucket import OutputNotWritten  # noqa: PLC0415

        try:
            console.note(f"records  {self.fetch(execution)[0]}")
        except OutputNotWritten as error:  # what ended the run is said as well, and counts
            console.error(type(error).__name__, str(error))

    def interrupted(self, executions: Sequence[str], runs: str, their_jobs: str) -> None:
        """Stop executions and see their jobs cancelled."""
        self.line.say(f"stopping the {runs} and {their_jobs}")
        for execution in executions:
            self.pipeline.stop(execution)
        ended = [self.pipeline.wait_for_end(execution) for execution in executions]
        console.note(f"cancelled, with {their_jobs}" if all(ended) else "stopped")
        for execution in executions:
            self.note_records(execution)


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
        following = Following(pipeline, output, line, lasts=stack is not None)
        folder = _followed(following, ready, label, cancel=cancel or not stack)
    console.result(folder, as_json=as_json)


def _followed(following: Following, ready: Ready, label: str, *, cancel: bool) -> Path:
    """Start a run, show its progress, and return the folder of its report.

    Its records are fetched when it fails, too; an interruption stops it and exits with 130.
    """
    execution = ""
    with ExitStack() as going_on:
        try:
            execution = following.start(ready, label, going_on)
            following.watch(execution, ready.where)
        except KeyboardInterrupt:
            if execution and is_cancelled_for_good([execution], following.line, cancel=cancel):
                following.interrupted([execution], "run", "its job")
            sys.exit(entry.INTERRUPTED)
        except PipelineError:
            if execution:
                following.note_records(execution)
            raise
        following.line.say("fetching the report")
        return following.fetch(execution)[0]


def is_cancelled_for_good(executions: Sequence[str], line: ProgressLine, *, cancel: bool) -> bool:
    """Return whether what was interrupted is to be cancelled, by an option or by its user.

    What is not is left running, which is told.
    """
    with line.paused():
        try:
            if cancel or click.confirm("\nCancel the run and its job?", default=True, err=True):
                return True
        except click.Abort:  # nobody can answer, or the answer was Ctrl-C again
            pass
    for execution in executions:
        console.note(f"left running: {execution}")
    return False
