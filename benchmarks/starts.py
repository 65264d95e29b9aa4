"""Compares starting points of the optimiser: ``python -m benchmarks.starts``.

Each start of each random model is optimised to convergence. "interpolated" starts at depth 1 and
goes on from each depth's optimum; its evaluations are those of all depths together. The work is
evaluations times depth, since an evaluation takes time in proportion to its depth. Ratios are
(worst - mean energy)/(worst - best), means over the models of a family.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import click
import numpy as np
from rich.console import Console
from rich.table import Table

from benchmarks.families import FAMILIES
from hybrid_job.optimising.angles import transferred
from hybrid_job.optimising.optimiser import Optimum, Real, minimise, starting_points, typical_field
from quantum_pipeline.ising import IsingModel, all_energies
from quantum_pipeline.ising.angles import interpolated
from quantum_pipeline.ising.statevector import Qaoa


@dataclass(frozen=True)
class Found:
    """One optimisation: ratios where it started and ended, evaluations, and work."""

    start: str
    depth: int
    first: float
    last: float
    evaluations: int
    work: int


def measure(model: IsingModel, depths: tuple[int, ...]) -> Iterator[Found]:
    """Optimise from every start to every depth."""
    spectrum = all_energies(model.model_copy(update={"offset": 0.0}))
    worst, best = float(spectrum.max()), float(spectrum.min())
    qaoa, unit = Qaoa(spectrum), typical_field(model)

    def run(start: Real) -> Optimum:
        return minimise(
            qaoa.energy_and_gradient, [start], unit=unit, max_evaluations=1000, deadline=math.inf
        )

    def found(name: str, depth: int, end: Optimum, evaluations: int, work: int) -> Found:
        first, last = ((worst - e) / (worst - best) for e in (end.history[0][1], end.energy))
        return Found(name, depth, first, last, evaluations, work)

    starts: dict[str, Callable[[int], Real | None]] = {
        "ramp": lambda depth: starting_points(depth, 1, unit, np.random.default_rng(0))[0],
        "transferred": lambda depth: transferred(model, depth),
    }
    for depth in depths:
        for name, start_of in starts.items():
            start = start_of(depth)
            if start is not None:
                end = run(start)
                count = len(end.history)
                yield found(name, depth, end, count, count * depth)
    end = run(starting_points(1, 1, unit, np.random.default_rng(0))[0])
    evaluations = work = len(end.history)
    for depth in range(2, max(depths) + 1):
        end = run(interpolated(end.angles))
        evaluations, work = evaluations + len(end.history), work + depth * len(end.history)
        if depth in depths:
            yield found("interpolated", depth, end, evaluations, work)


@click.command()
@click.option("--variables", default=12, show_default=True)
@click.option("--models", default=8, show_default=True, help="Random models of each family.")
@click.option("--seed", default=7, show_default=True)
@click.option("--families", help="Names, with commas between; all if not given.")
def main(*, variables: int, models: int, seed: int, families: str | None) -> None:
    """Print a row for each family, depth and start."""
    table = Table("family", "depth", "start", "first ratio", "last ratio", "evaluations", "work")
    for family in families.split(",") if families else FAMILIES:
        rng = np.random.default_rng(seed)
        rows: dict[tuple[int, str], list[Found]] = {}
        for _ in range(models):
            for found in measure(FAMILIES[family](variables, rng), (3, 5, 8)):
                rows.setdefault((found.depth, found.start), []).append(found)
        for (depth, start), each in sorted(rows.items(), key=lambda row: row[0][0]):
            means = np.mean([[f.first, f.last, f.evaluations, f.work] for f in each], axis=0)
            first, last, evaluations, work = means.tolist()
            table.add_row(
                family, str(depth), start, f"{first:.3f}", f"{last:.4f}",
                f"{evaluations:.0f}", f"{work:.0f}",
            )  # fmt: skip
    Console(width=110).print(table)


if __name__ == "__main__":
    main()
