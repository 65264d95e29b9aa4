"""Tampers with real results, one figure each: ``python -m benchmarks.tampering``.

A result of an example of events/requests, or of a larger one, is changed in one figure, some in two
that must agree: a bitstring and its energy, a mean and the course that leads to it. It stays of its
kind: a number a number, a bitstring a bitstring. Then PostProcess's own code reads it and makes the
report. How that ends:

    refused        InvalidResult names the figure
    recomputed     the report is the same: what was changed is not in it, or was computed again
    the job's word the report differs in figures alone that it says rest on the job's word
    ACCEPTED       the report differs in another one: none may
"""

from __future__ import annotations

import copy
import json
import math
import os
import random
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import click
from rich.console import Console
from rich.table import Table

from benchmarks import options
from benchmarks.job_files import Files, larger, report_of, written
from benchmarks.processors import examples
from quantum_pipeline.errors import InvalidResult
from quantum_pipeline.local.aws import LocalAws
from quantum_pipeline.results import read_result

Json = dict[str, Any]
Random = random.Random

REFUSED, RECOMPUTED, WORD, ACCEPTED = "refused", "recomputed", "the job's word", "ACCEPTED"

TEXTS = {"run_id", "engine", "start", "stop_reason", "kept_because", "reason", "arn", "by",
         "native_gates", "calibrated_at", "emulated", "cut_short", "versions"}  # fmt: skip
"""Fields that are words, no figures."""

OTHERS: dict[str, tuple[Any, ...]] = {
    "method": ("enumeration", "HiGHS", "tabu search", "exact reduction"),
    "stopped_by": (None, "algorithm.max_evaluations", "limits.max_runtime_seconds"),
    "kept": ("raw", "mitigated"),
    "purpose": ("training", "samples"),
    "ansatz": ("uccsd", "adapt"),
}
"""What else such a field may have."""


class Tampered(NamedTuple):
    """A result that was tampered with: where, and what stands there now."""

    data: Json
    where: str
    value: Any


class Case(NamedTuple):
    """How one ended; ``said`` is the refusal, or which figures of the report differ."""

    example: str
    where: str
    value: Any
    end: str
    said: str


def tampered(data: Json, rng: Random) -> Tampered:
    """Return a copy of a result with one figure changed; each field is as likely as any other."""
    changed = copy.deepcopy(data)
    compound = [each for each in _COMPOUND if each in _possible(changed)]
    if compound and rng.random() < 0.15:
        name = rng.choice(compound)
        return Tampered(changed, name, _COMPOUND[name](changed, rng))
    while True:
        path, holder, key = _leaf(changed, rng)
        if path == "counts":  # of recursive QAOA, which has none
            continue
        if path.startswith("counts."):
            key = _counted(holder, rng)
            return Tampered(changed, path, f"one shot more or less of {key}")
        if (path.rpartition(".")[2].strip("[]") in TEXTS) or path.startswith("versions"):
            continue
        before = holder[key]
        holder[key] = _changed(str(key), before, rng)
        if holder[key] != before:
            return Tampered(changed, path, holder[key])


def _leaf(data: Json, rng: Random) -> tuple[str, Any, Any]:
    """Return a leaf by going down, each branch as likely as any other."""
    holder: Any = data
    key: Any = rng.choice(list(data))
    path = str(key)
    while isinstance(holder[key], dict | list) and holder[key]:
        holder = holder[key]
        key = rng.choice(list(holder) if isinstance(holder, dict) else range(len(holder)))
        path += f".{key}" if isinstance(holder, dict) else "[]"
    return path, holder, key


def _counted(counts: Any, rng: Random) -> str:
    """Let one shot be of another bitstring, or, of a number of counts, one more."""
    if isinstance(counts, dict) and counts:
        key = str(rng.choice(list(counts)))
        other = _flipped(key, rng)
        counts[key] -= 1
        if not counts[key]:
            del counts[key]
        counts[other] = counts.get(other, 0) + 1
        return key
    return "nothing"


