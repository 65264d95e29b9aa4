"""Problems divided into blocks: ``python -m benchmarks.divide [--only NAME]``.

Each is solved by the job itself with default settings, and its result verified; printed is what
divide came to, beside the other ways that the report has, and what it took: seconds of the whole
job, by the clock and of all processors, and of the rounds; memory of all processes at most.

    G1 ..       the Gset's graphs that are in ``--gset``: the ratio is to the best cut known
    random      random graph of 250 nodes and 700 edges; to the best answer here
    cubic       3-regular of 100,000 nodes; the ratio is to annealing in the same time
    dense       QUBO of 1,000 variables with all couplings; to the best answer here
    torus       spin glass of 32 x 32, normal couplings; to the best answer here
    recursive   recursive QAOA on the first of them, which auto takes up to 100 variables
"""

from __future__ import annotations

import json
import resource
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import click
import networkx as nx
import numpy as np
from rich.console import Console
from rich.table import Table

from benchmarks.constrained import solved_here
from quantum_pipeline.files.reading import read
from quantum_pipeline.results import DividedResult, OptimisationResult, read_result

Json = dict[str, Any]

BEST_CUTS = {"G1": 11624, "G11": 564, "G14": 3064, "G43": 6660}
"""Best cuts known. Source: the Gset's literature, as in the data's own notes."""


class Solved(NamedTuple):
    """What one problem came to; energies are minimised, of cuts minus the cut."""

    name: str
    variables: int
    energy: float
    best_known: float
    ways: dict[str, tuple[float, float]]
    rounds: int
    seconds: float
    processor_seconds: float
    gibibytes: float


def cubic(n: int) -> Json:
    """Return MaxCut of a random 3-regular graph."""
    edges = [list(edge) for edge in nx.random_regular_graph(3, n, seed=1).edges]
    return {"type": "maxcut", "edges": edges}


def random(n: int) -> Json:
    """Return MaxCut of a random graph of degree 5.6."""
    graph = nx.gnm_random_graph(n, n * 14 // 5, seed=1)
    return {"type": "maxcut", "edges": [list(edge) for edge in graph.edges]}


def dense(n: int) -> Json:
    """Return a QUBO of integers from -100 to 100, as Beasley's are."""
    rng = np.random.default_rng(1)
    values = rng.integers(-100, 101, (n, n)).tolist()
    quadratic = [[i, j, 2 * values[i][j]] for i in range(n) for j in range(i)]
    return {"type": "qubo", "linear": [values[i][i] for i in range(n)], "quadratic": quadratic}


def torus(side: int) -> Json:
    """Return a spin glass on a torus, its couplings normal numbers."""
    rng, n = np.random.default_rng(1), side * side
    pairs = [
        sorted((x * side + y, dx % side * side + dy % side))
        for x in range(side)
        for y in range(side)
        for dx, dy in ((x + 1, y), (x, y + 1))
    ]
    couplings = [[*pair, float(rng.normal())] for pair in pairs]
    return {"type": "ising", "fields": [0.0] * n, "couplings": couplings}


def solved(name: str, problem: Json, best: float | None) -> Solved:
    """Return what default settings make of a problem; ``best`` is an energy that others know."""
    began, used = time.monotonic(), processor_seconds()
    request = {"problem": problem, "algorithm": {"name": "divide"}, "device": "local"}
    prepared, claimed = solved_here(request)
    seconds, used = time.monotonic() - began, processor_seconds() - used
    result = read_result(claimed.model_dump(mode="json"), prepared)
    assert isinstance(result, DividedResult)
    ways = {"divide": (result.best_energy, result.seconds.optimise)}
    ways |= {each.way: (each.energy, each.seconds) for each in result.compared}
    ways["baseline"] = (result.classical.energy, result.classical.seconds)
    return Solved(
        name=name,
        variables=prepared.ising.n_variables,
        energy=result.best_energy,
        best_known=min(energy for energy, _ in ways.values()) if best is None else best,
        ways=ways,
        rounds=len(result.rounds) - 1,
        seconds=seconds,
        processor_seconds=used,
        gibibytes=peak() / 2**30,
    )


def peak() -> float:
    """Return the most bytes that this process, and the largest of its children, have had."""
    mine, children = resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN
    return 1024.0 * (resource.getrusage(mine).ru_maxrss + resource.getrusage(children).ru_maxrss)


def processor_seconds() -> float:
    """Return the processor's seconds of this process, and of its children that have ended."""
    both = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(each.ru_utime + each.ru_stime for each in both)


def recursive(name: str, problem: Json, best: float) -> tuple[str, float, float]:
    """Return name, ratio and seconds of recursive QAOA."""
    request = {"problem": problem, "algorithm": {"name": "rqaoa"}, "device": "local"}
    prepared, claimed = solved_here(request)
    result = read_result(claimed.model_dump(mode="json"), prepared)
    assert isinstance(result, OptimisationResult)
    return f"{name} by rqaoa", result.best_energy / best, result.seconds.optimise


def printed(found: list[Solved]) -> Table:
    """Return the attribution of all problems: a line for each way."""
    table = Table(title="ratio to the best known, and seconds")
    table.add_column("problem")
    table.add_column("way")
    for column in ("ratio", "seconds"):
        table.add_column(column, justify="right")
    for each in found:
        about = [
            each.name,
            f"{each.variables:,} variables",
            f"{each.rounds} rounds",
            f"job {each.seconds:.0f} s, {each.gibibytes:.1f} GiB",
            f"{each.processor_seconds:.0f} s of processors",
        ]
        for place, (way, (energy, seconds)) in enumerate(each.ways.items()):
            first = about[place] if place < len(about) else ""
            ratio = f"{energy / each.best_known:.4f}"
            table.add_row(first, way, ratio, f"{seconds:.1f}", end_section=way == "baseline")
    return table


@click.command(help=__doc__)
@click.option("--gset", type=click.Path(path_type=Path), default=Path("../shared/data/gset"))
@click.option("--only", multiple=True, help="Names of problems: G1, cubic, dense, torus, ...")
@click.option("--size", default=1.0, help="Part of the sizes of those that are made here.")
@click.option("--json", "file", type=click.Path(path_type=Path))
def main(gset: Path, only: tuple[str, ...], size: float, file: Path | None) -> None:
    """Solve each problem and print the table."""
    cases: dict[str, tuple[Json, float | None]] = {
        path.stem: (_problem_of(path), -float(BEST_CUTS[path.stem]))
        for path in sorted(gset.glob("G*.mc"))
        if path.stem in BEST_CUTS and (not only or path.stem in only)
    }
    made: dict[str, Callable[[], Json]] = {
        "random": lambda: random(round(250 * size)),
        "cubic": lambda: cubic(2 * round(50_000 * size)),
        "dense": lambda: dense(round(1000 * size)),
        "torus": lambda: torus(round(32 * size**0.5)),
    }
    cases |= {name: (make(), None) for name, make in made.items() if not only or name in only}
    found = [solved(name, *case) for name, case in cases.items()]
    console = Console()
    console.print(printed(found))
    first = next(iter(cases))
    if not only or "recursive" in only:
        best = next(each.best_known for each in found if each.name == first)
        name, ratio, seconds = recursive(first, cases[first][0], best)
        console.print(f"{name}: ratio {ratio:.4f} in {seconds:.0f} s")
    if file is not None:
        file.write_text(json.dumps({each.name: each._asdict() for each in found}), "utf-8")


def _problem_of(path: Path) -> Json:
    return dict(read(path.read_bytes(), path.name).request["problem"])


if __name__ == "__main__":
    main()
