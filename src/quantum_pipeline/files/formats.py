"""The table of formats: their names, suffixes and beginnings, and what reads them."""

from __future__ import annotations

import re
from codecs import BOM_UTF8
from collections.abc import Callable
from importlib import import_module
from typing import NamedTuple

from quantum_pipeline.files.document import Document, Found

Reader = Callable[[Document], Found]


class Format(NamedTuple):
    """A format: what it is and what becomes of it, in words; ``reader`` is a module's function."""

    what: str
    becomes: str
    reader: str
    suffixes: tuple[str, ...] = ()
    begins: str | None = None

    def read(self, document: Document) -> Found:
        """Return what the format's reader finds; its module is imported now."""
        module, _, function = self.reader.partition(":")
        reader: Reader = getattr(import_module(f"quantum_pipeline.files.{module}"), function)
        return reader(document)


_CUT = "the largest cut"
_MATRIX = f"{_CUT} of the weights, or a QUBO: x^T M x minimised"
_PROGRAM = "a problem with constraints, its objective of up to the second order"
_AFTER_COMMENTS = r"(?:[ \t]*c\b[^\r\n]*[\r\n]+|\s)*"

FORMATS = {
    "rudy": Format(
        'a graph as rudy, Gset and Biq Mac have it: "nodes edges", then "i j weight", from 1',
        _CUT,
        "triples:read_rudy",
        (".mc", ".rud", ".rudy", ".gset"),
    ),
    "edges": Format(
        'an edge list: "a b" or "a b weight", nodes by number or name, as networkx writes it too',
        _CUT,
        "triples:read_edges",
        (".edges", ".edgelist", ".el", ".wel"),
    ),
    "csv": Format(
        "comma-, semicolon- or tab-separated edges, with or without names of columns, or a matrix",
        _MATRIX,
        "matrices:read_csv",
        (".csv", ".tsv"),
    ),
    "table": Format(
        "comma-, semicolon- or tab-separated rows with a header: of a .csv or .tsv with --target",
        "a classifier of the rows: the target from the other columns",
        "tables:read_rows",
    ),
    "npy": Format(
        "a square matrix of numpy.save", _MATRIX, "matrices:read_npy", (".npy",), r"\x93NUMPY"
    ),
    "matrixmarket": Format(
        "a square matrix in MatrixMarket form",
        _MATRIX,
        "matrices:read_market",
        (".mtx", ".mm"),
        r"%%MatrixMarket",
    ),
    "dense": Format(
        "a matrix row by row, with or without a first line of its size, as Biq Mac has it",
        _MATRIX,
        "matrices:read_dense",
        (".mat",),
    ),
    "gml": Format(
        "GML",
        _CUT,
        "graphs:read_gml",
        (".gml",),
        r"(?:\s*(?:#|Creator|Version|comment)[^\n]*\n)*\s*graph\s*\[",
    ),
    "graphml": Format(
        "GraphML, without a DTD",
        _CUT,
        "graphs:read_graphml",
        (".graphml",),
        r"\s*<(?:\?xml|graphml|!)",
    ),
    "graph6": Format(
        "graph6 or sparse6",
        _CUT,
        "graphs:read_graph6",
        (".g6", ".s6", ".graph6", ".sparse6"),
        r">>(?:graph6|sparse6)<<",
    ),
    "metis": Format(
        "METIS: a line of neighbours for each node", _CUT, "graphs:read_metis", (".metis", ".graph")
    ),
    "dimacs": Format(
        'DIMACS graphs: "p edge nodes edges", then "e i j"',
        _CUT,
        "graphs:read_dimacs",
        (".col", ".clq", ".dimacs"),
        rf"{_AFTER_COMMENTS}p\s+(?:edges?|col|clq|sp)\b",
    ),
    "coo": Format(
        'COOrdinate of dimod: "i j value", variables from 0; "# vartype=SPIN" for spins',
        "a QUBO or an Ising problem, minimised",
        "triples:read_coo",
        (".coo",),
    ),
    "qbsolv": Format(
        'qbsolv\'s QUBO: "p qubo 0 n diagonals elements"',
        "a QUBO, minimised",
        "triples:read_qbsolv",
        (".qubo",),
        rf"{_AFTER_COMMENTS}p\s+qubo\b",
    ),
    "bqp": Format(
        'sparse QUBO of OR-Library and MQLib: "n m", then "i j q" of one half of Q, from 1',
        "a QUBO: x^T Q x maximised",
        "triples:read_bqp",
        (".bqp",),
    ),
    "sparse": Format(
        "the same as Biq Mac has it",
        "a QUBO: x^T Q x minimised",
        "triples:read_sparse",
        (".sparse",),
    ),
    "bq": Format(
        "the same, each entry of Q as it stands",
        "a QUBO: x^T Q x minimised",
        "triples:read_bq",
        (".bq",),
    ),
    "bqm": Format(
        "dimod's BinaryQuadraticModel.to_file",
        "dimod's model, minimised",
        "models:read_bqm",
        (".bqm",),
        r"DIMODBQM",
    ),
    "xyz": Format(
        "XYZ, extended XYZ, QM9; charge and multiplicity from the comment",
        "a molecule by its geometry",
        "molecules:read_xyz",
        (".xyz", ".extxyz"),
    ),
    "fcidump": Format(
        "FCIDUMP: real integrals over one set of orbitals",
        "a molecule by its integrals",
        "fcidump:read_fcidump",
        (".fcidump",),
        r"(?i)\s*[&$]FCI\b",
    ),
    "cnf": Format(
        "DIMACS CNF and WCNF, of 2022 too, with hard clauses",
        "truth values that satisfy clauses of the most weight",
        "clauses:read_cnf",
        (".cnf", ".wcnf"),
        rf"{_AFTER_COMMENTS}(?:p\s+w?cnf\b|h(?:\s+-?\d+)+\s+0[ \t]*[\r\n])",
    ),
    "tsplib": Format(
        "TSPLIB: TSP and ATSP, by coordinates or a table",
        "the shortest tour",
        "tours:read_tsplib",
        (".tsp", ".atsp"),
        r"\s*(?:NAME|TYPE|COMMENT|DIMENSION)\s*:",
    ),
    "lp": Format(
        "LP files of CPLEX and Gurobi: binary and integer variables, products in the objective",
        _PROGRAM,
        "lp:read_lp",
        (".lp",),
        r"(?i)(?:\s*\\[^\n]*\n)*\s*"
        r"(?:(?:mini|maxi)(?:mum|mi[sz]e)\b(?!\s*:)|(?:min|max)[ \t]*[\r\n])",
    ),
    "cqm": Format(
        "dimod's ConstrainedQuadraticModel.to_file",
        _PROGRAM,
        "models:read_cqm",
        (".cqm",),
        "DIMODCQM",
    ),
}
"""All formats but JSON, by the names that ``--as`` takes; ``begins`` is a pattern of the file's
first characters, read as Latin-1."""

