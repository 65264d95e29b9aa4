"""Problems too large for a state vector: ``python -m benchmarks.large``.

MaxCut on graphs of a family, by default random 3-regular ones, without weights and with weights
from 0.1 to 2. Timed are one energy and one energy with gradient, by the closed form at depth 1 and
by light cones beyond; then recursive QAOA rounds to a real cut, whose ratio is to the best cut that
the classical solver of the job (exact reductions, HiGHS, annealing, tabu) finds in the seconds it
is given, or proves before they are over.
"""

from __future__ import annotations

import itertools
import math
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import click
import networkx as nx
import numpy as np
from rich.console import Console
from rich.table import Table

from benchmarks import machine, options
from benchmarks.timing import Clock, Limits, in_words, interleave
from hybrid_job import classical
from hybrid_job.correlations.closed_form import ClosedForm
from hybrid_job.correlations.lightcone import LightCones
from hybrid_job.optimising import optimiser
from hybrid_job.rounding import recursive
from quantum_pipeline.ising import IsingModel
from quantum_pipeline.ising.cones import cone_sizes

FAMILIES: dict[str, Callable[[int, int], nx.Graph]] = {
    "cubic": lambda n, seed: nx.random_regular_graph(3, n, seed=seed),
    "sparse": lambda n, seed: nx.gnm_random_graph(n, 5 * n // 4, seed=seed),
    "ring": lambda n, _: nx.cycle_graph(n),
    "tree": lambda n, seed: nx.random_labeled_tree(n, seed=seed),
    "ladder": lambda n, _: nx.circular_ladder_graph(n // 2),
    "torus": lambda n, _: nx.convert_node_labels_to_integers(
        nx.grid_2d_graph(side(n), n // side(n), periodic=True)
    ),
}


def side(n: int) -> int:
    """Return the largest divisor up to the square root."""
    return next(d for d in range(math.isqrt(n), 0, -1) if n % d == 0)


def maxcut(family: str, n: int, weighted: bool, seed: int) -> IsingModel:
    """Return MaxCut with its constant: the energy is minus the cut."""
    edges = sorted(FAMILIES[family](n, seed).edges)
    rng = np.random.default_rng(seed)
    weights = rng.uniform(0.1, 2.0, len(edges)) if weighted else np.ones(len(edges))
    couplings = [(i, j, w / 2) for (i, j), w in zip(edges, weights.tolist(), strict=True)]
    return IsingModel.from_spins([0.0] * n, couplings, -float(weights.sum()) / 2)


def measure(
    model: IsingModel, depth: int, *, rounds: int, clock: Clock, limit: float
) -> dict[str, Any]:
    """Return times of an energy and of its gradient, and what recursive QAOA finds in what time."""
    began = clock()
    qaoa = ClosedForm(model) if depth == 1 else LightCones(model, depth)
    prepared = clock() - began
    unit = optimiser.typical_field(model)
    starts = optimiser.starting_points(depth, 1, unit, np.random.default_rng(0))
    calls: dict[str, Callable[[], Any]] = {
        "energy": partial(qaoa.energy, starts[0]),
        "gradient": partial(qaoa.energy_and_gradient, starts[0]),
    }
    timings = interleave(calls, Limits(rounds, clock=clock))
    began = clock()
    found = recursive.solve(
        model, depth, starts, max_evaluations=10**6, deadline=time.monotonic() + limit
    )
    sizes = cone_sizes(model, depth)
    return {
        "depth": depth,
        "distinct_cones": sizes.n_distinct,
        "widest_cone_qubits": sizes.n_qubits,
        "prepare_seconds": prepared,
        "energy_seconds": timings["energy"].seconds,
        "gradient_seconds": timings["gradient"].seconds,
        "mean_cut": -found.mean_energy,
        "recursive_cut": -found.energy,
        "recursive_seconds": clock() - began,
        "evaluations": len(found.history),
        "sentence": found.sentence,
    }


@click.command()
@click.option(
    "--family", "families", multiple=True, default=("cubic",), type=click.Choice(list(FAMILIES))
)
@options.sizes(60, 100, 200, 400)
@click.option("--depth", "depths", multiple=True, default=(1, 2), show_default=True)
@click.option("--classical-seconds", default=10.0, show_default=True)
@click.option("--limit", default=120.0, show_default=True, help="Seconds for recursive QAOA.")
@options.rounds
@options.threads
@options.clock
@options.seed
@options.json_file
def main(
    *,
    families: tuple[str, ...],
    sizes: tuple[int, ...],
    depths: tuple[int, ...],
    classical_seconds: float,
    limit: float,
    rounds: int,
    threads: int,
    clock: Clock,
    seed: int,
    json_file: Path | None,
) -> None:
    """Print times and ratios of each size, weights and depth."""
    machine.pin_threads(threads)
    table = Table(
        *("graph", "nodes", "weights", "p", "cones", "energy", "gradient", "mean cut"),
        *("recursive QAOA", "in", "classical", "in"),
        title="MaxCut; cuts over the best classical one",
    )
    rows: list[dict[str, Any]] = []
    better = both = 0
    for family, n, weighted in itertools.product(families, sizes, (False, True)):
        model = maxcut(family, n, weighted, seed)
        began = clock()
        best = classical.solve(model, seconds=classical_seconds, rng=np.random.default_rng(seed))
        seconds = clock() - began
        reference = {
            "method": best.method,
            "proven": best.proven,
            "cut": -best.energy,
            "seconds": seconds,
        }
        for depth in depths:
            row = measure(model, depth, rounds=rounds, clock=clock, limit=limit)
            ratio, mean = (row[key] / -best.energy for key in ("recursive_cut", "mean_cut"))
            better += ratio <= 1 + 1e-9
            both += ratio <= 1 + 1e-9 and seconds < row["recursive_seconds"]
            rows.append(
                {"family": family, "nodes": n, "weighted": weighted}
                | {"ratio": ratio, "mean_ratio": mean}
                | row
                | {"classical": reference}
            )
            table.add_row(
                *(family, str(n), "0.1 to 2" if weighted else "none", str(depth)),
                *(str(row["distinct_cones"]), in_words(row["energy_seconds"])),
                *(in_words(row["gradient_seconds"]), f"{mean:.4f}", f"{ratio:.4f}"),
                in_words(row["recursive_seconds"]),
                f"{best.method}{', proven' if best.proven else ''}",
                in_words(seconds),
            )
    Console(width=180).print(table)
    print(
        f"The classical solver is as good or better in {better} of {len(rows)}, and faster too in "
        f"{both}; recursive QAOA's ratios are {min(row['ratio'] for row in rows):.4f} to "
        f"{max(row['ratio'] for row in rows):.4f}."
    )
    options.write(json_file, {"threads": threads, "rows": rows})


if __name__ == "__main__":
    main()
