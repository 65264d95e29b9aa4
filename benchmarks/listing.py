"""How long ``qpipe list`` takes over many runs: ``python -m benchmarks.listing``.

A catalogue of so many records is made in a folder of its own, and the command is run as a user runs
it, process start included: for the newest 20, for all of them, and for one owner's, of whom there
are none. Beside them stands what a Python takes that imports click and ends. Rounds are
interleaved, medians compared; ``cpu`` is the processor's time, which other work of the machine
leaves out.
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median

import click
from rich.console import Console
from rich.table import Table

from benchmarks import options
from quantum_pipeline.catalogue.record import RunRecord
from quantum_pipeline.local.catalogue_file import CatalogueFile

QPIPE = str(Path(sys.executable).with_name("qpipe"))
STORED = Path(__file__).parents[1] / "tests" / "unit" / "record_v1.json"
FLOOR, NEWEST, ALL, NONE = "python and click", "newest 20", "all", "none of an owner"
TARGET_SECONDS = {NEWEST: 0.05, ALL: 0.5, NONE: 0.5}
"""Beyond what Python and click take themselves."""


def fill(folder: Path, number: int) -> None:
    """Make a catalogue of so many runs, a minute apart."""
    record = RunRecord.model_validate_json(STORED.read_text("utf-8"))
    start = datetime(2026, 1, 1, tzinfo=UTC)
    CatalogueFile(folder).add_all(
        record.model_copy(
            update={"run_id": f"run-{k:06}", "ended_at": start + timedelta(minutes=k)}
        ).model_dump_json()
        for k in range(number)
    )


def measured(folder: Path, rounds: int) -> dict[str, list[tuple[float, float]]]:
    """Return seconds, of the wall and of the processor, of each command in every round."""
    listing = [QPIPE, "list", "--output", str(folder)]
    commands = {
        FLOOR: [sys.executable, "-c", "import click"],
        NEWEST: listing,
        ALL: [*listing, "--all"],
        NONE: [*listing, "--owner", "nobody"],
    }
    found: dict[str, list[tuple[float, float]]] = {name: [] for name in commands}
    for _ in range(rounds):
        for name, command in commands.items():
            begun, before = time.perf_counter(), _processor()
            subprocess.run(command, check=True, capture_output=True, env=os.environ)
            found[name].append((time.perf_counter() - begun, _processor() - before))
    return found


def _processor() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


@click.command()
@click.option("--runs", default=10_000, show_default=True, type=click.IntRange(1, 10**6))
@options.rounds
@options.json_file
def main(runs: int, rounds: int, json_file: Path | None) -> None:
    """Print how long lists take, and write it as JSON."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        fill(folder, runs)
        found = measured(folder, rounds)
    rows = {
        name: {"seconds": median(wall), "cpu_seconds": median(cpu)}
        for name, each in found.items()
        for wall, cpu in [zip(*each, strict=True)]
    }
    table = Table("list", "s", "cpu s", "cpu s beyond Python and click", "at most", box=None)
    for name, row in rows.items():
        beyond = row["cpu_seconds"] - rows[FLOOR]["cpu_seconds"]
        target = TARGET_SECONDS.get(name)
        cells = (f"{row['seconds']:.3f}", f"{row['cpu_seconds']:.3f}", f"{beyond:.3f}")
        table.add_row(name, *cells, "" if target is None else f"{target:g}")
    console = Console(width=100, highlight=False)
    console.print(f"{runs} runs, median of {rounds} rounds")
    console.print(table)
    options.write(json_file, {"runs": runs, "rounds": rounds, "lists": rows})


if __name__ == "__main__":
    main()
