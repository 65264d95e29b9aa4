"""Random instances of every problem on a form, each with its best value by brute force."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from typing import Any

import networkx as nx
import numpy as np

from quantum_pipeline.problems import FormProblem

Instance = dict[str, Any]


def states(problem: FormProblem) -> Iterator[list[int]]:
    """Yield all assignments that keep the groups' rules, one by one and not by the space."""
    ruled = [(group.bits, group.ones) for group in problem.space.groups if group.ones is not None]
    for bits in itertools.product((0, 1), repeat=problem.n_qubits):
        if all(sum(bits[i] for i in own) == ones for own, ones in ruled):
            yield list(bits)


def graph(seed: int, n: int, p: float = 0.5) -> nx.Graph:
    found = nx.gnp_random_graph(n, p, seed=seed)
    found.add_edge(0, n - 1)
    for k, (a, b) in enumerate(found.edges):
        found.edges[a, b]["weight"] = 1 + (k * 7 + seed) % 5
    return nx.relabel_nodes(found, {i: f"n{i}" for i in range(n)})


def linked(g: nx.Graph) -> dict[str, Any]:
    return {"graph": nx.node_link_data(g, edges="edges")}


def weight_between(g: nx.Graph, side: dict[str, int], *, same: bool) -> float:
    pairs = g.edges(data="weight")
    return float(sum(w for a, b, w in pairs if (side[a] == side[b]) == same))


def of_node_set(type_: str, seed: int) -> tuple[Instance, float]:
    g = graph(seed, 6)
    weights = [1.5 + (3 * i + seed) % 4 for i in range(6)]
    weight = dict(zip(g, weights, strict=True))
    subsets = [set(c) for r in range(7) for c in itertools.combinations(g, r)]
    match type_:
        case "max_independent_set":
            allowed = [s for s in subsets if not g.subgraph(s).edges]
        case "max_clique":
            allowed = [s for s in subsets if g.subgraph(s).size() == len(s) * (len(s) - 1) / 2]
        case _:
            allowed = [s for s in subsets if all({a, b} & s for a, b in g.edges)]
    best = min if type_ == "min_vertex_cover" else max
    value = best(sum(weight[v] for v in s) for s in allowed)
    return {"type": type_, **linked(g), "node_weights": weights}, value


def coloured(type_: str, seed: int) -> tuple[Instance, float]:
    g = graph(seed, 5, 0.8)
    sides = (dict(zip(g, c, strict=True)) for c in itertools.product(range(3), repeat=5))
    if type_ == "max_k_cut":
        best = max(weight_between(g, side, same=False) for side in sides)
        return {"type": type_, **linked(g), "parts": 3}, best
    best = min(weight_between(g, side, same=True) for side in sides)
    return {"type": type_, **linked(g), "colors": ["red", "green", "blue"]}, best


def tsp(seed: int) -> tuple[Instance, float]:
    ways = np.random.default_rng(seed).integers(1, 30, (5, 5)) * (1 - np.eye(5, dtype=int))
    tours = ([0, *rest, 0] for rest in itertools.permutations(range(1, 5)))
    best = min(sum(ways[a, b] for a, b in itertools.pairwise(tour)) for tour in tours)
    return {"type": "tsp", "distances": (1.0 * ways).tolist(), "cities": list("ABCDE")}, best


def knapsack(seed: int) -> tuple[Instance, float]:
    rng = np.random.default_rng(seed)
    values, weights = rng.integers(1, 20, 7) / 10, rng.integers(1, 12, 7) / 10
    best = max(
        sum(values[list(c)])
        for r in range(8)
        for c in itertools.combinations(range(7), r)
        if sum(round(10 * weights[i]) for i in c) <= 20
    )
    items = [
        {"name": f"item {i}", "value": v, "weight": w}
        for i, (v, w) in enumerate(zip(values.tolist(), weights.tolist(), strict=True))
    ]
    return {"type": "knapsack", "items": items, "capacity": 2.0}, best


def bin_packing(seed: int) -> tuple[Instance, float]:
    sizes = np.random.default_rng(seed).integers(3, 8, 4).tolist()
    best = min(
        len(set(place))
        for place in itertools.product(range(4), repeat=4)
        if all(sum(s for s, b in zip(sizes, place, strict=True) if b == bin_) <= 10
               for bin_ in range(4))
    )  # fmt: skip
    items = [{"name": f"box {i}", "size": float(size)} for i, size in enumerate(sizes)]
    return {"type": "bin_packing", "items": items, "capacity": 10.0, "bins": best + 1}, best


def portfolio(seed: int) -> tuple[Instance, float]:
    rng = np.random.default_rng(seed)
    returns, root = rng.uniform(0, 0.2, 6), rng.normal(0, 0.2, (6, 6))
    risks = root @ root.T
    best = max(
        returns[list(c)].sum() - 0.5 * risks[np.ix_(c, c)].sum()
        for c in itertools.combinations(range(6), 3)
    )
    asked = {"returns": returns.tolist(), "risks": risks.tolist(), "cardinality": 3}
    return {"type": "portfolio", **asked, "risk_aversion": 0.5, "assets": list("UVWXYZ")}, best


def number_partitioning(seed: int) -> tuple[Instance, float]:
    numbers = np.random.default_rng(seed).integers(1, 60, 7)
    best = min(
        int(numbers @ np.array(signs)) ** 2 for signs in itertools.product((1, -1), repeat=7)
    )
    return {"type": "number_partitioning", "numbers": (1.0 * numbers).tolist()}, best


