"""Options of commands that read a file: how it is read, and what they change of its request."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from functools import reduce, wraps
from typing import Any, NamedTuple

import click

from quantum_pipeline.cli.problem_file import AS, FRAME, How
from quantum_pipeline.errors import InvalidRequest
from quantum_pipeline.requests.changes import changed

Command = Callable[..., Any]

SET = click.option(
    "--set",
    "assignments",
    multiple=True,
    metavar="PATH=VALUE",
    help="Any other change of the request, such as algorithm.max_depth=3; as often as needed.",
)

_CHANGING = (
    click.option("--device", help="Device in place of the request's: a name or an ARN."),
    click.option("--shots", type=int, help="Samples of the final state."),
    click.option("--seed", type=int, help="Seed of everything random."),
    click.option("--depth", help="Layers of QAOA: a number, or auto."),
    click.option("--max-cost", type=float, metavar="USD", help="Most that the run may cost."),
    click.option("--charge", type=int, help="Charge of the molecule."),
    click.option("--multiplicity", type=int, help="Its multiplicity: 1 for a singlet."),
    click.option(
        "--target", metavar="COLUMN", help="Column of FILE, a table as CSV, that is predicted."
    ),
    click.option("--test-share", type=float, help="Share of a table's rows to test on."),
    click.option("--missing", help="Missing values of a table: refuse, or impute."),
    click.option("--components", type=int, help="Principal components of a table, a qubit each."),
    SET,
)
_PATHS = {
    "device": "device",
    "shots": "shots",
    "seed": "seed",
    "depth": "algorithm.depth",
    "max_cost": "limits.max_cost_usd",
    "charge": "problem.charge",
    "multiplicity": "problem.multiplicity",
    "target": "problem.target",
    "test_share": "problem.test_share",
    "missing": "problem.missing",
    "components": "problem.components",
}
"""Where each option's value goes in a request."""


class Changes(NamedTuple):
    """What options change of a request: values by their paths, then assignments as they stand."""

    values: Mapping[str, Any]
    assignments: Sequence[str]

    def of(self, data: Any) -> Any:
        """Return what a file holds, changed; the values of a pack are of each of its runs.

        The limit on cost is that of the pack itself, and paths of assignments lead into the file.

        Raises:
            InvalidRequest: a path leads nowhere, or the runs of the pack are not in the file.
        """
        if not isinstance(data, dict) or not (self.values or self.assignments):
            return data
        if "pack" not in data:
            return changed(data, [*self._written(self.values), *self.assignments])
        return changed(self._of_pack(data), self.assignments)

    def _of_pack(self, data: dict[str, Any]) -> dict[str, Any]:
        cost = _PATHS["max_cost"]
        own = {path: value for path, value in self.values.items() if path == cost}
        each = self._written({path: self.values[path] for path in self.values.keys() - own.keys()})
        pack = data["pack"]
        if each and not isinstance(pack, list):
            raise InvalidRequest.of("pack", pack, "runs in the file itself, to change them")
        if each:
            pack = [
                {**run, "request": changed(run["request"], each)} if _has_request(run) else run
                for run in pack
            ]
        return changed({**data, "pack": pack}, self._written(own))

    @staticmethod
    def _written(values: Mapping[str, Any]) -> list[str]:
        return [f"{path}={json.dumps(value)}" for path, value in values.items()]


def _has_request(run: Any) -> bool:
    return isinstance(run, dict) and isinstance(run.get("request"), dict)


class Asking(NamedTuple):
    """How files are to be read, and what is then changed of them."""

    how: How = How()
    changes: Changes = Changes({}, ())


def asking(command: Command) -> Command:
    """Give a command the options on what it reads, all as one argument ``asking``."""

    @wraps(command)
    def asked(
        *, as_: str | None, frame: int | None, assignments: Sequence[str], **rest: Any
    ) -> Any:
        given = {_PATHS[name]: rest.pop(name) for name in _PATHS if name in rest}
        values = {path: value for path, value in given.items() if value is not None}
        if _PATHS["depth"] in values:
            values[_PATHS["depth"]] = _number_or_word(values[_PATHS["depth"]])
        how = How(as_, frame, values.get(_PATHS["target"]))
        return command(asking=Asking(how, Changes(values, assignments)), **rest)

    return reduce(lambda made, option: option(made), reversed((AS, FRAME, *_CHANGING)), asked)


def _number_or_word(depth: str) -> int | str:
    return int(depth) if depth.isdecimal() else depth
