"""What calls of boto3 need to be allowed, as AWS's reference of actions has it."""

from __future__ import annotations

import io
from collections.abc import Mapping
from functools import cache
from typing import Any
from urllib.parse import unquote, urlsplit

import boto3
import pytest
from botocore.awsrequest import AWSRequest

from quantum_pipeline.local.iam import operations
from quantum_pipeline.local.iam.policies import Asked
from quantum_pipeline.local.iam.requests import asked_of

ACCOUNT = "123456789012"
JOB = f"arn:aws:braket:us-east-1:{ACCOUNT}:job/1"
TASK = f"arn:aws:braket:us-east-1:{ACCOUNT}:quantum-task/1"
SV1 = "arn:aws:braket:::device/quantum-simulator/amazon/sv1"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/jobs"
KEY = "runs/é a+b/x.json"
TAGS = {"a": "1"}
MACHINE = f"arn:aws:states:us-east-1:{ACCOUNT}:stateMachine:m"
TABLE = f"arn:aws:dynamodb:us-east-1:{ACCOUNT}:table/t"
ITEM = {"run_id": {"S": "r1"}}
LOGS = f"arn:aws:logs:us-east-1:{ACCOUNT}:log-group:/aws/braket/jobs"

CALLS: list[tuple[str, str, dict[str, Any], list[tuple[str, str]]]] = [
    ("s3", "get_object", {"Key": KEY}, [("s3:GetObject", KEY)]),
    ("s3", "get_object", {"Key": "k", "VersionId": "v"}, [("s3:GetObjectVersion", "k")]),
    ("s3", "head_object", {"Key": KEY}, [("s3:GetObject", KEY)]),
    ("s3", "put_object", {"Key": KEY, "Body": b"{x", "IfNoneMatch": "*"}, [("s3:PutObject", KEY)]),
    ("s3", "put_object", {"Key": "a//b/", "IfMatch": '"e"'}, [("s3:PutObject", "a//b/")]),
    ("s3", "delete_object", {"Key": "k"}, [("s3:DeleteObject", "k")]),
    (
        "s3",
        "delete_objects",
        {"Delete": {"Objects": [{"Key": "a"}, {"Key": "<b> c", "VersionId": "v"}]}},
        [("s3:DeleteObject", "a"), ("s3:DeleteObjectVersion", "<b> c")],
    ),
    (
        "s3",
        "copy_object",
        {"Key": "to", "CopySource": {"Bucket": "from", "Key": "a b"}},
        [("s3:PutObject", "to"), ("s3:GetObject", "arn:aws:s3:::from/a b")],
    ),
    ("s3", "list_objects_v2", {"Prefix": "runs/"}, [("s3:ListBucket", "")]),
    ("s3", "list_objects", {}, [("s3:ListBucket", "")]),
    ("s3", "head_bucket", {}, [("s3:ListBucket", "")]),
    ("s3", "get_bucket_location", {}, [("s3:GetBucketLocation", "")]),
    ("s3", "create_multipart_upload", {"Key": "k"}, [("s3:PutObject", "k")]),
    ("s3", "upload_part", {"Key": "k", "UploadId": "u", "PartNumber": 1}, [("s3:PutObject", "k")]),
    ("s3", "put_object_tagging", {"Key": "k", "Tagging": {"TagSet": []}},
     [("s3:PutObjectTagging", "k")]),
    ("s3", "list_object_versions", {}, [("s3:ListBucketVersions", "")]),
    ("braket", "get_job", {"jobArn": JOB}, [("braket:GetJob", JOB)]),
    ("braket", "cancel_job", {"jobArn": JOB}, [("braket:CancelJob", JOB)]),
    ("braket", "search_jobs", {"filters": []}, [("braket:SearchJobs", "*")]),
    ("braket", "search_quantum_tasks", {"filters": []}, [("braket:SearchQuantumTasks", "*")]),
    ("braket", "get_device", {"deviceArn": SV1}, [("braket:GetDevice", SV1)]),
    ("braket", "cancel_quantum_task", {"quantumTaskArn": TASK, "clientToken": "t"},
     [("braket:CancelQuantumTask", TASK)]),
    (
        "braket",
        "create_quantum_task",
        {"action": "{}", "clientToken": "t", "deviceArn": SV1, "shots": 1, "tags": TAGS,
         "outputS3Bucket": "bucket", "outputS3KeyPrefix": "p"},
        [("braket:CreateQuantumTask", SV1), ("braket:TagResource", TASK[:-1] + "*")],
    ),
    (
        "braket",
        "create_job",
        {"jobName": "j", "clientToken": "t", "roleArn": ROLE, "algorithmSpecification": {},
         "outputDataConfig": {"s3Path": "s3://b"}, "deviceConfig": {"device": "local:a/b"},
         "instanceConfig": {"instanceType": "ml.m5.large", "volumeSizeInGb": 1}, "tags": TAGS},
        [("braket:CreateJob", "*"), ("braket:TagResource", JOB[:-1] + "*"), ("iam:PassRole", ROLE)],
    ),
    ("braket", "tag_resource", {"resourceArn": JOB, "tags": TAGS}, [("braket:TagResource", JOB)]),
    ("lambda", "invoke", {"FunctionName": "f"},
     [("lambda:InvokeFunction", f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:f")]),
    ("lambda", "list_functions", {}, [("lambda:ListFunctions", "*")]),
    ("stepfunctions", "list_executions", {"stateMachineArn": MACHINE},
     [("states:ListExecutions", MACHINE)]),
    ("stepfunctions", "describe_execution", {"executionArn": "arn:e"},
     [("states:DescribeExecution", "arn:e")]),
    ("sns", "publish", {"TopicArn": "arn:t", "Message": "m"}, [("sns:Publish", "arn:t")]),
    ("sqs", "send_message", {"QueueUrl": f"http://x/{ACCOUNT}/q", "MessageBody": "m"},
     [("sqs:SendMessage", f"arn:aws:sqs:us-east-1:{ACCOUNT}:q")]),
    ("logs", "create_log_group", {"logGroupName": "/aws/braket/jobs"},
     [("logs:CreateLogGroup", LOGS)]),
    ("logs", "put_log_events",
     {"logGroupName": "/aws/braket/jobs", "logStreamName": "s",
      "logEvents": [{"timestamp": 1, "message": "m"}]},
     [("logs:PutLogEvents", f"{LOGS}:log-stream:s")]),
    ("logs", "filter_log_events", {"logGroupName": "/aws/braket/jobs"},
     [("logs:FilterLogEvents", f"{LOGS}:log-stream:")]),
    ("cloudformation", "describe_stacks", {"StackName": "s"},
     [("cloudformation:DescribeStacks",
       f"arn:aws:cloudformation:us-east-1:{ACCOUNT}:stack/s/*")]),
    ("cloudwatch", "put_metric_data", {"Namespace": "n", "MetricData": []},
     [("cloudwatch:PutMetricData", "*")]),
    ("dynamodb", "put_item", {"TableName": "t", "Item": ITEM}, [("dynamodb:PutItem", TABLE)]),
    ("dynamodb", "get_item", {"TableName": TABLE, "Key": ITEM}, [("dynamodb:GetItem", TABLE)]),
    ("dynamodb", "query", {"TableName": "t", "IndexName": "idx", "KeyConditionExpression": "a = b"},
     [("dynamodb:Query", f"{TABLE}/index/idx")]),
    ("dynamodb", "batch_get_item", {"RequestItems": {"t": {"Keys": [ITEM]}}},
     [("dynamodb:BatchGetItem", TABLE)]),
    ("dynamodb", "transact_write_items",
     {"TransactItems": [{"Put": {"TableName": "t", "Item": ITEM}},
                        {"ConditionCheck": {"TableName": "u", "Key": ITEM,
                                            "ConditionExpression": "a = b"}}]},
     [("dynamodb:PutItem", TABLE), ("dynamodb:ConditionCheck", f"{TABLE[:-1]}u")]),
    ("dynamodb", "list_tables", {}, [("dynamodb:ListTables", "*")]),
    ("iam", "list_roles", {}, [("iam:ListRoles", "*")]),
    ("sts", "get_caller_identity", {}, []),
]  # fmt: skip


@pytest.fixture(scope="module")
def session() -> Any:
    return boto3.Session("k", "s", region_name="us-east-1")


def environ_of(request: Any) -> dict[str, Any]:
    """Return a request as a WSGI server hands it on."""
    url = urlsplit(request.url)
    body = request.body or b""
    body = (
        body if isinstance(body, bytes) else body.read() if hasattr(body, "read") else body.encode()
    )
    headers = {
        f"HTTP_{name.upper().replace('-', '_')}": value
        if isinstance(value, str)
        else value.decode()
        for name, value in request.headers.items()
    }
    return headers | {
        "REQUEST_METHOD": request.method,
        "PATH_INFO": unquote(url.path).encode().decode("latin-1"),
        "QUERY_STRING": url.query,
        "CONTENT_TYPE": headers.get("HTTP_CONTENT_TYPE", ""),
        "CONTENT_LENGTH": str(len(body)),
        "HTTP_HOST": url.netloc,
        "wsgi.input": io.BytesIO(body),
    }


@cache
def sender(session: Any, service: str, endpoint: str) -> Any:
    """Return a client that raises the requests that it would send."""
    client = session.client(service, endpoint_url=endpoint)

    def send(request: Any, **_: Any) -> None:
        raise _Sent(request)

    client.meta.events.register("before-send", send)
    return client


def asked_by(
    session: Any, service: str, method: str, arguments: Mapping[str, Any], endpoint: str
) -> list[Asked]:
    """Return what a call needs, from the request that boto3 would send."""
    client = sender(session, service, endpoint)
    with pytest.raises(_Sent) as sent:
        getattr(client, method)(**arguments)
    model = client.meta.service_model
    operation = operations.read(environ_of(sent.value.args[0]), model.signing_name, "us-east-1")
    return asked_of(operation, ACCOUNT, lambda arn: {"Stack": "s"} if arn == JOB else {})


class _Sent(Exception):
    """Stands for a request on its way."""


def with_bucket(service: str, arguments: dict[str, Any]) -> dict[str, Any]:
    return {"Bucket": "bucket"} | arguments if service == "s3" else arguments


@pytest.mark.parametrize(("service", "method", "arguments", "needed"), CALLS)
def test_a_call_needs_what_the_reference_says(
    session: Any,
    service: str,
    method: str,
    arguments: dict[str, Any],
    needed: list[tuple[str, str]],
) -> None:
    found = asked_by(
        session, service, method, with_bucket(service, arguments), "http://127.0.0.1:1"
    )

    def arn(resource: str) -> str:
        if service != "s3" or resource.startswith("arn:"):
            return resource
        return f"arn:aws:s3:::bucket/{resource}" if resource else "arn:aws:s3:::bucket"

    assert [(each.action, each.resource) for each in found] == [
        (action, arn(resource)) for action, resource in needed
    ]


def test_a_bucket_that_the_host_names_is_no_other(session: Any) -> None:
    client = session.client("s3", endpoint_url="http://b.localhost:1")
    request = client.generate_presigned_url("get_object", {"Bucket": "runs", "Key": "k"})
    environ = environ_of(AWSRequest("GET", request).prepare())
    operation = operations.read(environ, "s3", "us-east-1")
    [asked] = asked_of(operation, ACCOUNT, lambda _: {})
    assert asked.resource == "arn:aws:s3:::b/runs/k"


def test_conditions_are_asked_with_the_tags_of_request_and_resource(session: Any) -> None:
    calls = {(service, method): arguments for service, method, arguments, _ in CALLS}
    where = "http://127.0.0.1:1"
    created = asked_by(session, "braket", "create_job", calls["braket", "create_job"], where)
    assert created[0].context["aws:requesttag/a"] == ("1",)
    assert created[1].context["aws:tagkeys"] == ("a",)
    assert created[2].context["iam:passedtoservice"] == ("braket.amazonaws.com",)
    [looked] = asked_by(session, "braket", "get_job", {"jobArn": JOB}, where)
    assert looked.context["aws:resourcetag/stack"] == ("s",)
    assert looked.context["aws:requestedregion"] == ("us-east-1",)
    put = {"TableName": "t", "Item": ITEM, "ReturnValues": "NONE"}
    [asked] = asked_by(session, "dynamodb", "put_item", put, where)
    assert asked.context["dynamodb:attributes"] == ("run_id",)
    assert asked.context["dynamodb:returnvalues"] == ("NONE",)
    listed = {"Bucket": "bucket", "Prefix": "runs/"}
    [asked] = asked_by(session, "s3", "list_objects_v2", listed, where)
    assert asked.context["s3:prefix"] == ("runs/",)
