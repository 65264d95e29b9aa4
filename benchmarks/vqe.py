"""Molecules beside PennyLane: ``python -m benchmarks.vqe``.

Set-up is from the geometry to what energies are computed from: our integrals, matrix and tables,
and PennyLane's ``molecular_hamiltonian``. The optimisation is UCCSD with the same excitations,
start, coordinates, optimiser and tolerances for all; PennyLane runs it on lightning with adjoint
gradients:

    fermionic   FermionicDoubleExcitation and FermionicSingleExcitation, the same state at the same
                parameters: energy and gradient are alike to 1e-8, or the row is void
    qubit       DoubleExcitation and SingleExcitation, as in its tutorials: cheaper, without the
                signs of the electrons passed, so the same ansatz by name only

The imports count for nobody. Rounds are interleaved, medians compared.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import click
import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table
from scipy.optimize import minimize

from benchmarks import machine, options
from benchmarks.timing import Limits, Timing, interleave
from hybrid_job.molecules.ansatz import Ansatz
from hybrid_job.molecules.exact import exact_energies
from hybrid_job.molecules.excitation_search import L_BFGS_B, Budget, Search, excitation_costs
from hybrid_job.molecules.integrals import integrals
from quantum_pipeline.chemistry.excitations import Excitation, rotation
from quantum_pipeline.chemistry.integrals import Integrals
from quantum_pipeline.chemistry.molecules import Geometry, geometry_of

Real = NDArray[np.float64]
Evaluate = Callable[[Real], tuple[float, Real]]

MOLECULES = {"H2": 0.74, "LiH": 1.546}
"""Bond lengths in angstrom; STO-3G, all orbitals."""

AGREE = 1e-8
ACCURATE = 1.6
"""Millihartree."""


def prepared(geometry: Geometry) -> tuple[Integrals, Search, Ansatz]:
    """Return all that our optimisation works on."""
    made = integrals(geometry)
    search = Search(made, Budget(10**6, float("inf")))
    return made, search, Ansatz(search.matrix, (rotation(search.sector, e) for e in search.pool))


def hamiltonian_of_pennylane(geometry: Geometry) -> Any:
    from pennylane import qchem

    symbols, points = zip(*geometry, strict=True)
    molecule = qchem.Molecule(list(symbols), np.array(points), unit="angstrom")
    return qchem.molecular_hamiltonian(molecule)


def in_pennylane(made: Integrals) -> Any:
    """Return our integrals' Hamiltonian in PennyLane's terms, so that both minimise one energy."""
    import pennylane
    from pennylane.qchem import fermionic_observable

    physicists = made.eri.transpose(0, 2, 3, 1)
    observable = fermionic_observable(np.array([made.core_energy]), made.h, physicists)
    coefficients, operators = pennylane.jordan_wigner(observable).terms()
    return pennylane.Hamiltonian(np.real(coefficients), operators)


def lightning(
    made: Integrals, excitations: Sequence[Excitation], hamiltonian: Any, *, fermionic: bool
) -> Evaluate:
    """Return energy and adjoint gradient of the circuit; its angles are twice the parameters."""
    import pennylane

    wires = range(made.n_qubits)
    occupied = {2 * p for p in range(made.n_alpha)} | {2 * p + 1 for p in range(made.n_beta)}
    filled = np.array([int(wire in occupied) for wire in wires])

    def circuit(angles: Any) -> Any:
        pennylane.BasisState(filled, wires=wires)
        for k, (low, high) in enumerate(excitations):
            if fermionic:
                spans = [list(range(low[0], low[-1] + 1)), list(range(high[0], high[-1] + 1))]
                if len(low) == 2:
                    pennylane.FermionicDoubleExcitation(angles[k], *spans)
                else:
                    span = list(range(low[0], high[0] + 1))
                    pennylane.FermionicSingleExcitation(angles[k], wires=span)
            elif len(low) == 2:
                pennylane.DoubleExcitation(angles[k], wires=[*low, *high])
            else:
                pennylane.SingleExcitation(angles[k], wires=[*low, *high])
        return pennylane.expval(hamiltonian)

    device = pennylane.device("lightning.qubit", wires=made.n_qubits)
    gradient = pennylane.grad(pennylane.QNode(circuit, device, diff_method="adjoint"))

    def evaluate(parameters: Real) -> tuple[float, Real]:
        slopes = gradient(pennylane.numpy.array(2 * parameters, requires_grad=True))
        return float(gradient.forward), 2 * np.array(slopes)

    return evaluate


def optimised(evaluate: Evaluate, costs: Real) -> Any:
    """Return what L-BFGS-B comes to from Hartree-Fock, in the coordinates of ``Search``."""
    scale = np.sqrt(costs)

    def objective(x: Real) -> tuple[float, Real]:
        energy, gradient = evaluate(x / scale)
        return energy, gradient / scale

    return minimize(objective, np.zeros(len(costs)), **L_BFGS_B)


@dataclass
class Found:
    """A molecule's timings by competitor, and what they came to."""

    name: str
    exact: float
    setup: dict[str, Timing]
    optimise: dict[str, Timing]
    differences: dict[str, float] = field(default_factory=dict)

    def error(self, who: str) -> float:
        """Return millihartree above the exact energy."""
        return 1000 * (float(self.optimise[who].result.fun) - self.exact)

    @property
    def right(self) -> bool:
        fermionic = self.differences.get("pennylane fermionic", 0.0)
        return fermionic <= AGREE and self.error("ours") <= ACCURATE

    def as_json(self) -> dict[str, Any]:
        return {
            "bond_length_angstrom": MOLECULES[self.name],
            "exact": self.exact,
            "setup_seconds": {who: each.seconds for who, each in self.setup.items()},
            "optimise_seconds": {who: each.seconds for who, each in self.optimise.items()},
            "evaluations": {who: int(each.result.nfev) for who, each in self.optimise.items()},
            "error_millihartree": {who: self.error(who) for who in self.optimise},
            "max_difference": self.differences,
        }


