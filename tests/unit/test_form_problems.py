"""Problems on a form: each against brute force that knows nothing of it, decoded and checked."""

from __future__ import annotations

import itertools
import json
from math import hypot, isclose

import pytest

from quantum_pipeline.errors import InvalidRequest
from quantum_pipeline.problems import FORM_TYPES, FormProblem
from quantum_pipeline.requests.request import parse_problem
from tests.planned import planned
from tests.unit.form_instances import (
    INSTANCES,
    Instance,
    constrained,
    states,
)


def read(data: Instance) -> FormProblem:
    problem = parse_problem(json.loads(json.dumps(data)))
    assert isinstance(problem, FormProblem)
    return problem


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
        ({"type": "labs", "n": 200}, "problem: got 1313400 terms; allowed: up to 524288"),
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
