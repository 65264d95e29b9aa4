"""State PostProcess: recomputes the job's result as far as that can be done, and reports it.

Of a pack it is called for each run, and at last for the pack: a run whose result is not there, or
is not right, fails alone.

What only the job could know is held to bounds, and the report names it: see ``results``.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

from pydantic import Field, ValidationError

from quantum_pipeline import pages, runs
from quantum_pipeline.aws import ends, jobs, packs, storage, tasks
from quantum_pipeline.aws.clients import named_errors
from quantum_pipeline.aws.ends import Claim, Completed, CompletedPack
from quantum_pipeline.aws.jobs import PaidJob
from quantum_pipeline.aws.settings import PostProcessSettings
from quantum_pipeline.aws.stage import EventModel, logger, stage
from quantum_pipeline.errors import (
    InvalidRequest,
    InvalidResult,
    JobFailed,
    PipelineError,
    ServiceUnavailable,
)
from quantum_pipeline.planning import costs
from quantum_pipeline.planning.costs import InstancePrice
from quantum_pipeline.planning.pack_record import PackRecord
from quantum_pipeline.planning.packs import cost_of
from quantum_pipeline.planning.prepared import PreparedRun, RunHeader
from quantum_pipeline.reports import (
    AnyReport,
    ClassificationReport,
    Outcome,
    Report,
    Timing,
    build_report,
)
from quantum_pipeline.results import AnyResult, ClassificationResult, read_result
from quantum_pipeline.results.packed import PackSummary
from quantum_pipeline.runs import (
    MOST_PACKED,
    Attempt,
    JobArn,
    NumberOfRuns,
    Polls,
    RunId,
    SubmittedJob,
)

PATIENCE_SECONDS = 600.0
"""How long after its end a run waits for services that refuse what is left; then the sweep does."""


class Event(EventModel):
    """The run and its job, which has ended; of a pack also the number of the run, from 0.

    Without a number all runs of the pack have ended, and so does the pack.
    """

    run_id: RunId
    attempt: Attempt
    job_arn: JobArn
    polls: Polls
    n_runs: NumberOfRuns = 1
    number: Annotated[int, Field(strict=True, ge=0, lt=MOST_PACKED)] | None = None


@stage(Event.read, uses=("s3", "braket", "dynamodb", "sns"))
def handler(event: Event) -> dict[str, Any]:
    """Write the report and its pictures; return where they are and the main figures.

    The run has ended once its end is claimed. What comes then is tried again for a while where it
    fails, and left to the sweep in the end: it makes no failure of a run whose report is there.
    """
    started = time.perf_counter()
    settings = PostProcessSettings.read()
    if event.n_runs > 1:
        return _of_pack(event, settings, started)
    bucket, run_id = settings.output_bucket, event.run_id
    stands = ends.read(bucket, run_id) or _claim(event, settings, started)
    _check_completed(run_id, stands)
    ends.publish(bucket, run_id, stands)
    _cancel_tasks(bucket, run_id, _waits_for(stands))
    _finish(run_id, stands, settings)
    return _answer(stands)


def _check_completed(run_id: str, stands: Claim) -> None:
    if stands.record != runs.COMPLETED:
        raise JobFailed(f"{run_id}: the run has ended ({stands.record}); no report is made of it")


def _finish(run_id: str, stands: Claim, settings: PostProcessSettings) -> None:
    """Do what follows the publication of an end."""
    with _left_to_the_sweep(but=_waits_for(stands)):
        ends.remember(
            settings.output_bucket, run_id, settings.catalogue_table, settings.budget, stands
        )
        with _left_to_the_sweep():
            ends.tell(settings.output_bucket, run_id, settings.notification_topic_arn)


def _answer(stands: Claim) -> dict[str, Any]:
    return {
        name: value for name, value in stands.end.items() if name not in ("ended_at", "job_arn")
    }


def _claim(event: Event, settings: PostProcessSettings, started: float) -> Claim:
    """Make the report, stage it, and claim the run's end with it."""
    bucket = settings.output_bucket
    prepared = storage.need_model(bucket, runs.key(event.run_id, runs.PREPARED), PreparedRun)
    job = _job(event, bucket)
    result = read_result(jobs.read_output(job.newest), prepared)
    timing = _timing(event, prepared, job, started)
    made = _report(prepared, job, result, timing, settings.instance_price)
    return _claim_completed(bucket, made, result, "run", prepared.request.study)


def _job(event: Event, bucket: str) -> PaidJob:
    submitted = storage.need_model(bucket, runs.key(event.run_id, runs.JOB), SubmittedJob)
    return PaidJob.of(submitted, event.job_arn)


