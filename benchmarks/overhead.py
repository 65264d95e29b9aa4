"""What a whole run takes beside the recipe's bare loop: ``python -m benchmarks.overhead``.

All solve MaxCut on one random 3-regular graph of 12 nodes: ``qpipe run`` from start to report and
``benchmarks.recipe_loop``, each as a command of its own with its imports, and a run on an AWS of
this machine that is open and has had one before. Rounds are interleaved, threads pinned to one,
medians compared.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Any

import click
import networkx as nx
from rich.console import Console
from rich.table import Table

from quantum_pipeline.cli.client import Pipeline, run_id_of
from quantum_pipeline.cli.reach import HERE
from quantum_pipeline.local.aws import LocalAws
from quantum_pipeline.local.places import cache_folder

PINNED = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
FIRST, SECOND, RECIPE = "qpipe run", "second run", "recipe loop"
TARGETS = {FIRST: 0.36, SECOND: 0.15}
"""Parts of the recipe's time that these may take."""


def run(command: list[str]) -> None:
    subprocess.run(command, check=True, capture_output=True)


@contextmanager
def open_aws(request: Mapping[str, Any], folder: Path) -> Iterator[Callable[[], None]]:
    """Yield what runs a request on an AWS that has had a run before."""
    with LocalAws(cache_folder=cache_folder(), parameters=HERE) as aws:
        os.environ |= aws.environment()
        pipeline = Pipeline(aws.outputs)

        def again() -> None:
            execution = pipeline.start(request, "second")
            for _ in pipeline.watch(execution, every_seconds=0.1):
                pass
            pipeline.fetch(run_id_of(execution), folder)

        again()
        yield again


def seconds(work: Callable[[], None]) -> float:
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


def measured(rounds: int) -> dict[str, list[float]]:
    """Return the seconds of each in every round."""
    graph = nx.random_regular_graph(3, 12, seed=1)
    problem = {"type": "maxcut", "edges": [list(edge) for edge in graph.edges]}
    request = {"problem": problem, "algorithm": {"depth": 3}}
    qpipe = str(Path(sys.executable).with_name("qpipe"))
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "regular_12.json"
        file.write_text(json.dumps(request), "utf-8")
        with open_aws(request, Path(folder)) as again:
            works: dict[str, Callable[[], None]] = {
                FIRST: lambda: run([qpipe, "run", str(file), "--output", folder, "--json"]),
                SECOND: again,
                RECIPE: lambda: run([sys.executable, "-m", "benchmarks.recipe_loop", str(file)]),
            }
            taken: dict[str, list[float]] = {name: [] for name in works}
            for _ in range(rounds):
                for name, work in works.items():
                    taken[name].append(seconds(work))
    return taken


@click.command()
@click.option("--rounds", default=3, show_default=True, help="Interleaved rounds.")
@click.option("--json", "json_file", type=click.Path(path_type=Path), help="Write the figures.")
def main(rounds: int, json_file: Path | None) -> None:
    """Print the times, and the ratios of the pipeline's to the recipe's."""
    os.environ |= PINNED
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # else every import compiles its module
    taken = measured(rounds)
    medians = {name: median(values) for name, values in taken.items()}
    ratios = {name: medians[name] / medians[RECIPE] for name in TARGETS}
    table = Table("", "median s", "range s", "ratio", "target", title="12-variable MaxCut")
    for name, values in taken.items():
        row = [name, f"{medians[name]:.2f}", f"{min(values):.2f} to {max(values):.2f}"]
        if name in TARGETS:
            row += [f"{ratios[name]:.3f}", f"at most {TARGETS[name]}"]
        table.add_row(*row)
    Console().print(table)
    if json_file:
        figures = {"seconds": taken, "medians": medians, "ratios": ratios}
        json_file.write_text(json.dumps(figures), "utf-8")


if __name__ == "__main__":
    main()
