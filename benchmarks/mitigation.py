"""Mitigated QAOA energies beside raw ones, on an emulator: ``python -m benchmarks.mitigation``.

MaxCut on graphs of 6 to 8 nodes at depths 1 and 2, trained on the exact state, then measured on the
emulator of a QPU with its noise, raw and with all that mitigation runs beside. The error of the
energy that counts is compared with that of the raw one, and over all instances:

    mean absolute error   at most half of raw; an instance that keeps raw counts as raw
    worse than raw        no instance that counts as mitigated, by more than its stated error

``--through emulator`` compiles, runs and mitigates in this process, with the job's own code and
exact probabilities that are then sampled; ``pipeline`` runs the command ``qpipe run`` for each.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import click
import networkx as nx
import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from benchmarks import machine, options
from hybrid_job.optimising import optimiser
from quantum_pipeline.devices.catalogue import catalogue
from quantum_pipeline.devices.states import DeviceState, read_state
from quantum_pipeline.ising import IsingModel, all_energies
from quantum_pipeline.ising.statevector import Qaoa
from quantum_pipeline.requests.mitigation import CHECKS, Extrapolation, Mitigation, Noise

BAR = 0.5


class Instance(NamedTuple):
    """A graph, and the depth of its circuit."""

    name: str
    nodes: int
    edges: list[tuple[int, int]]
    depth: int


class Measured(NamedTuple):
    """Energies of one instance: exact, raw, mitigated and its stated error; and what counts."""

    exact: float
    raw: float
    mitigated: float
    stated: float
    kept: str

    @property
    def error(self) -> float:
        """Of the energy that counts."""
        return abs((self.mitigated if self.kept == "mitigated" else self.raw) - self.exact)

    @property
    def raw_error(self) -> float:
        return abs(self.raw - self.exact)

    @property
    def is_worse(self) -> bool:
        """Whether it counts as mitigated, and is worse than raw by more than it states."""
        return self.kept == "mitigated" and self.error > self.raw_error + self.stated


def instances(many: int) -> Iterator[Instance]:
    """Yield graphs, 3-regular on 6 and 8 nodes and of 10 edges on 7, each at depths 1 and 2."""
    for seed in range(many):
        nodes, depth = (6, 7, 8)[seed % 3], 1 + seed % 2
        if nodes % 2:
            graph = nx.gnm_random_graph(nodes, 10, seed=seed)
        else:
            graph = nx.random_regular_graph(3, nodes, seed=seed)
        edges = sorted((min(edge), max(edge)) for edge in graph.edges)
        yield Instance(f"{nodes} nodes #{seed}", nodes, edges, depth)


def trained(engine: Qaoa, model: IsingModel, depth: int) -> NDArray[np.float64]:
    """Return the best angles that the exact state's gradients find from a ramp."""
    unit, rng = optimiser.typical_field(model), np.random.default_rng(0)
    starts = optimiser.starting_points(depth, 1, unit, rng)
    found = optimiser.minimise(
        engine.energy_and_gradient,
        starts,
        unit=unit,
        max_evaluations=200,
        deadline=float("inf"),
    )
    return found.angles


class Emulator:
    """An emulated QPU in this process: its reported properties, and counts of programs."""

    def __init__(self, arn: str, seed: int) -> None:
        from quantum_pipeline.local.braket.emulators import EMULATED, capabilities

        self._qpu, self._rng = EMULATED[arn], np.random.default_rng(seed)
        self.state: DeviceState = read_state(
            {
                "deviceArn": arn,
                "deviceName": self._qpu.name,
                "deviceType": "QPU",
                "deviceStatus": "ONLINE",
                "deviceCapabilities": json.dumps(capabilities(self._qpu)),
            }
        )

    def run(self, circuits: Sequence[Any], shots: int) -> list[dict[str, int]]:
        """Return the counts of compiled circuits."""
        from braket.circuits.serialization import IRType

        from quantum_pipeline.local.braket import emulation, programs

        counts = []
        for each in circuits:
            source = each.program().to_ir(IRType.OPENQASM).source
            bits = emulation.run(programs.read(source, None), self._qpu, shots, self._rng).bits
            counts.append(dict(Counter("".join(map(str, row)) for row in bits.tolist())))
        return counts


def in_process(instance: Instance, asked: Mitigation, shots: int, emulator: Emulator) -> Measured:
    """Return what the job's compiler and protocol make of an instance on the emulator."""
    from hybrid_job.on_device.compilation import compiler_for
    from hybrid_job.on_device.measurement import Measurement, Setting
    from hybrid_job.on_device.mitigating.checks import calibration_angles
    from hybrid_job.on_device.mitigating.protocol import Protocol
    from hybrid_job.on_device.mitigating.readout import in_native_gates, readout_circuits

    model = IsingModel.from_spins(
        [0.0] * instance.nodes, [(i, j, 0.5) for i, j in instance.edges], -len(instance.edges) / 2
    )
    spectrum = all_energies(model)
    engine = Qaoa(spectrum)
    compiler = compiler_for(model, emulator.state, noise=Noise(), seed=0)

    def measurement(angles: NDArray[np.float64]) -> Measurement:
        plain = Setting(compiler.compile(angles), model)
        checked = compiler.verified(angles) if asked.symmetry else None
        verified = None
        if checked is not None:
            compiled, check = checked
            verified = (Setting(compiled, model, check.decode, check.accepted),)
        return Measurement((plain,), verified, engine.energy(angles))

    angles = trained(engine, model, instance.depth)
    own = measurement(angles)
    assert own.exact is not None
    prepare = in_native_gates(emulator.state.native_gates)
    protocol = Protocol(
        asked,
        own,
        [measurement(each) for each in calibration_angles(angles, CHECKS)],
        shots,
        readout=lambda compiled: readout_circuits(compiled, prepare),
        lowest=float(spectrum.min()),
    )
    _, found = protocol.outcome(emulator.run(protocol.circuits, shots))
    mitigated = found.mitigated
    return Measured(
        own.exact, found.raw.energy, mitigated.energy, mitigated.standard_error, found.kept
    )


