"""Commands on a run by its name: ``qpipe show``, ``logs``, ``fetch``, ``cancel``.

Each is for runs of this machine, whose files are in the folder of runs, or with ``--stack`` for
those of a stack on AWS.
"""

from __future__ import annotations

import glob
import json
import os
import re
import signal
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from pydantic import ValidationError

from quantum_pipeline.catalogue.filters import Record, Wanted
from quantum_pipeline.cli import console, entry, main, studying
from quantum_pipeline.cli.listing import OUTPUT, read_in, records, summary
from quantum_pipeline.cli.many import fetch_all
from quantum_pipeline.cli.options import SET
from quantum_pipeline.cli.progress import progress
from quantum_pipeline.cli.stack import STACK
from quantum_pipeline.errors import InvalidRequest
from quantum_pipeline.local import running
from quantum_pipeline.local.catalogue_file import CatalogueFile
from quantum_pipeline.requests.changes import changed
from quantum_pipeline.requests.request import parse_request
from quantum_pipeline.runs import LOG, PACK, PREPARED, REPORT, pack_and_name
from quantum_pipeline.studies.places import study_of

if TYPE_CHECKING:
    from quantum_pipeline.cli.client import Pipeline
    from quantum_pipeline.reports import AnyReport

CANCEL_SECONDS = 60.0
"""How long a cancelled run is waited for: its job is cancelled, its records are fetched."""

RUN = click.argument("run_id", metavar="RUN")


def check_name(run_id: str) -> str:
    """Return the name of a run, which may be part of a path here.

    Raises:
        InvalidRequest: it is none.
    """
    if not re.fullmatch(r"(?!\.{1,2}$)[^\s/\\\x00]{1,80}", run_id):
        raise InvalidRequest.of("RUN", run_id, "the name of a run, as `qpipe list` shows it")
    return run_id


@contextmanager
def pipeline_of(stack: str) -> Iterator[Pipeline]:
    """Yield the client of a stack; what AWS refuses is one of our errors."""
    from quantum_pipeline.aws.clients import named_errors  # noqa: PLC0415 - boto3 takes a while

    with named_errors():
        yield main.pipeline_of(stack)


def record_of(run_id: str, stack: str | None, output: Path) -> Record:
    """Return the record of a run that has ended.

    Raises:
        InvalidRequest: there is none; names those that are alike, or says that the run goes on.
    """
    check_name(run_id)
    if stack is not None:
        with pipeline_of(stack) as pipeline:
            found = pipeline.record(run_id)
            if found is None:
                state = pipeline.status(run_id)
                raise _unknown(run_id, () if state is None else [f"it is {state}, and has none"])
            return dict(json.loads(found))
    start = f'{{"run_id":{json.dumps(run_id)},'.encode()
    alike: list[str] = []
    for line in CatalogueFile(read_in(output)).newest_first():
        if line.startswith(start):
            return dict(json.loads(line))
        alike.append(json.loads(line)["run_id"])
    if running.process_of(output, run_id) is not None:
        raise _unknown(run_id, ["it goes on, and has none"])
    raise _unknown(run_id, get_close_matches(run_id, alike))


def _unknown(run_id: str, known: Iterable[str]) -> InvalidRequest:
    more = "".join(f"; {each}" for each in known)
    return InvalidRequest.of("RUN", run_id, f"a run that has ended, as `qpipe list` shows{more}")


@entry.main.command(short_help="Show the record of a run that ended.")
@RUN
@STACK
@OUTPUT
@main.AS_JSON
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
        yield "device", f"{record['device']['name']}{emulated}"


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


@entry.main.command(short_help="Print the log of a run's job.")
@RUN
@STACK
@OUTPUT
def logs(run_id: str, stack: str | None, output: Path) -> None:
    """Print what the job of RUN has logged, of a stack also while it runs."""
    if stack is not None:
        with pipeline_of(stack) as pipeline:
            line = None
            for line in pipeline.log(check_name(run_id)):
                click.echo(line)
        if line is None:
            console.note(f"{run_id}: no job of it has logged anything")
        return
    path = output / check_name(run_id) / LOG
    of_pack = pack_and_name(run_id)
    if of_pack and not path.is_file():  # it is that of the pack's job
        path = output / of_pack[0] / LOG
    if not path.is_file():
        record_of(run_id, stack, output)
        path = output / run_id / LOG
        allowed = f"a run with {path}; one that had no job has none"
        raise InvalidRequest.of("RUN", run_id, allowed)
    click.echo(path.read_text("utf-8"), nl=False)


