"""``qpipe run``: one run; or a pack, and runs beside it, together and to one table."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path

import click

from quantum_pipeline.catalogue.filters import Record
from quantum_pipeline.cli import console, entry
from quantum_pipeline.cli.asked import Asked, asked_in
from quantum_pipeline.cli.asking import Asking, asking
from quantum_pipeline.cli.folders import folders_for_runs
from quantum_pipeline.cli.following import Following, is_cancelled_for_good, start
from quantum_pipeline.cli.listing import summary
from quantum_pipeline.cli.options import (
    AS_JSON,
    CANCEL_ON_INTERRUPT,
    FILES,
    output_option,
    stack_option,
)
from quantum_pipeline.cli.preparing import check_before
from quantum_pipeline.cli.progress import progress
from quantum_pipeline.cli.reach import reached
from quantum_pipeline.errors import ERRORS, JobFailed, PipelineError
from quantum_pipeline.local.run_folder import record_of_folder
from quantum_pipeline.requests.request import Request


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
    wanted = asked_in(files, asking)
    label, first = wanted[0]
    take = partial(start_all, wanted)
    if isinstance(first, Request) and len(wanted) == 1:
        take = partial(start, first, label)
    take(stack=stack, output=output, as_json=as_json, cancel=cancel_on_interrupt)


def start_all(
    wanted: Sequence[tuple[str, Asked]],
    *,
    stack: str | None,
    output: Path,
    as_json: bool,
    cancel: bool,
) -> None:
    """Take all through the pipeline and print how each run ended; a label begins each name.

    The exit status is that of the first error, of an execution or of a run.
    """
    ready = [check_before(asked, stack) for _, asked in wanted]
    executions: list[str] = []
    with (
        folders_for_runs(output, stack),
        progress(None) as line,
        reached(stack, output, line) as pipeline,
        ExitStack() as going_on,
    ):
        follow = Following(pipeline, output, line, lasts=stack is not None)
        try:
            for (label, _), each in zip(wanted, ready, strict=True):
                executions.append(follow.start(each, label, going_on))
            ended = [
                _error_of(follow, execution, each.where)
                for execution, each in zip(executions, ready, strict=True)
            ]
        except KeyboardInterrupt:
            if executions and is_cancelled_for_good(executions, line, cancel=cancel or not stack):
                follow.interrupted(executions, "runs", "their jobs")
            sys.exit(entry.INTERRUPTED)
        line.say("fetching the reports")
        folders = [folder for execution in executions for folder in follow.fetch(execution)]
    records = [dict(json.loads(each)) for each in filter(None, map(record_of_folder, folders))]
    _print(records, output, as_json=as_json)
    errors = [error for error in ended if error is not None]
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


def _error_of(follow: Following, execution: str, where: str) -> PipelineError | None:
    """Show the progress of an execution; return the error that it ended with, if it did."""
    try:
        follow.watch(execution, where)
    except PipelineError as error:
        return error
    return None
