"""Tables as files: read as spreadsheets write them, refused by their line."""

from __future__ import annotations

import csv
import gzip
import io
import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from quantum_pipeline.classification.tables import MOST_ROWS, read_table
from quantum_pipeline.cli.entry import main
from quantum_pipeline.errors import InvalidRequest
from quantum_pipeline.files.reading import read
from quantum_pipeline.problems import Classification
from quantum_pipeline.requests.request import TableReference, parse_problem, parse_request

ROWS: list[list[Any]] = [
    [5, 0.25, 'a "b", c', "yes"],
    [-4, None, "line\nbreak", "no"],
    [3, 1e-3, "ä;ö", "yes"],
]
NAMES = ["n", "x", "words, all", "label"]


def written(rows: list[list[Any]], separator: str) -> str:
    text = io.StringIO()
    csv.writer(text, delimiter=separator).writerows(rows)
    return text.getvalue()


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
@pytest.mark.parametrize("before", ["", "\ufeff"])
@pytest.mark.parametrize("packed", [False, True])
def test_what_csv_writers_write_is_read_back(separator: str, before: str, packed: bool) -> None:
    data = (before + written([NAMES, *ROWS], separator)).encode()
    data, name = (gzip.compress(data), "t.csv.gz") if packed else (data, "t.csv")

    found = read(data, name, target="label").request

    assert found["problem"]["columns"] == NAMES
    assert found["problem"]["rows"] == ROWS
    assert found["problem"]["type"] == "classification"
    assert found["source"]["format"] == "table"


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        ("a,b\n1,NA\nnan,x\n?,y\n", ((1, None), (None, "x"), (None, "y"))),
        ("a,b\n007,1_000\n1,2\n", ((7, "1_000"), (1, "2"))),
        ("a;b\n1,5;1,000.5\n-2;3\n", ((1.5, "1,000.5"), (-2, "3"))),
        ("a\tb\n1,000\t2\n2,500\t3\n", (("1,000", 2), ("2,500", 3))),
        (",a\n3,x\n1,y\n", (("x",), ("y",))),
        ("a,b,\n1,2,\n3,4,\n", ((1, 2), (3, 4))),
        ("a,b\r\n\r\n +1 , x \r\n  ,  \r\n", ((1, "x"),)),
        ('"a,b;";c\n1;2\n', ((1, 2),)),
        ("sep=;\na;b\n1,5;2\n", ((1.5, 2),)),
        ("a\n12345678901234567890\n1e3\n", ((12345678901234567890.0,), (1000.0,))),
    ],
)
def test_cells_are_numbers_words_or_missing(text: str, rows: tuple[Any, ...]) -> None:
    assert read_table(text).rows == rows


def test_what_is_taken_for_a_missing_value_is_said() -> None:
    assert read_table("a,b\n1,x\n,y\n").notes[-1] == "1 value is missing"
    found = read_table("a,b\nNone,x\nNA,\nsome,NA\n").notes[-1]
    assert found == '4 values are missing, "NA" and "None" counted as such'


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "got nothing; allowed: a header, and a line for each row"),
        ("Sep=,\r\na,b\n1\n", "line 3: got 1 cells"),
        ("a,b\n", "got a header alone; allowed: a header, and a line for each row"),
        (
            "1,2\n3,4\n",
            'line 1: got ["1", "2"]; allowed: a header, the names of the columns, first',
        ),
        ("a,b,a\n1,2,3\n", 'line 1: got "a" 2 times; allowed: each name once in the header'),
        (
            'a,b\n"x\ny",2\n1\n',
            "line 4: got 1 cells; allowed: 2, as many as line 1, the header, has",
        ),
        (
            "\n# mine\na,b\n1,2\n",
            "line 3: got 2 cells; allowed: 1, as many as line 2, the header, has",
        ),
        ("a,,b\n1,2,3\n", "column 2 has no name in the header; allowed: a name for each column"),
        ("a,b\n1,inf\n2,3\n", 'line 2, column b: got "inf"; allowed: a number up to 1e+30'),
        ("a,b\n2,3\n1,-1e31\n", 'line 3, column b: got "-1e31"; allowed: a number up to 1e+30'),
        (
            'a,b\n1,"2\n',
            "line 2: no CSV (unexpected end of data); allowed: cells apart by commas; t",
        ),
        (f"{','.join(map(str, range(501)))}\n", "line 1: got 501 columns; allowed: up to 500 colu"),
        ("a\n" + "1\n" * (MOST_ROWS + 1), "got more than 20000 rows; allowed: up to 20000 of 1"),
    ],
)
def test_what_is_no_table_is_refused_by_its_line(text: str, said: str) -> None:
    with pytest.raises(ValueError, match=r".") as refused:
        read_table(text)

    assert str(refused.value).startswith(said)


def test_a_file_of_values_without_a_target_is_no_table() -> None:
    text = written([NAMES, *ROWS], ",").encode()

    with pytest.raises(InvalidRequest, match="as a table of rows to classify: --target COLUMN is"):
        read(text, "t.csv")
    with pytest.raises(InvalidRequest, match="--target: missing; allowed: the column to predict"):
        read(text, "t.csv", as_="table")


EDGES = "a,b,2\nb,c,3\nc,a,1\n"


@pytest.mark.parametrize(
    ("text", "n_edges", "notes"),
    [
        ("size,kind\n1.5,a\n2.5,b\n", 3, "asked for by --target COLUMN"),
        (EDGES, 3, "asked for by --target COLUMN"),
        ("a,b\nb,c\nc,d\n", 2, "was taken for names of columns, not for an edge"),
        (f"source,target,weight\n{EDGES}", 3, ""),
        ("0,1\n1,2\n2,0\n", 3, ""),
    ],
)
def test_a_file_that_is_read_as_edges_says_so_where_it_may_be_otherwise(
    text: str, n_edges: int, notes: str
) -> None:
    found = read(text.encode(), "t.csv").request
    assert len(found["problem"]["edges"]) == n_edges
    assert [each.endswith(notes) for each in found["source"]["notes"]] == [True] * bool(notes)


TABLE = "size,kind\n" + "".join(f"{k * k % 7},{'ab'[k % 2]}\n" for k in range(12))


def test_a_table_in_the_bucket_is_the_same_table() -> None:
    problem = {"type": "classification", "uri": "s3://bucket/t.csv", "target": "kind"}
    request = parse_request({"problem": {**problem, "test_share": 0.5}})
    assert isinstance(request.problem, TableReference)
    assert parse_request(request.model_dump(mode="json")) == request

    there = parse_problem(request.problem.with_rows(TABLE))

    here = read(TABLE.encode(), "t.csv", target="kind").request["problem"]
    assert there == parse_problem({**here, "test_share": 0.5})
    assert there != parse_problem(here)


def test_options_name_the_target_and_what_else_is_asked(tmp_path: Path) -> None:
    path = tmp_path / "t.tsv"
    path.write_text(TABLE.replace(",", "\t"), "utf-8")
    options = [
        "--target",
        "kind",
        "--test-share",
        "0.3",
        "--missing",
        "impute",
        "--components",
        "1",
    ]

    found = CliRunner().invoke(main, ["convert", str(path), *options])

    problem = parse_request(json.loads(found.stdout)).problem
    assert isinstance(problem, Classification)
    assert (problem.test_share, problem.missing, problem.n_qubits) == (0.3, "impute", 1)
