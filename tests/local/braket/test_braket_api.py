"""Each operation as any client of AWS sees it, with its refusals."""

from __future__ import annotations

import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from quantum_pipeline.local.braket import BraketError, BraketService, Job, protocol
from tests.local.braket.server import BUCKET, Server, events

Make = Callable[..., dict[str, Any]]

SV1 = "arn:aws:braket:::device/quantum-simulator/amazon/sv1"
QPU = "arn:aws:braket:us-east-1::device/qpu/ionq/Forte-1"
NO_JOB = "arn:aws:braket:us-east-1:123456789012:job/none"
NO_TASK = "arn:aws:braket:us-east-1:123456789012:quantum-task/none"
NO_LIMIT = "arn:aws:braket:us-east-1:123456789012:spending-limit/none"
DAY = 86_400
INSTANCE = {"instanceType": "ml.m5.large", "volumeSizeInGb": 1}


class Clock:
    """A clock that stands until it is set."""

    def __init__(self) -> None:
        self.now = 1_790_000_000.0

    def __call__(self) -> float:
        return self.now


def idle(job: Job) -> None:
    """Leave every job in the queue."""


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def braket(server: Server, clock: Clock) -> Iterator[Any]:
    """A client of a service that checks, keeps and tells, and runs nothing."""
    server.service = BraketService(
        server.environment, server.work_folder, clock=clock, runner=idle, concurrent_jobs=200
    )
    yield boto3.Session("testing", "testing", region_name="us-east-1").client(
        "braket",
        endpoint_url=server.environment()["AWS_ENDPOINT_URL"],
        # What the client would refuse by itself must reach the service.
        config=Config(parameter_validation=False, retries={"total_max_attempts": 1}),
    )
    server.service.close()


def refusal(call: Callable[..., Any], **params: Any) -> tuple[str, int, str]:
    with pytest.raises(ClientError) as caught:
        call(**params)
    answer = caught.value.response
    status = answer["ResponseMetadata"]["HTTPStatusCode"]
    return answer["Error"]["Code"], status, answer["Error"]["Message"]


def test_every_operation_of_the_service_model_is_served(server: Server, braket: Any) -> None:
    handlers = server.service._handlers
    assert set(handlers) == protocol.operations()


def test_the_same_request_again_gives_the_same_job(braket: Any, job_request: Make) -> None:
    request = job_request()
    assert braket.create_job(**request)["jobArn"] == braket.create_job(**request)["jobArn"]
    assert len(braket.search_jobs(filters=[])["jobs"]) == 1


def test_a_token_is_not_for_two_requests(braket: Any, job_request: Make) -> None:
    braket.create_job(**job_request())
    code, status, message = refusal(braket.create_job, **job_request(tags={"another": "request"}))
    assert (code, status) == ("ConflictException", 409)
    assert "clientToken" in message


def test_a_name_is_not_for_two_jobs(braket: Any, job_request: Make) -> None:
    braket.create_job(**job_request())
    code, _, message = refusal(braket.create_job, **job_request(clientToken="another"))
    assert (code, message) == ("ConflictException", "jobName: a job 'job' exists already")


