"""Files of each format, as its own library writes it, and their known answers."""

from __future__ import annotations

import bz2
import gzip
import io
import itertools
import json
import sys
from codecs import BOM_UTF8
from collections.abc import Callable
from typing import Any

import dimod
import networkx as nx
import numpy as np
import pytest
import scipy.io
import scipy.sparse
from dimod.serialization import coo

from hybrid_job.molecules.integrals import integrals_at
from quantum_pipeline.chemistry.hamiltonian import Hamiltonian
from quantum_pipeline.errors import InvalidRequest
from quantum_pipeline.files.formats import FORMATS, JSON_FORMS, SUFFIXES
from quantum_pipeline.files.reading import Read, read
from quantum_pipeline.problems import BinaryProblem, Chemistry, FormProblem
from quantum_pipeline.requests.request import Request, parse_request
from scripts import file_docs
from tests.unit.form_instances import states

WEIGHTS = {(0, 1): 2.0, (1, 2): 3.0, (2, 3): 1.0, (3, 0): 4.0, (0, 2): 5.0}
N = 4


def named_graph(names: str = "abcd") -> nx.Graph:
    graph = nx.Graph()
    graph.add_nodes_from(names)
    for (i, j), weight in WEIGHTS.items():
        graph.add_edge(names[i], names[j], weight=weight)
    return graph


def numbered_graph() -> nx.Graph:
    graph = nx.Graph()
    graph.add_nodes_from(range(N))
    graph.add_weighted_edges_from((i, j, w) for (i, j), w in WEIGHTS.items())
    return graph


def largest_cut(graph: nx.Graph) -> float:
    """Return the largest cut that networkx counts."""
    nodes = list(graph)
    sides = itertools.product((0, 1), repeat=len(nodes))
    return max(
        float(
            nx.cut_size(
                graph, {n for n, bit in zip(nodes, bits, strict=True) if bit}, weight="weight"
            )
        )
        for bits in sides
    )


CUT = largest_cut(numbered_graph())
UNWEIGHTED = 4.0
"""The largest cut of the same edges, each of weight 1: all but the diagonal of a square."""

TERMS = {(0, 0): -3.0, (1, 1): 2.0, (2, 2): -1.0, (0, 1): -4.0, (1, 2): 5.0, (0, 2): 1.0}
MODEL = dimod.BinaryQuadraticModel.from_qubo(TERMS)
SPINS = dimod.BinaryQuadraticModel({0: 0.5, 1: -1.0}, {(0, 1): 1.5}, 0.25, "SPIN")
LABELLED = dimod.BinaryQuadraticModel(
    {("a", 1): -1.0, ("b", (2, 3)): 2.0}, {(("a", 1), ("b", (2, 3))): -4.0}, 0.5, "BINARY"
)


def lowest(model: dimod.BinaryQuadraticModel) -> float:
    solver = dimod.ExactSolver()  # type: ignore[no-untyped-call]
    return float(solver.sample(model).first.energy)


LOWEST = lowest(MODEL)


def of_file(model: dimod.BinaryQuadraticModel) -> bytes:
    with model.to_file() as file:
        return bytes(file.read())


def program() -> dimod.ConstrainedQuadraticModel:
    """Return a model of bits, an integer and one of three, with a constant and a product."""
    model = dimod.ConstrainedQuadraticModel()  # type: ignore[no-untyped-call]
    x, y = dimod.Binaries(["x", "y"])
    n = dimod.Integer("n", lower_bound=-1, upper_bound=2)
    model.set_objective(1.5 - x - 2 * y + n * n - 2 * x * n)
    model.add_constraint(x + y + 2 * n + 1 <= 4, label="most")
    model.add_constraint(x - y >= -0.5, label="least")
    model.add_discrete(["a", "b", "c"], label="one")
    return model


PROGRAM = program()


def of_program(model: dimod.ConstrainedQuadraticModel, *, compress: bool = False) -> bytes:
    with model.to_file(compress=compress) as file:
        return bytes(file.read())


def least(model: dimod.ConstrainedQuadraticModel) -> float:
    found = dimod.ExactCQMSolver().sample_cqm(model)  # type: ignore[no-untyped-call]
    return float(found.filter(lambda each: each.is_feasible).first.energy)


def saved(matrix: Any) -> bytes:
    file = io.BytesIO()
    np.save(file, matrix)
    return file.getvalue()


def market(matrix: Any, **options: Any) -> bytes:
    file = io.BytesIO()
    scipy.io.mmwrite(file, matrix, **options)
    return file.getvalue()


def square(entries: dict[tuple[int, int], float], n: int) -> Any:
    matrix = np.zeros((n, n))
    for (i, j), value in entries.items():
        matrix[i, j] = value
    return matrix


