"""``qpipe compare``: runs side by side, in a table and on a page."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from quantum_pipeline.catalogue.comparison import differences, figures
from quantum_pipeline.cli import console, entry
from quantum_pipeline.cli.one_run import file_of, read_report, record_of
from quantum_pipeline.cli.options import AS_JSON, OUTPUT, STACK
from quantum_pipeline.cli.writing import writing
from quantum_pipeline.errors import InvalidRequest
from quantum_pipeline.runs import PREPARED, REPORT

if TYPE_CHECKING:
    from quantum_pipeline.reports import AnyReport

MOST_RUNS = 12
"""Runs that are told apart in one picture."""


@entry.main.command(short_help="Compare runs that ended, side by side.")
@click.argument("run_ids", metavar="RUN RUN...", nargs=-1, required=True)
@STACK
@OUTPUT
@click.option(
    "--page",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Page with tables, courses and distributions; comparison.html in --output by default.",
)
@AS_JSON
def compare(
    run_ids: Sequence[str], stack: str | None, output: Path, page: Path | None, as_json: bool
) -> None:
    """Print the figures of RUNs side by side and what differs in their requests; draw a page."""
    if not 2 <= len(set(run_ids)) == len(run_ids) <= MOST_RUNS:
        raise InvalidRequest.of("RUN", list(run_ids), f"2 to {MOST_RUNS} different runs")
    records = [record_of(run_id, stack, output) for run_id in run_ids]
    requests = [_request(run_id, stack, output) for run_id in run_ids]
    rows, differing = list(figures(records)), list(differences(requests))
    if as_json:
        different = {path: dict(zip(run_ids, cells, strict=True)) for path, cells in differing}
        click.echo(json.dumps({"runs": records, "differences": different}, indent=2))
    else:
        console.side_by_side(run_ids, rows)
        console.note("differences of the requests" if differing else "the requests are the same")
        if differing:
            console.side_by_side(run_ids, differing)
    path = page or output / "comparison.html"
    _write(path, run_ids, rows, differing, reports=list(_reports(run_ids, stack, output)))
    console.note(f"page  {path}")


def _request(run_id: str, stack: str | None, output: Path) -> dict[str, Any]:
    """Return the request of a run with every choice settled; nothing where it was refused."""
    content = file_of(run_id, PREPARED, stack, output)
    return {} if content is None else dict(json.loads(content)["request"])


def _reports(run_ids: Sequence[str], stack: str | None, output: Path) -> Iterator[AnyReport]:
    """Yield the reports of the runs that have one which this release reads."""
    for run_id in run_ids:
        content = file_of(run_id, REPORT, stack, output)
        if content is None:
            continue
        report = read_report(content)
        if report is None:
            console.note(f"{run_id}: not drawn, its report is of another release")
        else:
            yield report


def _write(
    path: Path, run_ids: Sequence[str], rows: Any, differing: Any, reports: Sequence[AnyReport]
) -> None:
    """Write the page.

    Raises:
        InvalidRequest: it cannot be written there.
    """
    from quantum_pipeline.pages.comparison import comparison_page  # noqa: PLC0415 - matplotlib

    content = comparison_page(run_ids, rows, differing, reports)
    with writing("--page", path):
        path.write_text(content, encoding="utf-8")