def test_the_quota_counts_jobs_that_have_not_ended(
    server: Server, clock: Clock, job_request: Make
) -> None:
    server.service = BraketService(
        server.environment, server.work_folder, clock=clock, runner=idle, concurrent_jobs=2
    )
    client = server.client("braket")
    first = client.create_job(**job_request(name="a"))["jobArn"]
    client.create_job(**job_request(name="b"))
    code, status, _ = refusal(client.create_job, **job_request(name="c"))
    assert (code, status) == ("ServiceQuotaExceededException", 402)
    # The name and token of a refused job are free again.
    server.service._jobs.find(first).record("FAILED", reason="x")
    client.create_job(**job_request(name="c"))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"jobName": "under_score"}, "jobName: 'under_score' does not match"),
        ({"jobName": "a" * 51}, "jobName: "),
        ({"jobName": 7}, "Invalid type for parameter jobName"),
        ({"clientToken": "t" * 65}, "clientToken: "),
        ({"roleArn": "arn:aws:iam::1:role/x"}, "roleArn: "),
        ({"instanceConfig": {"instanceType": "ml.m5.large"}}, "volumeSizeInGb"),
        ({"instanceConfig": {"instanceType": "t2.nano", "volumeSizeInGb": 1}}, "is not one of"),
        (
            {"instanceConfig": INSTANCE | {"instanceCount": 2}},
            "instanceCount: one instance runs here",
        ),
        ({"stoppingCondition": {"maxRuntimeInSeconds": 432_001}}, "maxRuntimeInSeconds: 432001"),
        ({"stoppingCondition": {"maxRuntimeInSeconds": 0}}, "maxRuntimeInSeconds"),
        ({"hyperParameters": {"k": "v" * 2501}}, "hyperParameters.k: "),
        ({"hyperParameters": {"k": ""}}, "hyperParameters.k"),
        ({"hyperParameters": {str(i): "v" for i in range(101)}}, "hyperParameters: "),
        ({"deviceConfig": {"device": "local:nothing"}}, "is not local:<provider>/<name>"),
        ({"deviceConfig": {"device": f"{QPU}-2"}}, "is not a device of this service"),
        ({"outputDataConfig": {"s3Path": "/tmp"}}, "outputDataConfig.s3Path: "),
        ({"algorithmSpecification": {}}, "scriptModeConfig"),
        (
            {"algorithmSpecification": {"scriptModeConfig": {"entryPoint": "a b:c", "s3Uri": "s3://b/k"}}},
            "entryPoint: 'a b:c'",
        ),
        (
            {"algorithmSpecification": {"scriptModeConfig": {"entryPoint": "a:b", "s3Uri": "s3://bkt"}}},
            "s3Uri: 's3://bkt'",
        ),
    ],
)  # fmt: skip
def test_create_job_refuses(
    braket: Any, job_request: Make, change: dict[str, Any], said: str
) -> None:
    code, status, message = refusal(braket.create_job, **job_request() | change)
    assert (code, status) == ("ValidationException", 400)
    assert said in message
    assert braket.search_jobs(filters=[])["jobs"] == []


def test_channel_names_do_not_repeat(braket: Any, job_request: Make) -> None:
    channel = {"channelName": "run", "dataSource": {"s3DataSource": {"s3Uri": "s3://b/k"}}}
    request = job_request(inputDataConfig=[channel, channel])
    assert "channel names repeat" in refusal(braket.create_job, **request)[2]


@pytest.mark.parametrize(
    ("operation", "params"),
    [
        ("get_job", {"jobArn": NO_JOB}),
        ("cancel_job", {"jobArn": NO_JOB}),
        ("get_quantum_task", {"quantumTaskArn": NO_TASK}),
        ("cancel_quantum_task", {"quantumTaskArn": NO_TASK, "clientToken": "t"}),
        ("get_device", {"deviceArn": "arn:aws:braket:::device/quantum-simulator/amazon/tn1"}),
        ("list_tags_for_resource", {"resourceArn": NO_JOB}),
        ("tag_resource", {"resourceArn": NO_TASK, "tags": {"a": "b"}}),
        ("untag_resource", {"resourceArn": NO_LIMIT, "tagKeys": ["a"]}),
        ("delete_spending_limit", {"spendingLimitArn": NO_LIMIT}),
        ("update_spending_limit", {"spendingLimitArn": NO_LIMIT, "clientToken": "t"}),
    ],
)
def test_what_does_not_exist_is_not_found(
    braket: Any, operation: str, params: dict[str, Any]
) -> None:
    code, status, message = refusal(getattr(braket, operation), **params)
    assert (code, status) == ("ResourceNotFoundException", 404)
    assert next(iter(params.values())) in message


