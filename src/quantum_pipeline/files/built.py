"""Problems that several readers build alike: graphs of named nodes, and matrices."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from typing import Any

from quantum_pipeline.files.document import Found
from quantum_pipeline.files.lines import MOST_VARIABLES
from quantum_pipeline.wording import refusal, shown

Entries = Mapping[tuple[int, int], float]
"""The entries of a matrix that are not zero, by row and column from 0."""

MATRIX_READINGS = {
    "maxcut": "the weights of a graph's edges, for its largest cut",
    "qubo": "a QUBO, x^T M x minimised",
}


def label_of(node: Hashable) -> int | str:
    """Return a node's name as a report shows it: tuples and other things as their text.

    >>> label_of(("a", 1)), label_of(3), label_of("b")
    ("('a', 1)", 3, 'b')
    """
    return node if isinstance(node, str) or type(node) is int else str(node)


def graph(nodes: Iterable[Hashable], edges: Iterable[tuple[Hashable, Hashable, float]]) -> Found:
    """Return the largest cut of a graph of named nodes; weights of parallel edges add up.

    Raises:
        ValueError: an edge from a node to itself, or none at all.
    """
    number = {node: k for k, node in enumerate(nodes)}
    if len(number) > MOST_VARIABLES:
        raise ValueError(f"got {len(number)} nodes; allowed: up to {MOST_VARIABLES}")
    weights: dict[tuple[int, int], float] = {}
    parallel = 0
    for a, b, weight in edges:
        i, j = number[a], number[b]
        if i == j:
            ends = [label_of(a), label_of(b)]
            raise ValueError(refusal("edge", ends, "edges between two different nodes"))
        pair = (j, i) if (j, i) in weights else (i, j)
        parallel += pair in weights
        weights[pair] = weights.get(pair, 0.0) + weight
    if not weights:
        raise ValueError("got no edges; allowed: a graph of one or more")
    found: dict[str, Any] = {"type": "maxcut", "n_nodes": len(number)}
    labels = [label_of(node) for node in number]
    if labels != list(range(len(labels))):
        found["node_labels"] = labels
    found["edges"] = [[i, j, weight] for (i, j), weight in weights.items()]
    notes = (f"{parallel} parallel edges: weights between the same nodes were added up",)
    return Found(found, notes if parallel else ())


def matrix(entries: Entries, n: int, meaning: str | None) -> Found:
    """Return what a square matrix means: the weights of a graph, or a QUBO.

    Where it is not said, a diagonal or two different halves make it a QUBO, and weights none of
    which is negative a graph: as a QUBO all zeros would be best.

    Raises:
        ValueError: both are possible; or it is no graph and was said to be one.
    """
    if not entries:
        raise ValueError("got nothing but zeros; allowed: a matrix with other entries")
    if meaning == "qubo":
        return _qubo(entries, n)
    unlike = _not_a_graph(entries)
    if meaning == "maxcut":
        if unlike:
            raise ValueError(f"{unlike}; allowed: the weights of a graph, each pair once or alike")
        return _weights(entries, n)
    if unlike:
        return _qubo(entries, n)
    if min(entries.values()) >= 0:
        return _weights(entries, n)
    raise SeveralReadings(MATRIX_READINGS)


class SeveralReadings(ValueError):
    """A file can mean several things: each with what it would mean, by the words of ``--as``."""

    def __init__(self, readings: Mapping[str, str]) -> None:
        ways = ", or ".join(f"--as {name} ({meaning})" for name, meaning in readings.items())
        super().__init__(f"it can be read in {len(readings)} ways; allowed: {ways}")
        self.readings = dict(readings)


def _not_a_graph(entries: Entries) -> str:
    """Return what keeps a matrix from being a graph's weights: neither symmetric nor one half."""
    if loop := next(((i, j) for i, j in entries if i == j), None):
        return f"got {shown(entries[loop])} on the diagonal, in row {loop[0] + 1}"
    both = [(i, j) for i, j in entries if (j, i) in entries]
    if uneven := next(((i, j) for i, j in both if entries[i, j] != entries[j, i]), None):
        i, j = uneven
        got = f"{shown(entries[i, j])} and {shown(entries[j, i])}"
        return f"got {got} in rows {i + 1} and {j + 1}, for one pair"
    if both and len(both) != len(entries):
        return "got some pairs once and some twice"
    return ""


def _weights(entries: Entries, n: int) -> Found:
    once = {(i, j): value for (i, j), value in entries.items() if i < j or (j, i) not in entries}
    return graph(range(n), ((i, j, value) for (i, j), value in once.items()))


def _qubo(entries: Entries, n: int) -> Found:
    return qubo(n, ((i, j, value) for (i, j), value in entries.items()))


def qubo(
    n: int, terms: Iterable[Sequence[Any]], *, sense: str = "minimise", offset: float = 0.0
) -> Found:
    """Return a QUBO of terms [i, j, value]; i = j is linear, what is given twice adds up."""
    linear = [0.0] * n
    quadratic = []
    for i, j, value in terms:
        if i == j:
            linear[i] += value
        else:
            quadratic.append([i, j, value])
    found: dict[str, Any] = {"type": "qubo", "linear": linear, "quadratic": quadratic}
    if sense != "minimise":
        found["sense"] = sense
    if offset:
        found["offset"] = offset
    return Found(found)


def ising(n: int, terms: Iterable[Sequence[Any]], offset: float = 0.0) -> Found:
    """Return an Ising problem of terms [i, j, value]; i = j is a field."""
    found = qubo(n, terms).problem
    problem = {"type": "ising", "fields": found["linear"], "couplings": found["quadratic"]}
    return Found(problem | ({"offset": offset} if offset else {}))
