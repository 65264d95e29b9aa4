"""Measures the symmetry under a flip of all bits, to detect shots in which an error broke it.

Without fields and tilts C and the mixers commute with X on all qubits, and |+>^n is its eigenstate
of +1: so is the final state. A tree that spans the qubits takes that eigenvalue to its root: CX
from parent to child, leaves first, turns X on both into X on the parent alone. H on the root makes
its bit the eigenvalue, 0 for +1; a child's bit is whether it differs from its parent.

A Z or Y anywhere flips the eigenvalue, and the root reads 1; an X does not.

Source: X. Bonet-Monroig et al., "Low-cost error mitigation by symmetry verification", Phys. Rev. A
98, 062339 (2018).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from hybrid_job.on_device.compilation.chip import Chip
from hybrid_job.on_device.compilation.placing import Placement
from hybrid_job.on_device.measurement import Bits


@dataclass(frozen=True)
class Branch:
    """A child of a tree of variables, its parent, and the sites from the parent's to its own."""

    parent: int
    child: int
    path: tuple[int, ...]


@dataclass(frozen=True)
class FlipCheck:
    """A tree that spans all variables; ``branches`` from the root outwards."""

    root: int
    branches: tuple[Branch, ...]

    def write(self, cx: Callable[[int, int], None]) -> None:
        """Write the CX gates, leaves first; over unused qubits, in |0> before and after."""
        for branch in reversed(self.branches):
            hops = list(pairwise(branch.path))
            for hop in (*hops, *reversed(hops[:-1])):
                cx(*hop)

    def accepted(self, bits: Bits) -> NDArray[np.bool_]:
        """Return which shots obey the symmetry."""
        return np.asarray(bits[:, self.root] == 0)

    def decode(self, bits: Bits) -> Bits:
        """Return the variables' bits, of the two that differ by the flip those with root 0."""
        decoded = bits.copy()
        decoded[:, self.root] = 0
        for branch in self.branches:
            decoded[:, branch.child] ^= decoded[:, branch.parent]
        return decoded


def flip_check(n: int) -> FlipCheck:
    """Return the check on qubits 0 .. n-1 of which all pairs are coupled: of depth log2 n."""
    return FlipCheck(0, tuple(Branch(k - (k & -k), k, (k - (k & -k), k)) for k in range(1, n)))


def flip_check_on(chip: Chip, placement: Placement) -> FlipCheck:
    """Return the check of least loss on the couplers between the variables' sites.

    Parts that are not coupled are joined over unused qubits: 2 k + 1 gates over k of them.
    """
    if chip.all_to_all:
        check = flip_check(len(placement))
        return FlipCheck(
            0,
            tuple(
                Branch(each.parent, each.child, tuple(placement[k] for k in each.path))
                for each in check.branches
            ),
        )
    held = {site: variable for variable, site in enumerate(placement)}
    root = held[_centre(chip, placement)]
    joined, branches = {placement[root]}, []
    while len(joined) < len(placement):
        edges = [
            (chip.pair_loss(a, b), a, b)
            for a in joined
            for b in chip.neighbours[a]
            if b in held and b not in joined
        ]
        path = tuple(min(edges)[1:]) if edges else _path(chip, joined, held)
        branches.append(Branch(held[path[0]], held[path[-1]], path))
        joined.add(path[-1])
    return FlipCheck(root, tuple(branches))


def _centre(chip: Chip, placement: Placement) -> int:
    return min(
        placement,
        key=lambda a: (max(chip.distances[a][b] for b in placement), chip.readout_losses[a], a),
    )


def _path(chip: Chip, joined: set[int], held: dict[int, int]) -> tuple[int, ...]:
    """Return a shortest path from a joined site over unused ones to a site that is not joined."""
    before: dict[int, int] = {}
    queue = deque(sorted(joined))
    while queue:
        here = queue.popleft()
        for there in chip.neighbours[here]:
            if there in joined or there in before:
                continue
            before[there] = here
            if there in held:
                path = [there]
                while path[-1] not in joined:
                    path.append(before[path[-1]])
                return tuple(reversed(path))
            queue.append(there)
    raise AssertionError("a chip is connected")
