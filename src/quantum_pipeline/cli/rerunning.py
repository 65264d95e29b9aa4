"""``qpipe rerun``: the request of a run once more, changed or not."""

from __future__ import annotations

from pathlib import Path

from quantum_pipeline.cli import entry
from quantum_pipeline.cli.asking import SET
from quantum_pipeline.cli.following import start
from quantum_pipeline.cli.one_run import request_of
from quantum_pipeline.cli.options import AS_JSON, CANCEL_ON_INTERRUPT, OUTPUT, RUN, STACK
from quantum_pipeline.requests.changes import changed
from quantum_pipeline.requests.request import parse_request


@entry.main.command(short_help="Run a request again, changed or not.")
@RUN
@STACK
@OUTPUT
@SET
@AS_JSON
@CANCEL_ON_INTERRUPT
def rerun(
    *,
    run_id: str,
    stack: str | None,
    output: Path,
    assignments: tuple[str, ...],
    as_json: bool,
    cancel_on_interrupt: bool,
) -> None:
    """Run the request of RUN once more, where it ran, as a run of its own.

    It is the request as it was asked: what it left open is chosen anew. It is of no study then.
    """
    asked = request_of(run_id, stack, output) | {"study": None}
    request = parse_request(changed(asked, assignments))
    start(
        request,
        request.name or f"{run_id[:30]}-again",
        stack=stack,
        output=output,
        as_json=as_json,
        cancel=cancel_on_interrupt,
    )