def written(write: Callable[..., None], graph: nx.Graph, **options: Any) -> bytes:
    file = io.BytesIO()
    write(graph, file, **options)
    return file.getvalue()


def rows(entries: dict[tuple[int, int], float], first: int = 0) -> str:
    return "".join(f"{i + first} {j + first} {value:g}\n" for (i, j), value in entries.items())


QUBO_ROWS, EDGE_ROWS = rows(TERMS, 1), rows(WEIGHTS, 1)
ADJACENCY = nx.to_numpy_array(numbered_graph())
METIS = "% four nodes\n4 5 001\n2 2 4 4 3 5\n1 2 3 3\n2 3 4 1 1 5\n3 1 1 4\n"
OLD_DIMOD = {
    "version": {"bqm_schema": "1.0.0"},
    "variable_type": "BINARY",
    "variable_labels": [0, 1, 2],
    "offset": 0.0,
    "linear_terms": [{"label": i, "bias": TERMS[i, i]} for i in range(3)],
    "quadratic_terms": [
        {"label_head": i, "label_tail": j, "bias": value}
        for (i, j), value in TERMS.items()
        if i < j
    ],
}
BQPJSON = {
    "version": "1.0.0",
    "id": 0,
    "metadata": {},
    "variable_ids": [4, 7],
    "variable_domain": "spin",
    "scale": 2.0,
    "offset": 0.125,
    "linear_terms": [{"id": 4, "coeff": 0.25}, {"id": 7, "coeff": -0.5}],
    "quadratic_terms": [{"id_tail": 4, "id_head": 7, "coeff": 0.75}],
}
ALL_SIGNS = (
    "p cnf 3 8\n1 2 3 0\n1 2 -3 0\n1 -2 3 0\n1 -2 -3 0\n"
    "-1 2 3 0\n-1 2 -3 0\n-1 -2 3 0\n-1 -2 -3 0\n"
)
"""As python-sat writes it; one clause is always broken."""
WEIGHTED = "3 1 0\n5 2 0\n3 3 0\n2 1 3 -4 0\n1 4 0\nh -1 -2 0\nh -2 -3 0\n"
"""As python-sat writes it; of the weight 14 its solver RC2 breaks 5."""
BURMA = (
    "NAME: burma4\nCOMMENT: of burma14\nTYPE: TSP\nDIMENSION: 4\nEDGE_WEIGHT_TYPE: GEO\n"
    "NODE_COORD_SECTION:\n1 16.47 96.1\n2 16.47 94.44\n3 20.09 92.54\n4 22.39 93.37\nEOF"
)
"""As tsplib95 writes it; the shortest tour is by its distances."""
TRIMER = (
    " &FCI NORB=   3,NELEC= 3,MS2=1,\n"
    "  ORBSYM=1,1,6\n"
    "  ISYM=1,\n"
    " &END\n"
    " 0.581731984722    1    1    1    1\n"
    " 0.0913843822556    2    1    1    1\n"
    " 0.132434237787    2    1    2    1\n"
    " 0.599538400691    2    2    1    1\n"
    " 0.0938062036012    2    2    2    1\n"
    " 0.655122007139    2    2    2    2\n"
    " 0.154789962825    3    1    3    1\n"
    " -0.137996851837    3    2    3    1\n"
    " 0.147866326827    3    2    3    2\n"
    " 0.50919446637    3    3    1    1\n"
    " -0.0297619663221    3    3    2    1\n"
    " 0.537070711926    3    3    2    2\n"
    " 0.551850208124    3    3    3    3\n"
    " -1.62635056253    1    1  0  0\n"
    " -0.130620840257    2    1  0  0\n"
    " -0.689513209612    2    2  0  0\n"
    " -1.19648934091    3    3  0  0\n"
    " 1.46993669596  0  0  0  0\n"
)
"""Three hydrogen atoms in a line, 0.9 angstrom apart, in STO-3G, by PySCF 2.14.0, whose FCI has
-1.569979689274 hartree; sorted by symmetry, not by energy."""
HUBBARD = "&FCI NORB=2, NELEC=2 /\n4D0 1 1 1 1\n 4.0D+0 2 2 2 2\n-1. 1 2 0 0\n"
"""Two sites, U = 4 and t = 1: the lowest energy is (U - sqrt(U^2 + 16 t^2)) / 2."""
TEXT: list[tuple[str, str | bytes, str, float]] = [
    ("g.mc", f"4 5\n{EDGE_ROWS}", "rudy", CUT),
    ("G99.txt", f"4 5\n{EDGE_ROWS}", "rudy", CUT),
    ("pm1s_4.0", "4 5\n1 2 -1\n2 3 1\n3 4 1\n4 1 1\n1 3 1\n", "rudy", 3.0),
    ("no_suffix", f"4 5 0\n{EDGE_ROWS}", "rudy", CUT),
    ("unweighted.gset", "4 5\n1 2\n2 3\n3 4\n4 1\n1 3\n", "rudy", UNWEIGHTED),
    ("counted_from_0.txt", rows(WEIGHTS), "edges", CUT),
    ("w.txt", written(nx.write_weighted_edgelist, numbered_graph()), "edges", CUT),
    ("data.edgelist", written(nx.write_edgelist, named_graph()), "edges", CUT),
    ("names.edges", written(nx.write_weighted_edgelist, named_graph()), "edges", CUT),
    ("e.csv", "source,target,weight\na,b,2\nb,c,3\nc,d,1\nd,a,4\na,c,5\n", "csv", CUT),
    ("e.tsv", rows(WEIGHTS).replace(" ", "\t"), "csv", CUT),
    ("e2.csv", rows(WEIGHTS).replace(" ", ";"), "csv", CUT),
    ("m.csv", "\n".join(",".join(map(str, row)) for row in ADJACENCY), "csv", CUT),
    ("q.csv", "\n".join(",".join(map(str, row)) for row in square(TERMS, 3)), "csv", LOWEST),
    ("a.mtx", market(scipy.sparse.coo_array(ADJACENCY), symmetry="symmetric"), "matrixmarket", CUT),
    ("q.mtx", market(scipy.sparse.coo_array(square(TERMS, 3))), "matrixmarket", LOWEST),
    ("dense.mtx", market(square(TERMS, 3)), "matrixmarket", LOWEST),
    ("half.mtx", market(ADJACENCY, symmetry="symmetric"), "matrixmarket", CUT),
    ("market.txt", market(scipy.sparse.coo_array(square(TERMS, 3))), "matrixmarket", LOWEST),
    ("q.mat", "3\n-3 -2 0.5\n-2 2 2.5\n0.5 2.5 -1\n", "dense", LOWEST),
    ("q.txt", "-3 -2 0.5\n-2 2 2.5\n0.5 2.5 -1\n", "dense", LOWEST),
    ("g.gml", written(nx.write_gml, named_graph()), "gml", CUT),
    ("gml.txt", "\n".join(nx.generate_gml(numbered_graph())), "gml", CUT),
    ("g.graphml", "\n".join(nx.generate_graphml(named_graph())), "graphml", CUT),
    ("graphml.txt", "\n".join(nx.generate_graphml(named_graph())), "graphml", CUT),
    ("g.g6", nx.to_graph6_bytes(numbered_graph(), header=False), "graph6", UNWEIGHTED),
    ("g6.txt", nx.to_graph6_bytes(numbered_graph()), "graph6", UNWEIGHTED),
    ("s.s6", nx.to_sparse6_bytes(numbered_graph(), header=False), "graph6", UNWEIGHTED),
    ("g.metis", METIS, "metis", CUT),
    ("plain.graph", "4 5\n2 4 3\n1 3\n2 4 1\n3 1\n", "metis", UNWEIGHTED),
    ("g.col", "c four\np edge 4 5\ne 1 2\ne 2 3\ne 3 4\ne 4 1\ne 1 3\n", "dimacs", UNWEIGHTED),
    ("clq.txt", "c x\np col 4 5\ne 1 2\ne 2 3\ne 3 4\ne 4 1\ne 1 3\n", "dimacs", UNWEIGHTED),
    ("m.coo", coo.dumps(MODEL), "coo", LOWEST),
    ("spins.coo", coo.dumps(SPINS, vartype_header=True), "coo", lowest(SPINS) - 0.25),
    ("colon.txt", "# vartype: SPIN\n0 1 1\n", "coo", -1.0),
    ("diagonal.txt", rows(TERMS), "coo", LOWEST),
    ("q.qubo", f"c three\np qubo 0 3 3 3\n{rows(TERMS)}", "qbsolv", LOWEST),
    ("qubo.txt", f"p qubo 0 3 3 3\n{rows(TERMS)}", "qbsolv", LOWEST),
    ("toy.bq", f"3 6\n{QUBO_ROWS}", "bq", LOWEST),
    ("toy.bqm", of_file(MODEL), "bqm", LOWEST),
    ("bqm.dat", of_file(SPINS), "bqm", lowest(SPINS)),
    ("a.npy", saved(ADJACENCY), "npy", CUT),
    ("npy.dat", saved(square(TERMS, 3)), "npy", LOWEST),
    ("whole.npy", saved(ADJACENCY.astype(int)), "npy", CUT),
    ("nl.json", json.dumps(nx.node_link_data(named_graph(), edges="edges")), "node-link", CUT),
    ("old.json", json.dumps(nx.node_link_data(named_graph(), edges="links")), "node-link", CUT),
    ("adj.json", json.dumps(nx.adjacency_data(named_graph())), "adjacency", CUT),
    ("bqm.json", json.dumps(MODEL.to_serializable()), "dimod", LOWEST),
    ("labelled.json", json.dumps(LABELLED.to_serializable()), "dimod", lowest(LABELLED)),
    ("dimod1.json", json.dumps(OLD_DIMOD), "dimod-1", LOWEST),
    ("b.json", json.dumps(BQPJSON), "bqpjson", 2 * lowest(dimod.BinaryQuadraticModel(
        {4: 0.25, 7: -0.5}, {(4, 7): 0.75}, 0.125, "SPIN"))),
    ("sat.cnf", ALL_SIGNS, "cnf", 7.0),
    ("cnf.txt", f"c\n{ALL_SIGNS}%\n0\n", "cnf", 7.0),
    ("soft.wcnf", "c\np wcnf 2 3\n2 1 0 3\n2 0 4 -1 -2 0\n", "cnf", 7.0),
    ("hard.wcnf", WEIGHTED, "cnf", 14.0 - 5 + 2 * 15),
    ("top.wcnf", "p wcnf 2 3 99\n1 1 0\n2 2 0\n99 -1 -2 0\n", "cnf", 2.0 + 4),
    ("burma4.tsp", BURMA, "tsplib", 1570.0),
    ("tsp.txt", BURMA, "tsplib", 1570.0),
    ("toy.lp", dimod.lp.dumps(PROGRAM), "lp", least(PROGRAM)),
    ("lp.txt", dimod.lp.dumps(PROGRAM), "lp", least(PROGRAM)),
    ("toy.cqm", of_program(PROGRAM), "cqm", least(PROGRAM)),
    ("cqm.dat", of_program(PROGRAM, compress=True), "cqm", least(PROGRAM)),
    ("h3.fcidump", TRIMER, "fcidump", -1.569979689274),
    ("FCIDUMP", HUBBARD, "fcidump", 2 - 8**0.5),
    ("p.json", json.dumps({"type": "maxcut", "edges": [[0, 1], [1, 2]]}), "problem", 2.0),
    ("json.txt", json.dumps({"type": "maxcut", "edges": [[0, 1], [1, 2]]}), "problem", 2.0),
]  # fmt: skip