def test_a_malformed_arn_is_refused_by_the_model(braket: Any) -> None:
    assert refusal(braket.get_job, jobArn="job/none")[0] == "ValidationException"


def test_a_scripted_job_lives_by_the_service_s_clock(
    server: Server, clock: Clock, job_request: Make
) -> None:
    def timetable(job: Job) -> None:
        job.record("STARTING_INSTANCE", at=job.created_at + 3 * DAY)
        job.record("RUNNING", at=job.created_at + 3 * DAY + 60)
        job.record("COMPLETED", at=job.created_at + 8 * DAY)

    server.service = BraketService(
        server.environment, server.work_folder, clock=clock, runner=timetable
    )
    client = server.client("braket")
    arn = client.create_job(**job_request())["jobArn"]
    seen = []
    for day in (0, 2.9, 3, 7.9, 8):
        clock.now = 1_790_000_000.0 + day * DAY
        job = client.get_job(jobArn=arn)
        assert job["ResponseMetadata"]["HTTPHeaders"]["date"] == (
            datetime.fromtimestamp(clock.now, UTC).strftime("%a, %d %b %Y %H:%M:%S GMT")
        )
        seen.append(job["status"])
    assert seen == ["QUEUED", "QUEUED", "RUNNING", "RUNNING", "COMPLETED"]
    assert job["billableDuration"] == 5 * DAY
    assert job["endedAt"] - job["createdAt"] == timedelta(days=8)


def test_a_scripted_job_is_cancelled_before_its_time(
    server: Server, clock: Clock, job_request: Make
) -> None:
    def timetable(job: Job) -> None:
        job.record("COMPLETED", at=job.created_at + DAY)

    server.service = BraketService(
        server.environment, server.work_folder, clock=clock, runner=timetable
    )
    client = server.client("braket")
    arn = client.create_job(**job_request())["jobArn"]
    assert client.cancel_job(jobArn=arn)["cancellationStatus"] == "CANCELLED"
    clock.now += 2 * DAY
    assert events(client.get_job(jobArn=arn)) == ["QUEUED_FOR_EXECUTION", "CANCELLED"]


def test_cancelling_takes_as_long_as_the_job_takes_to_end(braket: Any, job_request: Make) -> None:
    arn = braket.create_job(**job_request())["jobArn"]
    assert braket.cancel_job(jobArn=arn)["cancellationStatus"] == "CANCELLING"
    assert braket.cancel_job(jobArn=arn)["cancellationStatus"] == "CANCELLING"
    assert braket.get_job(jobArn=arn)["status"] == "CANCELLING"


def test_queue_positions_count_the_jobs_before(
    server: Server, braket: Any, job_request: Make
) -> None:
    arns = [braket.create_job(**job_request(name=f"j{i}"))["jobArn"] for i in range(17)]

    def position(arn: str) -> Any:
        answer = braket.get_job(jobArn=arn, additionalAttributeNames=["QueueInfo"])
        return answer["queueInfo"]["position"]

    assert [position(arns[i]) for i in (0, 1, 16)] == ["1", "2", ">15"]
    server.service._jobs.find(arns[0]).record("RUNNING")
    assert [position(arns[i]) for i in (0, 1)] == ["None", "1"]


def test_search_jobs_pages_newest_first(braket: Any, clock: Clock, job_request: Make) -> None:
    for i in range(5):
        clock.now += 1
        braket.create_job(**job_request(name=f"j{i}", tags={"i": str(i)}))
    first = braket.search_jobs(filters=[], maxResults=2)
    assert [(job["jobName"], job["tags"]) for job in first["jobs"]] == [
        ("j4", {"i": "4"}),
        ("j3", {"i": "3"}),
    ]
    braket.create_job(**job_request(name="later"))
    names = [
        job["jobName"]
        for page in braket.get_paginator("search_jobs").paginate(
            filters=[], PaginationConfig={"PageSize": 2, "StartingToken": first["nextToken"]}
        )
        for job in page["jobs"]
    ]
    assert names == ["j2", "j1", "j0"]


