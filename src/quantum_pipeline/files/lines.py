"""Lines, words and numbers of text files.

Lines end in a line feed, a carriage return or both, and in nothing else that Unicode calls a break:
what is passed over may hold any bytes. All else is UTF-8, words are apart by spaces or tabs, and
numbers are those of ASCII digits, not all that Python reads (1_000, full-width digits).
"""

from __future__ import annotations

import math
import re
from codecs import BOM_UTF8
from functools import lru_cache
from typing import NamedTuple

from quantum_pipeline.files.content import not_utf8
from quantum_pipeline.problems.base import MAX_TERMS
from quantum_pipeline.wording import refusal

MOST_VARIABLES = 100_000
"""No file with more is read; how many can be solved is decided later."""

MOST_LINES = MAX_TERMS + 2**12
"""No file with more is read: those of the most terms, and thousands of comments."""

MOST_WORDS = 8
"""Words of a line that are told apart, unless all are asked for; what follows them is one."""

_LINE = re.compile(rb"([^\r\n]*)(?:\r\n|\r|\n|\Z)")
_NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?")
_FORTRAN = re.compile(r"([0-9.])(?:[dD]|\*\^)([+-]?[0-9]+)$")

Line = tuple[int, list[str]]


class RawLine(NamedTuple):
    """A line as it stands in the file: its number, its first byte's, its bytes."""

    number: int
    start: int
    content: bytes

    def words(self, most: int = MOST_WORDS) -> list[str]:
        """Return its words, the first few apart; ValueError names a byte that is not UTF-8."""
        try:
            self.content.decode()
        except UnicodeDecodeError as error:
            raise not_utf8(self.content, error.start, self.start) from None
        return [word.decode() for word in self.content.split(None, most)]


def raw_lines(data: bytes) -> list[RawLine]:
    """Return the lines of a file.

    Raises:
        ValueError: more than MOST_LINES, counted before any is made.
    """
    if (lines := sum(map(data.count, b"\n\r")) - data.count(b"\r\n")) > MOST_LINES:
        raise ValueError(f"got {lines} lines; allowed: up to {MOST_LINES}")
    first = len(BOM_UTF8) if data.startswith(BOM_UTF8) else 0
    found = enumerate(_LINE.finditer(data, first), start=1)
    return [RawLine(number, line.start(), line[1]) for number, line in found]


@lru_cache(maxsize=1)
def lines_of(
    data: bytes, comments: tuple[bytes, ...] = (b"#",), most: int = MOST_WORDS
) -> list[Line]:
    """Return the words of each line that is neither blank nor a comment, with its number.

    Those of the last file are kept, for all readers that try it; none of them changes them.

    Raises:
        ValueError: nothing, too many lines, or a byte that is not UTF-8.
    """
    raw = (line for line in raw_lines(data) if not line.content.lstrip().startswith(comments))
    lines = [(line.number, words) for line in raw if (words := line.words(most))]
    if not lines:
        raise ValueError("got nothing; allowed: lines of numbers")
    return lines


def integer(number: int, word: str, what: str, lowest: int, highest: int) -> int:
    """Return an integer of a line.

    Raises:
        ValueError: names the line, the word and what is allowed.
    """
    if len(word) <= 12 and word.isascii() and word.isdigit() and lowest <= int(word) <= highest:
        return int(word)
    allowed = f"an integer from {lowest} to {highest}"
    raise ValueError(refusal(f"line {number}, {what}", word, allowed))


def is_integer(word: str) -> bool:
    """Return whether a word is an integer of ASCII digits, without a sign."""
    return len(word) <= 12 and word.isascii() and word.isdigit()


def as_number(word: str, *, fortran: bool = False) -> float | None:
    """Return the finite number that a word is, None if it is none; ``fortran`` has D or *^ for E.

    >>> as_number("-1.5e3"), as_number("1_0"), as_number("1.5D-2", fortran=True)
    (-1500.0, None, 0.015)
    """
    if fortran:
        word = _FORTRAN.sub(r"\1e\2", word)
    value = float(word) if _NUMBER.fullmatch(word) else math.nan
    return value if math.isfinite(value) else None


def number_of(number: int, word: str, *, fortran: bool = False) -> float:
    """Return a number of a line.

    Raises:
        ValueError: names the line and the word.
    """
    value = as_number(word, fortran=fortran)
    if value is None:
        raise ValueError(refusal(f"line {number}, value", word, "a finite number"))
    return value


def wrong(number: int, words: list[str], allowed: str) -> ValueError:
    """Return the refusal of a line."""
    return ValueError(refusal(f"line {number}", " ".join(words), allowed))
