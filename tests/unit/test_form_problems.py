"""Problems on a form: each against brute force that knows nothing of it, decoded and checked."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Iterator
from math import hypot, isclose
from typing import Any

import networkx as nx
import numpy as np
import pytest

from quantum_pipeline.errors import InvalidRequest
from quantum_pipeline.problems import FORM_TYPES, FormProblem
from quantum_pipeline.requests.request import parse_problem
from tests.planned import planned

Instance = dict[str, Any]


def read(data: Instance) -> FormProblem:
    problem = parse_problem(json.loads(json.dumps(data)))
    assert isinstance(problem, FormProblem)
    return problem


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


def test_every_type_has_an_instance() -> None:
    assert set(INSTANCES) == set(FORM_TYPES)


@pytest.mark.parametrize("seed", [0, 1])
@pytest.mark.parametrize("type_", FORM_TYPES)
def test_the_best_feasible_state_is_what_brute_force_finds(type_: str, seed: int) -> None:
    data, expected = INSTANCES[type_](seed)
    problem = read(data)
    best = max if problem.sense == "maximise" else min
    kept = [bits for bits in states(problem) if problem.form.feasible(bits)]
    assert best(map(problem.objective, kept)) == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize("type_", FORM_TYPES)
def test_the_form_and_the_problem_say_the_same_of_every_state(type_: str) -> None:
    problem = read(INSTANCES[type_](1)[0])
    form = problem.form
    found = list(states(problem))
    assert len(found) == form.space.n_states
    for bits in found:
        value = float(form.objective.value(bits))
        assert isclose(problem.objective_of_energy(value), problem.objective(bits), abs_tol=1e-9)
        assert len(problem.labels) == len(bits)
        if type_ != "graph_coloring":  # its conflicts are counted, not excluded
            wrong = sum(float(each.violation(bits)) for each in form.constraints)
            assert sum(each.by for each in problem.check(bits)) == pytest.approx(wrong)


@pytest.mark.parametrize("type_", FORM_TYPES)
def test_a_problem_survives_its_own_json(type_: str) -> None:
    problem = read(INSTANCES[type_](0)[0])
    again = read(json.loads(problem.model_dump_json(by_alias=True)))
    assert again == problem
    assert again.form == problem.form


@pytest.mark.parametrize("type_", FORM_TYPES)
def test_sizes_are_known_before_anything_is_built(type_: str) -> None:
    problem = read(INSTANCES[type_](0)[0])
    form = problem.form
    written = sum(len(each.coefficients) for each in form.constraints)
    assert problem.n_qubits == form.space.n_bits
    assert problem.n_terms >= len(form.objective.monomials) / 2 + written / 2


def test_groups_that_are_broken_are_named() -> None:
    for type_ in ("tsp", "graph_coloring", "max_k_cut", "bin_packing", "portfolio"):
        problem = read(INSTANCES[type_](0)[0])
        nothing = [0] * problem.n_qubits
        assert problem.check(nothing), type_


def test_a_tour_is_told_with_its_cities_and_its_length() -> None:
    data = {"type": "tsp", "coordinates": [[0, 0], [3, 0], [3, 4]], "cities": ["A", "B", "C"]}
    found = read(data).decoded([0, 1, 1, 0])
    assert found.words == "A → C → B → A, length 12"
    assert found.model_dump()["legs"] == (5.0, 4.0, 3.0)
    twice = read(data).check([1, 0, 1, 0])
    assert [(each.rule, each.by) for each in twice] == [
        ("B is visited once", 1.0),
        ("C is visited once", 1.0),
    ]


def test_answers_are_told_in_the_words_of_their_problem() -> None:
    assert read(INSTANCES["labs"](6)[0]).decoded([0] * 5 + [1, 1, 0, 0, 1, 0, 1, 0]).words == (
        "+++++--++-+-+, energy 6, merit factor 14.0833, runs of 5, 2, 2, 1, 1, 1, 1"
    )
    items = [{"name": "tent", "value": 9, "weight": 3}, {"value": 2.5, "weight": 1.25}]
    pack = read({"type": "knapsack", "items": items, "capacity": 4})
    assert pack.decoded([1, 1]).words == "tent, 1: value 11.5, weight 4.25 of 4"
    assert [(each.rule, each.by) for each in pack.check([1, 1])] == [
        ("the weight is at most the capacity", 0.25)
    ]
    triangle = {"edges": [[0, 1], [1, 2], [0, 2, 2.0]], "node_labels": ["x", "y", "z"]}
    colours = read({"type": "graph_coloring", **triangle, "colors": ["red", "blue"]})
    assert colours.decoded([1, 0, 0, 1, 1, 0]).words == (
        "1 conflict, 2 colours: red: x, z; blue: y"
    )
    assert colours.check([1, 0, 0, 1, 1, 0])[0].model_dump() == {
        "rule": "x and z differ in colour",
        "by": 2.0,
    }
    numbers = read({"type": "number_partitioning", "numbers": [4, 5.5, 2]})
    assert numbers.decoded([1, 0]).words == "difference 0.5; A = 6: 4, 2; B = 5.5: 5.5"
    sat = read({"type": "max_sat", "clauses": [["a", "-b"], ["b"], ["-a"]]})
    assert sat.decoded([1, 1]).words == "2 of 3 clauses satisfied; true: a, b"
    packed = read({"type": "bin_packing", "items": [{"size": 3}, {"size": 2}], "capacity": 4})
    assert packed.decoded([1, 0, 0, 1]).words == "2 bins: bin 1: 0; bin 2: 1"


def test_equalities_become_groups_where_they_share_no_bit() -> None:
    data, _ = constrained(0)
    problem = read(data)
    assert [(group.bits, group.ones) for group in problem.space.groups] == [
        ((0, 1, 2), 2), (tuple(range(3, 8)), 1), ((8, 9, 10), 1),
    ]  # fmt: skip
    assert [each.name for each in problem.form.constraints] == ["room", "constraint 3", "late"]
    exact = read(INSTANCES["exact_cover"](0)[0])
    own = [bit for group in exact.space.groups for bit in group.bits]
    assert sorted(own) == list(range(7))
    assert any(group.ones == 1 for group in exact.space.groups)


@pytest.mark.parametrize(
    ("bound", "grouped"), [(0.0, True), (1.0, True), (3.0, True), (1.5, False)]
)
def test_only_whole_counts_become_groups(bound: float, grouped: bool) -> None:
    data = {
        "type": "constrained",
        "variables": dict.fromkeys("xyz", "binary"),
        "objective": {"linear": {"x": 1.0}},
        "constraints": [{"linear": dict.fromkeys("xyz", 1.0), "sense": "==", "bound": bound}],
    }
    problem = read(data)
    assert bool(problem.form.constraints) != grouped


def test_a_straight_line_is_the_way_where_no_distance_is_given() -> None:
    places = [[0.0, 0.0], [1.0, 2.5], [4.0, 1.0], [2.0, 0.5]]
    problem = read({"type": "tsp", "coordinates": places})
    bits = [1, 0, 0, 0, 0, 1, 0, 1, 0]
    order = [places[i] for i in (0, 1, 3, 2, 0)]
    length = sum(hypot(b[0] - a[0], b[1] - a[1]) for a, b in itertools.pairwise(order))
    assert problem.objective(bits) == pytest.approx(length)


def test_what_may_not_be_meant_is_warned_of() -> None:
    edges = [[0, 1, 2.0], [1, 2]]
    assert read({"type": "max_clique", "edges": edges}).warnings
    items = [{"name": "anvil", "value": 9, "weight": 30}, {"value": 2, "weight": 1}]
    pack = {"type": "knapsack", "items": items}
    assert read(pack | {"capacity": 4}).warnings == (
        "heavier than the capacity, never packed: anvil",
    )
    assert "all items fit" in read(pack | {"capacity": 40}).warnings[0]


SMALL = {"items": [{"name": "a", "size": 3}, {"name": "b", "size": 5}], "capacity": 5}
REFUSED = [
    ({"type": "tsp"}, "problem.distances: missing; allowed: distances, coordinates, or both"),
    (
        {"type": "tsp", "distances": [[0, 1], [1, 0]]},
        "problem.distances: got 2 cities; allowed: 3 or more",
    ),
    (
        {"type": "tsp", "distances": [[0, 1, 2], [1, 2, 1], [1, 1, 0]]},
        "problem.distances.1.1: got 2.0; allowed: 0, the way to itself",
    ),
    (
        {"type": "tsp", "coordinates": [[0, 0], [1, 1], [2, 0]], "cities": ["A", "B", "A"]},
        'problem.cities.2: got "A"; allowed: labels of different text; cities.0 has the same',
    ),
    (
        {"type": "portfolio", "returns": [1, 2], "risks": [[1, 0], [0, 1]], "cardinality": 3},
        "problem.cardinality: got 3; allowed: an integer from 1 to 2",
    ),
    (
        {"type": "graph_coloring", "edges": [[0, 1, -1]], "colors": 3},
        "problem.edges.0.2: got -1.0; allowed: a number above 0",
    ),
    (
        {"type": "graph_coloring", "edges": [[0, 1]], "colors": 1},
        "problem.colors: got 1; allowed: an integer from 2 to 64, or a list of 2 or more names",
    ),
    (
        {"type": "bin_packing", **SMALL, "bins": 1},
        "problem.bins: got 1; allowed: 2 or more, for the items' total size",
    ),
    (
        {"type": "bin_packing", **SMALL, "capacity": 4},
        "problem.items.1.size: got 5.0; allowed: up to 4, the capacity",
    ),
    (
        {"type": "set_cover", "sets": {"A": [1]}, "elements": [1, 2]},
        "problem.elements: got 2; allowed: elements of one set or more",
    ),
    (
        {"type": "max_sat", "clauses": [[1, 0]]},
        'problem.clauses.0: got 0; allowed: a number that is not 0, or a name; "-" in front '
        "negates it",
    ),
    (
        {"type": "polynomial", "terms": [[["x"], 1]], "variables": ["y"]},
        'problem.terms.0: got "x"; allowed: one of variables',
    ),
    ({"type": "labs", "n": 1}, "problem.n: got 1; allowed: an integer from 2 to 4096"),
]


@pytest.mark.parametrize(("data", "message"), REFUSED)
def test_what_is_wrong_is_refused_by_name(data: Instance, message: str) -> None:
    with pytest.raises(InvalidRequest) as error:
        read(data)
    assert message in str(error.value)


GENERAL = {"type": "constrained", "variables": {"x": "binary", "c": {"one_of": ["red", "blue"]}}}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"objective": {"linear": {"z": 1}}},
            'problem.objective.linear: got "z"; allowed: one of x, c=red, c=blue',
        ),
        (
            {"objective": {"quadratic": [["x", "c", 1]]}},
            'problem.objective.quadratic.0: got "c"; allowed: one of x, c=red, c=blue',
        ),
        (
            {"variables": {"n": {"integer": [3, 1]}}},
            "problem.variables.n.integer: got [3, 1]; allowed: [least, most]: two integers of at "
            "most 1e9 in size, the second not below the first",
        ),
        (
            {"variables": {"a=b": "binary"}},
            'problem.variables: got "a=b"; allowed: names without =, of one letter or more',
        ),
        (
            {"constraints": [{"linear": {"x": 2, "c=red": 1}, "sense": ">=", "bound": 4}]},
            "problem.constraints.0.bound: got 4.0; allowed: a bound that can hold, of 0 to 3, "
            "what its sum can be",
        ),
        (
            {"constraints": [{"linear": {"x": 2}, "sense": "<", "bound": 4}]},
            'problem.constraints.0.sense: got "<"; allowed: one of <=, >=, ==',
        ),
    ],
)
def test_what_is_wrong_in_the_general_form_is_refused_by_name(
    changes: Instance, message: str
) -> None:
    with pytest.raises(InvalidRequest) as error:
        read(GENERAL | {"objective": {}} | changes)
    assert message in str(error.value)


SETS = {f"S{k}": [k, k + 1] for k in range(40)}
SMALL_PACK = {"type": "knapsack", "items": [{"value": 1, "weight": 1}], "capacity": 1}


@pytest.mark.parametrize(
    ("problem", "message"),
    [
        (
            {"type": "set_cover", "sets": SETS},
            "problem: got about 1e12 states, 40 bits; allowed: up to 16,777,216",
        ),
        (
            {"type": "graph_coloring", "edges": [[0, 1]], "n_nodes": 10**9, "colors": 3},
            "problem: got 3000000000 bits; allowed: 1 to 4096",
        ),
        ({"type": "labs", "n": 200}, "problem: got 1313400 terms; allowed: up to 262144"),
        (
            {"type": "bin_packing", "items": [{"size": 9}] * 3000, "capacity": 10},
            "problem: got 8100000 bits; allowed: 1 to 4096",
        ),
        (
            {
                "type": "constrained",
                "variables": {f"n{k}": {"integer": [0, 4000]} for k in range(900)},
                "objective": {},
            },
            "problem.variables: got 3600900 bits; allowed: variables of up to 4096 values in all",
        ),
    ],
)
def test_what_is_too_large_is_refused_before_it_is_built(problem: Instance, message: str) -> None:
    with pytest.raises(InvalidRequest) as error:
        planned({"problem": problem})
    assert message in str(error.value)


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"device": "sv1"}, 'device: got "sv1"; allowed: local or auto; knapsack runs in the job'),
        ({"device": "garnet"}, 'device: got "garnet"; allowed: local or auto'),
        ({"noise": {"two_qubit": 0.1}}, "noise: got some; allowed: nothing here; knapsack runs"),
        ({"algorithm": {"train_on": "device"}}, 'algorithm.train_on: got "device"; allowed: exact'),
        ({"algorithm": {"name": "rqaoa"}}, 'algorithm.name: got "rqaoa"; allowed: auto or qaoa'),
        ({"algorithm": {"name": "vqe"}}, 'algorithm.name: got "vqe"; allowed: auto or qaoa'),
    ],
)
def test_devices_and_other_algorithms_are_refused_by_name(asked: Instance, message: str) -> None:
    with pytest.raises(InvalidRequest) as error:
        planned({"problem": SMALL_PACK, **asked})
    assert message in str(error.value)


def test_auto_settles_on_the_job_itself_with_its_reason() -> None:
    found = planned({"problem": SMALL_PACK})
    assert found.device.name == "local"
    assert "the job itself computes exactly" in found.reasons.device.words
