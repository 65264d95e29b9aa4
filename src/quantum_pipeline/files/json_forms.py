"""JSON files: requests, problems, graphs of networkx, models of dimod, and bqpjson.

Each is read as what it is: a request has a problem, a problem a type; the others have the fields
that their libraries write.

Sources: networkx's node_link_data and adjacency_data; dimod's to_serializable, schemas 1 to 3;
lanl-ansi/bqpjson, docs/bqpjson_spec.md.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from quantum_pipeline.errors import InvalidRequest
from quantum_pipeline.files import built
from quantum_pipeline.files.content import text_of
from quantum_pipeline.files.document import Document, Found
from quantum_pipeline.files.graphs import of_networkx
from quantum_pipeline.problems import PROBLEM_TYPES
from quantum_pipeline.requests.json_text import MAX_VALUES, parse_json
from quantum_pipeline.requests.request import Request
from quantum_pipeline.wording import refusal, shown


def value_of(document: Document) -> Any:
    """Return the value of a JSON file.

    Raises:
        InvalidRequest: as ``parse_json``.
    """
    text_of(document.data)
    return parse_json(document.data, document.name, max_values=MAX_VALUES)


def form_of(value: Any) -> str | None:
    """Return the format of a JSON value, None where it is a request or nothing that is known.

    >>> form_of({"nodes": [], "links": []}), form_of({"type": "qubo"}), form_of({"problem": {}})
    ('node-link', 'problem', None)
    """
    if not isinstance(value, dict) or not value or "problem" in value:
        return None
    for name, fields in _FIELDS.items():
        if all(field in value for field in fields):
            return name
    alone = not {*Request.model_fields, "pack"} & {*value}
    return "problem" if alone or value.get("type") in PROBLEM_TYPES else None


_FIELDS = {
    "bqpjson": ("variable_domain", "linear_terms", "quadratic_terms"),
    "dimod-1": ("linear_terms", "quadratic_terms", "variable_type"),
    "dimod": ("linear_biases", "quadratic_biases"),
    "adjacency": ("nodes", "adjacency"),
    "node-link": ("nodes", "links"),
    "node-link ": ("nodes", "edges"),
}


def read(value: dict[str, Any], name: str) -> Found:
    """Return the problem in a JSON value of a form.

    Raises:
        ValueError: a field is missing or of another kind.
    """
    try:
        return _READERS[name.strip()](value)
    except (TypeError, KeyError, AttributeError, IndexError, OverflowError) as error:
        raise ValueError(f"no {name.strip()}: {_said(error)}") from None


def _said(error: Exception) -> str:
    if isinstance(error, KeyError):
        return f"{shown(error.args[0])} is missing, or names nothing"
    return "a field is of another kind; allowed: as its library writes it"


def _named(label: Any) -> Any:
    """Return a label that can name a node or a variable: lists are tuples, as they were."""
    return tuple(map(_named, label)) if isinstance(label, list) else label


def _node_link(value: dict[str, Any]) -> Found:
    import networkx as nx  # noqa: PLC0415 - takes a while

    edges = "links" if "links" in value else "edges"
    if value.get("directed"):
        raise ValueError("directed: got true; allowed: an undirected graph")
    nodes = [_named(node["id"]) for node in value["nodes"]]
    parallel = nx.MultiGraph()
    parallel.add_nodes_from(nodes)
    if len(parallel) != len(nodes):
        raise ValueError("nodes: an id stands there twice; allowed: each node once")
    for position, link in enumerate(value[edges]):
        ends = [_named(link["source"]), _named(link["target"])]
        if not all(end in parallel for end in ends):
            raise ValueError(refusal(f"{edges}.{position}", ends, "ids of two nodes"))
        parallel.add_edge(*ends, **{n: v for n, v in link.items() if isinstance(v, int | float)})
    return of_networkx(parallel)


def _adjacency(value: dict[str, Any]) -> Found:
    nodes = [node["id"] for node in value["nodes"]]
    links = [
        {**link, "source": node, "target": link["id"]}
        for node, near in zip(nodes, value["adjacency"], strict=True)
        for link in near
    ]
    place = {str(node): k for k, node in enumerate(nodes)}
    keyed = "key" in links[0] if links else False
    once: list[dict[str, Any]] = []
    seen: set[tuple[int, int, Any]] = set()
    for link in links:
        i, j = place[str(link["source"])], place[str(link["target"])]
        edge = (min(i, j), max(i, j), link["key"] if keyed else 0)
        if edge not in seen:
            seen.add(edge)
            once.append({name: each for name, each in link.items() if name not in ("id", "key")})
    return _node_link({"directed": value.get("directed"), "nodes": value["nodes"], "edges": once})


def _dimod(value: dict[str, Any]) -> Found:
    """Return a model of dimod's schemas 2 and 3, its labels of tuples as their text."""
    labels = [built.label_of(_named(label)) for label in value["variable_labels"]]
    model = {"type": "BinaryQuadraticModel", **value, "variable_labels": labels}
    return Found({"type": "bqm", "bqm": model})


