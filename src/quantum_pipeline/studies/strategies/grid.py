"""The grid: every combination of the values, the last path of ``vary`` the fastest."""

from __future__ import annotations

from itertools import product
from math import prod
from typing import Any

from quantum_pipeline.errors import InvalidRequest
from quantum_pipeline.studies.axes import Choice, axes_of
from quantum_pipeline.studies.requests import Requests
from quantum_pipeline.studies.rows import Setting
from quantum_pipeline.studies.study import MAX_RUNS, Study

MOST_COMBINATIONS = 10 * MAX_RUNS
"""That are looked through for those that are one setting, since an axis does not apply."""


def settings(study: Study) -> tuple[Setting, ...]:
    """Return the settings of a grid; those that differ in what does not apply are one.

    Raises:
        InvalidRequest: more than ``limits.max_runs``; as ``axes_of``.
    """
    axes = [axis for axis in axes_of(study) if isinstance(axis, Choice)]
    n = prod(len(axis.values) for axis in axes)
    if n > MOST_COMBINATIONS:
        raise _too_many(n, study)
    requests = Requests(study)
    found = dict[str, dict[str, Any]]()
    for values in product(*(axis.values for axis in axes)):
        kept = requests.kept(dict(zip(study.vary, values, strict=True)))
        found.setdefault(requests.key(kept), kept)
    if len(found) > study.limits.max_runs:
        raise _too_many(len(found), study)
    return tuple(Setting(number=n, values=values) for n, values in enumerate(found.values()))


def _too_many(n: int, study: Study) -> InvalidRequest:
    allowed = (
        f"up to limits.max_runs = {study.limits.max_runs}, or strategy random or bayesian with "
        "n_runs of them"
    )
    return InvalidRequest(f"vary: got {n:,} combinations; allowed: {allowed}")
