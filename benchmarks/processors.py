"""Runs examples with job and post-process on two processors: ``python -m benchmarks.processors``.

On AWS a job and the functions before and after it need not share a processor, and linear algebra
has other last digits on each, where eigenvalues are equal even other eigenvectors. Each example of
events/requests, and molecules measured in orbitals that are not unique, or each request that is
named, is prepared once. Then for each pair of processors a process with the one's settings is its
job, and one with the other's verifies and judges what the job returned. Devices are those of this
machine. All verdicts of an example must be the same.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

import boto3
import click
from rich.console import Console
from rich.table import Table

from benchmarks import options
from quantum_pipeline import runs
from quantum_pipeline.errors import InvalidResult
from quantum_pipeline.local.aws import LocalAws
from quantum_pipeline.local.places import APPLICATION as PROJECT
from quantum_pipeline.planning.costs import bill
from quantum_pipeline.planning.prepared import PreparedRun
from quantum_pipeline.reports import Outcome, Timing, build_report
from quantum_pipeline.results import read_result
from quantum_pipeline.results.base import QuantumTask
from quantum_pipeline.runs import SubmittedJob

Json = dict[str, Any]

OLD = "AVX2 FMA3 AVX512F AVX512CD AVX512_SKX AVX512_CLX AVX512_CNL AVX512_ICL AVX512_SPR"
"""What numpy does not find on a processor of 2011."""

PROCESSORS: Mapping[str, Mapping[str, str]] = {
    "this one": {"OPENBLAS_NUM_THREADS": "1"},
    "this one, 2 threads": {"OPENBLAS_NUM_THREADS": "2", "OMP_NUM_THREADS": "2"},
    "Haswell": {"OPENBLAS_CORETYPE": "Haswell", "OPENBLAS_NUM_THREADS": "1"},
    "Zen, 2 threads": {"OPENBLAS_CORETYPE": "Zen", "OPENBLAS_NUM_THREADS": "2"},
    "Sandybridge": {
        "OPENBLAS_CORETYPE": "Sandybridge",
        "OPENBLAS_NUM_THREADS": "1",
        "NPY_DISABLE_CPU_FEATURES": OLD,
    },
}
PAIRS = (
    ("this one", "this one"),
    ("this one, 2 threads", "Sandybridge"),
    ("Haswell", "this one"),
    ("Zen, 2 threads", "Haswell"),
    ("Sandybridge", "Zen, 2 threads"),
)
"""Processors of the job, and of post-process."""

PAIRED: dict[str, Json] = {
    f"{molecule}, two electrons, sv1": {
        "problem": {
            "type": "chemistry", "molecule": molecule, "bond_length_angstrom": length,
            "active_electrons": 2, "active_orbitals": 4,
        },
        "device": "sv1", "shots": 20, "seed": 7,
    }
    for molecule, length in {"LiH": 1.57, "BH": 1.23}.items()
}  # fmt: skip
"""Two of the active orbitals are a pair, of which processors choose differently."""

CLOSE = 1e-6
"""Difference of objectives, by their size, that is the optimiser's, not the processor's."""

JOB = "from hybrid_job.main import run; run()"


class Verdict(NamedTuple):
    """How a result is judged: its verdict without times, or the error that refuses it."""

    words: str
    objective: float | None


def requests_of(files: Sequence[Path], input_bucket: str) -> Iterator[tuple[str, Json]]:
    """Yield names and requests; a problem in S3 is put there."""
    for file in files:
        request = json.loads(file.read_bytes())
        if "uri" in request["problem"]:
            problem = json.loads((file.parent / "maxcut_petersen.json").read_bytes())["problem"]
            key = request["problem"]["uri"].partition("//")[2].partition("/")[2]
            boto3.client("s3").put_object(Bucket=input_bucket, Key=key, Body=json.dumps(problem))
            request["problem"] = {"uri": f"s3://{input_bucket}/{key}"}
        yield file.stem, request


def prepared_by(aws: LocalAws, name: str, request: Json) -> PreparedRun:
    """Return the record that the function Prepare writes of a request."""
    run_id = re.sub(r"[^A-Za-z0-9-]", "-", name)
    machine = aws.outputs["StateMachineArn"].replace(":stateMachine:", ":execution:")
    event = {"run_id": run_id, "execution_arn": f"{machine}:{run_id}", "request": request}
    answer = boto3.client("lambda").invoke(
        FunctionName="quantum-pipeline-PrepareFunction", Payload=json.dumps(event)
    )
    if "FunctionError" in answer:
        raise click.ClickException(f"{name}: {answer['Payload'].read().decode()}")
    key, bucket = runs.key(run_id, runs.PREPARED), aws.outputs["OutputBucketName"]
    body = boto3.client("s3").get_object(Bucket=bucket, Key=key)["Body"]
    return PreparedRun.model_validate_json(body.read())


def solved(aws: LocalAws, prepared: PreparedRun, processor: str, folder: Path) -> None:
    """Run a job in a process of its own, as its container would.

    Raises:
        ClickException: it was killed, or ended with an error: no verdict on processors.
    """
    inputs = folder / "input" / runs.INPUT_CHANNEL
    inputs.mkdir(parents=True)
    (inputs / runs.PREPARED).write_text(prepared.model_dump_json(), "utf-8")
    bucket = aws.outputs["OutputBucketName"]
    container = {
        "AMZN_BRAKET_INPUT_DIR": str(folder / "input"),
        "AMZN_BRAKET_CHECKPOINT_DIR": str(folder / "checkpoints"),
        "AMZN_BRAKET_JOB_RESULTS_DIR": str(folder),
        "AMZN_BRAKET_OUT_S3_BUCKET": bucket,
        "AMZN_BRAKET_TASK_RESULTS_S3_URI": f"s3://{bucket}/{prepared.run_id}/tasks",
    }
    with (folder / "log").open("w") as log:
        command = [sys.executable, "-W", "ignore", "-c", JOB]
        done = subprocess.run(
            command,
            env=os.environ | container | dict(PROCESSORS[processor]),
            cwd=PROJECT,
            stdout=log,
            stderr=log,
            check=False,
        )
    if done.returncode:
        said = (folder / "log").read_text("utf-8")[-500:]
        raise click.ClickException(f"{prepared.run_id} ended with {done.returncode}: {said}")


def judged(processor: str, folder: Path) -> Verdict:
    """Return how a job's result is judged by a process of its own."""
    command = [
        sys.executable,
        "-W",
        "ignore",
        "-m",
        "benchmarks.processors",
        "--judge",
        str(folder),
    ]
    settings = os.environ | dict(PROCESSORS[processor])
    done = subprocess.run(command, env=settings, cwd=PROJECT, check=True, stdout=subprocess.PIPE)
    return Verdict(*json.loads(done.stdout))