def cover(type_: str, seed: int) -> tuple[Instance, float]:
    rng = np.random.default_rng(seed)
    parts = [{1, 2}, {3, 4}, {5, 6}]  # an exact cover exists
    sets = [*parts, *({int(e) + 1 for e in np.flatnonzero(rng.random(6) < 0.5)} | {2}
            for _ in range(4))]  # fmt: skip
    costs = (1.0 + np.arange(7) % 3).tolist()
    most = 1 if type_ == "exact_cover" else 7
    best = min(
        sum(costs[i] for i in c)
        for r in range(8)
        for c in itertools.combinations(range(7), r)
        if all(1 <= sum(e in sets[i] for i in c) <= most for e in range(1, 7))
    )
    named = {f"S{i}": sorted(each) for i, each in enumerate(sets)}
    return {"type": type_, "sets": named, "costs": dict(zip(named, costs, strict=True))}, best


def max_sat(seed: int) -> tuple[Instance, float]:
    rng = np.random.default_rng(seed)
    clauses = [
        [int(v) * int(sign) for v, sign in zip(rng.choice(range(1, 6), 3, replace=False),
                                               rng.choice([-1, 1], 3), strict=True)]
        for _ in range(20)
    ]  # fmt: skip
    weights = [1.0 + k % 4 for k in range(20)]
    best = max(
        sum(w for clause, w in zip(clauses, weights, strict=True)
            if any((literal > 0) == true[abs(literal) - 1] for literal in clause))
        for true in itertools.product((False, True), repeat=5)
    )  # fmt: skip
    return {"type": "max_sat", "clauses": clauses, "weights": weights}, best


def labs(seed: int) -> tuple[Instance, float]:
    n = 7 + seed
    best = min(
        (np.correlate(s, s, "full")[n:] ** 2).sum() for s in itertools.product((1, -1), repeat=n)
    )
    return {"type": "labs", "n": n}, float(best)


def polynomial(seed: int) -> tuple[Instance, float]:
    rng = np.random.default_rng(seed)
    over = ("bits", "spins")[seed % 2]
    names = list("abcde")
    chosen = [rng.choice(names, rng.integers(1, 5)).tolist() for _ in range(8)]
    values = rng.normal(0, 1, 8).tolist()
    alphabet = (0, 1) if over == "bits" else (1, -1)
    best = max(
        0.25 + sum(c * np.prod([dict(zip(names, point, strict=True))[v] for v in own])
                   for own, c in zip(chosen, values, strict=True))
        for point in itertools.product(alphabet, repeat=5)
    )  # fmt: skip
    terms = [[own, c] for own, c in zip(chosen, values, strict=True)]
    asked = {"terms": terms, "over": over, "sense": "maximise", "constant": 0.25}
    return {"type": "polynomial", **asked, "variables": names}, float(best)


def constrained(seed: int) -> tuple[Instance, float]:
    price = [3.0, 5.5, 2.0][seed % 3]
    colours = {"red": 1.0, "green": -1.5, "blue": 0.5}

    def worth(x: int, y: int, z: int, n: int, c: str) -> float:
        return price * x + 2 * y - z + 1.5 * n - 0.5 * n * n + colours[c] * n + 2 * x * n + 7

    best = max(
        worth(x, y, z, n, c)
        for x, y, z in itertools.product((0, 1), repeat=3)
        for n in range(-1, 4)
        for c in colours
        if x + y + z == 2 and 2 * x + n <= 3 and 3 * y + n >= 1 and n - (c == "red") != 3
    )
    return {
        "type": "constrained",
        "variables": {
            "x": "binary", "y": "binary", "z": "binary",
            "n": {"integer": [-1, 3]}, "c": {"one_of": list(colours)},
        },
        "objective": {
            "sense": "maximise",
            "linear": {"x": price, "y": 2.0, "z": -1.0, "n": 1.5},
            "quadratic": [["n", "n", -0.5], ["x", "n", 2.0]]
            + [["n", f"c={c}", v] for c, v in colours.items()],
            "constant": 7.0,
        },
        "constraints": [
            {"name": "two of three", "linear": {"x": 1.0, "y": 1.0, "z": 1.0}, "sense": "==",
             "bound": 2.0},
            {"name": "room", "linear": {"x": 2.0, "n": 1.0}, "sense": "<=", "bound": 3.0},
            {"linear": {"y": 3.0, "n": 1.0}, "sense": ">=", "bound": 1.0},
            {"name": "late", "linear": {"n": 1.0, "c=red": -1.0}, "sense": "<=", "bound": 2.0},
        ],
    }, best  # fmt: skip


INSTANCES: dict[str, Callable[[int], tuple[Instance, float]]] = {
    "bin_packing": bin_packing,
    "constrained": constrained,
    "exact_cover": lambda seed: cover("exact_cover", seed),
    "graph_coloring": lambda seed: coloured("graph_coloring", seed),
    "knapsack": knapsack,
    "labs": labs,
    "max_clique": lambda seed: of_node_set("max_clique", seed),
    "max_independent_set": lambda seed: of_node_set("max_independent_set", seed),
    "max_k_cut": lambda seed: coloured("max_k_cut", seed),
    "max_sat": max_sat,
    "min_vertex_cover": lambda seed: of_node_set("min_vertex_cover", seed),
    "number_partitioning": number_partitioning,
    "polynomial": polynomial,
    "portfolio": portfolio,
    "set_cover": lambda seed: cover("set_cover", seed),
    "tsp": tsp,
}
