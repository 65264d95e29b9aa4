"""A study beside single runs, and one that is stopped again and again: ``benchmarks.studies``.

On this machine: ``qpipe study`` of 12 exact runs, beside a ``qpipe run`` of one of them. Then, on
an AWS that is open, a study each of whose runs has a job alone: it is stopped at random moments and
started again until it ends, beside the same study that nobody stops. Its summary has to be the
same, no run that succeeded may have been started again, and what is billed to these is once the
bill of each. Figures: docs/benchmarks.md.
"""

from __future__ import annotations

import json
import os
import random
import sys
import tempfile
import time
from collections import Counter
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

import click
from rich.console import Console
from rich.table import Table

from benchmarks.overhead import PINNED, run, seconds
from quantum_pipeline import runs
from quantum_pipeline.cli.client import Pipeline
from quantum_pipeline.cli.reach import HERE
from quantum_pipeline.cli.study_client import StudyClient
from quantum_pipeline.local.aws import LocalAws
from quantum_pipeline.local.places import cache_folder
from quantum_pipeline.studies import places
from quantum_pipeline.studies.study import parse_study

RING = {"type": "maxcut", "edges": [[i, (i + 1) % 12] for i in range(12)]}
MOST_OF_RUNS = 3.0
"""Of the time of a single run, what the study of 12 may take."""

WAIT_SECONDS = 8.0
"""After how long a study is stopped at the latest: its runs take about as long."""


def study_of(name: str, **more: Any) -> dict[str, Any]:
    """Return a study of MaxCut on a ring."""
    return {"name": name, "base": {"problem": RING}, **more}


def beside_runs(rounds: int) -> tuple[float, float]:
    """Return the median seconds of ``qpipe study`` of 12 runs, and of ``qpipe run`` of one."""
    qpipe = str(Path(sys.executable).with_name("qpipe"))
    taken: dict[str, list[float]] = {"study": [], "run": []}
    for number in range(rounds):
        with tempfile.TemporaryDirectory() as folder:
            vary = {"algorithm.depth": [1, 2, 3, 4], "seed": {"count": 3}}
            inputs = {"study": study_of(f"twelve-{number}", vary=vary), "run": {"problem": RING}}
            for command, asked in inputs.items():
                file = Path(folder) / f"{command}.json"
                file.write_text(json.dumps(asked), "utf-8")
                words = [qpipe, command, str(file), "--output", folder, "--json"]
                taken[command].append(seconds(partial(run, words)))
    return median(taken["study"]), median(taken["run"])


def rows_of(client: StudyClient) -> list[dict[str, Any]]:
    """Return the rows of all rounds of a study."""
    found, number = list[dict[str, Any]](), 1
    while content := client.pipeline.bucket.content(places.rows_key(client.study.name, number)):
        found += json.loads(content)["rows"]
        number += 1
    return found


class Studies:
    """Studies on an AWS that is open, whose runs have jobs alone."""

    def __init__(self, aws: LocalAws) -> None:
        self.pipeline = Pipeline(aws.outputs)
        self._billing = aws.braket.billing

    def client(self, name: str) -> StudyClient:
        """Return the client of a study."""
        vary = {"device": ["sv1"], "algorithm.depth": [1, 2], "seed": {"count": 3}}
        asked = study_of(name, vary=vary, limits={"concurrency": 2, "max_cost_usd": 10})
        return StudyClient(self.pipeline, parse_study(asked))

    def ended(self, client: StudyClient, stop_after: float | None = None) -> str:
        """Start the study, perhaps stop it after so many seconds; return how it ended."""
        execution = client.start()
        if stop_after is not None:
            time.sleep(stop_after)
            self.pipeline.stop(execution)
        while (status := self.pipeline.status_of(execution)) == "RUNNING":
            time.sleep(0.1)
        return str(status)

    def summary(self, client: StudyClient) -> dict[str, Any]:
        """Return what of a summary is no time, no bill and no name."""
        rows = {row["setting"]["number"]: row for row in rows_of(client)}
        report = json.loads(self.pipeline.bucket.content(client.prefix + runs.REPORT) or b"{}")
        return {
            "runs": report["runs"],
            "objectives": {number: row["objective"] for number, row in rows.items()},
        }

    def billed(self, run_id: str) -> float:
        """Return what Braket bills for a run."""
        return self._billing.total(run_id)


def stopped(n_stops: int) -> dict[str, int]:
    """Return what came of a study that was stopped so often."""
    rng = random.Random(1)
    with LocalAws(cache_folder=cache_folder(), parameters=HERE) as aws:
        os.environ |= aws.environment()
        studies = Studies(aws)
        whole, broken = studies.client("whole"), studies.client("broken")
        studies.ended(whole)
        ends = [studies.ended(broken, rng.uniform(0.0, WAIT_SECONDS)) for _ in range(n_stops)]
        ends.append(studies.ended(broken))
        rows = rows_of(broken)
        succeeded = [row for row in rows if row["status"] == "SUCCEEDED"]
        times = Counter(row["setting"]["number"] for row in succeeded)
        return {
            "stopped": ends.count("ABORTED"),
            "other summaries": int(studies.summary(broken) != studies.summary(whole)),
            "runs lost": 6 - len(times),
            "solved twice": sum(each > 1 for each in times.values()),
            "other bills": sum(
                abs(row["cost_usd"] - studies.billed(row["run_id"])) > 1e-9 for row in succeeded
            ),
        }


@click.command()
@click.option("--rounds", default=3, show_default=True, help="Of which the median is taken.")
@click.option("--stops", default=10, show_default=True, help="How often the study is stopped.")
@click.option("--json", "json_file", type=click.Path(path_type=Path), help="Write the figures.")
def main(rounds: int, stops: int, json_file: Path | None) -> None:
    """Print what a study takes beside single runs, and what stops do to it."""
    os.environ |= PINNED
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # else every import compiles its module
    study, single = beside_runs(rounds)
    counts = stopped(stops)
    table = Table("", "", "target", title="Studies")
    table.add_row("12 exact runs by qpipe study, s", f"{study:.1f}", "")
    table.add_row("one by qpipe run, s", f"{single:.1f}", "")
    table.add_row("ratio", f"{study / single:.2f}", f"at most {MOST_OF_RUNS:g}")
    for what, count in counts.items():
        table.add_row(what, str(count), "" if what == "stopped" else "0")
    Console().print(table)
    if json_file:
        figures = {"seconds": {"study": study, "run": single}, "stops": counts}
        json_file.write_text(json.dumps(figures), "utf-8")


if __name__ == "__main__":
    main()
