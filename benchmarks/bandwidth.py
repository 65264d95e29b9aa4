"""How much of the memory bandwidth an energy uses: ``python -m benchmarks.bandwidth``.

The roofline is scaling in place, a *= s, of an array far larger than the caches: each byte is read
and written once. A layer of QAOA must at least read and write each amplitude of 16 bytes; counted
are 64 bytes for each amplitude of the full state of 2^n and layer, which is two such passes.
Rounds are interleaved; the best bandwidth stands against the median energy.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

import click
import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from benchmarks import machine, options
from benchmarks.ours import Ours
from benchmarks.problem import random_angles, random_problem
from benchmarks.timing import Clock, Limits, interleave

Real = NDArray[np.float64]
BYTES = 64
"""Counted for each amplitude and layer."""

GOAL = 0.55


def scale(values: Real, factor: float) -> None:
    np.multiply(values, factor, out=values)


@click.command()
@options.qubits(22)
@click.option("--depth", "depths", multiple=True, default=(3, 8), show_default=True)
@click.option(
    "--mebibytes", default=1024, show_default=True, help="Size of the array that is scaled."
)
@options.threads
@options.rounds
@options.clock
@options.seed
@options.json_file
def main(
    *,
    qubits: int,
    depths: tuple[int, ...],
    mebibytes: int,
    threads: int,
    rounds: int,
    clock: Clock,
    seed: int,
    json_file: Path | None,
) -> None:
    """Print the bandwidth and the share of it that energies reach."""
    machine.pin_threads(threads)
    problem = random_problem(qubits, seed)
    array = np.ones(mebibytes * 2**17)
    calls: dict[str, Callable[[], object]] = {"a *= s": partial(scale, array, 1.0 + 1e-9)}
    for depth in depths:
        ours, angles = Ours(problem, depth), random_angles(depth, seed)
        calls[f"energy, p = {depth}"] = partial(ours.energy, angles)
    stream, *energies = interleave(calls, Limits(rounds, clock=clock)).values()
    bandwidth = 2 * array.nbytes / min(stream.samples)
    table = Table("", "time", "GB/s", "share", title=f"maxcut, n = {qubits}, threads: {threads}")
    table.add_row("a *= s", str(stream), f"{bandwidth / 1e9:.1f}", "1")
    rows = []
    for depth, timing in zip(depths, energies, strict=True):
        rate = BYTES * depth * 2**qubits / timing.seconds
        rows.append(
            {
                "depth": depth,
                "energy_seconds": timing.seconds,
                "bytes_per_second": rate,
                "share": rate / bandwidth,
            }
        )
        table.add_row(
            f"energy, p = {depth}", str(timing), f"{rate / 1e9:.1f}", f"{rate / bandwidth:.2f}"
        )
    Console().print(table)
    print(f"goal: a share of at least {GOAL}")
    figures = {"qubits": qubits, "threads": threads, "bandwidth_bytes_per_second": bandwidth}
    options.write(json_file, figures | {"energies": rows})


if __name__ == "__main__":
    main()
