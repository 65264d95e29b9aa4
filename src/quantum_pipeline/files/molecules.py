"""Molecules: .xyz, with charge and multiplicity in its comment; extended and QM9; several frames.

    first line      the number of nuclei
    second line     a comment; of charge and multiplicity it may have "charge=1 multiplicity=2",
                    or nothing but the two numbers, as psi4 and ORCA have them
    a line each     element x y z in angstrom; the element by symbol, label (H1) or atomic number

In an extended file Properties=... in the comment has the columns. Numbers may have Fortran's
exponents (1.0D-3), or those of QM9 (1.0*^-3), after whose nuclei three more lines are passed over.

Sources: Open Babel's description of XYZ; the extended XYZ specification of libAtoms; Ramakrishnan
et al., Sci. Data 1, 140022 (2014) for QM9.
"""

from __future__ import annotations

import re
from typing import Any

from quantum_pipeline.chemistry.molecules import ELEMENTS
from quantum_pipeline.files.document import Document, Found
from quantum_pipeline.files.lines import (
    MOST_VARIABLES,
    MOST_WORDS,
    RawLine,
    as_number,
    integer,
    is_integer,
    number_of,
    raw_lines,
    wrong,
)
from quantum_pipeline.files.triples import chosen
from quantum_pipeline.problems.chemistry import LONGEST_COMMENT
from quantum_pipeline.wording import refusal

_LABEL = re.compile(r"([A-Za-z]{1,2})(?:[\d_(\-'*].*)?")
_CHARGE = re.compile(r"\b(?:total_)?charge\s*[=:]\s*([+-]?\d{1,2})\b", re.IGNORECASE)
_MULTIPLICITY = re.compile(
    r"\b(?:multiplicity|multip|mult|spin_multiplicity)\s*[=:]\s*(\d{1,2})\b", re.IGNORECASE
)
_PAIR = re.compile(r"\s*([+-]?\d{1,2})\s+([1-9]\d?)\s*")
_PROPERTIES = re.compile(r"\bProperties\s*=\s*\"?([A-Za-z0-9_:]+)", re.IGNORECASE)
_ISOTOPES = {"D": "H", "T": "H"}
_OF_QM9 = 3
"""Lines after the nuclei: frequencies, SMILES, InChI."""


def read_xyz(document: Document) -> Found:
    """Read one geometry of an .xyz file."""
    frames = _frames(raw_lines(document.data))
    frame = frames[chosen(document.frame, len(frames), "geometries")]
    said = frame[1].content.decode("utf-8", "replace")
    columns = _columns(said, frame[1].number)
    notes: dict[str, None] = {}
    nuclei = []
    needed = max(columns[0] + 1, columns[1] + 3)
    for line in frame[2:]:
        words = line.words(max(MOST_WORDS, needed))
        if len(words) < needed:
            raise wrong(line.number, words, '"element x y z"')
        element = _element(line.number, words[columns[0]], notes)
        place = words[columns[1] : columns[1] + 3]
        nuclei.append([element, [number_of(line.number, w, fortran=True) for w in place]])
    problem: dict[str, Any] = {"type": "chemistry", "geometry": nuclei}
    if comment := " ".join(said.split())[:LONGEST_COMMENT]:
        problem["comment"] = comment
    electrons = _electrons(said)
    for name, value in electrons.items():
        problem[name] = value
        notes[f"{name} {value}, from the comment"] = None
    if "lattice" in said.lower():
        notes["the lattice was passed over: a molecule by itself, not a crystal"] = None
    if len(frames) > 1:
        notes[f"geometry {document.frame} of {len(frames)}"] = None
    return Found(problem, tuple(notes))


