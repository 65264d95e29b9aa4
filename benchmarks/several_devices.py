"""Blocks on several devices, all emulated here: ``python -m benchmarks.several_devices``.

One problem is divided on Garnet + Emerald, and on Garnet alone. Printed is how long the devices
were busy with the tasks of each measurement, by the emulator's clock: the longest of the devices,
for they work at the same time; and what the local Braket has billed, which keeps its ledger without
the run. The same again while Emerald is switched off in the middle. Then smaller runs whose job is
killed by SIGKILL, on both devices and on the exact engine, each somewhere else: when its journal
has some part of the bytes that the journal of a run has that nobody kills. What they find, and
what they have paid for, is compared with that one's.
Figures: docs/benchmarks.md.
"""

from __future__ import annotations

import json
import math
import os
import random
import signal
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

import click
import networkx as nx
from rich.console import Console
from rich.table import Table

from benchmarks.packs import Books, priced_aws
from quantum_pipeline import runs
from quantum_pipeline.cli.client import run_id_of
from quantum_pipeline.devices.catalogue import find
from quantum_pipeline.planning.blocks import levels

Json = dict[str, Any]
GARNET, BOTH = "Garnet", ["Garnet", "Emerald"]
MOST_OF_ONE = 0.6
"""Of the time on one device, what two may take."""

MOST_TRIES = 3
"""Runs for each kill: some end before theirs comes."""

LOOK_SECONDS = 0.003
"""Between two looks at a journal."""

LEFT_ONLINE = 2
"""Tasks that are created on Emerald before it is off, the last of them in its queue."""


def request(n: int, device: Any, *, block_size: int, shots: int, **algorithm: Any) -> Json:
    """Return MaxCut of a random 3-regular graph, divided."""
    edges = [list(edge) for edge in nx.random_regular_graph(3, n, seed=1).edges]
    return {
        "problem": {"type": "maxcut", "edges": edges},
        "algorithm": {"name": "divide", "block_size": block_size, **algorithm},
        "device": device,
        "shots": shots,
        "limits": {"max_cost_usd": 10_000},
    }


class Ran(NamedTuple):
    """A run that ended: its cut, its circuits and tasks, money by its bill and by the ledger.

    ``device_seconds`` are those of the tasks, of all measurements one after another. ``twice`` are
    circuits that are paid for beyond one a block. ``attempts`` are the jobs that it took.
    """

    cut: float
    circuits: int
    tasks: int
    device_seconds: float
    bill_usd: float
    ledger_usd: float
    twice: int
    lost: tuple[str, ...]
    attempts: int
    answer: str

    @property
    def is_right(self) -> bool:
        """Whether nothing is paid twice, and bill and ledger are the same."""
        return not self.twice and abs(self.bill_usd - self.ledger_usd) < 1e-9


def ran(books: Books, asked: Json, label: str) -> Ran:
    """Return what has become of a request that nobody disturbs."""
    return found(books, books.ended(asked, label))


def found(books: Books, run_id: str) -> Ran:
    """Return what has become of a run that ended."""
    report = json.loads(books.pipeline.read(run_id, runs.REPORT))
    tasks = report["cost"]["tasks"]
    circuits = sum(task["executables"] for task in tasks)
    merges = levels(report["problem"]["n_variables"], report["algorithm"]["block_size"])[1:]
    blocks = report["algorithm"]["n_solved"] + sum(merges)
    on_devices = [line for line in books.aws.braket.billing.lines(run_id) if line.kind == "task"]
    return Ran(
        cut=report["solution"]["objective"],
        circuits=circuits,
        tasks=len(tasks),
        device_seconds=sum(busy(books, run_id)),
        bill_usd=sum(task["usd"] for task in tasks),
        ledger_usd=float(sum(line.usd for line in on_devices)),
        twice=circuits - blocks if tasks else 0,
        lost=tuple(each["name"] for each in report["devices"] if each["lost"]),
        attempts=1 + len(json.loads(books.pipeline.read(run_id, runs.JOB))["earlier"]),
        answer=report["solution"]["bitstring"],
    )


def killed(books: Books, asked: Json, label: str, at: float = math.inf) -> tuple[str, int]:
    """Run a request whose first job is killed when its journal has so many bytes.

    Returns:
        The id of the run, and the bytes that the journal had then, or at the end.
    """
    execution, length = books.pipeline.start(asked, label), 0
    while not (first := books.aws.braket.process_ids()):
        time.sleep(LOOK_SECONDS)
    while process_ids := {*first} & {*books.aws.braket.process_ids()}:
        length = max(length, journal_bytes(books))
        if length >= at:
            for process_id in process_ids:
                os.killpg(process_id, signal.SIGKILL)
            break
        time.sleep(LOOK_SECONDS)
    for _ in books.pipeline.watch(execution, every_seconds=0.1):
        pass
    return run_id_of(execution), length


def journal_bytes(books: Books) -> int:
    """Return the bytes of the journal of the job that runs now; its folder goes with it."""
    length = 0
    for file in books.aws.braket.work_folder.glob("*/checkpoints/journal-*.jsonl"):
        with suppress(FileNotFoundError):
            length += file.stat().st_size
    return length


