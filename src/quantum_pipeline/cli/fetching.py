"""``qpipe logs`` and ``fetch``: the log of a run's job, and the files of a run."""

from __future__ import annotations

import glob
from pathlib import Path

import click

from quantum_pipeline.cli import console, entry, studying
from quantum_pipeline.cli.folders import fetch_all, make_folder
from quantum_pipeline.cli.one_run import check_name, read_report, record_of
from quantum_pipeline.cli.options import OUTPUT, RUN, STACK
from quantum_pipeline.cli.progress import progress
from quantum_pipeline.cli.reach import pipeline_of
from quantum_pipeline.cli.writing import FOLDER, writing
from quantum_pipeline.errors import InvalidRequest
from quantum_pipeline.runs import LOG, PACK, REPORT, pack_and_name
from quantum_pipeline.studies.places import study_of


@entry.main.command(short_help="Print the log of a run's job.")
@RUN
@STACK
@OUTPUT
def logs(run_id: str, stack: str | None, output: Path) -> None:
    """Print what the job of RUN has logged, of a stack also while it runs."""
    if stack is not None:
        with pipeline_of(stack) as pipeline:
            line = None
            for line in pipeline.log(check_name(run_id)):
                click.echo(line)
        if line is None:
            console.note(f"{run_id}: no job of it has logged anything")
        return
    path = output / check_name(run_id) / LOG
    of_pack = pack_and_name(run_id)
    if of_pack and not path.is_file():  # it is that of the pack's job
        path = output / of_pack[0] / LOG
    if not path.is_file():
        record_of(run_id, stack, output)
        path = output / run_id / LOG
        allowed = f"a run with {path}; one that had no job has none"
        raise InvalidRequest.of("RUN", run_id, allowed)
    click.echo(path.read_text("utf-8"), nl=False)


@entry.main.command(short_help="Fetch the files of a run on AWS.")
@RUN
@STACK
@OUTPUT
@click.option("--pictures", is_flag=True, help="Draw those too that only the page has.")
def fetch(run_id: str, stack: str | None, output: Path, *, pictures: bool) -> None:
    """Fetch report, pictures and records of RUN, and print where they are.

    Of a pack they are those of all its runs, of a study its summary and those of its runs.

    Those of a run of this machine are there already. A run of a pack has its pictures in the page
    alone, until they are asked for.
    """
    folders = _here(check_name(run_id), output) if stack is None else _from(stack, run_id, output)
    for folder in folders:
        if pictures:
            _draw(folder)
        click.echo(folder)


def _here(run_id: str, output: Path) -> list[Path]:
    if (study := studying.here(run_id, output)) is not None:
        return [study, *_of_study(run_id, output)]
    folder = output / run_id
    if (folder / PACK).is_file():
        return [folder, *sorted(output.glob(f"{glob.escape(run_id)}.*/"))]
    record_of(run_id, None, output)
    if not folder.is_dir():
        allowed = "a run whose files were kept; those of `qpipe serve` were not"
        raise InvalidRequest.of("RUN", run_id, allowed)
    return [folder]


def _of_study(name: str, output: Path) -> list[Path]:
    """Return the folders of the runs of a study, by the names that it gives them."""
    found = sorted(output.glob(f"{glob.escape(name)}-*/"))
    return [folder for folder in found if study_of(folder.name) == name]


def _from(stack: str, run_id: str, output: Path) -> list[Path]:
    make_folder("--output", output)
    with pipeline_of(stack) as pipeline, progress(None) as line:
        client = studying.on_aws(pipeline, run_id)
        if client is not None:
            line.say(f"fetching {run_id}")
            return studying.fetch_on_aws(client, output)
        if next(pipeline.names(run_id), None) is None:
            raise InvalidRequest.of("RUN", run_id, f"a run that is in {pipeline.uri(run_id)}")
        line.say(f"fetching {run_id}")
        return fetch_all(pipeline, run_id, output=output, lasts=True)


def _draw(folder: Path) -> None:
    """Draw the pictures that a report's page has, and no file.

    Raises:
        InvalidRequest: they cannot be written there.
    """
    path = folder / REPORT
    report = read_report(path.read_bytes()) if path.is_file() else None
    if report is None or not report.artifacts.in_page:
        return
    from quantum_pipeline.pages import render  # noqa: PLC0415 - matplotlib

    drawn = render(report)
    with writing("--output", folder, FOLDER):
        for name in report.artifacts.in_page:
            (folder / name).parent.mkdir(exist_ok=True)
            (folder / name).write_bytes(drawn[name])