def as_bytes(content: str | bytes) -> bytes:
    return content.encode() if isinstance(content, str) else content


def request_of(found: Read) -> Request:
    request = parse_request(found.request)
    assert parse_request(request.model_dump(mode="json", by_alias=True)) == request
    return request


def best(problem: Any) -> float:
    """Return the best objective, by trying all bitstrings that keep the rules."""
    if isinstance(problem, FormProblem):
        kept = (bits for bits in states(problem) if not problem.check(bits))
        return (max if problem.sense == "maximise" else min)(map(problem.objective, kept))
    if isinstance(problem, Chemistry):
        return float(np.linalg.eigvalsh(Hamiltonian.of(integrals_at(problem, None)[0]).dense())[0])
    assert isinstance(problem, BinaryProblem)
    values = map(problem.objective, itertools.product((0, 1), repeat=problem.n_variables))
    return (max if problem.sense == "maximise" else min)(values)


def packed_as(name: str, content: bytes, how: str) -> tuple[str, bytes]:
    match how:
        case "gz":
            return f"{name}.gz", gzip.compress(content)
        case "bz2":
            return f"{name}.bz2", bz2.compress(content)
        case "crlf":
            return name, content.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
        case "cr":
            return name, content.replace(b"\r\n", b"\n").replace(b"\n", b"\r")
        case "bom":
            return name, BOM_UTF8 + content
    return name, content


