"""Molecules beside PySCF along their bonds: ``python -m benchmarks.molecules``.

Hartree-Fock, restricted for closed and open shells, and exact energies of the spin that is asked
for, STO-3G. PySCF starts from four guesses, each taken on by its second-order solver until its
stability analysis is content, and of these the lowest counts. Both have the same nuclei, each its
own copy of the basis set. Where a sector has more than ``LARGEST`` determinants, the lowest
orbitals are frozen.

A row is wrong where Hartree-Fock is above PySCF's, or the exact energy is another.
"""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
import numpy as np
from rich.console import Console
from rich.table import Table
from scipy.sparse.linalg import LinearOperator, eigsh

from benchmarks import machine, options
from hybrid_job.molecules.ansatz import sparse
from hybrid_job.molecules.exact import exact_energies
from hybrid_job.molecules.integrals import integrals
from quantum_pipeline.chemistry.active_space import active_space
from quantum_pipeline.chemistry.hamiltonian import Hamiltonian
from quantum_pipeline.chemistry.molecules import BOHR_ANGSTROM, NAMED, Geometry, geometry_of
from quantum_pipeline.chemistry.sector import Sector, sector_size

BONDS = {
    **{"H2": 0.74, "H3+": 0.9, "H4": 0.9, "H6": 0.95, "HeH+": 0.9, "LiH": 1.55, "BeH2": 1.3},
    **{"BH": 1.23, "CH4": 1.09, "H2O": 0.96, "HF": 0.95, "N2": 1.1, "CO": 1.13, "F2": 1.4},
    **{"NaH": 1.65, "HCl": 1.3},
}
"""About the lengths of equilibrium, in angstrom."""

STRETCHES = (1.0, 1.6, 2.5, 4.0)

CORNERS = (0.0, 0.0), (1.34, 0.0), (1.34, 1.34), (0.0, 1.34)
SQUARE: Geometry = tuple(("H", (x, y, 0.0)) for x, y in CORNERS)

LARGEST = 20_000
"""Determinants."""

DENSE = 1500
"""Determinants up to which PySCF's matrix is diagonalised whole."""

ROOTS = 4
"""States that Lanczos looks for: with one alone it may end 1e-6 hartree above, in the next one."""

LANCZOS_VECTORS = 200
"""Vectors that Lanczos keeps: with few it starts again too often where atoms are far apart."""

AGREE = 1e-6
"""Hartree."""


@dataclass(frozen=True)
class Case:
    """A molecule at one geometry."""

    name: str
    geometry: Geometry
    charge: int = 0
    multiplicity: int = 1

    @property
    def active_electrons(self) -> int:
        """The electrons that stay free, such that the sector is not too large."""
        space = active_space(self.geometry, charge=self.charge, multiplicity=self.multiplicity)
        n, up, down = space.n_orbitals, space.n_alpha, space.n_beta
        while sector_size(n, up, down) > LARGEST:
            n, up, down = n - 1, up - 1, down - 1
        return up + down


def cases() -> Iterator[Case]:
    """Yield the named molecules at four lengths, and eight others."""
    for name, length in BONDS.items():
        for stretch in STRETCHES:
            at = round(stretch * length, 2)
            yield Case(f"{name}, {at:g} Å", geometry_of(name, at), NAMED[name].charge)
    yield Case("H4, square", SQUARE)
    yield Case("H4, square, crossed", tuple(SQUARE[k] for k in (0, 2, 1, 3)))
    yield Case("H2, 12 Å", geometry_of("H2", 12.0))
    for multiplicity in (1, 3):
        yield Case("C", (("C", (0.0, 0.0, 0.0)),), 0, multiplicity)
        oxygen: Geometry = (("O", (0.0, 0.0, 0.0)), ("O", (0.0, 0.0, 1.2)))
        yield Case("O2, 1.2 Å", oxygen, 0, multiplicity)
    yield Case("OH, 0.97 Å", (("O", (0.0, 0.0, 0.0)), ("H", (0.0, 0.0, 0.97))), 0, 2)


@dataclass(frozen=True)
class Energies:
    """In hartree, and how long they took."""

    hartree_fock: float
    exact: float
    seconds: float


def ours(case: Case) -> Energies:
    began = time.perf_counter()
    made = integrals(
        case.geometry,
        charge=case.charge,
        multiplicity=case.multiplicity,
        active_electrons=case.active_electrons,
    )
    exact = exact_energies(sparse(Hamiltonian.of(made)), Sector.of(made)).energy
    return Energies(made.hartree_fock, exact, time.perf_counter() - began)


def of_pyscf(case: Case) -> Energies:
    began = time.perf_counter()
    from pyscf import gto, mcscf

    bohr = [(symbol, np.array(at) / BOHR_ANGSTROM) for symbol, at in case.geometry]
    molecule = gto.M(
        atom=bohr, unit="bohr", basis="sto-3g", charge=case.charge,
        spin=case.multiplicity - 1, verbose=0,
    )  # fmt: skip
    stable, field = min(_fields(molecule), key=lambda each: (not each[0], each[1].e_tot))
    electrons = case.active_electrons
    n_core = (molecule.nelectron - electrons) // 2
    space = mcscf.CASCI(field, molecule.nao - n_core, electrons)
    spin = (case.multiplicity - 1) / 2
    small = sector_size(space.ncas, *space.nelecas) <= DENSE
    exact = (_diagonalised if small else _by_lanczos)(space, spin * (spin + 1))
    lowest = field.e_tot if stable else float("nan")
    return Energies(lowest, exact, time.perf_counter() - began)


