"""Estimates what a whole study takes and costs before anything of it starts."""

from __future__ import annotations

from math import fsum

from pydantic import BaseModel, ConfigDict

from quantum_pipeline.requests.request import parse_request
from quantum_pipeline.studies.checks import Prepare
from quantum_pipeline.studies.requests import request_of
from quantum_pipeline.studies.strategies import grid
from quantum_pipeline.studies.study import Study


class StudyEstimate(BaseModel):
    """What a study is expected to take on AWS, and whether it would start."""

    model_config = ConfigDict(frozen=True)

    n_runs: int
    total_usd: float
    max_cost_usd: float


def estimate(study: Study, prepare: Prepare) -> StudyEstimate:
    """Return the estimate of a study on AWS.

    Raises:
        PipelineError: as ``checks.check``, but for costs.
    """
    found = [prepare(parse_request(request_of(study, each))) for each in grid.settings(study)]
    return StudyEstimate(
        n_runs=len(found),
        total_usd=fsum(each.cost.total_usd for each in found),
        max_cost_usd=study.limits.max_cost_usd,
    )
