"""The Hamiltonian in groups that can be measured: exact, few, and turned by neighbours alone."""

from __future__ import annotations

from functools import reduce

import numpy as np
import pytest
from numpy.typing import NDArray

from hybrid_job.molecules.integrals import integrals
from quantum_pipeline.chemistry.excitations import Excitation, rotate, rotation
from quantum_pipeline.chemistry.factorisation import groups, most_groups
from quantum_pipeline.chemistry.hamiltonian import energy_of
from quantum_pipeline.chemistry.integrals import Integrals
from quantum_pipeline.chemistry.molecules import NAMED, geometry_of
from quantum_pipeline.chemistry.rotations import Turn, network
from quantum_pipeline.chemistry.sector import Sector
from quantum_pipeline.problems import Chemistry

Real = NDArray[np.float64]

MOLECULES = [("H2", 0.74), ("H2", 3.2), ("HeH+", 0.9), ("LiH", 1.546), ("H2O", 0.96), ("N2", 1.1)]


def molecule(name: str, length: float) -> Integrals:
    return integrals(geometry_of(name, length), charge=NAMED[name].charge)


def orthogonal(n: int, seed: int) -> Real:
    made: Real = np.linalg.qr(np.random.default_rng(seed).normal(size=(n, n)))[0]
    return made


def matrix_of(turn: Turn, n: int) -> Real:
    matrix = np.eye(n)
    q, cosine, sine = turn.lower, np.cos(turn.angle), np.sin(turn.angle)
    matrix[q : q + 2, q : q + 2] = [[cosine, -sine], [sine, cosine]]
    return matrix


@pytest.mark.parametrize(("name", "length"), MOLECULES)
def test_groups_are_the_molecules_integrals(name: str, length: float) -> None:
    made = molecule(name, length)
    one, two = np.zeros_like(made.h), np.zeros_like(made.eri)
    for group in groups(made):
        v = group.rotation
        one += v.T @ np.diag(group.linear) @ v
        two += np.einsum(
            "ip,iq,ij,jr,js->pqrs", v, v, group.quadratic, v, v, optimize=True
        )  # fmt: skip

    np.testing.assert_allclose(two, made.eri, atol=1e-9)
    np.testing.assert_allclose(one, made.h - 0.5 * np.einsum("prrq->pq", made.eri), atol=1e-9)


@pytest.mark.parametrize(("name", "length"), MOLECULES[:4])
def test_occupations_after_the_turns_give_the_energy_of_any_state(name: str, length: float) -> None:
    made = molecule(name, length)
    sector = Sector.of(made)
    state = np.random.default_rng(3).normal(size=sector.dimension)
    state /= np.linalg.norm(state)
    bits = np.array([list(sector.bitstring(k)) for k in range(sector.dimension)], dtype=float)
    occupations = bits[:, ::2] + bits[:, 1::2]

    energy = 0.0
    for group in groups(made):
        turned, (turns, order) = state.copy(), network(group.rotation)
        for turn in turns:
            for spin in (0, 1):
                q = 2 * turn.lower + spin
                rotate(turned, rotation(sector, Excitation((q,), (q + 2,))), turn.angle)
        n = occupations[:, np.argsort(order)]
        values = n @ group.linear + 0.5 * np.einsum("ai,ij,aj->a", n, group.quadratic, n)
        energy += group.constant + turned**2 @ values

    assert energy == pytest.approx(energy_of(made, state), abs=1e-9)


@pytest.mark.parametrize(("name", "length"), MOLECULES)
def test_settings_are_never_more_than_the_bound_that_the_orbitals_give(
    name: str, length: float
) -> None:
    problem = Chemistry.model_validate({"molecule": name, "bond_length_angstrom": length})
    assert len(groups(molecule(name, length))) <= most_groups(problem.space.n_orbitals)


def test_the_first_group_needs_no_rotation_and_two_orbitals_take_two_groups() -> None:
    first, second = groups(molecule("H2", 0.74))
    np.testing.assert_array_equal(first.rotation, np.eye(2))
    assert abs(second.rotation) == pytest.approx(np.full((2, 2), 0.5**0.5))
    assert most_groups(2) == 2


@pytest.mark.parametrize("n", [1, 2, 3, 6])
def test_turns_of_neighbours_make_the_rotation_up_to_signs_and_order(n: int) -> None:
    rotation_matrix = orthogonal(n, n)
    turns, order = network(rotation_matrix)
    made = reduce(lambda before, turn: matrix_of(turn, n) @ before, turns, np.eye(n))
    np.testing.assert_allclose(abs(made @ rotation_matrix[order].T), np.eye(n), atol=1e-12)
    assert len(turns) == n * (n - 1) // 2


def test_orbitals_that_are_not_mixed_take_no_turns() -> None:
    mixed = np.eye(5)
    mixed[np.ix_([1, 3], [1, 3])] = orthogonal(2, 0)
    turns, order = network(mixed)
    assert len(turns) == 2
    assert sorted(order) == [0, 1, 2, 3, 4]
    assert network(mixed[[4, 2, 0, 1, 3]])[0] == turns
