"""What varied, by short names: the axes of a study, their levels, and rows that agree in them.

A level is a number or a word. An object, such as a problem, has a name made for it: what it calls
itself, its type, or what it holds, with a number where that is the same for two.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import PurePosixPath
from typing import Any, Literal, NamedTuple

from quantum_pipeline.studies.objectives import SHARES
from quantum_pipeline.studies.rows import RunRow
from quantum_pipeline.studies.study import Count, Range, Study
from quantum_pipeline.wording import TOGETHER

Level = bool | int | float | str | None
"""Where a setting stands on an axis; None where the axis does not apply to it."""

Kind = Literal["seed", "problem", "choice"]

LISTED = 12
"""Levels of an axis of numbers that are told apart; more are put into bins."""

FEW = 4
"""The same of numbers that were drawn, where most runs have one of their own: it may be luck."""

LONGEST = 40

Key = tuple[str, ...]


class Block(NamedTuple):
    """What runs share that are compared: all that was chosen, and the seed, which is chance."""

    chosen: Key
    seed: Key


@dataclass(frozen=True)
class Axis:
    """A path that varied.

    ``kind`` says what for: a ``choice`` is what somebody could make; a seed and a problem are what
    every choice has to live with. ``is_thin`` says that its numbers were drawn, fewer than two runs
    for each.
    """

    path: str
    kind: Kind
    levels: tuple[Level, ...]
    is_thin: bool = False

    @property
    def is_spread(self) -> bool:
        """Whether it has so many numbers that they are looked at in bins."""
        most = FEW if self.is_thin else LISTED
        return len(self.levels) > most and all(map(is_number, self.levels))


@dataclass(frozen=True)
class Placed:
    """A run with where it stands on each axis."""

    row: RunRow
    levels: Mapping[str, Level]

    @cached_property
    def _keys(self) -> dict[str, str]:
        return {path: as_key(level) for path, level in self.levels.items()}

    def key(self, paths: Iterable[str]) -> Key:
        """Return what runs share that agree on these axes."""
        return tuple(self._keys[path] for path in paths)


Figure = Callable[[Placed], float | None]
"""Returns a figure of a run; None where it has none."""


def objective(run: Placed) -> float | None:
    """Return the objective of a run."""
    return run.row.objective


class Varied:
    """The axes of a study, and its runs on them, in the order of their settings."""

    def __init__(self, study: Study, rows: Sequence[RunRow]) -> None:
        self._names = {path: _names(values) for path, values in study.vary.items()}
        ordered = sorted(rows, key=lambda row: row.setting.number)
        self.runs = tuple(Placed(row, self._levels(row)) for row in ordered)
        self.axes = tuple(
            self._axis(path, drawn=isinstance(asked, Range)) for path, asked in study.vary.items()
        )
        self.of_shares = study.objective.path in SHARES

    def _levels(self, row: RunRow) -> dict[str, Level]:
        values = row.setting.values
        return {
            path: self._level(path, values[path]) if path in values else None
            for path in self._names
        }

    def _level(self, path: str, value: Any) -> Level:
        if isinstance(value, dict | list):
            return self._names[path].get(_text(value)) or short_name(value)
        return value if isinstance(value, bool | int | float | str) else None

    def _axis(self, path: str, *, drawn: bool) -> Axis:
        placed = [level for run in self.runs if (level := run.levels[path]) is not None]
        levels = list({as_key(level): level for level in placed}.values())
        if all(map(is_number, levels)):
            levels.sort(key=float)
        is_thin = drawn and len(placed) < 2 * len(levels)
        return Axis(path, _kind(path), tuple(levels), is_thin)

    @cached_property
    def choices(self) -> tuple[str, ...]:
        """The paths that are choices."""
        return tuple(axis.path for axis in self.axes if axis.kind == "choice")

    @cached_property
    def problems(self) -> tuple[str, ...]:
        """The paths that say which problem was solved."""
        return tuple(axis.path for axis in self.axes if axis.kind == "problem")

    def by_block(
        self, runs: Iterable[Placed], without: Collection[str], figure: Figure
    ) -> dict[Block, float]:
        """Return a figure of runs, where they have it, by what they share but for some axes."""
        rest = [axis for axis in self.axes if axis.path not in without]
        chosen = [axis.path for axis in rest if axis.kind != "seed"]
        seed = [axis.path for axis in rest if axis.kind == "seed"]
        return {
            Block(run.key(chosen), run.key(seed)): value
            for run in runs
            if (value := figure(run)) is not None
        }

    def grouped(self, paths: Collection[str]) -> dict[Key, list[Placed]]:
        """Return the runs that agree on some axes, in the order in which they come first."""
        groups: dict[Key, list[Placed]] = {}
        for run in self.runs:
            groups.setdefault(run.key(paths), []).append(run)
        return groups


def as_key(level: Level) -> str:
    """Return what tells a level from all others: 1 is not yes."""
    return json.dumps(level)


def is_number(level: Level) -> bool:
    """Return whether a level is a number."""
    return isinstance(level, int | float) and not isinstance(level, bool)


def _kind(path: str) -> Kind:
    if path == "seed":
        return "seed"
    return "problem" if path.split(".", maxsplit=1)[0] == "problem" else "choice"


def _text(value: Any) -> str:
    return json.dumps(value, sort_keys=True)


def _names(values: list[Any] | Range | Count) -> dict[str, str]:
    """Return the name of each object among the values of an axis, by its text."""
    if not isinstance(values, list):
        return {}
    texts = dict.fromkeys(_text(each) for each in values if isinstance(each, dict | list))
    objects = {text: json.loads(text) for text in texts}
    same = _same(list(objects.values()))
    short = {text: short_name(value, same) for text, value in objects.items()}
    shared = {name for name in short.values() if list(short.values()).count(name) > 1}
    counts: dict[str, int] = {}
    for text, name in short.items():
        if name in shared:
            counts[name] = counts.get(name, 0) + 1
            short[text] = f"{name} #{counts[name]}"
    return short


def _same(values: Sequence[Any]) -> frozenset[str]:
    """Return the fields that several objects all have alike: these tell none from the others."""
    if len(values) < 2 or not all(isinstance(each, dict) for each in values):
        return frozenset()
    first = values[0]
    return frozenset(
        name for name in first if all(name in each and each[name] == first[name] for each in values)
    )


def short_name(value: Any, same: Collection[str] = ()) -> str:
    """Return the name of an object: its own or its type, and what it holds but for what is same.

    >>> short_name({"type": "maxcut", "n_nodes": 10, "edges": [[0, 1], [1, 2]]})
    'maxcut, n_nodes 10'
    >>> short_name({"type": "maxcut", "uri": "s3://inputs/studies/a/ring-8.json"})
    'maxcut, ring-8'
    >>> short_name({"name": "qaoa", "depth": 2}, {"depth"}), short_name([1, 3, 5])
    ('qaoa', '[1, 3, 5]')
    >>> short_name(["Garnet", "Emerald"])
    'Garnet + Emerald'
    """
    if isinstance(value, list) and len(value) > 1 and all(isinstance(each, str) for each in value):
        return _cut(TOGETHER.join(value))
    if not isinstance(value, dict):
        return _cut(json.dumps(value))
    head = [str(value[name]) for name in ("name", "type") if isinstance(value.get(name), str)][:1]
    if isinstance(value.get("uri"), str):
        return _cut(", ".join([*head, PurePosixPath(value["uri"]).stem]))
    rest = [
        f"{name} {each if isinstance(each, str) else json.dumps(each)}"
        for name, each in value.items()
        if name not in ("name", "type", *same) and isinstance(each, bool | int | float | str)
    ]
    return _cut(", ".join([*head, *rest]) or json.dumps(value))


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"
