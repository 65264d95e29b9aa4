"""What a molecule takes: memory, circuits on a device, and the active space that would fit."""

from __future__ import annotations

from typing import TYPE_CHECKING

from quantum_pipeline.chemistry.excitations import n_pairs
from quantum_pipeline.chemistry.factorisation import most_groups
from quantum_pipeline.chemistry.hamiltonian import memory_bytes
from quantum_pipeline.chemistry.sector import Sector

if TYPE_CHECKING:
    from quantum_pipeline.problems import Chemistry

PAIR_BYTES = 24
"""A pair of determinants: two places and a sign."""

MAX_BYTES = 4 * 2**30
"""Most memory for a molecule, half of the job's; 20 qubits with 10 electrons take 1.5 GiB."""


def job_bytes(sector: Sector) -> int:
    """Return the memory that the job takes for matrix, excitations and exact energy.

    Cost: O(1), whatever the size. The tables of excitations stand there twice when ADAPT has all of
    them chosen.

    >>> job_bytes(Sector(6, 2, 2)) < 2**26
    True
    """
    return memory_bytes(sector) + 2 * PAIR_BYTES * n_pairs(sector)


def measurement_settings(problem: Chemistry) -> int:
    """Return the circuits that one energy takes on a device, of its one point that is measured.

    Known from the number of orbitals; a molecule of more symmetry may take fewer, never more.
    """
    return most_groups(problem.space.n_orbitals)