def _frames(raw: list[RawLine]) -> list[list[RawLine]]:
    """Return the lines of each geometry: the number of nuclei, the comment, the nuclei.

    Raises:
        ValueError: lines are missing, or too many; a comment that is not there is guessed.
    """
    while raw and not raw[-1].content.strip():
        raw.pop()
    frames: list[list[RawLine]] = []
    start = 0
    while start < len(raw) or not frames:
        words = raw[start].words() if raw else []
        number = raw[start].number if raw else 1
        if len(words) != 1:
            raise wrong(number, words, "the number of nuclei")
        n = integer(number, words[0], "nuclei", 1, MOST_VARIABLES)
        end = start + 2 + n
        if end > len(raw) or not all(line.content.strip() for line in raw[start + 2 : end]):
            raise _short(raw[start:], n)
        frames.append(raw[start:end])
        if raw[start + 1].content.lstrip().startswith(b"gdb "):
            end = len(raw) if len(raw) == end + _OF_QM9 else end
        start = end
        while start < len(raw) and not raw[start].content.strip():
            start += 1
        if start < len(raw) and len(raw[start].content.split()) != 1:
            raise wrong(*_first(raw), f"as many nuclei as lines follow the comment, {len(raw) - 2}")
    return frames


def _first(raw: list[RawLine]) -> tuple[int, list[str]]:
    return raw[0].number, raw[0].words()


def _short(raw: list[RawLine], n: int) -> ValueError:
    there = max(0, len(raw) - 2)
    if n == there + 1 and len(raw) > 1 and _is_nucleus(raw[1]):
        guess = (
            f"line {raw[1].number} looks like a nucleus, so the comment's line seems to be missing"
        )
        return ValueError(f"{guess}; allowed: a line for it after the first, empty or not")
    return wrong(*_first(raw), f"as many nuclei as lines follow the comment, {there}")


def _is_nucleus(line: RawLine) -> bool:
    words = line.content.decode("ascii", "replace").split()
    numbers = [as_number(word, fortran=True) for word in words[1:4]]
    return len(numbers) == 3 and None not in numbers


def _columns(said: str, number: int) -> tuple[int, int]:
    """Return the columns of the element and of x, of an extended file by its Properties."""
    found = _PROPERTIES.search(said)
    if not found:
        return 0, 1
    parts = found[1].split(":")
    places: dict[str, int] = {}
    column = 0
    for name, _, width in zip(parts[::3], parts[1::3], parts[2::3], strict=False):
        places[name.lower()] = column
        column += int(width) if is_integer(width) else 1
    element = places.get("species", places.get("element", places.get("z")))
    if element is None or "pos" not in places or column > 100:
        raise ValueError(
            refusal(f"line {number}, Properties", found[1], "species:S:1:pos:R:3, and others")
        )
    return element, places["pos"]


def _element(number: int, word: str, notes: dict[str, None]) -> str:
    """Return the element that a symbol, a label or an atomic number names."""
    if is_integer(word):
        charge = integer(number, word, "element", 1, len(ELEMENTS))
        return ELEMENTS[charge - 1]
    label = _LABEL.fullmatch(word)
    symbol = (label[1] if label else word).capitalize()
    if symbol in _ISOTOPES:
        notes[f"{symbol} is computed as {_ISOTOPES[symbol]}: nuclei are at rest"] = None
        symbol = _ISOTOPES[symbol]
    if symbol not in ELEMENTS:
        allowed = f"elements {ELEMENTS[0]} to {ELEMENTS[-1]}, by symbol or atomic number"
        raise ValueError(refusal(f"line {number}, element", word, allowed))
    return symbol


def _electrons(said: str) -> dict[str, int]:
    """Return charge and multiplicity as far as a comment has them.

    >>> _electrons("0 3"), _electrons("water, charge=-1 mult=2"), _electrons("2 frames")
    ({'charge': 0, 'multiplicity': 3}, {'charge': -1, 'multiplicity': 2}, {})
    """
    if pair := _PAIR.fullmatch(said):
        return {"charge": int(pair[1]), "multiplicity": int(pair[2])}
    charge, multiplicity = _CHARGE.search(said), _MULTIPLICITY.search(said)
    found = {}
    if charge:
        found["charge"] = int(charge[1])
    if multiplicity:
        found["multiplicity"] = int(multiplicity[1])
    return found
