"""Graphs in GML, GraphML, graph6, sparse6, METIS and DIMACS form, for their largest cut.

Directed graphs and edges from a node to itself are refused; weights of parallel edges add up.

Sources: networkx; the METIS manual, section 4.1.1; DIMACS challenge 2, "Clique and Coloring
Problems: Graph Format".
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any
from xml.parsers import expat

from quantum_pipeline.files import built
from quantum_pipeline.files.content import text_of
from quantum_pipeline.files.document import Document, Found
from quantum_pipeline.files.lines import (
    MOST_VARIABLES,
    integer,
    lines_of,
    number_of,
    raw_lines,
    wrong,
)
from quantum_pipeline.problems.base import MAX_MAGNITUDE, MAX_TERMS
from quantum_pipeline.wording import refusal, shown

_BROKEN = (
    ValueError,
    TypeError,
    KeyError,
    IndexError,
    AttributeError,
    RecursionError,
    OverflowError,
    MemoryError,
    StopIteration,
)
"""What networkx's parsers raise of a damaged file, beside its own errors."""


def read_gml(document: Document) -> Found:
    """Read a graph in GML; nodes by their labels, where they have any."""
    import networkx as nx  # noqa: PLC0415 - takes a while

    lines = text_of(document.data).splitlines()

    def read(label: str) -> Any:
        return nx.parse_gml(lines, label=label)

    def either() -> Any:
        try:
            return read("label")
        except nx.NetworkXError:
            return read("id")

    return of_networkx(_parsed("GML", either))


def read_graphml(document: Document) -> Found:
    """Read a graph in GraphML, without the entities that XML could blow up."""
    import networkx as nx  # noqa: PLC0415

    _check_plain_xml(document.data)
    return of_networkx(_parsed("GraphML", lambda: nx.parse_graphml(document.data)))


def _check_plain_xml(data: bytes) -> None:
    """Refuse a DTD, which may define entities, and what is no XML."""

    def refuse(*_: object) -> None:
        raise ValueError("got a DTD (<!DOCTYPE ...>); allowed: GraphML without one")

    parser = expat.ParserCreate()
    parser.StartDoctypeDeclHandler = refuse
    try:
        parser.Parse(data, True)
    except expat.ExpatError as error:
        raise ValueError(f"no XML ({error}); allowed: GraphML") from None


def read_graph6(document: Document) -> Found:
    """Read a graph in graph6 or sparse6: one line each."""
    import networkx as nx  # noqa: PLC0415

    lines = [line.content.strip() for line in raw_lines(document.data) if line.content.strip()]
    if not lines:
        raise ValueError("got nothing; allowed: a line of graph6")
    from quantum_pipeline.files.triples import chosen  # noqa: PLC0415

    line = lines[chosen(document.frame, len(lines), "graphs")]
    line = line.removeprefix(b">>graph6<<").removeprefix(b">>sparse6<<")
    sparse = line.startswith(b":")
    if line.startswith(b"&"):
        raise ValueError("got a directed graph (digraph6); allowed: an undirected one")
    read = nx.from_sparse6_bytes if sparse else nx.from_graph6_bytes
    _check_size(line)
    return of_networkx(_parsed("sparse6" if sparse else "graph6", lambda: read(line)))


def _check_size(line: bytes) -> None:
    """Refuse more nodes than can be, before any is made."""
    digits = [byte - 63 for byte in line.removeprefix(b":")]
    if digits[:1] != [63]:
        return
    many = digits[2:8] if digits[1:2] == [63] else digits[1:4]
    n = 0
    for digit in many:
        n = 64 * n + digit
    if n > MOST_VARIABLES:
        raise ValueError(f"got {n} nodes; allowed: up to {MOST_VARIABLES}")


def _parsed(what: str, read: Callable[[], Any]) -> Any:
    import networkx as nx  # noqa: PLC0415

    try:
        return read()
    except (*_BROKEN, nx.NetworkXException, SyntaxError) as error:
        said = str(error).partition("\n")[0][:200]
        raise ValueError(f"no {what} ({said}); allowed: as networkx writes it") from None


def of_networkx(found: Any) -> Found:
    """Return the largest cut of a graph of networkx.

    Raises:
        ValueError: directed, or a weight that is no number.
    """
    if found.is_directed():
        raise ValueError("got a directed graph; allowed: an undirected one")
    edges = list(found.edges(data=True))
    built_graph = built.graph(found, ((a, b, _weight(a, b, data)) for a, b, data in edges))
    return Found(built_graph.problem, (*built_graph.notes, *_of_weights([d for *_, d in edges])))


def _weight(a: Any, b: Any, data: dict[str, Any]) -> float:
    weight = data.get("weight", 1.0)
    is_number = isinstance(weight, int | float) and not isinstance(weight, bool)
    if not is_number or not abs(weight) <= MAX_MAGNITUDE:  # an integer may be no float at all
        ends = f"weight of edge {built.label_of(a)} {built.label_of(b)}"
        raise ValueError(refusal(ends, weight, f"a number of up to {MAX_MAGNITUDE:g} in size"))
    return float(weight)


