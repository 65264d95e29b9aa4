"""Delete a stack with everything in it: running jobs, the contents of buckets, the stack itself.

The order is what makes it safe: executions are stopped first, those of studies before the runs that
they start, so that none goes on to submit a job;
jobs are cancelled next and waited for, since a job writes to its bucket until it has ended; then
the buckets are emptied of every version, and CloudFormation can delete them with all the rest.

A Submit function that is running when its execution is stopped runs on, and may yet create a job.
Where an execution was stopped, jobs are therefore looked for until none can come any more.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

import boto3
import click
from botocore.exceptions import BotoCoreError, ClientError, WaiterError

STACK_TAG = "quantum-pipeline:stack"
MACHINES = ("StudyMachineArn", "StateMachineArn")
BUCKETS = ("InputBucketName", "OutputBucketName", "CodeBucketName")
JOB_SECONDS = 900  # how long the jobs may take to end
POLL_SECONDS = 5
SUBMIT_SECONDS = 60  # the time-out of SubmitFunction in template.yaml
LATE_JOB_SECONDS = SUBMIT_SECONDS + 30  # with its start, and the time until a job can be found

Client = Callable[[str], Any]
Say = Callable[[str], None]


def delete_stack(
    name: str, client: Client, say: Say, sleep: Callable[[float], None] = time.sleep
) -> None:
    """Delete a stack with what it holds.

    Args:
        client: makes the boto3 client of a service.
        say: called with a line for each thing done.

    Raises:
        LookupError: there is no such stack, or it is not one of this application.
        TimeoutError: the jobs did not end in time; the stack is left as it is.
    """
    outputs = _outputs(client("cloudformation"), name)
    machines = [outputs[each] for each in MACHINES if each in outputs]
    stopped = sum(_stop_executions(client("stepfunctions"), each, say) for each in machines)
    _cancel_jobs(client("braket"), name, LATE_JOB_SECONDS if stopped else 0, say, sleep)
    buckets = [outputs[output] for output in BUCKETS]
    try:
        _empty_and_delete(name, buckets, client, say)
    except WaiterError:  # a stopped run's last record can come after its bucket was emptied
        _empty_and_delete(name, buckets, client, say)
    say(f"Deleted stack {name}")


def _outputs(cloudformation: Any, name: str) -> dict[str, str]:
    try:
        [stack] = cloudformation.describe_stacks(StackName=name)["Stacks"]
    except ClientError as error:
        if error.response["Error"]["Code"] != "ValidationError":
            raise
        raise LookupError(f"there is no stack {name} in this account and region") from error
    outputs = {each["OutputKey"]: each["OutputValue"] for each in stack.get("Outputs", [])}
    if missing := {"StateMachineArn", *BUCKETS} - outputs.keys():
        raise LookupError(f"stack {name} is not one of this application: no {sorted(missing)}")
    return outputs


def _stop_executions(stepfunctions: Any, state_machine_arn: str, say: Say) -> int:
    """Stop what is running; return how many executions that were."""
    pages = stepfunctions.get_paginator("list_executions").paginate(
        stateMachineArn=state_machine_arn, statusFilter="RUNNING"
    )
    running = [each for page in pages for each in page["executions"]]
    for execution in running:
        stepfunctions.stop_execution(
            executionArn=execution["executionArn"],
            error="StackDeleted",
            cause="the stack is being deleted",
        )
        say(f"Stopped execution {execution['name']}")
    return len(running)


def _cancel_jobs(
    braket: Any, stack: str, look_seconds: int, say: Say, sleep: Callable[[float], None]
) -> None:
    """Cancel the stack's jobs, those too that come within ``look_seconds``, and await their end."""
    if look_seconds:
        say(f"Looking for jobs for {look_seconds} s: a stopped execution may be submitting one")
    waited = 0
    cancelled: set[str] = set()
    while (running := list(_running_jobs(braket, stack))) or waited < look_seconds:
        if running and waited >= JOB_SECONDS:
            raise TimeoutError(f"jobs still running after {JOB_SECONDS} s: {', '.join(running)}")
        for arn in running:
            if arn not in cancelled:
                _cancel(braket, arn)
                cancelled.add(arn)
                say(f"Cancelled job {arn}")
        sleep(POLL_SECONDS)
        waited += POLL_SECONDS


def _cancel(braket: Any, arn: str) -> None:
    try:
        braket.cancel_job(jobArn=arn)
    except ClientError as error:
        if error.response["Error"]["Code"] != "ConflictException":  # it has ended meanwhile
            raise


def _running_jobs(braket: Any, stack: str) -> Iterator[str]:
    for page in braket.get_paginator("search_jobs").paginate(filters=[]):
        for job in page["jobs"]:
            ours = job.get("tags", {}).get(STACK_TAG) == stack
            if ours and job["status"] not in ("COMPLETED", "FAILED", "CANCELLED"):
                yield job["jobArn"]


def _empty_and_delete(name: str, buckets: list[str], client: Client, say: Say) -> None:
    for bucket in buckets:
        _empty(client("s3"), bucket, say)
    say(f"Deleting stack {name} ...")
    client("cloudformation").delete_stack(StackName=name)
    client("cloudformation").get_waiter("stack_delete_complete").wait(StackName=name)


def _empty(s3: Any, bucket: str, say: Say) -> None:
    count = 0
    if not _exists(s3, bucket):
        return  # deleted by an earlier try
    for page in s3.get_paginator("list_object_versions").paginate(Bucket=bucket):
        versions = page.get("Versions", []) + page.get("DeleteMarkers", [])
        if versions:
            objects = [{"Key": each["Key"], "VersionId": each["VersionId"]} for each in versions]
            answer = s3.delete_objects(Bucket=bucket, Delete={"Objects": objects, "Quiet": True})
            if errors := answer.get("Errors"):
                raise RuntimeError(f"{bucket}: {errors[0]['Key']}: {errors[0]['Message']}")
            count += len(objects)
    say(f"Emptied bucket {bucket} of {count} object versions")


def _exists(s3: Any, bucket: str) -> bool:
    try:
        s3.head_bucket(Bucket=bucket)
    except ClientError as error:
        if error.response["Error"]["Code"] != "404":
            raise
        return False
    return True


@click.command()
@click.argument("stack")
@click.option("--yes", is_flag=True, help="Do not ask.")
def main(stack: str, yes: bool) -> None:
    """Cancel the jobs of STACK, empty its buckets and remove it."""
    if not yes:
        click.confirm(f"Delete stack {stack} with all its results?", abort=True)
    try:
        delete_stack(stack, boto3.client, click.echo)  # type: ignore[arg-type]
    except (LookupError, TimeoutError, RuntimeError, ClientError, BotoCoreError) as error:
        sys.exit(f"Error: {' '.join(str(error).split())}")


if __name__ == "__main__":
    main()
