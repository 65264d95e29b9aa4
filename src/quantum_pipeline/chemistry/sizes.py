"""How much memory a molecule takes, and which active space would fit where it is too much."""

from __future__ import annotations

from quantum_pipeline.chemistry.excitations import n_pairs
from quantum_pipeline.chemistry.hamiltonian import memory_bytes
from quantum_pipeline.chemistry.sector import MAX_ORBITALS, Sector
from quantum_pipeline.wording import refusal

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


def check_size(sector: Sector) -> None:
    """Refuse what does not fit.

    Raises:
        ValueError: says how many orbitals would fit with as many electrons, or with fewer.
    """
    if sector.n_orbitals <= MAX_ORBITALS and job_bytes(sector) <= MAX_BYTES:
        return
    smaller = range(min(sector.n_orbitals, MAX_ORBITALS), 0, -1)
    fits = [
        n
        for n in smaller
        if n >= sector.n_alpha and job_bytes(Sector(n, sector.n_alpha, sector.n_beta)) <= MAX_BYTES
    ]
    electrons = sector.n_alpha + sector.n_beta
    needs = f"{job_bytes(sector) / 2**30:.3g} GiB of {MAX_BYTES / 2**30:.3g}"
    allowed = f"up to {fits[0]} with {electrons} active electrons" if fits else "fewer electrons"
    allowed = f"{allowed}; {sector.n_orbitals} take {needs}"
    raise ValueError(refusal("active_orbitals", sector.n_orbitals, allowed))
