"""Molecules by their integrals: the energies do not depend on the orbitals that they are over."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from hybrid_job.molecules.integrals import integrals, integrals_at
from quantum_pipeline.chemistry.hamiltonian import Hamiltonian
from quantum_pipeline.chemistry.integrals import Integrals, packed
from quantum_pipeline.chemistry.molecules import geometry_of
from quantum_pipeline.chemistry.verification import check_molecule
from quantum_pipeline.errors import InvalidRequest, InvalidResult
from quantum_pipeline.files.reading import read
from quantum_pipeline.problems import Chemistry
from quantum_pipeline.problems.features import features
from quantum_pipeline.requests.request import parse_request

LITHIUM_HYDRIDE = geometry_of("LiH", 1.546)


def given(made: Integrals, seed: int, **more: Any) -> Chemistry:
    """Return the problem of integrals over other orbitals, at random in the same space."""
    turn = np.linalg.qr(np.random.default_rng(seed).normal(size=made.h.shape))[0]
    two = np.einsum("pqrs,pi,qj,rk,sl->ijkl", made.eri, turn, turn, turn, turn, optimize=True)
    asked = {
        "n_orbitals": made.n_orbitals,
        "n_electrons": made.n_alpha + made.n_beta,
        "core_energy": made.core_energy,
        **packed(turn.T @ made.h @ turn, two),
    }
    problem = {"type": "chemistry", "integrals": asked, **more}
    found = parse_request(json.loads(json.dumps({"problem": problem}))).problem
    assert isinstance(found, Chemistry)
    return found


def lowest(made: Integrals) -> float:
    return float(np.linalg.eigvalsh(Hamiltonian.of(made).dense())[0])


@pytest.mark.parametrize("active", [{}, {"active_electrons": 2, "active_orbitals": 4}])
def test_integrals_over_other_orbitals_have_the_molecules_energies(active: dict[str, Any]) -> None:
    expected = integrals(LITHIUM_HYDRIDE, **active)
    problem = given(integrals(LITHIUM_HYDRIDE), 1, **active)

    made, orbitals = integrals_at(problem, None)

    assert made.hartree_fock == pytest.approx(expected.hartree_fock, abs=1e-9)
    assert lowest(made) == pytest.approx(lowest(expected), abs=1e-9)
    assert (made.n_core, orbitals.shape) == (expected.n_core, (6, 6))
    check_molecule(problem.nuclear_repulsion(None), problem.space, made, problem.integrals)


def test_other_integrals_than_the_given_ones_are_refused() -> None:
    problem = given(integrals(geometry_of("H2", 0.74)), 2)
    other = given(integrals(geometry_of("H2", 0.75)), 2)
    made = integrals_at(other, None)[0].model_copy(
        update={"nuclear_repulsion": problem.nuclear_repulsion(None)}
    )
    made = made.model_copy(update={"core_energy": made.nuclear_repulsion})
    made = made.model_copy(update={"hartree_fock": made.recomputed_hartree_fock()})

    with pytest.raises(InvalidResult, match=r"integrals\.one_electron: trace: got .*recomputed"):
        check_molecule(made.nuclear_repulsion, problem.space, made, problem.integrals)


def test_integrals_are_told_from_others_and_have_no_nuclei() -> None:
    one, other = (given(integrals(geometry_of("H2", length)), 3) for length in (0.74, 0.75))

    assert one.formula != other.formula
    assert features(one).model_dump()["basis"] is None
    assert (one.basis, one.charge, one.geometry_at(None), one.n_electrons) == (None, None, (), 2)
    again = parse_request({"problem": one.model_dump(mode="json")}).problem
    assert again == one


HUBBARD = {"n_orbitals": 2, "n_electrons": 2, "one_electron": [0.0, -1.0, 0.0],
           "two_electron": [4.0, 0.0, 0.0, 0.0, 0.0, 4.0]}  # fmt: skip


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"basis": "sto-3g"}, 'basis: got "sto-3g"; allowed: none: integrals say it themselves'),
        ({"charge": 0}, "charge: got 0; allowed: none: integrals say it themselves"),
        ({"geometry": [["H", [0, 0, 0]]]}, "geometry: got integrals beside it; allowed: one of"),
        ({"molecule": "H2"}, "molecule: got integrals beside it; allowed: one of the two"),
        ({"multiplicity": 2}, "multiplicity: got 2; allowed: odd numbers up to 3, of 2 electrons"),
        ({"active_orbitals": 3}, "active_orbitals: got 3; allowed: from 1 to 2: 2 electrons"),
        ({"integrals": {**HUBBARD, "n_electrons": 5}}, "n_electrons: got 5; allowed: up to 4, two"),
        ({"integrals": {**HUBBARD, "n_orbitals": 51}}, "n_orbitals: got 51; allowed: an integer"),
        ({"integrals": {**HUBBARD, "two_electron": [4.0]}}, "two_electron: got a length of 1; all"),
    ],
)  # fmt: skip
def test_what_does_not_go_with_integrals_is_refused_by_name(
    change: dict[str, Any], said: str
) -> None:
    problem = {"type": "chemistry", "integrals": HUBBARD, **change}
    with pytest.raises(InvalidRequest, match=said):
        parse_request({"problem": problem})


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("FCI NORB=2,NELEC=2 &END\n", 'line 1: got "FCI NORB=2,NELEC=2 &END"; allowed: "&FCI'),
        ("&FCI NORB=99,NELEC=2 &END\n", "NORB: got 99; allowed: an integer from 1 to 50"),
        ("&FCI NORB=2,NELEC=2,MS2=x &END\n", 'MS2: got "x"; allowed: an integer from -2 to 2'),
        ("&FCI NORB=2,NELEC=2,IUHF=1 &END\n", 'IUHF: got "1"; allowed: one set of real orbitals'),
        ("&FCI NORB=2,NELEC=2 &END\n(1.0,0.0) 1 1 1 1\n", "line 2: .*allowed: real integrals"),
        ("&FCI NORB=2,NELEC=2 &END\n1.0 1 1 1 3\n", 'line 2, orbital: got "3"; allowed: an integ'),
        ("&FCI NORB=2,NELEC=2 &END\n1.0 1 1 1 0\n", 'line 2: .*"value i j k l", "value i j 0 0"'),
        ("&FCI NORB=2,NELEC=2 &END\n1.0 1 1\n", 'line 2: got "1.0 1 1"; allowed: "value i j k l"'),
        ("&FCI NORB=2,NELEC=2 &END\n1 2 1 0 0\n2 1 2 0 0\n", "line 3: .*the equal ones alike"),
    ],
)
def test_a_wrong_fcidump_is_refused_by_its_line(text: str, said: str) -> None:
    with pytest.raises(InvalidRequest, match=f"^a.fcidump: {said}"):
        read(text.encode(), "a.fcidump")


def test_a_header_over_lines_and_its_spin_are_read() -> None:
    head = "&FCI NORB=  3,NELEC= 3,MS2= -1,\n  ORBSYM=1,1,\n  5\n  ISYM=2,\n /\n"
    found = read(f"{head} 0.5 0 0 0 0\n -2.0 1 0 0 0\n -1.5 3 3 0 0\n".encode(), "a.fcidump")
    problem = found.request["problem"]
    assert problem["multiplicity"] == 2
    assert problem["integrals"]["core_energy"] == 0.5
    assert problem["integrals"]["one_electron"] == [0, 0, 0, 0, 0, -1.5]
    assert "ISYM=2 was passed over" in found.notes[0]