def busy(books: Books, run_id: str) -> Iterator[float]:
    """Yield the seconds of each measurement of a run: those of the device that was busy longest."""
    by_ordinal: defaultdict[int, defaultdict[str, float]] = defaultdict(lambda: defaultdict(float))
    for task in books.aws.braket.tasks.all():
        if task.tags.get(runs.RUN_ID_TAG) == run_id and task.device_seconds is not None:
            ordinal = int(task.tags[runs.BATCH_TAG].split(" ")[1])
            by_ordinal[ordinal][task.device.arn] += task.device_seconds
    return (max(by_device.values()) for by_device in by_ordinal.values())


def switched_off(books: Books, asked: Json) -> Ran:
    """Return what has become of a request on both devices, the second of which is switched off."""
    braket, emerald = books.aws.braket, find(BOTH[1]).arn
    braket.faults.go_offline_after(emerald, LEFT_ONLINE)
    try:
        return ran(books, asked, "off")
    finally:
        braket.devices.set(emerald, status="ONLINE")


def kills(books: Books, asked: Json, label: str, n_kills: int) -> dict[str, int]:
    """Return how many runs were killed, and in how many of them anything was wrong."""
    rng = random.Random(1)
    run_id, length = killed(books, asked, label)
    whole = found(books, run_id)
    counts = {"killed": 0, "other answer": 0, "paid twice": 0, "bill is not the ledger": 0}
    for number in range(MOST_TRIES * n_kills):
        if counts["killed"] >= n_kills:
            break
        run_id, at = killed(books, asked, f"{label}-{number}", rng.random() * length)
        each = found(books, run_id)
        print(f"{label}: killed at {at} of {length} bytes, {each.attempts} jobs", flush=True)
        counts["killed"] += each.attempts - 1
        counts["other answer"] += each.answer != whole.answer
        counts["paid twice"] += each.twice > 0
        counts["bill is not the ledger"] += abs(each.bill_usd - each.ledger_usd) > 1e-9
    return counts


def printed(ways: dict[str, Ran]) -> Table:
    """Return a line for each way."""
    table = Table(title="blocks on devices, by the tasks' clock")
    table.add_column("devices")
    for column in ("cut", "circuits", "tasks", "device s", "bill USD", "ledger USD", "paid twice"):
        table.add_column(column, justify="right")
    for name, each in ways.items():
        table.add_row(
            f"{name}{' (lost: ' + ', '.join(each.lost) + ')' if each.lost else ''}",
            f"{each.cut:g}",
            str(each.circuits),
            str(each.tasks),
            f"{each.device_seconds:.1f}",
            f"{each.bill_usd:.3f}",
            f"{each.ledger_usd:.3f}",
            str(each.twice),
        )
    return table


@click.command(help=__doc__)
@click.option("--variables", default=32, show_default=True)
@click.option("--block-size", default=4, show_default=True)
@click.option("--shots", default=20_000, show_default=True, help="Of each block.")
@click.option("--kills", "n_kills", default=10, show_default=True, help="Runs killed, each way.")
@click.option("--only", type=click.Choice(["devices", "kills"]), help="One half alone.")
@click.option("--json", "file", type=click.Path(path_type=Path))
def main(  # noqa: PLR0917 - an option each
    variables: int, block_size: int, shots: int, n_kills: int, only: str | None, file: Path | None
) -> None:
    """Print the table, the ratio, and what came of the kills."""
    how = {"block_size": block_size, "shots": shots, "max_rounds": 2, "depth": 1}
    small = {"block_size": 4, "shots": 50, "max_rounds": 1, "depth": 1}
    console = Console()
    with priced_aws(on_devices=True) as aws:
        books = Books(aws)
        ways = {} if only == "kills" else on_devices(books, variables, how)
        if ways:
            console.print(printed(ways))
            console.print(f"both in {ratio(ways):.3f} of the time of one; target {MOST_OF_ONE}")
        asked = {
            "both devices": request(12, BOTH, **small),
            "exact engine": request(200, "local", **small | {"block_size": 10, "max_rounds": 300}),
        }
        counted = {}
        for name, each in asked.items() if only != "devices" else ():
            counted[name] = kills(books, each, name.replace(" ", "-"), n_kills)
            told = ", ".join(f"{count} {what}" for what, count in counted[name].items())
            console.print(f"{name}: {told}")
    if file is not None:
        runs_of = {name: each._asdict() for name, each in ways.items()}
        file.write_text(json.dumps({"runs": runs_of, "kills": counted}), "utf-8")
    twice = sum(each["paid twice"] for each in counted.values())
    slow = bool(ways) and ratio(ways) > MOST_OF_ONE
    few = any(each["killed"] < n_kills or each["other answer"] for each in counted.values())
    if slow or twice or few or not all(each.is_right for each in ways.values()):
        raise SystemExit(1)


def on_devices(books: Books, variables: int, how: Json) -> dict[str, Ran]:
    """Return the run on one device, that on two, and that on two of which one is switched off."""
    return {
        "Garnet": ran(books, request(variables, GARNET, **how), "one"),
        "Garnet + Emerald": ran(books, request(variables, BOTH, **how), "both"),
        "Garnet + Emerald, one off": switched_off(books, request(variables, BOTH, **how)),
    }


def ratio(ways: dict[str, Ran]) -> float:
    """Return the time of two devices as part of that of one."""
    return ways["Garnet + Emerald"].device_seconds / ways["Garnet"].device_seconds


if __name__ == "__main__":
    main()