@pytest.mark.parametrize(("name", "content", "format_", "answer"), TEXT, ids=[e[0] for e in TEXT])
def test_a_file_of_each_format_has_its_known_answer(
    name: str, content: str | bytes, format_: str, answer: float
) -> None:
    data = as_bytes(content)
    binary = format_ in ("npy", "bqm", "cqm")
    for how in ("as it is", "gz", "bz2", *(() if binary else ("crlf", "bom"))):
        packed_name, packed = packed_as(name, data, how)
        request = request_of(read(packed, packed_name))
        assert request.source is not None, how
        assert (request.source.format, request.source.file) == (format_, name), how
        assert best(request.problem) == pytest.approx(answer, abs=1e-9), how


def test_every_format_is_in_the_table() -> None:
    tested = {format_ for _, _, format_, _ in TEXT}
    elsewhere = {"bqp", "sparse", "table", "xyz"}
    assert tested | elsewhere == {*FORMATS, *JSON_FORMS}


def test_the_pages_list_every_format_and_suffix() -> None:
    page = file_docs.PAGE.read_text("utf-8")
    assert page == file_docs.page_text(page)
    readme = (file_docs.PAGE.parents[1] / "README.md").read_text("utf-8")
    assert [each for each in SUFFIXES[:-1] if f"`{each}`" not in readme] == []


