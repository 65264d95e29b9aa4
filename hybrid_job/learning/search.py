"""Chooses a model's settings by cross-validation: half of the tries spread out, half near the best.

Every model is searched in this way, with as many tries, on the same folds. Each try is a decision
of the journal: an attempt that starts again reads those that there are, and goes on.
"""

from __future__ import annotations

import itertools
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np

from hybrid_job.job import Job
from hybrid_job.journal import Kept
from hybrid_job.learning.convergence import Unconverged
from hybrid_job.learning.table import Scores, Table
from hybrid_job.stopwatch import Stopwatch
from quantum_pipeline.classification.parts import Places
from quantum_pipeline.classification.prediction import decided
from quantum_pipeline.quantities import Entries, Number, Probability, Seconds
from quantum_pipeline.results.classification import Competitor
from quantum_pipeline.wording import refusal

Value = float | str | tuple[int, ...]
Setting = Mapping[str, Value]
Grid = Mapping[str, Sequence[Value]]
"""The values of each setting, in order; the one in the middle is a usual one."""


class Learner(ABC):
    """A kind of model, with the settings that it may have and the table that it learns."""

    name: Competitor

    def __init__(self, table: Table) -> None:
        self.table = table

    @property
    @abstractmethod
    def grids(self) -> Sequence[Grid]:
        """The settings to choose from: of each family a grid."""

    @abstractmethod
    def scores(self, setting: Setting, fitted: Places, asked: Places) -> Scores:
        """Return scores of trained rows by a model that was fitted on others of them."""

    def words(self, setting: Setting) -> dict[str, str]:
        """Return a setting as a report has it."""
        return {name: in_words(value) for name, value in setting.items()}

    @abstractmethod
    def tested(self, setting: Setting) -> Scores:
        """Return scores of the tested rows by a model that was fitted on all trained rows."""


class Tried(Kept):
    """What a setting came to: its accuracy in each fold, and how many fits did not converge."""

    accuracies: Entries[Probability]
    unconverged: Number
    seconds: Seconds

    @property
    def accuracy(self) -> float:
        """The mean over folds."""
        return float(np.mean(self.accuracies))


class Point(NamedTuple):
    """A setting by its place: which grid, and which value of each of its axes."""

    grid: int
    indices: tuple[int, ...]


@dataclass(frozen=True)
class Search:
    """The settings that were tried, in order; ``late`` is whether the time ended first."""

    learner: Learner
    points: tuple[Point, ...]
    tried: tuple[Tried, ...]
    late: bool

    @property
    def _best(self) -> int:
        return int(np.argmax([each.accuracy for each in self.tried]))

    @property
    def best(self) -> Tried:
        """What the best setting came to; of equals the first."""
        return self.tried[self._best]

    @property
    def setting(self) -> Setting:
        """The best setting."""
        return setting_at(self.learner.grids, self.points[self._best])

    @property
    def unconverged(self) -> int:
        """How many fits did not converge."""
        return sum(each.unconverged for each in self.tried)

    @property
    def seconds(self) -> float:
        """Seconds that the tries took, in whichever attempt."""
        return sum(each.seconds for each in self.tried)


def search(
    job: Job,
    learner: Learner,
    *,
    count: int,
    deadline: float,
    at_least: int = 0,
    tell: Callable[[int, Tried], None] = lambda _number, _tried: None,
) -> Search:
    """Return what up to ``count`` settings come to in cross-validation.

    ``deadline`` is the time of ``time.monotonic`` after which no further one is begun, beyond
    ``at_least`` of them; what the journal has is not begun. ``tell`` is called after each.
    """
    chooser = Chooser(learner.grids, count, job.rng(f"settings, {learner.name}"))
    points: list[Point] = []
    tried: list[Tried] = []
    late = False
    while len(points) < count:
        point = chooser.next(points, [each.accuracy for each in tried])
        if point is None:
            break
        found = _kept(job, learner, len(points) + 1)
        late = found is None and time.monotonic() > deadline and len(points) >= at_least
        if late:
            break
        if found is None:
            found = _tried(learner, setting_at(learner.grids, point))
            job.journal.record_decision(_purpose(learner, len(points) + 1), found)
        points.append(point)
        tried.append(found)
        tell(len(points), found)
    return Search(learner, tuple(points), tuple(tried), late)


