"""Lays out what ``qpipe`` prints in the columns that there are: no word is broken, no number cut.

It imports nothing that takes its time. Columns are those of $COLUMNS, or of the terminal.
"""

from __future__ import annotations

import os
import re
import textwrap
from collections.abc import Collection, Iterator, Sequence
from contextlib import suppress
from itertools import chain
from typing import Literal, TextIO

LONGEST = 100
"""Columns that a line of text has at most: longer ones are hard to read."""

NAMES = 13
"""Columns of the names before figures."""

Adjust = Literal["left", "right"]


def columns(stream: TextIO, otherwise: float) -> float:
    """Return how many columns a stream has; ``otherwise`` where none are given and none seen."""
    given = os.environ.get("COLUMNS", "")
    if given.isdecimal() and int(given):
        return int(given)
    if stream.isatty():
        with suppress(OSError, ValueError):
            return os.get_terminal_size(stream.fileno()).columns
    return otherwise


def wrapped(text: str, width: float, indent: int = 0) -> str:
    """Return a text in lines of so many columns, all but the first indented.

    Words stay whole, and numbers beside their units.

    >>> print(wrapped("a price of 1.7500 USD", 17, indent=2))
    a price of
      1.7500 USD
    """
    room = int(min(width, LONGEST))
    if len(text) <= room:
        return text
    lines = textwrap.wrap(
        _UNIT.sub("\u00a0", text),
        room,
        subsequent_indent=" " * indent,
        break_long_words=False,
        break_on_hyphens=False,
    )
    return "\n".join(lines).replace("\u00a0", " ")


_UNIT = re.compile(r"(?<=\d) (?=(?:s|min|h|days|USD|bytes|[KMG]iB|mHa)\b)")


def figure(name: str, value: str, width: float) -> str:
    """Return a figure after its name; a value that is one word too long stands by itself.

    >>> print(figure("best cut", "12  at 0010", 40))
    best cut     12  at 0010
    >>> print(figure("cost", "0.123456789012 USD", 16))
    cost
    0.123456789012 USD
    """
    longest = max(map(len, value.split()), default=0)
    if NAMES + longest > width:
        return f"{name}\n{wrapped(value, width)}"
    line = f"{name:<{NAMES}}{value}"
    return line if " " not in value else wrapped(line, width, NAMES)


def table(
    names: Sequence[str],
    rows: Sequence[Sequence[str]],
    width: float,
    *,
    least: int,
    right: Collection[str] = (),
) -> Iterator[str]:
    """Yield the lines of a table: as many of its first columns as fit.

    Where not even the ``least`` fit, each row is a paragraph: its first cell, and below it the
    others with their names. An empty cell is left out there.
    """
    cells = [list(names), *map(list, rows)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    fit = sum(sum(widths[: n + 1]) + 2 * n <= width for n in range(len(widths)))
    if fit < least and rows:
        yield from chain.from_iterable(_paragraph(names, row, width) for row in rows)
        return
    for line in cells:
        yield "  ".join(
            f"{cell:{'>' if name in right else '<'}{size}}"
            for name, cell, size in list(zip(names, line, widths, strict=True))[: max(1, fit)]
        ).rstrip()


def _paragraph(names: Sequence[str], row: Sequence[str], width: float) -> Iterator[str]:
    first, *others = row
    yield first
    line = ""
    for name, cell in zip(names[1:], others, strict=True):
        item = f"{name} {cell}" if cell else ""
        if item and line and 2 + len(line) + 2 + len(item) > width:
            yield wrapped(f"  {line}", width, 2)
            line = ""
        line = f"{line}, {item}" if line and item else line or item
    if line:
        yield wrapped(f"  {line}", width, 2)
