"""Reads problems from text files: rudy (graphs), COOrdinate (QUBO, Ising) and xyz (molecules).

    rudy          first line "n m", then m lines "i j" or "i j weight"; nodes counted from 1
                  -> maxcut; the nodes keep their numbers as names
    COOrdinate    lines "i j value"; variables counted from 0, i = j is a linear term
                  -> ising after a line "# vartype=SPIN", qubo after "# vartype=BINARY" or neither
    xyz           first line the number of nuclei, second a comment, then as many lines
                  "element x y z" in angstrom; more on a line is passed over
                  -> chemistry, by its geometry

Blank lines and, but in xyz, lines that begin with # are passed over. The file's suffix gives the
form, and where it does not (.txt), the first line does: two numbers for rudy, three for COOrdinate.
Lines end in a line feed, a carriage return or both, and in nothing else that Unicode calls a break:
what is passed over may hold any bytes. All else is UTF-8, words are apart by spaces or tabs, and
numbers are those of ASCII digits, not all that Python reads (1_000, full-width digits).

Sources: the Biq Mac library's format; dimod.serialization.coo; Open Babel's description of XYZ.
"""

from __future__ import annotations

import math
import re
from codecs import BOM_UTF8
from pathlib import PurePath
from typing import Any, NamedTuple

from quantum_pipeline.errors import InvalidRequest
from quantum_pipeline.problems.base import MAX_TERMS
from quantum_pipeline.problems.chemistry import LONGEST_COMMENT
from quantum_pipeline.wording import refusal

RUDY_SUFFIXES = frozenset({".mc", ".rud", ".rudy"})
COO_SUFFIXES = frozenset({".coo"})
XYZ_SUFFIXES = frozenset({".xyz"})
TEXT_SUFFIXES = RUDY_SUFFIXES | COO_SUFFIXES | XYZ_SUFFIXES | {".txt"}
MOST_VARIABLES = 100_000
"""No file with more is read; how many can be solved is decided later."""

MOST_LINES = MAX_TERMS + 2**12
"""No file with more is read: those of the most terms, and thousands of comments."""

MOST_WORDS = 8
"""Words of a line that are told apart; what follows them is one."""

_VARTYPE = re.compile(r"#\s*vartype\s*=\s*(\w*)", re.IGNORECASE | re.ASCII)
_LINE = re.compile(rb"([^\r\n]*)(?:\r\n|\r|\n|\Z)")
_NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?")
_BLANKS = " \t\v\f"

Line = tuple[int, list[str]]


class _Raw(NamedTuple):
    """A line as it stands in the file: its number, its first byte's, its bytes."""

    number: int
    start: int
    content: bytes

    def words(self) -> list[str]:
        """Return its words; ValueError names a byte that is not UTF-8."""
        try:
            self.content.decode()
        except UnicodeDecodeError as error:
            place = self.start + error.start + 1
            raise ValueError(f"byte {place} is not UTF-8; allowed: text in UTF-8") from None
        return [word.decode() for word in self.content.split(None, MOST_WORDS)]


def is_text_form(name: str) -> bool:
    """Return whether a file of that name is read by ``parse_text``, not as JSON.

    >>> is_text_form("g05_60.0.mc"), is_text_form("petersen.json")
    (True, False)
    """
    return PurePath(name).suffix.lower() in TEXT_SUFFIXES


def parse_text(content: str | bytes, name: str) -> dict[str, Any]:
    """Return the problem in a text file, as a request would give it.

    Args:
        content: of the file.
        name: of the file; its suffix gives the form, and a refusal begins with it.

    Raises:
        InvalidRequest: names the line, what stands there and what is allowed.

    >>> parse_text("2 1\\n1 2\\n", "edge.mc")
    {'type': 'maxcut', 'n_nodes': 2, 'node_labels': [1, 2], 'edges': [[0, 1, 1.0]]}
    >>> parse_text("0 0 -1\\n0 1 2\\n", "pair.txt")
    {'type': 'qubo', 'linear': [-1.0, 0.0], 'quadratic': [[0, 1, 2.0]]}
    >>> parse_text("1\\nhelium\\nHe 0 0 0\\n", "atom.xyz")
    {'type': 'chemistry', 'geometry': [['He', [0.0, 0.0, 0.0]]], 'comment': 'helium'}
    """
    data = content.encode("utf-8", "surrogatepass") if isinstance(content, str) else content
    if (lines := sum(map(data.count, b"\n\r")) - data.count(b"\r\n")) > MOST_LINES:
        raise InvalidRequest(f"{name}: got {lines} lines; allowed: up to {MOST_LINES}")
    try:
        return _read(_raw_lines(data), PurePath(name).suffix.lower())
    except ValueError as error:
        raise InvalidRequest(f"{name}: {error}") from None


def _raw_lines(data: bytes) -> list[_Raw]:
    first = len(BOM_UTF8) if data.startswith(BOM_UTF8) else 0
    found = enumerate(_LINE.finditer(data, first), start=1)
    return [_Raw(number, line.start(), line[1]) for number, line in found]


