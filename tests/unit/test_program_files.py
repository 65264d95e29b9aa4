"""Programs, clauses and tours as files have them: what becomes of each, and what is refused."""

from __future__ import annotations

import itertools
import json
from typing import Any

import dimod
import numpy as np
import pytest

from quantum_pipeline.errors import InvalidRequest
from quantum_pipeline.files.reading import read
from quantum_pipeline.requests.request import parse_request


def read_text(text: str, name: str) -> tuple[dict[str, Any], tuple[str, ...]]:
    found = read(text.encode(), name)
    parse_request(found.request)
    return found.request["problem"], found.notes


def program(
    constraints: str, bounds: str = "", *, objective: str = "x + n", kinds: str = "General\n n"
) -> str:
    return (
        f"Minimize\n obj: {objective}\nSubject To\n {constraints}\nBounds\n {bounds}\n{kinds}\n"
        "Binary\n x y\nEnd\n"
    )


# --- LP files ---

BOTH = {"x": 1, "y": 1}


@pytest.mark.parametrize(
    ("constraint", "rules"),
    [
        ("c: x + 2 y <= 2", [("c", {"x": 1, "y": 2}, "<=", 2)]),
        ("c: x + y < 1\n d: x => 0", [("c", BOTH, "<=", 1), ("d", {"x": 1}, ">=", 0)]),
        ("x - y >= 0 c2: x = 1", [(None, {"x": 1, "y": -1}, ">=", 0), ("c2", {"x": 1}, "==", 1)]),
        ("2 >= x + y", [(None, BOTH, "<=", 2)]),
        ("-1 <= x\n + y <= 1\n y <= 1",
         [(None, BOTH, ">=", -1), (None, BOTH, "<=", 1), (None, {"y": 1}, "<=", 1)]),
        ("r: 0 <= x + y <= 1", [("r, lower", BOTH, ">=", 0), ("r, upper", BOTH, "<=", 1)]),
        ("c: 3x + 2 x + 1 - y\n >= -1e0 \\ a comment", [("c", {"x": 5, "y": -1}, ">=", -2)]),
        ("c: y + [ x ^ 2 ] <= 1", [("c", {"y": 1, "x": 1}, "<=", 1)]),
        ("c: x - x <= 1", []),
    ],
)  # fmt: skip
def test_a_constraint_of_an_lp_file_is_what_it_says(constraint: str, rules: list[Any]) -> None:
    problem, _ = read_text(program(constraint, "0 <= n <= 2"), "a.lp")
    found = [(r["name"], r["linear"], r["sense"], r["bound"]) for r in problem["constraints"]]
    assert found == rules


@pytest.mark.parametrize(
    ("bounds", "values"),
    [
        ("n <= 3", [0, 3]),
        ("-2 <= n <= 3", [-2, 3]),
        ("n >= 1\n 2.5 >= n", [1, 2]),
        ("n = 4", [4, 4]),
        ("n free\n n <= 1\n n >= -1", [-1, 1]),
        ("-inf <= n <= 5", [-5, 5]),
        ("n <= 1e30", [0, 15]),
        ("", [0, 15]),
    ],
)
def test_an_integer_has_its_bounds_or_those_that_constraints_leave(
    bounds: str, values: list[int]
) -> None:
    problem, notes = read_text(program("c: 2 n + x <= 30\n d: n - y >= -5.5", bounds), "a.lp")
    assert problem["variables"]["n"] == {"integer": values}
    assert bool(notes) == (values in ([0, 15], [-5, 5]))


def test_an_objective_has_its_sense_constant_and_products() -> None:
    text = (
        "max\n o: 3 x - 2 n + [ 4 x * n - n ^ 2 + 2 y^2 ] / 2 + 7\nst\n c: n <= 3\nint n\nbin\nx y"
    )
    problem, _ = read_text(text, "a.lp")
    assert problem["objective"] == {
        "sense": "maximise",
        "linear": {"x": 3.0, "n": -2.0, "y": 1.0},
        "quadratic": [["n", "x", 2.0], ["n", "n", -0.5]],
        "constant": 7.0,
    }


