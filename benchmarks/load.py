"""Many more executions started together than there are job slots: ``python -m benchmarks.load``.

All solve MaxCut on the Petersen graph. One computes its job; those of all others take a fixed time
and have its results, since a laptop cannot compute hundreds of jobs at once and is not to be
measured. Waits are AWS's own. Figures and their targets: docs/benchmarks.md. It reads memory from
/proc, so it needs Linux.

With ``--study`` they are the runs of one study, on SV1, so that each has its job alone: which have
no end in its rows, which were solved twice, and how long it takes beside the slots' own time.
"""

from __future__ import annotations

import io
import json
import math
import os
import tarfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Any

import boto3
import click
import numpy as np
from rich.console import Console
from rich.table import Table
from scipy.stats import spearmanr

from benchmarks import options
from benchmarks.studies import rows_of
from quantum_pipeline import runs
from quantum_pipeline.cli.client import Pipeline
from quantum_pipeline.cli.reach import HERE
from quantum_pipeline.cli.study_client import StudyClient
from quantum_pipeline.local.aws import LocalAws
from quantum_pipeline.local.braket import BraketService
from quantum_pipeline.local.braket.clients import Clients
from quantum_pipeline.local.braket.fixed_length import FixedLength
from quantum_pipeline.local.braket.job import Job
from quantum_pipeline.local.places import cache_folder
from quantum_pipeline.studies.study import parse_study

REQUEST = Path(__file__).parents[1] / "events" / "requests" / "maxcut_petersen.json"
SECONDS_BETWEEN_SAMPLES = 0.5
SECONDS_UNTIL_IDLE = 60.0
LONGEST_SECONDS = 3600.0
"""How long executions are waited for; those that run even then have not ended."""

Figures = dict[str, float]
TARGETS: Mapping[str, tuple[str, str, Callable[[float], bool]]] = {
    "ended": ("share of executions that succeeded", "all", lambda share: share == 1),
    "rank_correlation": ("rank correlation of start and job", "at least 0.8", lambda r: r >= 0.8),
    "slots_used": ("share of the slots' time used", "at least 0.8", lambda share: share >= 0.8),
    "get_job_per_second": ("GetJob calls a second", "below 5", lambda rate: rate < 5),
    "peak_gigabytes": ("peak memory of all processes, GB", "below 4", lambda size: size < 4),
    "idle_ratio": ("memory a minute after, of idle", "at most 1.2", lambda ratio: ratio <= 1.2),
}
OF_STUDY: Mapping[str, tuple[str, str, Callable[[float], bool]]] = {
    "ended": ("share of runs that succeeded", "all", lambda share: share == 1),
    "lost": ("runs without an end", "0", lambda count: count == 0),
    "doubled": ("runs with two jobs, or solved twice", "0", lambda count: count == 0),
    "get_job_per_second": TARGETS["get_job_per_second"],
}
"""Each figure: what it is, its target in words, and whether it is met."""


def resident_bytes(process: int) -> int:
    """Return the memory of a process, with all that it shares with others; 0 if it has ended."""
    try:
        pages = int(Path(f"/proc/{process}/statm").read_text("ascii").split()[1])
    except (FileNotFoundError, ProcessLookupError):
        return 0
    return pages * os.sysconf("SC_PAGE_SIZE")


def processes() -> set[int]:
    """Return this process and all that descend from it."""
    parents = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = path.read_text("utf-8", "replace").rpartition(")")[2].split()
        except (FileNotFoundError, ProcessLookupError):
            continue
        parents[int(path.parent.name)] = int(fields[1])
    found, before = {os.getpid()}, 0
    while len(found) > before:
        before = len(found)
        found |= {child for child, parent in parents.items() if parent in found}
    return found


def total_bytes() -> int:
    """Return the memory of all these processes: an upper bound, as what they share counts often."""
    return sum(map(resident_bytes, processes()))


@dataclass
class Watch:
    """What is seen from outside while the executions run."""

    calls: Counter[str] = field(default_factory=Counter)
    peak_bytes: int = 0
    most_processes: int = 0

    def see(self, operation: str, _: Mapping[str, Any]) -> None:
        """Count a call of Braket."""
        self.calls[operation] += 1

    @contextmanager
    def memory(self) -> Iterator[None]:
        """Sample the memory for as long as the block runs."""
        over = threading.Event()

        def sample() -> None:
            while not over.wait(SECONDS_BETWEEN_SAMPLES):
                alive = processes()
                self.most_processes = max(self.most_processes, len(alive))
                self.peak_bytes = max(self.peak_bytes, sum(map(resident_bytes, alive)))

        thread = threading.Thread(target=sample)
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()


