"""Problems in rudy and COOrdinate form: against the library's files, and dimod."""

from __future__ import annotations

import tracemalloc
from pathlib import Path
from typing import Any

import dimod
import pytest
from dimod.serialization import coo
from hypothesis import given
from hypothesis import strategies as st

from quantum_pipeline.errors import InvalidRequest
from quantum_pipeline.files.lines import MOST_LINES
from quantum_pipeline.files.reading import read
from quantum_pipeline.ising import energies, spins_of
from quantum_pipeline.problems import Chemistry, MaxCut
from quantum_pipeline.requests.request import parse_problem


def parse_text(content: str | bytes, name: str) -> Any:
    data = content.encode() if isinstance(content, str) else content
    return read(data, name).request["problem"]


BIQMAC = Path(__file__).resolve().parents[3] / "shared" / "data" / "biqmac"


def test_a_rudy_file_is_a_graph_whose_nodes_keep_their_numbers() -> None:
    problem = parse_problem(parse_text("# a path\n\n3 2\n1 2\n3 2 -0.5\n", "path.rud"))
    assert isinstance(problem, MaxCut)
    assert problem.edges == ((0, 1, 1.0), (2, 1, -0.5))
    assert list(problem.labels) == [1, 2, 3]


@pytest.mark.skipif(not BIQMAC.is_dir(), reason="the Biq Mac files are not beside this repository")
@pytest.mark.parametrize("number", range(5))
def test_a_file_of_the_biq_mac_library_is_read_whole(number: int) -> None:
    content = (BIQMAC / f"g05_60.{number}.mc").read_bytes()
    problem = parse_problem(parse_text(content, f"g05_60.{number}.mc"))
    assert isinstance(problem, MaxCut)
    assert (problem.n_variables, len(problem.edges)) == (60, 885)
    by_hand = [line.split() for line in content.decode().splitlines()[1:] if line.strip()]
    assert [(i + 1, j + 1) for i, j, _ in problem.edges] == [
        (int(i), int(j)) for i, j, *_ in by_hand
    ]
    assert problem.objective([0, 1] * 30) == sum(int(i) % 2 != int(j) % 2 for i, j, *_ in by_hand)


@given(st.data(), st.sampled_from(["SPIN", "BINARY"]), st.booleans())
def test_a_coordinate_file_of_dimod_has_the_energies_of_its_model(
    data: st.DataObject, vartype: str, header: bool
) -> None:
    n = data.draw(st.integers(1, 6))
    thousandths = st.integers(-9999, 9999).filter(bool).map(lambda value: value / 1000)
    model = dimod.BinaryQuadraticModel(vartype)
    for i in range(n):
        model.add_linear(i, data.draw(thousandths))
        for j in range(i):
            if data.draw(st.booleans()):
                model.add_quadratic(i, j, data.draw(thousandths))
    text = coo.dumps(model, vartype_header=header or vartype == "SPIN")
    problem = parse_problem(parse_text(text, "model.coo"))
    assert problem.type == ("ising" if vartype == "SPIN" else "qubo")
    bitstrings = [format(k, f"0{n}b") for k in range(2**n)]
    spins = spins_of(bitstrings)
    values = spins if vartype == "SPIN" else (1 - spins) // 2
    peer = model.energies((values, list(range(n))))
    assert energies(problem.ising, spins) == pytest.approx(peer, abs=1e-9)


def test_repeated_entries_of_a_coordinate_file_add_up() -> None:
    once = parse_problem(parse_text("0 0 3\n0 1 5\n", "a.coo"))
    twice = parse_problem(parse_text("0 0 1\n0 0 2\n0 1 1\n1 0 4\n", "a.coo"))
    assert twice.ising == once.ising


@pytest.mark.parametrize(
    ("text", "name", "type_"),
    [
        ("2 1\n1 2\n", "graph.txt", "maxcut"),
        ("0 0 -1\n0 1 2.5\n", "model.txt", "qubo"),
        ("# vartype=SPIN\n0 1 2.5\n", "model.txt", "ising"),
        ("#VarType = binary\n0 1 2.5\n", "MODEL.COO", "qubo"),
        ("\ufeff2 1\n1 2\n", "graph.MC", "maxcut"),
    ],
)
def test_suffix_and_first_line_tell_the_form(text: str, name: str, type_: str) -> None:
    assert parse_text(text, name)["type"] == type_
    assert parse_text(text.encode(), name)["type"] == type_


WATER = """3
# of no concern
O   0.0    0.0  0.0
H   0.757  0    0.587e0   0.4  further columns
h  -0.757  0.0  0.587

"""


