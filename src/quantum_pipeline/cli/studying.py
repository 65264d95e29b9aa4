"""``qpipe study``: a study from its plan to its summary; and what other commands do of a study."""

from __future__ import annotations

import json
import re
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import click

from quantum_pipeline.catalogue.filters import Wanted
from quantum_pipeline.cli import console, entry, listing, problem_file
from quantum_pipeline.cli.folders import fetch_all, make_folder
from quantum_pipeline.cli.following import is_cancelled_for_good
from quantum_pipeline.cli.options import (
    AS_JSON,
    CANCEL_ON_INTERRUPT,
    FILE,
    output_option,
    stack_option,
)
from quantum_pipeline.cli.preparing import prepared
from quantum_pipeline.cli.progress import ProgressLine, progress
from quantum_pipeline.cli.reach import reached
from quantum_pipeline.errors import InvalidRequest, PipelineError
from quantum_pipeline.local import running
from quantum_pipeline.planning.device import needs_device
from quantum_pipeline.runs import REPORT
from quantum_pipeline.studies.places import STUDY_FILE
from quantum_pipeline.studies.progress import StudyProgress, progress_of
from quantum_pipeline.studies.rounds import Round
from quantum_pipeline.studies.rows import RunRow
from quantum_pipeline.studies.study import Study, parse_study

if TYPE_CHECKING:
    from quantum_pipeline.cli.client import Pipeline
    from quantum_pipeline.cli.study_client import StudyClient
    from quantum_pipeline.planning.prepared import Preparation
    from quantum_pipeline.requests.request import Request
    from quantum_pipeline.studies.summary import StudySummary

STOP_SECONDS = 120.0
"""How long a stopped study is waited for: its jobs are cancelled, the ends of its runs recorded."""

STOPPED = "stopped; started again, it goes on"

FOLDER = "studies"
"""Where studies are in a folder of runs."""

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]{0,39}")


@entry.main.command(short_help="Run a study and write its summary.")
@FILE
@stack_option("Run on AWS, on this CloudFormation stack, instead of this machine.")
@output_option("Folder of the runs; the summary is in its folder studies.")
@AS_JSON
@CANCEL_ON_INTERRUPT
def study(
    *, file: Path, stack: str | None, output: Path, as_json: bool, cancel_on_interrupt: bool
) -> None:
    """Take the study in FILE through all of its runs, and write its summary.

    Ctrl-C stops it with its runs; the same study started again goes on where it was.
    """
    asked = parse_study(problem_file.read(file))
    if stack is None:
        _check(asked)
    folder = output / FOLDER / asked.name
    _check_name(asked, folder, output)
    make_folder("--output", folder.parent)
    with progress(None) as line, reached(stack, output, line) as pipeline:
        following = _Following(pipeline, asked, output, line, lasts=stack is not None)
        following.follow(cancel=cancel_on_interrupt or not stack)
    show_summary(folder, as_json=as_json)


def _check(asked: Study) -> None:
    """Refuse what would be refused, before anything starts.

    Raises:
        PipelineError: as ``studies.checks.check``.
    """
    from quantum_pipeline.studies.checks import check  # noqa: PLC0415

    def prepare(request: Request) -> Preparation:
        return prepared(request, billed=needs_device(request), within_budget=False)

    check(asked, prepare)


def _check_name(asked: Study, folder: Path, output: Path) -> None:
    """Refuse a name that another study has had here, or that goes on.

    Raises:
        InvalidRequest: it has.
    """
    process_id = running.process_of(output, asked.name)
    if process_id is not None:
        allowed = f"a study that goes on in no process; this one does in {process_id}"
        raise InvalidRequest.of("name", asked.name, allowed)
    before = folder / STUDY_FILE
    if before.is_file() and not parse_study(json.loads(before.read_bytes())).asks_the_same(asked):
        allowed = f"a name that no other study had; {folder} is of another, limits apart"
        raise InvalidRequest.of("name", asked.name, allowed)


