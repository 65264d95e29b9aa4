"""The Braket hybrid job's entry point: reads the prepared run, solves it, writes results.json."""

import json
import os
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

# Said before BLAS is loaded. Its threads cost more than they gain: the optimiser's matrices are
# tiny, and on a busy machine, or two hyper-threads of one core, they stall one another.
os.environ["OPENBLAS_NUM_THREADS"] = os.environ.get("OPENBLAS_NUM_THREADS", "1")

from hybrid_job import environment
from hybrid_job.job import (
    ClassificationJob,
    ConstrainedJob,
    CutJob,
    CutRqaoaJob,
    DivideJob,
    KernelJob,
    QaoaJob,
    ReuploadingJob,
    RqaoaJob,
    VqeJob,
)
from hybrid_job.journal import Journal
from hybrid_job.solvers import constrained, cut, cut_rqaoa, qaoa, rqaoa, vqe
from quantum_pipeline.errors import ERRORS, InvalidRequest, InvalidResult, PipelineError
from quantum_pipeline.planning.pack_record import PackRecord
from quantum_pipeline.planning.packs import Room
from quantum_pipeline.planning.prepared import PreparedRun
from quantum_pipeline.problems import BinaryProblem, Chemistry, FormProblem
from quantum_pipeline.problems.classification import Classification
from quantum_pipeline.refusals import describe
from quantum_pipeline.requests.algorithm import (
    SettledCutQaoa,
    SettledCutRqaoa,
    SettledDivide,
    SettledKernel,
    SettledQaoa,
    SettledReuploading,
    SettledRqaoa,
    SettledVqe,
)
from quantum_pipeline.results import JobResult
from quantum_pipeline.results.packed import PackSummary
from quantum_pipeline.runs import INPUT_CHANNEL, PACK, PREPARED

RESULTS = "results.json"


def run() -> None:
    """Solve the prepared run of the input channel: the job's entry point.

    Raises:
        PipelineError: by name; Braket makes "<name>: <message>" the job's failureReason.
    """
    started = time.monotonic()
    inputs, results = environment.input_folder(INPUT_CHANNEL), environment.results_folder()
    if (inputs / PACK).exists():
        data = run_pack(inputs, started)
    else:
        prepared = read_record(inputs / PREPARED, PreparedRun)
        result = solve_in(prepared, environment.checkpoint_folder(), started)
        data = result.model_dump(mode="json")
    write_result(data, results / RESULTS)


def run_pack(inputs: Path, started: float) -> dict[str, Any]:
    """Solve the runs of a pack; return how many left a result or an error, and what they used."""
    from hybrid_job.pack import PackJob  # noqa: PLC0415 - other jobs do without

    record = read_record(inputs / PACK, PackRecord)
    runs = {name: read_record(inputs / name / PREPARED, PreparedRun) for name in record.runs}
    room = Room.with_memory(environment.processors(), environment.memory_bytes())
    job = PackJob(record, runs, environment.checkpoint_folder(), room, solve_in)
    job.run(started)
    ends = job.ends()
    return PackSummary(
        solved=sum(end.error is None for end in ends.values()),
        failed=sum(end.error is not None for end in ends.values()),
        seconds=time.monotonic() - started,
        processor_seconds={name: end.processor_seconds for name, end in ends.items()},
    ).model_dump()


def solve_in(
    prepared: PreparedRun, checkpoints: Path, started: float, seconds: int | None = None
) -> JobResult:
    """Return the result of a run with its journal in a folder, in so many seconds if given."""
    given = prepared
    if seconds is not None:
        limits = {"max_runtime_seconds": seconds}
        limited = prepared.request.limits.model_copy(update=limits)
        request = prepared.request.model_copy(update={"limits": limited})
        given = prepared.model_copy(update={"request": request})
    with closing(Journal(checkpoints, prepared.request)) as journal, _by_name():
        return solve(given, journal, started)


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
        case SettledQaoa() | SettledRqaoa(), BinaryProblem():
            return rounded_or_sampled(prepared, journal, started, algorithm)
        case SettledDivide(), BinaryProblem():
            from hybrid_job.solvers import divide  # noqa: PLC0415 (compiles, and imports networkx)

            return divide.solve(DivideJob(*job, algorithm))
        case SettledVqe(), Chemistry():
            return vqe.solve(VqeJob(*job, algorithm, problem))
        case ((SettledKernel() | SettledReuploading()), Classification()):
            return classified(ClassificationJob(*job, problem, algorithm))
        case SettledQaoa(), FormProblem():
            return constrained.solve(ConstrainedJob(*job, algorithm, problem))
    raise InvalidRequest.of("algorithm.name", algorithm.name, f"one for {problem.type}")


def rounded_or_sampled(
    prepared: PreparedRun, journal: Journal, started: float, algorithm: SettledQaoa | SettledRqaoa
) -> JobResult:
    """Return the result of QAOA, recursive or not, of circuits in parts or of the whole."""
    job = (prepared, journal, started)
    match algorithm:
        case SettledCutQaoa():
            return cut.solve(CutJob(*job, algorithm))
        case SettledCutRqaoa():
            return cut_rqaoa.solve(CutRqaoaJob(*job, algorithm))
        case SettledRqaoa():
            return rqaoa.solve(RqaoaJob(*job, algorithm))
    return qaoa.solve(QaoaJob(*job, algorithm))


def classified(job: ClassificationJob) -> JobResult:
    """Return the result of a run whose problem is a table."""
    from hybrid_job.solvers import kernel, reuploading  # noqa: PLC0415 (imports scikit-learn)

    given = (job.prepared, job.journal, job.started, job.problem)
    if isinstance(job.algorithm, SettledKernel):
        return kernel.solve(KernelJob(*given, job.algorithm))
    return reuploading.solve(ReuploadingJob(*given, job.algorithm))


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


Record = TypeVar("Record", bound=BaseModel)


def read_record(path: Path, model: type[Record]) -> Record:
    """Return what prepare left for the job.

    Raises:
        InvalidRequest: the file is missing, or no such record.
    """
    try:
        return model.model_validate_json(path.read_bytes())
    except OSError as error:
        raise InvalidRequest(f"{path.name}: {error}; allowed: the record of prepare") from error
    except ValidationError as error:
        raise InvalidRequest(describe(error, model, path.name)) from None


def write_result(data: Mapping[str, Any], path: Path) -> None:
    """Write a result as ``braket.jobs.save_job_result`` would, which reads it back."""
    persisted = {
        "braketSchemaHeader": {"name": "braket.jobs_data.persisted_job_data", "version": "1"},
        "dataDictionary": dict(data),
        "dataFormat": "plaintext",
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(persisted), encoding="utf-8")
