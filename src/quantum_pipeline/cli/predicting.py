"""``qpipe predict``: what the model of a classification says of other rows."""

from __future__ import annotations

import csv
import io
import json
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import click
from pydantic import ValidationError

from quantum_pipeline.classification import prediction
from quantum_pipeline.classification.columns import encoded, word
from quantum_pipeline.classification.prediction import Predictions
from quantum_pipeline.classification.stored import KernelModel, StoredModel, n_scores
from quantum_pipeline.classification.tables import Kind, Table, is_number, read_table
from quantum_pipeline.cli import console, entry, problem_file
from quantum_pipeline.cli.one_run import check_name, file_of, record_of
from quantum_pipeline.cli.options import AS_JSON, OUTPUT, STACK
from quantum_pipeline.errors import InvalidRequest
from quantum_pipeline.files.content import text_of, unpacked
from quantum_pipeline.refusals import describe
from quantum_pipeline.requests.request import MAX_OBJECT_BYTES
from quantum_pipeline.runs import MODEL
from quantum_pipeline.wording import percent


@entry.main.command(short_help="Say what a run's model makes of other rows.")
@click.argument("model", metavar="RUN")
@click.argument("file", metavar="ROWS", type=click.Path(path_type=Path, allow_dash=True))
@STACK
@OUTPUT
@click.option("--csv", "as_csv", is_flag=True, help="Print a line a row as CSV.")
@AS_JSON
def predict(
    model: str, file: Path, stack: str | None, output: Path, *, as_csv: bool, as_json: bool
) -> None:
    """Print the class, and the scores, that the model of RUN gives each row of ROWS.

    RUN is a classification that has ended, or a path to its folder or its model.json. ROWS is a
    CSV with the columns that the model was trained on, in any order; others are left out. If it has
    the column that is predicted, what share of the rows is right is said as well.
    """
    if as_json and as_csv:
        raise click.UsageError("Give one of --json and --csv.")
    stored = _stored(model, stack, output)
    table = _table(file, stored)
    said = _Said.of(stored, table)
    if not as_json and not as_csv:
        said.print_table()
    for line in said.as_json() if as_json else said.as_csv() if as_csv else ():
        click.echo(line)
    for note in said.notes():
        console.note(note)


def _stored(name: str, stack: str | None, output: Path) -> StoredModel:
    """Return a stored model.

    Raises:
        InvalidRequest: there is none of this name, or it is none.
    """
    if name.endswith(".json") or os.sep in name:
        content = _content(Path(name))
    else:
        found = file_of(check_name(name), MODEL, stack, output)
        if found is None:
            record_of(name, stack, output)  # whose refusal says what the name is of
            allowed = f"a classification that succeeded, which has its {MODEL}"
            raise InvalidRequest.of("RUN", name, allowed)
        content = found
    return stored_model(content)


def stored_model(content: bytes) -> StoredModel:
    """Return the model that a ``model.json`` holds.

    Raises:
        InvalidRequest: names what is wrong in it.
    """
    try:
        return StoredModel.model_validate_json(content)
    except ValidationError as error:
        raise InvalidRequest(f"{MODEL}: {describe(error, StoredModel, 'model')}") from None


def _content(path: Path) -> bytes:
    try:
        return (path / MODEL if path.is_dir() else path).read_bytes()
    except OSError as error:
        allowed = f"a {MODEL} that can be read ({error.strerror})"
        raise InvalidRequest.of("RUN", str(path), allowed) from None


def _table(file: Path, stored: StoredModel) -> Table:
    """Return the table in a file.

    Raises:
        InvalidRequest: it is not there, or no table.
    """
    data = problem_file.content(file)
    try:
        packed, _ = unpacked(data, str(file), MAX_OBJECT_BYTES)
        return read_table(text_of(packed), _kinds(stored))
    except ValueError as error:
        raise InvalidRequest(f"{file}: {error}") from None


def _kinds(stored: StoredModel) -> dict[str, Kind]:
    """Return which columns are of numbers, and which of words, as the model was trained."""
    kinds: dict[str, Kind] = {
        each.name: "numbers" if each.words is None else "words" for each in stored.columns
    }
    are_numbers = all(map(is_number, stored.classes))  # then 1.0 is the class 1
    return kinds if are_numbers else kinds | {stored.target: "words"}


