"""Matrices: numpy's .npy, MatrixMarket, comma-separated values, and text with a first line n.

A matrix is the weights of a graph or a QUBO: ``built.matrix`` has which. CSV may also be the edges
of a graph, with or without a line of names.
"""

from __future__ import annotations

import csv
import io
from codecs import BOM_UTF8
from collections.abc import Container, Iterable, Iterator, Sequence
from tokenize import TokenError
from typing import TYPE_CHECKING, Any

from quantum_pipeline.files import built
from quantum_pipeline.files.content import text_of
from quantum_pipeline.files.document import Document, Found
from quantum_pipeline.files.lines import (
    MOST_LINES,
    MOST_VARIABLES,
    Line,
    as_number,
    integer,
    lines_of,
    number_of,
    wrong,
)
from quantum_pipeline.problems.base import MAX_TERMS
from quantum_pipeline.wording import refusal, shown

if TYPE_CHECKING:
    import numpy as np

_BROKEN = (ValueError, TypeError, SyntaxError, KeyError, RecursionError, MemoryError, OverflowError)
"""What numpy raises of a damaged head, beside TokenError."""

MOST_ROWS = 2048
"""Rows of a dense matrix: of more, not even the file could be read."""


def read_npy(document: Document) -> Found:
    """Read a square matrix that numpy saved; nothing in it is run."""
    import numpy as np  # noqa: PLC0415 - not all files need it
    from numpy.lib import format as npy  # noqa: PLC0415

    file = io.BytesIO(document.data)
    try:
        version = npy.read_magic(file)  # type: ignore[no-untyped-call]
        read: Any = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
        shape, _, dtype = read(file)
    except (*_BROKEN, TokenError):
        raise ValueError("damaged .npy; allowed: an array as numpy.save writes it") from None
    if dtype.hasobject or dtype.kind not in "biuf":
        allowed = "an array of numbers, neither objects nor complex"
        raise ValueError(refusal("dtype", str(dtype), allowed))
    if len(shape) != 2 or shape[0] != shape[1] or not 1 <= shape[0] <= MOST_ROWS:
        raise ValueError(
            refusal("shape", list(shape), f"a square matrix of up to {MOST_ROWS} rows")
        )
    if len(document.data) - file.tell() != dtype.itemsize * shape[0] ** 2:
        raise ValueError("damaged .npy; allowed: as many numbers as its head says")
    file.seek(0)
    return _dense(np.load(file, allow_pickle=False), document.meaning)


def _dense(rows: np.ndarray[Any, Any], meaning: str | None) -> Found:
    import numpy as np  # noqa: PLC0415

    if not np.isfinite(rows).all():
        i, j = np.argwhere(~np.isfinite(rows))[0]
        got = f"{rows[i, j]}"
        raise ValueError(refusal(f"row {i + 1}, column {j + 1}", got, "a finite number"))
    entries = {(int(i), int(j)): float(rows[i, j]) for i, j in np.argwhere(rows)}
    return built.matrix(entries, len(rows), meaning)


def read_market(document: Document) -> Found:
    """Read a matrix in MatrixMarket form.

    scipy's reader is not taken: of some damaged files it ends the process.
    """
    kind, symmetry, lines = _market_head(document.data)
    number, words = lines[0]
    if len(words) != (3 if kind == "coordinate" else 2):
        raise wrong(number, words, '"rows columns", and of coordinates "entries"')
    n, n_columns = (integer(number, word, "size", 1, MOST_VARIABLES) for word in words[:2])
    if n != n_columns:
        raise ValueError(refusal("size", [n, n_columns], "a square matrix"))
    if kind == "array" and n > MOST_ROWS:
        raise ValueError(refusal("size", [n, n], f"up to {MOST_ROWS} rows, or coordinates"))
    in_column = n * n if symmetry == "general" else n * (n + 1) // 2
    n_entries = in_column if kind == "array" else integer(number, words[2], "entries", 1, MAX_TERMS)
    if n_entries != len(lines) - 1:
        allowed = f"as many entries as lines follow, {len(lines) - 1}"
        raise ValueError(refusal(f"line {number}, entries", n_entries, allowed))
    entries: dict[tuple[int, int], float] = {}
    placed = _placed(lines[1:], n, symmetry) if kind == "array" else _coordinates(lines[1:], n)
    for i, j, value in placed:
        if value:
            entries[i, j] = entries.get((i, j), 0.0) + value
    if symmetry == "symmetric":
        entries |= {(j, i): value for (i, j), value in entries.items()}
    return built.matrix(entries, n, document.meaning)