JSON_FORMS = {
    "problem": "a problem, as a request has it",
    "node-link": "a graph of networkx (node_link_data)",
    "adjacency": "a graph of networkx (adjacency_data)",
    "dimod": "a model of dimod (to_serializable)",
    "dimod-1": "a model of dimod, first schema",
    "bqpjson": "a model in bqpjson",
}
"""What JSON files may hold beside requests."""

OF_SUFFIX = {suffix: name for name, each in FORMATS.items() for suffix in each.suffixes}
SUFFIXES = (*OF_SUFFIX, ".json")
"""Those of what is read."""
NUMBERS_FIRST = (".txt", ".dat", ".data", "")
"""Suffixes that leave the format open."""

MEANINGS = ("maxcut", "qubo", "ising")
"""What ``--as`` takes beside formats: what the numbers of a file mean."""


def by_beginning(data: bytes) -> str | None:
    """Return the format that a file's first characters name, "json" among them.

    >>> by_beginning(b"%%MatrixMarket matrix"), by_beginning(b" {}"), by_beginning(b"3 2")
    ('matrixmarket', 'json', None)
    """
    head = data[:4000].removeprefix(BOM_UTF8).decode("latin-1")
    for name, each in FORMATS.items():
        if each.begins is not None and re.match(each.begins, head):
            return name
    return "json" if head.lstrip().startswith(("{", "[")) else None
