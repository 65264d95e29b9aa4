"""The request: what is accepted, how each wrong one is refused, and how it is resolved."""

from __future__ import annotations

import copy
import json
import re
import tracemalloc
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quantum_pipeline.devices.states import Qubit
from quantum_pipeline.errors import InvalidRequest
from quantum_pipeline.ising.cones import EXACT
from quantum_pipeline.planning.reasons import Why
from quantum_pipeline.requests.algorithm import SettledQaoa
from quantum_pipeline.requests.json_text import MAX_FIELDS, MAX_VALUES, parse_json
from quantum_pipeline.requests.request import (
    ProblemReference,
    Request,
    ResolvedRequest,
    parse_problem,
    parse_request,
)
from tests.planned import planned

TRIANGLE: dict[str, Any] = {"type": "maxcut", "edges": [[0, 1], [1, 2], [2, 0]]}
GRAPH: dict[str, Any] = {
    "nodes": [{"id": "a"}, {"id": "b"}, {"id": "c"}],
    "edges": [{"source": "a", "target": "b"}, {"source": "b", "target": "c", "weight": 2}],
}
QUBO: dict[str, Any] = {"type": "qubo", "linear": [1.0, 2.0], "quadratic": [[0, 1, -3.0]]}
ISING: dict[str, Any] = {"type": "ising", "fields": [1.0, 2.0], "couplings": [[0, 1, -3.0]]}
BQM: dict[str, Any] = {
    "type": "BinaryQuadraticModel",
    "variable_type": "SPIN",
    "offset": 0.5,
    "variable_labels": ["a", "b"],
    "linear_biases": [1.0, 2.0],
    "quadratic_biases": [3.0],
    "quadratic_head": [0],
    "quadratic_tail": [1],
}
MATRIX: dict[str, Any] = {
    "type": "optimization",
    "linear_coefficients": [1.0, 2.0],
    "quadratic_matrix": [[0.0, 1.0], [1.0, 0.0]],
}
FULL: dict[str, Any] = {
    "problem": TRIANGLE,
    "algorithm": {
        "name": "qaoa",
        "depth": 2,
        "optimizer": "l-bfgs-b",
        "starts": 1,
        "max_evaluations": 50,
        "gammas": [0.1, 0.2],
        "betas": [0.3, 0.4],
    },
    "device": "sv1",
    "shots": 100,
    "seed": 7,
    "mitigation": "none",
    "limits": {"max_cost_usd": 2.5, "max_runtime_seconds": 600, "allow_partial": True},
    "name": "a triangle",
}
NUMBER = "a number from -1e+12 to 1e+12"
SENTENCE = re.compile(
    r"[\w.\"\\]+: ((got .+|missing); allowed: .+|no such field(; (allowed: .+|did you mean .+\?))?)"
)
JARGON = re.compile(
    r"pydantic|Tuple|tuple|dictionary|Input|valid|instance|Extra|permitted|validat|NoneType"
    r"|pattern|\^|Traceback|Error|errors\.|discriminator|True|False|None\b"
)


def refused(data: Any) -> str:
    with pytest.raises(InvalidRequest) as error:
        planned(data)
    message = str(error.value)
    assert message.isprintable()
    assert len(message) < 1500
    return message


def changed(data: dict[str, Any], path: str, value: Any) -> dict[str, Any]:
    """Return a copy with the value at a dotted path replaced."""
    result = copy.deepcopy(data)
    *parents, last = (int(step) if step.isdigit() else step for step in path.split("."))
    place: Any = result
    for step in parents:
        place = place[step]
    place[last] = value
    return result


def test_only_the_problem_is_required_and_all_else_has_its_default() -> None:
    request = parse_request({"problem": TRIANGLE})
    assert (request.device, request.shots, request.seed, request.name) == ("auto", 1000, 0, None)
    assert (request.limits.max_cost_usd, request.limits.max_runtime_seconds) == (1.0, None)
    assert (request.algorithm.name, request.algorithm.optimizer) == ("auto", "auto")


@pytest.mark.parametrize(
    "problem",
    [
        TRIANGLE,
        {"type": "maxcut", "graph": GRAPH},
        QUBO,
        ISING,
        {"type": "bqm", "bqm": BQM},
        MATRIX,
        {"type": "random", "problem_size": 3, "seed": 5},
        {"uri": "s3://amazon-braket-in/problems/a b.json"},
    ],
    ids=lambda problem: problem.get("type", "uri"),
)
def test_a_request_survives_json(problem: dict[str, Any]) -> None:
    request = parse_request({**FULL, "problem": problem})
    assert parse_request(json.loads(request.model_dump_json(by_alias=True))) == request


def test_a_resolved_request_survives_json_and_resolves_to_itself() -> None:
    resolved = planned({"problem": TRIANGLE}).request
    assert ResolvedRequest.model_validate_json(resolved.model_dump_json()) == resolved
    assert planned(resolved).request == resolved