# --- what OR-Library, MQLib and Biq Mac mean by the same lines ---


@pytest.mark.parametrize(
    ("name", "content", "frame", "as_", "sense"),
    [
        ("toy.txt", f"# MQLib\n3 6\n{QUBO_ROWS}", None, None, "maximise"),
        ("bqp.txt", f"1\n3 6\n{QUBO_ROWS}", None, None, "maximise"),
        ("bqp2.bqp", f"2\n1 1\n1 1 7\n3 6\n{QUBO_ROWS}", 2, None, "maximise"),
        ("toy.sparse", f"3 6\n{QUBO_ROWS}", None, None, "minimise"),
        ("toy.txt", f"3 6\n{QUBO_ROWS}", None, "sparse", "minimise"),
    ],
)
def test_one_half_of_a_symmetric_matrix_counts_twice(
    name: str, content: str, frame: int | None, as_: str | None, sense: str
) -> None:
    found = read(content.encode(), name, as_=as_, frame=frame)
    problem = request_of(found).problem
    matrix = square(TERMS, 3)
    whole = np.triu(matrix) + np.triu(matrix, 1).T
    values = [float(x @ whole @ x) for x in map(np.array, itertools.product((0, 1), repeat=3))]
    assert isinstance(problem, BinaryProblem)
    assert problem.sense == sense
    assert best(problem) == (max if sense == "maximise" else min)(values)
    assert any(f"{sense}d" in note for note in found.notes)


def test_a_maximised_qubo_with_an_offset_has_the_values_of_its_negative() -> None:
    asked = {"type": "qubo", "linear": [1.0, -2.0], "quadratic": [[0, 1, 3.0]], "offset": 10.0}
    least, most = (
        parse_request({"problem": {**asked, "sense": sense}}).problem
        for sense in ("minimise", "maximise")
    )
    assert isinstance(least, BinaryProblem)
    assert isinstance(most, BinaryProblem)
    for bits in itertools.product((0, 1), repeat=2):
        value = 10.0 + bits[0] - 2 * bits[1] + 3 * bits[0] * bits[1]
        assert least.objective(bits) == most.objective(bits) == value
        assert most.energy_of_objective(value) == -value
        spins = [1 - 2 * bit for bit in bits]
        model = most.ising
        energy = model.offset + sum(h * s for h, s in zip(model.fields, spins, strict=True))
        energy += sum(j * spins[a] * spins[b] for a, b, j in model.couplings)
        assert energy == pytest.approx(-value)
    assert (best(least), best(most)) == (8.0, 12.0)


# --- files that could be something else ---


@pytest.mark.parametrize(
    ("name", "content", "ways"),
    [
        ("h.txt", "2 1\n1 2 -7\n", ["rudy", "bqp", "bq"]),
        ("mixed.txt", "3 3\n1 2 2\n2 3 -3\n1 3 1\n", ["rudy", "bqp", "bq"]),
        ("four.txt", "0 1 2\n1 2 -3\n0 2 1\n2 3 1\n", ["edges", "coo"]),
        ("three.txt", "0 1 2\n1 2 -3\n0 2 1\n", ["edges", "coo", "dense"]),
        ("star.txt", "4 3\n1 2\n1 3\n1 4\n", ["rudy", "edges"]),
        ("m.npy", saved(np.array([[0.0, -1.0], [-1.0, 0.0]])), ["maxcut", "qubo"]),
        ("m.csv", "0,-1\n-1,0\n", ["maxcut", "qubo"]),
    ],
)
def test_a_file_that_could_be_either_is_refused_with_all_ways(
    name: str, content: str | bytes, ways: list[str]
) -> None:
    with pytest.raises(InvalidRequest, match=f"it can be read in {len(ways)} ways") as error:
        read(as_bytes(content), name)
    for way in ways:
        assert f"--as {way} (" in str(error.value)
        parse_request(read(as_bytes(content), name, as_=way).request)


def test_as_decides_what_the_numbers_mean() -> None:
    negative = b"2 1\n1 2 -7\n"
    answers = {as_: best(request_of(read(negative, "h.txt", as_=as_)).problem) for as_ in
               ("rudy", "bq", "qubo", "maxcut", "bqp", "sparse")}  # fmt: skip
    assert answers == {"rudy": 0, "maxcut": 0, "bq": -7, "qubo": -7, "bqp": 0, "sparse": -14}
    spins = read(b"0 1 1\n", "s.txt", as_="ising").request["problem"]
    assert spins["type"] == "ising"
    with pytest.raises(InvalidRequest, match=r'--as: got "ising"; allowed: maxcut, as which rudy'):
        read(b"2 1\n1 2\n", "g.mc", as_="ising")
    with pytest.raises(InvalidRequest, match=r"--as: got \"rudi\"; allowed: one of rudy, edges"):
        read(b"2 1\n1 2\n", "g.mc", as_="rudi")