def _report(
    prepared: PreparedRun,
    job: PaidJob,
    result: AnyResult,
    timing: Timing,
    instance: InstancePrice,
) -> AnyReport:
    """Return the report of a run whose job, or its part of one, is billed so many seconds."""
    actual = costs.bill(
        instance_seconds=job.billed_seconds,
        instance=instance,
        device=prepared.device,
        others=prepared.devices[1:],
        tasks=result.tasks,
    )
    outcome = Outcome(
        job=job.submitted, timing=timing, actual=actual, completed_at=datetime.now(UTC)
    )
    return build_report(prepared, outcome, result)


def _timing(event: Event, prepared: PreparedRun, job: PaidJob, started: float) -> Timing:
    """Return where the time went; of a job that is shared, the run's part of it."""
    return Timing(
        prepare_seconds=prepared.prepare_seconds,
        queue_seconds=job.newest.queue_seconds,
        job_seconds=job.newest.job_seconds * job.part,
        post_process_seconds=time.perf_counter() - started,
        polls=event.polls,
    )


def _claim_completed(
    bucket: str, made: AnyReport, result: AnyResult, kind: ends.Kind, study: str | None = None
) -> Claim:
    """Stage a report and claim its run's end with it; of a run of a pack, without pictures."""
    files = dict(_files(made, result))
    metrics = _metrics(made)
    if kind != "run":
        files = {name: files[name] for name in files if name not in made.artifacts.pictures}
        metrics["CostRatio"] = None  # the pack's says more: nobody knows beforehand who takes what
    return ends.claim(
        bucket,
        runs.COMPLETED,
        _completed(made, f"s3://{bucket}/{runs.key(made.run_id, '')}"),
        kind=kind,
        study=study,
        staged=ends.stage(bucket, made.run_id, files),
        metrics=metrics,
    )


def _of_pack(event: Event, settings: PostProcessSettings, started: float) -> dict[str, Any]:
    """End one run of a pack, with its report or by its error; at last the pack."""
    bucket = settings.output_bucket
    pack = storage.need_model(bucket, runs.key(event.run_id, runs.PACK), PackRecord)
    if event.number is None:
        return _end_pack(event, pack, settings)
    if event.number >= len(pack.names):
        raise InvalidRequest.of("number", event.number, f"up to {len(pack.names) - 1}")
    name = pack.names[event.number]
    run_id = pack.run_id(name)
    stands = ends.read(bucket, run_id) or _claim_of_pack(event, pack, name, settings, started)
    if stands is None:
        return {"run_id": run_id}
    ends.publish(bucket, run_id, stands)
    _finish(run_id, stands, settings)
    return {"run_id": run_id, "status": stands.end["status"]}


def _claim_of_pack(
    event: Event, pack: PackRecord, name: str, settings: PostProcessSettings, started: float
) -> Claim | None:
    """Claim the end of a run of a pack; None where the job failed before the run had ended."""
    bucket, job = settings.output_bucket, _job(event, settings.output_bucket)
    left, cancelled = packs.left(bucket, pack, name), packs.is_cancelled(bucket, pack, name)
    if left is None and not cancelled and job.newest.status != "COMPLETED":
        return None
    seconds = _seconds(pack, job)[name]
    failure = packs.failed(
        pack, name, job_arn=event.job_arn, billable_seconds=seconds, cancelled=cancelled
    )
    if cancelled:
        return packs.end(bucket, pack, failure)
    try:
        prepared = storage.need_model(
            bucket, runs.key(pack.run_id(name), runs.PREPARED), PreparedRun
        )
        result = read_result(packs.result(name, left), prepared)
        share = job.shared(seconds)
        timing = _timing(event, prepared, share, started)
        made = _report(prepared, share, result, timing, settings.instance_price)
        thrifty = made.model_copy(update={"artifacts": made.artifacts.thrifty})
        return _claim_completed(bucket, thrifty, result, "run of a pack", pack.study)
    except ServiceUnavailable:
        raise
    except PipelineError as error:
        said = {"error": type(error).__name__, "cause": str(error)}
        return packs.end(bucket, pack, failure.model_copy(update=said))


def _seconds(pack: PackRecord, job: PaidJob) -> dict[str, float]:
    """Return the billed seconds of each run."""
    summary = PackSummary()
    if job.newest.status == "COMPLETED":
        with suppress(InvalidResult, ValidationError):  # then nobody knows who used what
            summary = PackSummary.model_validate(jobs.read_output(job.newest))
    return pack.shares(job.billed_seconds, summary.seconds, summary.processor_seconds)


def _end_pack(event: Event, pack: PackRecord, settings: PostProcessSettings) -> dict[str, Any]:
    """End a pack of which all runs have ended, and tell of it once all of them are finished."""
    bucket, pack_id = settings.output_bucket, pack.pack_id
    claims = [_end_of(bucket, pack, name) for name in pack.names]
    stands = ends.read(bucket, pack_id) or _claim_pack(event, pack, claims, settings)
    _check_completed(pack_id, stands)
    ends.publish(bucket, pack_id, stands)
    if all(each.finished for each in claims):
        with _left_to_the_sweep(but=_waits_for(stands)):
            ends.tell(bucket, pack_id, settings.notification_topic_arn)
    return _answer(stands)