class _Following:
    """A study that goes on, and what is to be done as its runs end."""

    def __init__(
        self, pipeline: Pipeline, asked: Study, output: Path, line: ProgressLine, *, lasts: bool
    ) -> None:
        from quantum_pipeline.cli.study_client import StudyClient  # noqa: PLC0415

        self._client = StudyClient(pipeline, asked)
        self._output, self._line, self._lasts = output, line, lasts
        self._folder = output / FOLDER / asked.name
        self._fetched: set[str] = set()
        self._n_files = 0

    def follow(self, *, cancel: bool) -> None:
        """Start it, show its progress, and fetch its summary.

        Raises:
            PipelineError: it failed, by its own error; what it found is fetched before.
        """
        with ExitStack() as going_on:
            execution = ""
            try:
                if not self._lasts:
                    going_on.enter_context(running.marked(self._output, self._client.study.name))
                    self._client.restore(self._folder, self._output)
                execution = self._client.start()
                self._watch(execution)
            except KeyboardInterrupt:
                if execution:
                    self._interrupted(execution, cancel=cancel)
                sys.exit(entry.INTERRUPTED)
            except PipelineError:
                if execution:
                    self._fetch(all_runs=not self._lasts)
                    console.note(f"what it has so far is in {self._folder}")
                raise
            self._fetch(all_runs=not self._lasts)

    def _watch(self, execution: str) -> None:
        console.note(f"study {self._client.study.name}")
        begun, before, looked = time.monotonic(), None, 0.0
        every, between = (1.0, 10.0) if self._lasts else (0.2, 1.0)
        for _ in self._client.pipeline.turns(execution, every):
            if time.monotonic() - looked < between:
                continue
            found = self._client.look()
            before = found.ended if before is None else before
            left = found.seconds_left(time.monotonic() - begun, before)
            self._line.say(f"{found.ended} of {found.n_runs} runs", words(found, left))
            if not self._lasts:
                self._fetch_runs()
            looked = time.monotonic()

    def _interrupted(self, execution: str, *, cancel: bool) -> None:
        if not is_cancelled_for_good([execution], self._line, cancel=cancel):
            return
        self._line.say("stopping the study and its runs")
        ended = self._client.stop(execution, STOP_SECONDS)
        console.note("stopped, with its runs" if ended else "stopped; not all runs have ended yet")
        self._client.look()
        self._fetch(all_runs=not self._lasts)
        console.note(f"started again, it goes on; what it has so far is in {self._folder}")

    def _fetch(self, *, all_runs: bool) -> None:
        if all_runs:
            self._client.look()
            self._fetch_runs()
        fetch_study(self._client, self._output)

    def _fetch_runs(self) -> None:
        """Fetch what has ended: the S3 of this machine is gone with its process."""
        for child in self._client.ended_children():
            if child.name not in self._fetched and self._client.pipeline.has_ended(child.name):
                fetch_all(self._client.pipeline, child.name, output=self._output, lasts=self._lasts)
                self._fetched.add(child.name)
        if self._client.n_files != self._n_files:
            fetch_study(self._client, self._output)
            self._n_files = self._client.n_files


def fetch_study(client: StudyClient, output: Path) -> Path:
    """Return the folder with the plan, the rounds and the summary of a study."""
    bucket, prefix = client.pipeline.bucket, client.prefix
    return bucket.fetch(prefix, bucket.listed(prefix), output / FOLDER / client.study.name)


def words(found: StudyProgress, seconds_left: float | None = None, *, going_on: bool = True) -> str:
    """Return where a study stands, in a line after how many of its runs have ended."""
    from quantum_pipeline.wording import digits  # noqa: PLC0415

    parts = [f"{found.failed} failed"] if found.failed else []
    if going_on:
        parts.append(f"{found.running} going on")
    parts.append(f"{found.spent_usd:.4f} of {found.cap_usd:g} USD")
    if found.best is not None:
        parts.append(f"best {digits(found.best)}")
    if seconds_left is not None:
        parts.append(f"about {_duration(seconds_left)} left")
    return f": {', '.join(parts)}"


def _duration(seconds: float) -> str:
    """Return a time as people say it.

    >>> _duration(42.4), _duration(400), _duration(9000)
    ('42 s', '7 min', '2.5 h')
    """
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"


