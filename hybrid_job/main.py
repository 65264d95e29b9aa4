"""The Braket hybrid job's entry point: reads the prepared run, solves it, writes results.json."""

import json
import os
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from pydantic import ValidationError

# Said before BLAS is loaded. Its threads cost more than they gain: the optimiser's matrices are
# tiny, and on a busy machine, or two hyper-threads of one core, they stall one another.
os.environ["OPENBLAS_NUM_THREADS"] = os.environ.get("OPENBLAS_NUM_THREADS", "1")

from hybrid_job import environment
from hybrid_job.job import QaoaJob, RqaoaJob, VqeJob
from hybrid_job.journal import Journal
from hybrid_job.solvers import qaoa, rqaoa, vqe
from quantum_pipeline.errors import ERRORS, InvalidRequest, InvalidResult, PipelineError
from quantum_pipeline.planning.prepared import PreparedRun
from quantum_pipeline.problems import BinaryProblem, Chemistry
from quantum_pipeline.refusals import describe
from quantum_pipeline.requests.algorithm import SettledQaoa, SettledRqaoa, SettledVqe
from quantum_pipeline.results import JobResult
from quantum_pipeline.runs import INPUT_CHANNEL, PREPARED

RESULTS = "results.json"


def run() -> None:
    """Solve the prepared run of the input channel: the job's entry point.

    Raises:
        PipelineError: by name; Braket makes "<name>: <message>" the job's failureReason.
    """
    started = time.monotonic()
    prepared = read_prepared(environment.input_folder(INPUT_CHANNEL) / PREPARED)
    with closing(Journal(environment.checkpoint_folder(), prepared.request)) as journal, _by_name():
        result = solve(prepared, journal, started)
    write_result(result, environment.results_folder() / RESULTS)


def solve(prepared: PreparedRun, journal: Journal, started: float) -> JobResult:
    """Return the result of a run, by the solver of its algorithm.

    ``started`` is the time of ``time.monotonic`` at which the job began.

    Raises:
        InvalidRequest: the algorithm is not one for such a problem.
        PipelineError: whatever stops the solver, by name.
    """
    algorithm, problem = prepared.request.algorithm, prepared.request.problem
    job = (prepared, journal, started)
    match algorithm, problem:
        case SettledQaoa(), BinaryProblem():
            return qaoa.solve(QaoaJob(*job, algorithm))
        case SettledRqaoa(), BinaryProblem():
            return rqaoa.solve(RqaoaJob(*job, algorithm))
        case SettledVqe(), Chemistry():
            return vqe.solve(VqeJob(*job, algorithm, problem))
    raise InvalidRequest.of("algorithm.name", algorithm.name, f"one for {problem.type}")


@contextmanager
def _by_name() -> Iterator[None]:
    """Raise errors by the names that the pipeline knows: what is the job's own, as its base."""
    try:
        yield
    except ValidationError as error:  # of a record made of what the checkpoint had
        raise InvalidResult(
            f"{error.title}: {error.errors(include_url=False)[0]['msg']}"
        ) from error
    except PipelineError as error:
        known = next(each for each in type(error).__mro__ if each.__name__ in ERRORS)
        if known is type(error):
            raise
        raise ERRORS[known.__name__](str(error)) from error


def read_prepared(path: Path) -> PreparedRun:
    """Return what prepare left for the job.

    Raises:
        InvalidRequest: the file is missing, or not a prepared run.
    """
    try:
        return PreparedRun.model_validate_json(path.read_bytes())
    except OSError as error:
        raise InvalidRequest(f"{path.name}: {error}; allowed: the record of prepare") from error
    except ValidationError as error:
        raise InvalidRequest(describe(error, PreparedRun, path.name)) from None


def write_result(result: JobResult, path: Path) -> None:
    """Write the result as ``braket.jobs.save_job_result`` would, which reads it back."""
    persisted = {
        "braketSchemaHeader": {"name": "braket.jobs_data.persisted_job_data", "version": "1"},
        "dataDictionary": result.model_dump(mode="json"),
        "dataFormat": "plaintext",
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(persisted), encoding="utf-8")