def compare(name: str, limits: Limits) -> Found:
    """Return both timings of one molecule."""
    geometry = geometry_of(name, MOLECULES[name])
    setups: dict[str, Callable[[], Any]] = {
        "ours": lambda: prepared(geometry),
        "pennylane": lambda: hamiltonian_of_pennylane(geometry),
    }
    setup = interleave(setups, limits)
    made, search, ansatz = setup["ours"].result
    costs = excitation_costs(made, search.pool)
    theirs = in_pennylane(made)
    evaluate: dict[str, Evaluate] = {
        "ours": ansatz.energy_and_gradient,
        "pennylane fermionic": lightning(made, search.pool, theirs, fermionic=True),
        "pennylane qubit": lightning(made, search.pool, theirs, fermionic=False),
    }
    somewhere = np.random.default_rng(1).normal(scale=0.3, size=len(costs))
    energy, gradient = evaluate["ours"](somewhere)
    other, slopes = evaluate["pennylane fermionic"](somewhere)
    difference = max(abs(energy - other), float(np.abs(gradient - slopes).max()))
    calls = {who: (lambda each=each: optimised(each, costs)) for who, each in evaluate.items()}
    optimise = interleave(calls, limits)
    exact = exact_energies(search.matrix, search.sector).energy
    return Found(name, exact, setup, optimise, {"pennylane fermionic": difference})


def tables(found: Iterable[Found]) -> Iterable[Table]:
    for each in found:
        exact = f"exact {each.exact:.6f} hartree"
        table = Table(
            "", "seconds", "ratio to ours", "evaluations", "mHa above exact",
            title=f"{each.name} at {MOLECULES[each.name]} angstrom, STO-3G: {exact}",
        )  # fmt: skip
        for what, timings in (("set-up", each.setup), ("optimise", each.optimise)):
            for who, timing in timings.items():
                ratio = f"{timing.seconds / timings['ours'].seconds:.3g}"
                if each.differences.get(who, 0.0) > AGREE:
                    ratio = f"void: differs by {each.differences[who]:.1e}"
                evaluations, error = "", ""
                if what == "optimise":
                    evaluations, error = f"{timing.result.nfev}", f"{each.error(who):.5f}"
                table.add_row(f"{what}, {who}", str(timing), ratio, evaluations, error)
        yield table


@click.command()
@click.option(
    "--molecule", "names", multiple=True, default=MOLECULES, show_default=True,
    type=click.Choice(list(MOLECULES)), help="May be given several times.",
)  # fmt: skip
@options.threads
@options.rounds
@options.budget
@options.json_file
def main(
    *, names: tuple[str, ...], threads: int, rounds: int, budget: float, json_file: Path | None
) -> None:
    """Print the times of set-up and optimisation, and how near the energies come to the exact."""
    machine.pin_threads(threads)
    import pennylane  # noqa: F401

    found = [compare(name, Limits(rounds, budget)) for name in names]
    for table in tables(found):
        Console().print(table)
    molecules = {each.name: each.as_json() for each in found}
    options.write(json_file, {"threads": threads, "molecules": molecules})
    sys.exit(not all(each.right for each in found))


if __name__ == "__main__":
    main()