def _read(raw: list[_Raw], suffix: str) -> dict[str, Any]:
    if suffix in XYZ_SUFFIXES:
        return _read_xyz(raw)
    lines, vartype = _split(raw)
    if not lines:
        raise ValueError("got nothing; allowed: lines of numbers in rudy or COOrdinate form")
    number, words = lines[0]
    if suffix in RUDY_SUFFIXES or (suffix not in COO_SUFFIXES and len(words) == 2):
        return _read_rudy(lines)
    if suffix in COO_SUFFIXES or len(words) == 3:
        return _read_coo(lines, vartype)
    raise _wrong(number, words, '"nodes edges" to begin rudy, "i j value" to begin COOrdinate')


def _split(raw: list[_Raw]) -> tuple[list[Line], str]:
    """Return the words of each line that counts, with its number, and the vartype."""
    lines: list[Line] = []
    vartype = "BINARY"
    for line in raw:
        comment = line.content.decode("ascii", "replace").strip(_BLANKS)
        if header := _VARTYPE.match(comment):
            vartype = header[1].upper()
            if vartype not in ("SPIN", "BINARY"):
                raise _wrong(line.number, [comment], "vartype=SPIN or vartype=BINARY")
        elif not comment.startswith("#") and (words := line.words()):
            lines.append((line.number, words))
    return lines, vartype


def _read_rudy(lines: list[Line]) -> dict[str, Any]:
    number, words = lines[0]
    if len(words) != 2:
        raise _wrong(number, words, 'two numbers, "nodes edges"')
    n = _integer(number, words[0], "nodes", 1, MOST_VARIABLES)
    m = _integer(number, words[1], "edges", 1, MAX_TERMS)
    if len(lines) - 1 != m:
        raise _wrong(number, words, f"as many edges as lines follow, {len(lines) - 1}")
    first_line: dict[frozenset[int], int] = {}
    edges = []
    for number, words in lines[1:]:
        if len(words) not in (2, 3):
            raise _wrong(number, words, '"i j" or "i j weight"')
        i, j = (_integer(number, word, "node", 1, n) for word in words[:2])
        first = first_line.setdefault(frozenset((i, j)), number)
        if i == j:
            raise _wrong(number, words, "two different nodes")
        if first != number:
            raise _wrong(number, words, f"each edge once; it stands in line {first} already")
        edges.append([i - 1, j - 1, _number(number, words[2]) if len(words) == 3 else 1.0])
    return {
        "type": "maxcut",
        "n_nodes": n,
        "node_labels": list(range(1, n + 1)),
        "edges": edges,
    }


def _read_coo(lines: list[Line], vartype: str) -> dict[str, Any]:
    linear: dict[int, float] = {}
    quadratic = []
    for number, words in lines:
        if len(words) != 3:
            raise _wrong(number, words, 'three numbers, "i j value"')
        i, j = (_integer(number, word, "variable", 0, MOST_VARIABLES - 1) for word in words[:2])
        value = _number(number, words[2])
        linear[i] = linear.get(i, 0.0) + (value if i == j else 0.0)
        linear.setdefault(j, 0.0)
        if i != j:
            quadratic.append([i, j, value])
    dense = [linear.get(i, 0.0) for i in range(max(linear) + 1)]
    if vartype == "SPIN":
        return {"type": "ising", "fields": dense, "couplings": quadratic}
    return {"type": "qubo", "linear": dense, "quadratic": quadratic}


def _read_xyz(raw: list[_Raw]) -> dict[str, Any]:
    # The comment may be in any encoding: it takes no part, but is kept as far as it is text.
    lines = [(line.number, line.words() if line.number != 2 else []) for line in raw]
    while lines and not lines[-1][1]:
        lines.pop()
    number, words = lines[0] if lines else (1, [])
    if len(words) != 1:
        raise _wrong(number, words, "the number of nuclei")
    n = _integer(number, words[0], "nuclei", 1, MOST_VARIABLES)
    if len(lines) - 2 != n:
        allowed = f"as many nuclei as lines follow the comment, {max(0, len(lines) - 2)}"
        raise _wrong(number, words, allowed)
    nuclei = []
    for number, words in lines[2:]:
        if len(words) < 4:
            raise _wrong(number, words, '"element x y z"')
        nuclei.append([words[0].capitalize(), [_number(number, word) for word in words[1:4]]])
    said = " ".join(raw[1].content.decode("utf-8", "replace").split())[:LONGEST_COMMENT]
    return {"type": "chemistry", "geometry": nuclei, **({"comment": said} if said else {})}


def _integer(number: int, word: str, what: str, lowest: int, highest: int) -> int:
    if len(word) <= 12 and word.isascii() and word.isdigit() and lowest <= int(word) <= highest:
        return int(word)
    allowed = f"an integer from {lowest} to {highest}"
    raise ValueError(refusal(f"line {number}, {what}", word, allowed))


def _number(number: int, word: str) -> float:
    value = float(word) if _NUMBER.fullmatch(word) else math.nan
    if not math.isfinite(value):
        raise ValueError(refusal(f"line {number}, value", word, "a finite number"))
    return value


def _wrong(number: int, words: list[str], allowed: str) -> ValueError:
    return ValueError(refusal(f"line {number}", " ".join(words), allowed))
