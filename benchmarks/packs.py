"""A hundred small runs as one pack, beside as many runs alone: ``python -m benchmarks.packs``.

MaxCut on random graphs of 8 to 14 nodes. On this machine: ``qpipe run`` of the pack, beside cold
``qpipe run``s of a few of its runs, scaled to all of them. By the books of the local Braket, which
bills an instance for its start too: USD, and hours where three jobs run at once. Then the same pack
again and again, its job killed once at a random point: the same results, the same ends, and nothing
solved twice that had a result. Figures: docs/benchmarks.md.
"""

from __future__ import annotations

import json
import os
import random
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from statistics import mean
from typing import Any

import boto3
import click
import networkx as nx
from rich.console import Console
from rich.table import Table

from benchmarks.overhead import PINNED, run, seconds
from quantum_pipeline import runs
from quantum_pipeline.cli.client import Pipeline, run_id_of
from quantum_pipeline.cli.reach import HERE
from quantum_pipeline.local.aws import LOOK_SECONDS, LocalAws
from quantum_pipeline.local.braket import BraketService
from quantum_pipeline.local.places import cache_folder

USD_PER_HOUR = 0.115
SLOTS = 3
"""Jobs that an account may run at once, unless it has asked for more."""

TARGETS = {"time": 1 / 6, "usd": 1 / 50, "hours": 1 / 25}
"""Parts of what the runs take alone that the pack may take."""

Request = Mapping[str, Any]


def requests(n_runs: int) -> dict[str, Request]:
    """Return runs of 8 to 14 variables by their names."""
    found: dict[str, Request] = {}
    for number in range(n_runs):
        graph = nx.gnp_random_graph(8 + number % 7, 0.5, seed=number)
        edges = [list(edge) for edge in graph.edges]
        found[f"run-{number:03}"] = {
            "problem": {"type": "maxcut", "edges": edges},
            "algorithm": {"depth": 1 + number % 3},
            "seed": number,
        }
    return found


def pack_of(found: Mapping[str, Request]) -> Request:
    """Return the runs as a pack."""
    each = [{"name": name, "request": request} for name, request in found.items()]
    return {"pack": each, "limits": {"max_cost_usd": 100}}


def timed(name: str, request: Request, folder: Path) -> float:
    """Return the seconds of a cold ``qpipe run``."""
    file = folder / f"{name}.json"
    file.write_text(json.dumps(request), "utf-8")
    qpipe = str(Path(sys.executable).with_name("qpipe"))
    command = [qpipe, "run", str(file), "--output", str(folder / "runs"), "--json"]
    return seconds(partial(run, command))


