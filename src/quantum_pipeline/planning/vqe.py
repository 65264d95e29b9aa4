"""Checks which active spaces VQE can solve, what they take, and which ansatz suits them.

All is known from the numbers of electrons and orbitals, before anything is computed.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from math import comb

from quantum_pipeline.chemistry.excitations import n_excitations
from quantum_pipeline.chemistry.hamiltonian import row_width
from quantum_pipeline.chemistry.sector import MAX_ORBITALS, Sector
from quantum_pipeline.chemistry.sizes import MAX_BYTES, job_bytes
from quantum_pipeline.errors import InvalidRequest
from quantum_pipeline.problems import Chemistry
from quantum_pipeline.requests.algorithm import Ansatz

MATRIX_ELEMENTS = 10**9
"""Most elements of all Hamiltonians of a scan: each is computed again to verify its energy."""

INTEGRALS = 500_000
"""Most two-electron integrals in a result, some 10 MiB as JSON."""

UCCSD_AMPLITUDES = 1000
"""Up to here all singles and doubles are optimised at once.

Measured from H2 to a chain of ten H (875 amplitudes): 9 to 20 evaluations, in a half to a tenth of
the time that ADAPT takes to the same error.
"""

EVALUATIONS = {"uccsd": 1000, "adapt": 5000}
"""Evaluations of the energy at one geometry that are allowed if nothing was said."""


def check_size(problem: Chemistry) -> None:
    """Refuse what does not fit the job, or could not be verified.

    Raises:
        InvalidRequest: names the size, what it takes, and which sizes would fit.
    """
    sector, points = problem.sector, len(problem.lengths)
    what = f"{sector.n_alpha + sector.n_beta} active electrons in {sector.n_orbitals} orbitals"
    if sector.dimension == 1:
        raise InvalidRequest(
            f"problem: got {what}, one determinant, whose energy is that of Hartree-Fock; allowed: "
            "more orbitals, by active_orbitals or a larger basis"
        )
    if not _fits(sector):
        takes = f"{_counted(sector.dimension)} determinants, {_gibibytes(job_bytes(sector))} GiB"
        such = "; ".join(
            f"active_electrons {electrons}, active_orbitals up to {orbitals}"
            for electrons, orbitals in _fitting(problem)
        )
        raise InvalidRequest(
            f"problem: got {what}, {takes}; allowed: up to {MAX_BYTES / 2**30:g} GiB and "
            f"{MAX_ORBITALS} orbitals, such as {such}"
        )
    most = min(
        MATRIX_ELEMENTS // (sector.dimension * row_width(sector)),
        INTEGRALS // _n_integrals(sector.n_orbitals),
    )
    if points > most:
        allowed = f"up to {most} lengths for {sector.dimension:,} determinants each"
        raise InvalidRequest(
            f"problem.bond_lengths_angstrom: got {points} lengths; allowed: {allowed}"
        )


def choose_ansatz(problem: Chemistry) -> tuple[Ansatz, str]:
    """Return the ansatz for a molecule, and why."""
    n = n_excitations(problem.sector)
    if n <= UCCSD_AMPLITUDES:
        return "uccsd", (
            f"UCCSD, whose {n} amplitudes are few enough (up to {UCCSD_AMPLITUDES}) to optimise "
            "all at once"
        )
    return "adapt", (
        f"ADAPT, for UCCSD would have {n} amplitudes: too many (over {UCCSD_AMPLITUDES}) to "
        "optimise all at once"
    )


def _fits(sector: Sector) -> bool:
    return sector.n_orbitals <= MAX_ORBITALS and job_bytes(sector) <= MAX_BYTES


def _fitting(problem: Chemistry) -> Iterator[tuple[int, int]]:
    """Yield numbers of active electrons with the most orbitals that fit, up to three of them."""
    space = problem.space
    available = space.n_core + space.n_orbitals
    found = 0
    for n_beta in range(space.n_beta, -1, -1):
        n_alpha = space.n_alpha - space.n_beta + n_beta
        n_core = space.n_core + space.n_beta - n_beta
        most = min(available - n_core, MAX_ORBITALS)
        fitting = [n for n in range(n_alpha, most + 1) if _fits(Sector(n, n_alpha, n_beta))]
        if n_alpha + n_beta and fitting and fitting[-1] > n_alpha:
            yield n_alpha + n_beta, fitting[-1]
            found += 1
        if found == 3:
            return


def _counted(number: int) -> str:
    """Return a number that may be larger than any float."""
    return f"{number:,}" if number < 10**15 else f"{Decimal(number):.3g}"


def _gibibytes(size: int) -> str:
    whole = size >> 30
    return f"{size / 2**30:,.3g}" if whole < 10**15 else _counted(whole)


def _n_integrals(n_orbitals: int) -> int:
    return comb(n_orbitals * (n_orbitals + 1) // 2 + 1, 2)