def test_names_as_gurobi_writes_them_and_its_constant_are_read() -> None:
    kinds, objective = "General\n y{1} x[0,1]", "2 x[0,1] + 3 One"
    rules = "R1: y{1} <= 2\n x[0,1] <= 1\n R0: x[0,1] + y{1} >= 1"
    text = program(rules, "One = 1", objective=objective, kinds=kinds)
    problem, _ = read_text(text, "a.lp")
    assert problem["variables"]["One"] == {"integer": [1, 1]}
    assert problem["variables"]["x[0,1]"] == "binary"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            program("c: x + [ x * n ] <= 1", "n <= 2"),
            r'constraint "c": got "n \* x"; allowed: sums',
        ),
        (program("c: x + z <= 1", "n <= 2"), 'variable "z": got a continuous one; allowed: binary'),
        (program("c: n >= 1"), 'variable "n": got "1 to inf"; allowed: up to 4096 values: bounds'),
        (
            program("c: x >= 1", "n <= -1"),
            'variable "n": got "0 to -1"; allowed: bounds with an int',
        ),
        (program("c: >= 1", "n <= 2"), 'constraint "c": got "0 >= 1"; allowed: a constraint on'),
        (program("c: x <= y", "n <= 2"), 'line 4: got "y"; allowed: a number on the right, variab'),
        (
            program("c: x <= 1 + 1", "n <= 2"),
            r'line 4: got "\+"; allowed: a number alone on the ri',
        ),
        (program("c: x = 1 -> y <= 1"), 'line 4: got "->"; allowed: linear constraints, without'),
        (program("c: x + y"), 'line 4: got "end of the section after y"; allowed: <=, >= or ='),
        (program("c: x + <= 1"), 'line 4: got "<="; allowed: a term after the sign'),
        (program("c: x <= inf"), 'line 4: got "inf"; allowed: a finite number on the right'),
        (program("c: x <= 1", "n <="), "line 6: .*a number at the end of a bound"),
        (program("c: x <= 1", objective="x * y"), r'line 2: got "\*"; allowed: products and squar'),
        (program("c: x <= 1", objective="[ x * y ]"), "allowed: / 2 after the brackets of an obj"),
        (program("c: x <= 1", objective="[ x ^ 3 ] / 2"), 'line 2: got "3"; allowed: squares'),
        (program("c: x <= 1", objective="2 3 x"), 'line 2: got "3"; allowed: terms of the object'),
        (program("c: x <= 1", kinds="SOS\n s: S1 :: x:1"), 'line 7: got "SOS"; allowed: the sect'),
        ("max: x + y;\n", 'line 1: got "max: x \\+ y;"; allowed: Minimize or Maximize to begin'),
        ("Maximize\nEnd\n", "got no variables"),
    ],
)
def test_what_an_lp_file_may_not_have_is_refused_by_name(text: str, said: str) -> None:
    with pytest.raises(InvalidRequest, match=f"^a.lp: .*{said}"):
        read(text.encode(), "a.lp")


def random_model(seed: int) -> dimod.ConstrainedQuadraticModel:
    rng = np.random.default_rng(seed)
    bits = [dimod.Binary(f"b{i}") for i in range(4)]
    numbers = [dimod.Integer(f"n{i}", lower_bound=-2, upper_bound=3 + i) for i in range(3)]
    each = [*bits, *numbers]

    def linear() -> Any:
        return dimod.quicksum(v * int(c) for v, c in zip(each, rng.integers(1, 9, 7), strict=True))

    model = dimod.ConstrainedQuadraticModel()  # type: ignore[no-untyped-call]
    pairs = [(int(a), int(b)) for a, b in rng.integers(0, 7, (6, 2))]
    products = dimod.quicksum(each[a] * each[b] * float(rng.normal()) for a, b in pairs)
    model.set_objective(linear() + products + float(rng.normal()))
    model.add_constraint(linear() - 2.5 <= 20, label="most")
    model.add_constraint(linear() >= -7.25, label="least")
    model.add_constraint(linear() == 11, label="same")
    return model