class Machine:
    """The state machine of a stack, as a client sees it."""

    def __init__(self, aws: LocalAws) -> None:
        session: Any = boto3.Session(**aws.key.arguments(), region_name=aws.region)
        client = partial(session.client, endpoint_url=aws.endpoint_url)
        self._states, self._s3, self._braket = map(client, ("stepfunctions", "s3", "braket"))
        self._arn, self._bucket = aws.outputs["StateMachineArn"], aws.outputs["OutputBucketName"]

    def start(self, name: str, more: Mapping[str, Any] = MappingProxyType({})) -> None:
        request = json.dumps(json.loads(REQUEST.read_text("utf-8")) | dict(more))
        self._states.start_execution(stateMachineArn=self._arn, name=name, input=request)

    def executions(self) -> list[dict[str, Any]]:
        pages = self._states.get_paginator("list_executions").paginate(stateMachineArn=self._arn)
        return [each for page in pages for each in page["executions"]]

    def wait(self) -> list[dict[str, Any]]:
        """Return all executions once none runs any more."""
        deadline = time.monotonic() + LONGEST_SECONDS
        while True:
            found = self.executions()
            if time.monotonic() > deadline or all(each["status"] != "RUNNING" for each in found):
                return found
            time.sleep(2.0)

    def jobs(self) -> list[dict[str, Any]]:
        pages = self._braket.get_paginator("search_jobs").paginate(filters=[])
        return [each for page in pages for each in page["jobs"]]

    def output(self, run_id: str) -> bytes:
        key = f"{runs.job_folder(run_id, 1)}/output/model.tar.gz"
        content: bytes = self._s3.get_object(Bucket=self._bucket, Key=key)["Body"].read()
        return content


def computed(more: Mapping[str, Any]) -> bytes:
    """Return the archive of a job that has computed its result, of the run named ``computed``."""
    with LocalAws(cache_folder=cache_folder(), parameters=HERE) as aws:
        machine = Machine(aws)
        machine.start("computed", more)
        machine.wait()
        return machine.output("computed")


def archive_for(archive: bytes, job: Job) -> bytes:
    """Return an archive with the same results for the run of another job."""
    run_id = job.request["hyperParameters"]["run_id"]
    packed = io.BytesIO()
    with (
        tarfile.open(fileobj=io.BytesIO(archive)) as old,
        tarfile.open(fileobj=packed, mode="w:gz") as new,
    ):
        for member in old:
            file = old.extractfile(member)
            content = b"" if file is None else file.read()
            content = content.replace(b'"computed"', json.dumps(run_id).encode())
            member.size = len(content)
            new.addfile(member, io.BytesIO(content))
    return packed.getvalue()


def slots_used(jobs: list[dict[str, Any]], slots: int) -> float:
    """Return the share of the slots' time, from the first job to the last, that was used."""
    begun = min(each["createdAt"] for each in jobs)
    used = sum((each["endedAt"] - each["createdAt"]).total_seconds() for each in jobs)
    return float(used / slots / (max(each["endedAt"] for each in jobs) - begun).total_seconds())


def rank_correlation(executions: list[dict[str, Any]], jobs: list[dict[str, Any]]) -> float:
    """Return Spearman's correlation between the starts of runs and the creation of their jobs."""
    created = {each["tags"][runs.RUN_ID_TAG]: each["createdAt"] for each in jobs}
    both = [(each["startDate"], created[each["name"]]) for each in executions]
    starts, creations = np.array([[moment.timestamp() for moment in pair] for pair in both]).T
    return float(spearmanr(starts, creations).statistic)


@contextmanager
def stubbed(slots: int, seconds: float, **more: Any) -> Iterator[tuple[LocalAws, Watch]]:
    """Yield an AWS whose jobs take so long and have the result of one, and what is seen of it."""
    output = partial(archive_for, computed(more))

    def braket(environment: Callable[[], Mapping[str, str]], folder: Path) -> BraketService:
        runner = FixedLength(Clients(environment), seconds, output)
        return BraketService(environment, folder, runner=runner, concurrent_jobs=slots)

    parameters = HERE | {"PollsAtOnce": "0", "ConcurrentJobs": str(slots)}
    with LocalAws(cache_folder=cache_folder(), parameters=parameters, braket=braket) as aws:
        watch = Watch()
        aws.braket.intercept = watch.see
        yield aws, watch


