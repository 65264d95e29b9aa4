"""Each function and job acts in its role of the template, and is refused all else as by AWS."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from quantum_pipeline.local.events import deliver
from quantum_pipeline.local.keys import Key
from tests.functions.stages import prepared
from tests.stack import Stack

ACCOUNT = "123456789012"
JOB = "JobRole"
Client = Callable[[str, str], Any]


@pytest.fixture
def client(stack: Stack) -> Iterator[Client]:
    """Makes a client of a service that acts in a role; what is refused here is meant to be."""

    def create(role: str, service: str) -> Any:
        arn = f"arn:aws:iam::{ACCOUNT}:role/quantum-pipeline-{role}"
        make: Any = boto3.client
        return make(
            service,
            endpoint_url=stack.aws.endpoint_url,
            region_name=stack.aws.region,
            config=Config(retries={"total_max_attempts": 1}),
            **stack.aws.keys.of(arn, "test").arguments(),
        )

    yield create
    stack.aws.authority.refused.clear()


def refused(call: Callable[..., object], **arguments: Any) -> tuple[str, str, int]:
    """Return code, message and status of a refusal."""
    with pytest.raises(ClientError) as caught:
        call(**arguments)
    answer = caught.value.response
    return (
        answer["Error"]["Code"],
        answer["Error"].get("Message", ""),
        answer["ResponseMetadata"]["HTTPStatusCode"],
    )


def says(role: str, action: str, resource: str) -> str:
    who = f"arn:aws:sts::{ACCOUNT}:assumed-role/quantum-pipeline-{role}/test"
    return (
        f"User: {who} is not authorized to perform: {action} on resource: {resource} "
        f"because no identity-based policy allows the {action} action"
    )


def test_each_service_refuses_in_its_own_form(stack: Stack, client: Client) -> None:
    """Names of role, action and resource as AWS has them."""
    role = "MonitorFunctionRole"
    put = client(role, "s3").put_object
    arn = f"arn:aws:s3:::{stack.bucket}/runs/r/end.json"
    assert refused(put, Bucket=stack.bucket, Key="runs/r/end.json") == (
        "AccessDenied",
        says(role, "s3:PutObject", f'"{arn}"'),
        403,
    )
    cancel = f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:quantum-pipeline-CancelFunction"
    topic = stack.aws.outputs["NotificationTopicArn"]
    machine = stack.aws.outputs["StateMachineArn"]
    table = stack.aws.outputs["CatalogueTableName"]
    job = f"arn:aws:braket:us-east-1:{ACCOUNT}:job/1"
    calls: list[tuple[str, str, dict[str, Any], str, str]] = [
        ("braket", "search_jobs", {"filters": []}, "braket:SearchJobs", "*"),
        ("braket", "get_job", {"jobArn": job}, "braket:GetJob", job),
        ("lambda", "invoke", {"FunctionName": cancel}, "lambda:InvokeFunction", cancel),
        ("stepfunctions", "list_executions", {"stateMachineArn": machine}, "states:ListExecutions",
         machine),
        ("dynamodb", "get_item", {"TableName": table, "Key": {"run_id": {"S": "r"}}},
         "dynamodb:GetItem", f"arn:aws:dynamodb:us-east-1:{ACCOUNT}:table/{table}"),
        ("logs", "describe_log_groups", {}, "logs:DescribeLogGroups",
         f"arn:aws:logs:us-east-1:{ACCOUNT}:log-group:*"),
    ]  # fmt: skip
    for service, method, arguments, action, resource in calls:
        code, message, status = refused(getattr(client(role, service), method), **arguments)
        assert (code, message) == ("AccessDeniedException", says(role, action, resource))
        assert status == (400 if service in ("stepfunctions", "logs", "dynamodb") else 403)
    assert refused(client(role, "sns").publish, TopicArn=topic, Message="m") == (
        "AuthorizationError",
        says(role, "sns:Publish", topic),
        403,
    )
    assert len(stack.aws.authority.refused) == 8


def test_s3_tells_that_a_key_is_missing_only_who_may_list(stack: Stack, client: Client) -> None:
    missing = {"Bucket": stack.bucket, "Key": "runs/none/prepared.json"}
    prepare = client("PrepareFunctionRole", "s3")
    assert refused(prepare.get_object, **missing)[0] == "NoSuchKey"
    assert refused(prepare.head_object, **missing)[2] == 404
    code = {"Bucket": stack.aws.outputs["CodeBucketName"], "Key": "source/none.tar.gz"}
    assert refused(client(JOB, "s3").get_object, **code)[0] == "AccessDenied"
    assert refused(client(JOB, "s3").head_object, **code)[2] == 403


def test_a_job_writes_its_result_and_no_report_and_no_end(stack: Stack, client: Client) -> None:
    s3 = client(JOB, "s3")
    for key in ("runs/w/job/1/output/model.tar.gz", "runs/w/checkpoints/journal.jsonl"):
        s3.put_object(Bucket=stack.bucket, Key=key, Body=b"")
    for key in (
        "runs/w/report.html",
        "runs/w/report.json",
        "runs/w/end.json",
        "runs/w/completed.json",
        "runs/w/job.json",
        "runs/w/prepared.json",
        "runs/w/staged/1/report.html",
        "sweep.json",
        "line/w",
    ):
        assert refused(s3.put_object, Bucket=stack.bucket, Key=key)[0] == "AccessDenied"
    for bucket in ("InputBucketName", "CodeBucketName"):
        asked = {"Bucket": stack.aws.outputs[bucket], "Key": "source/x.tar.gz"}
        assert refused(s3.put_object, **asked)[0] == "AccessDenied"
    with_key = {"Bucket": stack.bucket, "Key": "runs/w/checkpoints/journal.jsonl"}
    assert refused(s3.delete_object, **with_key)[0] == "AccessDenied"
    from_report = {"CopySource": {"Bucket": stack.bucket, "Key": "runs/w/report.html"}}
    assert refused(s3.copy_object, **with_key, **from_report)[0] == "AccessDenied"


def test_one_object_that_may_not_be_removed_keeps_all(stack: Stack, client: Client) -> None:
    s3 = client("PostProcessFunctionRole", "s3")
    staged, report = "runs/d/staged/1/report.html", "runs/d/report.html"
    for key in (staged, report):
        stack.s3.put_object(Bucket=stack.bucket, Key=key, Body=b"")
    objects = [{"Key": staged}, {"Key": report}]
    code = refused(s3.delete_objects, Bucket=stack.bucket, Delete={"Objects": objects})[0]
    assert code == "AccessDenied"
    assert stack.records("d") == {"staged/1/report.html", "report.html"}
    s3.delete_objects(Bucket=stack.bucket, Delete={"Objects": objects[:1]})
    assert stack.records("d") == {"report.html"}


def test_submit_creates_jobs_of_its_stack_with_the_jobs_role_alone(
    stack: Stack, client: Client, request_data: dict[str, Any]
) -> None:
    stack.aws.braket.queue_seconds = 3600
    asked = prepared(stack, "roles", request_data)
    arn = stack.invoke("Submit", asked)["job_arn"]
    known = stack.braket.get_job(jobArn=arn)
    names = ("algorithmSpecification", "deviceConfig", "instanceConfig", "outputDataConfig")
    job = {name: known[name] for name in (*names, "roleArn", "tags")}
    braket = client("SubmitFunctionRole", "braket")
    other = job["roleArn"].replace("JobRole", "CancelFunctionRole")
    for number, (change, action) in enumerate([
        ({"tags": {}}, "braket:CreateJob"),
        ({"tags": job["tags"] | {"quantum-pipeline:stack": "other"}}, "braket:CreateJob"),
        ({"roleArn": other}, "iam:PassRole"),
    ]):  # fmt: skip
        name = {"jobName": f"job-{number}", "clientToken": f"{number}" * 32}
        code, message, _ = refused(braket.create_job, **job | change | name)
        assert (code, action in message) == ("AccessDeniedException", True)
    stack.braket.untag_resource(resourceArn=arn, tagKeys=["quantum-pipeline:stack"])
    assert "braket:GetJob" in refused(braket.get_job, jobArn=arn)[1]
    assert "braket:CancelJob" in refused(braket.cancel_job, jobArn=arn)[1]
    stack.braket.cancel_job(jobArn=arn)
    stack.aws.braket.queue_seconds = 0


def test_a_session_token_belongs_to_its_key(stack: Stack) -> None:
    arn = f"arn:aws:iam::{ACCOUNT}:role/quantum-pipeline-PrepareFunctionRole"
    key = stack.aws.keys.of(arn, "test")
    make: Any = boto3.client
    where = {"endpoint_url": stack.aws.endpoint_url, "region_name": "us-east-1"}
    for token in ("", "x" * 64):
        wrong = Key(key.access_key_id, key.secret_access_key, token)
        s3 = make("s3", **where, **wrong.arguments())
        assert refused(s3.list_objects_v2, Bucket=stack.bucket)[0] == "InvalidToken"
    url = make("s3", **where, **key.arguments(), config=Config(signature_version="s3v4"))
    assert "X-Amz-Security-Token" in url.generate_presigned_url(
        "get_object", {"Bucket": stack.bucket, "Key": "runs/r/prepared.json"}
    )


def test_a_job_whose_role_does_not_trust_braket_fails_by_name(
    stack: Stack, request_data: dict[str, Any]
) -> None:
    asked = prepared(stack, "trust", request_data)
    arn = stack.invoke("Submit", asked)["job_arn"]
    stack.job_ended(arn)
    known = stack.braket.get_job(jobArn=arn)
    names = ("algorithmSpecification", "deviceConfig", "instanceConfig", "outputDataConfig")
    job = {name: known[name] for name in names}
    role = known["roleArn"].replace("JobRole", "CancelFunctionRole")
    name = {"jobName": "untrusted", "clientToken": "u" * 32, "roleArn": role}
    created = stack.braket.create_job(**job, **name)["jobArn"]
    assert stack.job_ended(created)["status"] == "FAILED"
    reason = stack.braket.get_job(jobArn=created)["failureReason"]
    assert "sts:AssumeRole" in reason
    stack.aws.authority.refused.clear()


def test_functions_know_no_other_key_than_their_roles(stack: Stack) -> None:
    for function in stack.aws.functions._functions.values():
        assert function.environment["AWS_ACCESS_KEY_ID"].startswith("ASIA")
    assert not {name for name in stack.aws.functions._variables if "KEY" in name}


def test_a_rule_that_a_function_does_not_let_invokes_nothing(
    stack: Stack, caplog: pytest.LogCaptureFixture
) -> None:
    events = stack.client("events")
    events.put_rule(Name="other", EventPattern=json.dumps({"source": ["aws.states"]}))
    arn = stack.aws.functions.find("quantum-pipeline-CancelFunction").arn
    events.put_targets(Rule="other", Targets=[{"Id": "1", "Arn": arn}])
    from moto.events.models import events_backends

    rule = events_backends[ACCOUNT]["us-east-1"].event_buses["default"].rules["other"]
    event: Any = {"source": "aws.states", "detail": {}}
    deliver(event, [rule], stack.aws.functions, stack.aws.authority)
    assert "may not be invoked by other" in caplog.text
    verdict = stack.aws.authority.refused[-1]
    assert (verdict.principal, verdict.asked.resource) == ("events.amazonaws.com", arn)
    stack.aws.authority.refused.clear()
    events.remove_targets(Rule="other", Ids=["1"])
    events.delete_rule(Name="other")
