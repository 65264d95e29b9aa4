"""The problem types: their objectives against their Ising models, dimod, networkx and numpy."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable
from typing import Any

import dimod
import networkx as nx
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter

from quantum_pipeline.ising import all_energies
from quantum_pipeline.problems import FORM_TYPES, PROBLEM_TYPES, AnyProblem, MaxCut, Random
from quantum_pipeline.problems.base import MIN_MAGNITUDE

numbers = st.floats(-1000, 1000).map(lambda x: x if abs(x) >= MIN_MAGNITUDE else 0.0)
sizes = st.integers(1, 5)
BINARY_TYPES = [
    type_ for type_ in PROBLEM_TYPES if type_ not in ("chemistry", "classification", *FORM_TYPES)
]
read: Callable[[Any], Any] = TypeAdapter(AnyProblem).validate_python


def terms(n: int, *, diagonal: bool, unique: bool = False) -> st.SearchStrategy[list[list[Any]]]:
    pairs = [(i, j) for i in range(n) for j in range(n) if diagonal or i != j]
    if not pairs:
        return st.just([])
    return st.lists(
        st.tuples(st.sampled_from(pairs), numbers).map(lambda each: [*each[0], each[1]]),
        max_size=10,
        unique_by=(lambda term: frozenset(term[:2])) if unique else None,
    )


def vectors(n: int) -> st.SearchStrategy[list[float]]:
    return st.lists(numbers, min_size=n, max_size=n)


def squares(n: int) -> st.SearchStrategy[list[list[float]]]:
    return st.lists(vectors(n), min_size=n, max_size=n)


def dimod_model(n: int) -> st.SearchStrategy[dict[str, Any]]:
    def build(linear: list[float], quadratic: list[list[Any]], offset: float, kind: str) -> Any:
        names = [("row", i) if i % 2 else f"v{i}" for i in range(n)]
        model = dimod.BinaryQuadraticModel(dict(zip(names, linear, strict=True)), {}, offset, kind)
        for i, j, value in quadratic:
            model.add_quadratic(names[i], names[j], value)
        return {"type": "bqm", "bqm": json.loads(json.dumps(model.to_serializable()))}

    kinds = st.sampled_from(["SPIN", "BINARY"])
    return st.builds(build, vectors(n), terms(n, diagonal=False), numbers, kinds)


def some(type_: str, n: int) -> st.SearchStrategy[dict[str, Any]]:
    fixed: dict[str, Any] = {"type": st.just(type_)}
    match type_:
        case "maxcut":
            edges = terms(n + 1, diagonal=False, unique=True).filter(bool)
            return st.fixed_dictionaries({**fixed, "edges": edges, "n_nodes": st.just(n + 1)})
        case "qubo":
            listed = {"linear": vectors(n), "quadratic": terms(n, diagonal=True)}
            return st.one_of(
                st.fixed_dictionaries({**fixed, **listed}),
                st.fixed_dictionaries({**fixed, "matrix": squares(n)}),
            )
        case "ising":
            couplings = terms(n, diagonal=False)
            return st.fixed_dictionaries(
                {**fixed, "fields": vectors(n), "couplings": couplings, "offset": numbers}
            )
        case "bqm":
            return dimod_model(n)
        case "optimization":
            return st.fixed_dictionaries(
                {**fixed, "linear_coefficients": vectors(n), "quadratic_matrix": squares(n)}
            )
        case "random":
            seeds = st.integers(0, 2**32 - 1)
            return st.fixed_dictionaries({**fixed, "problem_size": st.just(n + 1), "seed": seeds})
    raise AssertionError(type_)


@pytest.mark.parametrize("type_", BINARY_TYPES)
@given(data=st.data(), n=sizes)
def test_objective_and_ising_energy_agree_at_every_assignment(
    type_: str, data: st.DataObject, n: int
) -> None:
    problem = read(data.draw(some(type_, n)))
    model = problem.ising
    assert model.n_variables == problem.n_variables == len(problem.labels)
    energy = all_energies(model)
    for k, bits in enumerate(itertools.product((0, 1), repeat=problem.n_variables)):
        from_energy = problem.objective_of_energy(float(energy[k]))
        assert problem.objective(bits) == pytest.approx(from_energy, abs=model.tolerance)


@pytest.mark.parametrize("type_", BINARY_TYPES)
@given(data=st.data(), n=sizes)
def test_a_problem_survives_json(type_: str, data: st.DataObject, n: int) -> None:
    problem = read(data.draw(some(type_, n)))
    again = read(json.loads(problem.model_dump_json()))
    assert again == problem


@given(st.data(), sizes, st.sampled_from(["edges", "links"]))
def test_a_networkx_graph_has_the_cuts_that_networkx_computes(
    data: st.DataObject, n: int, spelling: str
) -> None:
    graph = nx.Graph()
    graph.add_nodes_from(f"node {i}" for i in range(n + 1))
    for i, j, w in data.draw(terms(n + 1, diagonal=False, unique=True).filter(bool)):
        graph.add_edge(f"node {i}", f"node {j}", weight=w, colour="red")
    written = json.loads(json.dumps(nx.node_link_data(graph, edges=spelling)))
    problem = read({"type": "maxcut", "graph": written})
    assert list(problem.labels) == list(graph)
    for bits in itertools.product((0, 1), repeat=n + 1):
        side = {label for label, bit in zip(problem.labels, bits, strict=True) if bit}
        cut = nx.cut_size(graph, side, set(graph) - side, weight="weight")
        assert problem.objective(bits) == pytest.approx(cut, abs=1e-9)


def test_a_graph_without_weights_has_weight_one_on_each_edge() -> None:
    written = nx.node_link_data(nx.petersen_graph(), edges="edges")
    problem = read({"type": "maxcut", "graph": written})
    assert isinstance(problem, MaxCut)
    assert {w for _, _, w in problem.edges} == {1.0}
    assert -all_energies(problem.ising).min() == 12


@given(st.data(), sizes)
def test_a_dimod_model_has_the_energies_that_dimod_computes(data: st.DataObject, n: int) -> None:
    written = data.draw(dimod_model(n))
    problem, model = read(written), dimod.BinaryQuadraticModel.from_serializable(written["bqm"])
    assert list(problem.labels) == [v if isinstance(v, str) else str(v) for v in model.variables]
    for bits in itertools.product((0, 1), repeat=n):
        values = [1 - 2 * x for x in bits] if model.vartype is dimod.SPIN else bits
        sample = dict(zip(model.variables, values, strict=True))
        assert problem.objective(bits) == pytest.approx(model.energy(sample), abs=1e-8)


@pytest.mark.parametrize(("size", "seed"), [(2, 0), (5, 42), (9, 2**32 - 1)])
def test_a_random_problem_is_what_the_written_out_generator_draws(size: int, seed: int) -> None:
    np.random.seed(seed)
    linear = np.random.uniform(-2, 2, size)
    matrix = np.random.uniform(-1, 1, (size, size))
    matrix = (matrix + matrix.T) / 2
    drawn = Random(problem_size=size, seed=seed).drawn()
    assert drawn.linear_coefficients == tuple(linear)
    assert np.array(drawn.quadratic_matrix) == pytest.approx(matrix, abs=0)


def test_random_without_a_seed_is_seed_42() -> None:
    assert read({"type": "random", "problem_size": 3}).ising == (
        Random(problem_size=3, seed=42).ising
    )


def test_a_maxcut_without_n_nodes_ends_at_its_largest_node() -> None:
    problem = read({"type": "maxcut", "edges": [[0, 4], [1, 2]]})
    assert problem.n_variables == 5
    assert problem.objective([1, 0, 1, 0, 0]) == 2


def test_a_maxcut_is_maximised_and_all_else_minimised() -> None:
    assert MaxCut(edges=((0, 1, 2.0),)).objective_of_energy(-2.0) == 2.0
    assert Random(problem_size=2).objective_of_energy(-2.0) == -2.0


def test_repeated_pairs_of_a_qubo_add_up_either_way_round() -> None:
    twice = {"type": "qubo", "linear": [0.0, 0.0], "quadratic": [[0, 1, 2.0], [1, 0, 3.0]]}
    assert read(twice).objective([1, 1]) == 5.0
    assert read(twice).ising == read({**twice, "quadratic": [[0, 1, 5.0]]}).ising


def test_a_diagonal_term_of_a_qubo_is_linear() -> None:
    diagonal = {"type": "qubo", "linear": [0.0], "quadratic": [[0, 0, 3.0]]}
    assert read(diagonal).ising == read({"type": "qubo", "linear": [3.0]}).ising
