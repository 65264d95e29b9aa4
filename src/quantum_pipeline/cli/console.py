"""Prints what ``qpipe`` shows: notes and errors on stderr, results on stdout."""

from __future__ import annotations

import json
import math
import sys
import time
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click
from rich.console import Console
from rich.text import Text

from quantum_pipeline.cli import layout
from quantum_pipeline.cli.main_figures import main_figures

if TYPE_CHECKING:
    from rich.status import Status

    from quantum_pipeline.devices.listing import ListedDevice
    from quantum_pipeline.planning.estimates import Estimate
    from quantum_pipeline.planning.pack_estimate import PackEstimate
    from quantum_pipeline.studies.estimate import StudyEstimate

_out = Console(highlight=False, soft_wrap=True)
_BEGUN = time.monotonic()

_err = Console(stderr=True, highlight=False, soft_wrap=True)


def error(name: str, *sentences: str) -> None:
    """Print an error: its name, then what was wrong and what is allowed, a line each."""
    width = layout.columns(sys.stderr, math.inf)
    indent = len(name) + 2 if width >= 2 * layout.NAMES + len(name) else 2
    begins = (f"{name}: ", *(" " * indent for _ in sentences[1:]))
    for begin, sentence in zip(begins, sentences, strict=True):
        _err.print(_noted(f"{begin}{sentence}", indent), style="red", markup=False)


def note(text: str, indent: int = 2) -> None:
    """Print a line of what is going on."""
    _err.print(_noted(text, indent), markup=False)


def _noted(text: str, indent: int) -> str:
    """Return a text in the columns of stderr; in one line where it goes to no terminal."""
    width = layout.columns(sys.stderr, math.inf)
    return text if width == math.inf else layout.wrapped(text, width, indent)


def seconds() -> float:
    """Return the seconds since the command began."""
    return time.monotonic() - _BEGUN


def status() -> Status | None:
    """Return the line that changes at the foot of a terminal; None where there is no terminal."""
    return _err.status("starting") if _err.is_terminal else None


def result(folder: Path, *, as_json: bool) -> None:
    """Print the report in a folder: its main figures and where it is, or all of it as JSON."""
    text = (folder / "report.json").read_text("utf-8")
    if as_json:
        click.echo(text)
        return
    report = json.loads(text)
    figures(main_figures(report))
    _figure("report", str(folder / report["artifacts"]["report_html"]))
    for advice in report["recommendations"]:
        _out.print(layout.wrapped(f"- {advice}", _width(), 2), markup=False)


def figures(found: Iterable[tuple[str, str]]) -> None:
    """Print figures, a line each after its name, wrapped where they are long."""
    for name, value in found:
        _figure(name, value)


def _figure(name: str, value: str) -> None:
    text = layout.figure(name, value, _width())
    _out.print(Text.assemble((text[: len(name)], "bold"), text[len(name) :]))


def _width() -> float:
    """Return the columns of stdout; without end where it goes to no terminal."""
    return layout.columns(sys.stdout, math.inf)


def estimates(found: Sequence[Estimate | PackEstimate | StudyEstimate], *, as_json: bool) -> None:
    """Print estimates as tables, or one as a JSON object and several as a list of them."""
    if as_json:
        each = [estimate.model_dump(mode="json") for estimate in found]
        click.echo(json.dumps(each[0] if len(each) == 1 else each, indent=2))
        return
    for number, estimate in enumerate(found):
        if number:
            _out.print()
        figures(estimate.lines())


def devices(rows: Sequence[ListedDevice], *, as_json: bool) -> None:
    """Print what can be used now as a table, or as JSON."""
    if as_json:
        click.echo(json.dumps([row.model_dump(mode="json") for row in rows], indent=2))
        return
    cells = [list(_cells(row)) for row in rows]
    table(_COLUMNS, cells, least=5, right={"qubits", "queue"})
    notes = [f"prices of {rows[0].prices_as_of}: of a task + of each of its shots; times in UTC"]
    if any(row.emulated for row in rows):
        notes.append(
            "* emulated on this machine, with its topology, gates and typical errors: a rehearsal"
        )
    for each in notes:
        _out.print(layout.wrapped(each, _width()), markup=False)


_COLUMNS = ("device", "open", "qubits", "USD", "queue", "2q fid", "region", "shots", "gates")
"""Those that are left out first, where there is no room, come last."""


def _cells(row: ListedDevice) -> Iterator[str]:
    yield row.name + ("*" if row.emulated else "")
    yield row.availability
    yield _or_nothing(row.n_qubits)
    yield row.price
    yield _or_nothing(row.queue)
    yield "" if row.two_qubit_fidelity is None else f"{row.two_qubit_fidelity:.4f}"
    yield {"local": "here", "simulator": "all"}.get(row.kind, row.region or "")
    yield "" if row.max_shots is None else f"{row.min_shots}-{row.max_shots}"
    yield " ".join(row.native_gates) or {"qpu": "", "analog": "none: analog"}.get(row.kind, "any")


def side_by_side(names: Sequence[str], rows: Iterable[tuple[str, Sequence[str]]]) -> None:
    """Print what each run has of some fields: a row a field, a column a run."""
    table(("", *names), [(field, *values) for field, values in rows], least=1 + len(names))


def table(
    names: Sequence[str],
    rows: Sequence[Sequence[str]],
    *,
    least: int,
    right: Collection[str] = (),
) -> None:
    """Print a table as ``layout.table`` lays it out."""
    for line in layout.table(names, rows, _width(), least=least, right=right):
        _out.print(line, markup=False)


def _or_nothing(value: int | None) -> str:
    return "" if value is None else str(value)


def serving(environment: Mapping[str, str], outputs: Mapping[str, str]) -> None:
    """Print what another shell needs to use the served AWS."""
    for name, value in environment.items():
        click.echo(f"export {name}={value}")
    for name, value in outputs.items():
        click.echo(f"# {name}: {value}")
    click.echo(
        "# aws stepfunctions start-execution --state-machine-arn "
        f"{outputs['StateMachineArn']} --input file://REQUEST.json"
    )
    note("serving until Ctrl-C")
