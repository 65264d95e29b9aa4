"""Cities in TSPLIB form, for the shortest tour: distances by a rule, or a table.

    EUC_2D EUC_3D    straight lines, rounded          CEIL_2D   rounded up
    MAN_2D MAN_3D    sum of the differences, rounded  ATT       pseudo-Euclidean, rounded up
    MAX_2D MAX_3D    the largest difference, rounded  GEO       kilometres on a sphere, from DDD.MM
    EXPLICIT         a table: FULL_MATRIX, or one of its halves row by row or column by column

Source: G. Reinelt, TSPLIB 95, sections 1 and 2. The networks that it has beside tours are refused.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from quantum_pipeline.files.document import Document, Found
from quantum_pipeline.files.lines import RawLine, integer, number_of, raw_lines, wrong
from quantum_pipeline.problems.formed import MAX_BITS
from quantum_pipeline.wording import refusal, shown

MOST_CITIES = math.isqrt(MAX_BITS) + 1
"""A tour through n takes (n - 1)^2 bits."""

_EARTH_KM = 6378.388
_PI = 3.141592
"""As TSPLIB has it: tours are compared with those that are published."""

Place = Sequence[float]


def _nearest(x: float) -> int:
    return math.floor(x + 0.5)


def _attractive(a: Place, b: Place) -> int:
    return math.ceil(math.sqrt(math.dist(a, b) ** 2 / 10))


def _radians(degrees: float) -> float:
    """Return an angle given as DDD.MM, minutes behind the point."""
    whole = math.trunc(degrees)
    return _PI * (whole + 5 * (degrees - whole) / 3) / 180


def _on_a_sphere(a: Place, b: Place) -> int:
    (one, at), (other, there) = (map(_radians, each) for each in (a, b))
    q1, q2, q3 = math.cos(at - there), math.cos(one - other), math.cos(one + other)
    angle = math.acos(max(-1.0, min(1.0, 0.5 * ((1 + q1) * q2 - (1 - q1) * q3))))
    return int(_EARTH_KM * angle + 1)


def _differences(a: Place, b: Place) -> list[float]:
    return [abs(x - y) for x, y in zip(a, b, strict=True)]


_RULES: dict[str, Callable[[Place, Place], int]] = {
    "EUC": lambda a, b: _nearest(math.dist(a, b)),
    "CEIL": lambda a, b: math.ceil(math.dist(a, b)),
    "MAN": lambda a, b: _nearest(sum(_differences(a, b))),
    "MAX": lambda a, b: max(map(_nearest, _differences(a, b))),
    "ATT": _attractive,
    "GEO": _on_a_sphere,
}
_TYPES = {
    **{f"{rule}_{d}D": (rule, d) for rule in ("EUC", "MAN", "MAX") for d in (2, 3)},
    "CEIL_2D": ("CEIL", 2),
    "ATT": ("ATT", 2),
    "GEO": ("GEO", 2),
}
"""The rule and the number of coordinates, by EDGE_WEIGHT_TYPE."""

_TABLES = (
    "FULL_MATRIX",
    *(f"{half}{diagonal}_{way}" for half in ("UPPER", "LOWER") for diagonal in ("", "_DIAG")
      for way in ("ROW", "COL")),
)  # fmt: skip
_SECTIONS = ("NODE_COORD_SECTION", "EDGE_WEIGHT_SECTION", "DISPLAY_DATA_SECTION")


class _Content(NamedTuple):
    """What stands in a file: the words of its header, and the lines of its sections."""

    header: dict[str, tuple[int, str]]
    sections: dict[str, list[RawLine]]

    def value(self, name: str, allowed: Sequence[str], default: str | None = None) -> str:
        """Return a word of the header, one of those that are allowed.

        Raises:
            ValueError: names it and its line; or it is missing.
        """
        number, found = self.header.get(name, (0, default))
        if found is None:
            raise ValueError(f"{name}: missing; allowed: {', '.join(allowed)}")
        if found.upper() not in allowed:
            raise ValueError(refusal(f"line {number}, {name}", found, ", ".join(allowed)))
        return found.upper()


def read_tsplib(document: Document) -> Found:
    """Read the cities of a tour, their ways symmetric or not."""
    content = _content(raw_lines(document.data))
    content.value("TYPE", ("TSP", "ATSP"), "TSP")
    number, words = content.header.get("DIMENSION", (1, ""))
    n = integer(number, words, "DIMENSION", 3, MOST_CITIES)
    kind = content.value("EDGE_WEIGHT_TYPE", ("EXPLICIT", *_TYPES))
    problem: dict[str, Any] = {"type": "tsp"}
    if kind == "EXPLICIT":
        problem["distances"], notes = _table(content, n)
        shown_at = _places(content, "DISPLAY_DATA_SECTION", n, 2)
        cities = list(shown_at) or list(range(1, n + 1))
    else:
        rule, dimensions = _TYPES[kind]
        places = _places(content, "NODE_COORD_SECTION", n, dimensions)
        if not places:
            raise ValueError("NODE_COORD_SECTION: missing; allowed: a line for each city")
        cities, notes = list(places), (f"distances by the rule of {kind}, whole numbers",)
        way = _RULES[rule]
        problem["distances"] = [
            [0 if a == b else way(places[a], places[b]) for b in cities] for a in cities
        ]
        shown_at = places if dimensions == 2 else {}
    if shown_at:
        east_first = slice(None, None, -1 if kind == "GEO" else 1)
        problem["coordinates"] = [list(shown_at[city][east_first]) for city in cities]
    return Found({**problem, "cities": cities}, notes)


def _content(lines: list[RawLine]) -> _Content:
    """Return the header's words and the sections' lines.

    Raises:
        ValueError: a line that is neither, or a section that tours do not have.
    """
    found = _Content({}, {})
    section: list[RawLine] | None = None
    for line in lines:
        words = line.words()
        if not words:
            continue
        name, colon, value = line.content.decode().partition(":")
        name = name.strip().upper()
        if name == "EOF":
            break
        if name in _SECTIONS:
            section = found.sections.setdefault(name, [])
        elif name.endswith("_SECTION"):
            raise wrong(line.number, [name], f"the sections of a tour: {', '.join(_SECTIONS)}")
        elif colon and name.replace("_", "").isalpha():
            found.header[name] = line.number, value.strip()
            section = None
        elif section is not None:
            section.append(line)
        else:
            raise wrong(line.number, words, '"NAME : value", as DIMENSION : 5, or a section')
    return found


def _places(content: _Content, section: str, n: int, dimensions: int) -> dict[int, list[float]]:
    """Return the coordinates of each city by its number, nothing where there is no such section."""
    places: dict[int, list[float]] = {}
    lines = content.sections.get(section, [])
    for line in lines:
        words = line.words()
        if len(words) != 1 + dimensions:
            raise wrong(line.number, words, f"a city's number and its {dimensions} coordinates")
        city = integer(line.number, words[0], "city", 0, 10**9)
        if city in places:
            raise wrong(line.number, words, "each city once")
        places[city] = [number_of(line.number, word) for word in words[1:]]
    if lines and len(places) != n:
        raise ValueError(refusal(section, len(places), f"{n} cities, as many as DIMENSION says"))
    return places


def _table(content: _Content, n: int) -> tuple[list[list[float]], tuple[str, ...]]:
    """Return a table of distances, zeros on its diagonal, and what is to be said of those."""
    form = content.value("EDGE_WEIGHT_FORMAT", _TABLES)
    lines = content.sections.get("EDGE_WEIGHT_SECTION", [])
    numbers = [
        number_of(line.number, word) for line in lines for word in line.words(MOST_CITIES**2)
    ]
    cells = _cells(form, n)
    if len(numbers) != len(cells):
        allowed = f"{len(cells)}, as {form} of {n} cities has"
        raise ValueError(f"EDGE_WEIGHT_SECTION: got {len(numbers)} numbers; allowed: {allowed}")
    table = [[0.0] * n for _ in range(n)]
    diagonal = {0.0}
    for (i, j), value in zip(cells, numbers, strict=True):
        if i == j:
            diagonal.add(value)
            continue
        table[i][j] = value
        if form != "FULL_MATRIX":
            table[j][i] = value
    uneven = any(table[i][j] != table[j][i] for i in range(n) for j in range(i))
    notes = ["the ways there and back differ"] if uneven else []
    if diagonal != {0.0}:
        notes.append(f"{shown(max(diagonal))} on the diagonal was passed over")
    return table, tuple(notes)


def _cells(form: str, n: int) -> list[tuple[int, int]]:
    """Return the cells of a table in the order in which a form lists them.

    >>> _cells("UPPER_ROW", 3), _cells("LOWER_DIAG_COL", 2)
    ([(0, 1), (0, 2), (1, 2)], [(0, 0), (1, 0), (1, 1)])
    """
    if form == "FULL_MATRIX":
        return [(i, j) for i in range(n) for j in range(n)]
    upper, by_row, diagonal = form.startswith("UPPER"), form.endswith("ROW"), "DIAG" in form
    pairs = ((i, j) if by_row else (j, i) for i in range(n) for j in range(n))
    return [(i, j) for i, j in pairs if (i < j if upper else i > j) or (diagonal and i == j)]