WRONG: list[tuple[dict[str, Any], str, Any, str]] = [
    (FULL, "problem", "maxcut", 'problem: got "maxcut"; allowed: an object whose type is one of'),
    (FULL, "problem", None, "problem: got null; allowed: an object whose type is one of"),
    (FULL, "problem", {}, "problem.type: missing; allowed: one of bin_packing, bqm,"),
    (FULL, "problem.type", "max-cut", 'problem.type: got "max-cut"; allowed: one of bin_packing'),
    (FULL, "problem.type", ["maxcut"], 'problem.type: got ["maxcut"]; allowed: one of'),
    (FULL, "problem.edges", [], "problem.edges: got []; allowed: a list of one or more, each"),
    (FULL, "problem.edges", 3, "problem.edges: got 3; allowed: a list of one or more, each"),
    (FULL, "problem.edges.1", [0], "problem.edges.1: got [0]; allowed: [i, j] or [i, j, weight]"),
    (FULL, "problem.edges.1", [0, 1, 1.0, 1], "problem.edges.1: got [0, 1, 1.0, 1]; allowed: [i,"),
    (FULL, "problem.edges.1", "01", 'problem.edges.1: got "01"; allowed: [i, j] or'),
    (FULL, "problem.edges.1", [0, -1], "problem.edges.1.1: got -1; allowed: an integer from 0 up"),
    (FULL, "problem.edges.1", [0, 1.0], "problem.edges.1.1: got 1.0; allowed: an integer from 0"),
    (FULL, "problem.edges.1", [0, "1"], 'problem.edges.1.1: got "1"; allowed: an integer from 0'),
    (FULL, "problem.edges.1", [0, True], "problem.edges.1.1: got true; allowed: an integer from"),
    (FULL, "problem.edges.1", [1, 2, "1"], f'problem.edges.1.2: got "1"; allowed: {NUMBER}'),
    (FULL, "problem.edges.1", [1, 2, True], f"problem.edges.1.2: got true; allowed: {NUMBER}"),
    (FULL, "problem.edges.1", [1, 2, None], f"problem.edges.1.2: got null; allowed: {NUMBER}"),
    (
        FULL,
        "problem.edges.1",
        [1, 2, float("nan")],
        f"problem.edges.1.2: got NaN; allowed: {NUMBER}",
    ),
    (FULL, "problem.edges.1", [1, 2, -1e400], "problem.edges.1.2: got -Infinity; allowed: a num"),
    (FULL, "problem.edges.1", [1, 2, 1.1e12], f"1.2: got 1100000000000.0; allowed: {NUMBER}"),
    (FULL, "problem.edges.1", [1, 2, 10**400], "1.2: got an integer of about 401 digits; allowed"),
    (FULL, "problem.edges.1", [1, 1], "problem.edges.1: got [1, 1]; allowed: two different ends"),
    (FULL, "problem.edges.1", [1, 0, 5.0], "edges.1: got [1, 0]; allowed: each pair once; it sta"),
    (FULL, "problem.n_nodes", 2, "problem.edges.1: got [1, 2]; allowed: nodes from 0 to 1"),
    (FULL, "problem.n_nodes", 0, "problem.n_nodes: got 0; allowed: an integer from 1 up"),
    (FULL, "problem.n_nodes", 10**9, "problem: got 1000000000 variables; allowed: 1 to 100000"),
    (FULL, "problem.node_labels", ["a"], 'node_labels: got ["a"]; allowed: one for each of the 3'),
    (FULL, "problem.node_labels", [1, 2, "1"], 'node_labels.2: got "1"; allowed: labels of diff'),
    (FULL, "problem.node_labels", [1, True, 2], "node_labels.1: got true; allowed: an integer or"),
    (FULL, "problem.graph", GRAPH, "problem.edges: got a graph beside it; allowed: one of the two"),
    (FULL, "problem.weight", 2, "problem.weight: no such field; allowed: type, edges, n_nodes, "),
    (
        FULL,
        "algorithm.name",
        "vqe",
        'algorithm.name: got "vqe"; allowed: auto, qaoa, rqaoa or divide; ',
    ),
    (FULL, "algorithm.depth", 0, "algorithm.depth: got 0; allowed: an integer from 1 to 64"),
    (FULL, "algorithm.depth", 3, "algorithm.gammas: got a length of 2; allowed: 3, one a layer"),
    (FULL, "algorithm.betas", [0.1], "algorithm.betas: got a length of 1; allowed: 2, one a layer"),
    (FULL, "algorithm.betas", None, "algorithm.betas: missing; allowed: gammas and betas togethe"),
    (FULL, "algorithm.gammas", [0.1] * 65, "algorithm.gammas: got [0.1, 0.1, 0.1, 0.1, 0.1, 0.1"),
    (FULL, "algorithm.gammas", [], "algorithm.gammas: got []; allowed: a list of one or more, "),
    (FULL, "algorithm.starts", 2, "algorithm.starts: got 2; allowed: 1, from the angles that are"),
    (FULL, "algorithm.starts", 101, "algorithm.starts: got 101; allowed: an integer from 1 to 100"),
    (
        FULL,
        "algorithm.optimizer",
        "adam",
        'got "adam"; allowed: one of auto, l-bfgs-b, spsa, cobyla, nft',
    ),
    (FULL, "algorithm.max_evaluations", 0, "got 0; allowed: an integer from 1 to 100000"),
    (FULL, "algorithm", "qaoa", 'algorithm: got "qaoa"; allowed: an object with name, depth, '),
    (FULL, "device", "", 'device: got ""; allowed: auto, local, sv1, dm1, or a device\'s name or'),
    (FULL, "device", 1, "device: got 1; allowed: auto, local, sv1, dm1, or a device's name or ARN"),
    (
        FULL,
        "device",
        "sv2",
        'device: got "sv2"; allowed: auto, or the name or ARN of one of local, ',
    ),
    (FULL, "device", "x" * 257, "device: got "),
    (FULL, "shots", -1000, "shots: got -1000; allowed: an integer from 1 to 50000"),
    (FULL, "shots", 0, "shots: got 0; allowed: an integer from 1 to 50000"),
    (FULL, "shots", 50_001, "shots: got 50001; allowed: an integer from 1 to 50000"),
    (FULL, "shots", 1000.0, "shots: got 1000.0; allowed: an integer from 1 to 50000"),
    (FULL, "shots", "1000", 'shots: got "1000"; allowed: an integer from 1 to 50000'),
    (FULL, "shots", True, "shots: got true; allowed: an integer from 1 to 50000"),
    (FULL, "shots", None, "shots: got null; allowed: an integer from 1 to 50000"),
    (FULL, "shots", 10**400, "shots: got an integer of about 401 digits; allowed: an integer from"),
    (FULL, "seed", -1, "seed: got -1; allowed: an integer from 0 to 4294967295"),
    (FULL, "seed", 2**32, "seed: got 4294967296; allowed: an integer from 0 to 4294967295"),
    (FULL, "limits.max_cost_usd", -0.01, "got -0.01; allowed: a number from 0 to 1000000"),
    (FULL, "limits.max_cost_usd", float("inf"), "got Infinity; allowed: a number from 0 to 1000"),
    (FULL, "limits.max_runtime_seconds", 432_001, "got 432001; allowed: an integer from 1 to 432"),
    (
        FULL,
        "limits",
        [],
        "limits: got []; allowed: an object with max_cost_usd, max_runtime_seconds, allow_partial",
    ),
    (FULL, "name", "<b>", 'name: got "<b>"; allowed: 1 to 64 letters, digits, spaces, . _ -, a '),
    (FULL, "name", "x" * 65, "name: got "),
    (FULL, "name", 7, "name: got 7; allowed: 1 to 64 letters"),
    (FULL, "shot", 10, "shot: no such field; did you mean shots?"),
    (FULL, "a\nb", 10, '"a\\nb": no such field; allowed: problem, algorithm, device, shots, seed,'),
]
WRONG_PROBLEMS: list[tuple[dict[str, Any], str, Any, str]] = [
    ({"type": "maxcut"}, "n_nodes", 3, "problem.edges: missing; allowed: one or more edges, or a"),
    ({"type": "maxcut"}, "graph", [], "problem.graph: got []; allowed: an object with directed,"),
    ({"type": "maxcut"}, "graph", {}, "problem.graph.nodes: missing; allowed: a list of one or"),
    (GRAPH, "nodes", [], "problem.graph.nodes: got []; allowed: a list of one or more, each an "),
    (GRAPH, "nodes.0", "a", 'problem.graph.nodes.0: got "a"; allowed: an object with id'),
    (GRAPH, "nodes.0.id", 1.5, "problem.graph.nodes.0.id: got 1.5; allowed: an integer or text"),
    (GRAPH, "nodes.0.id", True, "problem.graph.nodes.0.id: got true; allowed: an integer or text"),
    (GRAPH, "nodes.0.id", "b", 'graph.nodes.1: got "b"; allowed: labels of different text; node'),
    (GRAPH, "edges", [], "problem.graph.edges: got []; allowed: a list of one or more, each an "),
    (GRAPH, "links", GRAPH["edges"], "problem.graph.edges: got links as well; allowed: one of"),
    (GRAPH, "edges.1.target", "d", 'graph.edges.1: got ["b", "d"]; allowed: ids of two nodes'),
    (GRAPH, "edges.1.target", "b", 'graph.edges.1: got ["b", "b"]; allowed: two different ends'),
    (GRAPH, "edges.1.target", "a", 'graph.edges.1: got ["b", "a"]; allowed: each pair once; it '),
    (GRAPH, "edges.1.weight", None, f"graph.edges.1.weight: got null; allowed: {NUMBER}"),
    (GRAPH, "edges.1", {}, "problem.graph.edges.1.source: missing; allowed: an integer or text; "),
    (GRAPH, "directed", True, "problem.graph.directed: got true; allowed: false"),
    (GRAPH, "multigraph", True, "problem.graph.multigraph: got true; allowed: false"),
    (QUBO, "linear", [], "problem.linear: got []; allowed: a list of one or more, each a number"),
    (QUBO, "linear", None, "problem.linear: missing; allowed: linear with quadratic, or matrix"),
    (QUBO, "linear.1", "2", f'problem.linear.1: got "2"; allowed: {NUMBER}'),
    (QUBO, "quadratic.0", [0, 2, 1.0], "problem.quadratic.0: got [0, 2]; allowed: variables from"),
    (QUBO, "quadratic.0", [0, 1], "problem.quadratic.0: got [0, 1]; allowed: [i, j, value]: two"),
    (QUBO, "quadratic.0", [0, 1, float("nan")], f"quadratic.0.2: got NaN; allowed: {NUMBER}"),
    (QUBO, "matrix", [[1.0]], "problem.linear: got a matrix beside it; allowed: one of the two"),
    ({"type": "qubo"}, "matrix", [[1.0, 2.0]], "problem.matrix.0: got a length of 2; allowed: 1"),
    ({"type": "qubo"}, "matrix", [], "problem.matrix: got []; allowed: a list of one or more,"),
    ({"type": "qubo"}, "matrix", [1.0], "problem.matrix.0: got 1.0; allowed: a list, each a numb"),
    (ISING, "fields", [], "problem.fields: got []; allowed: a list of one or more, each a number"),
    (ISING, "fields.0", float("-inf"), f"problem.fields.0: got -Infinity; allowed: {NUMBER}"),
    (ISING, "couplings.0", [1, 1, 1.0], "problem.couplings.0: got [1, 1]; allowed: two different"),
    (ISING, "couplings.0", [1, 2, 1.0], "problem.couplings.0: got [1, 2]; allowed: variables fro"),
    (ISING, "offset", "0", f'problem.offset: got "0"; allowed: {NUMBER}'),
    (ISING, "fields_", [1.0], "problem.fields_: no such field; did you mean fields?"),
    (BQM, "type", "BQM", 'problem.bqm.type: got "BQM"; allowed: "BinaryQuadraticModel"'),
    (BQM, "use_bytes", True, "problem.bqm.use_bytes: got true; allowed: false"),
    (BQM, "variable_type", "INTEGER", 'got "INTEGER"; allowed: one of SPIN, BINARY'),
    (BQM, "variable_labels", ["a"], "bqm.variable_labels: got a length of 1; allowed: 2, as many"),
    (BQM, "variable_labels", ["a", "a"], 'variable_labels.1: got "a"; allowed: labels of differe'),
    (BQM, "variable_labels.0", [[[[]]]], "variable_labels.0: got [[[[]]]]; allowed: an integer, t"),
    (BQM, "variable_labels.0", None, "problem.bqm.variable_labels.0: got null; allowed: an integ"),
    (BQM, "linear_biases", [], "problem.bqm.linear_biases: got []; allowed: a list of one or more"),
    (BQM, "quadratic_head", [], "problem.bqm.quadratic_head: got a length of 0; allowed: 1, as m"),
    (BQM, "quadratic_tail", [2], "problem.bqm.quadratic_head.0: got [0, 2]; allowed: variables f"),
    (BQM, "quadratic_tail", [0], "problem.bqm.quadratic_head.0: got [0, 0]; allowed: two differe"),
    (MATRIX, "linear_coefficients", [], "problem.linear_coefficients: got []; allowed: a list of"),
    (MATRIX, "quadratic_matrix", [[1.0]], "quadratic_matrix: got a length of 1; allowed: 2 rows "),
    (MATRIX, "quadratic_matrix.1", [1.0], "quadratic_matrix.1: got a length of 1; allowed: 2"),
    (MATRIX, "quadratic_matrix.1.0", "x", f'quadratic_matrix.1.0: got "x"; allowed: {NUMBER}'),
    ({"type": "random"}, "seed", 1, "problem.problem_size: missing; allowed: an integer from 2 up"),
    ({"type": "random"}, "problem_size", 1, "problem.problem_size: got 1; allowed: an integer fr"),
    (
        {"type": "random"},
        "problem_size",
        10**6,
        "problem: got 1000000 variables; allowed: 1 to 100000",
    ),
    ({"type": "random"}, "problem_size", 10**100, "problem: got an integer of about 101 digits "),
    ({}, "uri", "https://a/b", 'problem.uri: got "https://a/b"; allowed: s3://BUCKET/KEY'),
    ({}, "uri", "s3://bucket", 'problem.uri: got "s3://bucket"; allowed: s3://BUCKET/KEY'),
    ({}, "uri", None, "problem.uri: got null; allowed: s3://BUCKET/KEY"),
]


