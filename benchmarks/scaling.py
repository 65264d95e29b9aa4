"""Compares us with PennyLane over the number of qubits: ``python -m benchmarks.scaling``."""

from __future__ import annotations

import sys
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table

from benchmarks import machine, options
from benchmarks.comparison import compare
from benchmarks.problem import KINDS, random_angles, random_problem
from benchmarks.timing import Clock, Limits


@click.command()
@options.sizes(*range(12, 25, 2))
@options.depth
@options.threads
@click.option(
    "--peers", callback=options.peer_names, default="pennylane,lightning", show_default=True
)
@click.option("--problem", "kind", type=click.Choice(KINDS), default=KINDS[0], show_default=True)
@options.rounds
@options.budget
@options.clock
@options.seed
@options.json_file
def main(
    *,
    sizes: tuple[int, ...],
    depth: int,
    threads: int,
    peers: list[str],
    kind: str,
    rounds: int,
    budget: float,
    clock: Clock,
    seed: int,
    json_file: Path | None,
) -> None:
    """Print our times and the peers' ratios to them, for each number of qubits."""
    machine.pin_threads(threads)
    limits = Limits(rounds, budget, clock)
    angles = random_angles(depth, seed)
    columns = [f"{peer}\nratios" for peer in peers]
    title = f"{kind}, p = {depth}, threads: {threads}, seed: {seed}"
    table = Table("n", "energy", "energy and gradient", *columns, title=title)
    rows = []
    for qubits in sizes:
        problem = random_problem(qubits, seed, kind)
        found = compare(problem, angles, peers, limits)
        rows.append({"qubits": problem.n_qubits} | found.as_json())
        table.add_row(
            str(problem.n_qubits),
            str(found.ours.energy),
            str(found.ours.gradient),
            *(found.ratios(peer) for peer in peers),
        )
    Console().print(table)
    options.write(json_file, {"depth": depth, "threads": threads, "problem": kind, "sizes": rows})
    sys.exit(any(row["void"] for row in rows))


if __name__ == "__main__":
    main()
