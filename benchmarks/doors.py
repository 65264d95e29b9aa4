"""What doors and beliefs cost a run in time: ``python -m benchmarks.doors``.

A ``qpipe run`` of MaxCut on 12 variables beside the same with the door open: no signature is
checked then, no host and no origin, and no role is held to its policies. Pairs are interleaved,
every other one the other way round, threads pinned to one; the part is the median of what the two
of a pair differ by. What it takes to recompute the result is measured by itself, and added.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

import click
import networkx as nx
from rich.console import Console
from rich.table import Table

from benchmarks.constrained import solved_here
from benchmarks.overhead import PINNED
from quantum_pipeline.results import read_result

Json = dict[str, Any]
TARGET = 0.03
"""Part of a run that all of it may cost."""

AS_IS, OPEN = "doors as they are", "doors open"
QPIPE = "from quantum_pipeline.cli.entry import main; main()"
COMMANDS = {
    AS_IS: f"from quantum_pipeline.local.door import Door; {QPIPE}",
    OPEN: "from quantum_pipeline.local.door import Door; "
    f"Door.__call__ = lambda self, environ, start: self._inside(environ, start); {QPIPE}",
}
"""What a Python is told. Whom an open door lets in has no name, and the guard behind lets pass."""


def taken(how: str, file: Path, folder: str) -> tuple[float, float]:
    """Return the seconds of a run, by the clock and of the processors."""
    begun, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
    arguments = ["run", str(file), "--output", folder, "--json"]
    command = [sys.executable, "-c", COMMANDS[how], *arguments]
    subprocess.run(command, check=True, capture_output=True)
    seconds, after = time.perf_counter() - begun, resource.getrusage(resource.RUSAGE_CHILDREN)
    return seconds, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def recomputing_seconds(request: Json) -> float:
    """Return what it takes to recompute the result of a run: the median of many times."""
    prepared, result = solved_here(request)
    data = result.model_dump(mode="json")
    verified = median(timed(lambda: read_result(data, prepared)) for _ in range(31))
    return verified - median(timed(lambda: type(result).model_validate(data)) for _ in range(31))


def timed(work: Callable[[], object]) -> float:
    """Return the seconds that something takes."""
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


@click.command()
@click.option("--pairs", default=10, show_default=True, help="Interleaved pairs of runs.")
@click.option("--json", "json_file", type=click.Path(path_type=Path), help="Write the figures.")
def main(pairs: int, json_file: Path | None) -> None:
    """Print the times, and what part of a run the doors are."""
    os.environ |= PINNED
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # else every import compiles its module
    graph = nx.random_regular_graph(3, 12, seed=1)
    problem = {"type": "maxcut", "edges": [list(edge) for edge in graph.edges]}
    request = {"problem": problem, "algorithm": {"depth": 3}}
    found: dict[str, list[tuple[float, float]]] = {AS_IS: [], OPEN: []}
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "regular_12.json"
        file.write_text(json.dumps(request), "utf-8")
        for pair in range(pairs):
            for how in (AS_IS, OPEN) if pair % 2 else (OPEN, AS_IS):
                found[how].append(taken(how, file, folder))
    medians = {how: tuple(map(median, zip(*runs, strict=True))) for how, runs in found.items()}
    recomputing = recomputing_seconds(request)
    table = Table("", "s", "s of processors", title=f"a run of 12 variables, {pairs} pairs")
    for how, (seconds, processors) in medians.items():
        table.add_row(how, f"{seconds:.3f}", f"{processors:.3f}")
    table.add_row("to recompute the result", f"{recomputing:.4f}", f"{recomputing:.4f}")
    differences = [
        [(a - b + recomputing) / b for a, b in zip(as_is, bare, strict=True)]
        for as_is, bare in zip(found[AS_IS], found[OPEN], strict=True)
    ]
    parts = list(map(median, zip(*differences, strict=True)))
    table.add_row(f"part, at most {TARGET:.0%}", *(f"{part:+.1%}" for part in parts))
    Console().print(table)
    if json_file:
        figures = {"runs": found, "recomputing": recomputing, "parts": parts}
        json_file.write_text(json.dumps(figures), "utf-8")


if __name__ == "__main__":
    main()