def test_an_xyz_file_is_a_molecule_by_its_geometry() -> None:
    problem = parse_problem(parse_text(WATER, "water.xyz"))
    assert isinstance(problem, Chemistry)
    assert problem.geometry == (
        ("O", (0.0, 0.0, 0.0)),
        ("H", (0.757, 0.0, 0.587)),
        ("H", (-0.757, 0.0, 0.587)),
    )
    assert problem.n_qubits == 14


def test_the_comment_of_an_xyz_file_may_be_empty() -> None:
    found = parse_text("1\n\nHe 0 0 0\n", "a.xyz")
    assert found == {"type": "chemistry", "geometry": [["He", [0.0, 0.0, 0.0]]]}


@pytest.mark.parametrize(
    ("text", "name", "said"),
    [
        ("", "a.xyz", 'line 1: got ""; allowed: the number of nuclei'),
        ("H 0 0 0\n", "a.xyz", 'line 1: got "H 0 0 0"; allowed: the number of nuclei'),
        ("x\n\nH 0 0 0\n", "a.xyz", 'line 1, nuclei: got "x"; allowed: an integer from 1'),
        ("2\n\nH 0 0 0\n", "a.xyz", 'got "2"; allowed: as many nuclei as lines follow the comm'),
        ("1\n", "a.xyz", 'got "1"; allowed: as many nuclei as lines follow the comment, 0'),
        (
            WATER + WATER,
            "a.xyz",
            "got 2 geometries; allowed: one of them, by --frame 1 to --frame 2",
        ),
        ("1\n\nH 0 0\n", "a.xyz", 'line 3: got "H 0 0"; allowed: "element x y z"'),
        ("1\n\nH 0 0 up\n", "a.xyz", 'line 3, value: got "up"; allowed: a finite number'),
        ("", "a.mc", "got nothing; allowed: lines of numbers"),
        ("# only this\n", "a.txt", "got nothing; allowed"),
        (b"2 1\n1 \xff\n", "a.mc", "byte 7 is not UTF-8; allowed: text in UTF-8"),
        ("1 2 3 4\n", "a.txt", 'line 1: got "1 2 3 4"; allowed: "nodes edges" to begin rudy, "i j'),
        ("{}", "a.mc", 'line 1: got "{}"; allowed: two numbers, "nodes edges"'),
        ("x 1\n1 2\n", "a.mc", 'line 1, nodes: got "x"; allowed: an integer from 1 to 100000'),
        ("1000000000 1\n1 2\n", "a.mc", 'nodes: got "1000000000"; allowed: an integer from 1 to 1'),
        ("3 0\n", "a.mc", 'line 1, edges: got "0"; allowed: an integer from 1 to'),
        ("3 2\n1 2\n", "a.mc", 'line 1: got "3 2"; allowed: as many edges as lines follow, 1'),
        ("3 1\n\n1 4\n", "a.mc", 'line 3, node: got "4"; allowed: an integer from 1 to 3'),
        ("3 1\n0 1\n", "a.mc", 'line 2, node: got "0"; allowed: an integer from 1 to 3'),
        ("3 1\n1 1\n", "a.mc", 'line 2: got "1 1"; allowed: two different nodes'),
        ("3 2\n1 2\n2 1 5\n", "a.mc", 'line 3: got "2 1 5"; allowed: each edge once; it stands in'),
        ("3 1\n1 2 3 4\n", "a.mc", 'line 2: got "1 2 3 4"; allowed: "i j" or "i j weight"'),
        ("3 1\n1 2 nan\n", "a.mc", 'line 2, value: got "nan"; allowed: a finite number'),
        ("3 1\n1 2 heavy\n", "a.mc", 'line 2, value: got "heavy"; allowed: a finite number'),
        ("0 1\n", "a.coo", 'line 1: got "0 1"; allowed: three numbers, "i j value"'),
        ("0 -1 2\n", "a.coo", 'line 1, variable: got "-1"; allowed: an integer from 0 to 99999'),
        ("0 1000000000 2\n", "a.coo", 'variable: got "1000000000"; allowed: an integer from 0 to'),
        ("0 1 inf\n", "a.coo", 'line 1, value: got "inf"; allowed: a finite number'),
        ("# vartype=INTEGER\n0 1 1\n", "a.coo", 'line 1: got "# vartype=INTEGER"; allowed: vartyp'),
    ],
)
def test_a_wrong_line_is_refused_by_its_number(text: str | bytes, name: str, said: str) -> None:
    with pytest.raises(InvalidRequest) as error:
        parse_text(text, name)
    assert str(error.value).startswith(f"{name}: ")
    assert said in str(error.value)


