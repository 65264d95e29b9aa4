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
from quantum_pipeline.studies.strategies import bayesian, grid, random
from quantum_pipeline.studies.study import Study


def propose(
    study: Study,
    rows: Sequence[RunRow],
    planned: Sequence[Setting],
) -> tuple[Setting, ...]:
    """Return the settings of the next round, numbered on from those planned; () when done.

    The same rows and the same planned settings give the same proposals; what was proposed and not
    planned is proposed again.

    Args:
        study: a study that ``checks.check`` has passed.
        rows: runs that have ended, in any order.
        planned: all settings of the rounds before.
    """
    if study.strategy.name == "bayesian":
        return bayesian.settings(study, rows, planned)
    before = {setting.number for setting in planned}
    return tuple(setting for setting in known(study) if setting.number not in before)


def known(study: Study) -> tuple[Setting, ...]:
    """Return all settings of a study that are known before anything has run; () of bayesian."""
    match study.strategy.name:
        case "grid":
            return grid.settings(study)
        case "random":
            return random.settings(study)
        case _:
            return ()
