"""A table as text: comma-, semicolon- or tab-separated, with a header, as spreadsheets write it.

A column whose values are all numbers is one of numbers, any other one of words, as they are
written. What is missing is empty, ``NA``, ``N/A``, ``nan``, ``null``, ``none`` or ``?``.
"""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Literal, NamedTuple

from quantum_pipeline.quantities import LARGEST
from quantum_pipeline.wording import refusal, shown

MOST_ROWS, MOST_COLUMNS, MOST_CELLS = 20_000, 500, 1_000_000
"""Of a table, the target's column included; a row of a class is one of thousands at most."""

SEPARATORS = ",;\t|"
MISSING = frozenset({"", "na", "n/a", "#n/a", "nan", "null", "none", "?"})
"""What stands for no value, in lower case."""

_NUMBER = re.compile(r"[+-]?(?:(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?|inf(?:inity)?)", re.IGNORECASE)
_OF_EXCEL = re.compile(r"\A\s*sep=.[ \t]*\r?\n", re.IGNORECASE)
"""A first line by which Excel is told the separator, which the header shows as well."""
_WITH_COMMA = re.compile(r"[+-]?\d+(?:,\d+)?(?:[eE][+-]?\d+)?")
_LONGEST_INTEGER = 15

Read = float | int | str | None
Kind = Literal["numbers", "words"]


class Table(NamedTuple):
    """Names, rows, and what was decided in reading them: a sentence each."""

    columns: tuple[str, ...]
    rows: tuple[tuple[Read, ...], ...]
    notes: tuple[str, ...] = ()