@pytest.mark.parametrize(
    "number", ["1_000", "\uff11\uff12", "0x10", "1e5_0", "\u0661", "1.5f", "+-1"]
)
@pytest.mark.parametrize(
    ("text", "name"),
    [("2 1\n1 2 {}\n", "a.mc"), ("0 1 {}\n", "a.coo"), ("1\n\nH 0 {} 0\n", "a.xyz")],
)
def test_numbers_are_of_ascii_digits_alone(text: str, name: str, number: str) -> None:
    with pytest.raises(InvalidRequest, match=r"line \d, value: got .*; allowed: a finite number"):
        parse_text(text.format(number), name)


@pytest.mark.parametrize("number", ["1_0", "\uff12", "2.0", "+2"])
@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("{} 1\n1 2\n", "a.mc"),
        ("2 1\n1 {}\n", "a.mc"),
        ("0 {} 1\n", "a.coo"),
        ("{}\n\nH 0 0 0\n", "a.xyz"),
    ],
)
def test_counts_and_names_are_of_ascii_digits_alone(text: str, name: str, number: str) -> None:
    with pytest.raises(InvalidRequest, match=r"line \d, (nodes|node|variable|nuclei): got "):
        parse_text(text.format(number), name)


@pytest.mark.parametrize("number", ["-1.5", "+.5", "5.", "1E-3", "007", "1e+2"])
def test_numbers_are_read_in_every_common_form(number: str) -> None:
    found = parse_text(f"2 1\n1 2 {number}\n", "a.mc")
    assert found["edges"] == [[0, 1, float(number)]]


PASSED_OVER = [
    b"\x0c",
    b"a\x0cb",
    b"\xe2\x80\xa8",
    b"\xc2\x85",
    b"\x85",
    b"caf\xe9 \xb0",
    b"\x1c\x1d\x1e\x0b",
    b"\xff\xfe\x00",
]


@pytest.mark.parametrize("comment", PASSED_OVER)
@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"])
def test_any_bytes_may_stand_in_what_is_passed_over(comment: bytes, end: bytes) -> None:
    xyz = end.join([b"2", comment, b"H 0 0 0", b"H 0 0 0.74", b""])
    assert [element for element, _ in parse_text(xyz, "a.xyz")["geometry"]] == ["H", "H"]
    rudy = end.join([b"# " + comment, b"2 1", b"  #" + comment, b"1 2", b""])
    assert parse_text(rudy, "a.mc")["edges"] == [[0, 1, 1.0]]
    coo = end.join([b"# vartype=SPIN " + comment, b"0 1 2", b"#" + comment])
    assert parse_text(coo, "a.coo")["couplings"] == [[0, 1, 2.0]]


@pytest.mark.parametrize("broken", ["1\u20282 1", "1 2\u20281", "1\x852", "1 2\u3000", "1\u00a02"])
def test_nothing_but_spaces_and_tabs_parts_words(broken: str) -> None:
    with pytest.raises(InvalidRequest, match=r"a\.mc: line 2"):
        parse_text(f"2 1\n{broken}\n", "a.mc")
    assert parse_text("2 1\n1 \t2\t \f1\n", "a.mc")["edges"] == [[0, 1, 1.0]]


def test_lines_are_counted_before_any_is_read() -> None:
    text = b"\r\n" * (MOST_LINES + 1)
    tracemalloc.start()
    try:
        with pytest.raises(InvalidRequest, match=r"^a.mc: got 528385 lines; allowed: up to 528384"):
            parse_text(text, "a.mc")
        assert tracemalloc.get_traced_memory()[1] < 1_000_000
    finally:
        tracemalloc.stop()


def test_a_line_of_very_many_words_is_cut_into_the_first_few() -> None:
    text = b"1\n\nH 0 0 0" + b" 1" * 500_000
    tracemalloc.start()
    try:
        assert parse_text(text, "a.xyz")["geometry"] == [["H", [0.0, 0.0, 0.0]]]
        assert tracemalloc.get_traced_memory()[1] < 5_000_000
    finally:
        tracemalloc.stop()


def test_a_line_that_counts_is_utf8_or_refused_by_its_byte() -> None:
    with pytest.raises(InvalidRequest, match=r"^a.xyz: byte 13 is not UTF-8; allowed: text in"):
        parse_text(b"1\ncaf\xe9\nH 0 0\xe9 0\n", "a.xyz")
    with pytest.raises(InvalidRequest, match=r"^a.mc: byte 4 is not UTF-8"):
        parse_text(b"\xef\xbb\xbf\xff", "a.mc")
    with pytest.raises(InvalidRequest, match=r"^a.mc: line 1: got "):
        parse_text("2 é\n1 2\n".replace("2 é", "é"), "a.mc")