def _old_dimod(value: dict[str, Any]) -> Found:
    """Return a model of dimod's schema 1, whose terms are objects."""
    linear = {built.label_of(_named(term["label"])): term["bias"] for term in value["linear_terms"]}
    number = {label: k for k, label in enumerate(linear)}
    terms = value["quadratic_terms"]
    head, tail = (
        [number[built.label_of(_named(term[end]))] for term in terms]
        for end in ("label_head", "label_tail")
    )
    model = {
        "type": "BinaryQuadraticModel",
        "variable_type": value["variable_type"],
        "offset": value.get("offset", 0.0),
        "variable_labels": list(linear),
        "linear_biases": list(linear.values()),
        "quadratic_biases": [term["bias"] for term in terms],
        "quadratic_head": head,
        "quadratic_tail": tail,
    }
    return Found({"type": "bqm", "bqm": model}, ("of dimod's first schema",))


def _bqpjson(value: dict[str, Any]) -> Found:
    """Return the model of a bqpjson file: scale (offset + linear + quadratic)."""
    domain = value["variable_domain"]
    if domain not in ("spin", "boolean"):
        raise ValueError(refusal("variable_domain", domain, "spin or boolean"))
    scale = value.get("scale", 1.0)
    labels = list(value["variable_ids"])
    number = {label: k for k, label in enumerate(labels)}
    linear = [0.0] * len(labels)
    for term in value["linear_terms"]:
        linear[number[term["id"]]] += scale * term["coeff"]
    terms = value["quadratic_terms"]
    model = {
        "type": "BinaryQuadraticModel",
        "variable_type": "SPIN" if domain == "spin" else "BINARY",
        "offset": scale * value.get("offset", 0.0),
        "variable_labels": labels,
        "linear_biases": linear,
        "quadratic_biases": [scale * term["coeff"] for term in terms],
        "quadratic_head": [number[term["id_head"]] for term in terms],
        "quadratic_tail": [number[term["id_tail"]] for term in terms],
    }
    notes = (
        () if scale == 1 else (f"energies are those of the file, its scale of {scale:g} included",)
    )
    return Found({"type": "bqm", "bqm": model}, notes)


_READERS: dict[str, Callable[[dict[str, Any]], Found]] = {
    "problem": Found,
    "node-link": _node_link,
    "adjacency": _adjacency,
    "dimod": _dimod,
    "dimod-1": _old_dimod,
    "bqpjson": _bqpjson,
}


def check_request(value: Any, name: str) -> None:
    """Refuse a value that is no object.

    Raises:
        InvalidRequest: names what it is.
    """
    if isinstance(value, dict):
        return
    kind = "a list" if isinstance(value, list) else shown(value)
    allowed = "an object: a request, a problem, a graph of networkx, or a model of dimod"
    raise InvalidRequest(f"{name}: got {kind}; allowed: {allowed}")
