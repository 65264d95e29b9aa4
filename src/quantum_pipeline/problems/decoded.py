"""Answers in the words of their problem: a tour, a selection, groups, values.

Each has one sentence, ``words``, and the ``figures`` that it rests on, by their names.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from quantum_pipeline.problems.base import Label
from quantum_pipeline.wording import shown

LISTED = 12
"""Names that a sentence lists, at most."""


class _Answer(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    words: str
    figures: dict[str, float]


class Tour(_Answer):
    """Stops in their order, the first not repeated, and the way from each to the next one."""

    kind: Literal["tour"] = "tour"
    stops: tuple[Label, ...]
    legs: tuple[float, ...]


class Selection(_Answer):
    """What was chosen, and what was not."""

    kind: Literal["selection"] = "selection"
    chosen: tuple[Label, ...]
    left_out: tuple[Label, ...]


class Groups(_Answer):
    """What is together, by the group's name; a group may be empty."""

    kind: Literal["groups"] = "groups"
    groups: dict[str, tuple[Label, ...]]


class Values(_Answer):
    """The value of each variable, by its name."""

    kind: Literal["values"] = "values"
    values: dict[str, int | str]


Decoded = Annotated[Tour | Selection | Groups | Values, Field(discriminator="kind")]


class Violation(BaseModel):
    """A rule that an answer breaks, in the problem's words, and by how much."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    rule: str
    by: float


def listed(names: Sequence[Label], nothing: str = "nothing") -> str:
    """Return names in one line, safe to print whatever they hold; of many, the first.

    >>> listed(["a", 2]), listed([]), listed(list(range(14)))[-15:]
    ('a, 2', 'nothing', '11 and 2 others')
    """
    said = [plain(name) for name in names[:LISTED]]
    more = len(names) - len(said)
    others = f" and {more} {'other' if more == 1 else 'others'}" if more else ""
    return (", ".join(said) or nothing) + others


def plain(name: Label) -> str:
    """Return a name without quotes; what cannot be printed in it is escaped.

    >>> plain("Lübeck"), plain(7), plain("a\\nb")
    ('Lübeck', '7', 'a\\\\nb')
    """
    return shown(name).removeprefix('"').removesuffix('"')


def listed_values(values: Mapping[str, int | str]) -> str:
    """Return the values of variables in one line; of many, the first.

    >>> listed_values({"x": 1, "c": "red"})
    'x = 1, c = red'
    """
    return listed([f"{name} = {value}" for name, value in values.items()])