def verdict_of(folder: Path) -> Verdict:
    """Return how what a job wrote is judged."""
    prepared = PreparedRun.model_validate_json(
        (folder / "input" / runs.INPUT_CHANNEL / runs.PREPARED).read_bytes()
    )
    data = json.loads((folder / "results.json").read_bytes())["dataDictionary"]
    try:
        result = read_result(data, prepared)
    except InvalidResult as error:
        return Verdict(f"InvalidResult: {error}", None)
    made = build_report(prepared, outcome_of(prepared), result)
    words = re.sub(r", [\d.,]+ times (slower|faster)", "", made.quality.verdict)
    return Verdict(words, made.objective)


def outcome_of(prepared: PreparedRun, tasks: Iterable[QuantumTask] = ()) -> Outcome:
    """Return what a report is to say of a job of which nothing is asked: always alike."""
    job = SubmittedJob(
        run_id=prepared.run_id, attempt=1, job_arn="arn:job", job_name="job", source_uri="s3://",
        source_sha256="", instance_type=prepared.instance.instance_type,
    )  # fmt: skip
    timing = Timing(
        prepare_seconds=0.0, queue_seconds=0.0, job_seconds=1.0, post_process_seconds=0.0, polls=1
    )
    cost = bill(
        instance_seconds=1.0, instance=prepared.instance, device=prepared.device, tasks=tasks
    )
    end = datetime(2026, 1, 1, tzinfo=UTC)
    return Outcome(job=job, timing=timing, actual=cost, completed_at=end)


def compared(aws: LocalAws, prepared: PreparedRun) -> list[Verdict]:
    """Return the verdict of each pair, each on a run of its own."""
    verdicts = []
    for number, (job, post_process) in enumerate(PAIRS):
        change = {
            "run_id": f"{prepared.run_id}-{number}",
            "execution_arn": f"{prepared.execution_arn}-{number}",
        }
        with tempfile.TemporaryDirectory() as made:
            folder = Path(made)
            solved(aws, prepared.model_copy(update=change), job, folder)
            verdicts.append(judged(post_process, folder))
    return verdicts


def row_of(name: str, verdicts: Sequence[Verdict]) -> Json:
    """Return an example's row: whether all verdicts are the same, and how far objectives differ."""
    objectives = [each.objective for each in verdicts if each.objective is not None]
    largest = max(map(abs, objectives), default=0.0)
    apart = max(objectives, default=0.0) - min(objectives, default=0.0)
    words = sorted({each.words for each in verdicts})
    return {
        "example": name,
        "verdicts": words,
        "objective": objectives[0] if objectives else None,
        "apart": apart,
        "same": len(words) == 1
        and len(objectives) == len(verdicts)
        and apart <= CLOSE * max(1.0, largest),
    }


def table_of(rows: Sequence[Json]) -> Table:
    """Return all rows as they are printed."""
    table = Table("example", "verdict on all pairs", "objective", "largest difference", "same")
    for row in rows:
        objective = "–" if row["objective"] is None else f"{row['objective']:.6g}"
        same = "yes" if row["same"] else "NO"
        verdicts = " | ".join(row["verdicts"])
        table.add_row(row["example"], verdicts, objective, f"{row['apart']:.2g}", same)
    return table


def examples() -> list[Path]:
    """Return the requests of events/requests that run."""
    files = sorted((PROJECT / "events" / "requests").glob("*.json"))
    return [file for file in files if not file.stem.startswith(("invalid_", "pack_"))]


@click.command()
@click.argument("files", nargs=-1, type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--judge", type=click.Path(path_type=Path), hidden=True)
@options.json_file
def main(*, files: tuple[Path, ...], judge: Path | None, json_file: Path | None) -> None:
    """Print a row for each request in FILES, by default the examples; fail on any difference."""
    if judge is not None:
        print(json.dumps(verdict_of(judge)))
        return
    rows = []
    with tempfile.TemporaryDirectory() as folder, LocalAws(cache_folder=Path(folder)) as aws:
        os.environ.update(aws.environment())
        chosen = dict(requests_of(files or examples(), aws.outputs["InputBucketName"]))
        for name, request in (chosen if files else chosen | PAIRED).items():
            rows.append(row_of(name, compared(aws, prepared_by(aws, name, request))))
            print(f"{name}: {'same' if rows[-1]['same'] else 'DIFFERENT'}", file=sys.stderr)
    for job, post_process in PAIRS:
        print(f"job on {job}, post-process on {post_process}")
    Console(width=None if sys.stdout.isatty() else 130).print(table_of(rows))
    options.write(json_file, {"pairs": PAIRS, "rows": rows})
    sys.exit(not all(row["same"] for row in rows))


if __name__ == "__main__":
    main()