def test_search_jobs_gives_a_hundred_at_a_time(braket: Any, job_request: Make) -> None:
    request = job_request()
    for i in range(101):
        braket.create_job(**request | {"jobName": f"j{i}", "clientToken": str(i)})
    answer = braket.search_jobs(filters=[])
    assert len(answer["jobs"]) == 100
    assert len(braket.search_jobs(filters=[], nextToken=answer["nextToken"])["jobs"]) == 1


def test_search_jobs_filters(braket: Any, clock: Clock, job_request: Make) -> None:
    start = clock.now
    arns = []
    for i in range(3):
        clock.now = start + 60 * i
        arns.append(braket.create_job(**job_request(name=f"j{i}"))["jobArn"])
    iso = [datetime.fromtimestamp(start + 60 * i, UTC).isoformat() for i in range(3)]

    def found(name: str, operator: str, *values: str) -> list[int]:
        chosen = {"name": name, "operator": operator, "values": list(values)}
        jobs = braket.search_jobs(filters=[chosen])["jobs"]
        return sorted(arns.index(job["jobArn"]) for job in jobs)

    assert found("createdAt", "LT", iso[1]) == [0]
    assert found("createdAt", "LTE", iso[1]) == [0, 1]
    assert found("createdAt", "EQUAL", iso[1]) == [1]
    assert found("createdAt", "GT", iso[1]) == [2]
    assert found("createdAt", "GTE", iso[1]) == [1, 2]
    assert found("createdAt", "BETWEEN", iso[0], iso[1]) == [0, 1]
    assert found("jobArn", "EQUAL", arns[2]) == [2]
    assert found("jobArn", "CONTAINS", arns[0][-12:]) == [0]
    for name, operator, values in [
        ("status", "EQUAL", ["QUEUED"]),
        ("createdAt", "GT", ["yesterday"]),
        ("createdAt", "BETWEEN", iso[:1]),
        ("createdAt", "CONTAINS", iso[:1]),
        ("jobArn", "GT", arns[:1]),
    ]:
        chosen = {"name": name, "operator": operator, "values": values}
        assert refusal(braket.search_jobs, filters=[chosen])[0] == "ValidationException"
    assert refusal(braket.search_jobs, filters=[], nextToken="x")[0] == "ValidationException"


def test_tags_come_and_go(braket: Any, job_request: Make) -> None:
    arn = braket.create_job(**job_request(tags={"a": "1", "b": "2"}))["jobArn"]
    braket.tag_resource(resourceArn=arn, tags={"b": "3", "c/d": "4"})
    braket.untag_resource(resourceArn=arn, tagKeys=["a", "none"])
    assert braket.list_tags_for_resource(resourceArn=arn)["tags"] == {"b": "3", "c/d": "4"}
    assert braket.get_job(jobArn=arn)["tags"] == {"b": "3", "c/d": "4"}
    many = {str(i): "" for i in range(49)}
    assert refusal(braket.tag_resource, resourceArn=arn, tags=many)[0] == "ValidationException"


def test_devices_are_found(braket: Any) -> None:
    found = braket.search_devices(filters=[])["devices"]
    assert [device["deviceName"] for device in found][:2] == ["SV1", "DM1"]
    (only,) = braket.search_devices(filters=[{"name": "deviceArn", "values": [SV1]}])["devices"]
    device = braket.get_device(deviceArn=SV1)
    assert only.items() <= device.items()
    assert (device["deviceType"], device["deviceStatus"]) == ("SIMULATOR", "ONLINE")


