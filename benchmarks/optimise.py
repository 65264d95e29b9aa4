"""From a linear ramp to converged angles, end to end: ``python -m benchmarks.optimise``.

Same graph, same start, same final ratio for all; simulators are set up, and ours compiled, before
the clock starts. A method that ends more than 1e-6 below the best ratio found is marked: its time
is not that of the same work.
"""

from __future__ import annotations

import contextlib
import io
import json
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import click
import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table
from scipy.optimize import minimize

from benchmarks import machine, options, peers
from benchmarks.ours import Ours
from benchmarks.peers import Competitor
from benchmarks.problem import Problem, random_problem
from benchmarks.timing import Clock, Limits, Timing, interleave
from hybrid_job.optimising.optimiser import linear_ramp

Real = NDArray[np.float64]
SAME_RATIO = 1e-6
TUTORIAL_STEPS = 70


@dataclass(frozen=True)
class End:
    """Where a method ended: its energy, and how many times it asked for one."""

    energy: float
    evaluations: int


def gradients(method: str, options: dict[str, float], competitor: Competitor, start: Real) -> End:
    """Minimise with scipy and the competitor's own gradients."""

    def evaluate(x: Real) -> tuple[float, Real]:
        energy, gradient = competitor.energy_and_gradient(x.reshape(start.shape))
        return energy, gradient.ravel()

    end = minimize(evaluate, start.ravel(), jac=True, method=method, options=options)
    return End(float(end.fun), int(end.nfev))


def cobyla(competitor: Competitor, start: Real) -> End:
    """Minimise with scipy's COBYLA, which takes energies alone."""
    end = minimize(
        lambda x: competitor.energy(x.reshape(start.shape)),
        start.ravel(),
        method="COBYLA",
        tol=1e-7,
        options={"rhobeg": 0.1, "maxiter": 10_000},
    )
    return End(float(end.fun), int(end.nfev))


def tutorial(competitor: Any, start: Real) -> End:
    """Descend as PennyLane's introduction to QAOA does: 70 steps of its default optimiser."""
    import pennylane as qml

    angles = qml.numpy.array(start, requires_grad=True)
    optimiser = qml.GradientDescentOptimizer()
    for _ in range(TUTORIAL_STEPS):
        angles = optimiser.step(competitor.qnode, angles)
    return End(competitor.energy(np.asarray(angles)), TUTORIAL_STEPS)


l_bfgs_b = partial(gradients, "L-BFGS-B", {"ftol": 1e-11, "gtol": 1e-5, "maxiter": 1000})
bfgs = partial(gradients, "BFGS", {"gtol": 1e-4})

METHODS: list[tuple[str, str, Callable[[Any, Real], End]]] = [
    ("pennylane", "L-BFGS-B", l_bfgs_b),
    ("pennylane", "tutorial", tutorial),
    ("lightning", "L-BFGS-B", l_bfgs_b),
    ("qokit", "BFGS", bfgs),
    ("qokit", "COBYLA", cobyla),
    ("aer", "COBYLA", cobyla),
    ("qulacs", "L-BFGS-B", l_bfgs_b),
]


def recipe_loop(problem: Problem) -> End:
    """Run the loop that this project replaces, which draws its own angles."""
    from benchmarks import recipe_loop

    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "request.json"
        edges = [[i, j] for i, j, _ in problem.model.couplings]
        file.write_text(json.dumps({"problem": {"edges": edges}}), "utf-8")
        with contextlib.redirect_stdout(io.StringIO()) as printed:
            recipe_loop.main(str(file))
    return End(float(printed.getvalue()) - problem.constant, recipe_loop.EVALUATIONS)


def methods(problem: Problem, depth: int, names: list[str] | None) -> dict[str, Callable[[], End]]:
    """Return each method of the peers that are installed, ready to start; ours first."""
    start = linear_ramp(depth)
    ours = Ours(problem, depth)
    calls: dict[str, Callable[[], End]] = {"ours, L-BFGS-B": partial(l_bfgs_b, ours, start)}
    makers = peers.chosen(names)
    made = {name: make(problem, depth) for name, make in makers.items() if make}
    for name, label, method in METHODS:
        if name in made:
            calls[f"{name}, {label}"] = partial(method, made[name], start)
    if "braket" in made:
        calls["recipe loop"] = partial(recipe_loop, problem)
    return calls


@click.command()
@options.sizes(12, 16)
@options.depth
@options.threads
@options.chosen_peers
@options.rounds
@options.budget
@options.clock
@options.seed
@options.json_file
def main(
    *,
    sizes: tuple[int, ...],
    depth: int,
    threads: int,
    peers: list[str] | None,
    rounds: int,
    budget: float,
    clock: Clock,
    seed: int,
    json_file: Path | None,
) -> None:
    """Print the time, the evaluations and the final ratio of each method."""
    machine.pin_threads(threads)
    figures, ours_is_best = [], True
    for qubits in sizes:
        problem = random_problem(qubits, seed)
        timings = interleave(methods(problem, depth, peers), Limits(rounds, budget, clock))
        rows = in_figures(problem, timings)
        Console().print(table(rows, f"maxcut, n = {qubits}, p = {depth}, threads: {threads}"))
        figures.append({"qubits": qubits, "methods": rows})
        ours_is_best &= next(iter(rows.values()))["same_ratio"]
    options.write(json_file, {"depth": depth, "threads": threads, "sizes": figures})
    sys.exit(not ours_is_best)


def in_figures(problem: Problem, timings: dict[str, Timing]) -> dict[str, dict[str, Any]]:
    """Return the figures of each method; the ratio is expected cut / best cut."""
    best_cut = -float(problem.cost.min() + problem.constant)
    ratios = {
        name: -(timing.result.energy + problem.constant) / best_cut
        for name, timing in timings.items()
    }
    best = max(ratios.values())
    return {
        name: {
            "seconds": timing.seconds,
            "words": str(timing),
            "rounds": timing.rounds,
            "evaluations": timing.result.evaluations,
            "ratio": ratios[name],
            "same_ratio": best - ratios[name] <= SAME_RATIO,
        }
        for name, timing in timings.items()
    }


def table(rows: dict[str, dict[str, Any]], title: str) -> Table:
    made = Table("method", "time", "evaluations", "ratio", "times ours", title=title)
    made.caption = "* did not converge to the same ratio"
    ours = next(iter(rows.values()))["seconds"]
    for name, row in rows.items():
        mark = "" if row["same_ratio"] else " *"
        times, ratio = f"{row['seconds'] / ours:.1f}", f"{row['ratio']:.7f}{mark}"
        made.add_row(name, row["words"], str(row["evaluations"]), ratio, times)
    return made


if __name__ == "__main__":
    main()