@pytest.mark.parametrize(
    ("problem", "said"),
    [
        ({"type": "maxcut", "edges": [[1, 2], [2, 3]]}, "variable 0 in no term: counted from 1"),
        ({"type": "maxcut", "edges": [[0, 1, -1.0]]}, "the optimum is trivial: all variables ali"),
        ({"type": "qubo", "linear": [0.0, 0.0], "quadratic": [[0, 1, 2.0]]}, "all variables 0"),
        ({"type": "qubo", "linear": [-1.0, 0.0], "quadratic": [[0, 1, -2.0]]}, "all variables 1"),
        ({"type": "ising", "fields": [1.0, -1.0]}, "each variable is by itself"),
        ({"type": "qubo", "linear": [-1.0, 0.0, 2.0], "quadratic": [[0, 2, 1.0]]}, "variable 1 in"),
    ],
)
def test_what_may_not_be_meant_is_warned_of(problem: dict[str, Any], said: str) -> None:
    found = parse_request({"problem": problem}).problem
    assert isinstance(found, BinaryProblem)
    assert any(said in each for each in found.warnings)
    if found.trivial_optimum == "all variables 0":
        assert best(found) == found.objective([0] * found.n_variables)


# --- graphs ---


def test_parallel_edges_add_up_and_that_is_said() -> None:
    graph = nx.MultiGraph()
    graph.add_edge("a", "b", weight=2.0)
    graph.add_edge("b", "a", weight=3.0)
    value = json.dumps(nx.node_link_data(graph, edges="edges")).encode()
    for name, content in (("g.json", value), ("g.gml", written(nx.write_gml, graph))):
        found = read(content, name)
        assert found.request["problem"]["edges"] == [[0, 1, 5.0]]
        assert "parallel edges" in found.notes[0]


def test_nodes_that_are_tuples_have_their_text_as_names() -> None:
    lattice = nx.grid_2d_graph(2, 2)
    for data in (nx.node_link_data(lattice, edges="edges"), nx.adjacency_data(lattice)):
        problem = request_of(read(json.dumps(data).encode(), "g.json")).problem
        assert isinstance(problem, BinaryProblem)
        assert problem.labels == ("(0, 0)", "(0, 1)", "(1, 0)", "(1, 1)")
        assert best(problem) == 4
    asked = {"type": "maxcut", "graph": nx.node_link_data(lattice, edges="edges")}
    problem = parse_request(json.loads(json.dumps({"problem": asked}))).problem
    assert isinstance(problem, BinaryProblem)
    assert problem.labels[3] == "(1, 1)"


def test_other_numbers_than_weights_count_for_nothing_and_that_is_said() -> None:
    graph = nx.path_graph(3)
    nx.set_edge_attributes(graph, 9, "capacity")
    found = read(written(nx.write_gml, graph), "g.gml")
    assert [weight for *_, weight in found.request["problem"]["edges"]] == [1.0, 1.0]
    assert found.notes == ('edges have no weight but "capacity": each counts 1',)


