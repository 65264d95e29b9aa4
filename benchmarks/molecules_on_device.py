"""Molecules measured under noise: ``python -m benchmarks.molecules_on_device``.

The circuits are those of a run on DM1: amplitudes trained on the exact state, one circuit for each
group of the Hamiltonian, the numbers of electrons checked in every shot, readout corrected and
gates folded. DM1 is Braket's density matrix simulator on this machine, with depolarising noise
after each gate and bit flips before the readout. It gives the probabilities, from which the shots
of each seed are drawn, so the same seeds print the same figures.

"raw" is the energy of all shots as they are read, "mitigated" with all that was done; both less
the exact energy of the state, root mean square over the seeds. "least" is the smallest ratio of
raw to mitigated error of any one seed; "kept" in how many of them the calibration circuits, whose
energy is known, made the mitigated energy count; "z" the root mean square of the mitigated
energy's error over its standard error.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

import click
import numpy as np
from braket.circuits import Circuit
from braket.devices import LocalSimulator
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from benchmarks import options
from hybrid_job.molecules.excitation_search import Budget
from hybrid_job.molecules.point import solve_point
from hybrid_job.on_device.measurement import Compiled, Counts, Measurement
from hybrid_job.on_device.mitigating.checks import calibration_angles
from hybrid_job.on_device.mitigating.protocol import Protocol
from hybrid_job.on_device.molecules.settings import Settings
from quantum_pipeline.chemistry.factorisation import groups
from quantum_pipeline.problems import Chemistry
from quantum_pipeline.requests.mitigation import CHECKS, Extrapolation, Mitigation, Noise
from quantum_pipeline.results import MoleculePoint

CASES = (("H2", 0.5), ("H2", 0.74), ("H2", 1.2), ("H2", 2.0), ("HeH+", 0.9))
"""Molecules and lengths in angstrom; STO-3G, all orbitals, UCCSD."""

BAR = 3.0
"""How many times smaller the mitigated error is to be."""


@dataclass(frozen=True)
class Found:
    """A molecule's energies, in hartree, one of each kind for every seed."""

    name: str
    bond_length_angstrom: float
    exact: float
    two_qubit_gates: tuple[int, ...]
    circuits: int
    raw: tuple[float, ...]
    mitigated: tuple[float, ...]
    standard_errors: tuple[float, ...]
    kept: int

    def errors(self, energies: Sequence[float]) -> NDArray[np.float64]:
        """Return millihartree above the exact energy."""
        return 1000 * (np.array(energies) - self.exact)

    @property
    def ratio(self) -> float:
        """Root mean square error raw, for one of the mitigated energies."""
        return _rms(self.errors(self.raw)) / _rms(self.errors(self.mitigated))

    @property
    def least(self) -> float:
        """Smallest ratio of any one seed."""
        return float(np.min(np.abs(self.errors(self.raw) / self.errors(self.mitigated))))

    @property
    def z(self) -> float:
        """Root mean square of error over standard error: about 1 where errors are honest."""
        return _rms(self.errors(self.mitigated) / 1000 / np.array(self.standard_errors))


def _rms(values: NDArray[np.float64]) -> float:
    return float(np.sqrt(np.mean(values**2)))


class Simulated:
    """Circuits with the probabilities of their bitstrings, computed once."""

    def __init__(self, circuits: Sequence[Compiled]) -> None:
        self._found = [self._probabilities(each) for each in circuits]

    @staticmethod
    def _probabilities(compiled: Compiled) -> NDArray[np.float64]:
        program = Circuit()
        for instruction in compiled.program().instructions:
            if instruction.operator.name != "Measure":
                program.add_instruction(instruction)
        program.probability(target=list(compiled.qubits))
        found = np.array(LocalSimulator("braket_dm").run(program, shots=0).result().values[0])
        clipped: NDArray[np.float64] = np.clip(found, 0, None)
        probabilities: NDArray[np.float64] = clipped / clipped.sum()
        return probabilities

    def counts(self, shots: int, rng: np.random.Generator) -> list[Counts]:
        """Return counts of each circuit."""
        return [
            {
                format(k, f"0{(len(each) - 1).bit_length()}b"): int(count)
                for k, count in enumerate(rng.multinomial(shots, each))
                if count
            }
            for each in self._found
        ]


