"""QAOA circuits compiled for emulated QPUs, beside qiskit: ``python -m benchmarks.compilation``.

Both compile MaxCut on the same random graphs at the same angles, for the same qubits, couplers and
errors: ours with all that ``compiler_for`` does, qiskit at level 3 by several seeds, of which the
median and the best one count. Rotations are written natively by the same code. Competitors take
turns, graph by graph.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from math import exp
from pathlib import Path
from statistics import median
from typing import Any

import click
import networkx as nx
import numpy as np
from braket.circuits import Circuit
from rich.console import Console
from rich.table import Table

from benchmarks import machine, options
from hybrid_job.on_device.compilation import compiler_for
from hybrid_job.on_device.compilation.chip import Chip, chip_of
from hybrid_job.on_device.compilation.logical import qaoa_circuit
from hybrid_job.on_device.compilation.reference import transpiled
from hybrid_job.on_device.compilation.sizes import loss_of, size_of
from quantum_pipeline.devices.states import DeviceState, read_state
from quantum_pipeline.ising import IsingModel
from quantum_pipeline.local.braket.emulators.capabilities import capabilities
from quantum_pipeline.local.braket.emulators.spec import EMULATED, EmulatedQpu
from quantum_pipeline.requests.mitigation import Noise

DEVICES = {qpu.name: qpu for qpu in EMULATED.values()}
KINDS = ("3-regular", "G(n, 1/2)")


def state_of(qpu: EmulatedQpu) -> DeviceState:
    """Return the state that an emulated QPU reports."""
    return read_state(
        {
            "deviceArn": qpu.arn,
            "deviceName": qpu.name,
            "deviceType": "QPU",
            "deviceStatus": "ONLINE",
            "deviceCapabilities": json.dumps(capabilities(qpu)),
        }
    )


def maxcut(kind: str, n: int, seed: int) -> IsingModel:
    """Return the model of a random graph: 3-regular, or each pair with probability 1/2."""
    graph = (
        nx.random_regular_graph(3, n, seed=seed)
        if kind == KINDS[0]
        else nx.gnp_random_graph(n, 0.5, seed=seed)
    )
    return IsingModel.from_spins([0.0] * n, [(i, j, 0.5) for i, j in graph.edges])


@dataclass(frozen=True)
class Size:
    """A compiled circuit."""

    two_qubit_gates: float
    depth: float
    estimated_fidelity: float
    seconds: float

    @classmethod
    def of(cls, circuit: Circuit, qubits: tuple[int, ...], chip: Chip, seconds: float) -> Size:
        size = size_of(circuit, "")
        fidelity = exp(-loss_of(circuit, qubits, chip))
        return cls(size.two_qubit_gates, size.depth, fidelity, seconds)


@dataclass(frozen=True)
class Found:
    """One graph on one device: ours, and qiskit's by each of its seeds."""

    ours: Size
    qiskit: tuple[Size, ...]

    @property
    def middle(self) -> Size:
        """The medians of qiskit's seeds."""
        return Size(*(median(column) for column in zip(*map(_row, self.qiskit), strict=True)))

    @property
    def best(self) -> Size:
        """Qiskit's seed with the highest estimated fidelity."""
        return max(self.qiskit, key=lambda each: each.estimated_fidelity)


def _row(size: Size) -> tuple[float, ...]:
    return size.two_qubit_gates, size.depth, size.estimated_fidelity, size.seconds


def compare(state: DeviceState, model: IsingModel, depth: int, seeds: Sequence[int]) -> Found:
    """Return the sizes of one graph's circuits."""
    chip, n = chip_of(state), model.n_variables
    angles = np.array([np.linspace(0.3, 0.6, depth), np.linspace(0.4, 0.2, depth)])
    begun = time.perf_counter()
    compiled = compiler_for(model, state, noise=Noise(), seed=seeds[0]).compile(angles)
    ours = Size.of(compiled.circuit, compiled.qubits, chip, time.perf_counter() - begun)
    qiskit = []
    for seed in seeds:
        begun = time.perf_counter()
        other = transpiled(qaoa_circuit(model, angles), n, chip, seed)
        seconds = time.perf_counter() - begun
        qiskit.append(Size.of(other.circuit, other.qubits, chip, seconds))
    return Found(ours, tuple(qiskit))


def summary(found: Iterable[Found]) -> dict[str, Any]:
    """Return medians over graphs; ratios are those of each graph, then their median."""
    found = list(found)

    def of(sizes: Iterable[Size]) -> dict[str, float]:
        columns = zip(*map(_row, sizes), strict=True)
        return asdict(Size(*(median(column) for column in columns)))

    def ratio(others: Iterable[Size]) -> float:
        return median(
            each.ours.two_qubit_gates / other.two_qubit_gates
            for each, other in zip(found, others, strict=True)
        )

    return {
        "ours": of(each.ours for each in found),
        "qiskit_median": of(each.middle for each in found),
        "qiskit_best": of(each.best for each in found),
        "ratio_to_median": ratio(each.middle for each in found),
        "ratio_to_best": ratio(each.best for each in found),
        "graphs": len(found),
    }


def table(figures: dict[str, dict[str, dict[str, Any]]], n: int, depth: int, seeds: int) -> Table:
    made = Table(
        "", "", "two-qubit gates", "ours / it", "depth", "estimated fidelity", "seconds",
        title=f"MaxCut n = {n}, p = {depth}; medians over graphs; qiskit level 3, {seeds} seeds",
    )  # fmt: skip
    for device, kinds in figures.items():
        for kind, each in kinds.items():
            for who, ratio in (("ours", None), ("qiskit_median", 0), ("qiskit_best", 0)):
                size = each[who]
                shown = "" if ratio is None else f"{each['ratio_to_' + who[7:]]:.3f}"
                made.add_row(
                    f"{device}, {kind}" if who == "ours" else "",
                    who.replace("_", ", "),
                    f"{size['two_qubit_gates']:g}",
                    shown,
                    f"{size['depth']:g}",
                    f"{size['estimated_fidelity']:.3f}",
                    f"{size['seconds']:.2f}",
                )
    return made


@click.command()
@click.option(
    "--device", "devices", multiple=True, default=("Garnet", "Cepheus-1-108Q"), show_default=True,
    type=click.Choice(sorted(DEVICES)), help="May be given several times.",
)  # fmt: skip
@click.option("--graphs", default=10, show_default=True, type=click.IntRange(min=1))
@click.option("--seeds", default=5, show_default=True, type=click.IntRange(min=1))
@options.qubits(10)
@click.option("--depth", default=2, show_default=True, type=click.IntRange(min=1))
@options.threads
@options.json_file
def main(
    *,
    devices: tuple[str, ...],
    graphs: int,
    seeds: int,
    qubits: int,
    depth: int,
    threads: int,
    json_file: Path | None,
) -> None:
    """Print gates, depth, estimated fidelity and time; fail if ours takes more gates."""
    machine.pin_threads(threads)
    figures: dict[str, dict[str, dict[str, Any]]] = {}
    for device in devices:
        state = state_of(DEVICES[device])
        for kind in KINDS:
            found = [
                compare(state, maxcut(kind, qubits, graph), depth, range(seeds))
                for graph in range(graphs)
            ]
            figures.setdefault(device, {})[kind] = summary(found)
    Console().print(table(figures, qubits, depth, seeds))
    options.write(json_file, {"qubits": qubits, "depth": depth, "seeds": seeds, "devices": figures})
    ratios = [each["ratio_to_median"] for kinds in figures.values() for each in kinds.values()]
    sys.exit(max(ratios) > 1)


if __name__ == "__main__":
    main()
