"""``qpipe validate``: requests with every default filled in, or what is wrong with them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from quantum_pipeline.cli import entry
from quantum_pipeline.cli.asked import anything_in
from quantum_pipeline.cli.asking import Asking, asking
from quantum_pipeline.cli.compact_json import compact
from quantum_pipeline.cli.options import FILES
from quantum_pipeline.cli.preparing import prepared, prepared_pack, priced, run_elsewhere
from quantum_pipeline.errors import InvalidRequest
from quantum_pipeline.requests.pack import Pack
from quantum_pipeline.requests.request import ProblemReference, Request, ResolvedRequest
from quantum_pipeline.studies.study import Study


@entry.main.command(short_help="Check requests; print them with their defaults.")
@FILES
@asking
def validate(files: tuple[Path, ...], asking: Asking) -> None:
    """Print the request, or the pack, in FILES with every default filled in, or what is wrong.

    What is wrong with it is said instead. Several files are printed as the pack that they make.
    """
    found = anything_in(files, asking)
    if isinstance(found, Study):
        from quantum_pipeline.studies.checks import check as check_study  # noqa: PLC0415

        check_study(found, priced)
        click.echo(compact(found.model_dump(mode="json", by_alias=True, exclude_none=True)))
        return
    (_, asked), *alone = found
    if alone:
        allowed = "requests that can share one job, or one file"
        raise InvalidRequest(f"FILES: they make no pack; allowed: {allowed}")
    if isinstance(asked, Request):
        stored = isinstance(asked.problem, ProblemReference)
        data = _filled_in(asked if stored else prepared(asked).request)
    else:
        data = asked.model_dump(mode="json", by_alias=True, exclude_none=True)
        if isinstance(asked, Pack) and not run_elsewhere(asked):
            pack = prepared_pack(asked)
            data["limits"] = pack.limits.model_dump()
            data["pack"] = [
                {"name": run.name, "request": _filled_in(run.found.request)} for run in pack.runs
            ]
    click.echo(compact(data))


def _filled_in(found: Request) -> dict[str, Any]:
    """Return a request as it is printed."""
    data: dict[str, Any] = found.model_dump(mode="json", by_alias=True, exclude_none=True)
    if isinstance(found, ResolvedRequest) and found.mitigation.zne == "none":
        del data["mitigation"]["scales"]  # what does not apply has its default when it is read
    return data
