"""``qpipe run --stack`` and its client: the code that runs on AWS, against AWS on this machine."""

from __future__ import annotations

import json
import resource
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from werkzeug.wrappers import Request, Response

from quantum_pipeline.cli.bucket import OutputNotWritten
from quantum_pipeline.cli.client import Pipeline, RunStopped, run_id_of
from quantum_pipeline.cli.entry import main
from quantum_pipeline.errors import InvalidRequest, InvalidResult, JobFailed
from quantum_pipeline.local.aws import read_stack
from quantum_pipeline.local.catalogue_file import CatalogueFile
from tests.cloudformation import describe_stacks
from tests.stack import HYDROGEN, LONG, Stack
from tests.waiting import PATIENCE_SECONDS, wait_for


@pytest.fixture
def pipeline(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> Iterator[Pipeline]:
    for name, value in stack.aws.environment().items():
        monkeypatch.setenv(name, value)
    yield Pipeline(stack.aws.outputs)
    stack.aws.router.intercept = None
    stack.aws.braket.intercept = None


def test_a_stack_on_aws_is_used_by_its_name(
    stack: Stack, pipeline: Pipeline, request_data: dict[str, Any], tmp_path: Path
) -> None:
    stack.aws.router.intercept = describe_stacks(stack, "deployed-stack")
    file = tmp_path / "petersen.json"
    file.write_text(json.dumps(request_data))
    asked = ["run", str(file), "--stack", "deployed-stack", "--json", "--output", str(tmp_path)]
    before = signal.getsignal(signal.SIGTERM)
    done = CliRunner().invoke(main, asked)
    signal.signal(signal.SIGTERM, before)
    assert done.exit_code == 0, done.stderr
    report = json.loads(done.stdout)
    assert report["solution"]["objective"] == 12
    # It ran on the stack, not in the command: the stack's bucket has it, at the stack's price.
    assert stack.record(report["run_id"], "report.json") == report
    assert report["cost"]["actual_usd"] > 0


def list_functions(stack: Stack, name: str) -> Any:
    """Return an interception that answers for the rest of what `qpipe env` asks of a stack."""
    functions = {each.logical_id: each for each in read_stack().functions}
    listed = "".join(
        f"<member><LogicalResourceId>{logical_id}</LogicalResourceId>"
        f"<PhysicalResourceId>{physical}</PhysicalResourceId><ResourceType>{kind}</ResourceType>"
        "<LastUpdatedTimestamp>2026-08-24T09:30:00Z</LastUpdatedTimestamp>"
        "<ResourceStatus>CREATE_COMPLETE</ResourceStatus></member>"
        for logical_id, physical, kind in (
            *((each, f"{each}-1QX", "AWS::Lambda::Function") for each in functions),
            ("OutputBucket", "a-bucket", "AWS::S3::Bucket"),
        )
    )
    resources = (
        "<ListStackResourcesResponse><ListStackResourcesResult><StackResourceSummaries>"
        f"{listed}</StackResourceSummaries></ListStackResourcesResult></ListStackResourcesResponse>"
    )
    described = describe_stacks(stack, name)

    def answer(service: str, request: Request) -> Response | None:
        if service == "lambda":
            logical_id = request.path.split("/")[-2].removesuffix("-1QX")
            found = {"Environment": {"Variables": functions[logical_id].environment}}
            return Response(json.dumps(found), content_type="application/json")
        if "Action=ListStackResources" in request.get_data(as_text=True):
            return Response(resources, content_type="text/xml")
        return described(service, request)  # type: ignore[no-any-return]

    return answer


def test_variables_of_a_stacks_functions_are_those_that_lambda_has(
    stack: Stack, pipeline: Pipeline
) -> None:
    stack.aws.router.intercept = list_functions(stack, "deployed-stack")
    done = CliRunner().invoke(main, ["env", "--stack", "deployed-stack"])
    found = json.loads(done.stdout)
    assert found == {each.logical_id: each.environment for each in read_stack().functions}
    assert found["SubmitFunction"]["CODE_BUCKET"] == stack.aws.outputs["CodeBucketName"]


def test_an_unknown_stack_is_refused_by_name(stack: Stack, pipeline: Pipeline) -> None:
    stack.aws.router.intercept = describe_stacks(stack, "deployed-stack")
    with pytest.raises(InvalidRequest, match="--stack: got"):
        Pipeline.of_stack("no-such")


def test_a_problem_too_large_for_an_execution_goes_through_the_input_bucket(
    stack: Stack, pipeline: Pipeline, tmp_path: Path
) -> None:
    edges = [[i, (i + 1) % 10] for i in range(10)]
    labels = [f"{i}-{'x' * 30_000}" for i in range(10)]
    problem = {"type": "maxcut", "edges": edges, "node_labels": labels}
    execution = pipeline.start({"problem": problem, "algorithm": {"depth": 1}}, "large problem")
    for _ in pipeline.watch(execution, every_seconds=0.1):
        pass
    folder = pipeline.fetch(run_id_of(execution), tmp_path)
    prepared = json.loads((folder / "prepared.json").read_text())
    assert prepared["problem_uri"].startswith(f"s3://{stack.aws.outputs['InputBucketName']}/")
    assert json.loads((folder / "report.json").read_text())["solution"]["objective"] == 10


@pytest.mark.parametrize("name", ["/elsewhere", "../elsewhere", "a/../../../elsewhere"])
def test_an_object_whose_name_leads_elsewhere_is_not_fetched(
    stack: Stack, pipeline: Pipeline, tmp_path: Path, name: str
) -> None:
    stack.s3.put_object(Bucket=stack.bucket, Key=f"runs/strange/{name}", Body=b"")
    with pytest.raises(InvalidResult, match="key: got"):
        pipeline.fetch("strange", tmp_path / "results")
    assert list(tmp_path.rglob("elsewhere")) == []


def test_watching_tells_states_job_and_energy(
    stack: Stack, pipeline: Pipeline, request_data: dict[str, Any]
) -> None:
    pipeline.start(request_data, "another")  # its energies are not told, which end at -12
    ring = [[i, (i + 1) % 18, 10.0] for i in range(18)]
    slow = LONG | {"problem": {"type": "maxcut", "edges": ring}}
    execution = pipeline.start(slow, "watched")
    told = next(
        each
        for each in pipeline.watch(execution, every_seconds=0.02)
        # The status is looked at before the log: once more, if the job has begun in between.
        if each.logged.energy is not None and each.job_status == "RUNNING"
    )
    assert told.state in ("Wait", "Monitor", "IsFinished")
    found = told.logged
    assert found.evaluation is not None and found.evaluation >= 1
    assert found.energy is not None and found.energy < -13  # below any of the other
    assert found.phase is not None and found.phase.phase == "training"
    pipeline.stop(execution)
    assert pipeline.wait_for_end(execution, PATIENCE_SECONDS)


def test_a_queued_jobs_position_is_told(
    stack: Stack, pipeline: Pipeline, request_data: dict[str, Any]
) -> None:
    stack.aws.braket.queue_seconds = 3600
    try:
        execution = pipeline.start(request_data, "queued")
        for progress in pipeline.watch(execution, every_seconds=0.05):
            if progress.queue_position is not None:
                break
        assert progress.job_status == "QUEUED"
    finally:
        stack.aws.braket.queue_seconds = 0
    pipeline.stop(execution)
    assert pipeline.wait_for_end(execution, PATIENCE_SECONDS)


def test_a_stopped_run_is_told_as_stopped(
    stack: Stack, pipeline: Pipeline, request_data: dict[str, Any]
) -> None:
    execution = pipeline.start(request_data, "stopped")
    pipeline.stop(execution)
    with pytest.raises(RunStopped):
        list(pipeline.watch(execution, every_seconds=0.02))
    assert pipeline.wait_for_end(execution, PATIENCE_SECONDS)


def test_a_failed_run_raises_its_own_error(
    stack: Stack, pipeline: Pipeline, request_data: dict[str, Any]
) -> None:
    stack.once("GetJob", lambda params: stack.braket.cancel_job(jobArn=params["jobArn"]))
    with pytest.raises(JobFailed, match="CANCELLED"):
        list(pipeline.watch(pipeline.start(LONG, "failed"), every_seconds=0.05))


def test_samples_come_from_a_device_and_are_billed(
    stack: Stack, pipeline: Pipeline, request_data: dict[str, Any], tmp_path: Path
) -> None:
    square = {"type": "maxcut", "edges": [[0, 1], [1, 2], [2, 3], [3, 0]]}
    execution = pipeline.start(request_data | {"problem": square, "device": "sv1"}, "sv1")
    for _ in pipeline.watch(execution, every_seconds=0.1):
        pass
    folder = pipeline.fetch(run_id_of(execution), tmp_path)
    report = json.loads((folder / "report.json").read_text())
    assert report["device"]["name"] == "SV1"
    assert report["solution"]["objective"] == 4
    assert report["quality"]["mean_energy_by"] == "samples"
    billed = {item["what"]: item for item in report["cost"]["breakdown"]}
    assert billed["time on SV1, samples"]["quantity"] >= 3 / 60
    assert report["cost"]["actual_usd"] <= report["cost"]["estimated_usd"]
    tasks = stack.braket.search_quantum_tasks(filters=[])["quantumTasks"]
    assert any(task["deviceArn"].endswith("/sv1") for task in tasks)


def limit_files(size: int) -> None:
    """Let this process write no file larger than that: a disk that is full half-way."""
    _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))


