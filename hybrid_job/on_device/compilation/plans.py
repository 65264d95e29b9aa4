"""Chooses placement and SWAPs of a cost layer: many are tried, the one with least loss wins.

Placements come from annealing; each is routed by a beam search, the best ones then changed in one
variable or two at a time and routed again. Where many pairs are coupled, a line of qubits on which
neighbours change places in turn, so that all meet, is a candidate too.
"""

from __future__ import annotations

from itertools import pairwise
from random import Random

from hybrid_job.on_device.compilation.chip import Chip
from hybrid_job.on_device.compilation.placing import Pairs, Placement, placements
from hybrid_job.on_device.compilation.routing import line_network, swaps_of
from hybrid_job.on_device.compilation.schedule import Layer, scheduled

DEPTH = 2
"""Layers by which plans are compared: one as the first, the others as later ones."""


def best_layer(chip: Chip, n: int, pairs: Pairs, seed: int, *, tilted: bool) -> Layer:
    """Return the layer with the least loss of gates and readout at ``DEPTH`` layers.

    Deterministic by seed. Cost on one core: 0.2 to 0.3 s at n = 10, up to 0.9 s at n = 20, and at
    n = 40 on 108 qubits 0.5 s for a 3-regular graph, 6 s for one of half of all pairs.
    """
    search = _Search(chip, n, pairs, tilted=tilted)
    starts = placements(chip, n, pairs, _by_size(n, 24, 10), seed)
    width = _by_size(n, 12, 4)
    for placement in starts[: _by_size(n, 10, 4)]:
        search.route(placement, width)
    line = _line(chip, n)
    if line is not None and not chip.all_to_all and len(pairs) > n * (n - 1) / 3:
        search.keep(scheduled(chip, line, pairs, line_network(line)))
    if not chip.all_to_all:
        search.improve(Random(seed), _by_size(n, 60, 12), _by_size(n, 6, 2))
    return search.best


def _by_size(n: int, small: int, large: int) -> int:
    """Return a number of tries: in full up to 10 variables, falling as 1/n to that of 40."""
    return max(large, min(small, round(small * 10 / n)))


class _Search:
    """The best layer so far, and how it is found."""

    def __init__(self, chip: Chip, n: int, pairs: Pairs, *, tilted: bool) -> None:
        self._chip, self._n, self._pairs, self._tilted = chip, n, pairs, tilted
        self._best: tuple[float, Layer] | None = None

    @property
    def best(self) -> Layer:
        assert self._best is not None
        return self._best[1]

    def keep(self, layer: Layer) -> bool:
        """Keep a layer if it is the best; return whether it is."""
        loss = layer.loss(self._chip, first=True, tilted=self._tilted)
        loss += (DEPTH - 1) * layer.loss(self._chip, first=False, tilted=self._tilted)
        loss += sum(self._chip.readout_losses[site] for site in layer.placement(DEPTH))
        better = self._best is None or loss < self._best[0] - 1e-12
        if better:
            self._best = loss, layer
        return better

    def route(self, placement: Placement, width: int) -> bool:
        swaps, _ = swaps_of(self._chip, placement, self._pairs, width)
        return self.keep(scheduled(self._chip, placement, self._pairs, swaps))

    def improve(self, random: Random, rounds: int, width: int) -> None:
        """Move a variable of the best layer's start to a site beside it, again and again."""
        for _ in range(rounds):
            site = list(self.best.start)
            for _ in range(random.choice((1, 1, 2))):
                i = random.randrange(self._n)
                here = site[i]
                there = random.choice(self._chip.neighbours[here])
                site = [here if place == there else place for place in site]
                site[i] = there
            self.route(tuple(site), width)


def _line(chip: Chip, n: int) -> Placement | None:
    """Return n sites in a line, each coupled to the next: the best that greedy walks find."""
    best: tuple[float, Placement] | None = None
    for first in range(chip.n_sites):
        line, used = [first], {first}
        while len(line) < n:
            free = [each for each in chip.neighbours[line[-1]] if each not in used]
            if not free:
                break
            # the site with the fewest ways on is taken first, or it would be left out
            line.append(
                min(
                    free,
                    key=lambda q: (
                        sum(end not in used for end in chip.neighbours[q]),
                        chip.pair_loss(line[-1], q),
                    ),
                )
            )
            used.add(line[-1])
        if len(line) == n:
            loss = sum(chip.pair_loss(a, b) for a, b in pairwise(line))
            if best is None or loss < best[0]:
                best = loss, tuple(line)
    return None if best is None else best[1]