def _diagonalised(space: Any, spin_squared: float) -> float:
    """Return the lowest energy of a spin from PySCF's whole matrix.

    Of states of one energy the diagonalisation mixes the spins: that a state has a part of the
    right one is enough.
    """
    from pyscf import ao2mo, fci

    n, electrons = space.ncas, space.nelecas
    (one, core), two = space.get_h1eff(), ao2mo.restore(1, space.get_h2eff(), space.ncas)
    places, matrix = fci.direct_spin1.pspace(one, two, n, electrons, np=DENSE)
    energies, states = np.linalg.eigh(matrix)
    shape = [fci.cistring.num_strings(n, each) for each in electrons]
    for energy, state in zip(energies, states.T, strict=True):
        whole = np.zeros(len(state))
        whole[places] = state
        found = fci.spin_op.spin_square0(whole.reshape(shape), n, electrons)[0]
        if found < spin_squared + 1.9:
            return float(energy + core)
    raise ValueError(f"PySCF has no state of <S^2> {spin_squared}")


def _by_lanczos(space: Any, spin_squared: float) -> float:
    """Return the lowest energy of a spin by scipy's Lanczos, with PySCF's products H|psi>.

    PySCF's own Davidson stalls some 1e-5 hartree above where many states have nearly one energy.
    """
    from pyscf import fci

    n, electrons = space.ncas, space.nelecas
    one, core = space.get_h1eff()
    solver = fci.addons.fix_spin_(fci.direct_spin1.FCI(), shift=1.0, ss=spin_squared)
    both = solver.absorb_h1e(one, space.get_h2eff(), n, electrons, 0.5)
    shape = [fci.cistring.num_strings(n, each) for each in electrons]
    size = int(np.prod(shape))

    def applied(state: Any) -> Any:
        return np.asarray(solver.contract_2e(both, state.reshape(shape), n, electrons)).ravel()

    start = np.random.default_rng(0).normal(size=size)
    matrix = LinearOperator((size, size), matvec=applied, dtype=np.float64)
    found = eigsh(
        matrix,
        ROOTS,
        which="SA",
        v0=start,
        tol=1e-7,
        ncv=LANCZOS_VECTORS,
        return_eigenvectors=False,
    )
    return float(found.min() + core)


def _fields(molecule: Any) -> Iterator[tuple[bool, Any]]:
    """Yield PySCF's Hartree-Fock from each guess, and whether it is stable in the end."""
    from pyscf import lib, scf

    for guess in ("minao", "1e", "huckel", "atom"):
        plain = scf.ROHF(molecule) if molecule.spin else scf.RHF(molecule)
        plain.conv_tol, plain.max_cycle = 1e-11, 100
        plain.kernel(dm0=plain.get_init_guess(key=guess))
        field = plain.newton()
        field.conv_tol, field.max_cycle = 1e-11, 100
        field.kernel(plain.mo_coeff, plain.mo_occ)
        stable = False
        with contextlib.suppress(lib.exceptions.LinearDependencyError):  # of a flat Hessian
            for _ in range(10):
                orbitals, _, stable, _ = field.stability(return_status=True)
                if stable:
                    break
                field.kernel(orbitals, field.mo_occ)
        yield bool(field.converged and stable), field.undo_newton()


@dataclass(frozen=True)
class Row:
    case: Case
    ours: Energies
    pyscf: Energies

    @property
    def above(self) -> float:
        """Hartree by which we are above PySCF's Hartree-Fock; no number where it is unstable."""
        return self.ours.hartree_fock - self.pyscf.hartree_fock

    @property
    def difference(self) -> float:
        """Hartree between the exact energies."""
        return self.ours.exact - self.pyscf.exact

    @property
    def right(self) -> bool:
        return not self.above > AGREE and abs(self.difference) <= AGREE


def computed(case: Case) -> Row:
    """Return a case's row, and say at once what came of it: the whole takes long."""
    row = Row(case, ours(case), of_pyscf(case))
    took = f"{row.ours.seconds:.1f} s, PySCF's {row.pyscf.seconds:.1f} s"
    print(
        f"{case.name}, {case.multiplicity}: {'right' if row.right else 'WRONG'}, {took}", flush=True
    )
    return row


def table_of(rows: Iterable[Row]) -> Table:
    table = Table(
        "molecule", "multiplicity", "Hartree-Fock", "less PySCF's", "exact", "less PySCF's",
        "seconds", "PySCF's", "", title="hartree, STO-3G",
    )  # fmt: skip
    for row in rows:
        table.add_row(
            row.case.name,
            str(row.case.multiplicity),
            f"{row.ours.hartree_fock:.6f}",
            f"{row.above:.1e}",
            f"{row.ours.exact:.6f}",
            f"{row.difference:.1e}",
            f"{row.ours.seconds:.2f}",
            f"{row.pyscf.seconds:.2f}",
            "" if row.right else "wrong",
        )
    return table


@click.command()
@click.option("--only", default="", help="Part of a molecule's name; default: all.")
@options.threads
@options.json_file
def main(*, only: str, threads: int, json_file: Path | None) -> None:
    """Print the energies of both, and how many are right."""
    machine.pin_threads(threads)
    rows = [computed(case) for case in cases() if only in case.name]
    Console(width=None if sys.stdout.isatty() else 130).print(table_of(rows))
    right = sum(row.right for row in rows)
    said = "Hartree-Fock not above PySCF's, exact energies alike"
    print(f"{right} of {len(rows)}: {said} to {AGREE:g} hartree")
    figures = {
        f"{row.case.name}, {row.case.multiplicity}": {
            "hartree_fock": row.ours.hartree_fock, "above": row.above,
            "exact": row.ours.exact, "difference": row.difference,
        }
        for row in rows
    }  # fmt: skip
    options.write(json_file, {"right": right, "molecules": figures})
    sys.exit(right < len(rows))


if __name__ == "__main__":
    main()
