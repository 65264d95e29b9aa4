"""Computes a molecule's energy from measured bits, by the groups that its circuits turn to.

Qubit k is spin orbital k, as in every bitstring of a molecule. What is measured is a function of
pairs of occupations, so its mean energy follows from how often both of two spin orbitals were read
as filled: that is what a result keeps of the shots, and is held to.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from quantum_pipeline.chemistry.factorisation import TOLERANCE, Group, rest
from quantum_pipeline.chemistry.integrals import Integrals
from quantum_pipeline.chemistry.rotations import Turn
from quantum_pipeline.chemistry.sector import Real
from quantum_pipeline.ising import IsingModel
from quantum_pipeline.wording import refusal


class Diagonal(NamedTuple):
    """Turns of the orbitals of both spins, and the energy of the bits after them, in hartree."""

    turns: tuple[Turn, ...]
    model: IsingModel


def diagonals(integrals: Integrals, groups: Sequence[Group]) -> list[Diagonal]:
    """Return what is measured for the energy of a molecule: the sum of all.

    The first has no turns: what the groups leave. Groups of any origin will do, if they are right.

    Raises:
        ValueError: they are not of the molecule: what they leave is no function of occupations.
    """
    n = integrals.n_orbitals
    for number, group in enumerate(groups):
        _check(f"groups.{number}", group, n)
    left = rest(integrals, groups)
    if not left.moving <= TOLERANCE:
        allowed = f"up to {TOLERANCE:g} hartree, the rounding of groups that are the molecule's"
        raise ValueError(refusal("integrals that the groups leave", left.moving, allowed))
    first = occupation_model(left.linear, left.quadratic, integrals.core_energy)
    return [Diagonal((), first), *map(_diagonal, groups)]


def _check(name: str, group: Group, n: int) -> None:
    """Hold a group to its form."""
    if len(group.eigenvalues) != n:
        raise ValueError(refusal(f"{name}.eigenvalues", len(group.eigenvalues), f"{n} numbers"))
    for turn in group.turns:
        if turn.lower > n - 2:
            raise ValueError(refusal(f"{name}.turns", turn.lower, f"from 0 to {n - 2}"))


def _diagonal(group: Group) -> Diagonal:
    values = np.array(group.eigenvalues)
    quadratic = group.strength * np.outer(values, values)
    return Diagonal(group.turns, occupation_model(group.slope * values, quadratic))


def occupation_model(linear: Real, quadratic: Real, constant: float = 0.0) -> IsingModel:
    """Return an energy as a model of bits.

    c + sum_i f_i n_i + 1/2 sum_ij q_ij n_i n_j,    n_i = x_2i + x_2i+1
    """
    rows = np.repeat(np.arange(len(linear)), 2)
    both = quadratic[np.ix_(rows, rows)]
    np.fill_diagonal(both, np.diagonal(both) / 2)
    a, b = np.triu_indices(len(rows))
    pairs = zip(a.tolist(), b.tolist(), both[a, b].tolist(), strict=True)
    return IsingModel.from_bits(linear[rows].tolist(), pairs, constant)


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
