"""What LP files are made of: sections, and in each its numbers, names and signs.

A section begins a line, by any of its names, in upper or lower case; after a backslash the rest of
a line is a comment.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from quantum_pipeline.files.content import text_of
from quantum_pipeline.files.document import Document
from quantum_pipeline.files.lines import raw_lines, wrong
from quantum_pipeline.problems.base import MAX_TERMS

MOST_TOKENS = 8 * MAX_TERMS

_SECTIONS = {
    "other": r"semi(?:s|-continuous)?|sos[12]?|lazy\s+constraints|user\s+cuts|"
    r"general\s+constraints?|pwlobj|scenario|multi-objectives",
    "minimise": r"min(?:imi[sz]e|imum)?",
    "maximise": r"max(?:imi[sz]e|imum)?",
    "constraints": r"subject\s+to|such\s+that|s\.\s*t\.|st\.?",
    "bounds": r"bounds?",
    "integer": r"gen(?:erals?)?|int(?:egers?)?",
    "binary": r"bin(?:ary|aries)?",
    "end": r"end",
}
_SECTION = re.compile(
    r"\s*(?:" + "|".join(f"(?P<{name}>{words})" for name, words in _SECTIONS.items()) + r")"
    r"(?![\w.\-:*^\[])(?!\s*(?:::?|[<>=*^]))",
    re.IGNORECASE,
)
_TOKEN = re.compile(
    r"\s*(?:(?P<number>(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)"
    r"|(?P<sign>->|<=|=<|>=|=>|::|[<>=:+\-*/^\[\]])"
    r"|(?P<name>[A-Za-z_!\"#$%&(),;?@'`{}~|\u0080-\U0010ffff]"
    r"[\w.!\"#$%&(),;?@'`{}~|\u0080-\U0010ffff]*(?:\[[^\]\s]*\][\w.]*)*))"
)


class Token(NamedTuple):
    """A number, a name or a sign, and its line."""

    line: int
    kind: str
    text: str


NOTHING = Token(0, "nothing", "")


class Tokens:
    """The tokens of a section, read one after the other."""

    def __init__(self, tokens: list[Token]) -> None:
        self.tokens = tokens
        self.at = 0

    def peek(self, ahead: int = 0) -> Token:
        """Return what stands next or further ahead, NOTHING at the end."""
        return self.tokens[self.at + ahead] if self.at + ahead < len(self.tokens) else NOTHING

    def next(self) -> Token:
        """Return what stands next, and go on."""
        token = self.peek()
        self.at += 1
        return token

    def take(self, *texts: str) -> str | None:
        """Return the next token's text and go on, if it is one of these."""
        return (
            self.next().text if self.peek().kind == "sign" and self.peek().text in texts else None
        )

    def wrong(self, allowed: str) -> ValueError:
        """Return the refusal of what stands next."""
        token = self.peek() if self.peek() is not NOTHING else self.tokens[-1]
        end = () if self.peek() is not NOTHING else ("end of the section after",)
        return wrong(token.line, [*end, token.text], allowed)


def sections(document: Document) -> Iterator[tuple[str, Tokens]]:
    """Yield each section's kind and tokens.

    Raises:
        ValueError: the file begins otherwise, or has a section of another kind.
    """
    text_of(document.data)  # names a byte that is not UTF-8
    kind, tokens, n_tokens = "", list[Token](), 0
    for line in raw_lines(document.data):
        text = line.content.decode().partition("\\")[0]
        start = _SECTION.match(text)
        if start:
            if kind:
                yield kind, Tokens(tokens)
            kind, tokens = start.lastgroup or "", []
            if kind == "end":
                return
            if kind == "other":
                allowed = "Minimize or Maximize, Subject To, Bounds, General, Binary and End"
                raise wrong(line.number, [start[0].strip()], f"the sections {allowed}")
            text = text[start.end() :]
        found_here = list(_tokens(line.number, text))
        if found_here and not kind:
            raise wrong(line.number, text.split()[:8], "Minimize or Maximize to begin an LP file")
        tokens += found_here
        n_tokens += len(found_here)
        if n_tokens > MOST_TOKENS:
            raise ValueError(f"line {line.number}: got {n_tokens} words; allowed: {MOST_TOKENS}")
    if kind:
        yield kind, Tokens(tokens)


def _tokens(number: int, text: str) -> Iterator[Token]:
    at = 0
    text = text.rstrip()
    while at < len(text):
        token = _TOKEN.match(text, at)
        if not token or not token.lastgroup:
            raise wrong(number, text[at:].split()[:1], "numbers, names, + - * ^ [ ] and <= >= =")
        yield Token(number, token.lastgroup, token[token.lastgroup])
        at = token.end()
