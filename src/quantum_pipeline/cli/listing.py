"""``qpipe list``: the runs that the catalogue has, the newest first.

It imports nothing that takes its time, and starts nothing: ten thousand runs are listed in less
time than a library takes to load.
"""

from __future__ import annotations

import csv
import io
import json
import math
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from itertools import chain, islice
from pathlib import Path
from typing import Any

import click

from quantum_pipeline.catalogue.comparison import at
from quantum_pipeline.catalogue.filters import Record, Wanted, device_names
from quantum_pipeline.cli import entry, layout
from quantum_pipeline.cli.options import OUTPUT, STACK, json_option
from quantum_pipeline.cli.writing import writing
from quantum_pipeline.errors import InvalidRequest
from quantum_pipeline.local.catalogue_file import CatalogueFile
from quantum_pipeline.wording import percent

_FEW = 100
"""Records that are read before a faster reader is worth the time that it takes to load."""


class Moment(click.ParamType[datetime]):
    """A time in UTC, or how long ago it was."""

    name = "time"

    def convert(self, value: Any, param: Any, ctx: Any) -> datetime:  # noqa: ARG002
        """Return the time that is written."""
        ago = re.fullmatch(r"(\d{1,6})(m|h|d)", value)
        if ago:
            unit = {"m": "minutes", "h": "hours", "d": "days"}[ago[2]]
            with suppress(OverflowError):
                return datetime.now(UTC) - timedelta(**{unit: int(ago[1])})
        try:
            found = datetime.fromisoformat(value)
        except ValueError:
            allowed = "a time in UTC, as 2026-11-24T12:30 or its day alone, or 30m, 12h, 7d ago"
            raise InvalidRequest.of(f"--{param.name}", value, allowed) from None
        return found if found.tzinfo else found.replace(tzinfo=UTC)


@entry.main.command("list", short_help="List the runs that ended, the newest first.")
@STACK
@OUTPUT
@click.option("--type", "kind", help="Only problems of this type, such as maxcut.")
@click.option("--device", help="Only runs on this device.")
@click.option(
    "--status",
    type=click.Choice(["succeeded", "failed", "cancelled"], case_sensitive=False),
    help="Only runs that ended so.",
)
@click.option("--study", help="Only runs of this study.")
@click.option("--pack", help="Only runs of this pack.")
@click.option("--owner", help="Only runs of this owner.")
@click.option("--tag", "tags", multiple=True, help="Only runs with this tag: NAME or NAME=VALUE.")
@click.option("--since", type=Moment(), help="Only runs that ended then or later.")
@click.option("--until", type=Moment(), help="Only runs that ended before.")
@click.option(
    "-n",
    "--newest",
    type=click.IntRange(min=1),
    default=20,
    show_default=True,
    help="How many are listed.",
)
@click.option("--all", "everything", is_flag=True, help="All of them.")
@json_option("Print the records as JSON.")
@click.option("--csv", "as_csv", is_flag=True, help="Print a line a run as CSV.")
@click.option(
    "--read-in",
    "older",
    is_flag=True,
    help="First put runs into the stack's catalogue that ended before it had one.",
)
@click.option(
    "--export",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write the records into a new file, a line each, as runs/catalogue.jsonl has them.",
)
def list_runs(
    *,
    stack: str | None,
    output: Path,
    kind: str | None,
    device: str | None,
    status: str | None,
    study: str | None,
    pack: str | None,
    owner: str | None,
    tags: Sequence[str],
    since: datetime | None,
    until: datetime | None,
    newest: int,
    everything: bool,
    as_json: bool,
    as_csv: bool,
    older: bool,
    export: Path | None,
) -> None:
    """List the runs that ended: how, on what, how good, for how much.

    The column result has the mean's approximation ratio, of a molecule the error in millihartree,
    and of a run without a result its error.
    """
    if as_json and as_csv:
        raise click.UsageError("Give one of --json and --csv.")
    if older:
        _read_in_of(stack)
    wanted = Wanted(
        type=kind,
        device=device,
        status=status and status.upper(),
        study=study,
        pack=pack,
        owner=owner,
        tags=dict(_tag(each) for each in tags),
        since=since,
        until=until,
    )
    found = wanted.of(records(stack, output, wanted))
    if export is not None:
        _export(list(found), export)
        return
    listed = found if everything else islice(found, newest)
    lines = _json(listed) if as_json else _csv(listed) if as_csv else _table(listed)
    n_lines = sum(1 for line in lines if sys.stdout.write(f"{line}\n"))
    if n_lines <= 1:
        _check_names(wanted)
        click.echo("no such runs", err=True)