def _of_weights(edges: list[dict[str, Any]]) -> Iterator[str]:
    """Say where edges carry numbers of another name than weight, which count for nothing."""
    if any("weight" in data for data in edges):
        return
    others = {
        name
        for data in edges
        for name, value in data.items()
        if isinstance(value, int | float) and not isinstance(value, bool)
    }
    if others:
        named = ", ".join(shown(name) for name in sorted(others)[:3])
        yield f"edges have no weight but {named}: each counts 1"


def read_metis(document: Document) -> Found:
    """Read a graph in METIS form: of each node, from 1, a line of its neighbours."""
    raw = [line for line in raw_lines(document.data) if not line.content.lstrip().startswith(b"%")]
    lines = [(line.number, line.words(2 * MAX_TERMS)) for line in raw]
    while lines and not lines[0][1]:
        lines.pop(0)
    if not lines or not 2 <= len(lines[0][1]) <= 4:
        raise wrong(*(lines[0] if lines else (1, [])), '"nodes edges", of METIS also a format')
    (first, head), *lines = lines
    n = integer(first, head[0], "nodes", 1, MOST_VARIABLES)
    m = integer(first, head[1], "edges", 1, MAX_TERMS)
    form = head[2].zfill(3) if len(head) > 2 else "000"
    if set(form) - {"0", "1"} or len(form) != 3:
        raise wrong(first, head, "a format of three digits, each 0 or 1")
    sizes, node_weights, edge_weights = (digit == "1" for digit in form)
    skipped = sizes + (int(head[3]) if len(head) > 3 and head[3].isdigit() else 1) * node_weights
    lines = lines[:n] + [line for line in lines[n:] if line[1]]
    if len(lines) != n:
        raise wrong(first, head, f"as many nodes as lines follow, {len(lines)}")
    step = 1 + edge_weights
    ends: dict[tuple[int, int], float] = {}
    for node, (number, words) in enumerate(lines, start=1):
        for k in range(skipped, len(words), step):
            other = integer(number, words[k], "node", 1, n)
            if edge_weights and k + 1 == len(words):
                raise wrong(number, words[-8:], "a weight after each neighbour")
            weight = number_of(number, words[k + 1]) if edge_weights else 1.0
            if other == node or (node, other) in ends:
                raise wrong(number, words[k : k + step], "each neighbour once, and other nodes")
            ends[node, other] = weight
    uneven = next((pair for pair in ends if ends.get(pair[::-1]) != ends[pair]), None)
    if uneven:
        raise ValueError(refusal("edge", list(uneven), "each edge in the lines of both its nodes"))
    if len(ends) != 2 * m:
        raise wrong(first, head, f"as many edges as follow, {len(ends) // 2}")
    return built.graph(range(1, n + 1), ((i, j, w) for (i, j), w in ends.items() if i < j))


def read_dimacs(document: Document) -> Found:
    """Read a graph of DIMACS: "p edge n m", then lines "e i j", nodes from 1."""
    lines = lines_of(document.data, (b"c", b"C"))
    number, words = lines[0]
    if len(words) != 4 or words[0] != "p" or words[1] not in ("edge", "edges", "col", "clq", "sp"):
        raise wrong(number, words, '"p edge nodes edges" or "p col nodes edges"')
    if words[1] == "sp":
        raise wrong(number, words, "an undirected graph; that of shortest paths is directed")
    n = integer(number, words[2], "nodes", 1, MOST_VARIABLES)
    m = integer(number, words[3], "edges", 0, 2 * MAX_TERMS)
    edges: dict[tuple[int, int], float] = {}
    n_lines = passed_over = 0
    for number, words in lines[1:]:
        if words[0] in ("n", "d", "v", "x"):  # of nodes: numbers that take no part in a cut
            passed_over += 1
            continue
        if words[0] != "e" or len(words) not in (3, 4):
            raise wrong(number, words, '"e i j" or "e i j weight"')
        i, j = sorted(integer(number, word, "node", 1, n) for word in words[1:3])
        if i == j:
            raise wrong(number, words, "two different nodes")
        n_lines += 1
        edges[i, j] = number_of(number, words[3]) if len(words) == 4 else 1.0
    notes = []
    if len(edges) < n_lines:
        notes.append(f"{n_lines - len(edges)} edges stood there both ways, and count once")
    if m not in (n_lines, len(edges)):
        notes.append(f"the first line says {m} edges, and {len(edges)} follow")
    if passed_over:
        notes.append(f"{passed_over} lines of nodes were passed over")
    found = built.graph(range(1, n + 1), ((i, j, w) for (i, j), w in edges.items()))
    return Found(found.problem, (*found.notes, *notes))
