"""Reads FILE of a command: a path or standard input, of any format, as the JSON of a request."""

from __future__ import annotations

import sys
from difflib import get_close_matches
from pathlib import Path
from typing import Any, NamedTuple

import click

from quantum_pipeline.cli import console
from quantum_pipeline.errors import InvalidRequest
from quantum_pipeline.requests.request import MAX_OBJECT_BYTES

STANDARD_INPUT = "-"


class How(NamedTuple):
    """How a file is to be read, where it does not say so itself."""

    as_: str | None = None
    frame: int | None = None
    target: str | None = None


AS = click.option(
    "--as",
    "as_",
    metavar="FORMAT",
    help="Format of FILE, as rudy or edges, or what its numbers mean: maxcut, qubo, ising.",
)
FRAME = click.option(
    "--frame", type=int, help="Which of several geometries or problems in FILE, from 1."
)


def label_of(file: Path) -> str:
    """Return what a run of a file's problem is called, if its request does not say.

    >>> label_of(Path("graphs/ring.mtx.gz")), label_of(Path("-"))
    ('ring', 'stdin')
    """
    if str(file) == STANDARD_INPUT:
        return "stdin"
    return Path(file.stem).stem if file.suffix.lower() in (".gz", ".bz2") else file.stem


def read(file: Path, how: How = How()) -> Any:  # noqa: B008 - nothing in it changes
    """Return the request in a file as JSON, and say what was read as what.

    Raises:
        InvalidRequest: no such file, too large, or not to be read.
    """
    from quantum_pipeline.files.reading import read as read_as  # noqa: PLC0415

    data = content(file)
    if len(data) > MAX_OBJECT_BYTES:
        raise InvalidRequest.of("FILE", str(file), f"a file of up to {MAX_OBJECT_BYTES} bytes")
    name = "standard input" if str(file) == STANDARD_INPUT else str(file)
    found = read_as(data, name, as_=how.as_, frame=how.frame, target=how.target)
    if found.format is not None:
        console.note(f"{name}: {_words(found.request['problem'], found.format)}")
        for each in found.notes:
            console.note(f"  {each}")
    return found.request


def _words(problem: Any, format_: str) -> str:
    return f"{problem.get('type', 'problem')}, read as {format_}"


def content(file: Path) -> bytes:
    """Return the content of a file, or of standard input, no more than a byte too much.

    Raises:
        InvalidRequest: no such file, or not to be read.
    """
    if str(file) == STANDARD_INPUT:
        return sys.stdin.buffer.read(MAX_OBJECT_BYTES + 1)
    try:
        with file.open("rb") as opened:
            return opened.read(MAX_OBJECT_BYTES + 1)
    except FileNotFoundError as error:
        alike = _alike(file)
        hint = f"; did you mean {alike}?" if alike else ""
        raise InvalidRequest(f"{file}: {(error.strerror or '').lower()}{hint}") from None
    except (OSError, ValueError) as error:
        words = getattr(error, "strerror", None) or "not readable"
        raise InvalidRequest(f"{file}: {words.lower()}") from None


def _alike(file: Path) -> Path | None:
    """Return the file in the same folder whose name is closest to one that is not there."""
    try:
        names = [each.name for each in file.parent.iterdir() if each.is_file()]
    except OSError:
        return None
    found = get_close_matches(file.name, names, n=1, cutoff=0.75)
    return file.parent / found[0] if found else None
