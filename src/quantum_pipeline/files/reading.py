"""Reads a file as what it is: by ``--as``, its suffix, how it begins, or the form of its lines.

Where lines of numbers can be read in several ways, each reader tries. What no reader of a way can
take is out, and so is a reading whose best answer is seen without computing anything, if another
has none such: weights of a graph are no QUBO just because they could be. What is left is read if it
is one, and refused with all of them if not.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import PurePath
from typing import Any, NamedTuple

from quantum_pipeline.errors import InvalidRequest
from quantum_pipeline.files import json_forms
from quantum_pipeline.files.built import SeveralReadings
from quantum_pipeline.files.content import unpacked
from quantum_pipeline.files.document import Document, Found
from quantum_pipeline.files.formats import (
    FORMATS,
    JSON_FORMS,
    MEANINGS,
    NUMBERS_FIRST,
    OF_SUFFIX,
    SUFFIXES,
    by_beginning,
)
from quantum_pipeline.files.lines import MOST_WORDS, Line, is_integer, lines_of
from quantum_pipeline.files.triples import COMMENTS, vartype_of
from quantum_pipeline.problems import PROBLEM_TYPES, BinaryProblem
from quantum_pipeline.requests.request import MAX_OBJECT_BYTES, parse_problem
from quantum_pipeline.wording import refusal, shown

ON_GRAPHS = tuple(
    name
    for name in ("max_independent_set", "min_vertex_cover", "max_clique", "graph_coloring")
    if name in PROBLEM_TYPES
)
"""Types beside maxcut that a graph is enough for: ``--as`` takes them too."""

AS = (*FORMATS, *MEANINGS, *ON_GRAPHS)
"""All that ``--as`` takes."""

_UNIT_WEIGHT_GRAPHS = re.compile(
    r"(?:G\d{1,2}|g05|pm1[sd]|p?w\d\d|ising|t[23]g|toru?s)(?:\b|_|[\d.]).*", re.I
)
"""Names of the Gset and of Biq Mac's graphs, whose weights may be negative."""

_WAYS = {
    "rudy": "a graph: its largest cut",
    "edges": "edges of a graph: its largest cut",
    "coo": "terms of a QUBO: minimised",
    "bqp": "a QUBO, x^T Q x maximised",
    "bq": "a QUBO, minimised",
    "xyz": "a molecule",
}


class Read(NamedTuple):
    """A file's request as JSON, and the format that it was read as; None if it is a request."""

    request: Any
    format: str | None = None
    notes: tuple[str, ...] = ()


def read(
    data: bytes,
    name: str,
    *,
    as_: str | None = None,
    frame: int | None = None,
    target: str | None = None,
) -> Read:
    """Return the request in a file.

    Args:
        data: its content, which may be compressed.
        name: the file's; a refusal begins with it.
        as_: a format, or what its numbers mean: one of AS; None to find out.
        frame: which of several problems or geometries, from 1.
        target: the column of a table that is to be predicted.

    Raises:
        InvalidRequest: names the file, the line and what is allowed; or all ways to read it.

    >>> read(b"0 0 -1\\n0 1 2\\n", "pair.txt").request["problem"]
    {'type': 'qubo', 'linear': [-1.0, 0.0], 'quadratic': [[0, 1, 2.0]]}
    >>> read(b"2 1\\n1 2\\n", "edge.mc").request["source"]["format"]
    'rudy'
    """
    try:
        content, plain_name = unpacked(data, name, MAX_OBJECT_BYTES)
        document = Document(plain_name, content, _meaning(as_), frame, target)
        return _read(document, as_)
    except ModuleNotFoundError as error:
        needs = f"it is read by {error.name}, which is not installed"
        raise InvalidRequest(f"{name}: {needs}; allowed: quantum-pipeline[files]") from None
    except ValueError as error:
        raise InvalidRequest(f"{name}: {error}") from None


def _meaning(as_: str | None) -> str | None:
    if as_ is None or as_ in MEANINGS:
        return as_
    if as_ in ON_GRAPHS:
        return "maxcut"
    if as_ in FORMATS or as_ == "json":
        return None
    raise ValueError(refusal("--as", as_, f"one of {', '.join(AS)}"))


