"""A file as its readers get it, and what they find in it."""

from __future__ import annotations

from pathlib import PurePath
from typing import Any, NamedTuple

Problem = dict[str, Any]
"""A problem as a request gives it."""


class Document(NamedTuple):
    """The content of a file, not compressed.

    ``meaning`` is the type of problem that is asked for, where the format leaves it open; ``frame``
    counts from 1 where a file has several problems or geometries. ``target`` is the column of a
    table that is to be predicted: a file of values with one is a table.
    """

    name: str
    data: bytes
    meaning: str | None = None
    frame: int | None = None
    target: str | None = None

    @property
    def suffix(self) -> str:
        """The name's last suffix, in lower case."""
        return PurePath(self.name).suffix.lower()


class Found(NamedTuple):
    """A problem, and what has to be said of how it was read: a sentence each."""

    problem: Problem
    notes: tuple[str, ...] = ()
