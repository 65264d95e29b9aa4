"""Places the variables on sites: near those they are coupled to, on qubits with few errors.

Annealing over all placements of n variables on the chip. Its energy adds, for each coupling, what
gates it would take to bring the two together if it were alone, times the loss of such a gate, and
for each variable the loss of its readout. Where the whole graph fits the chip, a search for
subgraphs (VF2) finds it, within a number of steps.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice
from math import exp, log
from random import Random

import rustworkx

from hybrid_job.on_device.compilation.chip import Chip

Placement = tuple[int, ...]
"""The site of each variable."""

Pairs = Sequence[tuple[int, int]]

MOVES_PER_VARIABLE = 400
EMBEDDINGS, EMBEDDING_CALLS = 200, 20_000
"""Placements that fit exactly which are looked at, and steps of the search for each."""

READOUT = 0.5
"""Weight of a readout's loss: that of one layer, where gates count once for each layer."""

APART = 1.6
"""Gates for each coupler that two coupled variables are too far apart: a SWAP of three gates
brings near more than one pair, and takes the ZZ of its own pair along."""


def placements(chip: Chip, n: int, pairs: Pairs, starts: int, seed: int) -> list[Placement]:
    """Return the distinct placements that annealing ends in, the lowest energy first.

    Cost: O(starts * n * MOVES_PER_VARIABLE * degree). Deterministic by seed.
    """
    if chip.all_to_all:
        best = sorted(range(chip.n_sites), key=lambda q: chip.readout_losses[q])
        return [tuple(sorted(best[:n]))]
    prices = _prices(chip)
    found: dict[Placement, float] = {}
    for placement in _embeddings(chip, n, pairs):
        found[placement] = _energy(chip, placement, pairs, prices)
    for start in range(starts):
        placement, energy = _annealed(chip, n, pairs, prices, Random(f"{seed}/{start}"))
        found[placement] = energy
    return sorted(found, key=lambda each: (found[each], each))


def _prices(chip: Chip) -> list[list[float]]:
    """Return what a coupling costs by the sites of its two variables."""
    mean = chip.mean_pair_loss
    prices = [[2 * mean + APART * mean * (far - 1) for far in row] for row in chip.distances]
    for (a, b), loss in chip.pairs.items():
        prices[a][b] = prices[b][a] = 2 * loss
    return prices


def _annealed(
    chip: Chip, n: int, pairs: Pairs, prices: list[list[float]], random: Random
) -> tuple[Placement, float]:
    """Return a placement and its energy: moves of one variable next to a partner of its, or at all
    to a site beside the occupied ones; whoever is there takes its place."""
    partners: list[list[int]] = [[] for _ in range(n)]
    for i, j in pairs:
        partners[i].append(j)
        partners[j].append(i)
    site = _grown(chip, n, random)
    held: list[int] = [-1] * chip.n_sites
    for variable, place in enumerate(site):
        held[place] = variable
    rent = [READOUT * loss for loss in chip.readout_losses]
    neighbours, rnd = chip.neighbours, random.random
    hot, cold = 6 * chip.mean_pair_loss, 0.15 * chip.mean_pair_loss
    moves = MOVES_PER_VARIABLE * n
    cooling = exp(log(cold / hot) / moves)
    heat = hot
    for _ in range(moves):
        heat *= cooling
        i = int(rnd() * n)
        near = partners[i] and rnd() < 0.7
        centre = site[partners[i][int(rnd() * len(partners[i]))] if near else int(rnd() * n)]
        around = neighbours[centre]
        there, here = around[int(rnd() * len(around))], site[i]
        if there == here:
            continue
        k = held[there]
        change = 0.0
        new, old = prices[there], prices[here]
        for other in partners[i]:
            if other != k:
                place = site[other]
                change += new[place] - old[place]
        if k >= 0:
            for other in partners[k]:
                if other != i:
                    place = site[other]
                    change += old[place] - new[place]
        else:
            change += rent[there] - rent[here]
        if change <= 0 or rnd() < exp(-change / heat):
            site[i] = there
            held[there], held[here] = i, k
            if k >= 0:
                site[k] = here
    return tuple(site), _energy(chip, tuple(site), pairs, prices)


def _energy(chip: Chip, placement: Placement, pairs: Pairs, prices: list[list[float]]) -> float:
    return sum(prices[placement[i]][placement[j]] for i, j in pairs) + sum(
        READOUT * chip.readout_losses[site] for site in placement
    )


def _embeddings(chip: Chip, n: int, pairs: Pairs) -> list[Placement]:
    """Return placements in which all coupled variables are neighbours; none is proof of nothing."""
    graph, pattern = rustworkx.PyGraph(), rustworkx.PyGraph()
    graph.add_nodes_from(range(chip.n_sites))
    graph.add_edges_from_no_data(list(chip.pairs))
    pattern.add_nodes_from(range(n))
    pattern.add_edges_from_no_data(list(pairs))
    found = rustworkx.vf2_mapping(
        graph, pattern, subgraph=True, induced=False, call_limit=EMBEDDING_CALLS
    )
    return [
        tuple(site for _, site in sorted((variable, site) for site, variable in each.items()))
        for each in islice(found, EMBEDDINGS)
    ]


def _grown(chip: Chip, n: int, random: Random) -> list[int]:
    """Return n connected sites, grown from a random one, in random order."""
    first = random.randrange(chip.n_sites)
    part, border = [first], set(chip.neighbours[first])
    while len(part) < n:
        site = min(border, key=lambda each: chip.readout_losses[each] + 0.02 * random.random())
        part.append(site)
        border |= set(chip.neighbours[site])
        border -= set(part)
    random.shuffle(part)
    return part