def through_pipeline(instance: Instance, asked: Mitigation, shots: int, arn: str) -> Measured:
    """Return what ``qpipe run`` reports of an instance."""
    request = {
        "problem": {"type": "maxcut", "edges": instance.edges, "n_nodes": instance.nodes},
        "algorithm": {"name": "qaoa", "depth": instance.depth},
        "device": arn,
        "shots": shots,
        "mitigation": asked.model_dump(mode="json"),
        "limits": {"max_cost_usd": 1000.0},
    }
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "request.json"
        file.write_text(json.dumps(request), "utf-8")
        qpipe = str(Path(sys.executable).with_name("qpipe"))
        command = [qpipe, "run", str(file), "--output", folder, "--json"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise click.ClickException(f"{instance.name}: {done.stderr}")
    report = json.loads(done.stdout)
    exact, part = report["quality"]["trained_energy"], report["mitigation"]
    mitigated = part["mitigated"]
    return Measured(
        exact,
        part["raw"]["energy"],
        mitigated["energy"],
        mitigated["standard_error"],
        part["kept"],
    )


def table_of(found: Iterable[tuple[Instance, Measured]], title: str) -> Table:
    table = Table("graph", "p", "exact", "raw", "mitigated", "stated", "counts", "ratio")
    table.title = title
    for instance, each in found:
        ratio = f"{each.error / each.raw_error:.2f}" if each.raw_error else "–"
        table.add_row(
            instance.name, f"{instance.depth}", f"{each.exact:.3f}", f"{each.raw:.3f}",
            f"{each.mitigated:.3f}", f"{each.stated:.3f}", each.kept,
            f"{ratio} worse" if each.is_worse else ratio,
        )  # fmt: skip
    return table


QPUS = {each.name: each.arn for each in catalogue().devices if each.kind == "qpu"}


@click.command()
@click.option("--device", default="Garnet", show_default=True, type=click.Choice(list(QPUS)))
@click.option(
    "--through", default="emulator", show_default=True, type=click.Choice(["emulator", "pipeline"])
)
@click.option("--instances", "many", default=20, show_default=True, type=click.IntRange(min=1))
@click.option("--shots", default=1000, show_default=True, help="Of each circuit.")
@click.option(
    "--zne", default="exponential", show_default=True,
    type=click.Choice(["none", "linear", "richardson", "exponential"]),
)  # fmt: skip
@click.option(
    "--scale", "scales", multiple=True, default=(1.0, 3.0, 5.0), show_default=True,
    help="Noise scales, 1 first; the option may be given several times.",
)  # fmt: skip
@click.option("--symmetry", is_flag=True, help="Check the flip of all bits.")
@options.threads
@options.seed
@options.json_file
def main(
    *,
    device: str,
    through: str,
    many: int,
    shots: int,
    zne: Extrapolation,
    scales: tuple[float, ...],
    symmetry: bool,
    threads: int,
    seed: int,
    json_file: Path | None,
) -> None:
    """Print both energies of each instance, and the mean absolute errors."""
    machine.pin_threads(threads)
    asked = Mitigation(readout=True, zne=zne, scales=scales, symmetry=symmetry)
    arn = QPUS[device]
    found = []
    emulator = Emulator(arn, seed) if through == "emulator" else None
    for instance in instances(many):
        measured = (
            through_pipeline(instance, asked, shots, arn)
            if emulator is None
            else in_process(instance, asked, shots, emulator)
        )
        found.append((instance, measured))
    checked = ", flip of all bits checked" if symmetry else ""
    title = f"{device}, emulated: {shots} shots a circuit, readout, zne {zne}{checked}"
    Console().print(table_of(found, title))
    raw = float(np.mean([each.raw_error for _, each in found]))
    counted = float(np.mean([each.error for _, each in found]))
    worse = [instance.name for instance, each in found if each.is_worse]
    print(
        f"mean absolute error: {counted:.3f}, raw {raw:.3f}: ratio {counted / raw:.3f} (<= {BAR})"
    )
    print(f"worse than raw by more than stated: {', '.join(worse) or 'none'}")
    figures = {
        "device": device, "through": through, "shots": shots, **asked.model_dump(mode="json"),
        "instances": [
            {"name": i.name, "depth": i.depth, **each._asdict()} for i, each in found
        ],
        "mean_absolute_error": counted, "raw_mean_absolute_error": raw, "worse": worse,
    }  # fmt: skip
    options.write(json_file, figures)
    sys.exit(bool(counted > BAR * raw or worse))


if __name__ == "__main__":
    main()