def spread(found: Mapping[str, Request], n: int) -> dict[str, Request]:
    """Return a few of the runs, from the first to the last."""
    names = list(found)
    chosen = [names[index * len(names) // n] for index in range(n)]
    return {name: found[name] for name in chosen}


def braket(environment: Callable[[], Mapping[str, str]], folder: Path) -> BraketService:
    """Return a Braket that bills as AWS does, the start of an instance too."""
    sources = cache_folder() / "sources"
    return BraketService(
        environment,
        folder,
        concurrent_jobs=100,
        instance_usd_per_hour=USD_PER_HOUR,
        look_seconds=LOOK_SECONDS,
        sources=sources,
    )


@contextmanager
def priced_aws(*, on_devices: bool = False) -> Iterator[LocalAws]:
    """Yield an AWS whose jobs have a price."""
    parameters = HERE | {"JobInstanceUsdPerHour": str(USD_PER_HOUR)}
    with LocalAws(
        cache_folder=cache_folder(), parameters=parameters, braket=braket, on_devices=on_devices
    ) as aws:
        os.environ |= aws.environment()
        yield aws


class Books:
    """What the local Braket has billed, and what the bucket has of runs."""

    def __init__(self, aws: LocalAws) -> None:
        self.aws, self.pipeline = aws, Pipeline(aws.outputs)
        self._braket, self._s3 = boto3.client("braket"), boto3.client("s3")

    def ended(self, request: Request, label: str) -> str:
        """Take a request, or a pack, to its end; return its id."""
        execution = self.pipeline.start(request, label)
        for _ in self.pipeline.watch(execution, every_seconds=0.1):
            pass
        return run_id_of(execution)

    def billed(self, run_id: str) -> tuple[float, float]:
        """Return the USD and the seconds that the jobs of a run, or a pack, are billed."""
        seconds_of_jobs = sum(job["billableDuration"] for job in self.jobs(run_id))
        return self.aws.braket.billing.total(run_id), seconds_of_jobs

    def jobs(self, run_id: str) -> list[dict[str, Any]]:
        """Return the jobs of a run, or a pack."""
        pages = self._braket.get_paginator("search_jobs").paginate(filters=[])
        found = [job for page in pages for job in page["jobs"]]
        return [
            dict(self._braket.get_job(jobArn=job["jobArn"]))
            for job in found
            if job["tags"][runs.RUN_ID_TAG] == run_id
        ]

    def results(self, pack_id: str, names: Iterable[str]) -> dict[str, Any]:
        """Return what each run of a pack has found, without times; and how it has ended."""
        return {name: self._result(f"{pack_id}.{name}") for name in names}

    def _result(self, run_id: str) -> dict[str, Any]:
        report = json.loads(self.pipeline.read(run_id, runs.REPORT))
        angles = [round(each, 9) for each in report["algorithm"]["gammas"]]
        [end] = {*runs.ENDS} & {*self.pipeline.names(run_id)}
        return {"end": end, "angles": angles} | {
            name: report[name] for name in ("solution", "samples")
        }

    def left(self, pack_id: str) -> dict[str, str]:
        """Return the versions of what the job has left of runs that ended."""
        bucket, prefix = self.pipeline.outputs["OutputBucketName"], runs.key(pack_id, "")
        pages = self._s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
        return {
            item["Key"]: item["ETag"]
            for page in pages
            for item in page.get("Contents", ())
            if item["Key"].endswith(f"/{runs.PACKED_END}")
        }


def killed(books: Books, pack: Request, label: str, after: float) -> tuple[str, dict[str, str]]:
    """Run a pack whose job is killed some seconds after its start; return what it had left."""
    left: dict[str, str] = {}
    execution = books.pipeline.start(pack, label)

    def kill() -> None:
        while not (ids := books.aws.braket.process_ids()):
            time.sleep(0.02)
        time.sleep(after)
        ids = books.aws.braket.process_ids()
        for process_id in ids:
            os.killpg(process_id, signal.SIGKILL)
        time.sleep(1.0)  # what it had left is stored by then
        left.update(books.left(run_id_of(execution)))

    threading.Thread(target=kill, daemon=True).start()
    for _ in books.pipeline.watch(execution, every_seconds=0.1):
        pass
    return run_id_of(execution), left


def measured(n_runs: int, n_cold: int, n_kills: int) -> dict[str, Any]:
    """Return all figures."""
    found = requests(n_runs)
    pack, few = pack_of(found), spread(found, n_cold)
    with tempfile.TemporaryDirectory() as folder:
        together = timed("pack", pack, Path(folder))
        cold = [timed(name, request, Path(folder)) for name, request in few.items()]
    with priced_aws() as aws:
        books = Books(aws)
        first = books.ended(pack, "pack")
        alone = [books.billed(books.ended(request, name)) for name, request in few.items()]
        usd, job_seconds = books.billed(first)
        figures = {
            "seconds": {"pack": together, "alone": mean(cold) * n_runs},
            "usd": {"pack": usd, "alone": mean(each for each, _ in alone) * n_runs},
            "hours": {
                "pack": job_seconds / 3600,
                "alone": mean(each for _, each in alone) * n_runs / SLOTS / 3600,
            },
        }
        return figures | {"kills": kills(books, pack, first, list(found), n_kills)}


def kills(
    books: Books, pack: Request, first: str, names: list[str], n_kills: int
) -> dict[str, int]:
    """Return how many packs were killed, and in how many of them anything differed."""
    rng, expected = random.Random(1), books.results(first, names)
    [job] = books.jobs(first)
    lasts = (job["endedAt"] - job["startedAt"]).total_seconds()
    counts = {"killed": 0, "other results": 0, "solved twice": 0, "results before": 0}
    for number in range(n_kills):
        pack_id, left = killed(books, pack, f"killed-{number}", rng.uniform(0.1, 0.8) * lasts)
        counts["killed"] += len(json.loads(books.pipeline.read(pack_id, runs.JOB))["earlier"])
        counts["other results"] += books.results(pack_id, names) != expected
        counts["solved twice"] += not left.items() <= books.left(pack_id).items()
        counts["results before"] += len(left)
    return counts


@click.command()
@click.option("--runs", "n_runs", default=100, show_default=True, help="Runs of the pack.")
@click.option("--cold", default=10, show_default=True, help="Of them, how many run alone.")
@click.option("--kills", "n_kills", default=10, show_default=True, help="Packs that are killed.")
@click.option("--json", "json_file", type=click.Path(path_type=Path), help="Write the figures.")
def main(n_runs: int, cold: int, n_kills: int, json_file: Path | None) -> None:
    """Print what a pack takes of what its runs take alone."""
    os.environ |= PINNED
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # else every import compiles its module
    figures = measured(n_runs, cold, n_kills)
    table = Table(
        "", "as a pack", "alone", "part", "target", title=f"{n_runs} runs, {cold} measured alone"
    )
    for name, what, target, form in (
        ("seconds", "s here, by qpipe run", TARGETS["time"], ".1f"),
        ("usd", "USD by the local Braket's books", TARGETS["usd"], ".4f"),
        ("hours", f"h at {SLOTS} jobs at once", TARGETS["hours"], ".3f"),
    ):
        pack, alone = figures[name]["pack"], figures[name]["alone"]
        part = f"1/{alone / pack:.1f}"
        table.add_row(
            what, format(pack, form), format(alone, form), part, f"at most 1/{1 / target:.0f}"
        )
    Console().print(table)
    counts = figures["kills"]
    print(", ".join(f"{name}: {count}" for name, count in counts.items()))
    if json_file:
        json_file.write_text(json.dumps(figures), "utf-8")


if __name__ == "__main__":
    main()