@pytest.mark.parametrize(("data", "path", "value", "said"), WRONG)
def test_a_wrong_field_is_refused_by_name(
    data: dict[str, Any], path: str, value: Any, said: str
) -> None:
    message = refused(changed(data, path, value))
    assert said in message
    assert SENTENCE.match(message)
    assert not JARGON.search(message)


@pytest.mark.parametrize(("problem", "path", "value", "said"), WRONG_PROBLEMS)
def test_a_wrong_problem_is_refused_by_field(
    problem: dict[str, Any], path: str, value: Any, said: str
) -> None:
    wrong = changed(problem, path, value)
    if problem is GRAPH:
        wrong = {"type": "maxcut", "graph": wrong}
    if problem is BQM:
        wrong = {"type": "bqm", "bqm": wrong}
    message = refused({"problem": wrong})
    assert said in message
    assert SENTENCE.match(message)
    assert not JARGON.search(message)


@pytest.mark.parametrize("data", [[], None, "request", 7, True], ids=repr)
def test_a_request_that_is_no_object_is_refused(data: object) -> None:
    assert re.match(r"request: got .+; allowed: an object with problem, algorithm,", refused(data))


def test_optimizer_none_needs_angles() -> None:
    data = {"problem": TRIANGLE, "algorithm": {"optimizer": "none"}}
    assert refused(data) == (
        'algorithm.optimizer: got "none"; allowed: none with gammas and betas only'
    )


