"""Molecules as they are asked for: what is read, what is settled, what is refused."""

from __future__ import annotations

from typing import Any

import pytest

from quantum_pipeline.chemistry import basis
from quantum_pipeline.chemistry.molecules import NAMED
from quantum_pipeline.chemistry.sizes import job_bytes
from quantum_pipeline.errors import InvalidRequest
from quantum_pipeline.files.reading import read
from quantum_pipeline.planning.vqe import EVALUATIONS, UCCSD_AMPLITUDES
from quantum_pipeline.problems import Chemistry
from quantum_pipeline.requests.algorithm import SettledVqe
from quantum_pipeline.requests.request import ResolvedRequest
from tests.planned import planned

H2 = {"molecule": "H2", "bond_length_angstrom": 0.74}
LIH = {"molecule": "LiH", "bond_length_angstrom": 1.546}
WATER = {"molecule": "H2O", "bond_length_angstrom": 0.96}


def resolved(problem: dict[str, Any], **request: Any) -> tuple[ResolvedRequest, str]:
    found = planned({"problem": {"type": "chemistry", **problem}, **request})
    return found.request, found.reasons.algorithm.words


def molecule(**problem: Any) -> Chemistry:
    found = resolved(problem)[0].problem
    assert isinstance(found, Chemistry)
    return found


def refused(problem: dict[str, Any], **request: Any) -> str:
    with pytest.raises(InvalidRequest) as error:
        resolved(problem, **request)
    return str(error.value)


@pytest.mark.parametrize(
    ("problem", "n_qubits", "determinants"),
    [
        (H2, 4, 4),
        (LIH, 12, 225),
        (WATER, 14, 441),
        ({**LIH, "active_electrons": 2, "active_orbitals": 3}, 6, 9),
        ({**H2, "basis": "6-31g"}, 8, 16),
        ({"molecule": "HeH+", "bond_length_angstrom": 0.77}, 4, 4),
        ({"molecule": "H2", "bond_length_angstrom": 1.06, "charge": 1, "multiplicity": 2}, 4, 2),
        ({"geometry": [["Li", [0, 0, 0]]], "multiplicity": 2}, 10, 50),
    ],
)
def test_qubits_and_determinants_are_known_before_anything_is_computed(
    problem: dict[str, Any], n_qubits: int, determinants: int
) -> None:
    found = molecule(**problem)
    assert (found.n_qubits, found.sector.dimension) == (n_qubits, determinants)


def test_a_resolved_molecule_has_every_default_filled_in_and_survives_json() -> None:
    request, _ = resolved({"molecule": "H3+", "bond_length_angstrom": 0.9, "basis": "STO-3G"})
    problem = request.problem
    assert isinstance(problem, Chemistry)
    assert (problem.basis, problem.charge, problem.multiplicity) == ("sto-3g", 1, 1)
    assert ResolvedRequest.model_validate_json(request.model_dump_json()) == request


@pytest.mark.parametrize("name", NAMED)
def test_every_named_molecule_is_what_its_name_says(name: str) -> None:
    found = molecule(molecule=name, bond_length_angstrom=1.2)
    assert sorted(found.formula) == sorted(name)
    assert found.n_electrons % 2 == 0


def test_the_basis_sets_that_can_be_asked_for_are_those_that_there_are() -> None:
    schema = Chemistry.model_json_schema()["properties"]
    assert tuple(schema["basis"]["anyOf"][0]["enum"]) == basis.names()
    assert schema["molecule"]["anyOf"][0]["enum"] == list(NAMED)


def test_a_scan_has_a_geometry_at_each_length() -> None:
    scan = molecule(molecule="LiH", bond_lengths_angstrom=[1.0, 2.5])
    assert [scan.geometry_at(length)[1][1][2] for length in scan.lengths] == [1.0, 2.5]


def test_a_geometry_is_the_same_molecule_as_its_name() -> None:
    named, placed = (
        molecule(**H2),
        molecule(geometry=[["H", [0, 0, 0]], ["H", [0, 0, 0.74]]]),
    )
    assert named.geometry_at(named.lengths[0]) == placed.geometry_at(placed.lengths[0])