def measured(number: int, slots: int, seconds: float) -> Figures:
    """Start so many executions together and return the figures."""
    with stubbed(slots, seconds) as (aws, watch):
        machine = Machine(aws)
        machine.start("warm-up")
        machine.wait()
        time.sleep(5)
        idle, server = total_bytes(), resident_bytes(os.getpid())
        watch.calls.clear()
        begun = time.monotonic()
        with watch.memory():
            with ThreadPoolExecutor(8) as pool:
                list(pool.map(machine.start, [f"run-{each:04}" for each in range(number)]))
            executions = [e for e in machine.wait() if e["name"].startswith("run-")]
        taken = time.monotonic() - begun
        time.sleep(SECONDS_UNTIL_IDLE)
        jobs = [e for e in machine.jobs() if e["tags"][runs.RUN_ID_TAG].startswith("run-")]
        after = total_bytes()
        return {
            "executions": number,
            "ended": sum(each["status"] == "SUCCEEDED" for each in executions) / number,
            "seconds": taken,
            "rank_correlation": rank_correlation(executions, jobs),
            "slots_used": slots_used(jobs, slots),
            "get_job_per_second": watch.calls["GetJob"] / taken,
            "refused_create_jobs_per_run": (watch.calls["CreateJob"] - len(jobs)) / number,
            "most_processes": watch.most_processes,
            "peak_gigabytes": watch.peak_bytes / 1e9,
            "idle_gigabytes": idle / 1e9,
            "after_gigabytes": after / 1e9,
            "idle_ratio": after / idle,
            "server_megabytes_per_run": (resident_bytes(os.getpid()) - server) / 1e6 / number,
        }


def of_study(number: int, slots: int, seconds: float) -> Figures:
    """Take so many runs through a study and return the figures."""
    device = {"device": "sv1"}
    with stubbed(slots, seconds, **device) as (aws, watch):
        os.environ |= aws.environment()
        base = json.loads(REQUEST.read_text("utf-8")) | device
        asked = {
            "name": "load",
            "base": {name: value for name, value in base.items() if name != "seed"},
            "vary": {"seed": {"count": number}},
            "limits": {"concurrency": slots, "max_cost_usd": 1000, "max_runs": number},
        }
        client = StudyClient(Pipeline(aws.outputs), parse_study(asked))
        begun = time.monotonic()
        execution = client.start()
        while client.pipeline.status_of(execution) == "RUNNING":
            time.sleep(1.0)
        taken = time.monotonic() - begun
        rows, jobs = rows_of(client), Machine(aws).jobs()
    solved = Counter(row["setting"]["number"] for row in rows if row["status"] == "SUCCEEDED")
    of_runs = Counter(each["tags"][runs.RUN_ID_TAG] for each in jobs)
    ideal = seconds * math.ceil(number / slots)
    return {
        "executions": number,
        "ended": len(solved) / number,
        "lost": number - len({row["setting"]["number"] for row in rows}),
        "doubled": sum(each > 1 for each in (*solved.values(), *of_runs.values())),
        "get_job_per_second": watch.calls["GetJob"] / taken,
        "seconds": taken,
        "seconds_of_slots_alone": ideal,
        "times_ideal": taken / ideal,
        "slots_used": slots_used(jobs, slots),
    }


@click.command()
@click.option("--executions", default=200, show_default=True, type=click.IntRange(min=2))
@click.option("--slots", default=3, show_default=True, help="Quota of jobs that run at once.")
@click.option("--job-seconds", default=2.0, show_default=True, help="How long each job takes.")
@click.option("--study", is_flag=True, help="As the runs of one study.")
@options.json_file
def main(
    *, executions: int, slots: int, job_seconds: float, study: bool, json_file: Path | None
) -> None:
    """Print the figures beside their targets; exit with 1 if one is missed."""
    measure, targets = (of_study, OF_STUDY) if study else (measured, TARGETS)
    figures = measure(executions, slots, job_seconds)
    what = f"{executions} executions, {slots} slots, {job_seconds:g} s a job"
    table = Table("", "", "target", title=what)
    missed = [name for name, (_, _, is_met) in targets.items() if not is_met(figures[name])]
    for name, value in figures.items():
        label, target, _ = targets.get(name, (name.replace("_", " "), "", None))
        table.add_row(label, f"{value:.3g}", f"{target}: missed" if name in missed else target)
    Console().print(table)
    options.write(json_file, {"figures": figures, "missed": missed})
    raise SystemExit(bool(missed))


if __name__ == "__main__":
    main()
