"""What of a table keeps its figures from meaning what they seem to: a sentence each."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from quantum_pipeline.classification.columns import Cell, word
from quantum_pipeline.classification.parts import Parts
from quantum_pipeline.classification.stored import Column
from quantum_pipeline.wording import percent, shown

FEW_OF_A_CLASS = 10
"""Rows of a class below which its figures say little."""

RARE = 0.2
"""Part of its even share below which a class is rare."""


_BEGINS_AS_NUMBER = re.compile(r"[+-]?\d").match
_WITH_COMMA = re.compile(r"[+-]?\d+(,\d+)*(\.\d+)?").fullmatch


class Learned(Protocol):
    """What is looked at of a table whose rows are to be classified."""

    @property
    def target(self) -> str:
        """The column that is predicted."""

    @property
    def classes(self) -> tuple[str, ...]:
        """The classes' names."""

    @property
    def labels(self) -> tuple[int, ...]:
        """The number of each row's class."""

    @property
    def parts(self) -> Parts:
        """Which rows are trained on."""

    @property
    def features(self) -> tuple[Column, ...]:
        """The columns but the target."""

    @property
    def numbers(self) -> NDArray[np.float64]:
        """All rows as numbers."""

    def cells(self, name: str) -> list[Cell]:
        """Return the cells of a column."""


def warnings_of(table: Learned) -> Iterator[str]:
    """Yield what a table's classes, rows and columns may not be meant to be."""
    yield from _of_classes(table)
    yield from _of_rows(table)
    yield from _of_columns(table)


def _of_classes(table: Learned) -> Iterator[str]:
    counts = Counter(table.labels)
    place, fewest = min(counts.items(), key=lambda each: (each[1], each[0]))
    name, n = table.classes[place], len(table.labels)
    if fewest < FEW_OF_A_CLASS:
        yield (
            f"class {name} has {fewest} rows: what is measured of fewer than {FEW_OF_A_CLASS} "
            "says little"
        )
    if fewest * len(counts) < RARE * n:
        yield (
            f"class {name} has {fewest} of {n} rows: always the most frequent class would be "
            f"right in {percent(max(counts.values()) / n)}; look at the balanced accuracy"
        )
    alike = defaultdict[str, list[str]](list)
    for each in table.classes:
        alike[each.casefold()].append(each)
    for names in alike.values():
        if len(names) > 1:
            yield f"classes {' and '.join(map(shown, names))} differ by case alone: are they one?"


def _of_rows(table: Learned) -> Iterator[str]:
    trained = {table.numbers[place].tobytes() for place in table.parts.trained}
    known = sum(table.numbers[place].tobytes() in trained for place in table.parts.tested)
    if known:
        yield (
            f"{known} of the {len(table.parts.tested)} tested rows "
            f"{'has' if known == 1 else 'have'} the values of a row that was trained on: to know "
            "them again is not to predict them"
        )


def _of_columns(table: Learned) -> Iterator[str]:
    n = len(table.labels)
    counting = ([*range(n)], [*range(1, n + 1)])
    for each in table.features:
        cells = _values(table.cells(each.name), each)
        known = [cell for cell in cells if cell is not None]
        values = set(known)
        if len(values) == 1:
            yield f"column {each.name} is the same in all rows: it says nothing"
        elif _tells_the_class(cells, table):
            yield (
                f"column {each.name} tells the class of every row one to one: is it another "
                f"name of {table.target}, known only with it?"
            )
        elif each.words is None and cells in counting:
            yield f"column {each.name} counts the rows: their order is no property of them"
        elif each.words is not None and len(values) == len(known):
            yield f"column {each.name} is another word in each row: is it a name?"
        if each.words is not None:
            yield from _read_as_words(each.name, [str(cell) for cell in known])


def _read_as_words(name: str, words: Sequence[str]) -> Iterator[str]:
    """Yield why a column that was perhaps meant to be of numbers is one of words."""
    comma = next((each for each in words if "," in each), None)
    if comma and all(map(_WITH_COMMA, words)):
        yield (
            f"column {name} was read as words, for a comma is no part of a number here, as in "
            f"{shown(comma)}"
        )
    elif odd := _odd_words(words):
        yield (
            f"column {name} was read as words, for {len(odd)} of its {len(words)} values "
            f"{'is no number' if len(odd) == 1 else 'are no numbers'}, as {shown(odd[0])}"
        )
    elif words and all(map(_BEGINS_AS_NUMBER, words)):
        yield (
            f"column {name} was read as words, though all begin as numbers do, as "
            f"{shown(words[0])}: numbers have no units, and dates are none"
        )


def _tells_the_class(cells: Sequence[object], table: Learned) -> bool:
    if len(set(cells)) != len(table.classes):
        return False
    return len(set(zip(cells, table.labels, strict=True))) == len(table.classes)


def _values(cells: Sequence[Cell], column: Column) -> list[Cell]:
    """Return the cells of a column, of one of words as words."""
    if column.words is None:
        return list(cells)
    return [None if cell is None else word(cell) for cell in cells]


def _odd_words(words: Iterable[str]) -> list[str]:
    """Return the few words that are no numbers, of a column that otherwise has only such."""
    words = list(words)
    odd = [each for each in words if not _reads_as_number(each)]
    return odd if len(odd) <= len(words) // 4 else []


def _reads_as_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
