"""Strategies: who proposes the next round of a study from what was found.

    grid      every combination of the values, in one round
    random    as many as ``n_runs``, drawn at once
    bayesian  batches that Optuna proposes from the rows so far

Only ``bayesian`` imports Optuna, and only when it is called: of the functions PlanRound alone needs
it, from a layer of its own (the extra ``studies`` of pyproject.toml).
"""

from __future__ import annotations

from collections.abc import Sequence

from quantum_pipeline.studies.rows import RunRow, Setting
from quantum_pipeline.studies.strategies import grid
from quantum_pipeline.studies.study import Study


def propose(
    study: Study,
    rows: Sequence[RunRow],  # noqa: ARG001
    planned: Sequence[Setting],
) -> tuple[Setting, ...]:
    """Return the settings of the next round, numbered on from those planned; () when done.

    The same rows and the same planned settings give the same proposals.

    Args:
        study: a study that ``checks.check`` has passed.
        rows: runs that have ended, in any order.
        planned: all settings of the rounds before.
    """
    return grid.settings(study)[len(planned) :]