@pytest.mark.parametrize(
    ("problem", "said"),
    [
        ({"molecule": "X2", "bond_length_angstrom": 1}, 'molecule: got "X2"; allowed: H2, H3+, H4'),
        ({"bond_length_angstrom": 1}, "problem.molecule: missing; allowed: one of H2, H3+"),
        ({"molecule": "H2"}, "bond_length_angstrom: missing; allowed: one of bond_length_angstrom"),
        ({**H2, "bond_lengths_angstrom": [1, 2]}, "got bond_lengths_angstrom beside it; allowed"),
        ({**H2, "geometry": [["H", [0, 0, 0]]]}, "molecule: got a geometry beside it; allowed: on"),
        ({**H2, "bond_length_angstrom": 0.01}, "got 0.01; allowed: a number from 0.1 to 100"),
        ({**H2, "bond_length_angstrom": float("nan")}, "got NaN; allowed: a number from 0.1"),
        ({"molecule": "H2", "bond_lengths_angstrom": [1]}, "got [1]; allowed: 2 to 50 different"),
        (
            {"molecule": "H2", "bond_lengths_angstrom": [1, 2, 1]},
            "bond_lengths_angstrom.2: got 1.0; allowed: each length once; it is bond_lengths_angst",
        ),
        (
            {**H2, "basis": "cc-pvtz"},
            'basis: got "cc-pvtz"; allowed: one of sto-3g, 6-31g, 6-311g, cc-',
        ),
        ({"geometry": [["Q", [0, 0, 0]]]}, 'geometry.0.0: got "Q"; allowed: an element from H to'),
        ({"geometry": [["H", [0, 0]]]}, "geometry.0.1: got [0, 0]; allowed: [x, y, z] in angstro"),
        ({"geometry": []}, "geometry: got []; allowed: a list of one or more, each"),
        (
            {"geometry": [["H", [0, 0, 0]], ["H", [0, 0.05, 0]]]},
            "geometry.1.1: got [0.0, 0.05, 0.0]; allowed: at least 0.1 angstrom from nucleus 0",
        ),
        ({**H2, "multiplicity": 2}, "multiplicity: got 2; allowed: odd numbers up to 3, of 2 elec"),
        ({**H2, "charge": 2}, "charge: got 2; allowed: from -2 to 1"),
        (
            {"molecule": "HeH+", "bond_length_angstrom": 0.8, "charge": 0},
            "charge: got 0; allowed: 1, which the name HeH+ says, or nothing",
        ),
        ({**LIH, "active_electrons": 3}, "active_electrons: got 3; allowed: even numbers from 2 t"),
        ({**LIH, "active_orbitals": 7}, "active_orbitals: got 7; allowed: from 2 to 6: 4 electron"),
        ({"geometry": [["He", [0, 0, 0]]]}, "one determinant, whose energy is that of Hartree-Foc"),
    ],
)
def test_what_is_no_molecule_is_refused_by_its_field(problem: dict[str, Any], said: str) -> None:
    assert said in refused(problem)


@pytest.mark.parametrize(
    ("request_", "said"),
    [
        (
            {"device": "sv1", "algorithm": {"train_on": "device"}},
            'algorithm.train_on: got "device"; allowed: nothing here; '
            "train_on is a setting of qaoa",
        ),
        ({"algorithm": {"name": "qaoa"}}, 'algorithm.name: got "qaoa"; allowed: auto or vqe'),
        ({"algorithm": {"name": "rqaoa"}}, 'algorithm.name: got "rqaoa"; allowed: auto or vqe'),
        ({"algorithm": {"depth": 2}}, "algorithm.depth: got 2; allowed: nothing here; depth is a"),
        ({"algorithm": {"gammas": [1.0], "betas": [1.0]}}, "gammas is a setting of qaoa"),
        ({"algorithm": {"starts": 3}}, "starts is a setting of qaoa"),
        ({"algorithm": {"cvar_alpha": 0.5}}, "cvar_alpha is a setting of qaoa"),
        ({"algorithm": {"optimizer": "spsa"}}, 'optimizer: got "spsa"; allowed: auto or l-bfgs-b'),
    ],
)
def test_what_vqe_has_not_is_refused_by_name(request_: dict[str, Any], said: str) -> None:
    assert said in refused(H2, **request_)


def test_what_does_not_fit_is_refused_with_sizes_that_do() -> None:
    large = {**WATER, "basis": "6-31g"}
    said = refused(large)
    assert "10 active electrons in 13 orbitals, 1,656,369 determinants, 95 GiB" in said
    assert "active_electrons 10, active_orbitals up to 10;" in said
    resolved({**large, "active_electrons": 10, "active_orbitals": 10})
    assert "11 orbitals" in refused({**large, "active_electrons": 10, "active_orbitals": 11})


