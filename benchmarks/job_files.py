"""Files that real jobs wrote: the results and checkpoints that attacks on their readers begin with.

The requests are the examples of events/requests, and larger problems, whose state or optimum is not
computed again. Each is prepared by the function Prepare and solved by the job, in a process of its
own, against the AWS of this machine.
"""

from __future__ import annotations

import json
import pickle
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import click
import networkx as nx

from benchmarks.processors import outcome_of, prepared_by, requests_of, solved
from quantum_pipeline.local.aws import LocalAws
from quantum_pipeline.planning.prepared import PreparedRun
from quantum_pipeline.reports import build_report
from quantum_pipeline.results import AnyResult

Json = dict[str, Any]


class Files(NamedTuple):
    """What a job had and what it wrote: its record, result, and checkpoint with the file's name."""

    name: str
    prepared: PreparedRun
    result: Json
    checkpoint: bytes
    checkpoint_name: str


def larger() -> dict[str, Json]:
    """Return requests of more variables or determinants than are all computed again."""
    weights = [round(0.1 * (7 * k % 13) - 0.55, 3) for k in range(48)]
    pairs = [[k, (k + step) % 48, 0.3 * step - 1.1] for k in range(48) for step in (1, 5)]
    return {
        "maxcut_22": {"problem": _regular(22), "algorithm": {"depth": 1}, "shots": 300, "seed": 1},
        "maxcut_60": {"problem": _regular(60), "algorithm": {"name": "rqaoa"}, "seed": 2},
        "maxcut_300": {"problem": _regular(300), "algorithm": {"name": "rqaoa"}, "seed": 3},
        "qubo_48": {
            "problem": {"type": "qubo", "linear": weights, "quadratic": pairs},
            "algorithm": {"name": "rqaoa"},
            "seed": 4,
        },
        "chemistry_beh2_scan": {
            "problem": {
                "type": "chemistry",
                "molecule": "BeH2",
                "bond_lengths_angstrom": [1.2, 1.326, 1.5],
            },
            "algorithm": {"ansatz": "adapt", "max_evaluations": 60},
            "seed": 5,
        },
    }


def _regular(n: int) -> Json:
    graph = nx.random_regular_graph(3, n, seed=n)
    return {"type": "maxcut", "edges": sorted([min(e), max(e)] for e in graph.edges)}


def written(
    aws: LocalAws,
    files: Sequence[Path],
    more: Mapping[str, Json] | None = None,
    *,
    kept: Path | None = None,
) -> Iterator[Files]:
    """Yield what the jobs of requests write, those in files first.

    What is in the folder ``kept`` from another time is read, and what is not is put there. A job
    that fails is left out, and said to be.
    """
    requests = dict(requests_of(files, aws.outputs["InputBucketName"])) | dict(more or {})
    for name, request in requests.items():
        place = None if kept is None else kept / f"{name}.pickle"
        if place is not None and place.exists():
            yield pickle.loads(place.read_bytes())
            continue
        try:
            found = _solved(aws, name, request)
        except click.ClickException as error:  # a busy machine: its time limit, for one
            print(f"left out: {error.message}", file=sys.stderr)
            continue
        if place is not None:
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(pickle.dumps(found))
        yield found


def _solved(aws: LocalAws, name: str, request: Json) -> Files:
    prepared = prepared_by(aws, name, request)
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        solved(aws, prepared, "this one", folder)
        [checkpoint] = (folder / "checkpoints").glob("*.jsonl")
        data = json.loads((folder / "results.json").read_bytes())["dataDictionary"]
        return Files(name, prepared, data, checkpoint.read_bytes(), checkpoint.name)


def report_of(prepared: PreparedRun, result: AnyResult) -> Json:
    """Return the report of a result, as JSON has it; what the job did not say is always alike."""
    made = build_report(prepared, outcome_of(prepared, result.tasks), result)
    found: Json = json.loads(made.model_dump_json(by_alias=True))
    return found
