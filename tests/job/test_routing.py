"""Where a cost layer's variables start, how they are brought together, and what that takes."""

from __future__ import annotations

from itertools import combinations

import networkx as nx
import pytest

from hybrid_job.on_device.compilation.chip import Chip, chip_of
from hybrid_job.on_device.compilation.placing import placements
from hybrid_job.on_device.compilation.plans import best_layer
from hybrid_job.on_device.compilation.routing import line_network, swaps_of
from hybrid_job.on_device.compilation.schedule import Layer, gates_of, scheduled
from tests.job.devices_by_hand import device, lattice, line

Pairs = list[tuple[int, int]]


def chip(rows: int, columns: int, *, alike: bool = False) -> Chip:
    return chip_of(device(rows * columns, lattice(rows, columns), alike=alike))


def gates(layer: Layer, on: Chip, *, first: bool) -> int:
    return sum(gates_of(step, on, first=first, tilted=False) for step in layer.steps)


def replayed(layer: Layer, on: Chip) -> Pairs:
    """Return the pairs whose ZZ a layer applies, checking that variables are where steps say."""
    held = {site: variable for variable, site in enumerate(layer.start)}
    met = []
    for step in layer.steps:
        assert (held.get(step.a, -1), held.get(step.b, -1)) == (step.i, step.j)
        assert on.distances[step.a][step.b] == 1
        if step.coupled:
            met.append((min(step.i, step.j), max(step.i, step.j)))
        if step.swaps:
            held[step.a], held[step.b] = step.j, step.i
    assert {v: site for site, v in held.items() if v >= 0} == dict(enumerate(layer.end))
    return sorted(met)


@pytest.mark.usefixtures("few_tries")
@pytest.mark.parametrize("seed", range(6))
def test_every_pair_meets_once_and_on_a_coupler(seed: int) -> None:
    on = chip(4, 5)
    pairs = sorted(tuple(sorted(edge)) for edge in nx.gnp_random_graph(9, 0.6, seed=seed).edges)

    layer = best_layer(on, 9, pairs, seed, tilted=False)

    assert replayed(layer, on) == pairs


@pytest.mark.parametrize(
    "graph",
    [nx.cycle_graph(8), nx.grid_2d_graph(3, 3), nx.balanced_tree(3, 1), nx.ladder_graph(5)],
    ids=["ring", "lattice", "star", "ladder"],
)
def test_a_graph_that_fits_the_lattice_needs_no_swap(graph: nx.Graph) -> None:
    pairs = list(nx.convert_node_labels_to_integers(graph).edges)
    on = chip(4, 5, alike=True)

    layer = best_layer(on, len(graph), pairs, 1, tilted=False)

    assert gates(layer, on, first=False) == 2 * len(pairs)
    assert gates(layer, on, first=True) == 2 * len(pairs) - (len(graph) - 1)


def test_a_triangle_on_a_line_takes_one_swap_that_carries_its_zz() -> None:
    on = chip_of(device(3, line(3)))

    layer = best_layer(on, 3, [(0, 1), (0, 2), (1, 2)], 1, tilted=False)

    assert gates(layer, on, first=False) == 2 + 3 + 2


def test_swaps_of_neighbours_in_turn_let_all_of_a_line_meet() -> None:
    n = 7
    on = chip_of(device(n, line(n)))
    pairs = list(combinations(range(n), 2))

    layer = scheduled(on, tuple(range(n)), pairs, line_network(range(n)))

    assert replayed(layer, on) == pairs
    assert gates(layer, on, first=False) <= 3 * n * (n - 1) // 2


def test_a_pair_far_apart_is_carried_together_over_unused_qubits() -> None:
    on = chip_of(device(6, line(6)))

    swaps, _ = swaps_of(on, (0, 5), [(0, 1)], 4)
    layer = scheduled(on, (0, 5), [(0, 1)], swaps)

    assert len(swaps) == 4
    assert replayed(layer, on) == [(0, 1)]
    assert gates(layer, on, first=True) == 1


def test_pairs_that_never_meet_are_refused() -> None:
    with pytest.raises(ValueError, match="never meet"):
        scheduled(chip_of(device(3, line(3))), (0, 2), [(0, 1)], ())


def test_annealing_ends_near_the_best_placement_of_all() -> None:
    on = chip_of(device(6, lattice(2, 3)))
    pairs = list(nx.cycle_graph(4).edges)

    best = placements(on, 4, pairs, 4, 1)[0]

    assert all(on.distances[best[i]][best[j]] == 1 for i, j in pairs)
    squares = [(0, 1, 4, 3), (1, 2, 5, 4)]
    losses = [
        sum(2 * on.pair_loss(a, b) for a, b in zip(square, (*square[1:], square[0]), strict=True))
        + sum(on.readout_losses[site] for site in square) / 2
        for square in squares
    ]
    assert set(best) == set(squares[losses.index(min(losses))])


def test_all_to_all_devices_take_the_best_readouts_and_no_swap() -> None:
    on = chip_of(device(8, None, "IonQ"))
    pairs = list(combinations(range(5), 2))

    layer = best_layer(on, 5, pairs, 1, tilted=False)

    assert gates(layer, on, first=False) == gates(layer, on, first=True) == len(pairs)
    worst = sorted(range(8), key=lambda site: on.readout_losses[site])[5:]
    assert not set(worst) & set(layer.start)


def test_parts_that_are_cut_off_are_left_out() -> None:
    on = chip_of(device(6, [(0, 1), (2, 3), (3, 4), (4, 5)]))

    assert on.numbers == (12, 13, 14, 15)


def test_a_swap_of_a_coupled_pair_costs_a_gate_and_one_onto_an_unused_qubit_two() -> None:
    on = chip_of(device(3, line(3), alike=True))
    loss = on.pair_loss(0, 1)

    assert swaps_of(on, (0, 1, 2), [(0, 1), (0, 2), (1, 2)], 4)[1] == pytest.approx(loss)
    assert swaps_of(on, (0, 1, 2), [(0, 2)], 4)[1] == pytest.approx(3 * loss)
    assert swaps_of(on, (0, 2), [(0, 1)], 4)[1] == pytest.approx(2 * loss)


def test_swaps_that_nothing_follows_or_comes_before_become_places() -> None:
    on = chip_of(device(3, line(3)))
    triangle = [(0, 1), (0, 2), (1, 2)]

    followed = scheduled(on, (0, 1, 2), triangle, ((0, 1), (1, 2)))
    first = scheduled(on, (0, 1, 2), [(0, 2)], ((0, 1),))

    assert replayed(followed, on) == triangle
    assert [step.swaps for step in followed.steps] == [False, True, False]
    assert followed.end == (1, 0, 2)
    assert replayed(first, on) == [(0, 2)]
    assert (first.start, first.end) == ((1, 0, 2), (1, 0, 2))


def test_a_coupler_that_was_not_measured_counts_as_the_worst_that_was() -> None:
    state = device(4, line(4))
    couplers = list(state.couplers or ())
    couplers[1] = couplers[1].model_copy(update={"fidelity": None})

    on = chip_of(state.model_copy(update={"couplers": tuple(couplers)}))

    assert on.pair_loss(1, 2) == max(on.pair_loss(0, 1), on.pair_loss(2, 3))