@pytest.mark.parametrize(
    ("element", "size"),
    [
        ("H", "50 active electrons in 150 orbitals, 3.83e+56 determinants, 1.28e+56 GiB"),
        ("Ar", "900 active electrons in 1050 orbitals, 4.13e+619 determinants, 1.13e+623 GiB"),
    ],
)
def test_what_is_larger_than_any_float_is_refused_with_its_size(element: str, size: str) -> None:
    atoms = [[element, [0.0, 0.0, 4.0 * number]] for number in range(50)]
    assert f"problem: got {size}; allowed: up to 4 GiB" in refused(
        {"type": "chemistry", "geometry": atoms, "basis": "6-311g"}
    )


def test_a_scan_that_could_not_be_verified_is_refused_with_the_lengths_that_could() -> None:
    large = {"molecule": "H2O", "basis": "6-31g", "active_electrons": 10, "active_orbitals": 10}
    lengths = [0.9 + 0.01 * k for k in range(40)]
    said = refused({**large, "bond_lengths_angstrom": lengths})
    assert "bond_lengths_angstrom: got 40 lengths; allowed: up to " in said
    most = int(said.partition("up to ")[2].split()[0])
    resolved({**large, "bond_lengths_angstrom": lengths[:most]})


def test_auto_is_vqe_whose_ansatz_goes_by_size_and_says_so_in_figures() -> None:
    request, because = resolved(LIH)
    assert isinstance(request.algorithm, SettledVqe)
    assert request.algorithm.ansatz == "uccsd"
    assert request.algorithm.max_evaluations == EVALUATIONS["uccsd"]
    for figure in ("12 spin orbitals", "225 determinants of 2 + 2 electrons", "92 amplitudes"):
        assert figure in because


def test_more_amplitudes_than_can_be_optimised_at_once_are_appended_one_by_one() -> None:
    wide = {"molecule": "F2", "bond_length_angstrom": 1.4, "basis": "6-311g"}
    request, because = resolved({**wide, "active_electrons": 6, "active_orbitals": 13})
    assert request.algorithm.ansatz == "adapt"
    assert f"too many (over {UCCSD_AMPLITUDES})" in because


def test_an_ansatz_that_was_asked_for_is_taken() -> None:
    request, because = resolved(LIH, algorithm={"ansatz": "adapt", "max_evaluations": 77})
    assert request.algorithm.ansatz == "adapt"
    assert request.algorithm.max_evaluations == 77
    assert "ADAPT as asked, from 92 excitations" in because


def test_the_memory_of_a_molecule_grows_with_its_determinants_not_with_its_qubits() -> None:
    few = molecule(molecule="LiH", bond_length_angstrom=1.5, basis="6-31g")
    assert few.n_qubits == 22
    assert job_bytes(few.sector) < 100 * 2**20


@pytest.mark.parametrize(
    ("comment", "warned"),
    [
        ("water, in bohr", True),
        ("Bohr radii", True),
        ("lengths in a.u.", True),
        ("atomic units", True),
        ("", False),
        ("water, angstrom", False),
        ("bohrium", False),
    ],
)
def test_a_comment_that_speaks_of_bohr_is_warned_of(comment: str, warned: bool) -> None:
    content = f"2\n{comment}\nH 0 0 0\nH 0 0 0.74\n".encode()
    asked = read(content, "water.xyz").request["problem"]
    assert asked.get("comment", "") == comment
    warnings = Chemistry.model_validate(asked).warnings
    assert len(warnings) == warned
    assert all("read in angstrom" in each for each in warnings)


@pytest.mark.parametrize(
    ("molecule", "named"),
    [
        ({"molecule": "H2", "bond_length_angstrom": 10.0}, ()),
        ({"molecule": "H2", "bond_length_angstrom": 10.1}, ("10.1",)),
        ({"molecule": "H2", "bond_lengths_angstrom": [0.7, 12.0, 20.0]}, ("12, 20",)),
        ({"geometry": [["H", [0, 0, 0]], ["H", [0, 0, 9]], ["H", [0, 0, 18]]], "charge": 1}, ()),
        ({"geometry": [["H", [0, 0, 0]], ["H", [0, 0, 1]], ["He", [0, 3, 14]]]}, ("13.34",)),
        ({"geometry": [["He", [0, 0, 0]]]}, ()),
    ],
)
def test_parts_beyond_ten_angstrom_are_warned_of(
    molecule: dict[str, Any], named: tuple[str, ...]
) -> None:
    warnings = Chemistry.model_validate({"type": "chemistry", **molecule}).warnings
    assert len(warnings) == len(named)
    for each, length in zip(warnings, named, strict=True):
        assert f"{length} angstrom" in each
