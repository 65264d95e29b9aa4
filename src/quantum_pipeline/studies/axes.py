"""The axes of a study: what is varied, and over which values.

A list is a choice among its values, in a grid one after the other. A range is drawn from: whole
numbers where the field takes no others, else real ones; evenly, or evenly in its logarithm.
"""

from __future__ import annotations

from collections.abc import Set
from dataclasses import dataclass
from math import exp, floor, log
from typing import Any, TypeGuard

import numpy as np

from quantum_pipeline.errors import InvalidRequest
from quantum_pipeline.problems import MAX_MAGNITUDE
from quantum_pipeline.studies import fields
from quantum_pipeline.studies.study import Count, Range, Study
from quantum_pipeline.wording import shown

_WORDS = {
    "array": "a list",
    "boolean": "true or false",
    "null": "null",
    "object": "an object",
    "string": "text",
}

SEED = "seed"
"""The path whose values go round: it is the noise of what is measured, no setting to be found."""


@dataclass(frozen=True)
class Choice:
    """Values of a path, one of which each setting has."""

    path: str
    values: tuple[Any, ...]

    @property
    def numbers(self) -> bool:
        """Whether all are numbers, whose order says something."""
        return all(type(value) in (int, float) for value in self.values)

    @property
    def corners(self) -> tuple[Any, ...]:
        """Those that may cost most: the least and the greatest number, or all that are not."""
        if self.path == SEED:
            return self.values[:1]
        return (min(self.values), max(self.values)) if self.numbers else self.values

    def draw(self, random: np.random.Generator) -> Any:
        """Return one of the values."""
        return self.values[int(random.integers(len(self.values)))]


@dataclass(frozen=True)
class Span:
    """Numbers of a path from ``low`` to ``high``, both included; ``whole`` ones, or real."""

    path: str
    low: float
    high: float
    whole: bool
    log: bool

    @property
    def corners(self) -> tuple[float, ...]:
        """Its ends, of which one may cost most."""
        return (self.low, self.high)

    def draw(self, random: np.random.Generator) -> float:
        """Return a number of the span."""
        share, high = float(random.random()), self.high + self.whole
        if self.log:
            found = exp(log(self.low) + share * (log(high) - log(self.low)))
        else:
            found = self.low + share * (high - self.low)
        return min(self.high, floor(found)) if self.whole else min(self.high, max(self.low, found))


Axis = Choice | Span


def goes_round(axis: Axis) -> TypeGuard[Choice]:
    """Return whether an axis lists seeds, of which each setting has the next."""
    return axis.path == SEED and isinstance(axis, Choice)


def axes_of(study: Study) -> tuple[Axis, ...]:
    """Return the axes of a study, in the order in which they are given.

    Raises:
        InvalidRequest: nothing is varied; a path that is no field of a request; no values; a range
            of what is no number, from more to less, or that a grid cannot enumerate.
    """
    if not study.vary:
        raise InvalidRequest("vary: got nothing; allowed: one path of the request or more")
    types, found, refused = problem_types(study), list[Axis](), list[str]()
    for path, values in study.vary.items():
        try:
            found.append(_axis(path, values, types, grid=study.strategy.name == "grid"))
        except InvalidRequest as error:
            refused += (f"vary.{sentence}" for sentence in error.args)
    if refused:
        raise InvalidRequest(*refused)
    return tuple(found)


def problem_types(study: Study) -> Set[str]:
    """Return the types of the problems that a study solves; of none where one is not read."""
    problems = [study.base.get("problem"), *_listed(study.vary.get("problem"))]
    types = [each.get("type") for each in problems if isinstance(each, dict)]
    return frozenset(map(str, types)) if all(types) else fields.EVERY


def _axis(path: str, values: list[Any] | Range | Count, types: Set[str], *, grid: bool) -> Axis:
    kinds = fields.kinds(fields.in_request(path, types))
    if isinstance(values, list):
        if not values:
            raise InvalidRequest.of(fields.named(path), values, "a list of one value or more")
        return Choice(path, tuple(values))
    if not kinds & {"integer", "number"}:
        what = "a range" if isinstance(values, Range) else "a count"
        takes = " or ".join(_WORDS[kind] for kind in sorted(kinds))
        raise InvalidRequest(f"{path}: got {what}; allowed: a list of values, each {takes}")
    if isinstance(values, Count):
        return Choice(path, tuple(range(values.count)))
    if grid:
        allowed = "a list of values with grid; random and bayesian draw from ranges"
        raise InvalidRequest(f"{path}: got a range; allowed: {allowed}")
    return _span(path, values, whole="number" not in kinds)


def _span(path: str, values: Range, *, whole: bool) -> Span:
    low, high = values.start, values.stop
    _check_end(f"{path}.from", low, whole=whole)
    _check_end(f"{path}.to", high, whole=whole)
    if low > high:
        raise InvalidRequest.of(f"{path}.from", low, f"a number up to its end, {shown(high)}")
    if values.log and low <= 0:
        raise InvalidRequest.of(f"{path}.from", low, "a number above 0, where log is true")
    kind = int if whole else float
    return Span(path, kind(low), kind(high), whole, values.log)


def _check_end(field: str, end: float, *, whole: bool) -> None:
    if abs(end) > MAX_MAGNITUDE:
        allowed = f"a number from {-MAX_MAGNITUDE:g} to {MAX_MAGNITUDE:g}"
        raise InvalidRequest.of(field, end, allowed)
    if whole and not isinstance(end, int):
        raise InvalidRequest.of(field, end, "a whole number")


def _listed(values: list[Any] | Range | Count | None) -> list[Any]:
    return values if isinstance(values, list) else []