def test_optimizer_none_takes_no_shots() -> None:
    algorithm = {"optimizer": "none", "gammas": [0.1], "betas": [0.2], "shots_per_evaluation": 10}
    assert refused({"problem": TRIANGLE, "algorithm": algorithm}) == (
        'algorithm.optimizer: got "none"; allowed: spsa, cobyla, nft or auto, with '
        "shots_per_evaluation"
    )


def test_warm_start_has_no_angles_of_other_starts() -> None:
    algorithm = {"warm_start": "relaxed", "initial_angles": "transferred"}
    assert refused({"problem": TRIANGLE, "algorithm": algorithm}) == (
        'algorithm.initial_angles: got "transferred"; allowed: auto or ramp in warm starts'
    )


@pytest.mark.parametrize(
    ("algorithm", "refusal"),
    [
        (
            {"initial_angles": "ramp"},
            'initial_angles: got "ramp"; allowed: auto, where learn is true',
        ),
        (
            {"gammas": [0.1], "betas": [0.2]},
            "learn: got true; allowed: false, where gammas are given",
        ),
        ({"learn": "yes"}, 'learn: got "yes"; allowed: true or false'),
    ],
)
def test_who_says_where_to_start_does_not_ask_to_learn_it(
    algorithm: dict[str, Any], refusal: str
) -> None:
    asked = {"learn": True} | algorithm
    assert refused({"problem": TRIANGLE, "algorithm": asked}) == f"algorithm.{refusal}"


