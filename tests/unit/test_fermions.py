"""Determinants, Hamiltonian and excitations against Jordan-Wigner matrices of all 4^n states."""

from __future__ import annotations

import json
from functools import reduce
from itertools import product
from operator import add, matmul

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.sparse import csr_array, eye_array, kron
from scipy.sparse.linalg import expm_multiply

from hybrid_job.molecules.ansatz import sparse
from quantum_pipeline.chemistry.active_space import ActiveSpace, active_space
from quantum_pipeline.chemistry.excitations import (
    Excitation,
    n_excitations,
    n_pairs,
    rotation,
    singles_and_doubles,
    state_of,
)
from quantum_pipeline.chemistry.hamiltonian import (
    Hamiltonian,
    Rows,
    energy_of,
    memory_bytes,
    row_width,
)
from quantum_pipeline.chemistry.integrals import Integrals
from quantum_pipeline.chemistry.molecules import (
    NAMED,
    check_geometry,
    geometry_of,
    n_electrons,
    nuclear_repulsion,
)
from quantum_pipeline.chemistry.sector import Sector, leading, sector_size
from quantum_pipeline.chemistry.sizes import MAX_BYTES, job_bytes
from tests.unit.textbook import h2

Real = NDArray[np.float64]

SECTORS = [(2, 1, 1), (3, 1, 1), (3, 2, 1), (3, 2, 2), (3, 3, 0), (4, 2, 2), (4, 3, 1), (4, 0, 2)]


def random_integrals(n: int, n_alpha: int, n_beta: int, seed: int = 7) -> Integrals:
    """Numbers with the symmetries of real orbitals, and of no molecule."""
    rng = np.random.default_rng(seed)
    h, factors = rng.normal(size=(n, n)), rng.normal(size=(5, n, n))
    factors = factors + factors.swapaxes(1, 2)
    return Integrals.of(
        h + h.T,
        np.einsum("kpq,krs->pqrs", factors, factors),
        n_alpha=n_alpha,
        n_beta=n_beta,
        n_core=0,
        nuclear_repulsion=1.5,
        core_energy=2.5,
        hartree_fock=0.0,
    )


def annihilators(n_spin_orbitals: int) -> list[csr_array]:
    """a_k = Z x ... x Z x lower x 1 x ... x 1, with character k of a bitstring the k-th factor."""
    lower, z = csr_array([[0.0, 1], [0, 0]]), csr_array(np.diag([1.0, -1]))
    made = []
    for k in range(n_spin_orbitals):
        factors = [z] * k + [lower, eye_array(2 ** (n_spin_orbitals - k - 1))]
        made.append(csr_array(reduce(kron, factors)))
    return made


def textbook_hamiltonian(integrals: Integrals) -> csr_array:
    n = integrals.n_orbitals
    a = annihilators(2 * n)
    total = integrals.core_energy * eye_array(4**n, format="csr")
    for p, q, spin in product(range(n), range(n), (0, 1)):
        total = total + integrals.h[p, q] * (a[2 * p + spin].T @ a[2 * q + spin])
    for one, two in product((0, 1), repeat=2):
        for p, r, s, q in product(range(n), repeat=4):
            term = a[2 * p + one].T @ a[2 * r + two].T @ a[2 * s + two] @ a[2 * q + one]
            total = total + 0.5 * integrals.eri[p, q, r, s] * term
    return total


def embedding(sector: Sector) -> Real:
    """The determinants as columns among all 4^n states: creation operators, alpha before beta."""
    a = annihilators(sector.n_qubits)
    columns = []
    for at in range(sector.dimension):
        bits = sector.bitstring(at)
        filled = [k for k in range(sector.n_qubits) if bits[k] == "1"]
        state = np.eye(1, 4**sector.n_orbitals)[0]
        for k in sorted(filled, key=lambda k: (k % 2, k), reverse=True):
            state = a[k].T @ state
        columns.append(state)
    return np.array(columns).T


