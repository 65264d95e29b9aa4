"""The classical reference against every bitstring, known optima, and its own methods in turn."""

from __future__ import annotations

import importlib
import itertools
import math
import time
from pathlib import Path
from types import SimpleNamespace

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from hybrid_job import classical
from hybrid_job.classical import enumeration, local_search, milp
from hybrid_job.classical.cut_polytope import CutGraph, violated
from hybrid_job.classical.reductions import Reduction
from quantum_pipeline.ising import IsingModel, all_energies, energy_of
from quantum_pipeline.ising.exact import ExactEnergies, Terms
from tests.waiting import PATIENCE_SECONDS

BIQMAC = Path(__file__).parents[3] / "shared" / "data" / "biqmac"
GSET = BIQMAC.with_name("gset")
BEST_CUTS = {"g05_60.0": 536, "g05_60.1": 532, "g05_60.2": 529, "g05_60.3": 538, "g05_60.4": 527}

Real = NDArray[np.float64]
FOREVER = math.inf


def rng_of(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def brute_force(model: IsingModel) -> tuple[float, float]:
    """Return the lowest and the highest energy, of sums over all spins written out."""
    spins = np.array(list(itertools.product((1, -1), repeat=model.n_variables)))
    energies = model.offset + spins @ np.array(model.fields)
    for i, j, value in model.couplings:
        energies += value * spins[:, i] * spins[:, j]
    return float(energies.min()), float(energies.max())


def random_model(n: int, seed: int, density: float = 0.6) -> IsingModel:
    rng = rng_of(seed)
    scale = 10.0 ** rng.integers(-6, 7)
    pairs = [
        (i, j, scale * rng.normal()) for i in range(n) for j in range(i) if rng.random() < density
    ]
    return IsingModel.from_spins((scale * rng.normal(size=n)).tolist(), pairs, rng.normal())


def max_cut(graph: nx.Graph, weight: float = 0.5) -> IsingModel:
    return IsingModel.from_spins([0] * len(graph), [(i, j, weight) for i, j in graph.edges])


def regular(n: int, degree: int, seed: int) -> IsingModel:
    return max_cut(nx.random_regular_graph(degree, n, seed))


def bits(spins: Real) -> str:
    assert set(spins.tolist()) <= {-1.0, 1.0}
    return "".join("0" if spin > 0 else "1" for spin in spins)


@st.composite
def models(draw: st.DrawFn) -> IsingModel:
    """Draw models of few distinct values, so that ties and symmetries are frequent."""
    n = draw(st.integers(1, 9))
    values = draw(
        st.sampled_from(
            [st.sampled_from([-1.0, 0.0, 0.5, 1.0]), st.floats(-3, 3).filter(lambda v: v > 1e-3)]
        )
    )
    fields = draw(st.one_of(st.just([0.0] * n), st.lists(values, min_size=n, max_size=n)))
    pairs = [(i, j) for i in range(n) for j in range(i)]
    couplings = [(i, j, draw(values)) for i, j in pairs if draw(st.booleans())]
    return IsingModel.from_spins(fields, couplings, draw(st.sampled_from([0.0, -7.25])))


@settings(max_examples=60)
@given(models())
def test_any_small_model_is_solved_and_proven_as_brute_force_finds(model: IsingModel) -> None:
    lowest, highest = brute_force(model)
    found = classical.solve(model, seconds=PATIENCE_SECONDS, rng=rng_of())
    assert found.method == "enumeration"
    assert found.proven
    own = energy_of(model, found.bitstring)
    assert found.energy == pytest.approx(own, abs=model.tolerance)
    assert found.energy == pytest.approx(lowest, abs=model.tolerance)
    assert found.worst_energy == pytest.approx(highest, abs=model.tolerance)


@settings(max_examples=60)
@given(models().filter(lambda model: model.scale > 0))
def test_highs_never_calls_proven_what_brute_force_beats(model: IsingModel) -> None:
    lowest, _ = brute_force(model)
    proof = milp.Proof(model)
    proof.bound(FOREVER, rounds=2)
    proof.branch(FOREVER)
    if proof.proven:
        energy = energy_of(model, bits(proof.spins))
        assert energy == pytest.approx(lowest, abs=model.tolerance)
    proof.bound(FOREVER)
    if proof.proven:
        energy = energy_of(model, bits(proof.spins))
        assert energy == pytest.approx(lowest, abs=model.tolerance)


@pytest.mark.parametrize("seed", range(12))
def test_highs_proves_what_enumeration_proves(seed: int) -> None:
    model = random_model(n=6 + seed, seed=seed, density=0.4)
    proof = milp.Proof(model)
    proof.bound(FOREVER)
    proof.branch(FOREVER)
    assert proof.proven
    lowest = model.offset + float(all_energies(model.model_copy(update={"offset": 0.0})).min())
    assert energy_of(model, bits(proof.spins)) == pytest.approx(lowest, abs=model.tolerance)


def test_highs_branches_where_no_cycle_is_violated_any_more(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # Of K_7, two thirds of the 21 edges satisfy all cycles, and the largest cut has 12.
    proof = milp.Proof(max_cut(nx.complete_graph(7), weight=1.0))
    proof.bound(FOREVER)
    proof.branch(FOREVER)
    assert not proof.proven
    monkeypatch.setattr(milp, "BRANCHED_GAP", 2.0)
    proof.branch(FOREVER)
    assert proof.proven
    assert sorted(np.bincount(proof.spins > 0)) == [3, 4]


@pytest.mark.parametrize("seed", range(8))
def test_branching_alone_finds_and_bounds_the_optimum(
    monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    monkeypatch.setattr(milp, "BRANCHED_GAP", math.inf)
    model = random_model(8, seed)
    if seed % 2:
        signs = rng_of(seed).choice([-0.5, 0.5], len(model.couplings))
        couplings = [(i, j, float(s)) for (i, j, _), s in zip(model.couplings, signs, strict=True)]
        model = IsingModel.from_spins([0.0] * 8, couplings, 3.0)
    proof = milp.Proof(model)
    proof.branch(FOREVER)
    lowest, _ = brute_force(model)
    assert energy_of(model, bits(proof.spins)) == pytest.approx(lowest, abs=model.tolerance)
    # HiGHS stops within tolerances of its own, which prove something on a lattice only.
    assert proof.proven == bool(seed % 2)
    assert proof.within is not None
    assert proof.within < 1e-5 * model.scale


def test_a_cycle_inequality_holds_for_every_cut_and_cuts_off_the_point_it_is_of() -> None:
    model = max_cut(nx.complete_graph(6), weight=1.0)
    graph = CutGraph.of(model)
    z = rng_of(3).random(len(graph.weights))
    found = violated(graph, z)
    assert found is not None
    assert (found.rows @ z > found.limits + 1e-4).all()
    for spins in itertools.product((1.0, -1.0), repeat=7):
        each = np.array(spins)
        cut = (each[graph.tails] != each[graph.heads]).astype(float)
        assert (found.rows @ cut <= found.limits + 1e-12).all()


@pytest.mark.parametrize("seed", range(10))
def test_the_step_divides_all_differences_of_energy(seed: int) -> None:
    rng = rng_of(seed)
    graph = nx.gnm_random_graph(6, 9, seed) if seed % 2 else nx.random_regular_graph(4, 6, seed)
    couplings = [(i, j, float(rng.choice([-0.75, 0.75, 2.25]))) for i, j in graph.edges]
    fields = rng.choice([0.0, 1.5], 6).tolist() if seed % 4 < 2 else [0.0] * 6
    model = IsingModel.from_spins(fields, couplings)
    differences = (all_energies(model) - all_energies(model)[0]) / 0.75
    assert np.gcd.reduce(differences.astype(int)) % CutGraph.of(model).step == 0


def test_no_time_for_a_proof_is_no_proof(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(enumeration, "LISTED", 5)
    model = random_model(60, seed=2).model_copy(update={"offset": 11.0})
    found = classical.solve(model, seconds=0.0, rng=rng_of())
    assert not found.proven
    assert found.worst_energy is None
    own = energy_of(model, found.bitstring)
    assert found.energy == pytest.approx(own, abs=model.tolerance)


@pytest.mark.parametrize(
    ("model", "energy"),
    [
        (IsingModel.from_spins([0.0], [], 2.0), 2.0),
        (IsingModel.from_spins([-3.0], []), -3.0),
        (IsingModel.from_spins([0.0] * 4, []), 0.0),
        (IsingModel.from_spins([0.0] * 500, [], -1.5), -1.5),
        (IsingModel.from_spins([1.0] * 500, []), -500.0),
        (IsingModel.from_spins([0.0] * 500, [(3, 499, 1e-200)]), -1e-200),
        (IsingModel.from_spins([0.0, 1e28] + [0.0] * 100, [(0, 1, 2e28)]), -3e28),
    ],
)
def test_degenerate_models_are_proven(model: IsingModel, energy: float) -> None:
    found = classical.solve(model, seconds=PATIENCE_SECONDS, rng=rng_of())
    assert found.proven
    assert found.energy == energy


def test_a_spectrum_that_is_there_gives_both_ends_and_its_time_counts() -> None:
    model = random_model(7, seed=2)
    began = time.monotonic()
    found = classical.solve(
        model,
        spectrum=all_energies(model.model_copy(update={"offset": 0.0})),
        spectrum_seconds=1.5,
        seconds=0.0,
        rng=rng_of(),
    )
    assert 1.5 <= found.seconds <= 1.5 + time.monotonic() - began
    assert found.method == "enumeration"
    assert found.proven
    assert (found.energy, found.worst_energy) == pytest.approx(brute_force(model))


@pytest.mark.parametrize("fields", [True, False])
def test_compiled_enumeration_finds_both_ends_of_the_whole_spectrum(fields: bool) -> None:
    for n in range(11, 20):
        model = random_model(n, seed=n)
        if not fields:
            model = model.model_copy(update={"fields": (0.0,) * n})
        spectrum = all_energies(model)
        found = enumeration.scanned(model, seconds=PATIENCE_SECONDS)
        assert found is not None
        assert spectrum[found.lowest] == pytest.approx(spectrum.min(), abs=model.tolerance)
        assert spectrum[found.highest] == pytest.approx(spectrum.max(), abs=model.tolerance)


def test_compiled_enumeration_joins_its_calls_without_a_gap(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(enumeration, "_CALL", 8)
    # The optimum is one bitstring, wherever it lies: the fields alone decide.
    for seed in range(8):
        sought = rng_of(seed).choice([-1.0, 1.0], size=16)
        model = IsingModel.from_spins((-sought).tolist(), [])
        found = enumeration.scanned(model, seconds=PATIENCE_SECONDS)
        assert found is not None
        assert format(found.lowest, "016b") == bits(sought)
        assert format(found.highest, "016b") == bits(-sought)


def choice(n: int, k: int, penalty: float) -> tuple[IsingModel, ExactEnergies, str]:
    """A choice of the k smallest of n weights near 1e-3, and these."""
    linear = [float(w) + penalty * (1 - 2 * k) for w in rng_of(n).uniform(1e-4, 1e-3, n)]
    pairs = [(i, j, 2 * penalty) for i, j in itertools.combinations(range(n), 2)]
    best = sorted(range(n), key=linear.__getitem__)[:k]
    chosen = "".join("1" if i in best else "0" for i in range(n))
    return IsingModel.from_bits(linear, pairs), ExactEnergies(Terms(linear, pairs)), chosen


@pytest.mark.parametrize("penalty", [1e3, 1e11])
def test_compiled_enumeration_tells_apart_what_its_sums_cannot(
    monkeypatch: pytest.MonkeyPatch, penalty: float
) -> None:
    monkeypatch.setattr(enumeration, "_CALL", 8)
    model, exact, chosen = choice(16, 5, penalty)
    found = enumeration.scanned(model, PATIENCE_SECONDS, exact)
    assert found is not None
    assert found.within is None
    assert not exact.compare(format(found.lowest, "016b"), chosen).order


def test_enumeration_that_cannot_tell_all_apart_in_time_says_how_far_off_it_may_be(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(enumeration, "_CALL", 8)
    model, exact, chosen = choice(16, 5, 1e10)
    looks = itertools.chain([0.0] * 9, itertools.repeat(math.inf))  # enough to scan eight calls
    monkeypatch.setattr(enumeration, "time", SimpleNamespace(monotonic=lambda: next(looks)))
    found = enumeration.scanned(model, PATIENCE_SECONDS, exact)
    assert found is not None
    assert found.within is not None
    gap = exact.compare(format(found.lowest, "016b"), chosen)
    assert 0 <= gap.size <= found.within


def test_enumeration_that_runs_out_of_time_says_nothing() -> None:
    assert enumeration.scanned(regular(26, 3, 1), seconds=-1.0) is None


def test_enumeration_is_for_what_it_can_do_in_the_time() -> None:
    free, fixed = random_model(30, 1), regular(30, 3, 1)
    assert enumeration.seconds_needed(fixed) == enumeration.seconds_needed(free) / 2 < 2
    assert math.isinf(enumeration.seconds_needed(random_model(31, 1)))


def test_twenty_six_variables_are_enumerated_as_highs_proves() -> None:
    model = regular(26, 3, seed=4)
    found = classical.solve(model, seconds=PATIENCE_SECONDS, rng=rng_of())
    proof = milp.Proof(model)
    proof.bound(FOREVER)
    assert found.method == "enumeration"
    assert proof.proven
    assert found.energy == energy_of(model, bits(proof.spins))
    # The smallest cut of a connected graph leaves all on one side.
    assert found.worst_energy == 0.5 * 39


@pytest.mark.parametrize("seed", range(3))
def test_a_sparse_graph_of_a_hundred_nodes_is_proven(seed: int) -> None:
    model = regular(120, 3, seed)
    found = classical.solve(model, seconds=PATIENCE_SECONDS, rng=rng_of())
    assert (found.method, found.proven) == ("HiGHS", True)
    # All on one side: no edge is cut.
    assert found.worst_energy == 0.5 * 180
    annealed = local_search.searches(model)["simulated annealing"](rng_of(1), math.inf)
    assert found.energy == energy_of(model, found.bitstring) == energy_of(model, bits(annealed))


def test_a_kernel_that_is_denser_than_its_model_is_proven_all_the_same() -> None:
    rng = rng_of(1)
    graph = nx.random_regular_graph(4, 200, seed=1)
    model = IsingModel.from_spins(
        rng.normal(size=200).tolist(), [(i, j, rng.normal()) for i, j in graph.edges]
    )
    [kernel] = Reduction(model).kernels
    assert not milp.worth_trying(kernel)
    found = classical.solve(model, seconds=PATIENCE_SECONDS, rng=rng)
    alone = milp.Proof(model)
    alone.bound(FOREVER)
    alone.branch(FOREVER)
    assert (found.method, found.proven, alone.proven) == ("HiGHS after reduction", True, True)
    assert found.energy == pytest.approx(energy_of(model, bits(alone.spins)), abs=model.tolerance)


def test_a_frustrated_planar_grid_is_solved_by_cycles_alone() -> None:
    # Every plaquette of Villain's grid is frustrated: one of its four edges at least is unhappy.
    side = 12

    def at(x: int, y: int) -> int:
        return x * side + y

    couplings = [
        *((at(x, y), at(x, y + 1), -1.0) for x in range(side) for y in range(side - 1)),
        *((at(x, y), at(x + 1, y), (-1.0) ** y) for x in range(side - 1) for y in range(side)),
    ]
    found = classical.solve(
        IsingModel.from_spins([0.0] * side**2, couplings), seconds=PATIENCE_SECONDS, rng=rng_of()
    )
    # Of 121 plaquettes, dimers pair 120 off inside, the last pays alone at the edge: 61 unhappy.
    assert found.proven
    assert found.energy == -len(couplings) + 2 * 61


def test_a_long_chain_is_proven() -> None:
    rng = rng_of(8)
    weights = rng.normal(size=999)
    model = IsingModel.from_spins([0.0] * 1000, [(i, i + 1, w) for i, w in enumerate(weights)])
    found = classical.solve(model, seconds=PATIENCE_SECONDS, rng=rng)
    assert found.proven
    assert found.energy == pytest.approx(-abs(weights).sum(), abs=model.tolerance)


@pytest.mark.parametrize("name", BEST_CUTS)
def test_dense_graphs_of_the_library_reach_their_proven_cut(name: str) -> None:
    path = BIQMAC / f"{name}.mc"
    if not path.exists():
        pytest.skip(f"{path} is not there: the Biq Mac instances are not part of the repository")
    rows = np.loadtxt(path, skiprows=1)
    edges = [(int(i) - 1, int(j) - 1, w) for i, j, w in rows]
    model = IsingModel.from_spins(
        [0] * 60, [(i, j, w / 2) for i, j, w in edges], -sum(w for _, _, w in edges) / 2
    )

    found = classical.solve(model, seconds=PATIENCE_SECONDS, rng=rng_of())

    cut = sum(w for i, j, w in edges if found.bitstring[i] != found.bitstring[j])
    assert -found.energy == cut == BEST_CUTS[name]
    assert (found.method, found.proven) == ("simulated annealing", False)


@pytest.mark.parametrize("compiled_from", [1, 100])
@pytest.mark.parametrize("seed", range(6))
def test_each_search_finds_what_enumeration_proves(
    monkeypatch: pytest.MonkeyPatch, seed: int, compiled_from: int
) -> None:
    monkeypatch.setattr(local_search, "COMPILED_FROM", compiled_from)
    model = random_model(n=6 + seed, seed=seed)
    lowest = float(all_energies(model).min())
    searches = local_search.searches(model)
    assert list(searches) == ["simulated annealing", "tabu search"][: 1 + (compiled_from == 1)]
    for search in searches.values():
        found = energy_of(model, bits(search(rng_of(seed), math.inf)))
        assert found == pytest.approx(lowest, abs=model.tolerance)


def test_tabu_climbs_out_of_a_valley_that_descent_ends_in() -> None:
    # A ferromagnetic ring, all up, in a weak field downwards: every flip costs energy at first.
    kernels = importlib.import_module("hybrid_job.classical.kernels")
    n = 20
    starts, spins, best = np.arange(0, 2 * n + 1, 2), np.ones(n), np.ones(n)
    neighbours = np.array([j % n for i in range(n) for j in (i - 1, i + 1)])
    local = np.full(n, 0.1 - 2.0)
    kernels.tabu(starts, neighbours, np.full(2 * n, -1.0), local, spins, best, 200, np.uint64(9))
    assert (best == -1).all()


@pytest.mark.parametrize(("name", "best"), [("G11", 564), ("G14", 3064)])
def test_graphs_of_the_gset_come_within_three_thousandths(name: str, best: int) -> None:
    path = GSET / f"{name}.mc"
    if not path.exists():
        pytest.skip(f"{path} is not there: the Gset is not part of the repository")
    rows = np.loadtxt(path, skiprows=1)
    weights = [(int(i) - 1, int(j) - 1, w / 2) for i, j, w in rows]
    model = IsingModel.from_spins(
        [0] * int(rows[:, :2].max()), weights, -float(rows[:, 2].sum()) / 2
    )
    search = local_search.searches(model)["simulated annealing"]
    spins = search(rng_of(), FOREVER)
    cut = sum(w for i, j, w in rows if spins[int(i) - 1] != spins[int(j) - 1])
    assert -energy_of(model, bits(spins)) == cut
    assert 0.997 * best <= cut <= best


def test_solutions_joined_are_rid_of_the_walls_that_one_of_them_has() -> None:
    # An Ising magnet on a torus: stripes of two kinds, each with two walls that no flip can move.
    side = 12
    graph = nx.convert_node_labels_to_integers(nx.grid_2d_graph(side, side, periodic=True))
    neighbours = local_search._Neighbours.of(max_cut(graph, weight=-1.0))
    x, y = np.divmod(np.arange(side * side), side)
    rows, columns = np.where(x < 5, 1.0, -1.0), np.where(y < 7, 1.0, -1.0)
    joined = neighbours.recombined([rows, columns], rng_of(), FOREVER)
    assert abs(joined.sum()) == side * side


def test_a_seed_gives_one_answer() -> None:
    for n in (60, 90):
        model = random_model(n, seed=1)
        first, second, other = (
            classical.solve(model, seconds=PATIENCE_SECONDS, rng=rng_of(seed)) for seed in (5, 5, 6)
        )
        assert first.bitstring == second.bitstring
        assert first.method == second.method
        assert first.energy == pytest.approx(other.energy, rel=0.01)


def test_the_better_search_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    model = random_model(40, seed=3, density=1.0)
    poor, good = (
        np.ones(40),
        local_search.searches(model)["simulated annealing"](rng_of(), math.inf),
    )
    monkeypatch.setattr(
        local_search,
        "searches",
        lambda _: {"simulated annealing": lambda *_: poor, "tabu search": lambda *_: good},
    )
    found = classical.solve(model, seconds=PATIENCE_SECONDS, rng=rng_of())
    assert (found.method, found.bitstring) == ("tabu search", bits(good))


def test_thousands_of_sparse_variables_are_searched_in_the_time_given() -> None:
    model = regular(3000, 3, seed=1)
    found = classical.solve(model, seconds=1.0, rng=rng_of())
    # Large random cubic graphs: about 0.924 of the edges can be cut.
    assert found.energy < 4500 * 0.5 * (1 - 2 * 0.9)
    assert found.energy == energy_of(model, found.bitstring)