def test_recursive_qaoa_of_what_the_job_cannot_compute_whole_is_refused_beforehand() -> None:
    n = EXACT + 1
    couplings = [[i, j, 1.0 + i] for i in range(n) for j in range(i)]
    problem = {"type": "ising", "fields": [0.5] * n, "couplings": couplings}
    request = parse_request({"problem": problem, "algorithm": {"name": "rqaoa", "depth": 3}})
    with pytest.raises(InvalidRequest, match=r"algorithm.depth: got 3; allowed: at most 1"):
        planned(request)


def test_several_wrong_fields_are_all_named_once() -> None:
    message = refused({"problem": TRIANGLE, "shots": 0, "seed": -1, "name": ""})
    assert [each.split(":")[0] for each in message.split("; ")[::2]] == ["shots", "seed", "name"]


def test_a_list_whose_only_entry_is_wrong_is_named_by_the_entry_alone() -> None:
    assert refused({"problem": {"type": "ising", "fields": ["x"]}}) == (
        f'problem.fields.0: got "x"; allowed: {NUMBER}'
    )


def test_very_many_wrong_fields_are_summed_up() -> None:
    message = refused({"problem": TRIANGLE} | {f"x{number}": 0 for number in range(MAX_FIELDS)})
    assert message == f"request: got {MAX_FIELDS + 1} fields; allowed: up to {MAX_FIELDS}"
    message = refused({"problem": TRIANGLE} | {f"x{number}": 0 for number in range(10)})
    assert message.count("no such field") == 5
    assert message.count("allowed") == 1  # the fields are listed once
    assert message.endswith("; and more of the kind")


@pytest.mark.parametrize(
    ("problem", "first"),
    [
        ({"type": "qubo", "linear": ["x"] * 9}, f'linear.0: got "x"; allowed: {NUMBER}'),
        (
            {"type": "qubo", "matrix": [[1.0] * 9, *[[None] * 9] * 8]},
            f"matrix.1.0: got null; allowed: {NUMBER}",
        ),
        (
            {"type": "maxcut", "edges": [[0, 1], ["a", 1], ["b", 1]]},
            'edges.1.0: got "a"; allowed: an integer from 0 up',
        ),
        (
            {"type": "maxcut", "graph": {"nodes": [{"id": 1.5}] * 9, "edges": [1] * 9}},
            "graph.nodes.0.id: got 1.5; allowed: an integer or text; "
            "problem.graph.edges.0: got 1; allowed: an object with source, target, weight",
        ),
    ],
    ids=["numbers", "rows", "edges", "nodes"],
)
def test_a_list_is_read_up_to_its_first_wrong_entry(problem: dict[str, Any], first: str) -> None:
    assert refused({"problem": problem}) == f"problem.{first}"


@pytest.mark.parametrize("value", [5e-324, -1e-310, 9.9e-151])
def test_a_number_whose_square_is_none_is_refused(value: float) -> None:
    allowed = "allowed: 0, or a number from 1e-150 to 1e+12 in size"
    problem = {"type": "ising", "fields": [1.0], "couplings": [], "offset": value}
    assert refused({"problem": problem}) == f"problem.offset: got {value}; {allowed}"
    problem = {"type": "ising", "fields": [1.0, 0.0, value]}
    assert refused({"problem": problem}) == f"problem.fields.2: got {value}; {allowed}"


def dense(n: int) -> list[list[float]]:
    return [[1.0] * n] * n


@pytest.mark.parametrize(
    ("problem", "terms"),
    [
        ({"type": "random", "problem_size": 4096}, 4096 * 4097),
        ({"type": "random", "problem_size": 724}, 724 * 725),
        ({"type": "qubo", "matrix": dense(725)}, 725**2),
        (
            {"type": "optimization", "linear_coefficients": [0.0] * 725}
            | {"quadratic_matrix": dense(725)},
            725 * 726,
        ),
        ({"type": "ising", "fields": [1.0, 1.0], "couplings": [[0, 1, 1.0]] * 2**19}, 2**19 + 2),
    ],
    ids=["random", "just too many", "qubo", "optimization", "ising"],
)
def test_terms_are_counted_before_any_are_computed(problem: dict[str, Any], terms: int) -> None:
    request = parse_request({"problem": problem})
    tracemalloc.start()
    try:
        with pytest.raises(InvalidRequest) as error:
            planned(request)
        assert tracemalloc.get_traced_memory()[1] < 1_000_000
    finally:
        tracemalloc.stop()
    assert str(error.value) == f"problem: got {terms} terms; allowed: up to 524288"


def test_an_object_of_very_many_fields_is_refused_as_it_is_read() -> None:
    text = json.dumps([{f"x{number}": 0 for number in range(MAX_FIELDS + 1)}])
    with pytest.raises(InvalidRequest, match=r"^f: got 1001 fields; allowed: up to 1000 in an obj"):
        parse_json(text, "f", max_values=MAX_VALUES)
    assert len(parse_json(text, "f")[0]) == MAX_FIELDS + 1


def test_values_are_counted_before_any_are_made() -> None:
    text = "[" + "[]," * (MAX_VALUES // 2) + "[]]"
    tracemalloc.start()
    try:
        with pytest.raises(InvalidRequest, match=r"^f: got 2621442 values; allowed: up to 2621440"):
            parse_json(text, "f", max_values=MAX_VALUES)
        assert tracemalloc.get_traced_memory()[1] < 1_000_000
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    "problem",
    [
        {"type": "random", "problem_size": 10**9},
        {"type": "maxcut", "edges": [[0, 1]], "n_nodes": 10**9},
        {"type": "maxcut", "edges": [[0, 10**9]]},
    ],
    ids=["random", "n_nodes", "edge"],
)
def test_a_billion_variables_are_refused_before_any_memory_is_taken(
    problem: dict[str, Any],
) -> None:
    tracemalloc.start()
    try:
        assert "variables; allowed: 1 to 100000" in refused({"problem": problem})
        assert tracemalloc.get_traced_memory()[1] < 5_000_000
    finally:
        tracemalloc.stop()


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["type", "edges", "graph", "nodes", "id", "bqm", "linear", "uri", "x"]),
            inner,
            max_size=3,
        )
    ),
    max_leaves=8,
)
places = st.sampled_from([path for data, path, _, _ in WRONG if data is FULL])