def _purpose(learner: Learner, number: int) -> str:
    return f"{learner.name}, setting {number}"


def _kept(job: Job, learner: Learner, number: int) -> Tried | None:
    """Return what an earlier attempt found of a setting.

    Raises:
        InvalidResult: it is not of as many folds.
    """
    purpose = _purpose(learner, number)
    found = job.journal.decision(purpose, Tried)
    if found is not None:
        with job.journal.checked(purpose):
            n_folds = len(learner.table.folds)
            if len(found.accuracies) != n_folds:
                said = refusal("length of accuracies", len(found.accuracies), f"{n_folds}")
                raise ValueError(said)
    return found


def _tried(learner: Learner, setting: Setting) -> Tried:
    table, watch = learner.table, Stopwatch()
    with Unconverged() as unconverged:
        accuracies = [
            float(
                np.mean(
                    decided(learner.scores(setting, table.outside(fold), fold))
                    == table.classes[fold]
                )
            )
            for fold in table.folds
        ]
    return Tried(accuracies=tuple(accuracies), unconverged=unconverged.count, seconds=watch.seconds)


def setting_at(grids: Sequence[Grid], point: Point) -> Setting:
    """Return the setting of a point."""
    grid = grids[point.grid]
    return {
        name: values[index]
        for (name, values), index in zip(grid.items(), point.indices, strict=True)
    }


def number(setting: Setting, name: str) -> float:
    """Return a setting's value that is a number."""
    value = setting[name]
    assert isinstance(value, float)
    return value


def in_words(value: Value) -> str:
    """Return a value as a report has it.

    >>> in_words(10.0), in_words((50, 50)), in_words("iqp")
    ('10', '50, 50', 'iqp')
    """
    if isinstance(value, tuple):
        return ", ".join(map(str, value))
    return value if isinstance(value, str) else f"{value:.6g}"


class Chooser:
    """Says which setting is tried next, by what those before came to."""

    def __init__(self, grids: Sequence[Grid], count: int, rng: np.random.Generator) -> None:
        self._grids, self._spread, self._rng = grids, -(-count // 2), rng

    @cached_property
    def _orders(self) -> list[list[Point]]:
        """The points of each grid in a random order, the middle first."""
        return [list(self._order(number)) for number in range(len(self._grids))]

    def _order(self, number: int) -> Iterator[Point]:
        sizes = [len(values) for values in self._grids[number].values()]
        middle = tuple(size // 2 for size in sizes)
        every = list(itertools.product(*map(range, sizes)))
        yield Point(number, middle)
        for place in self._rng.permutation(len(every)).tolist():
            if every[place] != middle:
                yield Point(number, every[place])

    def next(self, points: Sequence[Point], accuracies: Sequence[float]) -> Point | None:
        """Return the next point, None where all were tried.

        In the first half the families take turns. In the second the nearest to the best comes.
        """
        done = set(points)
        if len(points) < self._spread:
            turns = itertools.zip_longest(*self._orders)
            untried = (each for turn in turns for each in turn if each and each not in done)
            return next(untried, None)
        best = points[int(np.argmax(accuracies))]
        ordered = [best.grid, *(k for k in range(len(self._grids)) if k != best.grid)]
        for number in ordered:
            left = [each for each in self._orders[number] if each not in done]
            if left:
                return min(left, key=lambda each: _apart(each, best))
        return None


def _apart(point: Point, best: Point) -> int:
    """Return how many steps apart two points of a grid are, 0 where they are of two."""
    if point.grid != best.grid:
        return 0
    return sum(abs(a - b) for a, b in zip(point.indices, best.indices, strict=True))
