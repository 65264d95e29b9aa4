"""Exact reductions and bucket elimination against brute force, closed forms, and a second method.

Models are drawn of few distinct values, so that ties, cancelling sums and zeros are frequent.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from fractions import Fraction

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from hybrid_job import classical
from hybrid_job.classical import elimination
from hybrid_job.classical.elimination import eliminated
from hybrid_job.classical.reductions import Reduction
from quantum_pipeline.ising import IsingModel, all_energies, energy_of
from quantum_pipeline.ising.exact import ExactEnergies
from quantum_pipeline.results import ClassicalSolution

Real = NDArray[np.float64]


def bits(spins: Real) -> str:
    assert set(spins.tolist()) <= {-1.0, 1.0}
    return "".join("0" if spin > 0 else "1" for spin in spins)


def lowest(model: IsingModel) -> Real:
    """Return the spins of lowest energy, found by listing all."""
    number, n = int(all_energies(model).argmin()), model.n_variables
    return np.array([1.0 - 2.0 * (number >> (n - 1 - i) & 1) for i in range(n)])


def solve(model: IsingModel, seconds: float = 20.0) -> ClassicalSolution:
    return classical.solve(model, seconds=seconds, rng=np.random.default_rng(0))


def model_of(
    graph: nx.Graph, weight: Callable[[], float], field: Callable[[], float] = lambda: 0.0
) -> IsingModel:
    graph = nx.convert_node_labels_to_integers(graph)
    couplings = [(i, j, float(weight())) for i, j in graph.edges]
    return IsingModel.from_spins([float(field()) for _ in graph], couplings)


def max_cut(graph: nx.Graph) -> IsingModel:
    return model_of(graph, lambda: 0.5)


def cut(model: IsingModel, found: ClassicalSolution) -> int:
    return sum(found.bitstring[i] != found.bitstring[j] for i, j, _ in model.couplings)


@st.composite
def sparse_models(draw: st.DrawFn) -> IsingModel:
    n = draw(st.integers(2, 10))
    values = st.sampled_from([-2.0, -1.0, 0.1, 0.2, 0.3, 1.0, 1.0])
    pairs = [(i, j) for i in range(n) for j in range(i)]
    chosen = draw(st.lists(st.sampled_from(pairs), min_size=1, max_size=2 * n, unique=True))
    with_fields = draw(st.sampled_from([0, 1, n]))
    fields = [draw(values) if i < with_fields else 0.0 for i in range(n)]
    return IsingModel.from_spins(fields, [(i, j, draw(values)) for i, j in chosen])


@settings(max_examples=150)
@given(sparse_models())
def test_kernels_solved_apart_give_the_optimum_of_the_whole(model: IsingModel) -> None:
    reduction = Reduction(model)
    spins = reduction.spins([lowest(kernel) for kernel in reduction.kernels])
    energy = energy_of(model, bits(spins))
    assert energy == pytest.approx(all_energies(model).min(), abs=1e-12)


@settings(max_examples=60)
@given(sparse_models())
def test_bucket_elimination_finds_the_lowest_energy(model: IsingModel) -> None:
    spins = eliminated(model)
    assert spins is not None
    energy = energy_of(model, bits(spins))
    assert energy == pytest.approx(all_energies(model).min(), abs=1e-12)


@pytest.mark.parametrize("n", [2100, 4095])
def test_a_ring_is_cut_whole_or_but_for_one_edge(n: int) -> None:
    model = max_cut(nx.cycle_graph(n))
    found = solve(model)
    assert cut(model, found) == n - n % 2
    assert (found.method, found.proven) == ("exact reduction", True)
    # The smallest cut leaves all on one side.
    assert found.worst_energy == n / 2


def lowest_of_tree(tree: nx.Graph, model: IsingModel) -> float:
    """Return the lowest energy by dynamic programming from the leaves, in rational numbers."""
    weight = {(i, j): Fraction(w) for i, j, w in model.couplings}
    best = [{s: s * Fraction(h) for s in (1, -1)} for h in model.fields]
    for parent, child in reversed(list(nx.bfs_edges(tree, 0))):
        coupling = weight.get((min(parent, child), max(parent, child)), Fraction(0))
        for s in (1, -1):
            best[parent][s] += min(coupling * s * t + best[child][t] for t in (1, -1))
    return float(min(best[0].values()))


@pytest.mark.parametrize("seed", range(4))
def test_a_tree_with_weights_and_fields_is_solved_as_by_dynamic_programming(seed: int) -> None:
    rng = np.random.default_rng(seed)
    tree = nx.random_labeled_tree(1500, seed=seed)
    draw = rng.normal if seed % 2 else lambda: 10.0 ** rng.integers(-3, 7) * rng.choice([-1, 1])
    model = model_of(tree, draw, draw)
    found = solve(model)
    assert found.method == "exact reduction"
    assert found.proven
    assert found.energy == pytest.approx(lowest_of_tree(tree, model), rel=1e-14)
    negated = IsingModel.from_spins(
        [-h for h in model.fields], [(i, j, -w) for i, j, w in model.couplings]
    )
    assert found.worst_energy == pytest.approx(-lowest_of_tree(tree, negated), rel=1e-14)


def cactus(cycles: int, rng: np.random.Generator) -> nx.Graph:
    """Return cycles of 3 to 7 vertices, each hung on a vertex of those before."""
    graph = nx.cycle_graph(3)
    for _ in range(cycles):
        n, length = len(graph), int(rng.integers(3, 8))
        new = [int(rng.integers(n)), *range(n, n + length - 1)]
        nx.add_cycle(graph, new)
    return graph


@pytest.mark.parametrize("seed", range(3))
def test_a_cactus_is_cut_but_for_one_edge_of_every_odd_cycle(seed: int) -> None:
    graph = cactus(300, np.random.default_rng(seed))
    model, odd = max_cut(graph), sum(len(c) % 2 for c in nx.cycle_basis(graph))
    found = solve(model)
    assert cut(model, found) == graph.number_of_edges() - odd
    assert (found.method, found.proven) == ("exact reduction", True)


@pytest.mark.parametrize(
    "graph",
    [
        nx.grid_2d_graph(40, 40),
        nx.grid_2d_graph(32, 32, periodic=True),
        nx.hypercube_graph(10),
        nx.complete_bipartite_graph(60, 70),
        nx.disjoint_union_all([nx.grid_2d_graph(9, 9)] * 30),
    ],
    ids=["grid", "torus", "hypercube", "complete", "union"],
)
def test_a_bipartite_graph_is_cut_whole(graph: nx.Graph) -> None:
    model = max_cut(graph)
    found = solve(model)
    assert cut(model, found) == graph.number_of_edges()
    assert (found.method, found.proven) == ("exact reduction", True)


@pytest.mark.parametrize("fields", [False, True])
@pytest.mark.parametrize("seed", range(2))
def test_planted_spins_that_satisfy_everything_are_found(seed: int, fields: bool) -> None:
    rng = np.random.default_rng(seed)
    graph = nx.random_regular_graph(6, 1200, seed)
    planted = rng.choice([-1.0, 1.0], len(graph))
    couplings = [(i, j, -planted[i] * planted[j] * rng.uniform(0.1, 3)) for i, j in graph.edges]
    pushed = -planted * rng.uniform(0.1, 3, len(graph)) * (rng.random(len(graph)) < 0.1) * fields
    model = IsingModel.from_spins(pushed.tolist(), couplings, 7.0)
    found = solve(model)
    assert (found.method, found.proven) == ("exact reduction", True)
    assert found.energy == pytest.approx(7.0 - model.scale, abs=model.tolerance)


def test_two_fields_against_each_other_end_the_balance() -> None:
    # Neighbours want to be opposite, their fields want both up: one of the fields gives in.
    model = max_cut(nx.grid_2d_graph(8, 8))
    against = model.model_copy(update={"fields": (-0.25, -0.25, *[0.0] * 62)})
    found = solve(against)
    assert found.proven
    assert found.energy == -0.5 * len(model.couplings)


def test_a_union_of_kernels_is_solved_part_by_part() -> None:
    # Of the Petersen graph 12 of 15 edges can be cut, of K_5 6 of 10, of a ring of 5 all but one.
    parts = [nx.petersen_graph()] * 100 + [nx.complete_graph(5)] * 200 + [nx.cycle_graph(5)] * 50
    model = max_cut(nx.disjoint_union_all(parts))
    found = solve(model)
    assert cut(model, found) == 1200 + 1200 + 200
    assert (found.method, found.proven) == ("exact reduction", True)


def test_kernels_that_share_a_spin_agree_on_it() -> None:
    chain = nx.petersen_graph()
    for k in range(1, 60):
        chain = nx.union(chain, nx.relabel_nodes(nx.petersen_graph(), lambda v, k=k: v + 10 * k))
        chain = nx.contracted_nodes(chain, 10 * k - 4, 10 * k, self_loops=False)
    model = max_cut(chain)
    found = solve(model)
    assert cut(model, found) == 60 * 12
    assert found.proven


@pytest.mark.parametrize(
    ("graph", "uncut"),
    [(nx.circular_ladder_graph(1201), 2), (nx.circulant_graph(2047, [1, 2]), 1024)],
    ids=["ladder", "triangles"],
)
def test_long_and_narrow_graphs_are_proven(graph: nx.Graph, uncut: int) -> None:
    # Both rims of the odd ladder lose an edge; of the 2047 triangles each does, two share it.
    model = max_cut(graph)
    found = solve(model)
    assert found.method == "exact reduction"
    assert found.proven
    assert len(model.couplings) - cut(model, found) == uncut


def test_what_the_reduction_leaves_is_named_with_it() -> None:
    dense, tail = nx.gnp_random_graph(26, 0.9, seed=3), nx.path_graph(10)
    found = solve(max_cut(nx.disjoint_union(dense, tail)))
    assert (found.method, found.proven) == ("enumeration after reduction", True)
    cubic = nx.disjoint_union(nx.random_regular_graph(3, 150, seed=1), tail)
    found = solve(max_cut(cubic))
    assert (found.method, found.proven) == ("HiGHS after reduction", True)
    hard = nx.disjoint_union(nx.gnp_random_graph(70, 0.5, seed=1), tail)
    found = solve(max_cut(hard))
    assert (found.method, found.proven) == ("simulated annealing after reduction", False)


@pytest.mark.parametrize("signs", list(itertools.product((1, -1), repeat=5)))
def test_no_digit_is_lost_where_weights_differ_by_eighteen_digits(signs: Sequence[int]) -> None:
    # Of three ways from 0 to 1 two cancel, and the third, which floating point drops, decides.
    ways = [(0, 1, 1e9), (0, 2, 2e9), (1, 2, 1e-9), (0, 3, 2e9), (1, 3, 1e9)]
    couplings = [(i, j, sign * w) for (i, j, w), sign in zip(ways, signs, strict=True)]
    reduction = Reduction(IsingModel.from_spins([0.0] * 4, couplings))

    def energy(spins: Sequence[float]) -> Fraction:
        return sum((Fraction(w) * int(spins[i] * spins[j]) for i, j, w in couplings), Fraction(0))

    assert reduction.kernels == []
    every = itertools.product((1, -1), repeat=4)
    assert energy(reduction.spins([]).tolist()) == min(map(energy, every))


def test_too_wide_a_graph_is_not_eliminated(monkeypatch: pytest.MonkeyPatch) -> None:
    model = max_cut(nx.complete_graph(10))
    assert eliminated(model) is not None
    monkeypatch.setattr(elimination, "WIDEST", 8)
    assert eliminated(model) is None
    monkeypatch.setattr(elimination, "WIDEST", 20)
    assert eliminated(model, most_entries=500) is None


@pytest.mark.parametrize("seed", range(6))
def test_elimination_tells_apart_what_sums_of_floats_cannot(seed: int) -> None:
    # Every bitstring of half the spins up is as low, but for weights in the last digits.
    rng, n = np.random.default_rng(seed), 8
    small = rng.permutation(n * (n - 1) // 2) * 2.0**-52
    pairs = itertools.combinations(range(n), 2)
    couplings = [(i, j, 1.0 + float(w)) for (i, j), w in zip(pairs, small, strict=True)]
    model = IsingModel.from_spins([2.0**-53] * n, couplings)
    spins = eliminated(model)
    assert spins is not None
    every = ["".join(each) for each in itertools.product("01", repeat=n)]
    exact = ExactEnergies.of(model)
    found = "".join("0" if spin > 0 else "1" for spin in spins)
    assert not exact.compare(found, every[exact.best(every)]).order
