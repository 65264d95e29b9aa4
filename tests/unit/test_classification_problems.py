"""A table whose rows are classified: what is refused of it, what is warned of, what it is."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from quantum_pipeline.problems.classification import Classification
from quantum_pipeline.refusals import describe

ROWS = [[float(i), i * i % 5, "uv"[i % 2]] for i in range(24, 0, -1)]


def _problem(**changed: Any) -> Classification:
    return Classification(**{"columns": ["a", "b", "y"], "rows": ROWS, "target": "y"} | changed)


def _refusal(**changed: Any) -> str:
    with pytest.raises(ValidationError) as refused:
        _problem(**changed)
    return describe(refused.value, Classification, "problem")


def _with(place: int, cell: object, rows: list[list[Any]] = ROWS) -> list[list[Any]]:
    return [
        [*row[:place], cell, *row[place + 1 :]] if k == 4 else row for k, row in enumerate(rows)
    ]


def test_classes_are_numbered_by_their_names() -> None:
    problem = _problem(rows=[[i, -i, 10 if i % 2 else 0.0] for i in range(12)])

    assert problem.classes == ("0", "10")
    assert problem.labels == (0, 1) * 6
    assert len(problem.parts.tested) == 4  # of each class of 6 a quarter, rounded: 2


def test_words_are_those_of_the_trained_rows() -> None:
    plain = _problem()
    tested = int(plain.parts.tested[0])
    rows = [[f"w{i % 3}", *row[1:]] for i, row in enumerate(ROWS)]
    rows[tested] = ["seen once", *rows[tested][1:]]

    problem = _problem(rows=rows)

    assert problem.features[0].words == ("w0", "w1", "w2")
    assert problem.numbers[tested].tolist() == [0, 0, 0, ROWS[tested][1]]
    assert problem.n_qubits == 4


def test_medians_are_those_of_the_trained_rows() -> None:
    problem = _problem(rows=_with(1, None), missing="impute")

    trained = sorted(
        ROWS[place][1] for place in problem.parts.trained if place != 4
    )  # of 18, or 17 without the one that is missing
    middle = len(trained) // 2
    assert problem.features[1].fill == (trained[middle] + trained[~middle]) / 2


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"target": "Y "}, 'target: got "Y "; allowed: one of the columns, "a", "b", "y"; did you'),
        ({"columns": ["a", "a", "y"]}, 'columns.1: got "a"; allowed: each name once; it is col'),
        ({"rows": ROWS[:5]}, "rows: got 5 rows; allowed: 6 to 20000 rows, 3 or more of each class"),
        ({"rows": [*ROWS, [1, 2]]}, "rows.24: got 2 values; allowed: 3, one for each of columns"),
        ({"rows": _with(2, None)}, "rows.4.2: got null; allowed: the row's class, in column y"),
        ({"rows": _with(1, None)}, "rows.4.1: got null; allowed: a value in column b, or missing:"),
        ({"rows": _with(1, True)}, "rows.4.1: got true; allowed: a number up to 1e+30 in size, a"),
        ({"rows": _with(2, "w")}, 'rows: got 1 row of class "w"; allowed: 3 or more of each'),
        ({"rows": [[*row[:2], "u"] for row in ROWS]}, 'target: column y has 1 class, "u"; allowed'),
        (
            {"target": "a"},
            "target: column a has 24 different numbers in 24 rows; allowed: a column",
        ),
        ({"components": 3}, "components: got 3; allowed: 1 to 2, as many as there are numbers in"),
        ({"rows": [[1, 1, row[2]] for row in ROWS]}, "columns: all are constant but the target"),
        (
            {"rows": [["pq"[i % 2], i * 1e-300, row[2]] for i, row in enumerate(ROWS)]},
            "columns: the values of b differ by 2.3e-299 at most; allowed: 1e-100 or more, as in",
        ),
        (
            {"rows": [[None, *row[1:]] for row in ROWS], "missing": "impute"},
            "columns: a is empty; allowed: a value in one of the rows that are trained on",
        ),
        (
            {"rows": [[f"w{i}", i, "uv"[i % 2]] for i in range(700)]},
            "columns: a row is 525 numbers, 524 of them for the different words of a; allowed: up",
        ),
        (
            {"rows": [[i, i % 7, "abcdefghijklmnopqrstuvwxyz"[i % 21]] for i in range(99)]},
            'target: column y has 21 classes, "a", "b", "c", "d", "e", "f", "g", "h", "i", "j" and',
        ),
    ],
)
def test_what_cannot_be_learned_from_is_refused(changed: dict[str, Any], said: str) -> None:
    assert _refusal(**changed).startswith(said)


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({}, []),
        (
            {"rows": ROWS[:14]},
            ["class u has 7 rows: what is measured of fewer than 10 says little"],
        ),
        (
            {"rows": [[i * 7 % 100, i, "uv"[i >= 90]] for i in range(100, 0, -1)]},
            [],
        ),
        (
            {"rows": [[i * 7 % 200, -i, "uv"[i >= 190]] for i in range(200)]},
            ["class v has 10 of 200 rows: always the most frequent class would be right in 95 %;"],
        ),
        ({"rows": [[*row[:1], 3, row[2]] for row in ROWS]}, ["column b is the same in all rows"]),
        ({"rows": [[row[0], i, row[2]] for i, row in enumerate(ROWS, 1)]}, ["column b counts the"]),
        (
            {"rows": [[row[0], {"u": 7, "v": 2}[str(row[2])], row[2]] for row in ROWS]},
            ["column b tells the class of every row one to one: is it another name of y"],
        ),
        ({"rows": [[row[0], f"w{i}", row[2]] for i, row in enumerate(ROWS)]}, ["column b is anot"]),
        (
            {"rows": _with(1, "tall")},
            ["column b was read as words, for 1 of its 24 values is no number, as"],
        ),
        (
            {
                "rows": [
                    [row[0], f"{i % 9},5" if i % 9 else 1, row[2]] for i, row in enumerate(ROWS)
                ]
            },
            ['column b was read as words, for a comma is no part of a number here, as in "1,5"'],
        ),
        (
            {"rows": [[row[0], f"2026-01-{i % 9 + 1:02}", row[2]] for i, row in enumerate(ROWS)]},
            ["column b was read as words, though all begin as numbers do, as"],
        ),
        (
            {"rows": [[*row[:2], "uUv"[i % 3]] for i, row in enumerate(ROWS * 2)]},
            ['classes "U" and "u" differ by case alone', "8 of the 12 tested rows have the values"],
        ),
        (
            {"rows": [[i % 12 // 2, 0.5, "uv"[i % 2]] for i in range(24)]},
            ["6 of the 6 tested rows have the values of a row", "column b is the same in all rows"],
        ),
    ],
)
def test_what_may_not_be_meant_is_warned_of(changed: dict[str, Any], said: list[str]) -> None:
    found = _problem(**changed).warnings

    assert len(found) == len(said), found
    assert all(each.startswith(start) for each, start in zip(found, said, strict=True)), found