@given(places, json_values, st.sampled_from([TRIANGLE, QUBO, ISING, MATRIX, {"type": "random"}]))
def test_whatever_stands_in_a_field_is_accepted_or_refused_in_plain_words(
    path: str, value: Any, problem: dict[str, Any]
) -> None:
    data = copy.deepcopy(FULL)
    if path == "problem" and isinstance(value, dict):
        value = {**problem, **value}
    try:
        parse_request(changed(data, path, value))
    except InvalidRequest as error:
        for words in ("pydantic", "Input should", "Tuple should", "should be", "valid "):
            assert words not in str(error)
        assert SENTENCE.match(str(error))
        assert str(error).isprintable()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "got nothing"),
        (b" \n", "got nothing"),
        ('{"a": }', "not JSON (line 1, column 7: Expecting value)"),
        ("{'a': 1}", "not JSON (line 1, column 2: Expecting property name"),
        (b'{"a": "\xff"}', "not JSON (byte 8 is not UTF-8)"),
        ("[" * 100_000, "not JSON (lists or objects are nested too deeply)"),
        ("1" * 5000, "not JSON (an integer has thousands of digits)"),
        ('{"a": 1} {"b": 2}', "not JSON (line 1, column 10: Extra data)"),
        ('{"a": [1, 2,]}', "not JSON (line 1, column 12: a comma behind the last item)"),
        ('{"a": 1\n , }', "not JSON (line 2, column 2: a comma behind the last item)"),
        ("[1,, ]", "not JSON (line 1, column 4: Expecting value)"),
        ("[1 2,]", "not JSON (line 1, column 4: Expecting ',' delimiter)"),
        ('{"a": {"b": 1, "b": 2}}', 'got "b" twice in one object; allowed: once'),
    ],
    ids=lambda value: repr(value)[:30],
)
def test_what_is_not_json_is_refused_with_its_place(text: str | bytes, said: str) -> None:
    with pytest.raises(InvalidRequest) as error:
        parse_json(text, "request.json")
    assert str(error.value).startswith(f"request.json: {said}")
    assert "allowed: " in str(error.value)


@pytest.mark.parametrize("mark", ["\ufeff", "\ufeff".encode()], ids=["text", "bytes"])
def test_a_byte_order_mark_is_passed_over(mark: Any) -> None:
    text: Any = '{"a": [1, "é"]}'
    assert parse_json(mark + (text.encode() if isinstance(mark, bytes) else text), "f") == {
        "a": [1, "é"]
    }


HALF = "\ud800"
LABELLED = {"type": "maxcut", "edges": [[0, 1]], "node_labels": ["a", HALF]}
NAMED = {
    "nodes": [{"id": "a"}, {"id": "b", "colour": "\udfff"}],
    "edges": [{"source": "a", "target": "b"}],
}


@pytest.mark.parametrize(
    ("data", "where"),
    [
        ({"problem": LABELLED}, "problem.node_labels.1"),
        ({"problem": {"type": "maxcut", "graph": NAMED}}, "problem.graph.nodes.1.colour"),
        ({"problem": TRIANGLE, "name": f"x{HALF}"}, "name"),
        ({"problem": TRIANGLE, "device": HALF}, "device"),
        ({"problem": {"uri": f"s3://bucket/{HALF}"}}, "problem.uri"),
        ({"problem": TRIANGLE, HALF: 1}, "request"),
        ({"problem": {**TRIANGLE, f"{HALF}x": {}}}, "problem"),
        (HALF, "request"),
    ],
)
def test_half_a_character_is_refused_where_it_stands(data: Any, where: str) -> None:
    with pytest.raises(InvalidRequest, match=rf"^{where}: got .*; allowed: text of whole char"):
        parse_request(data)
    with pytest.raises(InvalidRequest, match=rf"^f.json: {where}: got "):
        parse_json(json.dumps(data), "f.json")


def test_whole_characters_of_two_halves_are_text() -> None:
    # JSON writes what lies beyond the first 65,536 characters as two halves.
    problem = parse_json(json.dumps({**LABELLED, "node_labels": ["😀", "\u2028"]}), "f.json")
    request = parse_request({"problem": problem})
    assert "\\ud83d" in json.dumps(problem)
    assert parse_request(json.loads(request.model_dump_json())) == request


@pytest.mark.parametrize(
    "key",
    [
        "a b.json",
        " ",
        "a%20b",
        "a+b&c=d?e#f",
        "é/😀.json",
        "'\"(){}[]<>|\\^`~*!",
        "x\ny",
        "/a//b/",
        "k" * 1024,
    ],
)
def test_every_key_that_s3_allows_names_an_object(key: str) -> None:
    reference = parse_request({"problem": {"uri": f"s3://amazon-braket-in/{key}"}}).problem
    assert isinstance(reference, ProblemReference)
    assert (reference.bucket, reference.key) == ("amazon-braket-in", key)


