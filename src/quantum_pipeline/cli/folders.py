"""Folders of this machine in which runs are written and remembered."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

import click

from quantum_pipeline.cli.writing import FOLDER, writing
from quantum_pipeline.local.catalogue_file import CatalogueFile
from quantum_pipeline.local.places import cache_folder
from quantum_pipeline.runs import packed_run_id

if TYPE_CHECKING:
    from quantum_pipeline.cli.client import Pipeline


@contextmanager
def folders_for_runs(output: Path, stack: str | None) -> Iterator[None]:
    """Make the folder of ``--output``, and of what is kept here where runs are of this machine.

    Of the former is removed after the body what nothing came into.
    """
    if stack is None:
        make_folder("QPIPE_CACHE", cache_folder())
    missing = [each for each in (output, *output.parents) if not each.exists()]
    make_folder("--output", output)
    try:
        yield
    finally:
        with suppress(OSError):
            for each in missing:
                each.rmdir()


def make_folder(field: str, folder: Path) -> None:
    """Make a folder, and see that files can be written there, before anything runs."""
    with writing(field, folder, FOLDER):
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder) as file:
            file.write(bytes(4096))
            file.flush()


def fetch_files(
    pipeline: Pipeline, run_id: str, *, output: Path, lasts: bool, with_log: bool = True
) -> Path:
    """Return the folder with a run's files.

    Raises:
        OutputNotWritten: they cannot be written there, and are kept where it says: on AWS, which
            ``lasts``, where they are; of the AWS on this machine in another folder.
    """
    from quantum_pipeline.cli.bucket import OutputNotWritten  # noqa: PLC0415
    from quantum_pipeline.local.run_folder import record_of_folder  # noqa: PLC0415

    try:
        folder = pipeline.fetch(run_id, output, with_log=with_log)
    except OutputNotWritten as error:
        kept = f"in {pipeline.uri(run_id)}" if lasts else _kept_elsewhere(pipeline, run_id)
        raise OutputNotWritten(f"{error}; the result is kept {kept}") from error
    if record := record_of_folder(folder):
        remember(output, record)
    return folder


def fetch_all(pipeline: Pipeline, run_id: str, *, output: Path, lasts: bool) -> list[Path]:
    """Return the folders with the files of a run, or of a pack and of each of its runs.

    Raises:
        OutputNotWritten: as ``fetch_files``.
    """
    folders = [fetch_files(pipeline, run_id, output=output, lasts=lasts)]
    for name in pipeline.pack(run_id) or ():
        of_pack = packed_run_id(run_id, name)
        folders.append(fetch_files(pipeline, of_pack, output=output, lasts=lasts, with_log=False))
    return folders


def _kept_elsewhere(pipeline: Pipeline, run_id: str) -> str:
    """Write a run's files where there is room; where there is none, its report to stdout."""
    from quantum_pipeline.cli.bucket import OutputNotWritten  # noqa: PLC0415
    from quantum_pipeline.runs import ENDS  # noqa: PLC0415

    for folder in (Path(tempfile.gettempdir()), cache_folder(), Path.home()):
        with suppress(OutputNotWritten):
            return f"in {pipeline.fetch(run_id, folder / 'quantum-pipeline-runs')}"
    for name in pipeline.names(run_id):
        if name in ("report.json", *ENDS):
            click.echo(pipeline.read(run_id, name))
    return "on stdout, since no other folder can be written to either"


def remember(output: Path, record: str) -> None:
    """Put a record into the catalogue of a folder of runs; where that fails, a list reads it in."""
    with suppress(OSError):
        CatalogueFile(output).add(record)


def recall(output: Path) -> Iterator[bytes]:
    """Return the records of a folder of runs, the newest first; runs without one are read in."""
    file = CatalogueFile(output)
    with suppress(OSError):
        file.read_in()
    return file.newest_first()
