"""Compares optimisers that see only means of shots: ``python -m benchmarks.shots``.

From the ramp, on the exact state sampled with so many shots an evaluation. "reached" is the exact
energy at the angles found, over that of L-BFGS-B on exact gradients from the same start: mean and
least of the models. "z" is the root mean square of (stated energy - exact energy) over the
stated standard error: 1 where the errors are honest.
"""

from __future__ import annotations

import math

import click
import numpy as np
from rich.console import Console
from rich.table import Table

from benchmarks.families import FAMILIES
from hybrid_job.optimising.optimiser import Real, minimise, starting_points, typical_field
from hybrid_job.optimising.shot_optimisers import minimise_shots, one_by_one
from quantum_pipeline.ising import IsingModel, all_energies
from quantum_pipeline.ising.statevector import Qaoa
from quantum_pipeline.planning.optimiser_steps import Method

METHODS: tuple[Method, ...] = ("spsa", "cobyla", "nft")
EVALUATIONS = 200


def measure(
    model: IsingModel, depth: int, shots: int, seed: int
) -> dict[str, tuple[float, float, int]]:
    """Return, for the start and each method, the energy reached, z, and evaluations."""
    spectrum = all_energies(model.model_copy(update={"offset": 0.0}))
    qaoa, unit = Qaoa(spectrum), typical_field(model)
    (start,) = starting_points(depth, 1, unit, np.random.default_rng(0))
    exact = minimise(
        qaoa.energy_and_gradient, [start], unit=unit, max_evaluations=1000, deadline=math.inf
    )
    rows = {"start": (qaoa.energy(start) / exact.energy, 0.0, 0)}
    for method in METHODS:
        rng = np.random.default_rng(seed)

        def estimate(angles: Real, rng: np.random.Generator = rng) -> tuple[float, float]:
            probabilities = qaoa.probabilities(angles)
            drawn = rng.choice(spectrum, shots, p=probabilities / probabilities.sum())
            return float(drawn.mean()), float(drawn.std(ddof=1) / math.sqrt(shots))

        found = minimise_shots(
            one_by_one(estimate),
            start,
            method=method,
            unit=unit,
            max_evaluations=EVALUATIONS,
            deadline=math.inf,
            rng=np.random.default_rng([seed, 1]),
        )
        energy = qaoa.energy(found.angles)
        z = (found.energy - energy) / found.standard_error
        rows[method] = energy / exact.energy, z, len(found.history)
    return rows


@click.command()
@click.option("--variables", default=10, show_default=True)
@click.option("--models", default=10, show_default=True, help="Random models of each family.")
@click.option("--families", default="3-regular,weighted half,QUBO half", show_default=True)
def main(*, variables: int, models: int, families: str) -> None:
    """Print a row for each family, depth, number of shots and method."""
    table = Table("family", "depth", "shots", "method", "reached", "least", "z", "evaluations")
    for family in families.split(","):
        for depth in (1, 3):
            for shots in (100, 1000):
                each = [
                    measure(
                        FAMILIES[family](variables, np.random.default_rng(seed)), depth, shots, seed
                    )
                    for seed in range(models)
                ]
                for method in each[0]:
                    reached, z, evaluations = np.array([rows[method] for rows in each]).T
                    table.add_row(
                        family, str(depth), str(shots), method, f"{reached.mean():.3f}",
                        f"{reached.min():.3f}", f"{np.sqrt((z**2).mean()):.2f}",
                        f"{evaluations.mean():.0f}",
                    )  # fmt: skip
    Console(width=110).print(table)


if __name__ == "__main__":
    main()