def _market_head(data: bytes) -> tuple[str, str, list[Line]]:
    """Return the kind and the symmetry that the first line names, and the lines that count."""
    first = data[:1024].removeprefix(BOM_UTF8).decode("latin-1").splitlines()[:1]
    head = first[0].lower().split() if first else []
    if len(head) != 5 or head[:2] != ["%%matrixmarket", "matrix"]:
        raise ValueError(refusal("line 1", " ".join(first), '"%%MatrixMarket matrix ...", 5 words'))
    kind, field, symmetry = head[2:]
    for what, found, allowed in (
        ("format", kind, ("coordinate", "array")),
        ("field", field, ("real", "integer", "double", "pattern")),
        ("symmetry", symmetry, ("general", "symmetric")),
    ):
        if found not in allowed:
            raise ValueError(refusal(f"line 1, {what}", found, " or ".join(allowed)))
    return kind, symmetry, lines_of(data, (b"%",))


def _coordinates(lines: list[Line], n: int) -> Iterator[tuple[int, int, float]]:
    for number, words in lines:
        if len(words) not in (2, 3):
            raise wrong(number, words, '"row column value", or of a pattern "row column"')
        i, j = (integer(number, word, "row or column", 1, n) - 1 for word in words[:2])
        yield i, j, number_of(number, words[2]) if len(words) == 3 else 1.0


def _placed(lines: list[Line], n: int, symmetry: str) -> Iterator[tuple[int, int, float]]:
    """Yield the entries of a dense matrix, column by column, of a symmetric one its lower half."""
    places = ((i, j) for j in range(n) for i in range(j if symmetry == "symmetric" else 0, n))
    for (i, j), (number, words) in zip(places, lines, strict=True):
        if len(words) != 1:
            raise wrong(number, words, "one number")
        yield i, j, number_of(number, words[0])


def read_dense(document: Document) -> Found:
    """Read a first line n, or none, and n lines of n numbers."""
    lines = lines_of(document.data, (b"#", b"%"), most=MOST_ROWS)
    if len(lines[0][1]) == 1 and len(lines) > 1:
        n = integer(*(lines[0][0], lines[0][1][0]), "rows", 1, MOST_ROWS)
        if len(lines) - 1 != n:
            raise wrong(*lines[0], f"as many rows as lines follow, {len(lines) - 1}")
        lines = lines[1:]
    n = len(lines)
    for number, words in lines:
        if len(words) != n:
            got = f"line {number}: got {len(words)} numbers"
            raise ValueError(f"{got}; allowed: {n}, as many as rows")
    rows = [[number_of(number, word) for word in words] for number, words in lines]
    return built.matrix(_entries(rows), n, document.meaning)


def _entries(rows: Iterable[Sequence[float]]) -> dict[tuple[int, int], float]:
    return {(i, j): value for i, row in enumerate(rows) for j, value in enumerate(row) if value}


_ENDS = {"source", "from", "u", "i", "node1", "a", "start", "src", "node_a", "row"}
_OTHER_ENDS = {"target", "to", "v", "j", "node2", "b", "end", "dst", "node_b", "column", "col"}
_WEIGHTS = {"weight", "w", "value", "cost"}


def read_csv(document: Document) -> Found:
    """Read comma-, semicolon- or tab-separated values: the edges of a graph, or a matrix."""
    rows = _rows(document)
    readings: dict[str, Found] = {}
    refusals = []
    for name, read in (("edges", _csv_edges), ("matrix", _csv_matrix)):
        if document.meaning == "qubo" and name == "edges":
            continue
        try:
            readings[name] = read(rows, document.meaning)
        except ValueError as error:
            refusals.append(f"as {name}: {error}")
    if len(readings) == 1:
        return next(iter(readings.values()))
    if not readings:
        table = "as a table of rows to classify: --target COLUMN is missing"
        raise ValueError("; ".join((*refusals, table)))
    raise built.SeveralReadings(
        {"edges": "lines of two nodes and a weight", "dense": "rows of a matrix"}
    )


