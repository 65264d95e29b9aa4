"""Compares warm starts with the plain one: ``python -m benchmarks.warm_starts``.

"relaxed" tilts by the relaxation, "local" by the bits of one steepest descent from random bits, as
a quick classical heuristic leaves them. Angles from the ramp to convergence. Ratios are (worst -
mean energy)/(worst - best), before any layer and after; "P(optimum)" is the probability of an
optimal bitstring in one shot, geometric mean of the models.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import click
import numpy as np
from rich.console import Console
from rich.table import Table

from benchmarks.families import FAMILIES
from hybrid_job.optimising.optimiser import Real, minimise, starting_points, typical_field
from hybrid_job.optimising.warm_start import relaxed, tilts_of, tilts_of_bits
from quantum_pipeline.ising import IsingModel, all_energies
from quantum_pipeline.ising.statevector import Qaoa


def descended(spectrum: Real, n: int, rng: np.random.Generator) -> str:
    """Return the bits where turning any one bit over costs energy."""
    at = int(rng.integers(2**n))
    while True:
        best = min((at ^ (1 << bit) for bit in range(n)), key=spectrum.__getitem__)
        if spectrum[best] >= spectrum[at]:
            return f"{at:0{n}b}"
        at = best


def measure(
    model: IsingModel, spectrum: Real, tilts: Sequence[float] | None, depth: int
) -> tuple[float, float, float, int]:
    """Return both ratios, the probability of the best, and the evaluations."""
    worst, best = float(spectrum.max()), float(spectrum.min())
    qaoa, unit = Qaoa(spectrum, tilts=tilts), typical_field(model)
    starts = starting_points(depth, 1, unit, np.random.default_rng(0))
    found = minimise(
        qaoa.energy_and_gradient, starts, unit=unit, max_evaluations=1000, deadline=math.inf
    )
    optimal = spectrum <= best + 1e-9 * (worst - best)
    before, after = (
        (worst - energy) / (worst - best)
        for energy in (qaoa.energy(np.zeros((2, depth))), found.energy)
    )
    probability = float(qaoa.probabilities(found.angles)[optimal].sum())
    return before, after, probability, len(found.history)


@click.command()
@click.option("--variables", default=12, show_default=True)
@click.option("--models", default=8, show_default=True, help="Random models of each family.")
@click.option("--families", help="Names, with commas between; all if not given.")
def main(*, variables: int, models: int, families: str | None) -> None:
    """Print a row for each family, depth and start."""
    table = Table("family", "depth", "start", "before", "after", "P(optimum)", "evaluations")
    for family in families.split(",") if families else FAMILIES:
        rows: dict[tuple[int, str], list[tuple[float, float, float, int]]] = {}
        for seed in range(models):
            rng = np.random.default_rng(seed)
            model = FAMILIES[family](variables, rng)
            spectrum = all_energies(model.model_copy(update={"offset": 0.0}))
            starts = {
                "plain": None,
                "local": tilts_of_bits(descended(spectrum, variables, rng)),
                "relaxed": tilts_of(relaxed(model, rng)),
            }
            for depth in (1, 3):
                for name, tilts in starts.items():
                    found = measure(model, spectrum, tilts, depth)
                    rows.setdefault((depth, name), []).append(found)
        for (depth, name), each in rows.items():
            before, after, _, evaluations = np.mean(each, axis=0).tolist()
            probabilities = [math.log(max(probability, 1e-12)) for _, _, probability, _ in each]
            table.add_row(
                family, str(depth), name, f"{before:.3f}", f"{after:.3f}",
                f"{math.exp(np.mean(probabilities)):.4f}", f"{evaluations:.0f}",
            )  # fmt: skip
    Console(width=110).print(table)


if __name__ == "__main__":
    main()
