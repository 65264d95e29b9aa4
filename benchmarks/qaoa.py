"""Energy and exact gradient of QAOA beside peers: ``python -m benchmarks.qaoa``.

One random 3-regular graph, one set of angles, double precision and the same number of threads for
all. Ends with 1 where a peer's results are not ours.
"""

from __future__ import annotations

import sys
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table

from benchmarks import machine, options
from benchmarks.comparison import Comparison, Row, compare
from benchmarks.problem import KINDS, random_angles, random_problem
from benchmarks.timing import Clock, Limits, in_words


@click.command()
@options.qubits(16)
@options.depth
@options.threads
@options.chosen_peers
@click.option("--problem", "kind", type=click.Choice(KINDS), default=KINDS[0], show_default=True)
@options.rounds
@options.budget
@options.clock
@options.seed
@options.json_file
def main(
    *,
    qubits: int,
    depth: int,
    threads: int,
    peers: list[str] | None,
    kind: str,
    rounds: int,
    budget: float,
    clock: Clock,
    seed: int,
    json_file: Path | None,
) -> None:
    """Print the times of all, and their ratios to ours."""
    machine.pin_threads(threads)
    limits = Limits(rounds, budget, clock)
    problem = random_problem(qubits, seed, kind)
    found = compare(problem, random_angles(depth, seed), peers, limits)
    console = Console()
    title = f"{kind}, n = {qubits}, p = {depth}, threads: {threads}, seed: {seed}"
    console.print(table(found, title))
    setup = in_words(found.setup_seconds)
    peak = machine.peak_memory_bytes()
    console.print(f"ours: ready after {setup}, compiling included")
    console.print(f"peak memory: {peak / 2**30:.2f} GiB")
    for name, row in found.everyone.items():
        console.print(f"{name}: {row.how}; rounds: {row.energy.rounds}, {row.gradient.rounds}")
    for name in found.skipped:
        console.print(f"{name}: skipped, not installed")
    figures = {"qubits": qubits, "depth": depth, "threads": threads} | found.as_json()
    further = {"problem": kind, "seed": seed, "peak_memory_bytes": peak}
    options.write(json_file, figures | further)
    missing = peers is not None and found.skipped
    sys.exit(bool(found.void or missing))


def table(found: Comparison, title: str) -> Table:
    """Return the rows as a table: medians, ranges and ratios to ours."""
    made = Table("", "energy", "energy and gradient", "ratios to ours", title=title)
    made.add_row("ours", *_figures(found.ours), "1, 1")
    for name, row in found.peers.items():
        if row.void:
            far = f"energy {row.energy_difference:.1e}, gradient {row.gradient_difference:.1e}"
            made.add_row(name, "void: differs by", far, "", style="red")
            continue
        made.add_row(name, *_figures(row), found.ratios(name))
    return made


def _figures(row: Row) -> tuple[str, str]:
    return str(row.energy), str(row.gradient)


if __name__ == "__main__":
    main()