def measurements(point: MoleculePoint, noise: Noise) -> tuple[Measurement, tuple[Measurement, ...]]:
    """Return the circuits of the energy, and those of known energy, as the job makes them."""
    settings, trained = Settings.of(point, groups(point.integrals))
    qubits = tuple(range(settings.sector.n_qubits))

    def made(amplitudes: NDArray[np.float64]) -> Measurement:
        compiled = [Compiled(each, qubits, noise=noise) for each in settings.circuits(amplitudes)]
        return settings.measurement(amplitudes, compiled)

    return made(trained), tuple(map(made, calibration_angles(trained, CHECKS)))


def compare(
    name: str, length: float, *, noise: Noise, mitigation: Mitigation, shots: int, seeds: int
) -> Found:
    """Return what raw and mitigated energies of a molecule come to."""
    molecule = Chemistry(molecule=name, bond_length_angstrom=length)
    point = solve_point(molecule, length, "uccsd", partial(Budget, 10_000, math.inf)).point
    energy, checks = measurements(point, noise)
    protocol = Protocol(mitigation, energy, checks, shots)
    simulated = Simulated(protocol.circuits)
    outcomes = [
        protocol.outcome(simulated.counts(shots, np.random.default_rng([seed, 17])))[1]
        for seed in range(seeds)
    ]
    return Found(
        name=name,
        bond_length_angstrom=length,
        exact=point.energy,
        two_qubit_gates=tuple(each.compiled.two_qubit_gates for each in energy.plain),
        circuits=len(protocol.circuits),
        raw=tuple(each.raw.energy for each in outcomes),
        mitigated=tuple(each.mitigated.energy for each in outcomes),
        standard_errors=tuple(each.mitigated.standard_error for each in outcomes),
        kept=sum(each.kept == "mitigated" for each in outcomes),
    )


def table_of(found: Sequence[Found], title: str) -> Table:
    table = Table(
        "molecule", "exact, Ha", "gates on two qubits", "raw, mHa", "mitigated, mHa", "ratio",
        "least", "kept", "z", title=title,
    )  # fmt: skip
    for each in found:
        table.add_row(
            f"{each.name} {each.bond_length_angstrom:g} angstrom",
            f"{each.exact:.6f}",
            " + ".join(map(str, each.two_qubit_gates)),
            f"{_rms(each.errors(each.raw)):.1f}",
            f"{_rms(each.errors(each.mitigated)):.1f}",
            f"{each.ratio:.1f}",
            f"{each.least:.1f}",
            f"{each.kept} of {len(each.raw)}",
            f"{each.z:.2f}",
        )
    return table


@click.command()
@click.option("--shots", default=10_000, show_default=True, help="Of each circuit.")
@click.option("--seeds", default=10, show_default=True, type=click.IntRange(min=1))
@click.option("--one-qubit", default=0.001, show_default=True, help="Depolarising probability.")
@click.option("--two-qubit", default=0.01, show_default=True, help="Depolarising probability.")
@click.option("--readout", default=0.02, show_default=True, help="Probability of a bit flip.")
@click.option(
    "--zne", default="linear", show_default=True,
    type=click.Choice(["none", "linear", "richardson", "exponential"]),
)  # fmt: skip
@click.option("--molecule", "only", type=click.Choice(sorted({name for name, _ in CASES})))
@options.json_file
def main(
    *,
    shots: int,
    seeds: int,
    one_qubit: float,
    two_qubit: float,
    readout: float,
    zne: Extrapolation,
    only: str | None,
    json_file: Path | None,
) -> None:
    """Print how far raw and mitigated energies are from the exact ones; fail below the bar."""
    noise = Noise(one_qubit=one_qubit, two_qubit=two_qubit, readout=readout)
    mitigation = Mitigation(readout=True, symmetry=True, zne=zne)
    found = [
        compare(name, length, noise=noise, mitigation=mitigation, shots=shots, seeds=seeds)
        for name, length in CASES
        if only in (None, name)
    ]
    title = (
        f"{shots:,} shots a circuit, {seeds} seeds; noise {two_qubit:g} of two-qubit gates, "
        f"{one_qubit:g} of one-qubit gates, {readout:g} of readout"
    )
    Console(width=120).print(table_of(found, title))
    figures = {f"{each.name} {each.bond_length_angstrom:g}": _figures(each) for each in found}
    options.write(json_file, {"noise": noise.model_dump(), "shots": shots, "molecules": figures})
    sys.exit(not all(each.ratio >= BAR for each in found))


def _figures(found: Found) -> dict[str, object]:
    return asdict(found) | {"ratio": found.ratio, "least_ratio": found.least, "z": found.z}


if __name__ == "__main__":
    main()
