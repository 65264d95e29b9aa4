"""The Hamiltonian in groups that can be measured: exact, few, and turned by neighbours alone."""

from __future__ import annotations

from functools import reduce
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from hybrid_job.molecules.integrals import integrals
from quantum_pipeline.chemistry.excitations import Excitation, rotate, rotation
from quantum_pipeline.chemistry.factorisation import Group, groups, most_circuits
from quantum_pipeline.chemistry.hamiltonian import energy_of
from quantum_pipeline.chemistry.integrals import Integrals
from quantum_pipeline.chemistry.measuring import diagonals
from quantum_pipeline.chemistry.molecules import NAMED, geometry_of
from quantum_pipeline.chemistry.rotations import Turn, network, turned
from quantum_pipeline.chemistry.sector import Sector
from quantum_pipeline.ising import all_energies
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
def test_groups_are_all_integrals_that_move_electrons(name: str, length: float) -> None:
    made = molecule(name, length)
    one, two = made.h - 0.5 * np.einsum("prrq->pq", made.eri), made.eri.copy()
    for group in groups(made):
        v, n = np.eye(made.n_orbitals), made.n_orbitals
        for turn in group.turns:
            v = matrix_of(turn, n) @ v
        matrix = np.einsum("ip,i,iq->pq", v, group.eigenvalues, v)
        one -= group.slope * matrix
        two -= group.strength * np.multiply.outer(matrix, matrix)

    np.testing.assert_allclose(one, np.diag(np.diagonal(one)), atol=1e-9)
    for p in range(made.n_orbitals):
        two[p, p, range(made.n_orbitals), range(made.n_orbitals)] = 0.0
    np.testing.assert_allclose(two, 0.0, atol=1e-9)


@pytest.mark.parametrize(("name", "length"), MOLECULES[:4])
def test_occupations_after_the_turns_give_the_energy_of_any_state(name: str, length: float) -> None:
    made = molecule(name, length)
    sector = Sector.of(made)
    state = np.random.default_rng(3).normal(size=sector.dimension)
    state /= np.linalg.norm(state)
    bitstrings = [int(sector.bitstring(k), 2) for k in range(sector.dimension)]

    energy = 0.0
    for turns, model in diagonals(made, groups(made)):
        after = state.copy()
        for turn in turns:
            for spin in (0, 1):
                q = 2 * turn.lower + spin
                rotate(after, rotation(sector, Excitation((q,), (q + 2,))), turn.angle)
        energy += float(after**2 @ all_energies(model)[bitstrings])

    assert energy == pytest.approx(energy_of(made, state), abs=1e-9)


@pytest.mark.parametrize(("name", "length"), MOLECULES)
def test_circuits_are_never_more_than_the_bound_that_the_orbitals_give(
    name: str, length: float
) -> None:
    problem = Chemistry.model_validate({"molecule": name, "bond_length_angstrom": length})
    assert 1 + len(groups(molecule(name, length))) <= most_circuits(problem.space.n_orbitals)


def test_two_orbitals_take_two_circuits_one_of_which_turns_by_an_eighth() -> None:
    hydrogen = molecule("H2", 0.74)
    [group] = groups(hydrogen)
    [(lower, angle)] = group.turns
    assert lower == 0
    assert abs(angle) == pytest.approx(np.pi / 4)
    assert [len(each.turns) for each in diagonals(hydrogen, [group])] == [0, 1]
    assert most_circuits(2) == 2


def test_groups_of_nearly_no_strength_are_exact_in_what_they_mix() -> None:
    """Integrals (12|12) of 1e-13 hartree allow (11|12) of 3e-7, which is not rounding."""
    eri = np.zeros((2,) * 4)
    root = np.array([[0.8, 3e-7], [3e-7, 0.0]])
    eri += np.multiply.outer(root, root)
    one = np.array([[-1.0, 0.1], [0.1, -0.5]])
    made = Integrals.of(
        one, eri, n_alpha=1, n_beta=1, n_core=0,
        nuclear_repulsion=0.7, core_energy=0.7, hartree_fock=0.0,
    )  # fmt: skip
    measured = diagonals(made, groups(made))
    assert len(measured) == 2


