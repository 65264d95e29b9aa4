"""Excitations of electrons between spin orbitals, and the states that they produce.

    |psi> = prod_k exp(theta_k (T_k - T_k+)) |HF>,    the first factor acts first,
    T = a+_p a_r  or  a+_p a+_q a_r a_s

A factor is exact: T maps a determinant to one other, with a sign, or to nothing, so the factor is
a rotation by theta in each pair. PennyLane's FermionicSingleExcitation and
FermionicDoubleExcitation are the same at the angle 2 theta.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import combinations
from math import comb
from typing import NamedTuple

import numpy as np

from quantum_pipeline.chemistry.sector import Index, Real, Sector, Strings, move


class Excitation(NamedTuple):
    """Electrons leave the spin orbitals ``annihilate`` for ``create``, both rising.

    Spin orbital 2p is orbital p with spin up, 2p + 1 with spin down. With (s, r) and (q, p) it is
    T = a+_p a+_q a_r a_s, with (r,) and (p,) it is T = a+_p a_r.
    """

    annihilate: tuple[int, ...]
    create: tuple[int, ...]

    @property
    def name(self) -> str:
        """The orbitals with their spin, orbitals from 0.

        >>> Excitation((0, 1), (2, 3)).name
        '0a 0b -> 1a 1b'
        """
        left, right = (
            " ".join(f"{each // 2}{'ab'[each % 2]}" for each in orbitals) for orbitals in self
        )
        return f"{left} -> {right}"

    @property
    def n_cnots(self) -> int:
        """CNOTs of its textbook circuit, one ladder up and down for each of its Pauli strings.

        A single has 2 strings over the qubits from r to p, a double 8 over those from s to r and
        from q to p. Source: Romero et al., arXiv:1701.02691, section 4.

        >>> Excitation((0, 1), (2, 3)).n_cnots, Excitation((0,), (2,)).n_cnots
        (48, 8)
        """
        if len(self.create) == 1:
            return 4 * (self.create[0] - self.annihilate[0])
        (s, r), (q, p) = self
        return 16 * (r - s + p - q + 1)


def singles_and_doubles(sector: Sector) -> list[Excitation]:
    """Return the excitations out of Hartree-Fock: doubles first, then singles, as UCCSD has them.

    Spin is conserved. The order within each is that of PennyLane's ``qchem.excitations``.

    >>> [each.name for each in singles_and_doubles(Sector(2, 1, 1))]
    ['0a 0b -> 1a 1b', '0a -> 1a', '0b -> 1b']
    """
    filled = {0: sector.n_alpha, 1: sector.n_beta}
    orbitals = range(sector.n_qubits)
    occupied = [each for each in orbitals if each // 2 < filled[each % 2]]
    empty = [each for each in orbitals if each not in occupied]
    doubles = [
        Excitation(holes, particles)
        for holes in combinations(occupied, 2)
        for particles in combinations(empty, 2)
        if sum(each % 2 for each in holes) == sum(each % 2 for each in particles)
    ]
    singles = [Excitation((r,), (p,)) for r in occupied for p in empty if r % 2 == p % 2]
    return doubles + singles


def n_excitations(sector: Sector) -> int:
    """Return how many there are, without listing them.

    >>> n_excitations(Sector(6, 2, 2))
    92
    """
    return sum(count for count, _ in _kinds(sector))


def n_pairs(sector: Sector) -> int:
    """Return how many pairs of determinants all excitations couple: what a state costs.

    >>> n_pairs(Sector(2, 1, 1))
    5
    """
    return sum(count * pairs for count, pairs in _kinds(sector))


def _kinds(sector: Sector) -> list[tuple[int, int]]:
    """Return the number of excitations of each kind, and the pairs that one of them couples."""
    n = sector.n_orbitals

    def moved(electrons: int, moves: int) -> tuple[int, int]:
        ways = comb(electrons, moves) * comb(n - electrons, moves)
        rest = (n - 2 * moves, electrons - moves)
        return ways, comb(*rest) if min(rest) >= 0 else 0

    kinds = []
    for up, down in ((1, 0), (0, 1), (2, 0), (0, 2), (1, 1)):
        (ways, pairs), (more, times) = moved(sector.n_alpha, up), moved(sector.n_beta, down)
        kinds.append((ways * more, pairs * times))
    return kinds


class Rotation(NamedTuple):
    """The pairs of determinants that T couples: T |source> = sign |target>."""

    source: Index
    target: Index
    sign: Real


def rotation(sector: Sector, excitation: Excitation) -> Rotation:
    """Return the pairs that an excitation couples. Cost: O(pairs).

    Raises:
        ValueError: the excitation changes the number of electrons of one spin.
    """
    moves: tuple[list[tuple[int, int]], ...] = ([], [])
    sign = 1.0
    created = list(excitation.create)
    if len(created) == 2 and created[0] % 2 == excitation.annihilate[0] % 2:
        sign = -1.0  # a+_p a+_q a_r a_s = -(a+_q a_s)(a+_p a_r) = (a+_p a_s)(a+_q a_r)
    else:
        created.reverse()
    for create, annihilate in zip(created, excitation.annihilate, strict=True):
        if create % 2 != annihilate % 2:
            raise ValueError(f"{excitation.name} does not conserve spin")
        moves[create % 2].append((create // 2, annihilate // 2))
    from_up, to_up, sign_up = _moved(sector.alpha, moves[0])
    from_down, to_down, sign_down = _moved(sector.beta, moves[1])
    width = len(sector.beta)
    return Rotation(
        (from_up[:, None] * width + from_down).ravel(),
        (to_up[:, None] * width + to_down).ravel(),
        sign * np.multiply.outer(sign_up, sign_down).ravel(),
    )


def _moved(strings: Strings, moves: Sequence[tuple[int, int]]) -> tuple[Index, Index, Real]:
    """Return the strings on which all moves (create, annihilate) act, where they lead, and signs.

    The last move acts first.
    """
    full = sum(1 << annihilate for _, annihilate in moves)
    free = sum(1 << create for create, _ in moves)
    source = np.flatnonzero((strings.masks & full == full) & (strings.masks & free == 0))
    masks = strings.masks[source]
    signs: Real = np.ones(len(source))
    for create, annihilate in reversed(moves):
        masks, sign = move(masks, create, annihilate)
        signs = signs * sign
    return source, strings.index(masks), signs


def rotate(state: Real, pairs: Rotation, angle: float) -> None:
    """Apply exp(angle (T - T+)) to a state, in place."""
    source, target = state[pairs.source], state[pairs.target]
    cosine, sine = np.cos(angle), np.sin(angle) * pairs.sign
    state[pairs.source] = cosine * source - sine * target
    state[pairs.target] = cosine * target + sine * source


def state_of(
    sector: Sector, excitations: Iterable[Excitation], parameters: Iterable[float]
) -> Real:
    """Return the state that the excitations make out of Hartree-Fock, shape (dimension,).

    Cost: O(dimension) per excitation.
    """
    state = sector.hartree_fock()
    for excitation, angle in zip(excitations, parameters, strict=True):
        rotate(state, rotation(sector, excitation), angle)
    return state
