"""Depth grown until it stops paying, for the mean and for tails: ``python -m benchmarks.growth``.

Each random model is grown by ``hybrid_job.optimising.depth`` with its settings. "P(optimum)" is the
exact probability that one shot is an optimal bitstring, as geometric mean and as least of the
models; "missed" is the probability that none of 1000 shots is, their mean. Ratios are (worst - mean
energy)/(worst - best), of the mean energy whatever was minimised.
"""

from __future__ import annotations

import math
from functools import partial

import click
import numpy as np
from rich.console import Console
from rich.table import Table

from benchmarks.families import FAMILIES
from hybrid_job.optimising.angles import transferred
from hybrid_job.optimising.depth import LEAST_GAIN, grow
from hybrid_job.optimising.optimiser import starting_points, typical_field
from quantum_pipeline.ising import IsingModel, all_energies
from quantum_pipeline.ising.statevector import Qaoa

SHOTS = 1000


def measure(
    model: IsingModel, alpha: float, max_depth: int, least_gain: float
) -> tuple[float, float, float, float, float]:
    """Return depth, evaluations, evaluations times depth, ratio, and probability of the best."""
    spectrum = all_energies(model.model_copy(update={"offset": 0.0}))
    worst, best = float(spectrum.max()), float(spectrum.min())
    qaoa, unit = Qaoa(spectrum), typical_field(model)
    evaluate = (
        qaoa.energy_and_gradient if alpha == 1 else partial(qaoa.tail_and_gradient, alpha=alpha)
    )
    start = transferred(model, 1)
    if start is None:
        (start,) = starting_points(1, 1, unit, np.random.default_rng(0))
    growth = grow(
        evaluate,
        [start],
        unit=unit,
        max_depth=max_depth,
        max_evaluations=10_000,
        deadline=math.inf,
        untouched=evaluate(np.zeros((2, 1)))[0],
        least_gain=least_gain,
    )
    probabilities = qaoa.probabilities(growth.optimum.angles)
    return (
        growth.steps[-1].depth,
        sum(step.evaluations for step in growth.steps),
        sum(step.evaluations * step.depth for step in growth.steps),
        float((worst - probabilities @ spectrum) / (worst - best)),
        float(probabilities[spectrum <= best + 1e-9 * (worst - best)].sum()),
    )


@click.command()
@click.option("--variables", default="12", show_default=True, help="Numbers, with commas between.")
@click.option("--models", default=8, show_default=True, help="Random models of each family.")
@click.option("--seed", default=11, show_default=True)
@click.option("--alphas", default="1,0.2", show_default=True, help="Tails; 1 is the mean.")
@click.option("--max-depth", default=10, show_default=True)
@click.option("--least-gain", default=LEAST_GAIN, show_default=True)
@click.option("--families", help="Names, with commas between; all if not given.")
def main(
    *,
    variables: str,
    models: int,
    seed: int,
    alphas: str,
    max_depth: int,
    least_gain: float,
    families: str | None,
) -> None:
    """Print a row for each family, size and tail."""
    table = Table(
        "family", "n", "alpha", "depth", "evaluations", "work", "ratio", "P(optimum)", "least",
        "missed",
    )  # fmt: skip
    for family in families.split(",") if families else FAMILIES:
        for n in map(int, variables.split(",")):
            for alpha in map(float, alphas.split(",")):
                rng = np.random.default_rng(seed)
                each = np.array(
                    [
                        measure(FAMILIES[family](n, rng), alpha, max_depth, least_gain)
                        for _ in range(models)
                    ]
                )
                depth, evaluations, work, ratio, _ = each.mean(axis=0)
                probabilities = each[:, 4]
                table.add_row(
                    family, str(n), f"{alpha:g}", f"{depth:.1f}", f"{evaluations:.0f}",
                    f"{work:.0f}", f"{ratio:.4f}",
                    f"{np.exp(np.log(np.maximum(probabilities, 1e-12)).mean()):.4f}",
                    f"{probabilities.min():.4f}", f"{((1 - probabilities) ** SHOTS).mean():.1e}",
                )  # fmt: skip
    Console(width=110).print(table)


if __name__ == "__main__":
    main()