def _end_of(bucket: str, pack: PackRecord, name: str) -> Claim:
    """Return the end of a run; one that could not be recorded is, now that all others are."""
    found = ends.read(bucket, pack.run_id(name))
    lost = packs.failed(pack, name, cause="its end was not recorded")
    return found or packs.end(bucket, pack, lost)


def _claim_pack(
    event: Event, pack: PackRecord, claims: Sequence[Claim], settings: PostProcessSettings
) -> Claim:
    bucket, job = settings.output_bucket, _job(event, settings.output_bucket)
    counts = Counter(each.record for each in claims)
    bill = cost_of(job.billed_seconds, settings.instance_price).total_usd
    estimate = pack.estimate.total_usd
    return ends.claim(
        bucket,
        runs.COMPLETED,
        CompletedPack(
            run_id=pack.pack_id,
            execution_arn=pack.execution_arn,
            ended_at=datetime.now(UTC),
            job_arn=event.job_arn,
            succeeded=counts[runs.COMPLETED],
            failed=counts[runs.FAILURE],
            cancelled=counts[runs.CANCELLED],
            actual_usd=bill,
        ),
        kind="pack",
        study=pack.study,
        metrics={"CostRatio": bill / estimate if estimate else None},
    )


def _completed(made: Report, folder: str) -> Completed:
    return Completed(
        run_id=made.run_id,
        status=made.status,
        ended_at=made.completed_at,
        job_arn=made.provenance.job_arn,
        report=f"{folder}{runs.REPORT}",
        report_html=f"{folder}{made.artifacts.report_html}",
        objective=made.objective,
        approximation_ratio=made.ratios[0],
        expected_ratio=made.ratios[1],
        actual_usd=made.cost.actual_usd,
    )


def _files(made: AnyReport, result: AnyResult) -> Iterator[tuple[str, tuple[bytes, str]]]:
    """Yield each file of a report: its name, its content and the type of that."""
    for name, content in pages.render(made).items():
        yield name, (content, _content_type(name))
    if isinstance(result, ClassificationResult):
        yield runs.MODEL, (result.model.model_dump_json().encode(), "application/json")
    yield runs.REPORT, (made.model_dump_json(by_alias=True).encode(), "application/json")


def _waits_for(stands: Claim) -> tuple[type[PipelineError], ...]:
    """Return the errors for which this state is tried again, since its run has just ended."""
    ended_at, now = stands.ended_at, datetime.now(UTC)
    just = ended_at is not None and now - ended_at < timedelta(seconds=PATIENCE_SECONDS)
    return (ServiceUnavailable,) if just else ()


def _cancel_tasks(bucket: str, run_id: str, waits_for: tuple[type[PipelineError], ...]) -> None:
    """Leave no task of the run's jobs in a queue.

    A job cancels what it waits for no longer, but that call may have been refused.

    Raises:
        PipelineError: one of those that are waited for; it may not come when it is tried again.
    """
    prepared = storage.need_model(bucket, runs.key(run_id, runs.PREPARED), RunHeader)
    if prepared.device.kind == "local":
        return
    submitted = storage.need_model(bucket, runs.key(run_id, runs.JOB), SubmittedJob)
    with _left_to_the_sweep(but=waits_for):
        tasks.cancel_all(submitted.all_jobs)


@contextmanager
def _left_to_the_sweep(but: tuple[type[PipelineError], ...] = ()) -> Iterator[None]:
    """Log an error that is to make no failure of the run."""
    try:
        with named_errors():
            yield
    except but:
        raise
    except PipelineError:
        logger.exception("left to the sweep")


def _metrics(made: Report) -> dict[str, float | None]:
    return {
        "RunsSucceeded": 1,
        "QueueSeconds": made.timing.queue_seconds,
        "JobSeconds": made.timing.job_seconds,
        "Polls": made.timing.polls,
        "ActualCost": made.cost.actual_usd,
        "CostRatio": made.cost.estimate_ratio,
        "ApproximationRatio": made.ratios[0],
        "ExpectedRatio": made.ratios[1],
        **_reached(made),
        "ConvergenceRate": made.analysis.convergence_rate,
        "Efficiency": made.analysis.efficiency,
    }


def _reached(made: Report) -> dict[str, float]:
    """Return where a run ended: of a table the share of tested rows that is right, no energy."""
    if isinstance(made, ClassificationReport):
        return {"TestAccuracy": made.solution.objective}
    return {"FinalEnergy": made.analysis.final_energy}


def _content_type(name: str) -> str:
    return "text/html; charset=utf-8" if name.endswith(".html") else "image/png"