@pytest.mark.parametrize("key", ["k" * 1025, "é" * 513])
def test_a_key_longer_than_s3_allows_is_refused(key: str) -> None:
    with pytest.raises(
        InvalidRequest, match=r"^problem.uri: got .*; allowed: a key of up to 1024 bytes"
    ):
        parse_request({"problem": {"uri": f"s3://bucket/{key}"}})


def test_a_problem_that_stands_in_s3_is_read_like_one_in_the_request() -> None:
    assert parse_problem(TRIANGLE) == parse_request({"problem": TRIANGLE}).problem
    with pytest.raises(InvalidRequest, match=r"problem\.edges: got \[\]"):
        parse_problem({"type": "maxcut", "edges": []})
    with pytest.raises(InvalidRequest, match=r"problem\.uri: .* not another reference"):
        parse_problem({"uri": "s3://bucket/key"})


def test_a_reference_is_not_resolved_before_it_is_read() -> None:
    request = parse_request({"problem": {"uri": "s3://bucket/key"}})
    assert isinstance(request.problem, ProblemReference)
    with pytest.raises(InvalidRequest, match=r"problem\.uri"):
        planned(request)


@pytest.mark.parametrize(
    ("n", "depth", "starts"),
    [(2, 8, 3), (8, 8, 3), (9, 8, 1), (17, 6, 1), (19, 5, 1), (21, 4, 1), (23, 3, 1), (26, 2, 1)],
)
def test_depth_and_starts_follow_the_size(n: int, depth: int, starts: int) -> None:
    found = planned({"problem": {"type": "random", "problem_size": n}})
    resolved, because = found.request, found.reasons.algorithm.words
    settled = resolved.algorithm
    assert isinstance(settled, SettledQaoa)
    assert (settled.depth, settled.deepest, settled.starts) == ("auto", depth, starts)
    assert settled.max_evaluations == 200 * starts + 100 * depth
    assert f"depth grows to at most {depth}" in because


def test_what_was_asked_is_kept() -> None:
    found = planned(FULL)
    resolved, because = found.request, found.reasons.algorithm.words
    asked = parse_request(FULL)
    assert resolved.device == "SV1"  # by its name in the catalogue
    for field in Request.model_fields.keys() - {"algorithm", "device", "mitigation", "limits"}:
        assert getattr(resolved, field) == getattr(asked, field)
    assert resolved.limits.model_dump() == asked.limits.model_dump()
    assert resolved.mitigation.is_none
    assert resolved.algorithm.model_dump() == {
        **parse_request(FULL).algorithm.model_dump(),
        "cvar_alpha": 1.0,
    }
    assert "depth 2 as asked" in because


GARNET = {"problem": TRIANGLE, "device": "garnet"}
ON_DEVICE = GARNET | {"algorithm": {"train_on": "device"}}
NOISE = {"two_qubit": 0.02}
RESERVATION = "arn:aws:braket:us-east-1:123456789012:reservation/r1"


def test_training_on_a_device_is_by_few_evaluations_from_shots() -> None:
    found = planned(ON_DEVICE)
    resolved, because = found.request, found.reasons.algorithm.words
    settled = resolved.algorithm
    assert isinstance(settled, SettledQaoa)
    assert (settled.optimizer, settled.depth, settled.max_evaluations) == ("spsa", 2, 30)
    assert because.endswith("spsa on the device")


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (ON_DEVICE | {"device": "local"}, 'algorithm.train_on: got "device"; allowed: exact on lo'),
        (
            GARNET | {"algorithm": {"train_on": "device", "optimizer": "l-bfgs-b"}},
            'algorithm.optimizer: got "l-bfgs-b"; allowed: spsa, cobyla, nft or auto, where train_',
        ),
        (
            GARNET | {"algorithm": {"train_on": "device", "depth": "auto"}},
            'algorithm.depth: got "auto"; allowed: depth as a number with spsa',
        ),
        (
            GARNET | {"algorithm": {"train_on": "device", "name": "rqaoa"}},
            'algorithm.train_on: got "device"; allowed: nothing here; train_on is a setting of q',
        ),
        (GARNET | {"noise": NOISE}, 'device: got "garnet"; allowed: dm1 or auto, where noise is g'),
        (
            GARNET | {"noise": {"readout": 0.6}},
            "noise.readout: got 0.6; allowed: a number from 0 to 0.5",
        ),
        (
            GARNET | {"mitigation": {"scales": [3, 1]}},
            "mitigation.scales: got [3.0, 1.0]; allowed: 1 first, then increasing",
        ),
        (
            GARNET | {"mitigation": {"zne": "cubic"}},
            'mitigation.zne: got "cubic"; allowed: one of none, linear, richardson, exponential',
        ),
        (GARNET | {"mitigation": "all"}, 'mitigation: got "all"; allowed: none, auto, or an objec'),
        (
            {"problem": TRIANGLE, "reservation_arn": RESERVATION},
            'device: got "auto"; allowed: the QPU that is reserved',
        ),
        (
            {"problem": TRIANGLE, "device": "sv1", "reservation_arn": RESERVATION},
            'device: got "sv1"; allowed: the QPU that is reserved',
        ),
        (
            GARNET | {"reservation_arn": "r1"},
            'reservation_arn: got "r1"; allowed: the ARN of a Braket Direct reservation',
        ),
        (
            GARNET | {"reservation_arn": RESERVATION},
            f'reservation_arn: got "{RESERVATION}"; allowed: a reservation in eu-north-1, where G',
        ),
        (
            GARNET | {"device": ["garnet", "Forte-1"]},
            'device: got ["Garnet", "Forte-1"]; allowed: QPUs of one region; Garnet is in '
            "eu-north-1, Forte-1 is in us-east-1",
        ),
        (
            GARNET | {"device": ["garnet", "sv1"]},
            'device: got ["Garnet", "SV1"]; allowed: a list of QPUs alone, which SV1 is not',
        ),
        (
            GARNET | {"device": ["Garnet", "GARNET"]},
            'device: got ["Garnet", "Garnet"]; allowed: a list that names each device once',
        ),
        (
            GARNET | {"device": ["Garnet", "Garnett"]},
            'device: got "Garnett"; allowed: auto, or the name or ARN of one of',
        ),
        (
            GARNET | {"device": ["Garnet", "Emerald"], "algorithm": {"name": "qaoa"}},
            'device: got ["Garnet", "Emerald"]; allowed: one device with qaoa; several with divide',
        ),
        (
            GARNET | {"device": ["Garnet", "Emerald"], "reservation_arn": RESERVATION},
            'device: got ["Garnet", "Emerald"]; allowed: one device, that which is reserved',
        ),
        (
            GARNET | {"algorithm": {"name": "divide"}, "mitigation": {"readout": True}},
            "mitigation: got methods for an energy; allowed: none or auto in divide, which takes",
        ),
        (GARNET | {"device": []}, "device: got []; allowed: auto, local, sv1, dm1, or a device's"),
        (
            GARNET | {"device": ["Garnet", 5]},
            'device: got ["Garnet", 5]; allowed: auto, local, sv1',
        ),
    ],
)
def test_what_a_device_cannot_do_is_refused_by_name(data: dict[str, Any], said: str) -> None:
    message = refused(data)
    assert message.startswith(said)
    assert SENTENCE.match(message)


