"""Computes how much memory a molecule takes, before anything else is computed."""

from __future__ import annotations

from quantum_pipeline.chemistry.excitations import n_pairs
from quantum_pipeline.chemistry.hamiltonian import memory_bytes
from quantum_pipeline.chemistry.sector import Sector

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