@pytest.mark.parametrize("name", ["LiH", "N2"])
def test_other_eigenvectors_of_equal_eigenvalues_are_as_right(name: str) -> None:
    """Another processor's choice: any two groups of one strength, mixed."""
    made = molecule(name, dict(MOLECULES)[name])
    mine = groups(made)
    strengths = [each.strength for each in mine]
    pairs = [(k, k + 1) for k in range(len(mine) - 1) if abs(np.diff(strengths)[k]) < 1e-9]
    assert pairs
    for first, second in pairs:
        both = np.array([mine[first].matrix(), mine[second].matrix()])
        slopes = np.array([mine[first].slope, mine[second].slope])
        cosine, sine = np.cos(0.4), np.sin(0.4)
        mixing = np.array([[cosine, -sine], [sine, cosine]])
        for k, (matrix, slope) in zip(
            (first, second),
            zip(np.tensordot(mixing, both, 1), mixing @ slopes, strict=True),
            strict=True,
        ):
            values, columns = np.linalg.eigh(matrix)
            turns, order = network(columns.T)
            mine[k] = mine[k].model_copy(
                update={"turns": turns, "eigenvalues": tuple(values[order]), "slope": float(slope)}
            )
    assert len(diagonals(made, mine)) == 1 + len(mine)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"strength": 0.2}, r"integrals that the groups leave: got 0\.0\d+; allowed: up to 1e-09"),
        ({"strength": 1e300}, "integrals that the groups leave: got "),
        ({"slope": 1e-6}, "integrals that the groups leave: got "),
        ({"turns": (Turn(0, 0.3),)}, "integrals that the groups leave: got "),
        ({"turns": ()}, "integrals that the groups leave: got "),
        ({"turns": (Turn(1, 0.3),)}, r"groups\.0\.turns: got 1; allowed: from 0 to 0"),
        ({"eigenvalues": (1.0,)}, r"groups\.0\.eigenvalues: got 1; allowed: 2 numbers"),
    ],
)
def test_groups_that_are_not_the_molecules_are_refused(change: dict[str, Any], said: str) -> None:
    hydrogen = molecule("H2", 0.74)
    wrong = [each.model_copy(update=change) for each in groups(hydrogen)]
    with pytest.raises(ValueError, match=said):
        diagonals(hydrogen, wrong)
    with pytest.raises(ValueError, match=r"integrals that the groups leave: got 0\.18"):
        diagonals(hydrogen, ())


def test_groups_are_read_as_they_were_written() -> None:
    for group in groups(molecule("LiH", 1.546)):
        assert Group.model_validate_json(group.model_dump_json()) == group


@pytest.mark.parametrize("n", [1, 2, 3, 6])
def test_turns_of_neighbours_make_the_rotation_up_to_signs_and_order(n: int) -> None:
    rotation_matrix = orthogonal(n, n)
    turns, order = network(rotation_matrix)
    made = reduce(lambda before, turn: matrix_of(turn, n) @ before, turns, np.eye(n))
    np.testing.assert_allclose(abs(made @ rotation_matrix[order].T), np.eye(n), atol=1e-12)
    np.testing.assert_allclose(made, turned(turns, n), atol=1e-12)
    assert len(turns) == n * (n - 1) // 2


def test_orbitals_that_are_not_mixed_take_no_turns() -> None:
    mixed = np.eye(5)
    mixed[np.ix_([1, 3], [1, 3])] = orthogonal(2, 0)
    turns, order = network(mixed)
    assert len(turns) == 2
    assert sorted(order) == [0, 1, 2, 3, 4]
    assert network(mixed[[4, 2, 0, 1, 3]])[0] == turns