@entry.main.command(short_help="Fetch the files of a run on AWS.")
@RUN
@STACK
@OUTPUT
@click.option("--pictures", is_flag=True, help="Draw those too that only the page has.")
def fetch(run_id: str, stack: str | None, output: Path, *, pictures: bool) -> None:
    """Fetch report, pictures and records of RUN, and print where they are.

    Of a pack they are those of all its runs, of a study its summary and those of its runs.

    Those of a run of this machine are there already. A run of a pack has its pictures in the page
    alone, until they are asked for.
    """
    folders = _here(check_name(run_id), output) if stack is None else _from(stack, run_id, output)
    for folder in folders:
        if pictures:
            _draw(folder)
        click.echo(folder)


def _here(run_id: str, output: Path) -> list[Path]:
    if (study := studying.here(run_id, output)) is not None:
        return [study, *_of_study(run_id, output)]
    folder = output / run_id
    if (folder / PACK).is_file():
        return [folder, *sorted(output.glob(f"{glob.escape(run_id)}.*/"))]
    record_of(run_id, None, output)
    if not folder.is_dir():
        allowed = "a run whose files were kept; those of `qpipe serve` were not"
        raise InvalidRequest.of("RUN", run_id, allowed)
    return [folder]


def _of_study(name: str, output: Path) -> list[Path]:
    """Return the folders of the runs of a study, by the names that it gives them."""
    found = sorted(output.glob(f"{glob.escape(name)}-*/"))
    return [folder for folder in found if study_of(folder.name) == name]


def _from(stack: str, run_id: str, output: Path) -> list[Path]:
    main.make_folder("--output", output)
    with pipeline_of(stack) as pipeline, progress(None) as line:
        client = studying.on_aws(pipeline, run_id)
        if client is not None:
            line.say(f"fetching {run_id}")
            return studying.fetch_on_aws(client, output)
        if next(pipeline.names(run_id), None) is None:
            raise InvalidRequest.of("RUN", run_id, f"a run that is in {pipeline.uri(run_id)}")
        line.say(f"fetching {run_id}")
        return fetch_all(pipeline, run_id, output=output, lasts=True)


def _draw(folder: Path) -> None:
    """Draw the pictures that a report's page has, and no file.

    Raises:
        InvalidRequest: they cannot be written there.
    """
    path = folder / REPORT
    report = read_report(path.read_bytes()) if path.is_file() else None
    if report is None or not report.artifacts.in_page:
        return
    from quantum_pipeline.pages import render  # noqa: PLC0415 - matplotlib

    drawn = render(report)
    try:
        for name in report.artifacts.in_page:
            (folder / name).parent.mkdir(exist_ok=True)
            (folder / name).write_bytes(drawn[name])
    except OSError as error:
        allowed = f"a folder that can be written to ({error.strerror})"
        raise InvalidRequest.of("--output", str(folder), allowed) from None


def read_report(content: bytes) -> AnyReport | None:
    """Return a report; None where it is of another release."""
    from quantum_pipeline.reports import (  # noqa: PLC0415
        ClassificationReport,
        ConstrainedReport,
        DividedReport,
        MoleculeReport,
        OptimisationReport,
    )

    data = json.loads(content)
    model: type[AnyReport] = OptimisationReport
    if data["problem"]["type"] == "chemistry":
        model = MoleculeReport
    elif data["problem"]["type"] == "classification":
        model = ClassificationReport
    elif "decoded" in data["solution"]:
        model = ConstrainedReport
    elif data["algorithm"]["name"] == "divide":
        model = DividedReport
    try:
        return model.model_validate_json(content)
    except ValidationError:
        return None