def _changed(name: str, value: Any, rng: Random) -> Any:
    """Return another value of the same kind, at least a thousandth away."""
    if name in OTHERS:
        return rng.choice(OTHERS[name])
    changed = value
    match value:
        case bool():
            changed = not value
        case int():
            changed = value + rng.choice((1, -1, 2, 10, max(1, value)))
        case float():
            far = rng.choice((1e-3, 1e-2, 0.1, 0.5, 1.0)) * (abs(value) or 1.0)
            changed = value + rng.choice((far, -far))
        case str() if value and not set(value) - {"0", "1"}:
            changed = _flipped(value, rng)
        case None if name in ("within", "standard_error", "probability_of_best", "exact"):
            changed = 0.5
    return changed


def _flipped(bitstring: str, rng: Random) -> str:
    k = rng.randrange(len(bitstring))
    return f"{bitstring[:k]}{1 - int(bitstring[k])}{bitstring[k + 1 :]}"


def _possible(data: Json) -> set[str]:
    if "classical" not in data:
        return {"a higher energy of a length"}
    if "figures" in data:
        return {"a better feasible state", "figures of a better state"}
    exact = {"a made-up exact mean"} if data["mean_energy_exact"] else set()
    return {"a false optimum", "a false worst", "a course to a false mean"} | exact


def _false_optimum(data: Json, rng: Random) -> Any:
    classical = data["classical"]
    classical["bitstring"] = _flipped(classical["bitstring"], rng)
    classical["energy"] += rng.choice((0.5, 1.0, 2.0))
    return classical["bitstring"]


def _false_worst(data: Json, rng: Random) -> Any:
    classical = data["classical"]
    if classical["worst_energy"] is not None:
        classical["worst_energy"] += rng.choice((-1.0, 0.5, 2.0))
    classical["proven"] = not classical["proven"] if rng.random() < 0.2 else classical["proven"]
    return classical["worst_energy"]


def _false_mean(data: Json, rng: Random) -> Any:
    part = rng.choice((0.05, 0.3, 0.9))
    mean = data["mean_energy"] + part * (data["best_energy"] - data["mean_energy"])
    data["mean_energy"], data["probability_of_best"] = mean, 1.0
    return mean


def _false_course(data: Json, rng: Random) -> Any:
    lower = data["best_energy"] - data["mean_energy"]
    mean = data["mean_energy"] + rng.choice((0.1, 0.5)) * lower
    data["mean_energy"] = mean
    data["history"][-1]["energy"] = mean
    data["depths"][-1]["energy"] = mean
    return mean


def _false_length(data: Json, rng: Random) -> Any:
    point = rng.choice(data["points"])
    point["energy"] = point["energy"] - 0.01
    if point["exact"] is not None:
        point["exact"] = point["ground"] = point["energy"]
    return point["energy"]


def _better_state(data: Json, rng: Random) -> Any:
    """Let the optimum, the best shot and the bounds be lower by as much."""
    lower = rng.choice((0.5, 1.0, 2.0))
    for holder, key in ((data["classical"], "objective"), (data["figures"], "best")):
        holder[key] -= lower
    if data["best_objective"] is not None:
        data["best_objective"] -= lower
    return data["figures"]["best"]


def _better_figures(data: Json, rng: Random) -> Any:
    figures, part = data["figures"], rng.choice((0.05, 0.5, 0.9))
    for key, end in (("share", 1.0), ("probability_of_best", 1.0), ("mean", figures["best"])):
        figures[key] += part * (end - figures[key])
    return figures["mean"]


_COMPOUND: dict[str, Callable[[Json, Random], Any]] = {
    "a false optimum": _false_optimum,
    "a false worst": _false_worst,
    "a made-up exact mean": _false_mean,
    "a course to a false mean": _false_course,
    "a higher energy of a length": _false_length,
    "a better feasible state": _better_state,
    "figures of a better state": _better_figures,
}


