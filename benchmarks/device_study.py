"""A study that compares devices, all emulated here: ``python -m benchmarks.device_study``.

events/studies/device_benchmark.json: four devices, two algorithms, five seeds. Each figure of its
summary is computed again from runs.csv, each cell of that is looked up in the run's own report, and
the bill of the study is that of its runs and that of the local Braket's ledger, which is kept
without any of them. Figures: docs/benchmarks.md.
"""

from __future__ import annotations

import csv
import io
import json
import time
from collections.abc import Iterator, Mapping, Sequence
from math import fsum
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.table import Table

from benchmarks import options
from benchmarks.packs import priced_aws
from benchmarks.study_figures import Line, pairs
from quantum_pipeline import runs
from quantum_pipeline.catalogue.comparison import at
from quantum_pipeline.cli.client import Pipeline
from quantum_pipeline.cli.study_client import StudyClient
from quantum_pipeline.local.aws import LocalAws
from quantum_pipeline.studies.study import Study, parse_study

FILE = Path(__file__).parents[1] / "events" / "studies" / "device_benchmark.json"
NOT_OF_REPORTS = ("convergence.evaluations", "device.emulated")
"""Columns that say how many, or whether, of what is a list or a text in the report."""


def asked(seeds: int) -> Study:
    """Return the study, with as many seeds."""
    data = json.loads(FILE.read_text("utf-8"))
    return parse_study(data | {"vary": data["vary"] | {"seed": {"count": seeds}}})


def cells(lines: Sequence[Line], reports: Mapping[str, Any]) -> Iterator[tuple[str, bool]]:
    """Yield each figure of the lines, and whether the run's report has it so."""
    for line in lines:
        report = reports[line["run_id"]]
        named = {"cost_usd": "cost.actual_usd", "seconds": "timing.job_seconds"}
        named["objective"] = "quality.expected_ratio"
        for column, text in line.items():
            path = named.get(column, column)
            if "." in path and not path.startswith("vary.") and path not in NOT_OF_REPORTS:
                found = at(report, path)
                yield f"{line['run_id']}.{column}", text == ("" if found is None else str(found))


class Found:
    """What a study has left, and what the local Braket has billed."""

    def __init__(self, aws: LocalAws, client: StudyClient) -> None:
        read = client.pipeline.bucket.content
        self.summary = client.summary() or {}
        text = (read(f"{client.prefix}runs.csv") or b"").decode()
        self.lines: list[Line] = list(csv.DictReader(io.StringIO(text)))
        self.reports = {
            line["run_id"]: json.loads(client.pipeline.read(line["run_id"], runs.REPORT))
            for line in self.lines
            if line["status"] == "SUCCEEDED"
        }
        self.ledger_usd = float(sum(line.usd for line in aws.braket.billing.lines()))

    def checks(self) -> dict[str, dict[str, Any]]:
        """Return what was compared: how often, how often it was the same, and what was not."""
        figures = [(each.path, each.is_same) for each in pairs(self.summary, self.lines)]
        bills = {
            "the summary": self.summary["spent"]["usd"],
            "the sum of the runs' bills": fsum(
                report["cost"]["actual_usd"] for report in self.reports.values()
            ),
        }
        same = [
            (name, abs(usd - self.ledger_usd) <= 1e-9 * self.ledger_usd)
            for name, usd in bills.items()
        ]
        found = {
            "figures of the summary, from runs.csv": figures,
            "cells of runs.csv, from the reports": list(cells(self.lines, self.reports)),
            "bills, against the ledger": same,
        }
        return {
            name: {
                "compared": len(each),
                "same": sum(is_same for _, is_same in each),
                "not": [path for path, is_same in each if not is_same],
            }
            for name, each in found.items()
        }


def measured(seeds: int) -> dict[str, Any]:
    """Run the study and return what came of it."""
    study, begun = asked(seeds), time.monotonic()
    with priced_aws(on_devices=True) as aws:
        client = StudyClient(Pipeline(aws.outputs), study)
        for _ in client.pipeline.turns(client.start(), every_seconds=0.5):
            pass
        found = Found(aws, client)
    ended = found.summary["runs"]
    return {
        "seconds": time.monotonic() - begun,
        "runs": sum(ended.values()),
        "succeeded": ended["succeeded"],
        "usd": found.summary["spent"]["usd"],
        "ledger_usd": found.ledger_usd,
        "worth": found.summary["worth"]["verdict"],
        "checks": found.checks(),
    }


def show(figures: Mapping[str, Any]) -> None:
    """Print the figures."""
    ended = f"{figures['succeeded']} of {figures['runs']} runs succeeded"
    table = Table(title=f"{ended}, in {figures['seconds']:.0f} s", title_justify="left")
    for name in ("what", "compared", "same"):
        table.add_column(name, justify="left" if name == "what" else "right")
    for name, check in figures["checks"].items():
        table.add_row(name, str(check["compared"]), str(check["same"]))
    console = Console(highlight=False)
    console.print(table)
    console.print(
        f"bill {figures['usd']:.4f} USD, ledger {figures['ledger_usd']:.4f}; {figures['worth']}"
    )
    for check in figures["checks"].values():
        for path in check["not"]:
            console.print(f"not the same: {path}")


@click.command()
@click.option("--seeds", default=5, show_default=True, type=click.IntRange(min=1))
@options.json_file
def main(seeds: int, json_file: Path | None) -> None:
    """Run the study, compute all of it again, and exit with 1 where anything differs."""
    figures = measured(seeds)
    show(figures)
    options.write(json_file, figures)
    if any(check["not"] for check in figures["checks"].values()):
        raise SystemExit(1)


if __name__ == "__main__":
    main()