@entry.main.command(short_help="Run a request again, changed or not.")
@RUN
@STACK
@OUTPUT
@SET
@main.AS_JSON
@main.CANCEL_ON_INTERRUPT
def rerun(
    *,
    run_id: str,
    stack: str | None,
    output: Path,
    assignments: tuple[str, ...],
    as_json: bool,
    cancel_on_interrupt: bool,
) -> None:
    """Run the request of RUN once more, where it ran, as a run of its own.

    It is the request as it was asked: what it left open is chosen anew. It is of no study then.
    """
    asked = request_of(run_id, stack, output) | {"study": None}
    request = parse_request(changed(asked, assignments))
    main.start(
        request,
        request.name or f"{run_id[:30]}-again",
        stack=stack,
        output=output,
        as_json=as_json,
        cancel=cancel_on_interrupt,
    )


def request_of(run_id: str, stack: str | None, output: Path) -> dict[str, Any]:
    """Return the request of a run as JSON.

    Raises:
        InvalidRequest: the run was not prepared, or its files are not there.
    """
    content = file_of(check_name(run_id), PREPARED, stack, output)
    if content is None:
        raise InvalidRequest.of("RUN", run_id, f"a run with its {PREPARED}")
    prepared = json.loads(content)
    request, asked = prepared["request"], prepared.get("asked")
    return dict(request) if asked is None else {"problem": request["problem"], **asked}


def file_of(run_id: str, name: str, stack: str | None, output: Path) -> bytes | None:
    """Return one of a run's files; None where there is none."""
    if stack is None:
        path = output / run_id / name
        return path.read_bytes() if path.is_file() else None
    with pipeline_of(stack) as pipeline:
        return pipeline.read(run_id, name) if name in pipeline.names(run_id) else None


@entry.main.command(short_help="Cancel a run and its job.")
@RUN
@STACK
@OUTPUT
def cancel(run_id: str, stack: str | None, output: Path) -> None:
    """Stop RUN, which goes on, and cancel its job; its records are kept.

    Of a pack, or a study, all runs are stopped; a run of one is cancelled alone, and the others go
    on.
    """
    check_name(run_id)
    if _cancel_in_pack(run_id, stack, output):
        console.note("cancelled; its end is recorded with those of its pack")
        return
    with progress(None) as line:
        line.say("stopping the run and its job")
        ended = _cancel_here(run_id, output) if stack is None else _cancel_on_aws(run_id, stack)
    console.note("cancelled, with its job" if ended else "stopped; its end is not recorded yet")


def _cancel_in_pack(run_id: str, stack: str | None, output: Path) -> bool:
    """Cancel a run of a pack that goes on; return whether there is such a run.

    Raises:
        InvalidRequest: it has ended.
    """
    found = pack_and_name(run_id)
    if found is None:
        return False
    if stack is None:
        is_there = found[1] in running.names_in_pack(output, found[0])
        if is_there:
            running.cancel_in_pack(output, *found)
        return is_there
    with pipeline_of(stack) as pipeline:
        if pipeline.job_of(run_id) == run_id or pipeline.status(found[0]) != "RUNNING":
            return False
        if pipeline.has_ended(run_id):
            raise InvalidRequest.of("RUN", run_id, "a run that goes on; it has ended")
        pipeline.cancel_in_pack(*found)
    return True


def _cancel_here(run_id: str, output: Path) -> bool:
    process_id = running.process_of(output, run_id)
    if process_id is None:
        going_on = ", ".join(running.names(output)) or "there is none"
        raise InvalidRequest.of("RUN", run_id, f"a run that goes on in {output}: {going_on}")
    os.kill(process_id, signal.SIGINT)
    return _wait(lambda: running.process_of(output, run_id) is None)


def _cancel_on_aws(run_id: str, stack: str) -> bool:
    with pipeline_of(stack) as pipeline:
        client = studying.on_aws(pipeline, run_id)
        if client is not None:
            return studying.cancel_on_aws(client, CANCEL_SECONDS)
        state = pipeline.status(run_id)
        if state != "RUNNING":
            allowed = (
                f"a run of the stack that goes on; it {f'is {state}' if state else 'has none'}"
            )
            raise InvalidRequest.of("RUN", run_id, allowed)
        execution = pipeline.execution_of(run_id)
        pipeline.stop(execution)
        return pipeline.wait_for_end(execution, CANCEL_SECONDS)


def _wait(is_over: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + CANCEL_SECONDS
    while not (over := is_over()) and time.monotonic() < deadline:
        time.sleep(0.1)
    return over
