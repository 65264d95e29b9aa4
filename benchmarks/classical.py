"""What the classical baseline proves, and how fast: ``python -m benchmarks.classical``.

Random models of growing size and degree, and grids: the answer that the job would give, then each
method alone, with how far its energy lies above the lowest of all. ``d-wave`` is simulated
annealing of dwave-samplers with its defaults and as many reads, if that is installed. Times are
without compiling. Energies are recomputed, and a proof that another method refutes ends the run.
"""

from __future__ import annotations

import importlib.util
import json
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import click
import networkx as nx
import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from hybrid_job import classical
from hybrid_job.classical import local_search, milp
from quantum_pipeline.ising import IsingModel, energy_of

Real = NDArray[np.float64]
SIZES = [(3, (28, 50, 100, 200, 300)), (4, (50, 100, 200)), (6, (50, 100)), (10, (40, 50, 100))]
DENSE = (35, 50, 60, 100, 200)


def models(seed: int) -> Iterator[tuple[str, IsingModel]]:
    """Yield MaxCut and weighted models with fields on regular graphs, grids, and dense models."""
    rng = np.random.default_rng(seed)
    for degree, sizes in SIZES:
        for n in sizes:
            edges = list(nx.random_regular_graph(degree, n, seed).edges)
            yield f"MaxCut, degree {degree}", _model(n, edges, [0.5] * len(edges))
            yield (
                f"normal J, h, degree {degree}",
                _model(n, edges, rng.normal(size=len(edges)), rng.normal(size=n)),
            )
    for side in (10, 20):
        grid = nx.convert_node_labels_to_integers(nx.grid_2d_graph(side, side, periodic=True))
        edges = list(grid.edges)
        yield "torus, J = ±1", _model(side**2, edges, rng.choice([-1.0, 1.0], len(edges)))
    for n in DENSE:
        edges = list(nx.gnp_random_graph(n, 0.5, seed).edges)
        yield "MaxCut, half of the pairs", _model(n, edges, [0.5] * len(edges))
    edges = list(nx.random_regular_graph(3, 2000, seed).edges)
    yield "MaxCut, degree 3", _model(2000, edges, [0.5] * len(edges))


def _model(n: int, edges: Any, weights: Any, fields: Any = None) -> IsingModel:
    rows = [(i, j, float(w)) for (i, j), w in zip(edges, weights, strict=True)]
    return IsingModel.from_spins([0.0] * n if fields is None else fields.tolist(), rows)


def methods(model: IsingModel, seconds: float, seed: int) -> dict[str, Callable[[], Any]]:
    """Return what each method alone finds: spins, and whether they are proven."""

    def highs() -> tuple[Real, bool]:
        proof, deadline = milp.Proof(model), time.monotonic() + seconds
        proof.bound(deadline)
        proof.branch(deadline)
        return proof.spins, proof.proven

    found: dict[str, Callable[[], Any]] = {}
    if len(model.couplings) <= 2000:
        found["HiGHS"] = highs
    for name, search in local_search.searches(model).items():
        found[name] = partial(_found, search, seconds, seed)
    if importlib.util.find_spec("dwave"):
        found["d-wave"] = lambda: (_dwave(model, seed), False)
    return found


def _found(search: local_search.Search, seconds: float, seed: int) -> tuple[Real, bool]:
    return search(np.random.default_rng(seed), time.monotonic() + seconds), False


def _dwave(model: IsingModel, seed: int) -> Real:
    from dwave.samplers import SimulatedAnnealingSampler  # type: ignore[import-not-found]

    couplings = {(i, j): value for i, j, value in model.couplings}
    fields = dict(enumerate(model.fields))
    sampled = SimulatedAnnealingSampler().sample_ising(
        fields, couplings, num_reads=local_search.READS, seed=seed
    )
    return np.array([sampled.first.sample[i] for i in range(model.n_variables)])


def measure(model: IsingModel, seconds: float, seed: int) -> dict[str, Any]:
    """Return the answer, and of each method alone its energy, seconds and proof."""
    answer = classical.solve(model, seconds=seconds, rng=np.random.default_rng(seed))
    alone: dict[str, Any] = {}
    for name, method in methods(model, seconds, seed).items():
        begun = time.perf_counter()
        spins, proven = method()
        took = time.perf_counter() - begun
        bits = "".join("0" if spin > 0 else "1" for spin in spins)
        alone[name] = {"energy": energy_of(model, bits), "seconds": took, "proven": proven}
    lowest = min(answer.energy, *(each["energy"] for each in alone.values()))
    for each in (answer.model_dump(), *alone.values()):
        if each["proven"] and each["energy"] > lowest + model.tolerance:
            raise SystemExit(f"refuted: {each} of {model}")
    return {"answer": answer.model_dump(exclude={"bitstring"}), "alone": alone, "lowest": lowest}


@click.command()
@click.option("--seconds", default=10.0, show_default=True, help="Cap of each method.")
@click.option("--seed", default=1, show_default=True)
@click.option("--json", "json_file", type=click.Path(path_type=Path), help="Write the figures.")
def main(seconds: float, seed: int, json_file: Path | None) -> None:
    """Print what answers for each model, and what each method finds alone."""
    columns = ["HiGHS", "simulated annealing", "tabu search"]
    columns += ["d-wave"] if importlib.util.find_spec("dwave") else []
    table = Table("model", "n", "couplings", "density", "answer", "s", "proven", *columns)
    rows = []
    for name, model in models(seed):
        n, couplings = model.n_variables, len(model.couplings)
        density = 2 * couplings / (n * (n - 1))
        row: dict[str, Any] = {"model": name, "n": n, "couplings": couplings, "density": density}
        row |= measure(model, seconds, seed)
        rows.append(row)
        answer = row["answer"]
        cells = [_cell(row["alone"].get(column), row["lowest"]) for column in columns]
        table.add_row(
            name, str(n), str(couplings), f"{density:.3f}", answer["method"],
            f"{answer['seconds']:.3g}", "yes" if answer["proven"] else "no", *cells,
        )  # fmt: skip
    Console(width=160).print(table)
    if json_file:
        json_file.write_text(json.dumps({"seconds": seconds, "rows": rows}, indent=1), "utf-8")


def _cell(found: dict[str, Any] | None, lowest: float) -> str:
    if found is None:
        return "-"
    above = (found["energy"] - lowest) / abs(lowest)
    excess = "proven" if found["proven"] else "lowest" if above < 1e-9 else f"+{above:.2%}"
    return f"{excess}, {found['seconds']:.3g} s"


if __name__ == "__main__":
    main()
