"""Results of molecules that do not recompute are refused by name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from quantum_pipeline.chemistry.active_space import ActiveSpace, active_space
from quantum_pipeline.chemistry.excitations import Excitation, singles_and_doubles, state_of
from quantum_pipeline.chemistry.hamiltonian import Hamiltonian, energy_of
from quantum_pipeline.chemistry.molecules import BOHR_ANGSTROM, geometry_of
from quantum_pipeline.chemistry.sector import Sector
from quantum_pipeline.chemistry.verification import check_molecule, check_solution
from quantum_pipeline.errors import InvalidResult
from tests.unit.textbook import h2

GEOMETRY = geometry_of("H2", 1.4 * BOHR_ANGSTROM)
REPULSION = 1 / 1.4
SPACE = active_space(GEOMETRY)


def solution(**changes: Any) -> Callable[[], None]:
    made = h2()
    excitations, parameters = singles_and_doubles(Sector.of(made)), [0.11, 0.0, 0.01]
    claims: dict[str, Any] = {
        "excitations": excitations,
        "parameters": parameters,
        "energy": energy_of(made, state_of(Sector.of(made), excitations, parameters)),
        "ground": float(np.linalg.eigvalsh(Hamiltonian.of(made).dense())[0]),
    }
    return lambda: check_solution(made, **(claims | changes))


def test_right_result_passes() -> None:
    check_molecule(REPULSION, SPACE, h2())
    solution()()
    solution(ground=None)()


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("n_alpha", 2, r"integrals.n_alpha: got 2; allowed: 1"),
        ("n_core", 1, r"integrals.n_core: got 1; allowed: 0"),
        ("nuclear_repulsion", 0.7, r"integrals.nuclear_repulsion: got 0.7; recomputed it is 0.714"),
        ("core_energy", 0.8, r"integrals.core_energy: got 0.8; recomputed it is 0.714"),
        ("hartree_fock", -1.2, r"hartree_fock: got -1.2; recomputed it is -1.116"),
    ],
)
def test_integrals_of_another_molecule_are_refused(field: str, value: float, message: str) -> None:
    with pytest.raises(InvalidResult, match=message):
        check_molecule(REPULSION, SPACE, h2().model_copy(update={field: value}))


def test_frozen_electrons_may_have_an_energy() -> None:
    made = h2().model_copy(update={"n_core": 1, "core_energy": -1.0})
    made = made.model_copy(update={"hartree_fock": made.recomputed_hartree_fock()})

    check_molecule(REPULSION, ActiveSpace(1, 2, 1, 1), made)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"energy": -1.1373}, r"energy: got -1.1373; recomputed it is -1.13"),
        ({"energy": float("nan")}, r"energy: got nan; recomputed it is"),
        ({"parameters": [0.3, 0.0]}, r"length of parameters: got 2; allowed: 3"),
        ({"ground": -1.0}, r"energy: got -1.1.*; allowed: from the lowest -1.0 to Hartree-Fock"),
    ],
)
def test_energy_that_does_not_follow_is_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidResult, match=message):
        solution(**changes)()


def test_energy_above_hartree_fock_is_refused() -> None:
    made = h2()
    excitations, parameters = [Excitation((0, 1), (2, 3))], [1.5]
    energy = energy_of(made, state_of(Sector.of(made), excitations, parameters))
    with pytest.raises(InvalidResult, match=r"from the lowest -inf to Hartree-Fock's -1.1"):
        check_solution(made, excitations, parameters, energy, None)


@pytest.mark.parametrize(
    "excitation",
    [
        Excitation((0,), (4,)),
        Excitation((0,), (3,)),
        Excitation((0,), (0,)),
        Excitation((1, 0), (2, 3)),
        Excitation((0, 1), (2,)),
        Excitation((), ()),
        Excitation((-1,), (3,)),
    ],
)
def test_excitation_that_cannot_be_is_refused(excitation: Excitation) -> None:
    with pytest.raises(InvalidResult, match=r"excitations\.0: got .*; allowed: one or two rising"):
        check_solution(h2(), [excitation], [0.1], -1.1, None)