BOMB = b"\x1f\x8b" + gzip.compress(b"0 1 1\n" * 4_000_000)[2:]
DTD = b'<?xml version="1.0"?><!DOCTYPE g [<!ENTITY a "aaaa">]><graphml/>'
REFUSED: list[tuple[str, str | bytes, str]] = [
    ("d.gml", written(nx.write_gml, nx.DiGraph([(0, 1)])), "got a directed graph"),
    ("d.json", json.dumps(nx.node_link_data(nx.DiGraph([(0, 1)]), edges="edges")), "directed: g"),
    ("l.gml", written(nx.write_gml, nx.Graph([(0, 0)])), "edges between two different nodes"),
    ("e.json", '{"nodes": [{"id": 1}], "edges": []}', "got no edges"),
    ("u.json", '{"nodes": [{"id": 1}], "edges": [{"source": 1, "target": 2}]}', "ids of two"),
    ("n.json", '{"nodes": [1], "edges": []}', "no node-link: a field is of another kind"),
    ("k.json", '{"nodes": [{}], "edges": []}', 'no node-link: "id" is missing'),
    ("list.json", "[[0, 1], [1, 2]]", "got a list; allowed: an object: a request, a problem"),
    ("x.graphml", DTD, r"got a DTD \(<!DOCTYPE ...>\); allowed: GraphML without one"),
    ("y.graphml", b"<graphml>", "no XML"),
    ("x.gml", "graph [", "no GML"),
    ("x.g6", "\x01\x02\x03", "no graph6"),
    ("x.g6", "~~~~~~~~", "got 68719476735 nodes; allowed: up to 100000"),
    ("w.gml", 'graph [node [id 0 label "a"] node [id 1 label "b"] edge [source 0 target 1 '
     'weight "x"]]', 'weight of edge a b: got "x"; allowed: a number of up to'),
    ("m.metis", "2 1\n2\n\n", r'edge: got \[1, 2\]; allowed: each edge in the lines of both'),
    ("m.metis", "2 2\n2\n1\n", "as many edges as follow, 1"),
    ("c.col", "p edge 2 1\na 1 2\n", '"e i j" or "e i j weight"'),
    ("c.col", "e 1 2\n", '"p edge nodes edges"'),
    ("r.npy", saved(np.zeros((2, 3))), r"shape: got \[2, 3\]; allowed: a square matrix"),
    ("o.npy", saved(np.array([[{}]], dtype=object)), 'dtype: got "object"; allowed: an array of'),
    ("c.npy", saved(np.array([[1j]])), 'dtype: got "complex128"'),
    ("i.npy", saved(np.array([[np.nan]])), 'row 1, column 1: got "nan"; allowed: a finite'),
    ("t.npy", saved(np.eye(3))[:-4], "damaged .npy"),
    ("z.npy", saved(np.zeros((2, 2))), "nothing but zeros"),
    ("s.mtx", "%%MatrixMarket matrix coordinate real general\n2 3 1\n1 1 1\n", "a square matrix"),
    ("h.mtx", "%%MatrixMarket matrix array real general\n99999 99999\n1\n", "up to 2048 rows"),
    ("b.mtx", "%%MatrixMarket nonsense\n", "line 1: got "),
    ("c.mtx", "%%MatrixMarket matrix array complex general\n1 1\n1\n", "field: got "),
    ("n.mtx", "%%MatrixMarket matrix array real general\n2 2\n1\n", "entries: got 4; allowed"),
    ("q.qubo", "p qubo 0 2 1 1\n0 0 1\n", "elements: got 1; allowed: as many as follow, 0"),
    ("b.bqm", b"DIMODBQM" + b"\x02\x00\xff\xff\xff\xff{}", "damaged .bqm"),
    ("b.bqm", of_file(MODEL)[:-100], "damaged .bqm"),
    ("f.fcidump", "&FCI NORB=2\n", "the header does not end; allowed: &END or / after it"),
    ("f.txt", " &FCI NORB=2 &END\n", "NELEC: missing; allowed: an integer from 1 to 4"),
    ("c.cqm", of_program(PROGRAM)[:-100], r"damaged .cqm \("),
    ("z.zip", b"PK\x03\x04abc", "a zip archive; unpack it first"),
    ("a.txt", "4 5\n1 2\n".encode("utf-16"), "text in UTF-16; allowed: UTF-8"),
    ("a.txt", "4 5\n1 2\n".encode("utf-16-le"), "text in UTF-16; allowed: UTF-8"),
    ("a.edges", "Köln Bonn 3\n".encode("latin-1"), "byte 2 is not UTF-8.*it looks like Latin-1"),
    ("p.pkl", b"\x80\x04\x95abc.", "a pickle of Python, which could run anything"),
    ("b.bin", bytes(range(16)) + bytes(200), "a binary file of a kind that is not known"),
    ("g.gz", gzip.compress(b"2 1\n1 2\n" * 100)[:-12], "gzip that breaks off"),
    ("g.gz", b"\x1f\x8bnonsense", "damaged gzip"),
    ("bomb.gz", BOMB, "got gzip of more than 16 MiB"),
    ("p.foo", "not a problem\n", r'"\.foo" is no suffix that is read; allowed: \.mc'),
    ("p.txt", "not a problem\n", "its first line begins none of the forms"),
    ("cut.txt", "5 4\n1 2\n2 3\n", 'got "5 4"; allowed: as many edges as lines follow, 2; or --as'),
]  # fmt: skip


@pytest.mark.parametrize(("name", "content", "said"), REFUSED, ids=range(len(REFUSED)))
def test_what_is_damaged_or_of_another_kind_is_refused_by_name(
    name: str, content: str | bytes, said: str
) -> None:
    with pytest.raises(InvalidRequest, match=f"^{name}: .*{said}"):
        read(as_bytes(content), name)


def test_a_reader_that_is_not_installed_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "networkx", None)
    with pytest.raises(InvalidRequest, match=r"read by networkx, .*: quantum-pipeline\[files\]"):
        read(b"graph [ ]", "g.gml")


# --- molecules ---

