"""``qpipe estimate``: what runs would take and cost; nothing is submitted."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from quantum_pipeline.cli import console, entry
from quantum_pipeline.cli.asked import anything_in
from quantum_pipeline.cli.asking import Asking, asking
from quantum_pipeline.cli.options import AS_JSON, FILES
from quantum_pipeline.cli.preparing import prepared_pack, priced, run_elsewhere
from quantum_pipeline.errors import InvalidRequest
from quantum_pipeline.planning.preparation import check_budget
from quantum_pipeline.requests.pack import Pack, StoredPack, of_run
from quantum_pipeline.requests.request import Request
from quantum_pipeline.studies.study import Study

if TYPE_CHECKING:
    from quantum_pipeline.planning.estimates import Estimate
    from quantum_pipeline.planning.pack_estimate import PackEstimate
    from quantum_pipeline.studies.estimate import StudyEstimate

    AnyEstimate = Estimate | PackEstimate | StudyEstimate


@entry.main.command(short_help="Print what runs would take and cost.")
@FILES
@asking
@AS_JSON
def estimate(files: tuple[Path, ...], asking: Asking, as_json: bool) -> None:
    """Print qubits, memory, time and cost of what is asked in FILES; nothing is submitted.

    Of several files, those that can share a job are estimated as a pack. A study is estimated as
    a whole. The exit status is 3 if anything would be refused for its cost.
    """
    asked = anything_in(files, asking)
    found: list[tuple[AnyEstimate, Callable[[], None]]]
    if isinstance(asked, Study):
        found = [_estimated_study(asked)]
    else:
        found = [
            _estimated(each) if isinstance(each, Request) else _estimated_pack(each)
            for _, each in asked
        ]
    console.estimates([shown for shown, _ in found], as_json=as_json)
    entry.answered()
    for _, check_cost in found:
        check_cost()


def _estimated(request: Request) -> tuple[Estimate, Callable[[], None]]:
    """Return an estimate, and what refuses it for its cost."""
    from quantum_pipeline.planning.estimates import estimate as estimated  # noqa: PLC0415

    found = priced(request)
    return estimated(found), partial(check_budget, found)


def _estimated_study(asked: Study) -> tuple[StudyEstimate, Callable[[], None]]:
    from quantum_pipeline.studies.checks import check, check_asked  # noqa: PLC0415
    from quantum_pipeline.studies.estimate import estimate as estimated  # noqa: PLC0415

    check_asked(asked)
    return estimated(asked, priced), partial(check, asked, priced)


def _estimated_pack(asked: Pack | StoredPack) -> tuple[PackEstimate, Callable[[], None]]:
    from quantum_pipeline.planning.pack_estimate import estimate_pack  # noqa: PLC0415
    from quantum_pipeline.planning.packs import check_budgets  # noqa: PLC0415

    if isinstance(asked, StoredPack):
        raise InvalidRequest("pack.uri: not read here; allowed: the runs in the file itself")
    if name := run_elsewhere(asked):
        with of_run(name):
            raise InvalidRequest("problem.uri: not read here; allowed: a problem in the file")
    found = prepared_pack(asked, within_budget=False)
    return estimate_pack(found), partial(check_budgets, found)
