"""What a whole run takes beside the recipe's bare loop: ``python -m benchmarks.overhead``.

Both solve MaxCut on one random 3-regular graph of 12 nodes, each as a command of its own with its
imports: ``qpipe run`` from start to report, and ``benchmarks.recipe_loop``. Rounds are interleaved,
threads pinned to one, medians compared.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

import click
import networkx as nx
from rich.console import Console
from rich.table import Table

PINNED = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}


def seconds(command: list[str]) -> float:
    begun = time.perf_counter()
    subprocess.run(command, check=True, capture_output=True, env=os.environ | PINNED)
    return time.perf_counter() - begun


@click.command()
@click.option("--rounds", default=3, show_default=True, help="Interleaved rounds.")
@click.option("--json", "json_file", type=click.Path(path_type=Path), help="Write the figures.")
def main(rounds: int, json_file: Path | None) -> None:
    """Print both times and their ratio."""
    graph = nx.random_regular_graph(3, 12, seed=1)
    with tempfile.TemporaryDirectory() as folder:
        request = Path(folder) / "regular_12.json"
        problem = {"type": "maxcut", "edges": [list(edge) for edge in graph.edges]}
        request.write_text(json.dumps({"problem": problem, "algorithm": {"depth": 3}}), "utf-8")
        qpipe = str(Path(sys.executable).with_name("qpipe"))
        commands = {
            "qpipe run": [qpipe, "run", str(request), "--output", folder, "--json"],
            "recipe loop": [sys.executable, "-m", "benchmarks.recipe_loop", str(request)],
        }
        taken: dict[str, list[float]] = {name: [] for name in commands}
        for _ in range(rounds):
            for name, command in commands.items():
                taken[name].append(seconds(command))
    medians = {name: median(values) for name, values in taken.items()}
    ratio = medians["qpipe run"] / medians["recipe loop"]
    table = Table("command", "median s", "range s", title="12-variable MaxCut, imports included")
    for name, values in taken.items():
        table.add_row(name, f"{medians[name]:.2f}", f"{min(values):.2f} to {max(values):.2f}")
    table.add_row("ratio", f"{ratio:.3f}", "goal: at most 0.333")
    Console().print(table)
    if json_file:
        json_file.write_text(json.dumps({"seconds": taken, "medians": medians, "ratio": ratio}))


if __name__ == "__main__":
    main()
