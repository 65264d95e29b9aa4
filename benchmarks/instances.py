"""Random instances through the whole pipeline: ``python -m benchmarks.instances``.

Weighted MaxCut and QUBO of 8 to 18 variables, default settings, each by a ``qpipe run`` of its own.
The optimum is found here by trying every bitstring on the problem's own numbers, which shares no
code with the pipeline; the reported solution's objective is computed anew from them as well.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import click
import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

Bits = NDArray[np.int64]


def random_problem(generator: np.random.Generator) -> dict[str, Any]:
    """Return a weighted MaxCut or QUBO problem of 8 to 18 variables."""
    n = int(generator.integers(8, 19))
    pairs = [(i, j) for i in range(n) for j in range(i + 1, n) if generator.random() < 0.5]
    pairs = pairs or [(0, 1)]
    if generator.random() < 0.5:
        weights = generator.uniform(0.1, 2, len(pairs))
        edges = [[i, j, w] for (i, j), w in zip(pairs, weights.tolist(), strict=True)]
        return {"type": "maxcut", "n_nodes": n, "edges": edges}
    values = generator.normal(0, 1, len(pairs)).tolist()
    quadratic = [[i, j, q] for (i, j), q in zip(pairs, values, strict=True)]
    linear = generator.normal(0, 1, n).tolist()
    return {"type": "qubo", "linear": linear, "quadratic": quadratic}


def objectives(problem: dict[str, Any], bits: Bits) -> NDArray[np.float64]:
    """Return the objective of each row of ``bits``, shape (rows, n)."""
    values = np.zeros(len(bits))
    for i, j, w in problem.get("edges", ()):
        values += w * (bits[:, i] != bits[:, j])
    for i, j, q in problem.get("quadratic", ()):
        values += q * bits[:, i] * bits[:, j]
    for i, value in enumerate(problem.get("linear", ())):
        values += value * bits[:, i]
    return values


def optimum(problem: dict[str, Any]) -> tuple[int, float]:
    """Return the number of variables and the best objective of all bitstrings."""
    n = problem.get("n_nodes") or len(problem["linear"])
    every = (np.arange(2**n)[:, None] >> np.arange(n)[::-1]) & 1
    values = objectives(problem, every)
    return n, float(values.max() if problem["type"] == "maxcut" else values.min())


@click.command()
@click.option("--count", default=50, show_default=True)
@click.option("--seed", default=2026, show_default=True)
def main(count: int, seed: int) -> None:
    """Print each instance, and how many reached the proven optimum."""
    generator = np.random.default_rng(seed)
    table = Table("problem", "n", "optimum", "found", "ratio of mean", "recomputes", "optimal")
    recomputed = optimal = 0
    for _ in range(count):
        problem = random_problem(generator)
        n, best = optimum(problem)
        report = run(problem)
        solution = report["solution"]
        bits = np.array([[int(bit) for bit in solution["bitstring"]]])
        same = abs(float(objectives(problem, bits)[0]) - solution["objective"]) < 1e-9
        reached = abs(solution["objective"] - best) < 1e-9
        recomputed, optimal = recomputed + same, optimal + reached
        expected = report["quality"]["expected_ratio"]
        table.add_row(
            problem["type"], str(n), f"{best:.6f}", f"{solution['objective']:.6f}",
            f"{expected:.4f}", str(same), str(reached),
        )  # fmt: skip
    Console().print(table)
    print(f"objective recomputes in {recomputed} of {count}, optimum found in {optimal} of {count}")
    sys.exit(recomputed < count or optimal < 0.98 * count)


def run(problem: dict[str, Any]) -> dict[str, Any]:
    """Return the report of a ``qpipe run`` with default settings."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "instance.json"
        file.write_text(json.dumps({"problem": problem}), "utf-8")
        qpipe = str(Path(sys.executable).with_name("qpipe"))
        command = [qpipe, "run", str(file), "--json", "--output", folder]
        done = subprocess.run(
            command, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
        report: dict[str, Any] = json.loads(done.stdout)
        return report


if __name__ == "__main__":
    main()
