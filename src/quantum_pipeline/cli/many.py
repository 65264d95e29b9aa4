"""``qpipe run``: one run; or a pack, and runs beside it, together and to one table."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import click

from quantum_pipeline.catalogue.filters import Record
from quantum_pipeline.cli import console, entry, following
from quantum_pipeline.cli.asked import asked_in
from quantum_pipeline.cli.asking import Asking, asking
from quantum_pipeline.cli.folders import fetch_all, folders_for_runs
from quantum_pipeline.cli.listing import summary
from quantum_pipeline.cli.options import (
    AS_JSON,
    CANCEL_ON_INTERRUPT,
    FILES,
    output_option,
    stack_option,
)
from quantum_pipeline.cli.preparing import Ready, body_of, check_before
from quantum_pipeline.cli.progress import ProgressLine, progress
from quantum_pipeline.cli.reach import reached
from quantum_pipeline.errors import ERRORS, JobFailed, PipelineError
from quantum_pipeline.local import running
from quantum_pipeline.local.run_folder import record_of_folder
from quantum_pipeline.requests.pack import Pack, StoredPack
from quantum_pipeline.requests.request import Request

if TYPE_CHECKING:
    from quantum_pipeline.cli.client import Pipeline


class Wanted(NamedTuple):
    """A request, or a pack, and what its execution's name begins with."""

    label: str
    asked: Request | Pack | StoredPack


class Ended(NamedTuple):
    """An execution that has ended, and the error that it failed with."""

    run_id: str
    error: PipelineError | None


@entry.main.command(short_help="Run problems and write their reports.")
@FILES
@asking
@stack_option("Run on AWS, on this CloudFormation stack, instead of this machine.")
@output_option("Folder in which each run's own folder is created, with its report.")
@AS_JSON
@CANCEL_ON_INTERRUPT
def run(
    *,
    files: tuple[Path, ...],
    asking: Asking,
    stack: str | None,
    output: Path,
    as_json: bool,
    cancel_on_interrupt: bool,
) -> None:
    """Take the problems in FILES through the whole pipeline and write their reports.

    Each file is a request or a pack as JSON, or a problem in one of the formats
    that docs/files.md lists; - is standard input. Several files share one job where they can:
    those that need no device.
    """
    wanted = [Wanted(*each) for each in asked_in(files, asking)]
    label, first = wanted[0]
    take = partial(start_all, wanted)
    if isinstance(first, Request) and len(wanted) == 1:
        take = partial(following.start, first, label)
    take(stack=stack, output=output, as_json=as_json, cancel=cancel_on_interrupt)


def start_all(
    wanted: Sequence[Wanted], *, stack: str | None, output: Path, as_json: bool, cancel: bool
) -> None:
    """Take all through the pipeline and print how each run ended.

    The exit status is that of the first error, of an execution or of a run.
    """
    ready = [check_before(each.asked, stack) for each in wanted]
    with (
        folders_for_runs(output, stack),
        progress(None) as line,
        reached(stack, output, line) as pipeline,
    ):
        following = _Following(pipeline, output, line, lasts=stack is not None)
        try:
            ended = following.all([each.label for each in wanted], ready)
        except KeyboardInterrupt:
            following.interrupted(cancel=cancel or not stack)
            sys.exit(entry.INTERRUPTED)
        records = following.fetched(each.run_id for each in ended)
    _print(records, output, as_json=as_json)
    errors = [each.error for each in ended if each.error is not None]
    for error in errors:
        console.error(type(error).__name__, *map(str, error.args))
    sys.exit(next((error.exit_code for error in errors), _exit_code(records)))


def _print(records: Sequence[Record], output: Path, *, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps(records, indent=2))
        return
    for line in summary(records):
        click.echo(line)
    succeeded = sum(record["status"] == "SUCCEEDED" for record in records)
    console.note(f"{succeeded} of {len(records)} runs succeeded; reports in {output}/RUN/")


def _exit_code(records: Sequence[Record]) -> int:
    failed = [record for record in records if record["status"] != "SUCCEEDED"]
    return ERRORS.get(failed[0]["error"], JobFailed).exit_code if failed else 0


class _Following:
    """Executions that go on, and what is to be done where they end."""

    def __init__(
        self, pipeline: Pipeline, output: Path, line: ProgressLine, *, lasts: bool
    ) -> None:
        self._pipeline, self._output, self._line, self._lasts = pipeline, output, line, lasts
        self._executions: list[str] = []

    def all(self, labels: Sequence[str], ready: Sequence[Ready]) -> list[Ended]:
        """Start all, and show the progress of each until its end."""
        from quantum_pipeline.cli.client import run_id_of  # noqa: PLC0415

        with ExitStack() as going_on:
            for label, each in zip(labels, ready, strict=True):
                self._executions.append(self._pipeline.start(body_of(each.asked), label))
                if not self._lasts:
                    run_id, names = run_id_of(self._executions[-1]), _names(each.asked)
                    going_on.enter_context(running.marked(self._output, run_id, names))
            return [
                Ended(run_id_of(execution), self._watch(execution, each.where))
                for execution, each in zip(self._executions, ready, strict=True)
            ]

    def _watch(self, execution: str, where: str) -> PipelineError | None:
        from quantum_pipeline.cli.client import run_id_of  # noqa: PLC0415

        run_id, every = run_id_of(execution), following.looks_every(lasts=self._lasts)
        console.note(f"run {run_id}")
        try:
            for found in self._pipeline.watch(execution, every_seconds=every):
                self._line.update(found, where)
                for name in running.cancelled_in_pack(self._output, run_id):
                    self._pipeline.cancel_in_pack(run_id, name)
        except PipelineError as error:
            return error
        return None

    def fetched(self, run_ids: Iterator[str]) -> list[Record]:
        """Return the records of all runs, whose files are on this machine now."""
        self._line.say("fetching the reports")
        folders = (folder for run_id in run_ids for folder in self._fetch(run_id))
        found = filter(None, map(record_of_folder, folders))
        return [dict(json.loads(record)) for record in found]

    def _fetch(self, run_id: str) -> list[Path]:
        return fetch_all(self._pipeline, run_id, output=self._output, lasts=self._lasts)

    def interrupted(self, *, cancel: bool) -> None:
        """Stop all and see their jobs cancelled, or leave them running if the user says so."""
        from quantum_pipeline.cli.client import run_id_of  # noqa: PLC0415

        if not self._executions:
            return
        with self._line.paused():
            stop = following.is_cancelled_for_good(cancel=cancel)
        if not stop:
            for execution in self._executions:
                console.note(f"left running: {execution}")
            return
        self._line.say("stopping the runs and their jobs")
        for execution in self._executions:
            self._pipeline.stop(execution)
        ended = [self._pipeline.wait_for_end(execution) for execution in self._executions]
        console.note("cancelled, with their jobs" if all(ended) else "stopped")
        for execution in self._executions:
            for folder in self._fetch(run_id_of(execution))[:1]:
                console.note(f"records  {folder}")


def _names(asked: Request | Pack | StoredPack) -> list[str]:
    return [run.name for run in asked.pack] if isinstance(asked, Pack) else []