def _read(document: Document, as_: str | None) -> Read:
    name = _format_of(document, as_)
    if name == "json":
        return _read_json(document, as_)
    if name is not None:
        found = FORMATS[name].read(document)
    else:
        name, found = _by_form(document)
    return _as_request(document, name, found, as_)


def _format_of(document: Document, as_: str | None) -> str | None:
    """Return the name of a file's format, None where its lines have to tell."""
    if as_ in FORMATS or as_ == "json":
        return as_
    beginning = by_beginning(document.data)
    if document.target is not None and "json" not in (beginning, document.suffix.lstrip(".")):
        return "table"
    if document.suffix == ".qubo" and beginning != "qbsolv":
        return None
    named = "json" if document.suffix == ".json" else OF_SUFFIX.get(document.suffix)
    return named or beginning


def _as_request(document: Document, name: str, found: Found, as_: str | None) -> Read:
    """Return the request of a problem that was read, with where it is from."""
    problem, notes = found.problem, found.notes
    if as_ in ON_GRAPHS:
        if problem["type"] != "maxcut":
            raise ValueError(refusal("--as", as_, f"{problem['type']}: the file holds no graph"))
        problem = {**problem, "type": as_}
    elif as_ in MEANINGS and problem["type"] != as_:
        raise ValueError(refusal("--as", as_, f"{problem['type']}, as which {name} is read"))
    file = PurePath(document.name).name[-200:]
    source = {"file": file, "format": name, "notes": list(notes)}
    return Read({"problem": problem, "source": source}, name, notes)


def _read_json(document: Document, as_: str | None) -> Read:
    value = json_forms.value_of(document)
    json_forms.check_request(value, document.name)
    form = json_forms.form_of(value)
    if form is None:
        if as_ not in (None, "json"):
            raise ValueError(refusal("--as", as_, "nothing beside a request, which says it itself"))
        return Read(value)
    found = json_forms.read(value, form)
    name = form.strip()
    read = _as_request(document, name, found, None if as_ == "json" else as_)
    return read._replace(format=JSON_FORMS[name])


# --- lines of numbers ----------------------------------------------------------------------------


def _by_form(document: Document) -> tuple[str, Found]:
    """Return the only format as which lines of numbers can be read, and what is found.

    Raises:
        ValueError: none, or several.
    """
    lines = _numbered_lines(document)
    readings: dict[str, Found] = {}
    several: dict[str, str] = {}
    refusals: list[str] = []
    for name in _candidates(document, lines):
        try:
            readings[name] = FORMATS[name].read(document)
        except SeveralReadings as error:
            several |= error.readings
        except ValueError as error:
            refusals.append(str(error))
    readings = {name: each for name, each in readings.items() if _is_meant(each, document.meaning)}
    kept = _most_telling(_without_trivial(readings, several), document)
    if len(kept) == 1 and not several:
        return next(iter(kept.items()))
    if kept or several:
        ways = {name: _WAYS.get(name, FORMATS[name].what) for name in kept}
        if "bqp" in ways:
            ways["bq"] = _WAYS["bq"]
        raise SeveralReadings(ways | several)
    if not refusals and document.meaning:
        raise ValueError(refusal("--as", document.meaning, "another reading: it is none of these"))
    raise _none(lines, refusals, sized=_begins_with_sizes(lines))


def _numbered_lines(document: Document) -> list[Line]:
    """Return a file's lines, which hold numbers in some form.

    Raises:
        ValueError: they do not; names the suffixes of what is read.
    """
    try:
        lines = lines_of(document.data, COMMENTS)
    except ValueError as error:
        if "UTF-8" in str(error) and document.suffix not in (*NUMBERS_FIRST, *SUFFIXES):
            raise ValueError(f"{error}; {_unknown(document)}") from None
        raise
    if any(is_integer(word) or _begins_number(word) for word in lines[0][1]):
        return lines
    raise ValueError(_unknown(document))


