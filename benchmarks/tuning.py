"""Strategies of studies on settings whose costs are known: ``python -m benchmarks.tuning``.

What is tuned is the USD that finding the optimum with 99 % takes on Garnet, at its prices: quality
is equal, and the least cost wins. 200 settings, of depth, optimiser, shots an evaluation and
cvar_alpha, are each solved once by the job itself, from shots of the exact state, on random models
of 10 spins. Then ``random`` and ``bayesian`` are replayed on these costs by what PlanRound calls:
30 runs each, in batches, with 20 seeds. A replay is as good as the least cost that it has seen.

    least            of all settings
    random, bayesian median over the seeds of the least cost seen, and its rank among all settings
    better           seeds in which bayesian ended below random, and above

and a paired test over all instances and seeds: Wilcoxon's signed ranks of log(bayesian / random).
"""

from __future__ import annotations

import math
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, get_args

import click
import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from benchmarks import options
from benchmarks.constrained import solved_here
from benchmarks.families import FAMILIES
from quantum_pipeline.devices.catalogue import find
from quantum_pipeline.planning.optimiser_steps import Method, batch_sizes
from quantum_pipeline.results import OptimisationResult
from quantum_pipeline.studies.requests import request_of
from quantum_pipeline.studies.rows import RunRow, Setting
from quantum_pipeline.studies.strategies import propose
from quantum_pipeline.studies.study import Study, parse_study

VARY: dict[str, list[Any]] = {
    "algorithm.depth": [1, 2, 3, 4, 5],
    "algorithm.optimizer": ["spsa", "cobyla"],
    "algorithm.shots_per_evaluation": [32, 64, 128, 256, 512],
    "algorithm.cvar_alpha": [0.1, 0.25, 0.5, 1.0],
}
SPINS, EVALUATIONS, BATCH, SURE = 10, 100, 3, 0.99
DEVICE = "Garnet"
OF = ("3-regular", "weighted half", "QUBO half", "spin glass")
Real = NDArray[np.float64]


class Replayed(NamedTuple):
    """The least cost that each seed has seen, in USD."""

    random: Real
    bayesian: Real


def problem(number: int) -> dict[str, Any]:
    """Return a random model of a family, the next one for each number."""
    model = FAMILIES[OF[number % len(OF)]](SPINS, np.random.default_rng(number))
    couplings = [[i, j, value] for i, j, value in model.couplings]
    return {"type": "ising", "fields": list(model.fields), "couplings": couplings}


def study(strategy: Mapping[str, Any], asked: Mapping[str, Any] | None = None) -> Study:
    """Return the study of all settings, of one instance if there is one."""
    base = {"problem": asked, "device": "local", "algorithm": {"max_evaluations": EVALUATIONS}}
    data = {"name": "tuning", "base": base, "vary": VARY, "objective": "cost.actual_usd"}
    return parse_study(data | {"strategy": strategy})


def cost(asked: Mapping[str, Any], setting: Setting) -> float:
    """Return the USD of a setting: its training, and shots until the optimum is found."""
    _, result = solved_here(request_of(study({"name": "grid"}, asked), setting))
    assert isinstance(result, OptimisationResult)
    device, shots = find(DEVICE), int(setting.values["algorithm.shots_per_evaluation"])
    method: Method = setting.values["algorithm.optimizer"]
    assert method in get_args(Method)
    evaluations = len(result.history)
    # The last evaluation is of the angles that were found, in a task of its own.
    steps = batch_sizes(method, evaluations - 1, setting.values["algorithm.depth"])
    samples = shots_until_found(result.probability_of_best or 0.0)
    tasks = len(list(steps)) + 1 + math.ceil(samples / 20_000)
    return device.usd_per_task * tasks + device.usd_per_shot * (evaluations * shots + samples)


def shots_until_found(probability: float) -> int:
    """Return the shots of which one is the optimum with 99 %, up to ten million.

    >>> shots_until_found(0.5), shots_until_found(1.0)
    (7, 1)
    """
    if probability >= SURE:
        return 1
    return math.ceil(math.log(1 - SURE) / math.log1p(-max(probability, 4.6e-7)))


def replay(costs: Sequence[float], strategy: Mapping[str, Any]) -> float:
    """Return the least cost that a strategy sees, whose rounds are what PlanRound would start."""
    asked = study(strategy)
    rows: list[RunRow] = []
    while found := propose(asked, rows, [row.setting for row in rows]):
        rows += (
            RunRow(
                setting=each,
                run_id=f"tuning-{each.number}",
                status="SUCCEEDED",
                objective=costs[PLACES[_key(each)]],
            )
            for each in found
        )
    return min(row.objective for row in rows if row.objective is not None)


def _key(setting: Setting) -> tuple[Any, ...]:
    return tuple(setting.values[path] for path in VARY)


SETTINGS = propose(study({"name": "grid"}), (), ())
PLACES = {_key(setting): setting.number for setting in SETTINGS}


def replayed(costs: Sequence[float], seeds: int, runs: int) -> Replayed:
    """Return what both strategies see of an instance."""
    strategies = (
        {"name": "random", "n_runs": runs},
        {"name": "bayesian", "n_runs": runs, "batch": BATCH},
    )
    return Replayed(
        *(
            np.array([replay(costs, strategy | {"seed": seed}) for seed in range(seeds)])
            for strategy in strategies
        )
    )


@click.command()
@click.option("--instances", default=10, show_default=True)
@click.option("--seeds", default=20, show_default=True)
@click.option("--runs", default=30, show_default=True)
@options.json_file
def main(*, instances: int, seeds: int, runs: int, json_file: Path | None) -> None:
    """Print a row an instance, the test over all, and whether the target is met."""
    from scipy.stats import wilcoxon

    began, figures, all_of = time.monotonic(), [], []
    table = Table("model", "least", "random", "rank", "bayesian", "rank", "better", title="USD")
    for number in range(instances):
        asked = problem(number)
        costs = [cost(asked, setting) for setting in SETTINGS]
        found = replayed(costs, seeds, runs)
        all_of.append(found)
        medians = [float(np.median(each)) for each in found]
        ranks = [1 + sum(each < median for each in costs) for median in medians]
        wins = int((found.bayesian < found.random).sum())
        losses = int((found.bayesian > found.random).sum())
        table.add_row(
            OF[number % len(OF)], f"{min(costs):.2f}",
            f"{medians[0]:.2f}", str(ranks[0]), f"{medians[1]:.2f}", str(ranks[1]),
            f"{wins} : {losses}",
        )  # fmt: skip
        figures.append(
            {"costs": costs, "random": found.random.tolist(), "bayesian": found.bayesian.tolist()}
        )
    Console(width=100).print(table)
    ratios = np.concatenate([np.log(each.bayesian / each.random) for each in all_of])
    test = wilcoxon(ratios, alternative="less")
    better = sum(float(np.median(each.bayesian)) < float(np.median(each.random)) for each in all_of)
    print(f"bayesian better than random in the median on {better} of {instances} instances")
    ratio = math.exp(float(np.median(ratios)))
    print(f"median of bayesian / random {ratio:.3f}, p = {test.pvalue:.2g}")
    print(f"{len(SETTINGS)} settings, {runs} runs, {seeds} seeds: {time.monotonic() - began:.0f} s")
    options.write(json_file, {"instances": figures, "better": better, "p": float(test.pvalue)})


if __name__ == "__main__":
    main()
