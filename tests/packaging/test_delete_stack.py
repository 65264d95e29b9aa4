"""`make delete`: S3 and Step Functions are moto's; Braket is a stub; CloudFormation a stand-in."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError, WaiterError
from botocore.stub import Stubber
from click.testing import CliRunner
from moto import mock_aws

from scripts import delete_stack as script
from scripts.delete_stack import delete_stack
from tests.waiting import wait_for

STACK = "Pipeline"
MACHINE = "arn:aws:states:us-east-1:123456789012:stateMachine:machine"
JOB = "arn:aws:braket:us-east-1:123456789012:job/11111111-2222-3333-4444-555555555555"
BUCKETS = {
    "Input": "amazon-braket-input-1",
    "Output": "amazon-braket-output-1",
    "Code": "amazon-braket-code-1",
}
WAIT = {"StartAt": "W", "States": {"W": {"Type": "Wait", "Seconds": 3600, "End": True}}}


class Aws:
    """Clients on moto, one a service; Braket's checks each request against its service model."""

    def __init__(self) -> None:
        self.clients: dict[str, Any] = {}
        self.braket = Stubber(self("braket"))
        self.said: list[str] = []

    def __call__(self, service: str) -> Any:
        if service not in self.clients:
            create: Any = boto3.client
            self.clients[service] = create(service, region_name="us-east-1")
        return self.clients[service]

    def expect_search(self, *jobs: tuple[str, str, str]) -> None:
        self.braket.add_response(
            "search_jobs",
            {
                "jobs": [
                    {
                        "jobArn": arn,
                        "status": status,
                        "tags": {"quantum-pipeline:stack": stack},
                        "createdAt": "2026-08-21T00:00:00Z",
                        "device": "local:quantum-pipeline/statevector",
                        "jobName": "job",
                    }
                    for arn, status, stack in jobs
                ]
            },
            {"filters": []},
        )

    def expect_cancel(self, arn: str) -> None:
        self.braket.add_response(
            "cancel_job", {"jobArn": arn, "cancellationStatus": "CANCELLING"}, {"jobArn": arn}
        )

    def create_machine(self, name: str) -> str:
        return str(
            self("stepfunctions").create_state_machine(
                name=name,
                definition=json.dumps(WAIT),
                roleArn="arn:aws:iam::123456789012:role/states",
            )["stateMachineArn"]
        )

    def start_execution(self, name: str, machine: str = MACHINE) -> None:
        arn = self("stepfunctions").start_execution(stateMachineArn=machine, name=name)[
            "executionArn"
        ]
        # moto's engine cannot stop what it has not begun.
        wait_for(lambda: self("stepfunctions").get_execution_history(executionArn=arn)["events"])

    def delete(self) -> float:
        """Delete the stack; return how long that would have taken in sleep."""
        slept: list[float] = []
        with self.braket:
            delete_stack(STACK, self, self.said.append, sleep=slept.append)
            self.braket.assert_no_pending_responses()
        return sum(slept)


class CloudFormation:
    """One stack of buckets; like the real one, it deletes no bucket with anything in it."""

    def __init__(self, aws: Aws, outputs: dict[str, str]) -> None:
        self.aws = aws
        self.outputs = outputs
        self.buckets = list(BUCKETS.values())
        self.deletions = 0
        self.before_deletion: list[Callable[[], Any]] = []

    def describe_stacks(self, StackName: str) -> Any:  # noqa: N803
        if StackName != STACK:
            error: Any = {"Code": "ValidationError", "Message": f"Stack {StackName} does not exist"}
            raise ClientError({"Error": error}, "DescribeStacks")
        outputs = [{"OutputKey": key, "OutputValue": value} for key, value in self.outputs.items()]
        return {"Stacks": [{"StackName": STACK, "Outputs": outputs}]}

    def delete_stack(self, StackName: str) -> None:  # noqa: N803
        self.deletions += 1
        while self.before_deletion:
            self.before_deletion.pop()()

    def get_waiter(self, name: str) -> CloudFormation:
        assert name == "stack_delete_complete"
        return self

    def wait(self, StackName: str) -> None:  # noqa: N803
        for bucket in list(self.buckets):
            try:
                self.aws("s3").delete_bucket(Bucket=bucket)
            except ClientError as error:
                raise WaiterError("stack_delete_complete", str(error), {}) from error
            self.buckets.remove(bucket)


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[Aws]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    with mock_aws():
        aws = Aws()
        for bucket in BUCKETS.values():
            aws("s3").create_bucket(Bucket=bucket)
            aws("s3").put_bucket_versioning(
                Bucket=bucket, VersioningConfiguration={"Status": "Enabled"}
            )
        assert aws.create_machine("machine") == MACHINE
        outputs = {f"{name}BucketName": bucket for name, bucket in BUCKETS.items()}
        outputs["StateMachineArn"] = MACHINE
        aws.clients["cloudformation"] = CloudFormation(aws, outputs)
        yield aws


def test_buckets_go_with_all_versions_and_delete_markers(aws: Aws) -> None:
    for _ in range(2):
        aws("s3").put_object(Bucket=BUCKETS["Output"], Key="runs/r/report.json", Body=b"{}")
    aws("s3").delete_object(Bucket=BUCKETS["Output"], Key="runs/r/report.json")
    aws.expect_search()
    aws.delete()
    assert f"Emptied bucket {BUCKETS['Output']} of 3 object versions" in aws.said
    assert aws("s3").list_buckets()["Buckets"] == []