def test_a_spending_limit_is_made_changed_and_deleted(braket: Any, clock: Clock) -> None:
    request = {"deviceArn": QPU, "spendingLimit": "10.50", "clientToken": "t", "tags": {"a": "b"}}
    arn = braket.create_spending_limit(**request)["spendingLimitArn"]
    assert braket.create_spending_limit(**request)["spendingLimitArn"] == arn
    period = {"startAt": clock.now, "endAt": clock.now + DAY}
    clock.now += 60
    braket.update_spending_limit(spendingLimitArn=arn, spendingLimit="20", timePeriod=period)
    chosen = {"name": "deviceArn", "operator": "EQUAL", "values": [QPU]}
    (limit,) = braket.search_spending_limits(filters=[chosen])["spendingLimits"]
    assert (limit["spendingLimit"], limit["totalSpend"], limit["tags"]) == ("20", "0", {"a": "b"})
    assert limit["updatedAt"] - limit["createdAt"] == timedelta(seconds=60)
    assert limit["timePeriod"]["endAt"].timestamp() == period["endAt"]
    braket.delete_spending_limit(spendingLimitArn=arn)
    assert braket.search_spending_limits()["spendingLimits"] == []


@pytest.mark.parametrize(
    "change",
    [
        {"deviceArn": SV1},
        {"spendingLimit": "1.234"},
        {"spendingLimit": "-1"},
        {"timePeriod": {"startAt": 1_790_000_100, "endAt": 1_790_000_000}},
        {"timePeriod": {"startAt": 0, "endAt": 1}},
    ],
)
def test_a_spending_limit_is_refused(braket: Any, change: dict[str, Any]) -> None:
    request = {"deviceArn": QPU, "spendingLimit": "1", "clientToken": "t"} | change
    assert refusal(braket.create_spending_limit, **request)[0] == "ValidationException"


def test_a_test_can_make_any_operation_fail(server: Server, braket: Any, job_request: Make) -> None:
    def throttle(operation: str, params: dict[str, Any]) -> None:
        if operation == "GetJob":
            raise BraketError("ThrottlingException", f"too many for {params['jobArn']}")

    arn = braket.create_job(**job_request())["jobArn"]
    server.service.intercept = throttle
    answer = refusal(braket.get_job, jobArn=arn)
    assert answer == ("ThrottlingException", 429, f"too many for {arn}")
    server.service.intercept = None
    assert braket.get_job(jobArn=arn)["status"] == "QUEUED"


def test_an_answer_outside_the_model_is_an_internal_error(server: Server, braket: Any) -> None:
    server.service._handlers["GetDevice"] = lambda call: {"deviceArn": SV1}
    code, status, _ = refusal(braket.get_device, deviceArn=SV1)
    assert (code, status) == ("InternalServiceException", 500)


def test_what_is_no_request_is_refused(server: Server, braket: Any) -> None:
    scope = "AWS4-HMAC-SHA256 Credential=testing/20260821/us-east-1/braket/aws4_request"
    for method, path, body, code in [
        ("POST", "/jobs", b"{", "SerializationException"),
        ("POST", "/jobs", b"[]", "SerializationException"),
        ("POST", "/jobs", b'{"filters": [], "surprise": 1}', "ValidationException"),
        ("POST", "/nothing", b"{}", "UnknownOperationException"),
        ("PUT", "/jobs", b"{}", "UnknownOperationException"),
    ]:
        request = urllib.request.Request(
            server.environment()["AWS_ENDPOINT_URL"] + path, body, {"Authorization": scope}
        )
        request.method = method
        with pytest.raises(urllib.error.HTTPError) as caught:
            urllib.request.urlopen(request)
        assert caught.value.headers["x-amzn-errortype"] == code
        caught.value.close()


def test_arns_carry_the_region_of_the_request(server: Server, job_request: Make) -> None:
    server.service = BraketService(server.environment, Path("/nowhere"), runner=idle)
    client = boto3.Session("testing", "testing", region_name="eu-north-1").client(
        "braket", endpoint_url=server.environment()["AWS_ENDPOINT_URL"]
    )
    arn = client.create_job(**job_request())["jobArn"]
    assert arn.startswith("arn:aws:braket:eu-north-1:123456789012:job/")
    assert client.get_job(jobArn=arn)["outputDataConfig"] == {"s3Path": f"s3://{BUCKET}/job/out"}
