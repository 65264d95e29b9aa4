"""Computes a molecule's energy from measured bits, and the final rotations of its circuits.

Qubit k is spin orbital k, as in every bitstring of a molecule. A group of ``factorisation`` is a
function of pairs of occupations, so its mean energy follows from how often both of two spin
orbitals were read as filled: that is what a result keeps of the shots, and is held to.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from quantum_pipeline.chemistry.factorisation import Group, groups
from quantum_pipeline.chemistry.integrals import Integrals
from quantum_pipeline.chemistry.rotations import Turn, network
from quantum_pipeline.ising import IsingModel


class Diagonal(NamedTuple):
    """Turns of the orbitals of both spins, and the energy of the bits after them, in hartree."""

    turns: list[Turn]
    model: IsingModel


def diagonals(integrals: Integrals) -> list[Diagonal]:
    """Return what is measured for the energy of a molecule: the sum of all. The first has no turns.

    They are at most ``factorisation.most_groups``.
    """
    found = []
    for group in groups(integrals):
        turns, order = network(group.rotation)
        found.append(Diagonal(turns, occupation_model(group, order)))
    return found


def occupation_model(group: Group, order: Sequence[int]) -> IsingModel:
    """Return a group's energy as a model of bits; orbital i holds the group's orbital order[i].

    c + sum_i f_i n_i + 1/2 sum_ij q_ij n_i n_j,    n_i = x_2i + x_2i+1
    """
    rows = np.repeat(order, 2)
    quadratic = group.quadratic[np.ix_(rows, rows)]
    np.fill_diagonal(quadratic, np.diagonal(quadratic) / 2)
    a, b = np.triu_indices(len(rows))
    pairs = zip(a.tolist(), b.tolist(), quadratic[a, b].tolist(), strict=True)
    return IsingModel.from_bits(group.linear[rows].tolist(), pairs, group.constant)


def pair_counts(counts: Mapping[str, int]) -> tuple[int, ...]:
    """Return how often bits a and b were both 1, for a <= b, row by row.

    >>> pair_counts({"110": 3, "011": 1})
    (3, 3, 0, 4, 1, 1)
    """
    bits = np.array([list(map(int, each)) for each in counts], dtype=np.int64)
    both = (bits * np.array(list(counts.values()), dtype=np.int64)[:, None]).T @ bits
    return tuple(both[np.triu_indices(len(both))].tolist())


def mean_energy(model: IsingModel, pairs: Sequence[int], shots: int) -> float:
    """Return the mean energy of shots by their ``pair_counts``.

    >>> mean_energy(IsingModel.from_bits([1.0, 0.0], [(0, 1, 4.0)]), pair_counts({"11": 1}), 1)
    5.0
    """
    n = model.n_variables
    both = np.zeros((n, n))
    both[np.triu_indices(n)] = np.asarray(pairs) / shots
    filled = np.diagonal(both)
    energy = model.offset + float(np.dot(model.fields, 1 - 2 * filled))
    for i, j, coupling in model.couplings:
        energy += coupling * float(1 - 2 * filled[i] - 2 * filled[j] + 4 * both[i, j])
    return energy
