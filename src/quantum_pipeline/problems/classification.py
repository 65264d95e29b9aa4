"""Classification: from a table's rows whose class is known to the class of others.

What is learned of the table (words, medians, principal components) is learned of its trained rows:
the tested ones are rows like those that a model meets later.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from functools import cached_property
from typing import Annotated, Literal, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, Field, StrictInt, StrictStr, model_validator

from quantum_pipeline.classification.columns import column, encoded, width, word
from quantum_pipeline.classification.parts import Parts, parts
from quantum_pipeline.classification.stored import Column
from quantum_pipeline.classification.tables import MOST_CELLS, MOST_COLUMNS, MOST_ROWS
from quantum_pipeline.problems.base import Problem
from quantum_pipeline.problems.table_warnings import warnings_of
from quantum_pipeline.quantities import LARGEST, Entries, Finite
from quantum_pipeline.refusals import did_you_mean
from quantum_pipeline.wording import refusal, shown

MOST_CLASSES = 20

FEWEST_OF_A_CLASS = 3
"""One that is tested, and two that are trained on: one for each of two folds."""

MOST_NUMBERS = 500
"""Numbers of an encoded row, words as indicators."""

LEAST_SPAN = 1e-100
"""Between the values of a column: the square of a smaller one may be nothing in floating point."""

USUAL_QUBITS = 10
"""Most principal components, if nothing was said: a state of as many qubits takes 16 KiB a row."""

Name = Annotated[StrictStr, Field(min_length=1, max_length=200)]
Word = Annotated[StrictStr, Field(max_length=1000)]
Cell = Annotated[
    Finite | Word | None,
    Field(
        json_schema_extra={
            "allowed": f"a number up to {LARGEST:g} in size, a text of up to 1000 characters, or "
            "null where it is missing"
        }
    ),
]


class TableSettings(BaseModel):
    """What is asked of a table, wherever its rows are."""

    target: StrictStr = Field(description="the column that is predicted")
    test_share: Annotated[float, Field(strict=True, ge=0.05, le=0.5)] = Field(
        0.25, description="share of the rows that models are tested on"
    )
    missing: Literal["refuse", "impute"] = Field(
        "refuse",
        description="what to do about missing values: refuse them, or take the median, or the most "
        "frequent word, of the trained rows",
    )
    components: Annotated[StrictInt, Field(ge=1, le=16)] | None = Field(
        None,
        description="principal components that rows are turned onto, one qubit each; if not given, "
        f"as many as there are numbers in a row, up to {USUAL_QUBITS}",
    )
    seed: Annotated[StrictInt, Field(ge=0, le=2**32 - 1)] = Field(
        0, description="seed of the choice of the tested rows and of the folds"
    )


class Classification(TableSettings, Problem):
    """Predict ``target`` from the other columns; tested on rows that no model was fitted on."""

    type: Literal["classification"] = "classification"
    columns: Annotated[tuple[Name, ...], Field(min_length=2, max_length=MOST_COLUMNS)] = Field(
        description="names of the columns, the target's too",
        json_schema_extra={
            "allowed": f"2 to {MOST_COLUMNS} different names of 1 to 200 characters"
        },
    )
    rows: Entries[Entries[Cell]] = Field(
        description="the rows: of each column a number, a text, or null where it is missing"
    )

    @model_validator(mode="after")
    def _check(self) -> Self:
        self._check_columns()
        self._check_rows()
        self._check_missing()
        self._check_classes()
        self._check_features()
        return self

    def _check_columns(self) -> None:
        for place, name in enumerate(self.columns):
            first = self.columns.index(name)
            if first != place:
                allowed = f"each name once; it is columns.{first} already"
                raise ValueError(refusal(f"columns.{place}", name, allowed))
        if self.target not in self.columns:
            said = refusal("target", self.target, f"one of the columns, {_listed(self.columns)}")
            raise ValueError(said + did_you_mean(self.target, self.columns))

    def _check_rows(self) -> None:
        n, m = len(self.rows), len(self.columns)
        fewest = 2 * FEWEST_OF_A_CLASS
        if not fewest <= n <= MOST_ROWS:
            allowed = f"{fewest} to {MOST_ROWS} rows, {FEWEST_OF_A_CLASS} or more of each class"
            raise ValueError(f"rows: got {n} {'row' if n == 1 else 'rows'}; allowed: {allowed}")
        if n * m > MOST_CELLS:
            allowed = f"rows times columns up to {MOST_CELLS}"
            raise ValueError(f"rows: got {n} rows of {m} columns; allowed: {allowed}")
        for place, row in enumerate(self.rows):
            if len(row) != m:
                allowed = f"{m}, one for each of columns"
                raise ValueError(f"rows.{place}: got {len(row)} values; allowed: {allowed}")

    def _check_missing(self) -> None:
        if None in self._targets:
            place = self._targets.index(None)
            at = f"rows.{place}.{self.columns.index(self.target)}"
            allowed = f"the row's class, in column {self.target}; leave out rows without one"
            raise ValueError(refusal(at, None, allowed))
        if self.missing == "impute":
            return
        missing = [(i, j) for i, row in enumerate(self.rows) for j in _places_of_none(row)]
        if missing:
            i, j = missing[0]
            more = f" ({len(missing)} are missing in all)" if len(missing) > 1 else ""
            allowed = f"a value in column {self.columns[j]}{more}, or missing: impute"
            raise ValueError(refusal(f"rows.{i}.{j}", None, allowed))

    def _check_classes(self) -> None:
        counts = Counter(map(word, self._targets))
        n, found = len(self.rows), len(counts)
        numbers = not any(isinstance(each, str) for each in self._targets)
        if numbers and (found > MOST_CLASSES or FEWEST_OF_A_CLASS * found > n):
            what = f"column {self.target} has {found} different numbers in {n} rows"
            allowed = "a column of classes; to predict a number is regression, which is not offered"
            raise ValueError(f"target: {what}; allowed: {allowed}")
        if not 2 <= found <= MOST_CLASSES:
            named = _listed(sorted(counts))
            allowed = f"2 to {MOST_CLASSES}"
            raise ValueError(
                f"target: column {self.target} has {found} "
                f"{'class' if found == 1 else 'classes'}, {named}; allowed: {allowed}"
            )
        name, fewest = min(counts.items(), key=lambda each: (each[1], each[0]))
        if fewest < FEWEST_OF_A_CLASS:
            rows = "row" if fewest == 1 else "rows"
            allowed = f"{FEWEST_OF_A_CLASS} or more of each, to train on some and to test on others"
            raise ValueError(
                f"rows: got {fewest} {rows} of class {shown(name)}; allowed: {allowed}"
            )

    def _check_features(self) -> None:
        for name in self._feature_names:
            if all(each is None for each in self._trained_cells(name)):
                allowed = "a value in one of the rows that are trained on, or the column left out"
                raise ValueError(f"columns: {name} is empty; allowed: {allowed}")
        if (wide := width(self.features)) > MOST_NUMBERS:
            widest = max(self.features, key=lambda each: len(each.words or ()))
            raise ValueError(
                f"columns: a row is {wide} numbers, {len(widest.words or ())} of them for the "
                f"different words of {widest.name}; allowed: up to {MOST_NUMBERS}, without columns "
                "of names or of free text"
            )
        if self.components is not None and self.components > wide:
            allowed = f"1 to {wide}, as many as there are numbers in a row"
            raise ValueError(refusal("components", self.components, allowed))
        spans = np.ptp(self.numbers[self.parts.trained], axis=0)
        if not spans.any():
            allowed = "a column whose values differ among the rows that are trained on"
            raise ValueError(f"columns: all are constant but the target; allowed: {allowed}")
        names = [each.name for each in self.features for _ in each.words or (None,)]
        for name, span in zip(names, spans.tolist(), strict=True):
            if 0 < span < LEAST_SPAN:
                what = f"the values of {name} differ by {span:.3g} at most"
                allowed = f"{LEAST_SPAN:g} or more, as in another unit, or the column left out"
                raise ValueError(f"columns: {what}; allowed: {allowed}")

    def __eq__(self, other: object) -> bool:
        """Return whether all fields are equal; arrays that were computed of them do not compare."""
        if not isinstance(other, Classification):
            return NotImplemented
        return all(getattr(self, each) == getattr(other, each) for each in type(self).model_fields)

    def __hash__(self) -> int:
        """Return a hash of the table, whatever is asked of it."""
        return hash((self.target, self.columns, self.rows))

    @property
    def n_qubits(self) -> int:
        """Components, or numbers of an encoded row if these are fewer; up to 10 if not given."""
        return min(self.components or USUAL_QUBITS, width(self.features))

    @cached_property
    def classes(self) -> tuple[str, ...]:
        """The classes' names, in order."""
        return tuple(sorted(set(map(word, self._targets))))

    @cached_property
    def labels(self) -> tuple[int, ...]:
        """The number of each row's class."""
        number = {name: place for place, name in enumerate(self.classes)}
        return tuple(number[word(each)] for each in self._targets)

    @cached_property
    def parts(self) -> Parts:
        """Which rows are trained on, and which are tested."""
        return parts(self.labels, self.test_share, self.seed)

    @cached_property
    def features(self) -> tuple[Column, ...]:
        """What the columns are, as the trained rows have them."""
        impute = self.missing == "impute"
        return tuple(
            column(name, self._trained_cells(name), impute=impute) for name in self._feature_names
        )

    @cached_property
    def numbers(self) -> NDArray[np.float64]:
        """All rows as numbers, not yet scaled: shape (n_rows, width)."""
        return encoded(self.features, self.rows, self.columns)

    @property
    def _feature_names(self) -> tuple[str, ...]:
        return tuple(name for name in self.columns if name != self.target)

    @cached_property
    def _targets(self) -> tuple[Cell, ...]:
        place = self.columns.index(self.target)
        return tuple(row[place] for row in self.rows)

    def cells(self, name: str) -> list[Cell]:
        """Return the cells of a column."""
        place = self.columns.index(name)
        return [row[place] for row in self.rows]

    def _trained_cells(self, name: str) -> list[Cell]:
        cells = self.cells(name)
        return [cells[place] for place in self.parts.trained]

    @property
    def warnings(self) -> tuple[str, ...]:
        """What keeps figures from meaning what they seem to: of the classes, rows and columns."""
        return tuple(warnings_of(self))


def _places_of_none(row: Sequence[Cell]) -> list[int]:
    return [place for place, each in enumerate(row) if each is None] if None in row else []


def _listed(names: Sequence[str], most: int = 10) -> str:
    listed = ", ".join(map(shown, names[:most]))
    return listed if len(names) <= most else f"{listed} and {len(names) - most} more"