@pytest.mark.parametrize(("n", "n_alpha", "n_beta"), SECTORS)
def test_hamiltonian_is_the_textbook_one_in_the_sector(n: int, n_alpha: int, n_beta: int) -> None:
    integrals = random_integrals(n, n_alpha, n_beta)
    columns = embedding(Sector.of(integrals))

    matrix = Hamiltonian.of(integrals).dense()

    np.testing.assert_allclose(
        matrix, columns.T @ (textbook_hamiltonian(integrals) @ columns), atol=1e-11
    )


@pytest.mark.parametrize(("n", "n_alpha", "n_beta"), SECTORS)
def test_state_is_that_of_the_textbook_exponentials(n: int, n_alpha: int, n_beta: int) -> None:
    sector = Sector(n, n_alpha, n_beta)
    a, columns = annihilators(2 * n), embedding(sector)
    excitations = singles_and_doubles(sector)
    angles = np.random.default_rng(n).normal(size=len(excitations))
    expected = columns[:, 0]
    for (annihilate, create), angle in zip(excitations, angles, strict=True):
        operators = [a[k].T for k in reversed(create)] + [a[k] for k in reversed(annihilate)]
        t = reduce(matmul, operators)
        expected = expm_multiply(angle * (t - t.T), expected)

    state = state_of(sector, excitations, angles)

    np.testing.assert_allclose(columns @ state, expected, atol=1e-12)


def test_excitation_that_flips_a_spin_is_refused() -> None:
    with pytest.raises(ValueError, match="0a -> 1b does not conserve spin"):
        rotation(Sector(2, 1, 1), Excitation((0,), (3,)))


@pytest.mark.parametrize(("n", "n_alpha", "n_beta"), SECTORS)
def test_spin_squared_is_the_textbook_one(n: int, n_alpha: int, n_beta: int) -> None:
    sector, a = Sector(n, n_alpha, n_beta), annihilators(2 * n)
    raising = reduce(add, [a[2 * p].T @ a[2 * p + 1] for p in range(n)])
    s_z = (n_alpha - n_beta) / 2
    state = np.random.default_rng(n).normal(size=sector.dimension)
    state /= np.linalg.norm(state)
    full = embedding(sector) @ state

    expected = np.sum((raising @ full) ** 2) + s_z * (s_z + 1)

    assert sector.spin_squared(state) == pytest.approx(expected, abs=1e-12)


def test_h2_is_the_two_by_two_matrix_of_the_textbook() -> None:
    """Szabo, Ostlund, sections 3.5.2 and 4.1: H2 at 1.4 bohr in a minimal basis."""
    integrals = h2()
    assert integrals.recomputed_hartree_fock() == pytest.approx(-1.1167, abs=2e-4)

    lowest = np.linalg.eigvalsh(Hamiltonian.of(integrals).dense())[0]

    assert lowest - integrals.recomputed_hartree_fock() == pytest.approx(-0.0206, abs=1e-4)


def test_sparse_matrix_applies_as_the_dense_one_and_energy_needs_none() -> None:
    integrals = random_integrals(5, 3, 2)
    hamiltonian = Hamiltonian.of(integrals)
    state = np.random.default_rng(1).normal(size=hamiltonian.dimension)
    dense = hamiltonian.dense()

    np.testing.assert_allclose(sparse(hamiltonian) @ state, dense @ state, atol=1e-10)
    np.testing.assert_allclose(hamiltonian.diagonal, np.diag(dense), atol=1e-12)
    mean = state @ dense @ state / (state @ state)
    assert energy_of(integrals, state) == pytest.approx(mean, abs=1e-11)


def test_diagonal_that_vanishes_still_stands_in_its_row() -> None:
    zeros = {"core_energy": 0.0, "one_electron": (0.0,) * 6, "two_electron": (0.0,) * 21}
    hamiltonian = Hamiltonian.of(random_integrals(3, 1, 1).model_copy(update=zeros))

    np.testing.assert_array_equal(sparse(hamiltonian) @ np.ones(9), np.zeros(9))
    np.testing.assert_array_equal(hamiltonian.diagonal, np.zeros(9))