def test_a_run_comes_whole_or_not_at_all_and_can_be_fetched_again(
    stack: Stack, pipeline: Pipeline, tmp_path: Path
) -> None:
    execution = pipeline.start(HYDROGEN, "whole")
    for _ in pipeline.watch(execution, every_seconds=0.1):
        pass
    run_id, before = run_id_of(execution), resource.getrlimit(resource.RLIMIT_FSIZE)[0]
    limit_files(20_000)
    try:
        with pytest.raises(OutputNotWritten, match=f"--output: {tmp_path}: File too large"):
            pipeline.fetch(run_id, tmp_path)
    finally:
        limit_files(before)
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "file").touch()
    with pytest.raises(OutputNotWritten, match="Not a directory"):
        pipeline.fetch(run_id, tmp_path / "file")
    for _ in range(2):
        folder = pipeline.fetch(run_id, tmp_path)
        assert (folder / "report.json").read_bytes() == pipeline.read(run_id, "report.json")
        assert {each.name for each in tmp_path.iterdir()} == {run_id, "file"}


def test_runs_of_a_stack_are_listed_shown_fetched_run_again_and_cancelled_by_their_names(
    stack: Stack, pipeline: Pipeline, request_data: dict[str, Any], tmp_path: Path
) -> None:
    stack.aws.router.intercept = describe_stacks(stack, "deployed-stack")

    def qpipe(*arguments: str, status: int = 0) -> str:
        done = CliRunner().invoke(main, [*arguments, "--stack", "deployed-stack"])
        assert done.exit_code == status, done.stderr
        return done.stdout if status == 0 else done.stderr

    execution = pipeline.start(request_data | {"owner": "ann"}, "listed")
    stack.ended(execution)
    run_id = run_id_of(execution)
    slow = run_id_of(pipeline.start(LONG | {"owner": "ann"}, "slow"))
    assert "it is RUNNING, and has none" in qpipe("show", slow, status=2)
    wait_for(lambda: stack.jobs(slow))
    qpipe("cancel", slow)
    assert "it is ABORTED" in qpipe("cancel", slow, status=2)
    wait_for(lambda: stack.remembered(slow) is not None)
    listed = json.loads(qpipe("list", "--json", "--owner", "ann"))
    assert [each["run_id"] for each in listed] == [slow, run_id]
    assert listed[1] == json.loads(qpipe("show", run_id, "--json")) == stack.remembered(run_id)
    assert qpipe("list", "--json", "--until", listed[1]["ended_at"], "--owner", "ann") == "[]\n"
    assert qpipe("list", "--json", "--study", "none") == "[]\n"
    forget(stack, run_id)  # as if it had ended before the stack had a catalogue
    assert json.loads(qpipe("list", "--json", "--read-in", "--owner", "ann")) == listed
    assert "iteration_number=1" in qpipe("logs", run_id)
    fetched = Path(qpipe("fetch", run_id, "--output", str(tmp_path)).strip())
    assert json.loads((fetched / "report.json").read_text()) == stack.record(run_id, "report.json")
    again = json.loads(
        qpipe("rerun", run_id, "--set", "algorithm.depth=2", "--json", "--output", str(tmp_path))
    )
    assert (again["algorithm"]["depth"], again["request"]["owner"]) == (2, "ann")
    assert {each["run_id"] for each in local_records(tmp_path)} == {run_id, again["run_id"]}
    for command in ("show", "fetch", "rerun", "cancel"):
        assert 'RUN: got "nobody"' in qpipe(command, "nobody", status=2)


def forget(stack: Stack, run_id: str) -> None:
    """Take a run out of the catalogue."""
    table = stack.aws.outputs["CatalogueTableName"]
    stack.dynamodb.delete_item(TableName=table, Key={"run_id": {"S": run_id}})
    assert stack.remembered(run_id) is None


def local_records(folder: Path) -> list[Any]:
    return [json.loads(line) for line in CatalogueFile(folder).newest_first()]


def test_a_stack_without_a_catalogue_is_refused_by_name(pipeline: Pipeline) -> None:
    older = {k: v for k, v in pipeline.outputs.items() if k != "CatalogueTableName"}
    with pytest.raises(InvalidRequest, match=r"--stack: .* deploy it again"):
        _ = Pipeline(older).catalogue