def test_a_list_of_one_device_is_the_device() -> None:
    request = GARNET | {"algorithm": {"name": "divide"}}
    assert planned(request | {"device": ["garnet"]}) == planned(request | {"device": "garnet"})


def test_nothing_is_mitigated_where_the_best_shot_counts() -> None:
    for asked in ("none", "auto"):
        request = GARNET | {"algorithm": {"name": "divide"}, "mitigation": asked}
        found = planned(request)
        assert found.request.mitigation.is_none
        assert found.reasons.mitigation is not None
        assert found.reasons.mitigation.why is Why.BEST_SHOT


def test_a_block_is_no_wider_than_the_widest_device() -> None:
    request = GARNET | {"problem": {"type": "random", "problem_size": 30}}
    request |= {"algorithm": {"name": "divide", "block_size": 20}, "device": ["Garnet", "Emerald"]}
    narrow = tuple(Qubit(number=number) for number in range(6))
    assert planned(request, n_qubits=6, qubits=narrow).request.algorithm.block_size == 6
    assert planned(request).request.algorithm.block_size == 20


@pytest.mark.parametrize("device", ["local", "sv1", "dm1"])
def test_mitigation_has_nothing_to_do_on_a_device_without_errors(device: str) -> None:
    data = {"problem": TRIANGLE, "device": device, "mitigation": {"readout": True}}
    with pytest.raises(InvalidRequest, match=r"mitigation: \w+ makes no errors; allowed: none or"):
        planned(data)
    assert planned(data | {"mitigation": "auto"}).request.mitigation.is_none


@pytest.mark.parametrize("data", [GARNET, {"device": "dm1", "noise": NOISE}])
def test_auto_mitigates_all_that_a_noisy_device_does_to_a_field_free_problem(
    data: dict[str, Any],
) -> None:
    request = parse_request({"problem": TRIANGLE, "mitigation": "auto"} | data)
    found = planned(request)
    mitigation, reason = found.request.mitigation, found.reasons.mitigation
    assert mitigation.readout and mitigation.symmetry and mitigation.zne != "none"
    assert reason is not None and reason.why is Why.ERRORS and "readout correction" in reason.words


@pytest.mark.parametrize("more", [{"problem": ISING}, {"algorithm": {"warm_start": "relaxed"}}])
def test_a_symmetry_that_is_not_there_is_not_checked(more: dict[str, Any]) -> None:
    data = GARNET | {"mitigation": "auto"} | more
    assert not planned(data).request.mitigation.symmetry
    with pytest.raises(InvalidRequest, match=r"mitigation\.symmetry: got true; allowed: false: "):
        planned(data | {"mitigation": {"symmetry": True}})


def test_given_angles_set_the_depth_and_without_an_optimiser_are_evaluated_once() -> None:
    algorithm = {"gammas": [0.1, 0.2, 0.3], "betas": [0.3, 0.2, 0.1], "optimizer": "none"}
    resolved = planned({"problem": TRIANGLE, "algorithm": algorithm}).request
    settled = resolved.algorithm
    assert (settled.depth, settled.starts, settled.max_evaluations) == (3, 1, 1)


@pytest.mark.parametrize(("n", "symmetry"), [(16, True), (17, False)])
def test_auto_checks_the_flip_of_all_bits_as_far_as_readouts_are_corrected_with_it(
    n: int, symmetry: bool
) -> None:
    edges = [[i, i + 1] for i in range(n - 1)]
    asked = {"problem": {"type": "maxcut", "edges": edges}, "device": "garnet"}
    settled = planned(asked | {"mitigation": "auto"}).request.mitigation
    assert (settled.readout, settled.symmetry) == (True, symmetry)


def test_readout_and_symmetry_on_too_many_qubits_are_refused() -> None:
    edges = [[i, i + 1] for i in range(16)]
    both = {"readout": True, "symmetry": True}
    asked = {"problem": {"type": "maxcut", "edges": edges}, "device": "garnet", "mitigation": both}
    with pytest.raises(InvalidRequest, match="mitigation: got readout and symmetry on 17 qubits"):
        planned(asked)