class _Said(NamedTuple):
    """What a model says of the rows of a table."""

    stored: StoredModel
    table: Table
    found: Predictions

    @classmethod
    def of(cls, stored: StoredModel, table: Table) -> _Said:
        """Return what a model says.

        Raises:
            InvalidRequest: a column is missing, or a value that nothing stands for, or is no
                number where numbers are.
        """
        try:
            rows = encoded(stored.columns, table.rows, table.columns)
        except ValueError as error:
            raise InvalidRequest(str(error)) from None
        return cls(stored, table, prediction.predict(stored, rows))

    @property
    def classes(self) -> list[str]:
        """The class of each row, by name."""
        return [self.stored.classes[number] for number in self.found.classes]

    @property
    def scored(self) -> tuple[str, ...]:
        """The classes that the scores are of: of two the second."""
        return self.stored.classes[-n_scores(len(self.stored.classes)) :]

    def as_json(self) -> Iterator[str]:
        """Yield everything as one JSON object."""
        scores = self.found.scores.tolist()
        rows = [
            {"class": name, "scores": dict(zip(self.scored, row, strict=True))}
            for name, row in zip(self.classes, scores, strict=True)
        ]
        right = self._right()
        yield json.dumps(
            {
                "run_id": self.stored.run_id,
                "target": self.stored.target,
                "measured_on": getattr(self.stored.model, "measured_on", None),
                "rows_by": "exact states",
                "classes": self.stored.classes,
                "rows": rows,
                "right": right and right[0],
                "known": right and right[1],
            },
            indent=2,
        )

    def as_csv(self) -> Iterator[str]:
        """Yield a line a row: its class, and its scores with all their digits."""
        yield _line([self.stored.target, *(f"score {name}" for name in self.scored)])
        for name, scores in zip(self.classes, self.found.scores.tolist(), strict=True):
            yield _line([name, *map(repr, scores)])

    def print_table(self) -> None:
        """Print a table for people; rows are counted from 0, as refusals do."""
        names = ("row", self.stored.target, *(f"score {name}" for name in self.scored))
        cells = [
            (str(number), name, *(f"{score:.4f}" for score in scores))
            for number, (name, scores) in enumerate(
                zip(self.classes, self.found.scores.tolist(), strict=True)
            )
        ]
        console.table(names, cells, least=2, right={"row", *names[2:]})

    def notes(self) -> Iterator[str]:
        """Yield what is to be known beside the classes."""
        model = self.stored.model
        if isinstance(model, KernelModel) and model.measured_on is not None:
            yield (
                f"the kernel that the model was fitted to was measured on {model.measured_on}; "
                "these rows are compared with its support by exact states"
            )
        for column, unknown in self._unknown():
            cells = "cell is a word" if unknown == 1 else "cells are words"
            yield (
                f"{column}: {unknown} {cells} that the model has not seen, taken as none of those "
                "it knows"
            )
        if strange := self._strange():
            rows = "row has a class" if strange == 1 else "rows have classes"
            yield f"{self.stored.target}: {strange} {rows} that the model does not know"
        if right := self._right():
            share = percent(right[0] / right[1])
            yield f"{self.stored.target}: {right[0]} of {right[1]} rows right, {share}"

    def _unknown(self) -> Iterator[tuple[str, int]]:
        for column in self.stored.columns:
            if column.words is None:
                continue
            place, known = self.table.columns.index(column.name), set(column.words)
            cells = (row[place] for row in self.table.rows)
            unknown = sum(cell is not None and word(cell) not in known for cell in cells)
            if unknown:
                yield column.name, unknown

    def _strange(self) -> int:
        """Return how many rows are given a class that is none of the model's."""
        return sum(each not in (None, *self.stored.classes) for each in self._given())

    def _right(self) -> tuple[int, int] | None:
        """Return how many rows are right, of those whose class is given; None where none is."""
        known = [
            said == given
            for said, given in zip(self.classes, self._given(), strict=True)
            if given is not None
        ]
        return (sum(known), len(known)) if known else None

    def _given(self) -> list[str | None]:
        """Return the class that each row has in the file."""
        if self.stored.target not in self.table.columns:
            return [None] * len(self.table.rows)
        place = self.table.columns.index(self.stored.target)
        return [None if row[place] is None else word(row[place]) for row in self.table.rows]


def _line(cells: Sequence[str]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="").writerow(cells)
    return text.getvalue()