def _rows(document: Document) -> list[tuple[int, list[str]]]:
    text = text_of(document.data)
    head = next((line for line in text.splitlines() if line.strip()), "")
    mark = max(",;\t", key=head.count)
    try:
        reader = csv.reader(io.StringIO(text, newline=""), delimiter=mark, strict=True)
        found = [
            (reader.line_num, [cell.strip() for cell in row])
            for row in reader
            if any(cell.strip() for cell in row) and not row[0].lstrip().startswith("#")
        ]
    except csv.Error as error:
        raise ValueError(f"no CSV ({error}); allowed: values apart by , ; or tabs") from None
    if not found:
        raise ValueError("got nothing; allowed: edges, or the rows of a matrix")
    if len(found) > MOST_LINES:
        raise ValueError(f"got {len(found)} lines; allowed: up to {MOST_LINES}")
    return found


def _csv_edges(rows: list[tuple[int, list[str]]], _: str | None) -> Found:
    columns = _columns(rows[0][1])
    body = rows if columns is None else rows[1:]
    first, second, third = columns or (0, 1, 2)
    edges = []
    seen: dict[frozenset[str], int] = {}
    for number, cells in body:
        if columns is None and len(cells) not in (2, 3):
            raise wrong(number, cells, "two nodes and a weight, or a first line of their names")
        if len(cells) <= max(first, second):
            raise wrong(number, cells, "as many values as the first line has names")
        a, b = cells[first], cells[second]
        where = seen.setdefault(frozenset((a, b)), number)
        if where != number:
            raise wrong(number, cells, f"each edge once; it stands in line {where} already")
        weight = cells[third] if third is not None and len(cells) > third else "1"
        edges.append((a, b, number_of(number, weight)))
    names = dict.fromkeys(end for a, b, _ in edges for end in (a, b))
    if all(name.isascii() and name.isdigit() and str(int(name[:12])) == name for name in names):
        order: list[Any] = sorted(map(int, names))
        return built.graph(order, ((int(a), int(b), w) for a, b, w in edges))
    found = built.graph(names, edges)
    return found._replace(notes=(*_readings(rows[0][1], columns is not None, names), *found.notes))


def _readings(first: list[str], is_header: bool, names: Container[str]) -> Iterator[str]:
    """Yield how the first line, and with it the file, was read where it can be read otherwise."""
    named = " and ".join(map(shown, first[:2]))
    if not is_header:
        yield (
            f"each line was taken for an edge between two nodes, the first one of {named}; a table "
            "of rows with names of columns is asked for by --target COLUMN"
        )
    elif any(name in names for name in first):
        yield f"the first line, {named}, was taken for names of columns, not for an edge"


def _columns(names: list[str]) -> tuple[int, int, int | None] | None:
    """Return the columns of both ends and of the weight; None where the first line names none."""
    lowered = [name.lower() for name in names]

    def column(wanted: set[str]) -> int | None:
        return next((k for k, name in enumerate(lowered) if name in wanted), None)

    first, second = column(_ENDS), column(_OTHER_ENDS)
    if first is None or second is None or any(as_number(name) is not None for name in names):
        return None
    return first, second, column(_WEIGHTS)


def _csv_matrix(rows: list[tuple[int, list[str]]], meaning: str | None) -> Found:
    cells = [row for _, row in rows]
    if len(cells) > 1 and any(as_number(cell) is None for cell in cells[0]):
        named = [cell for cell in cells[0] if cell]
        cells = [row[1:] if len(row) == len(named) + 1 else row for row in cells[1:]]
        rows = rows[1:]
    n = len(cells)
    if n > MOST_ROWS:
        raise ValueError(f"got {n} rows; allowed: up to {MOST_ROWS}")
    for (number, _), row in zip(rows, cells, strict=True):
        if len(row) != n:
            got = f"line {number}: got {len(row)} values"
            raise ValueError(f"{got}; allowed: {n}, as many as rows")
    numbers = [
        [number_of(number, cell) for cell in row]
        for (number, _), row in zip(rows, cells, strict=True)
    ]
    return built.matrix(_entries(numbers), n, meaning)
