"""``qpipe show``: what the catalogue has of a run, of a pack or of a study."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from quantum_pipeline.catalogue.filters import Record, Wanted, device_names
from quantum_pipeline.cli import console, entry, studying
from quantum_pipeline.cli.listing import records, summary
from quantum_pipeline.cli.one_run import check_name, record_of
from quantum_pipeline.cli.options import AS_JSON, OUTPUT, RUN, STACK
from quantum_pipeline.cli.reach import pipeline_of
from quantum_pipeline.runs import PACK


@entry.main.command(short_help="Show the record of a run that ended.")
@RUN
@STACK
@OUTPUT
@AS_JSON
def show(run_id: str, stack: str | None, output: Path, as_json: bool) -> None:
    """Show what the catalogue has of RUN: how it ended, what it found, what it took.

    Of a pack, how each of its runs ended; of a study its summary, or where it stands.
    """
    if _show_study(check_name(run_id), stack, output, as_json=as_json):
        return
    if of_pack := _records_of_pack(check_name(run_id), stack, output):
        lines = [json.dumps(of_pack, indent=2)] if as_json else summary(of_pack)
        for line in lines:
            click.echo(line)
        return
    record = record_of(run_id, stack, output)
    if as_json:
        click.echo(json.dumps(record, indent=2))
        return
    console.figures(_figures(record))
    folder = output / run_id
    if stack is None:
        console.figures([("files", str(folder) if folder.is_dir() else "none on this machine")])


def _show_study(name: str, stack: str | None, output: Path, *, as_json: bool) -> bool:
    """Show a study; return whether there is one of this name."""
    if stack is None:
        folder = studying.here(name, output)
        if folder is not None:
            studying.show_here(folder, output, as_json=as_json)
        return folder is not None
    with pipeline_of(stack) as pipeline:
        client = studying.on_aws(pipeline, name)
        if client is not None:
            studying.show_on_aws(client, as_json=as_json)
        return client is not None


def _records_of_pack(run_id: str, stack: str | None, output: Path) -> list[Record]:
    """Return the records of a pack's runs; none where the name is no pack's.

    Of a stack they are looked for only where there is a record of the pack itself.
    """
    if stack is None:
        if not (output / run_id / PACK).is_file():
            return []
    else:
        with pipeline_of(stack) as pipeline:
            if pipeline.pack(run_id) is None:
                return []
    wanted = Wanted(pack=run_id)
    return sorted(wanted.of(records(stack, output)), key=lambda record: record["run_id"])


def _figures(record: Record) -> Iterator[tuple[str, str]]:
    yield "run", record["run_id"]
    partial = ", cut short by a limit" if record["partial"] else ""
    yield "status", f"{record['status']}{partial}"
    yield "ended", record["ended_at"]
    if record["error"]:
        yield "error", f"{record['error']}: {record['cause'] or ''}"
    for name in ("name", "study", "pack", "owner"):
        if record[name]:
            yield name, record[name]
    if record["tags"]:
        yield "tags", ", ".join(f"{name}={value}" for name, value in record["tags"].items())
    yield from _of_problem(record)
    yield from _of_result(record)


def _of_problem(record: Record) -> Iterator[tuple[str, str]]:
    if record["problem"]:
        features = (record["problem"]["features"] or {}).items()
        known = (f"{name} {_shown(value)}" for name, value in features if name != "kind")
        yield "problem", ", ".join((record["problem"]["type"], *known))
    if record["algorithm"]:
        found = record["algorithm"]
        depth = "" if found["depth"] is None else f", {found['depth']} layers"
        yield "algorithm", f"{found['name']}{depth}, {found['shots']} shots, seed {found['seed']}"
        for name in ("gammas", "betas"):
            if found[name]:
                yield name, " ".join(f"{angle:.4f}" for angle in found[name])
    if record["device"]:
        emulated = ", EMULATED on this machine" if record["device"]["emulated"] else ""
        yield "device", f"{' + '.join(device_names(record))}{emulated}"


def _of_result(record: Record) -> Iterator[tuple[str, str]]:
    quality = record["quality"] or {}
    if quality:
        best = f"best known {_shown(quality['best_known'])} by {quality['best_known_by']}"
        found = quality["objective"]
        yield "objective", f"{'no answer' if found is None else _shown(found)}, {best}"
    if quality.get("times_blind") is not None:
        yield "blind picks", f"a shot is best {_shown(quality['times_blind'])} times as often"
    if quality.get("approximation_ratio") is not None:
        best, mean = (_shown(quality[f"{each}_ratio"]) for each in ("approximation", "expected"))
        yield "ratio", f"{best} of the solution, {mean} of the mean"
    if quality.get("error_millihartree") is not None:
        yield "error", f"{_shown(quality['error_millihartree'])} millihartree"
    if quality.get("balanced_accuracy") is not None:
        area = _shown(quality["roc_area"]) if quality["roc_area"] is not None else "none"
        yield "balanced", f"{_shown(quality['balanced_accuracy'])}, ROC area {area}"
    if quality.get("outcome"):
        yield "outcome", f"{quality['outcome']}, against the classical answer"
    if record["cost"]:
        actual = record["cost"]["actual_usd"]
        paid = "unknown" if actual is None else f"{actual:.4f} USD"
        yield "cost", f"{paid}, estimated {record['cost']['estimated_usd']:.4f}"
    known = {name: value for name, value in record["seconds"].items() if value is not None}
    yield "seconds", ", ".join(f"{name} {value:.1f}" for name, value in known.items())


def _shown(value: Any) -> str:
    """Return a figure of a record in a few characters.

    >>> _shown(0.86889216), _shown({"least": 1.0, "mean": 1.5, "largest": 3.0}), _shown(True)
    ('0.868892', '1 to 3', 'yes')
    """
    match value:
        case bool():
            return "yes" if value else "no"
        case float():
            return f"{value:.6g}"
        case {"least": least, "largest": largest}:
            return f"{least:g}" if least == largest else f"{least:g} to {largest:g}"
    return str(value)