def show_summary(folder: Path, *, as_json: bool) -> None:
    """Print the summary in a folder: what is to know first, or all of it as JSON."""
    text = (folder / REPORT).read_text("utf-8")
    if as_json:
        click.echo(text)
        return
    console.figures(_lines(text))
    console.figures([("summary", str(folder / "report.html"))])


def _lines(text: str | bytes) -> Iterator[tuple[str, str]]:
    from quantum_pipeline.studies.summary import StudySummary  # noqa: PLC0415
    from quantum_pipeline.studies.words import findings  # noqa: PLC0415

    summary: StudySummary = StudySummary.model_validate_json(text)
    yield "study", f"{summary.name}: {summary.runs.all} runs"
    for found in findings(summary):
        yield found.name, f"{found.answer}. {found.behind}"


def is_name(name: str) -> bool:
    """Return whether a study could have a name; runs mostly have longer ones."""
    return _NAME.fullmatch(name) is not None


def here(name: str, output: Path) -> Path | None:
    """Return the folder of a study on this machine, None where there is none."""
    folder = output / FOLDER / name
    return folder if is_name(name) and (folder / STUDY_FILE).is_file() else None


def on_aws(pipeline: Pipeline, name: str) -> StudyClient | None:
    """Return the client of a study of a stack, None where it has none of the name."""
    from quantum_pipeline.cli.study_client import StudyClient  # noqa: PLC0415

    return StudyClient.of_name(pipeline, name) if is_name(name) else None


def show_here(folder: Path, output: Path, *, as_json: bool) -> None:
    """Show a study of this machine: its summary, or where it stands."""
    process_id = running.process_of(output, folder.name)
    if (folder / REPORT).is_file() and process_id is None:
        show_summary(folder, as_json=as_json)
        return
    asked = Study.model_validate_json((folder / STUDY_FILE).read_bytes())
    rounds = [Round.model_validate_json(each) for each in _numbered(folder / "rounds")]
    rows = [
        RunRow.model_validate(row)
        for each in _numbered(folder / "rows")
        for row in json.loads(each)["rows"]
    ]
    records = Wanted(study=folder.name).of(listing.records(None, output))
    found = progress_of(asked, rounds, rows, {each["run_id"]: each for each in records})
    state = STOPPED if process_id is None else f"goes on, in process {process_id}"
    _show_progress(asked.name, state, found, as_json=as_json)


def _numbered(folder: Path) -> Iterator[bytes]:
    """Yield the contents of the files of a folder that are called by a number, in its order."""
    names = (each for each in sorted(folder.glob("*.json")) if each.stem.isdecimal())
    return (each.read_bytes() for each in names)


def _show_progress(name: str, state: str, found: StudyProgress, *, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps({"study": name, "state": state, **vars(found)}, indent=2))
        return
    console.figures([("study", f"{name}: {state}")])
    where = words(found, going_on=state != STOPPED)
    console.figures([("runs", f"{found.ended} of {found.n_runs}{where}")])


def show_on_aws(client: StudyClient, *, as_json: bool) -> None:
    """Show a study of a stack: its summary, or where it stands."""
    content = client.pipeline.bucket.content(f"{client.prefix}{REPORT}")
    if content is not None and client.execution() is None:
        if as_json:
            click.echo(content)
        else:
            console.figures(_lines(content))
        return
    going_on = client.execution() is not None
    state = "goes on" if going_on else STOPPED
    _show_progress(client.study.name, state, client.look(), as_json=as_json)


def fetch_on_aws(client: StudyClient, output: Path) -> list[Path]:
    """Return the folders with a study's summary, and with all of its runs that have ended."""
    client.look()
    folders = [fetch_study(client, output)]
    for child in client.ended_children():
        folders += fetch_all(client.pipeline, child.name, output=output, lasts=True)
    return folders


def cancel_on_aws(client: StudyClient, seconds: float) -> bool:
    """Stop a study of a stack with its runs; return whether these have all ended.

    Raises:
        InvalidRequest: it does not go on.
    """
    execution = client.execution()
    if execution is None:
        allowed = "a study that goes on; no execution goes on with it"
        raise InvalidRequest.of("RUN", client.study.name, allowed)
    return client.stop(execution, seconds)
