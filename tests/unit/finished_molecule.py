"""A molecule whose run has finished: solved by the job's own solver, in milliseconds."""

from __future__ import annotations

import contextlib
import io
import tempfile
import time
from collections.abc import Mapping
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any

from hybrid_job import molecule_solver
from hybrid_job.job import Job
from hybrid_job.journal import Journal
from quantum_pipeline.costs import bill, estimate
from quantum_pipeline.devices import find
from quantum_pipeline.reports import MoleculeReport, Outcome, Timing, build_report
from quantum_pipeline.requests import parse_request, resolve
from quantum_pipeline.results import MoleculeResult
from quantum_pipeline.runs import PreparedRun, SubmittedJob
from tests.unit.finished_run import CREATED, EXECUTION, INSTANCE

H2 = {"molecule": "H2", "bond_length_angstrom": 0.74}
SCAN = {"molecule": "H2", "bond_lengths_angstrom": [0.5, 0.7, 0.8, 1.2, 2.0]}
OPEN_SHELL = {"geometry": [["O", [0, 0, 0]], ["H", [0, 0, 0.97]]], "multiplicity": 2}


def prepared_molecule(molecule: Mapping[str, Any], **request: Any) -> PreparedRun:
    """Return what prepare leaves of a request for a molecule."""
    problem = {"type": "chemistry", **molecule}
    resolved, because = resolve(parse_request({"problem": problem, **request}))
    device = find("local")
    return PreparedRun(
        run_id="r1",
        execution_arn=EXECUTION,
        created_at=CREATED,
        request=resolved,
        model=None,
        device=device,
        algorithm_because=because,
        device_because="the job itself computes exactly what it needs",
        instance=INSTANCE,
        estimate=estimate(resolved, device, INSTANCE),
        prepare_seconds=0.021,
    )


def solved_molecule(prepared: PreparedRun, folder: Path | None = None) -> MoleculeResult:
    """Return the result of the job, its log left out; ``folder`` keeps its journal."""
    with tempfile.TemporaryDirectory() as empty, contextlib.redirect_stdout(io.StringIO()):
        journal = Journal(folder or Path(empty), prepared.request)
        with closing(journal):
            return molecule_solver.solve(Job(prepared, journal, time.monotonic()))


def report_of_molecule(
    prepared: PreparedRun, result: MoleculeResult | None = None
) -> MoleculeReport:
    """Return the report of a result, a minute and a half after its request."""
    job = SubmittedJob(
        run_id=prepared.run_id,
        attempt=1,
        job_arn="arn:aws:braket:us-east-1:123456789012:job/9f3c",
        job_name="qpipe-1",
        source_uri="s3://amazon-braket-code/source/ab.tar.gz",
        source_sha256="ab" * 32,
        instance_type=INSTANCE.instance_type,
    )
    cost = bill(
        instance_seconds=62.0,
        instance=INSTANCE,
        device=prepared.device,
        tasks=(),
    )
    outcome = Outcome(
        job=job,
        timing=Timing(
            prepare_seconds=0.021,
            queue_seconds=31.5,
            job_seconds=48.2,
            post_process_seconds=0.4,
            polls=9,
        ),
        actual=cost,
        completed_at=CREATED + timedelta(seconds=91),
    )
    report = build_report(prepared, outcome, result or solved_molecule(prepared))
    assert isinstance(report, MoleculeReport)
    return report
