"""Groups of bits, and the space of states that is their product.

    bit          one bit, 0 or 1                                  2 levels
    exactly k    of n bits exactly k are 1                        binomial(n, k) levels

An exactly-one group is exactly k with k = 1: its level l has bit l alone. Levels of exactly k of n
come in the order of ``itertools.combinations`` of the bits that are 1.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations
from math import comb, prod

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Group:
    """Bits of a form that share a rule: exactly ``ones`` of them are 1; None: one bit, free."""

    bits: tuple[int, ...]
    ones: int | None = None

    def __post_init__(self) -> None:
        """Hold whoever makes a group to its rule: users' input was checked before."""
        assert len(self.bits) == 1 if self.ones is None else 0 <= self.ones <= len(self.bits)

    @property
    def n_levels(self) -> int:
        """Number of patterns that its bits may show.

        >>> Group((0,)).n_levels, Group((0, 1, 2), 1).n_levels, Group(tuple(range(10)), 4).n_levels
        (2, 3, 210)
        """
        return 2 if self.ones is None else comb(len(self.bits), self.ones)

    @cached_property
    def patterns(self) -> NDArray[np.int8]:
        """The patterns, shape (n_levels, bits).

        >>> Group((0, 1, 2), 2).patterns.tolist()
        [[1, 1, 0], [1, 0, 1], [0, 1, 1]]
        """
        if self.ones is None:
            return np.array([[0], [1]], dtype=np.int8)
        patterns = np.zeros((self.n_levels, len(self.bits)), dtype=np.int8)
        for level, chosen in enumerate(combinations(range(len(self.bits)), self.ones)):
            patterns[level, list(chosen)] = 1
        return patterns


@dataclass(frozen=True)
class Space:
    """The product of groups that share no bit, and have all bits between them."""

    groups: tuple[Group, ...]

    @property
    def n_bits(self) -> int:
        """Number of bits, which is the number of qubits on a device."""
        return sum(len(group.bits) for group in self.groups)

    @property
    def shape(self) -> tuple[int, ...]:
        """Levels of each group.

        >>> Space((Group((0, 2), 1), Group((1,)), Group((3, 4, 5), 2))).shape
        (2, 2, 3)
        """
        return tuple(group.n_levels for group in self.groups)

    @property
    def n_states(self) -> int:
        """Number of states: the product of the levels, known before anything is built."""
        return prod(self.shape)

    def bits(self, states: Sequence[int] | NDArray[np.intp]) -> NDArray[np.int8]:
        """Return the bits of states given by number, shape (states, bits).

        >>> Space((Group((1,)), Group((0, 2), 1))).bits([0, 3]).tolist()
        [[1, 0, 0], [0, 1, 1]]
        """
        levels = np.unravel_index(np.asarray(states, dtype=np.intp), self.shape)
        found = np.empty((len(states), self.n_bits), dtype=np.int8)
        for group, level in zip(self.groups, levels, strict=True):
            found[:, group.bits] = group.patterns[level]
        return found

    def numbers(self, bits: NDArray[np.int8]) -> NDArray[np.intp]:
        """Return the number of each assignment's state, -1 where it breaks a group's rule.

        ``bits`` has shape (assignments, n_bits). Cost: O(assignments n_bits log levels).

        >>> Space((Group((1,)), Group((0, 2), 1))).numbers(
        ...     np.array([[1, 0, 0], [0, 1, 1], [1, 1, 1]], dtype=np.int8)
        ... ).tolist()
        [0, 3, -1]
        """
        numbers, kept = np.zeros(len(bits), dtype=np.intp), np.ones(len(bits), dtype=np.bool_)
        for group in self.groups:
            known, found = _codes(group.patterns), _codes(bits[:, group.bits])
            order = np.argsort(known)
            place = np.minimum(np.searchsorted(known, found, sorter=order), len(known) - 1)
            level = order[place]
            kept &= known[level] == found
            numbers = numbers * len(known) + level
        return np.where(kept, numbers, -1)

    def holds(self, bits: Sequence[int]) -> bool:
        """Return whether an assignment of all bits keeps every group's rule.

        >>> space = Space((Group((0, 1), 1), Group((2,))))
        >>> space.holds([1, 0, 1]), space.holds([1, 1, 0])
        (True, False)
        """
        ruled = (group for group in self.groups if group.ones is not None)
        return all(sum(bits[i] for i in group.bits) == group.ones for group in ruled)


def _codes(patterns: NDArray[np.int8]) -> NDArray[np.bytes_]:
    """Return rows of bits as texts that compare as they do."""
    packed = np.ascontiguousarray(np.packbits(patterns, axis=1))
    return packed.view(f"S{packed.shape[1]}").ravel()