def _begins_number(word: str) -> bool:
    return word[:1] in "-+.0123456789"


def _unknown(document: Document) -> str:
    what = f"{shown(document.suffix)} is no suffix that is read" if document.suffix else "no suffix"
    if document.suffix in NUMBERS_FIRST:
        what = "its first line begins none of the forms that are read without a suffix"
    return f"{what}; allowed: {', '.join(SUFFIXES)}, each also with .gz or .bz2, or --as FORMAT"


def _candidates(document: Document, lines: list[Line]) -> Iterator[str]:
    """Yield the formats whose readers are to try: those that the number of words and lines fits."""
    first, n = lines[0][1], len(lines)
    if document.meaning == "ising" or vartype_of(document):
        yield "coo"
        return
    sizes = _begins_with_sizes(lines)
    if len(first) == 1:
        yield from ("xyz", "bqp")
    elif document.meaning == "qubo":
        yield "bq" if sizes else "coo"
    elif sizes:
        yield from ("rudy", "bqp")
    elif len(first) in (2, 3):
        yield from ("rudy",) if first[1] == str(n - 1) else ()
        yield from ("edges", "coo") if len(first) == 3 else ("edges",)
    if first == [str(n - 1)] or n == len(first) or (n > MOST_WORDS and len(first) > MOST_WORDS):
        yield "dense"


def _begins_with_sizes(lines: list[Line]) -> bool:
    """Return whether the first line can be no entry: it is as large as any, and new."""
    rows = [words[:2] for _, words in lines]
    if not all(len(row) == 2 and all(map(is_integer, row)) for row in rows):
        return False
    (n, m), *entries = [(int(a), int(b)) for a, b in rows]
    ends = {end for entry in entries for end in entry}
    if not ends or min(ends) < 1:
        return False
    repeated = n == m or (n, m) in entries or (m, n) in entries
    return n >= max(ends) and (repeated or not {n, m} <= ends)


def _is_meant(found: Found, meaning: str | None) -> bool:
    """Return whether a reading is of the type that was asked for, and its names are no numbers."""
    problem = found.problem
    names = [name for name in problem.get("node_labels", ()) if isinstance(name, str)]
    return meaning in (None, problem["type"]) and not any(map(_begins_number, names))


def _without_trivial(readings: dict[str, Found], several: dict[str, str]) -> dict[str, Found]:
    """Leave out the readings whose optimum is seen at once, unless all are such."""
    if len(readings) + len(several) < 2:
        return readings
    telling = {name: found for name, found in readings.items() if not _is_trivial(found)}
    return telling if telling or several else readings


def _is_trivial(found: Found) -> bool:
    try:
        problem = parse_problem(found.problem)
    except InvalidRequest:
        return False
    return isinstance(problem, BinaryProblem) and problem.trivial_optimum is not None


def _most_telling(readings: dict[str, Found], document: Document) -> dict[str, Found]:
    """Take the graph where its weights are those of the collections of graphs."""
    if set(readings) != {"rudy", "bqp"}:
        return readings
    sizes = {abs(weight) for *_, weight in readings["rudy"].problem["edges"]}
    known = _UNIT_WEIGHT_GRAPHS.fullmatch(PurePath(document.name).name)
    return {"rudy": readings["rudy"]} if known or sizes == {1.0} else readings


def _none(lines: list[Line], refusals: Iterable[str], *, sized: bool) -> ValueError:
    """Return the refusal of what no reader takes: that of the reader that came furthest."""
    refusals = list(refusals)
    if not refusals or len(lines[0][1]) > 3:
        allowed = '"nodes edges" to begin rudy, "i j value" to begin COOrdinate, or a square matrix'
        return ValueError(refusal(f"line {lines[0][0]}", " ".join(lines[0][1]), allowed))
    other = "; or --as edges or --as coo, if the first line is no line of sizes" if sized else ""
    return ValueError(max(refusals, key=_line_named) + other)


def _line_named(sentence: str) -> int:
    found = re.match(r"line (\d+)", sentence)
    return int(found[1]) if found else 0