def _tag(text: str) -> tuple[str, str | None]:
    name, equals, value = text.partition("=")
    return name, value if equals else None


def _check_names(wanted: Wanted) -> None:
    """Refuse a type or a device that does not exist, where no run was found.

    Raises:
        InvalidRequest, DeviceUnavailable: it does not.
    """
    if wanted.type is not None:
        from quantum_pipeline.problems import PROBLEM_TYPES  # noqa: PLC0415 - takes its time

        if wanted.type not in PROBLEM_TYPES:
            raise InvalidRequest.of("--type", wanted.type, f"one of {', '.join(PROBLEM_TYPES)}")
    if wanted.device is not None:
        from quantum_pipeline.devices.catalogue import find  # noqa: PLC0415 - as well

        find(wanted.device)


def records(stack: str | None, output: Path, wanted: Wanted | None = None) -> Iterator[Record]:
    """Yield the records of a stack, or of a folder on this machine, the newest first.

    ``wanted`` is what a stack need not send all of its records for; who asks still filters.
    """
    if stack is None:
        lines = CatalogueFile(read_in(output)).newest_first()
        yield from map(json.loads, islice(lines, _FEW))
        for line in lines:
            from pydantic_core import from_json  # noqa: PLC0415 - many pay for its import

            yield from_json(line)
        return
    from quantum_pipeline.cli.reach import pipeline_of  # noqa: PLC0415 - boto3 takes a while

    with pipeline_of(stack) as pipeline:
        yield from map(json.loads, pipeline.catalogue.records(wanted or Wanted()))


def _read_in_of(stack: str | None) -> None:
    """Put the runs of a stack into its catalogue that ended before it had one."""
    if stack is None:
        raise click.UsageError("--read-in is for a --stack: here older runs are read in at once.")
    from quantum_pipeline.cli.reach import pipeline_of  # noqa: PLC0415 - boto3 takes a while

    with pipeline_of(stack) as pipeline:
        click.echo(f"{pipeline.catalogue.read_in(pipeline.bucket)} runs read in", err=True)


def read_in(output: Path) -> Path:
    """Put the runs of a folder into its catalogue that are not in it; return the folder."""
    file = CatalogueFile(output)
    try:
        file.read_in()
    except OSError as error:
        click.echo(f"{file.path}: not all runs are in it: {error.strerror or error}", err=True)
    return output


def _export(found: Sequence[Record], path: Path) -> None:
    """Write records in the order of their ends.

    Raises:
        InvalidRequest: the file is there already, or cannot be written.
    """
    lines = (json.dumps(each, separators=(",", ":")) for each in reversed(found))
    with (
        writing("--export", path, "a new file that can be written"),
        path.open("x", encoding="utf-8") as file,
    ):
        file.writelines(f"{line}\n" for line in lines)
    click.echo(f"{len(found)} records in {path}", err=True)


def _json(listed: Iterable[Record]) -> Iterator[str]:
    before = "["
    for each in listed:
        yield f"{before}{json.dumps(each)}"
        before = ","
    yield "[]" if before == "[" else "]"