def plain(problem: dict[str, Any]) -> dict[str, Any]:
    """Return a problem of one order, its numbers as Python has them."""
    found: dict[str, Any] = json.loads(json.dumps(problem, sort_keys=True))
    found["objective"]["quadratic"].sort()
    return found


@pytest.mark.parametrize("seed", range(5))
def test_an_lp_file_that_dimod_writes_is_its_model(seed: int) -> None:
    model = random_model(seed)
    with model.to_file() as file:
        binary = read(bytes(file.read()), "a.cqm").request["problem"]

    text, _ = read_text(dimod.lp.dumps(model), "a.lp")

    assert plain(text) == plain(binary)


# --- dimod's constrained models ---


def cqm(*, weight: float | None = None, product: bool = False, real: bool = False) -> bytes:
    model = dimod.ConstrainedQuadraticModel()  # type: ignore[no-untyped-call]
    x, s, k = dimod.Binary(("x", 1)), dimod.Spin("s"), dimod.Integer("k")
    model.set_objective(x - 3 * s)
    for number in range(12):
        model.add_constraint(x + s + k <= 4 + number, label=("c", number))
    model.add_constraint(k * x - s <= 2 if product else s + k >= -1, label="last", weight=weight)
    if real:
        model.add_variable("REAL", "r")
    with model.to_file() as file:
        return bytes(file.read())


def test_spins_become_bits_and_constraints_keep_their_order() -> None:
    found = read(cqm(), "a.cqm")
    parse_request(found.request)
    problem = found.request["problem"]
    assert problem["objective"]["linear"] == {"('x', 1)": 1.0, "s": -6.0}
    assert problem["objective"]["constant"] == 3.0
    assert problem["variables"]["k"] == {"integer": [0, 5]}
    names = [f"('c', {number})" for number in range(12)]
    assert [each["name"] for each in problem["constraints"]] == [*names, "last"]
    assert problem["constraints"][0]["linear"] == {"('x', 1)": 1.0, "s": 2.0, "k": 1.0}
    assert [each["bound"] for each in problem["constraints"][:2]] == [5.0, 6.0]
    assert found.notes[0] == "spins became bits, s = 2 b - 1: s"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (
            cqm(weight=2.0),
            'constraint "last": got a soft one; allowed: constraints that have to ho',
        ),
        (
            cqm(product=True),
            r"""constraint "last": got "\('x', 1\) \* k"; allowed: sums of varia""",
        ),
        (cqm(real=True), 'variable "r": got a continuous one'),
        (b"DIMODCQM" + bytes(40), r"damaged .cqm \(File is not a zip file\)"),
    ],
)
def test_what_a_model_of_dimod_may_not_have_is_refused_by_name(content: bytes, said: str) -> None:
    with pytest.raises(InvalidRequest, match=f"^a.cqm: {said}"):
        read(content, "a.cqm")


# --- tours ---

CITIES = "1 6734.5 1453\n2 2233 10\n3 5530 1424\n4 401 841.25\n"
ON_EARTH = "1 38.24 20.42\n2 -39.57 26.15\n3 40.56 -25.32\n4 36.26 23.12\n"


def tour(kind: str, section: str, more: str = "") -> str:
    return f"NAME : t\nDIMENSION : 4\nEDGE_WEIGHT_TYPE : {kind}\n{more}{section}EOF\n"


