"""Refuses a study before anything starts: each setting's request is read and planned."""

from __future__ import annotations

from collections.abc import Callable

from quantum_pipeline.planning.prepared import Preparation
from quantum_pipeline.requests.request import Request, parse_request
from quantum_pipeline.studies.requests import request_of
from quantum_pipeline.studies.strategies import grid
from quantum_pipeline.studies.study import Study

Prepare = Callable[[Request], Preparation]
"""Plans a request, its problem read if it is stored, without regard to what it may cost."""


def check(study: Study, prepare: Prepare) -> None:
    """Refuse what cannot be run as it is asked, or may cost too much.

    Raises:
        PipelineError: as ``parse_request``, ``prepare`` and ``planning.costs.check_budget`` raise
            it; names the setting.
        BudgetExceeded: the study could cost more than it may.
    """
    for setting in grid.settings(study):
        prepare(parse_request(request_of(study, setting)))