def _result(record: Record) -> str:
    """Return how good a result is, in a few characters."""
    if record["status"] == "CANCELLED":
        return "cancelled"
    if record["status"] == "FAILED":
        return str(record["error"])
    quality = record["quality"] or {}
    if quality.get("error_millihartree") is not None:
        return f"{quality['error_millihartree']:.3g} mHa"
    if quality.get("balanced_accuracy") is not None:
        return f"{percent(quality['objective'])} right"
    if (mean := quality.get("expected_ratio")) is not None:
        return f"{mean:.4f}"
    best = quality.get("approximation_ratio")  # all that there is of an answer without a state
    return "" if best is None else f"{best:.4f} best"


def _size(record: Record) -> str:
    problem = record["problem"]
    if problem is None:
        return ""
    features = problem["features"] or {}
    is_table = features.get("kind") == "table"
    what = f"{features['n_rows']}x{features['n_columns']}" if is_table else features.get("formula")
    parts = (problem["type"], what, features.get("n_qubits"))
    return " ".join(str(each) for each in parts if each is not None)


def _algorithm(record: Record) -> str:
    algorithm = record["algorithm"] or {}
    depth = algorithm.get("depth")
    return f"{algorithm.get('name', '')}{'' if depth is None else f' p={depth}'}"


def _device(record: Record) -> str:
    device = record["device"] or {}
    return f"{'+'.join(device_names(record))}{'*' if device.get('emulated') else ''}"


def _number(part: Mapping[str, Any] | None, name: str, form: str) -> str:
    value = (part or {}).get(name)
    return "" if value is None else format(value, form)


_COLUMNS: Mapping[str, Callable[[Record], str]] = {
    "run": lambda record: record["run_id"],
    "ended (UTC)": lambda record: record["ended_at"][:16].replace("T", " "),
    "result": _result,
    "problem": _size,
    "by": _algorithm,
    "device": _device,
    "USD": lambda record: _number(record["cost"], "actual_usd", ".4f"),
    "job s": lambda record: _number(record["seconds"], "job", ".1f"),
    "owner": lambda record: record["owner"] or "",
}
_RIGHT = {"USD", "job s"}


def _table(listed: Iterable[Record]) -> Iterator[str]:
    """Yield the lines of a table; columns that do not fit the terminal are left out."""
    rows = [[cell(record) for cell in _COLUMNS.values()] for record in listed]
    width = layout.columns(sys.stdout, math.inf)
    yield from layout.table(tuple(_COLUMNS), rows, width, least=3, right=_RIGHT)


_SUMMARY = ("run", "result", "problem", "USD")


def summary(records: Sequence[Record]) -> Iterator[str]:
    """Yield the lines of a table of runs that have just ended: a few columns."""
    rows = [[_COLUMNS[name](record) for name in _SUMMARY] for record in records]
    width = layout.columns(sys.stdout, math.inf)
    yield from layout.table(_SUMMARY, rows, width, least=2, right=_RIGHT)


_FIELDS = (
    *("run_id", "ended_at", "status", "error", "name", "study", "pack", "owner", "tags"),
    "problem.type",
    *(f"problem.features.{name}" for name in ("n_qubits", "n_couplings", "density")),
    *(f"algorithm.{name}" for name in ("name", "depth", "shots", "seed", "evaluations")),
    *("device.name", "device.emulated", "quality.objective", "quality.best_known"),
    *("quality.approximation_ratio", "quality.expected_ratio", "quality.error_millihartree"),
    *("cost.estimated_usd", "cost.actual_usd", "seconds.queue", "seconds.job"),
)
"""Columns of the CSV, by their paths in a record."""


def _csv(listed: Iterable[Record]) -> Iterator[str]:
    text = io.StringIO()
    write = csv.writer(text, lineterminator="").writerow
    for row in chain([_FIELDS], ([_cell(each, path) for path in _FIELDS] for each in listed)):
        write(row)
        yield text.getvalue()
        text.seek(0)
        text.truncate()


def _cell(record: Record, path: str) -> Any:
    """Return what stands at a path of a record; an object as JSON, nothing where there is none."""
    found = at(record, path)
    return json.dumps(found) if isinstance(found, dict) else found
