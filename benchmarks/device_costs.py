"""Compares estimate, report and bill of runs on devices: ``python -m benchmarks.device_costs``.

Each row is a whole run on the AWS of this machine, whose Braket keeps a bill of its own, by prices
and rules that share no code with the estimate. An estimate must never be below the bill; where the
evaluations are fixed and the device's time is simulated, it may exceed it by a tenth at most. Rows
with a cap run again with half the estimate as the limit: they must end below it, with a report.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import click
import networkx as nx
from rich.console import Console
from rich.table import Table

from quantum_pipeline.cli.client import Pipeline, run_id_of
from quantum_pipeline.errors import BudgetExceeded
from quantum_pipeline.local.aws import LocalAws
from quantum_pipeline.local.braket import BraketService

Json = dict[str, Any]
INSTANCE_USD_PER_HOUR = 0.115
GARNET, CEPHEUS = "Garnet", "Cepheus-1-108Q"


def maxcut(n: int, seed: int) -> Json:
    """Return MaxCut on a random 3-regular graph."""
    graph = nx.random_regular_graph(3, n, seed=seed)
    return {"type": "maxcut", "edges": [sorted(edge) for edge in graph.edges]}


def training(evaluations: int, shots: int) -> Json:
    """Return the settings of SPSA on the device."""
    return {
        "depth": 1,
        "train_on": "device",
        "optimizer": "spsa",
        "max_evaluations": evaluations,
        "shots_per_evaluation": shots,
    }


class Case(NamedTuple):
    """A kind of run; ``fixed``: whether its estimate has to be within a tenth of its bill."""

    name: str
    request: Json
    fixed: bool


PROBLEM = maxcut(8, 1)
CASES = (
    Case("exact training, SV1", {"device": "sv1", "shots": 1000}, False),
    Case("fixed angles, Garnet", {
        "device": GARNET, "shots": 2000,
        "algorithm": {"gammas": [0.6], "betas": [-0.4], "optimizer": "none"},
    }, True),
    Case("exact training, Garnet", {"device": GARNET, "shots": 2000}, True),
    Case("exact training, Cepheus", {"device": CEPHEUS, "shots": 5000}, True),
    Case("mitigated, Garnet", {
        "device": GARNET, "shots": 1000, "algorithm": {"depth": 1},
        "mitigation": {"readout": True, "zne": "exponential"},
    }, True),
    Case("trained on SV1", {
        "device": "sv1", "shots": 1000, "algorithm": training(61, 500)
    }, True),
    Case("trained on Garnet", {
        "device": GARNET, "shots": 1000, "algorithm": training(31, 500)
    }, True),
)  # fmt: skip


@click.command()
@click.option("--only", help="Cases whose name has this in it.")
@click.option("--json", "json_file", type=click.Path(path_type=Path), help="Write the rows there.")
def main(*, only: str | None, json_file: Path | None) -> None:
    """Print a row for each run, and fail where a bound does not hold."""
    table = Table("run", "estimate", "report", "Braket's bill", "estimate/bill", "partial", "holds")
    rows = []
    with tempfile.TemporaryDirectory() as folder, _aws(Path(folder)) as aws:
        os.environ.update(aws.environment())
        for case in CASES:
            if only and only not in case.name:
                continue
            rows += measure(aws, case)
    for row in rows:
        ratio = f"{row['estimated'] / row['billed']:.3f}" if row["billed"] else "-"
        usd = (f"{row[name]:.4f}" for name in ("estimated", "reported", "billed"))
        table.add_row(row["run"], *usd, ratio, row["cut_short"] or "", str(row["holds"]))
    Console(width=None if sys.stdout.isatty() else 150).print(table)
    if json_file:
        json_file.write_text(json.dumps(rows, indent=1), "utf-8")
    sys.exit(not all(row["holds"] for row in rows))


def _aws(folder: Path) -> LocalAws:
    """Return the AWS of this machine, whose Braket asks for its instances what a stack assumes."""

    def braket(environment: Callable[[], Mapping[str, str]], work: Path) -> BraketService:
        return BraketService(environment, work, instance_usd_per_hour=INSTANCE_USD_PER_HOUR)

    parameters = {"JobInstanceUsdPerHour": str(INSTANCE_USD_PER_HOUR)}
    return LocalAws(cache_folder=folder, parameters=parameters, braket=braket)


def measure(aws: LocalAws, case: Case) -> list[Json]:
    """Return the row of a run, and that of the same run with half its estimate as the limit."""
    request = {"problem": PROBLEM, "seed": 7, "limits": {"max_cost_usd": 50.0}} | case.request
    whole = run(aws, case.name, request)
    ratio = whole["estimated"] / whole["billed"]
    whole["holds"] = 1 <= ratio <= (1.1 if case.fixed else ratio) and agree(whole)
    cap = whole["estimated"] / 2
    limits = {"max_cost_usd": cap, "allow_partial": True}
    name = f"{case.name}, cap {cap:.4f}"
    try:
        half = run(aws, name, request | {"limits": limits})
    except BudgetExceeded as refused:  # below what the smallest run takes: nothing was submitted
        half = {"run": name, "estimated": whole["estimated"], "reported": 0.0, "billed": 0.0}
        half["cut_short"] = f"refused: {str(refused).partition(';')[0]}"
    half["holds"] = half["billed"] <= cap and agree(half)
    return [whole, half]


def agree(row: Json) -> bool:
    """Return whether the report's bill is Braket's."""
    return bool(abs(row["reported"] - row["billed"]) <= 1e-6 + 1e-3 * row["billed"])


def run(aws: LocalAws, name: str, request: Json) -> Json:
    """Return what a run was estimated at, what its report says and what Braket bills for it."""
    pipeline = Pipeline(aws.outputs)
    execution = pipeline.start(request, name)
    for _ in pipeline.watch(execution, every_seconds=0.1):
        pass
    run_id = run_id_of(execution)
    with tempfile.TemporaryDirectory() as folder:
        fetched = pipeline.fetch(run_id, Path(folder))
        report = json.loads((fetched / "report.json").read_text("utf-8"))
    return {
        "run": name,
        "estimated": report["cost"]["estimated_usd"],
        "reported": report["cost"]["actual_usd"],
        "billed": aws.braket.billing.total(run_id),
        "cut_short": report["cost"]["cut_short"],
    }


if __name__ == "__main__":
    main()
