"""Fixed angles: the tree against real graphs without short cycles, and what is stored."""

from __future__ import annotations

import json
import math
from typing import Any

import networkx as nx
import numpy as np
import pytest

from hybrid_job.optimising.angles import Real
from quantum_pipeline.ising import IsingModel, all_energies
from quantum_pipeline.ising.statevector import Qaoa
from scripts.fixed_angles import FILE, PUBLISHED, best_angles, check, cut_fraction

ENTRIES: list[dict[str, Any]] = json.loads(FILE.read_text("utf-8"))


def stored(degree: int, depth: int) -> tuple[float, Real]:
    (entry,) = (e for e in ENTRIES if (e["degree"], e["depth"]) == (degree, depth))
    return entry["cut_fraction"], np.array([entry["gammas"], entry["betas"]])


@pytest.mark.parametrize(
    ("graph", "degree", "girth"),
    [
        (nx.cycle_graph(9), 2, 9),
        (nx.petersen_graph(), 3, 5),
        (nx.heawood_graph(), 3, 6),
        (nx.hypercube_graph(4), 4, 4),
    ],
    ids=["ring", "Petersen", "Heawood", "hypercube"],
)
def test_tree_gives_the_exact_cut_of_a_graph_whose_cycles_are_longer_than_2p_plus_1(
    graph: nx.Graph, degree: int, girth: int
) -> None:
    graph = nx.convert_node_labels_to_integers(graph)
    model = IsingModel.from_spins([0.0] * len(graph), [(i, j, 1.0) for i, j in graph.edges])
    qaoa, edges = Qaoa(all_energies(model)), graph.number_of_edges()
    for depth in range(1, (girth - 2) // 2 + 1):
        angles = np.random.default_rng(depth).normal(size=(2, depth))
        expected = (1 - qaoa.energy(angles) / edges) / 2
        assert cut_fraction(degree, angles)[0] == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize(("degree", "depth"), [(2, 1), (3, 3), (5, 2)])
def test_gradient_is_that_of_the_cut_fraction(degree: int, depth: int) -> None:
    angles = np.random.default_rng(3).normal(size=(2, depth))
    _, gradient = cut_fraction(degree, angles)
    for index in np.ndindex(angles.shape):
        step = np.zeros_like(angles)
        step[index] = 1e-5
        ahead, behind = (cut_fraction(degree, angles + s)[0] for s in (step, -step))
        assert gradient[index] == pytest.approx((ahead - behind) / 2e-5, abs=1e-9)


@pytest.mark.parametrize("depth", [1, 2, 3])
def test_depths_one_to_three_of_cubic_graphs_are_derived_anew(depth: int) -> None:
    ramp = np.array([[0.4], [0.6]]) * [np.arange(depth) + 1, np.arange(depth) - depth] / depth
    fraction, angles = best_angles(3, ramp)
    assert fraction == pytest.approx(PUBLISHED[depth], abs=1e-4)
    assert stored(3, depth)[0] == pytest.approx(fraction, abs=1e-8)
    np.testing.assert_allclose(stored(3, depth)[1], angles, atol=1e-4)


def test_what_is_stored_is_best_and_agrees_with_publications(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert check([entry for entry in ENTRIES if entry["depth"] <= 6]) == 0
    assert len(capsys.readouterr().out.splitlines()) == 1 + 7 * 6
    deep = {depth: stored(3, depth)[0] for depth in PUBLISHED}
    assert deep == pytest.approx(PUBLISHED, abs=1e-3)


def test_stored_value_that_is_not_the_best_is_reported(capsys: pytest.CaptureFixture[str]) -> None:
    (entry,) = (e for e in ENTRIES if (e["degree"], e["depth"]) == (3, 2))
    assert check([entry | {"cut_fraction": 0.7569}]) == 1
    assert check([entry | {"gammas": [0.3, 0.3]}]) == 1
    assert capsys.readouterr().out.count("WRONG") == 2


@pytest.mark.parametrize("degree", [2, 3, 4, 5, 6, 7, 8])
def test_one_layer_has_the_closed_form(degree: int) -> None:
    fraction, angles = stored(degree, 1)
    others = degree - 1
    assert fraction == pytest.approx(
        0.5 + 0.5 * degree**-0.5 * (others / degree) ** (others / 2), abs=1e-9
    )
    assert angles[0, 0] == pytest.approx(math.atan(others**-0.5) / 2, abs=1e-6)
    assert angles[1, 0] == pytest.approx(-math.pi / 8, abs=1e-6)