def read_table(text: str, kinds: Mapping[str, Kind] | None = None) -> Table:
    """Return the table that a text holds; ``kinds`` are those of columns of which it is known.

    A first column without a name, with another integer in each row, is an index: it is left out.
    So is a last one without a name and without values.

    Raises:
        ValueError: names the line and the column, the value and what is allowed.

    >>> read_table("size;kind\\n1,5;a\\nNA;b\\n").rows
    ((1.5, 'a'), (None, 'b'))
    """
    text = _OF_EXCEL.sub("\n", text, count=1)  # lines are counted as they stand
    separator = _separator(text)
    lines = _lines(text, separator)
    number, header = next(lines, (1, []))
    _check_header(number, header)
    named = f"as many as line {number}, the header, has names: {', '.join(map(shown, header[:3]))}"
    numbers: list[int] = []
    rows: list[list[str]] = []
    for number, cells in lines:
        if len(cells) != len(header):
            allowed = f"{len(header)}, {named}{', ...' if len(header) > 3 else ''}"
            raise ValueError(f"line {number}: got {len(cells)} cells; allowed: {allowed}")
        if len(rows) >= MOST_ROWS or (len(rows) + 1) * len(header) > MOST_CELLS:
            most = min(MOST_ROWS, MOST_CELLS // len(header))
            raise ValueError(f"got more than {most} rows; allowed: up to {most} of {len(header)}")
        numbers.append(number)
        rows.append(cells)
    if not rows:
        raise ValueError("got a header alone; allowed: a header, and a line for each row")
    return _table(header, list(zip(*rows, strict=True)), numbers, separator, kinds or {})


def _separator(text: str) -> str:
    """Return what stands between the names of the header, most often outside of quotes."""
    head = next((line for line in text.splitlines() if line.strip()), "")
    bare = re.sub(r'"[^"]*"', "", head)
    return max(SEPARATORS, key=bare.count)


def _lines(text: str, separator: str) -> Iterator[tuple[int, list[str]]]:
    """Yield the cells of each line that has any, with the number of its first line."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    while True:
        number = reader.line_num + 1
        try:
            cells = [cell.strip() for cell in next(reader)]
        except StopIteration:
            return
        except csv.Error as error:
            allowed = f'cells apart by {_named(separator)}; those with one inside in "quotes"'
            raise ValueError(f"line {number}: no CSV ({error}); allowed: {allowed}") from None
        if any(cells):
            yield number, cells


def _named(separator: str) -> str:
    return {",": "commas", ";": "semicolons", "\t": "tabs"}.get(separator, separator)


def _check_header(number: int, header: Sequence[str]) -> None:
    if not header:
        raise ValueError("got nothing; allowed: a header, and a line for each row")
    if len(header) > MOST_COLUMNS:
        allowed = f"up to {MOST_COLUMNS} columns"
        raise ValueError(f"line {number}: got {len(header)} columns; allowed: {allowed}")
    if all(_NUMBER.fullmatch(name) for name in header):
        allowed = "a header, the names of the columns, first"
        raise ValueError(refusal(f"line {number}", list(header[:5]), allowed))
    name, times = Counter(header).most_common(1)[0]
    if times > 1 and name:
        allowed = "each name once in the header"
        raise ValueError(f"line {number}: got {shown(name)} {times} times; allowed: {allowed}")


def _table(
    header: Sequence[str],
    columns: list[tuple[str, ...]],
    numbers: Sequence[int],
    separator: str,
    kinds: Mapping[str, Kind],
) -> Table:
    notes, kept = [], dict[str, list[Read]]()
    for place, (name, cells) in enumerate(zip(header, columns, strict=True)):
        if name:
            kept[name] = _column(name, cells, numbers, separator, kinds.get(name))
        elif place == 0 and _is_index(cells):
            notes.append("a first column without a name counts the rows: left out")
        elif any(cells):
            what = f"column {place + 1} has no name in the header"
            raise ValueError(f"{what}; allowed: a name for each column")
    words = [name for name, cells in kept.items() if any(isinstance(each, str) for each in cells)]
    if words:
        notes.append(f"read as words: {', '.join(words)}"[:300])
    if missing := sum(cells.count(None) for cells in kept.values()):
        written = {cell for cells in columns for cell in cells if cell.lower() in MISSING} - {""}
        counted = f", {' and '.join(map(shown, sorted(written)))} counted as such"
        notes.append(
            f"{missing} {'value is' if missing == 1 else 'values are'} missing"
            f"{counted if written else ''}"
        )
    return Table(tuple(kept), tuple(zip(*kept.values(), strict=True)), tuple(notes))


def is_number(cell: str) -> bool:
    """Return whether a cell is a number, as it is written.

    >>> is_number("-1.5e3"), is_number("1,5"), is_number("one")
    (True, False, False)
    """
    return _NUMBER.fullmatch(cell) is not None


def _is_index(cells: Sequence[str]) -> bool:
    return all(each.isdecimal() for each in cells) and len(set(cells)) == len(cells)


def _column(
    name: str, cells: Sequence[str], numbers: Sequence[int], separator: str, kind: Kind | None
) -> list[Read]:
    known = [each for each in cells if each.lower() not in MISSING]
    with_comma = separator == ";" and all(map(_WITH_COMMA.fullmatch, known))
    wrong = [] if with_comma else [each for each in known if not is_number(each)]
    if wrong and kind == "numbers":
        line = numbers[cells.index(wrong[0])]
        raise ValueError(refusal(f"line {line}, column {name}", wrong[0], "a number"))
    if wrong or kind == "words":
        return [None if each.lower() in MISSING else each for each in cells]
    found: list[Read] = []
    for number, cell in zip(numbers, cells, strict=True):
        value = None if cell.lower() in MISSING else _number(cell.replace(",", "."))
        if value is not None and abs(value) > LARGEST:
            allowed = f"a number up to {LARGEST:g} in size"
            raise ValueError(refusal(f"line {number}, column {name}", cell, allowed))
        found.append(value)
    return found


def _number(cell: str) -> float:
    whole = cell.lstrip("+-").isdecimal() and len(cell) <= _LONGEST_INTEGER
    return int(cell) if whole else float(cell)
