"""Mutates what jobs have written, and gives it to what reads it: kinds of ``benchmarks.mutations``.

results      results.json in its archive, read, verified and reported as PostProcess does; the
             report is read back
checkpoints  the journal of an attempt: the next one goes on from it, and ends
"""

from __future__ import annotations

import io
import json
import os
import pickle
import tarfile
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from functools import cache
from pathlib import Path
from random import Random

from benchmarks import mutating
from benchmarks.job_files import Files, report_of, written
from benchmarks.watched import Outcome, Watched
from quantum_pipeline.aws import archive
from quantum_pipeline.cli.one_run import read_report
from quantum_pipeline.errors import PipelineError
from quantum_pipeline.local.aws import LocalAws
from quantum_pipeline.results import read_result

EXAMPLES = Path(__file__).resolve().parents[1] / "events" / "requests"

ATTEMPTED = (
    "maxcut_petersen", "qubo_portfolio_warm_start", "chemistry_h2", "chemistry_h2_bond_scan",
    "maxcut_petersen_sv1", "chemistry_hydrogen_on_dm1", "ising_torus_divided",
)  # fmt: skip
"""Examples whose jobs end in a second, with every kind of line that a journal has."""

FILES = "JOB_FILES"
"""Names the file with what the jobs wrote, in the environment of the process that reads it."""


KIND = "JOB_FILES_KIND"
"""Names what it reads of them."""


def result_case(rng: Random, number: int, files: list[Files]) -> bytes:
    """Return the number of a result, a line feed, and its mutated JSON."""
    place = number % len(files)
    saved = {"dataDictionary": files[place].result, "dataFormat": "plaintext"}
    if rng.random() < 0.9:
        return b"%d\n" % place + mutating.mutated(saved, rng)
    return b"%d\n" % place + mutating.damaged(json.dumps(saved).encode(), rng)


def checkpoint_case(rng: Random, number: int, files: list[Files]) -> bytes:
    """Return the number of a journal, a line feed, and the journal with one line mutated."""
    place = number % len(files)
    lines = files[place].checkpoint.splitlines(keepends=True)
    if rng.random() < 0.2:
        return b"%d\n" % place + mutating.damaged(b"".join(lines), rng)
    # Evaluations are most of the lines: each kind is as likely as any other.
    kinds: dict[str, list[int]] = {}
    for at, line in enumerate(lines):
        entry = json.loads(line)
        kinds.setdefault(entry.get("purpose", entry["kind"]).split(" ")[0], []).append(at)
    at = rng.choice(kinds[rng.choice(sorted(kinds))])
    lines[at] = mutating.mutated(json.loads(lines[at]), rng) + b"\n"
    return b"%d\n" % place + b"".join(lines)


def report_on(case: bytes) -> str:
    """Read a result as PostProcess does, and its report as clients do."""
    place, _, content = case.partition(b"\n")
    files = _files()[int(place)]
    data = archive.saved_data(_archived(content), "s3://bucket/model.tar.gz")
    result = read_result(data, files.prepared)
    made = json.dumps(report_of(files.prepared, result), allow_nan=False)
    if read_report(made.encode()) is None:
        raise ValueError("a report that clients cannot read")
    return "accepted"


def go_on(case: bytes) -> str:
    """Go on from a journal as the next attempt does."""
    from hybrid_job.journal import Journal
    from hybrid_job.main import _by_name, solve, write_result

    place, _, content = case.partition(b"\n")
    files = _files()[int(place)]
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        (folder / files.checkpoint_name).write_bytes(content)
        started = time.monotonic()
        os.environ["AMZN_BRAKET_JOB_RESULTS_DIR"] = made
        with _by_name(), closing(Journal(folder, files.prepared.request)) as journal:
            result = solve(files.prepared, journal, started)
        write_result(result.model_dump(mode="json"), folder / "results.json")
    return "accepted"


KINDS: dict[str, tuple[Callable[[Random, int, list[Files]], bytes], Callable[[bytes], str]]] = {
    "results": (result_case, report_on),
    "checkpoints": (checkpoint_case, go_on),
}


def attack(
    kind: str, numbers: range, seed: int, folder: Path
) -> Iterator[tuple[int, str, Outcome]]:
    """Yield each case's number, the function that read it, and how that ended."""
    make, reader = KINDS[kind]
    with LocalAws(cache_folder=folder / "aws") as stack:
        os.environ.update(stack.environment())
        examples = [EXAMPLES / f"{name}.json" for name in ATTEMPTED]
        files = [each for each in written(stack, examples) if each.checkpoint or kind == "results"]
        kept = folder / "files"
        kept.write_bytes(pickle.dumps(files))
        bucket = stack.outputs["OutputBucketName"]
        environment = {
            **stack.environment(),
            FILES: str(kept),
            KIND: kind,
            "AMZN_BRAKET_OUT_S3_BUCKET": bucket,
            "AMZN_BRAKET_TASK_RESULTS_S3_URI": f"s3://{bucket}/again/tasks",
        }
        with Watched(named, ready, environment) as watched:
            for number in numbers:
                case = make(mutating.generator(seed, number), number, files)
                yield number, reader.__name__, watched(kind.encode() + b"\n" + case)


def named(case: bytes) -> str:
    """Give a case to the reader of its kind; return how it ended."""
    kind, _, content = case.partition(b"\n")
    try:
        return KINDS[kind.decode()][1](content)
    except PipelineError as error:
        str(error).encode()
        return type(error).__name__


def ready() -> None:
    """Import what a process that reads has imported, before the cases are forked."""
    if os.environ.get(KIND) == "results":  # PostProcess has nothing of the job
        return
    from hybrid_job import main  # noqa: F401
    from hybrid_job.on_device.executor import Executor  # noqa: F401
    from hybrid_job.on_device.molecules.energy import measured_energy  # noqa: F401

    for place, files in enumerate(_files()):
        with suppress(PipelineError):
            go_on(b"%d\n" % place + files.checkpoint)


@cache
def _files() -> list[Files]:
    found: list[Files] = pickle.loads(Path(os.environ[FILES]).read_bytes())
    return found


def _archived(content: bytes) -> bytes:
    """Return an archive with the results, as Braket stores it."""
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w:gz", compresslevel=1) as tar:
        member = tarfile.TarInfo(archive.RESULTS)
        member.size = len(content)
        tar.addfile(member, io.BytesIO(content))
    return made.getvalue()
