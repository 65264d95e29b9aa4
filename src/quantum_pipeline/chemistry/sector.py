"""The determinants with a given number of alpha and of beta electrons, and their order.

The Hamiltonian conserves both numbers: of 4^n states of n orbitals only C(n, n_alpha) C(n, n_beta)
take part. A vector over the sector has alpha strings as rows and beta strings as columns, both by
rising binary number (orbital p is bit p), so that entry 0 is the Hartree-Fock determinant.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations
from math import comb

import numpy as np
from numpy.typing import NDArray

from quantum_pipeline.chemistry.integrals import Integrals

Real = NDArray[np.float64]
Index = NDArray[np.int64]

MAX_ORBITALS = 31
"""Orbitals of a string, which is kept as one integer."""


def sector_size(n_orbitals: int, n_alpha: int, n_beta: int) -> int:
    """Return the number of determinants, C(n, n_alpha) C(n, n_beta).

    >>> sector_size(6, 2, 2)
    225
    """
    return comb(n_orbitals, n_alpha) * comb(n_orbitals, n_beta)


class Strings:
    """The ways to put ``n_electrons`` of one spin into ``n_orbitals``, by rising binary number.

    ``masks`` has shape (strings,): bit p is the occupation of orbital p.
    """

    def __init__(self, n_orbitals: int, n_electrons: int) -> None:
        self.n_orbitals, self.n_electrons = n_orbitals, n_electrons
        ways = combinations(range(n_orbitals), n_electrons)
        flat = np.array([orbital for way in ways for orbital in way], dtype=np.int64)
        occupied = flat.reshape(comb(n_orbitals, n_electrons), n_electrons)
        masks = np.left_shift(1, occupied).sum(axis=1, dtype=np.int64)
        order = np.argsort(masks)
        self.masks: Index = masks[order]
        self.occupied: Index = occupied[order]

    def __len__(self) -> int:
        return len(self.masks)

    @cached_property
    def occupations(self) -> Real:
        """Entries 0 or 1, shape (strings, n_orbitals)."""
        return (self.masks[:, None] >> np.arange(self.n_orbitals) & 1).astype(np.float64)

    @cached_property
    def empty(self) -> Index:
        """Empty orbitals of each string, rising, shape (strings, n_orbitals - n_electrons)."""
        return np.nonzero(self.occupations == 0)[1].reshape(len(self), -1)

    def index(self, masks: Index) -> Index:
        """Return where strings stand, any shape."""
        return np.searchsorted(self.masks, masks)


def move(masks: Index, create: Index | int, annihilate: Index | int) -> tuple[Index, Index]:
    """Return the strings a+_create a_annihilate |masks> and their signs +-1.

    The sign is -1 to the number of occupied orbitals between the two. Arguments broadcast; the
    annihilated orbitals must be occupied and the created ones empty.
    """
    low, high = np.minimum(create, annihilate), np.maximum(create, annihilate)
    one = np.int64(1)
    between = (one << high) - (one << (low + 1))
    signs = 1 - 2 * (np.bitwise_count(masks & between).astype(np.int64) & 1)
    return masks ^ (one << np.asarray(create)) ^ (one << np.asarray(annihilate)), signs


@dataclass(frozen=True)
class Sector:
    """The determinants of ``n_alpha`` and ``n_beta`` electrons in ``n_orbitals``."""

    n_orbitals: int
    n_alpha: int
    n_beta: int

    @classmethod
    def of(cls, integrals: Integrals) -> Sector:
        """Return the sector that a molecule's integrals speak of."""
        return cls(integrals.n_orbitals, integrals.n_alpha, integrals.n_beta)

    @property
    def dimension(self) -> int:
        """Number of determinants, known without listing them."""
        return sector_size(self.n_orbitals, self.n_alpha, self.n_beta)

    @property
    def n_qubits(self) -> int:
        """Spin orbitals, one qubit each."""
        return 2 * self.n_orbitals

    @cached_property
    def alpha(self) -> Strings:
        """Strings of spin up: the rows."""
        return Strings(self.n_orbitals, self.n_alpha)

    @cached_property
    def beta(self) -> Strings:
        """Strings of spin down: the columns."""
        return self.alpha if self.n_alpha == self.n_beta else Strings(self.n_orbitals, self.n_beta)

    def hartree_fock(self) -> Real:
        """Return the state of the lowest determinant, shape (dimension,)."""
        state = np.zeros(self.dimension)
        state[0] = 1.0
        return state

    def bitstring(self, determinant: int) -> str:
        """Return the occupation of the spin orbitals, alpha and beta by turns.

        >>> Sector(2, 1, 1).bitstring(0)
        '1100'
        """
        row, column = divmod(determinant, len(self.beta))
        up, down = int(self.alpha.masks[row]), int(self.beta.masks[column])
        return "".join(f"{up >> p & 1}{down >> p & 1}" for p in range(self.n_orbitals))

    def determinant(self, bitstring: str) -> int:
        """Return the place of a bitstring's determinant.

        Raises:
            ValueError: the bitstring has another length, or other numbers of electrons.
        """
        up, down = bitstring[::2], bitstring[1::2]
        right = len(bitstring) == self.n_qubits and not set(bitstring) - {"0", "1"}
        if not right or (up.count("1"), down.count("1")) != (self.n_alpha, self.n_beta):
            raise ValueError(f"{bitstring!r} is no determinant of {self}")
        masks = np.array([int(each[::-1], 2) for each in (up, down)])
        row, column = self.alpha.index(masks[:1])[0], self.beta.index(masks[1:])[0]
        return int(row) * len(self.beta) + int(column)

    @property
    def least_spin_squared(self) -> float:
        """s (s + 1) of the least spin s that these electrons can have: all unpaired ones aligned.

        >>> Sector(6, 4, 2).least_spin_squared
        2.0
        """
        s_z = (self.n_alpha - self.n_beta) / 2
        return s_z * (s_z + 1)

    def spin_squared(self, state: Real) -> float:
        """Return <S^2> of a normalised state: s (s + 1), 0 for a singlet, 2 for a triplet.

        <S^2> = S_z (S_z + 1) + |S_+ psi|^2
        """
        target, source, sign = self.raising()
        raised = np.bincount(target, weights=sign * state[source])
        return self.least_spin_squared + float(raised @ raised)

    def raising(self) -> tuple[Index, Index, Real]:
        """Return S_+ = sum_p a+_p,alpha a_p,beta, up to one sign for all, element by element.

        Returns:
            Determinants of the sector of one more alpha electron, those of this one, and signs.
            S_- S_+ = S^2 - S_z (S_z + 1) is 0 on states of the least spin and at least 2 on others.
        """
        if self.n_beta == 0 or self.n_alpha == self.n_orbitals:
            none = np.zeros(0, dtype=np.int64)
            return none, none, np.zeros(0)
        upper = Sector(self.n_orbitals, self.n_alpha + 1, self.n_beta - 1)
        targets, sources, signs = [], [], []
        for p in range(self.n_orbitals):
            bit, below = np.int64(1 << p), np.int64((1 << p) - 1)
            rows = np.flatnonzero(self.alpha.masks & bit == 0)
            columns = np.flatnonzero(self.beta.masks & bit)
            up, down = self.alpha.masks[rows], self.beta.masks[columns]
            passed = [1.0 - 2 * (np.bitwise_count(each & below) & 1) for each in (up, down)]
            raised = upper.alpha.index(up | bit)[:, None] * len(upper.beta)
            targets.append((raised + upper.beta.index(down ^ bit)).ravel())
            sources.append((rows[:, None] * len(self.beta) + columns).ravel())
            signs.append(np.outer(*passed).ravel())
        return np.concatenate(targets), np.concatenate(sources), np.concatenate(signs)


def leading(
    sector: Sector, state: Real, least: float = 1e-4, most: int = 64
) -> Sequence[tuple[str, float]]:
    """Return the likeliest determinants as (bitstring, probability), likeliest first.

    Of equal ones, but for rounding, the first in the sector.

    >>> leading(Sector(2, 1, 1), np.array([0.8, 0, 0, -0.6]))
    [('1100', 0.6400000000000001), ('0011', 0.36)]
    """
    probabilities = state**2
    order = np.argsort(-probabilities.round(9), kind="stable")[:most]
    return [
        (sector.bitstring(int(at)), float(probabilities[at]))
        for at in order
        if probabilities[at] >= least
    ]