def test_sizes_are_known_before_anything_is_made() -> None:
    sector = Sector(5, 3, 2)
    blocks = list(Rows(random_integrals(5, 3, 2)).blocks())
    assert sector.dimension == sector_size(5, 3, 2) == sum(len(columns) for columns, _ in blocks)
    assert {columns.shape[1] for columns, _ in blocks} == {row_width(sector)}
    assert memory_bytes(Sector(30, 15, 15)) > 10**18  # and no string of it was listed


@pytest.mark.parametrize(("n", "n_alpha", "n_beta"), [*SECTORS, (6, 2, 2), (5, 4, 5), (1, 1, 0)])
def test_excitations_and_their_pairs_are_counted_without_a_list(
    n: int, n_alpha: int, n_beta: int
) -> None:
    sector = Sector(n, n_alpha, n_beta)
    listed = singles_and_doubles(sector)

    assert n_excitations(sector) == len(listed)
    assert n_pairs(sector) == sum(len(rotation(sector, each).sign) for each in listed)


def test_ten_half_filled_orbitals_fit_the_job_and_eleven_do_not() -> None:
    assert job_bytes(Sector(10, 5, 5)) < MAX_BYTES < job_bytes(Sector(11, 5, 5))


def test_blocks_of_any_size_give_the_same_matrix(monkeypatch: pytest.MonkeyPatch) -> None:
    integrals = random_integrals(4, 2, 2)
    whole = Hamiltonian.of(integrals).dense()
    monkeypatch.setattr("quantum_pipeline.chemistry.hamiltonian.BLOCK", 1)

    np.testing.assert_array_equal(Hamiltonian.of(integrals).dense(), whole)


def test_integrals_survive_json() -> None:
    integrals = random_integrals(4, 2, 1)

    again = Integrals.model_validate(json.loads(integrals.model_dump_json()))

    assert again == integrals
    np.testing.assert_array_equal(again.eri, integrals.eri)
    np.testing.assert_array_equal(again.eri, again.eri.transpose(2, 3, 1, 0))


def test_integrals_of_the_wrong_length_are_refused() -> None:
    data = random_integrals(3, 1, 1).model_dump()
    with pytest.raises(ValueError, match="two_electron: got a length of 20; allowed: 21"):
        Integrals.model_validate(data | {"two_electron": data["two_electron"][1:]})


def test_bitstrings_and_determinants_are_each_others_inverse() -> None:
    sector = Sector(4, 2, 1)
    bitstrings = [sector.bitstring(at) for at in range(sector.dimension)]

    assert bitstrings[0] == "11100000"
    assert [sector.determinant(each) for each in bitstrings] == list(range(sector.dimension))
    assert {(each[::2].count("1"), each[1::2].count("1")) for each in bitstrings} == {(2, 1)}
    for wrong in ("1110", "11110000", "1112000a"):
        with pytest.raises(ValueError, match="is no determinant"):
            sector.determinant(wrong)


def test_leading_determinants_come_likeliest_first() -> None:
    state = np.array([0.1, -0.9, 0.0, np.sqrt(0.18)])

    assert [bits for bits, _ in leading(Sector(2, 1, 1), state, 0.02)] == ["1001", "0011"]


@pytest.mark.parametrize("name", NAMED)
def test_named_molecule_has_its_bond_length(name: str) -> None:
    geometry = geometry_of(name, 1.25)
    points = np.array([point for _, point in geometry])
    distances = np.linalg.norm(points[:, None] - points, axis=-1)

    check_geometry(geometry)
    assert distances[distances > 0].min() == pytest.approx(1.25)
    assert n_electrons(geometry, NAMED[name].charge) % 2 == 0


def test_water_has_its_angle_and_methane_its_tetrahedron() -> None:
    (_, o), (_, h), (_, other) = geometry_of("H2O", 0.96)
    cosine = np.dot(np.subtract(h, o), np.subtract(other, o)) / 0.96**2
    assert np.degrees(np.arccos(cosine)) == pytest.approx(104.5)
    corners = np.array([point for symbol, point in geometry_of("CH4", 1.0) if symbol == "H"])
    np.testing.assert_allclose(corners @ corners.T, 4 / 3 * np.eye(4) - 1 / 3, atol=1e-12)


