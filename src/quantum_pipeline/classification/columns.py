"""A table's columns, and its rows as numbers: words become indicators, one for each known word."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from statistics import median

import numpy as np
from numpy.typing import NDArray

from quantum_pipeline.classification.stored import Column
from quantum_pipeline.wording import refusal

Cell = float | int | str | bool | None


def column(name: str, cells: Sequence[Cell], *, impute: bool) -> Column:
    """Return what a column is by its cells in the trained rows, of which one at least has a value.

    One with any text is of words, in the order of the alphabet. What is missing takes the median,
    or the most frequent word, of equally frequent ones the first.

    >>> column("colour", ["red", "blue", None, "red"], impute=True)
    Column(name='colour', words=('blue', 'red'), fill='red')
    """
    known = [each for each in cells if each is not None]
    if _are_numbers(known):
        fill = float(median(map(float, known))) if impute else None
        return Column(name=name, words=None, fill=fill)
    counts = Counter(map(word, known))
    often = min(counts, key=lambda each: (-counts[each], each)) if impute else None
    return Column(name=name, words=tuple(sorted(counts)), fill=often)


def word(cell: Cell) -> str:
    """Return a cell of a column of words as its word.

    >>> word("a"), word(3.0), word(0.5), word(True)
    ('a', '3', '0.5', 'true')
    """
    if isinstance(cell, bool):
        return str(cell).lower()
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    return str(cell)


def width(columns: Sequence[Column]) -> int:
    """Return how many numbers an encoded row has."""
    return sum(1 if each.words is None else len(each.words) for each in columns)


def encoded(
    columns: Sequence[Column], rows: Sequence[Sequence[Cell]], names: Sequence[str]
) -> NDArray[np.float64]:
    """Return rows as numbers, shape (n_rows, width): a number each, of words one a known word.

    ``names`` are those of the cells of a row, in order; others than ``columns`` are left out.

    Raises:
        ValueError: a column is not there, a value is missing that nothing stands for, or is a text
            where numbers are.

    >>> encoded([Column(name="c", words=("a", "b"), fill=None)], [["b"], ["x"]], ["c"]).tolist()
    [[0.0, 1.0], [0.0, 0.0]]
    """
    there = {name: place for place, name in enumerate(names)}
    if absent := [each.name for each in columns if each.name not in there]:
        raise ValueError(refusal("columns", list(names), f"also {', '.join(absent)}"))
    if not columns:
        return np.empty((len(rows), 0))
    parts = [_numbers(each, [row[there[each.name]] for row in rows]) for each in columns]
    return np.column_stack(parts)


def _numbers(column: Column, cells: Sequence[Cell]) -> NDArray[np.float64]:
    """Return a column's cells as numbers: shape (n_rows, 1), of words (n_rows, n_words)."""
    filled = [column.fill if each is None else each for each in cells]
    if None in filled:
        place = filled.index(None)
        allowed = "a value; nothing stands for a missing one in a model without missing: impute"
        raise ValueError(refusal(f"rows.{place}.{column.name}", None, allowed))
    if column.words is None:
        if not _are_numbers(filled):
            place = next(k for k, each in enumerate(filled) if not _are_numbers([each]))
            raise ValueError(refusal(f"rows.{place}.{column.name}", filled[place], "a number"))
        return np.array(filled, dtype=np.float64)[:, None]
    place_of = {each: place for place, each in enumerate(column.words)}
    numbers = np.zeros((len(filled), len(column.words)))
    for row, cell in zip(numbers, map(word, filled), strict=True):
        if cell in place_of:
            row[place_of[cell]] = 1.0
    return numbers


def _are_numbers(cells: Iterable[Cell]) -> bool:
    return set(map(type, cells)) <= {float, int}