@pytest.mark.parametrize(
    ("kind", "halves"),
    [
        ("EUC_2D", [4727, 1205, 6363, 3587, 2012, 5162]),
        ("CEIL_2D", [4728, 1205, 6363, 3588, 2012, 5162]),
        ("MAN_2D", [5945, 1234, 6945, 4711, 2663, 5712]),
        ("MAX_2D", [4502, 1205, 6334, 3297, 1832, 5129]),
        ("ATT", [1495, 382, 2013, 1135, 637, 1633]),
        ("GEO", [8741, 3926, 312, 10418, 8510, 4210]),
    ],
)
def test_distances_are_those_of_tsplib95(kind: str, halves: list[int]) -> None:
    """The figures are those of tsplib95 0.7.1."""
    places = ON_EARTH if kind == "GEO" else CITIES
    problem, _ = read_text(tour(kind, f"NODE_COORD_SECTION\n{places}"), "t.tsp")
    table, pairs = problem["distances"], itertools.combinations(range(4), 2)
    assert [table[i][j] for i, j in pairs] == halves
    assert table == [list(column) for column in zip(*table, strict=True)]
    assert problem["cities"] == [1, 2, 3, 4]
    assert problem["coordinates"][1] == ([26.15, -39.57] if kind == "GEO" else [2233, 10])


@pytest.mark.parametrize(
    ("form", "numbers"),
    [
        ("FULL_MATRIX", "0 3 4 2 3 0 4 6 4 4 0 5 2 6 5 0"),
        ("UPPER_ROW", "3 4 2\n4 6\n5"),
        ("LOWER_ROW", "3 4 4 2 6 5"),
        ("UPPER_DIAG_ROW", "0 3 4 2 0 4 6 0 5 0"),
        ("LOWER_DIAG_ROW", "0 3 0 4 4 0 2 6 5 0"),
        ("UPPER_COL", "3 4 4 2 6 5"),
        ("LOWER_COL", "3 4 2 4 6 5"),
        ("UPPER_DIAG_COL", "0 3 0 4 4 0 2 6 5 0"),
        ("LOWER_DIAG_COL", "0 3 4 2 0 4 6 0 5 0"),
    ],
)
def test_a_table_is_read_in_the_order_that_its_form_says(form: str, numbers: str) -> None:
    section = f"EDGE_WEIGHT_SECTION\n{numbers}\nDISPLAY_DATA_SECTION\n1 0 0\n2 1 0\n3 1 1\n4 0 1\n"
    text = tour("EXPLICIT", section, f"EDGE_WEIGHT_FORMAT : {form}\n")
    problem, notes = read_text(text, "t.tsp")
    assert problem["distances"] == [[0, 3, 4, 2], [3, 0, 4, 6], [4, 4, 0, 5], [2, 6, 5, 0]]
    assert problem["coordinates"] == [[0, 0], [1, 0], [1, 1], [0, 1]]
    assert notes == ()


