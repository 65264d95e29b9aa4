"""Refuses a study before anything starts: what it asks by itself, and every request that it makes.

Of a grid and of random, these are the requests of all settings. Bayesian does not know its settings
beforehand: the corners are looked at, and every listed value once.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from quantum_pipeline.errors import InvalidRequest
from quantum_pipeline.planning.preparation import check_budget
from quantum_pipeline.reports import AnyReport, report_type
from quantum_pipeline.requests.pack import said_of
from quantum_pipeline.studies import fields
from quantum_pipeline.studies.axes import axes_of
from quantum_pipeline.studies.corners import corners
from quantum_pipeline.studies.estimate import estimate_of
from quantum_pipeline.studies.objectives import sense_of
from quantum_pipeline.studies.plans import Plans, Prepare, described, remembered
from quantum_pipeline.studies.rows import EVALUATIONS, Setting
from quantum_pipeline.studies.strategies import known
from quantum_pipeline.studies.strategies.bayesian import MOST_BATCHES, batch_of
from quantum_pipeline.studies.study import Study
from quantum_pipeline.wording import refusal

__all__ = ["Prepare", "check", "check_asked"]


def check(study: Study, prepare: Prepare) -> None:
    """Refuse what cannot be run as it is asked, or may cost too much.

    Raises:
        InvalidRequest, DeviceUnavailable: as ``check_asked``; or a run would be refused: names it;
            or no run's report has the objective.
        BudgetExceeded: a run, or the whole study, could cost more than it may.
    """
    settings, what = _looked_at(study)
    prepare = remembered(prepare)
    plans, reports = Plans(study, prepare), dict[type[AnyReport], None]()
    for setting in settings:
        found = plans.of(setting, what)
        with said_of(described(setting, what)):
            check_budget(found)
        reports[report_type(found.request)] = None
    _check_reported(study, reports)
    estimate_of(study, plans, prepare).check()


def check_asked(study: Study) -> None:
    """Refuse what is known without planning a run.

    Raises:
        InvalidRequest: names each field that is wrong: what is varied, the strategy, the objective.
    """
    refused = list(_of_strategy(study))
    for look in (axes_of, _check_objective):
        try:
            look(study)
        except InvalidRequest as error:
            refused += error.args
    if refused:
        raise InvalidRequest(*refused)


def _of_strategy(study: Study) -> Iterator[str]:
    """Yield what is wrong with the strategy."""
    asked, most = study.strategy, study.limits.max_runs
    if asked.name == "grid" and asked.n_runs is not None:
        allowed = "nothing with grid, which tries every combination"
        yield refusal("strategy.n_runs", asked.n_runs, allowed)
    if asked.name != "bayesian" and asked.batch is not None:
        yield refusal(
            "strategy.batch", asked.batch, f"nothing with {asked.name}, as one round is it"
        )
    if asked.name == "grid":
        return
    allowed = f"an integer from 1 to limits.max_runs = {most}"
    if asked.n_runs is None:
        yield f"strategy.n_runs: missing; allowed: {allowed}"
    elif asked.n_runs > most:
        yield refusal("strategy.n_runs", asked.n_runs, allowed)
    elif asked.name == "bayesian" and asked.n_runs > batch_of(study) * MOST_BATCHES:
        fewest = -(-asked.n_runs // MOST_BATCHES)
        yield refusal("strategy.batch", asked.batch, f"{fewest} or more of {asked.n_runs} runs")


def _check_objective(study: Study) -> None:
    _check_figure(study.objective.path)
    sense_of(study.objective)


def _check_reported(study: Study, reports: Iterable[type[AnyReport]]) -> None:
    """Refuse an objective that none of the runs can have: all would be paid for, and none judged.

    What some lack is counted in the summary: no means have them.
    """
    refused: InvalidRequest | None = None
    for each in reports:
        try:
            _check_figure(study.objective.path, each)
        except InvalidRequest as error:
            refused = error
        else:
            return
    if refused is not None:
        raise refused


def _check_figure(path: str, of: type[AnyReport] | None = None) -> None:
    """Refuse a path that leads to no number of a report, of one type or of any."""
    if path == EVALUATIONS:
        return
    try:
        found = fields.in_report(path, of)
    except InvalidRequest as error:
        raise InvalidRequest(f"objective.path: {error}") from None
    if not fields.kinds(found) & {"integer", "number"}:
        raise InvalidRequest.of("objective.path", path, "the path of a number of report.json")


def _looked_at(study: Study) -> tuple[tuple[Setting, ...], str]:
    """Return the settings that are planned beforehand, and what they are.

    Raises:
        InvalidRequest: as ``check_asked``; or an axis is left out of each of them.
    """
    check_asked(study)
    found = known(study)
    settings, what = (found, "run") if found else (corners(study), "corner")
    applied = {path for setting in settings for path in setting.values}
    if idle := [path for path in study.vary if path not in applied]:
        of_no_use = (
            "is of no use in any run; allowed: what their algorithm, problem and device take"
        )
        raise InvalidRequest(*(f"vary.{path}: {of_no_use}" for path in idle))
    return settings, what