def test_running_jobs_of_the_stack_are_cancelled_and_waited_for(aws: Aws) -> None:
    others, ended = JOB[:-1] + "6", JOB[:-1] + "7"
    rest = [(others, "RUNNING", "Other"), (ended, "COMPLETED", STACK)]
    aws.expect_search((JOB, "RUNNING", STACK), *rest)
    aws.expect_cancel(JOB)
    aws.expect_search((JOB, "CANCELLING", STACK), *rest)
    aws.expect_search((JOB, "CANCELLED", STACK), *rest)
    aws.delete()
    assert [line for line in aws.said if "job" in line] == [f"Cancelled job {JOB}"]


LOOKS = script.LATE_JOB_SECONDS // script.POLL_SECONDS


def test_studies_are_stopped_before_the_runs_that_they_start(aws: Aws) -> None:
    studies = aws.create_machine("studies")
    aws.clients["cloudformation"].outputs["StudyMachineArn"] = studies
    aws.start_execution("r1")
    aws.start_execution("angles", studies)
    for _ in range(LOOKS + 1):
        aws.expect_search()
    aws.delete()
    assert aws.said[:2] == ["Stopped execution angles", "Stopped execution r1"]


def test_running_executions_are_stopped_before_jobs_are_looked_for(aws: Aws) -> None:
    states = aws("stepfunctions")
    aws.start_execution("r1")
    for _ in range(LOOKS + 1):
        aws.expect_search()
    seen: list[str] = []
    states.meta.events.register("before-call", lambda model, **_: seen.append(model.name))
    aws("braket").meta.events.register(
        "before-parameter-build", lambda model, **_: seen.append(model.name)
    )
    aws.delete()
    assert "Stopped execution r1" in aws.said
    assert seen.index("StopExecution") < seen.index("SearchJobs")


def test_a_job_that_a_stopped_execution_was_submitting_is_cancelled(aws: Aws) -> None:
    aws.start_execution("r1")
    for _ in range(LOOKS):
        aws.expect_search()
    aws.expect_search((JOB, "QUEUED", STACK))  # at the last look of all
    aws.expect_cancel(JOB)
    aws.expect_search((JOB, "CANCELLED", STACK))
    aws.delete()
    assert f"Cancelled job {JOB}" in aws.said
    assert aws("cloudformation").deletions == 1


def test_jobs_are_looked_for_longer_than_submit_can_run(aws: Aws, template: Any) -> None:
    for_all = template["Globals"]["Function"]["Timeout"]
    submit = template["Resources"]["SubmitFunction"]["Properties"]
    assert submit.get("Timeout", for_all) == script.SUBMIT_SECONDS
    aws.start_execution("r1")
    for _ in range(LOOKS + 1):
        aws.expect_search()
    assert aws.delete() > script.SUBMIT_SECONDS


def test_nothing_is_waited_for_where_nothing_ran(aws: Aws) -> None:
    aws.expect_search()
    assert aws.delete() == 0


def test_a_job_that_ends_while_it_is_cancelled_is_no_error(aws: Aws) -> None:
    aws.expect_search((JOB, "RUNNING", STACK))
    aws.braket.add_client_error("cancel_job", "ConflictException", expected_params={"jobArn": JOB})
    aws.expect_search((JOB, "COMPLETED", STACK))
    aws.delete()
    assert aws("cloudformation").deletions == 1


def test_nothing_is_deleted_while_a_job_does_not_end(
    aws: Aws, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("scripts.delete_stack.JOB_SECONDS", 5)
    aws.expect_search((JOB, "RUNNING", STACK))
    aws.expect_cancel(JOB)
    aws.expect_search((JOB, "CANCELLING", STACK))
    with pytest.raises(TimeoutError, match=JOB):
        aws.delete()
    assert aws("cloudformation").deletions == 0


def test_unknown_stack_is_named(aws: Aws) -> None:
    with pytest.raises(LookupError, match="no stack Nowhere"):
        delete_stack("Nowhere", aws, aws.said.append)


def test_stack_of_another_application_is_left_alone(aws: Aws) -> None:
    del aws("cloudformation").outputs["OutputBucketName"]
    with pytest.raises(LookupError, match="not one of this application"):
        aws.delete()
    assert aws("cloudformation").deletions == 0


def test_a_record_written_after_the_buckets_were_emptied_holds_nothing_up(aws: Aws) -> None:
    def late_record() -> None:
        aws("s3").put_object(Bucket=BUCKETS["Output"], Key="runs/r/cancelled.json")

    aws("cloudformation").before_deletion.append(late_record)
    aws.expect_search()
    aws.delete()
    assert aws("s3").list_buckets()["Buckets"] == []
    assert aws("cloudformation").deletions == 2


def test_a_refusal_of_aws_is_one_line(aws: Aws, monkeypatch: pytest.MonkeyPatch) -> None:
    create: Any = boto3.client
    refusing = Stubber(create("cloudformation", region_name="us-east-1"))
    refusing.add_client_error("describe_stacks", "AccessDenied", "not allowed")
    aws.clients["cloudformation"] = refusing.client
    monkeypatch.setattr("boto3.client", aws)
    with refusing:
        done = CliRunner().invoke(script.main, [STACK, "--yes"])
    assert done.exit_code == 1
    assert done.output.startswith("Error: ")
    assert "AccessDenied" in done.output
    assert done.output.count("\n") == 1


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        ({}, "Error: You must specify a region."),
        ({"AWS_DEFAULT_REGION": "us-east-1"}, "Error: Unable to locate credentials"),
    ],
)
def test_missing_settings_are_one_line(
    settings: dict[str, str], reason: str, tmp_path: Path
) -> None:
    bare = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    bare |= {"HOME": str(tmp_path), "AWS_EC2_METADATA_DISABLED": "true"}
    done = subprocess.run(
        [sys.executable, script.__file__, STACK, "--yes"],
        capture_output=True, text=True, check=False, env=bare | settings,
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.strip() == reason
