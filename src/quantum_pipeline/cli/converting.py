"""``qpipe convert``: a file of any format as the JSON of a request."""

from __future__ import annotations

from pathlib import Path

import click

from quantum_pipeline.cli import console, entry
from quantum_pipeline.cli.asked import read
from quantum_pipeline.cli.asking import Asking, asking
from quantum_pipeline.cli.compact_json import compact
from quantum_pipeline.cli.options import FILE
from quantum_pipeline.cli.writing import writing
from quantum_pipeline.requests.pack import parse_input


@entry.main.command(short_help="Print a file as the JSON of a request.")
@FILE
@asking
@click.option(
    "-o",
    "--output",
    "output",
    type=click.Path(dir_okay=False, path_type=Path),
    help="File for the request; stdout if not given.",
)
def convert(file: Path, asking: Asking, output: Path | None) -> None:
    """Read the problem in FILE, check it, and print it as a request, with nothing filled in."""
    data = read(file, asking)
    parse_input(data)
    text = compact(data)
    if output is None:
        click.echo(text)
        return
    with writing("--output", output):
        output.write_text(f"{text}\n", encoding="utf-8")
    console.note(f"wrote {output}")