def judged(files: Files, honest: Json, change: Tampered) -> Case:
    """Return how a tampered result ends."""
    try:
        made = report_of(files.prepared, read_result(change.data, files.prepared))
    except InvalidResult as error:
        return Case(files.name, change.where, change.value, REFUSED, str(error))
    apart = sorted(set(differences(honest, made)))
    word = [figure for each in made["jobs_word"] for figure in each["figures"]]
    unsaid = [path for path in apart if not any(_is_within(path, figure) for figure in word)]
    end = ACCEPTED if unsaid else WORD if apart else RECOMPUTED
    return Case(files.name, change.where, change.value, end, ", ".join(unsaid or apart))


def differences(one: Any, other: Any, path: str = "") -> Iterator[str]:
    """Yield the fields in which two reports differ, as docs/report.md names them."""
    if path.startswith("jobs_word"):
        return
    if isinstance(one, dict) and isinstance(other, dict) and path not in LEAVES:
        for name in {**one, **other}:
            inner = f"{path}.{name}" if path else name
            yield from differences(one.get(name), other.get(name), inner)
    elif _are_objects(one) and _are_objects(other) and len(one) == len(other):
        for a, b in zip(one, other, strict=True):
            yield from differences(a, b, f"{path}[]")
    elif one != other and not _are_alike(one, other):
        yield path


def _are_alike(one: Any, other: Any) -> bool:
    """Return whether two figures differ by the rounding of their sums at most."""
    are_figures = isinstance(one, float) and isinstance(other, float)
    return are_figures and math.isclose(one, other, rel_tol=ROUNDING)


ROUNDING = 1e-13
"""Relative: shots that are counted in another order."""

LEAVES = ("samples", "provenance.versions", "request")
"""Fields of a report that are objects, and have no fields of their own."""


def _are_objects(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(e, dict) for e in value)


def _is_within(path: str, figure: str) -> bool:
    """Return whether a path is of a figure, or of a part that is named as a whole."""
    return (
        path == figure
        or path.startswith((f"{figure}.", f"{figure}["))
        or (figure.startswith(f"{path}[]"))
    )


def campaign(files: Sequence[Files], count: int, seed: int) -> Iterator[Case]:
    """Yield the cases of a seed, the results taken by turns."""
    honest = [report_of(each.prepared, read_result(each.result, each.prepared)) for each in files]
    for number in range(count):
        place = number % len(files)
        rng = random.Random(f"{seed}/{number}")
        yield judged(files[place], honest[place], tampered(files[place].result, rng))


def table_of(cases: Sequence[Case]) -> Table:
    """Return how the cases of each result ended."""
    ends = (REFUSED, RECOMPUTED, WORD, ACCEPTED)
    table = Table("result of", "tampered", *ends)
    for example in dict.fromkeys(case.example for case in cases):
        of = Counter(case.end for case in cases if case.example == example)
        table.add_row(example, str(of.total()), *(str(of[end]) for end in ends))
    total = Counter(case.end for case in cases)
    table.add_row("all", str(total.total()), *(str(total[end]) for end in ends))
    return table


@click.command()
@click.argument("paths", nargs=-1, type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--count", default=200, show_default=True, type=click.IntRange(min=1))
@options.seed
@click.option("--kept", type=click.Path(path_type=Path), help="Folder for what the jobs wrote.")
@options.json_file
def main(
    *, paths: tuple[Path, ...], count: int, seed: int, kept: Path | None, json_file: Path | None
) -> None:
    """Tamper with the results of the requests in PATHS, by default of all; fail if one passes."""
    with tempfile.TemporaryDirectory() as folder, LocalAws(cache_folder=Path(folder)) as aws:
        os.environ.update(aws.environment())
        files = list(written(aws, paths or examples(), {} if paths else larger(), kept=kept))
        cases = list(campaign(files, count, seed))
    for case in cases:
        if case.end == ACCEPTED:
            print(f"{case.example}: {case.where} = {json.dumps(case.value)}: {case.said}")
    Console(width=None if sys.stdout.isatty() else 110).print(table_of(cases))
    options.write(json_file, {"seed": seed, "cases": [case._asdict() for case in cases]})
    sys.exit(any(case.end == ACCEPTED for case in cases))


if __name__ == "__main__":
    main()
