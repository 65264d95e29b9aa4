"""Settings that tree-structured Parzen estimators propose, in batches, from the runs so far.

Optuna's sampler, asked and told (Bergstra et al., NeurIPS 24, 2011; multivariate and by groups for
axes that apply only to some settings). Its study is made anew from the rows each time: nothing is
kept anywhere else. Settings without a row yet count as bad as the worst, the constant liar, so that
those of a batch differ. Failed runs tell nothing.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from quantum_pipeline.studies.axes import Axis, Choice, Span, axes_of, goes_round
from quantum_pipeline.studies.objectives import sense_of
from quantum_pipeline.studies.requests import Requests
from quantum_pipeline.studies.rows import RunRow, Setting
from quantum_pipeline.studies.strategies.random import Drawn
from quantum_pipeline.studies.study import MAX_ROUNDS, MAX_RUNS, Study

if TYPE_CHECKING:
    import optuna

MOST_BATCHES = 2 * MAX_ROUNDS // 3
"""Rounds of new settings: what is left of ``MAX_ROUNDS`` is for runs that were cancelled."""

AT_RANDOM = 10
"""Settings that are drawn at random before any are proposed."""

SAME = 10
"""Proposals one after the other that were there before, until one is drawn at random instead."""


def batch_of(study: Study) -> int:
    """Return the settings of a round: as many as go on at once, or as many as fit the rounds."""
    fewest = -(-(study.strategy.n_runs or 0) // MOST_BATCHES)
    return study.strategy.batch or max(study.limits.concurrency, fewest)


def settings(
    study: Study, rows: Sequence[RunRow], planned: Sequence[Setting]
) -> tuple[Setting, ...]:
    """Return the settings of the next round; () where there are ``strategy.n_runs``, or no others.

    Args:
        study: of the strategy bayesian.
        rows: runs that have ended.
        planned: all settings so far.

    Cost: O(settings so far) for each setting and axis.
    """
    n = min(batch_of(study), (study.strategy.n_runs or 0) - len(planned))
    proposer = _Proposer(study, rows, planned)
    found, first = [], max((setting.number for setting in planned), default=-1) + 1
    for number in range(first, first + max(0, n)):
        values = proposer.next(number)
        if values is None:
            break
        found.append(Setting(number=number, values=values))
    return tuple(found)


class _Proposer:
    """Proposes one setting after the other, none that was there before."""

    def __init__(self, study: Study, rows: Sequence[RunRow], planned: Sequence[Setting]) -> None:
        self._axes, self._requests = axes_of(study), Requests(study)
        self._keys = {self._requests.key(setting.values) for setting in planned}
        self._study = study
        self._optuna = _told(study, self._axes, rows, planned)

    def next(self, number: int) -> dict[str, Any] | None:
        """Return the values of a setting; None where there is none left that is new."""
        for _ in range(SAME):
            values = self._asked(number)
            if self._requests.key(values) not in self._keys:
                self._keys.add(self._requests.key(values))
                return values
        drawn = Drawn(self._study, frozenset(self._keys), number)
        if not drawn.add():
            return None
        self._keys.add(self._requests.key(drawn.values[0]))
        return drawn.values[0]

    def _asked(self, number: int) -> dict[str, Any]:
        """Return what Optuna proposes; a proposal stays open, and the next ones keep off it."""
        with _quiet():
            trial = self._optuna.ask()
            values: dict[str, Any] = {}
            for axis in self._axes:
                if goes_round(axis):
                    values[axis.path] = axis.values[number % len(axis.values)]
                elif axis.path in self._requests.kept(values | {axis.path: axis.corners[0]}):
                    values[axis.path] = _suggested(trial, axis)
        return self._requests.kept(values)


def _told(
    study: Study, axes: Sequence[Axis], rows: Sequence[RunRow], planned: Sequence[Setting]
) -> optuna.Study:
    """Return Optuna's study of all settings so far, with what is known of them."""
    import optuna  # noqa: PLC0415 - heavy, and for this strategy alone

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    row_of = {row.setting.number: row for row in rows}
    with _quiet():
        sampler = optuna.samplers.TPESampler(
            n_startup_trials=AT_RANDOM,
            multivariate=True,
            group=True,
            constant_liar=True,
            seed=(study.strategy.seed * MAX_RUNS + len(planned)) % 2**32,
        )
        told = optuna.create_study(directions=_directions(study), sampler=sampler)
        for setting in sorted(planned, key=lambda setting: setting.number):
            told.add_trial(_trial(study, axes, setting, row_of.get(setting.number)))
    return told


def _directions(study: Study) -> list[optuna.study.StudyDirection]:
    from optuna.study import StudyDirection  # noqa: PLC0415

    more = sense_of(study.objective) == "maximise"
    first = StudyDirection.MAXIMIZE if more else StudyDirection.MINIMIZE
    return [first] if study.objective.against is None else [first, StudyDirection.MINIMIZE]


def _trial(
    study: Study, axes: Sequence[Axis], setting: Setting, row: RunRow | None
) -> optuna.trial.FrozenTrial:
    from optuna.trial import TrialState, create_trial  # noqa: PLC0415

    there = [axis for axis in axes if axis.path in setting.values and not goes_round(axis)]
    found = _figures(study, row)
    state = TrialState.COMPLETE if found else TrialState.RUNNING if row is None else TrialState.FAIL
    return create_trial(
        state=state,
        values=found,
        params={axis.path: _told_as(axis, setting.values[axis.path]) for axis in there},
        distributions={axis.path: _distribution(axis) for axis in there},
    )


def _figures(study: Study, row: RunRow | None) -> list[float] | None:
    """Return the objective of a run, and what it is weighed against; None where it has none."""
    if row is None or row.objective is None:
        return None
    if study.objective.against is None:
        return [row.objective]
    return None if row.cost_usd is None else [row.objective, row.cost_usd]


def _distribution(axis: Axis) -> optuna.distributions.BaseDistribution:
    """Return how Optuna knows an axis: numbers of a list by their rank, words by their places."""
    from optuna import distributions  # noqa: PLC0415

    match axis:
        case Choice(numbers=True, values=values):
            return distributions.IntDistribution(0, len(set(values)) - 1)
        case Choice(values=values):
            return distributions.CategoricalDistribution(range(len(values)))
        case Span(whole=True):
            return distributions.IntDistribution(int(axis.low), int(axis.high), log=axis.log)
        case Span():
            return distributions.FloatDistribution(axis.low, axis.high, log=axis.log)


def _told_as(axis: Axis, value: Any) -> Any:
    """Return a value as Optuna knows it."""
    return value if isinstance(axis, Span) else _ranked(axis).index(value)


def _suggested(trial: optuna.Trial, axis: Axis) -> Any:
    """Return the value of an axis that Optuna proposes."""
    match axis:
        case Span(whole=True):
            return trial.suggest_int(axis.path, int(axis.low), int(axis.high), log=axis.log)
        case Span():
            return trial.suggest_float(axis.path, axis.low, axis.high, log=axis.log)
        case Choice(numbers=True):
            ranked = _ranked(axis)
            return ranked[trial.suggest_int(axis.path, 0, len(ranked) - 1)]
        case Choice():
            places = range(len(axis.values))
            return axis.values[trial.suggest_categorical(axis.path, places)]


def _ranked(axis: Choice) -> list[Any]:
    return sorted(set(axis.values)) if axis.numbers else list(axis.values)


@contextmanager
def _quiet() -> Iterator[None]:
    """Leave out the warnings that options of Optuna are experimental: its version is pinned."""
    import optuna  # noqa: PLC0415

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        yield
