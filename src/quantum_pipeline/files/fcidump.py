"""FCIDUMP: integrals over orthonormal orbitals, as Molpro, PySCF, Psi4 and others write them.

    &FCI NORB=2, NELEC=2, MS2=0, ORBSYM=1,1, ISYM=1, &END       header, over lines, to &END or /
    0.6746 1 1 1 1          (ij|kl), one of the eight that are equal
    -1.2525 1 1 0 0         h_ij          -0.5782 1 0 0 0   an orbital's energy, passed over
    0.7151 0 0 0 0          the energy of nuclei and of frozen electrons

Orbitals count from 1, what is not given is 0, and numbers may have Fortran's exponents. MS2 is the
number of unpaired electrons. Symmetries are passed over: the state of lowest energy is looked for.

Source: P. J. Knowles, N. C. Handy, Comput. Phys. Commun. 54, 75 (1989).
"""

from __future__ import annotations

import re
from typing import NamedTuple

from quantum_pipeline.files.document import Document, Found
from quantum_pipeline.files.lines import RawLine, integer, number_of, raw_lines, wrong
from quantum_pipeline.problems.chemistry import MOST_ORBITALS
from quantum_pipeline.wording import refusal

_FIELD = re.compile(r"([A-Z]\w*)\s*=\s*([^=]*?)(?=[\s,]*(?:[A-Z]\w*\s*=|$))", re.IGNORECASE)
_END = re.compile(r"&END|\$END|/", re.IGNORECASE)
_MOST_HEADER_LINES = 200


class _Header(NamedTuple):
    fields: dict[str, str]
    lines: list[RawLine]
    """Those after it."""

    def integer(self, name: str, lowest: int, highest: int, default: str | None = None) -> int:
        """Return a field's integer; ValueError names it where it is missing or another."""
        word = self.fields.get(name, default)
        if word is None:
            raise ValueError(f"{name}: missing; allowed: an integer from {lowest} to {highest}")
        sign, digits = (-1, word[1:]) if word.startswith("-") else (1, word)
        if not (digits.isascii() and digits.isdigit() and len(digits) < 9):
            raise ValueError(refusal(name, word, f"an integer from {lowest} to {highest}"))
        value = sign * int(digits)
        if not lowest <= value <= highest:
            raise ValueError(refusal(name, value, f"an integer from {lowest} to {highest}"))
        return value


class _Elements:
    """The distinct elements of a symmetric matrix, each given once or alike."""

    def __init__(self, n: int) -> None:
        self.values: list[float | None] = [None] * (n * (n + 1) // 2)

    def set(self, i: int, j: int, value: float) -> bool:
        """Set an element; return whether there was no other one."""
        place = _place(i, j)
        before, self.values[place] = self.values[place], value
        return before is None or abs(before - value) <= 1e-8 * max(1.0, abs(value))

    @property
    def filled(self) -> list[float]:
        """All of them; those that were not given are 0."""
        return [value or 0.0 for value in self.values]


def _place(i: int, j: int) -> int:
    """Return the place of a pair, row by row of the lower triangle.

    >>> _place(0, 0), _place(1, 2), _place(2, 1)
    (0, 4, 4)
    """
    high, low = max(i, j), min(i, j)
    return high * (high + 1) // 2 + low


def read_fcidump(document: Document) -> Found:
    """Read the integrals of a molecule, or of any electrons in orthonormal orbitals."""
    header = _header(raw_lines(document.data))
    n = header.integer("NORB", 1, MOST_ORBITALS)
    electrons = header.integer("NELEC", 1, 2 * n)
    unpaired = abs(header.integer("MS2", -electrons, electrons, "0"))
    one, two, core = _Elements(n), _Elements(n * (n + 1) // 2), 0.0
    for line in header.lines:
        words = line.words()
        if not words:
            continue
        value, (i, j, k, m) = _entry(line.number, words, n)
        if k:
            if not (i and j and m):
                raise wrong(line.number, words, '"value i j k l", "value i j 0 0" or all four 0')
            same = two.set(_place(i - 1, j - 1), _place(k - 1, m - 1), value)
        elif j:
            same = one.set(i - 1, j - 1, value)
        else:
            same, core = True, core if i else value  # an orbital's energy says nothing more
        if not same:
            raise wrong(line.number, words, "each integral once, or the equal ones alike")
    problem = {
        "type": "chemistry",
        "integrals": {
            "n_orbitals": n,
            "n_electrons": electrons,
            "core_energy": core,
            "one_electron": one.filled,
            "two_electron": two.filled,
        },
        "multiplicity": unpaired + 1,
    }
    return Found(problem, tuple(_notes(header)))


def _entry(number: int, words: list[str], n: int) -> tuple[float, list[int]]:
    if words[0].startswith("("):
        raise wrong(number, words, "real integrals")
    if len(words) != 5:
        raise wrong(number, words, '"value i j k l"')
    places = [integer(number, word, "orbital", 0, n) for word in words[1:]]
    return number_of(number, words[0], fortran=True), places


def _header(lines: list[RawLine]) -> _Header:
    """Return the fields of the header, in capitals, and the lines after it.

    Raises:
        ValueError: there is none, it does not end, or it speaks of other integrals.
    """
    parts = list[str]()
    for position, line in enumerate(lines[:_MOST_HEADER_LINES]):
        words = line.words()
        text = line.content.decode()
        if not parts and words and not re.match(r"\s*[&$]FCI\b", text, re.IGNORECASE):
            raise wrong(line.number, words, '"&FCI NORB=..., NELEC=..., MS2=..." to begin FCIDUMP')
        end = _END.search(text)
        parts.append(text[: end.start()] if end else text)
        if end:
            said = re.sub(r"^\s*[&$]FCI", "", " ".join(parts), flags=re.IGNORECASE)
            fields = {name.upper(): value.strip(" ,\t") for name, value in _FIELD.findall(said)}
            _check(fields)
            return _Header(fields, lines[position + 1 :])
    raise ValueError("the header does not end; allowed: &END or / after it")


def _check(fields: dict[str, str]) -> None:
    for name in ("IUHF", "UHF", "TREL"):
        value = fields.get(name, "0").strip(".").upper()
        if value not in ("0", "F", "FALSE"):
            raise ValueError(refusal(name, fields[name], "one set of real orbitals for both spins"))


def _notes(header: _Header) -> list[str]:
    symmetry = header.fields.get("ISYM", "1")
    if symmetry in ("0", "1"):
        return []
    return [f"ISYM={symmetry} was passed over: the lowest state of any symmetry is looked for"]