def test_ways_there_and_back_may_differ_and_the_diagonal_does_not_count() -> None:
    table = "EDGE_WEIGHT_SECTION\n9999 3 4 2\n1 9999 4 6\n4 2 9999 5\n2 6 1 9999\n"
    text = tour("EXPLICIT", table, "TYPE : ATSP\nEDGE_WEIGHT_FORMAT : FULL_MATRIX\n")
    problem, notes = read_text(text, "t.atsp")
    assert problem["distances"][0] == [0, 3, 4, 2]
    assert problem["distances"][1] == [1, 0, 4, 6]
    assert notes == ("the ways there and back differ", "9999.0 on the diagonal was passed over")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (tour("EUC_2D", f"NODE_COORD_SECTION\n{CITIES}").replace(": 4", ": 280"),
         'line 2, DIMENSION: got "280"; allowed: an integer from 3 to 65'),
        (tour("XRAY1", ""), 'line 3, EDGE_WEIGHT_TYPE: got "XRAY1"; allowed: EXPLICIT, EUC_2D'),
        (tour("EUC_2D", "", "TYPE : CVRP\n"), 'line 4, TYPE: got "CVRP"; allowed: TSP, ATSP'),
        (tour("EUC_2D", "FIXED_EDGES_SECTION\n1 2\n-1\n"), 'line 4: got "FIXED_EDGES_SECTION"'),
        (tour("EUC_2D", "NODE_COORD_SECTION\n1 0 0\n1 1 0\n"), "line 6: got .*each city once"),
        (tour("EUC_2D", "NODE_COORD_SECTION\n1 0 0\n"), "NODE_COORD_SECTION: got 1; allowed: 4"),
        (tour("EUC_2D", "NODE_COORD_SECTION\n1 0 0 0\n"), "a city's number and its 2 coordinates"),
        (tour("EUC_2D", ""), "NODE_COORD_SECTION: missing"),
        (tour("EXPLICIT", "EDGE_WEIGHT_SECTION\n1 2\n", "EDGE_WEIGHT_FORMAT: UPPER_ROW\n"),
         "EDGE_WEIGHT_SECTION: got 2 numbers; allowed: 6, as UPPER_ROW of 4 cities has"),
        (tour("EXPLICIT", "EDGE_WEIGHT_SECTION\n1 2\n"), "EDGE_WEIGHT_FORMAT: missing"),
        ("NAME : t\n1 2 3\n", 'line 2: got "1 2 3"; allowed: "NAME : value"'),
        ("NAME : t\nDIMENSION : 4\n", "EDGE_WEIGHT_TYPE: missing"),
    ],
)  # fmt: skip
def test_what_a_tour_may_not_have_is_refused_by_name(text: str, said: str) -> None:
    with pytest.raises(InvalidRequest, match=f"^t.tsp: .*{said}"):
        read(text.encode(), "t.tsp")


# --- clauses ---


def test_clauses_run_over_line_ends_and_end_at_a_percent_sign() -> None:
    problem, notes = read_text("c\np cnf 5 2\n1 -2\n 3 0 -3\n1 0\n%\n0\n", "a.cnf")
    assert problem == {"type": "max_sat", "clauses": [[1, -2, 3], [-3, 1]]}
    assert notes == ("of 5 variables 2 in no clause were left out",)


def test_hard_clauses_weigh_more_than_all_others_together() -> None:
    for text in ("p wcnf 2 3 9\n9 -1 -2 0\n2 1 0\n3 2 0\n", "h -1 -2 0\n2 1 0\n3 2 0\n"):
        problem, notes = read_text(text, "a.wcnf")
        assert problem["weights"] == [6, 2, 3]
        more = "weigh 6 each, more than all others together: they hold where they can"
        assert notes == (f"hard clauses, 1, {more}",)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("p cnf 2 2\n1 -2 0\n", 'line 1: got "p cnf 2 2"; allowed: as many clauses as follow, 1'),
        ("p cnf 2 1\n1 3 0\n", 'line 2, literal: got "3"; allowed: an integer from 1 to 2'),
        ("p cnf 2 1\n1 --2 0\n", 'line 2, literal: got "-2"; allowed: an integer'),
        ("p cnf 2 1\n0\n", 'line 2: got "0"; allowed: clauses of one literal or more'),
        ("p cnf 2 1\n1 2\n", "allowed: a clause that ends in 0"),
        ("p sat 2 1\n1 2 0\n", '"p cnf variables clauses" or "p wcnf variables clauses top"'),
        ("p wcnf 2 1\n-1 2 0\n", 'line 2: got "-1"; allowed: weights that are not negative'),
        ("p wcnf 2 1\nx 2 0\n", 'line 2, value: got "x"; allowed: a finite number'),
    ],
)
def test_what_clauses_may_not_be_is_refused_by_name(text: str, said: str) -> None:
    with pytest.raises(InvalidRequest, match=f"^a.cnf: .*{said}"):
        read(text.encode(), "a.cnf")
