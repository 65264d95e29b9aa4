"""Chooses the SWAPs that bring coupled variables together, and when each ZZ gate is applied.

The ZZ gates of a cost layer commute, so each may be applied whenever its two variables are
neighbours, and a SWAP takes the ZZ of its own pair along for one gate more than the ZZ alone.
A beam search over placements adds SWAPs until every coupled pair has been side by side once. Its
score adds the losses of the SWAPs to what the pairs that have not met are still apart.

Source: the commuting layers of A. Matsuo et al., "A SAT approach to the initial mapping problem in
SWAP gate insertion for commuting gates", IEICE Trans. Fundam. E106.A, 1424 (2023); swap networks:
I. Kivlichan et al., Phys. Rev. Lett. 120, 110501 (2018).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from hybrid_job.on_device.compilation.chip import Chip
from hybrid_job.on_device.compilation.placing import APART, Pairs, Placement


@dataclass(frozen=True)
class Costs:
    """Native gates on two qubits of a ZZ, a SWAP, both at once, and a move onto a qubit in |0>."""

    zz: int
    swap: int
    merged: int
    move: int


def costs_of(chip: Chip) -> Costs:
    """Return the costs by the chip's entangler."""
    if chip.entangler == "cz":
        return Costs(zz=2, swap=3, merged=3, move=2)
    if chip.entangler == "iswap":
        return Costs(zz=2, swap=3, merged=3, move=1)
    return Costs(zz=1, swap=3, merged=3, move=2)


Swaps = tuple[tuple[int, int], ...]


class _State(NamedTuple):
    """A placement that the search has come to, hundreds of thousands of them: a tuple is quick."""

    score: float
    loss: float
    site: Placement
    held: tuple[int, ...]
    apart: int
    merged: frozenset[tuple[int, int]]
    left: frozenset[tuple[int, int]]
    swaps: Swaps


def swaps_of(
    chip: Chip, placement: Placement, pairs: Pairs, width: int, weight: float = 1.0
) -> tuple[Swaps, float]:
    """Return SWAPs after which every pair has been adjacent once, and their loss.

    Args:
        width: placements that are followed at once.
        weight: of the distances that are left, against the losses of SWAPs.

    Cost: O(SWAPs * width * n * degree^2).
    """
    costs, mean = costs_of(chip), chip.mean_pair_loss
    partners: list[set[int]] = [set() for _ in placement]
    for i, j in pairs:
        partners[i].add(j)
        partners[j].add(i)
    held = [-1] * chip.n_sites
    for variable, place in enumerate(placement):
        held[place] = variable
    distances = chip.distances
    left = frozenset(
        (min(i, j), max(i, j)) for i, j in pairs if distances[placement[i]][placement[j]] > 1
    )
    apart = sum(distances[placement[i]][placement[j]] - 1 for i, j in left)
    beam = [_State(0.0, 0.0, placement, tuple(held), apart, frozenset(), left, ())]
    seen = {placement}
    best: _State | None = beam[0] if not left else None
    price = weight * APART * mean
    while best is None:
        grown: dict[Placement, _State] = {}
        for state in beam:
            for after in _followers(state, chip, costs, partners, price):
                if after.site in seen:
                    continue
                known = grown.get(after.site)
                if known is None or after.score < known.score:
                    grown[after.site] = after
        ordered = sorted(grown.values(), key=lambda each: (each.score, each.swaps))
        beam = ordered[:width]
        if not beam or len(beam[0].swaps) > 4 * len(pairs) + 40:
            return _walked(chip, placement, pairs), float("inf")
        seen.update(each.site for each in beam)
        done = [each for each in beam if not each.left]
        if done:
            best = min(done, key=lambda each: (each.loss, each.swaps))
    return best.swaps, best.loss


def _followers(
    state: _State, chip: Chip, costs: Costs, partners: list[set[int]], price: float
) -> list[_State]:
    """Return the placements after one SWAP at a variable of a pair that has not met."""
    near: dict[int, list[int]] = {}
    for i, j in state.left:
        near.setdefault(i, []).append(j)
        near.setdefault(j, []).append(i)
    ends = {
        (here, there) if here < there else (there, here)
        for here in (state.site[variable] for variable in near)
        for there in chip.neighbours[here]
    }
    after = []
    for a, b in sorted(ends):
        change, met = _gain(state, chip.distances, near, a, b)
        if change > 1:
            continue
        gates, merged = _swap_gates(state, costs, partners, state.held[a], state.held[b])
        loss, apart = state.loss + gates * chip.pairs[a, b], state.apart + change
        site, held = _exchanged(state, a, b)
        left = state.left.difference(met) if met else state.left
        score = loss + price * apart
        after.append(_State(score, loss, site, held, apart, merged, left, (*state.swaps, (a, b))))
    return after


def _gain(
    state: _State, distances: list[list[int]], near: dict[int, list[int]], a: int, b: int
) -> tuple[int, list[tuple[int, int]]]:
    """Return how the sum of distances changes by a SWAP on sites a, b, and the pairs that meet."""
    i, j, site = state.held[a], state.held[b], state.site
    change, met = 0, []
    for mover, other, old, new in (
        (i, j, distances[a], distances[b]),
        (j, i, distances[b], distances[a]),
    ):
        for partner in near.get(mover, ()):
            if partner != other:
                place = site[partner]
                change += new[place] - old[place]
                if new[place] == 1:
                    met.append((mover, partner) if mover < partner else (partner, mover))
    return change, met


def _swap_gates(
    state: _State, costs: Costs, partners: list[set[int]], i: int, j: int
) -> tuple[int, frozenset[tuple[int, int]]]:
    """Return the gates that a SWAP of variables adds, and the pairs whose ZZ is in a SWAP then."""
    if i < 0 or j < 0:
        return costs.move, state.merged
    pair = (i, j) if i < j else (j, i)
    if j in partners[i] and pair not in state.merged:
        return costs.merged - costs.zz, state.merged | {pair}
    return costs.swap, state.merged


def _exchanged(state: _State, a: int, b: int) -> tuple[Placement, tuple[int, ...]]:
    site, held = list(state.site), list(state.held)
    i, j = held[a], held[b]
    held[a], held[b] = j, i
    if i >= 0:
        site[i] = b
    if j >= 0:
        site[j] = a
    return tuple(site), tuple(held)


def _walked(chip: Chip, placement: Placement, pairs: Pairs) -> Swaps:
    """Return SWAPs that carry the first of each pair to the second, one pair after another."""
    site = list(placement)
    swaps: list[tuple[int, int]] = []
    for i, j in pairs:
        while chip.distances[site[i]][site[j]] > 1:
            here, goal = site[i], site[j]
            there = min(chip.neighbours[here], key=lambda each: chip.distances[each][goal])
            site = [here if place == there else place for place in site]
            site[i] = there
            swaps.append((min(here, there), max(here, there)))
    return tuple(swaps)


def line_network(line: Sequence[int]) -> Swaps:
    """Return the SWAPs of neighbours on a line, odd and even ones in turn, that reverse it.

    In between, every two of its n variables have been side by side once: n (n - 1) / 2 SWAPs.
    """
    n = len(line)
    return tuple(
        (min(line[k], line[k + 1]), max(line[k], line[k + 1]))
        for layer in range(n)
        for k in range(layer % 2, n - 1, 2)
    )