def test_nuclei_repel_by_the_law_of_coulomb() -> None:
    bohr = 0.529177210544
    square = tuple(("He", (x * bohr, y * bohr, 0.0)) for x in (0, 2) for y in (0, 2))
    assert nuclear_repulsion(square) == pytest.approx(4 * (4 / 2 + 2 / np.sqrt(8)))


@pytest.mark.parametrize(
    ("molecule", "length", "message"),
    [
        ("H9", 1.0, r'molecule: got "H9"; allowed: H2, .*; any other one as geometry'),
        ("H2", 0.0, r"bond_length_angstrom: got 0.0; allowed: at least 0.1 angstrom"),
        ("H2", float("nan"), r"bond_length_angstrom: got NaN"),
    ],
)
def test_molecule_that_is_not_there_is_refused(molecule: str, length: float, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        geometry_of(molecule, length)


def test_geometry_that_cannot_be_is_refused() -> None:
    with pytest.raises(ValueError, match=r'geometry\.1\.0: got "Xx"; allowed: .*from H to Ar'):
        check_geometry((("H", (0, 0, 0)), ("Xx", (0, 0, 1))))
    with pytest.raises(ValueError, match=r"geometry\.1\.1: got .*at least 0.1 angstrom"):
        check_geometry((("H", (0, 0, 0)), ("H", (0, 0, 0.05))))


@pytest.mark.parametrize(
    ("asked", "space"),
    [
        ({}, ActiveSpace(0, 6, 2, 2)),
        ({"active_electrons": 2}, ActiveSpace(1, 5, 1, 1)),
        ({"active_electrons": 2, "active_orbitals": 3}, ActiveSpace(1, 3, 1, 1)),
        ({"multiplicity": 3}, ActiveSpace(0, 6, 3, 1)),
        ({"charge": 1, "multiplicity": 2, "active_electrons": 1}, ActiveSpace(1, 5, 1, 0)),
        ({"basis": "6-31g"}, ActiveSpace(0, 11, 2, 2)),
    ],
)
def test_active_space_holds_what_was_asked_for(asked: dict[str, int], space: ActiveSpace) -> None:
    assert active_space(geometry_of("LiH", 1.5), **asked) == space  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"multiplicity": 2}, "multiplicity: got 2; allowed: odd numbers up to 5, of 4 electrons"),
        ({"multiplicity": 7}, "multiplicity: got 7"),
        ({"charge": 4}, "charge: got 4; allowed: from -8 to 3: 1 to 12 electrons"),
        ({"active_electrons": 3}, "active_electrons: got 3; allowed: even numbers from 2 to 4"),
        ({"active_electrons": 6}, "active_electrons: got 6"),
        ({"active_electrons": 2, "multiplicity": 5}, "active_electrons: got 2"),
        ({"active_orbitals": 1}, "active_orbitals: got 1; allowed: from 2 to 6"),
        ({"active_electrons": 2, "active_orbitals": 6}, "active_orbitals: got 6; .*from 1 to 5"),
        ({"basis": "cc-pvqz"}, 'basis: got "cc-pvqz"; allowed: sto-3g, 6-31g, 6-311g, cc-pvdz'),
    ],
)
def test_active_space_that_cannot_be_is_refused(asked: dict[str, int], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        active_space(geometry_of("LiH", 1.5), **asked)  # type: ignore[arg-type]


@pytest.mark.parametrize("rounding", [-1e-16, 1e-16])
def test_of_equally_likely_determinants_the_first_leads(rounding: float) -> None:
    state = np.sqrt([0.5 + rounding, 0.0, 0.0, 0.5 - rounding])
    assert [bits for bits, _ in leading(Sector(2, 1, 1), state)] == ["1100", "0011"]