QM9 = (
    "5\ngdb 1\t157.7118\t157.70997\t157.70699\t0.\t13.21\n"
    "C\t-0.0126981359\t 1.0858041578\t 0.0080009958\t-0.535689\n"
    "H\t 0.002150416\t-0.0060313176\t 0.0019761204\t 0.133921\n"
    "H\t 1.0117308433\t 1.4637511618\t 2.7657482*^-4\t 0.133922\n"
    "H\t-0.540815069\t 1.4475266138\t-0.8766437152\t 0.133923\n"
    "H\t-0.5238136345\t 1.4379326443\t 0.9063972942\t 0.133923\n"
    "1341.307\t1341.3284\nC\tC\t\nInChI=1S/CH4/h1H4\tInChI=1S/CH4/h1H4\n"
)
EXTENDED = (
    '2\nLattice="9 0 0 0 9 0 0 0 9" Properties=id:I:1:pos:R:3:species:S:1 charge=1 pbc="F F F"\n'
    "1 0.0 0.0 0.0 He\n2 0.0 0.0 0.74 H\n"
)


@pytest.mark.parametrize(
    ("content", "symbols", "charge", "multiplicity"),
    [
        ("2\n0 3\nH 0 0 0\nH 0 0 9.0\n", "H H", 0, 3),
        ("2\ncharge=1 multiplicity=2\nH 0 0 0\nH 0 0 0.74D0\n", "H H", 1, 2),
        ("2\nwater? no: charge: -1, mult = 3\n1 0 0 0\n8 0 0 9.7d-1\n", "H O", -1, 3),
        ("2\nlabels\nH1 0 0 0\nH_2 0 0 0.74\n", "H H", 0, 1),
        ("2\n\nD 0 0 0\nH(1) 0 0 0.74\n", "H H", 0, 1),
        (EXTENDED, "He H", 1, 1),
        (QM9, "C H H H H", 0, 1),
    ],
)
def test_an_xyz_file_has_its_nuclei_and_electrons(
    content: str, symbols: str, charge: int, multiplicity: int
) -> None:
    for how in ("as it is", "gz", "crlf", "cr", "bom"):
        name, data = packed_as("m.xyz", content.encode(), how)
        problem = request_of(read(data, name)).problem
        assert isinstance(problem, Chemistry)
        assert problem.geometry is not None
        assert " ".join(symbol for symbol, _ in problem.geometry) == symbols
        assert (problem.charge, problem.multiplicity) == (charge, multiplicity)
    assert read(content.encode(), "m.txt").request["source"]["format"] == "xyz"


def test_numbers_with_exponents_of_fortran_and_of_qm9_are_read() -> None:
    geometry = read(QM9.encode(), "m.xyz").request["problem"]["geometry"]
    assert geometry[2][1] == [1.0117308433, 1.4637511618, 2.7657482e-4]
    extended = read(EXTENDED.encode(), "m.xyz")
    assert extended.request["problem"]["geometry"][1] == ["H", [0.0, 0.0, 0.74]]
    assert any("lattice" in note for note in extended.notes)


def test_one_of_several_geometries_is_asked_for() -> None:
    content = b"1\nfirst\nHe 0 0 0\n1\nsecond\nNe 0 0 0\n\n1\nthird\nBe 0 0 0\n"
    with pytest.raises(InvalidRequest, match="got 3 geometries; allowed: one of them, by --frame"):
        read(content, "m.xyz")
    assert read(content, "m.xyz", frame=3).request["problem"]["geometry"][0][0] == "Be"
    with pytest.raises(InvalidRequest, match="--frame: got 4; allowed: 1 to 3"):
        read(content, "m.xyz", frame=4)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("2\nH 0 0 0\nH 0 0 1\n", "line 2 looks like a nucleus, so the comment's line seems to be"),
        ("1\n\nBq 0 0 0\n", 'line 3, element: got "Bq"; allowed: elements H to Ar'),
        ("1\n\n99 0 0 0\n", 'line 3, element: got "99"; allowed: an integer from 1 to 18'),
        ("1\nProperties=mass:R:1\nH 0 0 0\n", "line 2, Properties: got "),
    ],
)
def test_a_wrong_xyz_file_is_refused_with_what_seems_to_be_meant(content: str, said: str) -> None:
    with pytest.raises(InvalidRequest, match=said):
        read(content.encode(), "m.xyz")


@pytest.mark.parametrize(
    "name", ["STO3G", "sto-3G", "STO 3G", "6_31g", "6-31 G", "6311G", "cc-pVDZ", "ccpvdz"]
)
def test_a_basis_is_known_however_it_is_spelled(name: str) -> None:
    problem = {"type": "chemistry", "molecule": "H2", "bond_length_angstrom": 0.74, "basis": name}
    found = parse_request({"problem": problem}).problem
    assert isinstance(found, Chemistry)
    assert found.basis in ("sto-3g", "6-31g", "6-311g", "cc-pvdz")
