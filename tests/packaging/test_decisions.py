"""What the policies of the template decide: what they allow, and what a condition keeps out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from quantum_pipeline.local.aws import ACCOUNT, REGION, read_stack
from quantum_pipeline.local.iam.authority import AccessDenied, Authority
from quantum_pipeline.local.iam.policies import Asked
from quantum_pipeline.local.template import Stack
from tests.stack import KEY, LOCKED_DOWN

JOB = f"arn:aws:braket:{REGION}:{ACCOUNT}:job/1"
TASK = f"arn:aws:braket:{REGION}:{ACCOUNT}:quantum-task/1"
SV1 = "arn:aws:braket:::device/quantum-simulator/amazon/sv1"
IMAGES = f"arn:aws:ecr:{REGION}:292282985366:repository/amazon-braket-base-jobs"
JOB_LOGS = f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:/aws/braket/jobs"
JOB_ROLE = f"arn:aws:iam::{ACCOUNT}:role/quantum-pipeline-JobRole"
OURS = "quantum-pipeline"
STACK = "quantum-pipeline:stack"
RUN_ID = "quantum-pipeline:run-id"
BATCH = "quantum-pipeline:batch"

# https://docs.aws.amazon.com/braket/latest/developerguide/about-amazonbraketjobsexecution.html
BY_BRAKET = [
    ("ecr:BatchCheckLayerAvailability", IMAGES),
    ("ecr:BatchGetImage", IMAGES),
    ("ecr:GetDownloadUrlForLayer", IMAGES),
    ("ecr:GetAuthorizationToken", "*"),
    ("logs:CreateLogGroup", JOB_LOGS),
    ("logs:CreateLogStream", JOB_LOGS),
    ("logs:DescribeLogStreams", JOB_LOGS),
    ("logs:PutLogEvents", f"{JOB_LOGS}:log-stream:job/1"),
]
# https://docs.aws.amazon.com/step-functions/latest/dg/cw-logs.html
BY_STEP_FUNCTIONS = [
    "CreateLogDelivery",
    "GetLogDelivery",
    "UpdateLogDelivery",
    "DeleteLogDelivery",
    "ListLogDeliveries",
    "PutResourcePolicy",
    "DescribeResourcePolicies",
    "DescribeLogGroups",
]


class Iam:
    """The policies of the template, asked by names of its resources."""

    def __init__(self, stack: Stack) -> None:
        self.authority = Authority(stack.policies, stack.account, stack.region)
        self.stack = stack

    def allows(
        self, role: str, action: str, resource: str, **context: str | tuple[str, ...]
    ) -> bool:
        return self.decides(role, action, resource, context)

    def decides(
        self, role: str, action: str, resource: str, context: Mapping[str, str | tuple[str, ...]]
    ) -> bool:
        """Ask for a role, with values of condition keys."""
        values = {
            name.lower(): (value,) if isinstance(value, str) else value
            for name, value in context.items()
        }
        arn = f"arn:aws:iam::{ACCOUNT}:role/quantum-pipeline-{role}"
        try:
            self.authority.check(arn, "test", [Asked(action, resource, values)])
        except AccessDenied:
            return False
        return True

    def trusts(self, service: str, role: str, source: str) -> bool:
        arn = f"arn:aws:iam::{ACCOUNT}:role/quantum-pipeline-{role}"
        try:
            self.authority.check_trust(service, arn, source)
        except AccessDenied:
            return False
        return True


@pytest.fixture(scope="module")
def iam() -> Iam:
    return Iam(read_stack(parameters=LOCKED_DOWN))


@pytest.mark.parametrize(("action", "resource"), BY_BRAKET)
def test_braket_may_do_with_the_jobs_role_what_it_does_for_a_job(
    iam: Iam, action: str, resource: str
) -> None:
    assert iam.allows("JobRole", action, resource)
    assert not iam.allows("JobRole", action, resource.replace("braket", "other")) or resource == "*"


@pytest.mark.parametrize("action", BY_STEP_FUNCTIONS)
def test_step_functions_may_deliver_logs_with_the_state_machines_role(
    iam: Iam, action: str
) -> None:
    assert iam.allows("StateMachineRole", f"logs:{action}", "*")


def test_what_could_not_be_delivered_is_kept(iam: Iam) -> None:
    queues = f"arn:aws:sqs:{REGION}:{ACCOUNT}:quantum-pipeline"
    role, send = "SweepScheduleRole", "sqs:SendMessage"
    assert iam.allows(role, send, f"{queues}-FailedSweepQueue")
    assert not iam.allows(role, send, f"{queues}-UncancelledRunQueue")
    rules = f"arn:aws:events:{REGION}:{ACCOUNT}:rule/quantum-pipeline"
    queue = f"{queues}-UncancelledRunQueue"
    decide = iam.authority.service_may
    assert decide("events.amazonaws.com", send, queue, f"{rules}-StoppedExecutionRule")
    assert not decide("events.amazonaws.com", send, queue, f"{rules}-AnotherRule")
    assert not decide("sns.amazonaws.com", send, queue, f"{rules}-StoppedExecutionRule")


@pytest.mark.parametrize(
    ("role", "queue", "other"),
    [
        ("CancelFunctionRole", "UncancelledRunQueue", "FailedSweepQueue"),
        ("SweepFunctionRole", "FailedSweepQueue", "UncancelledRunQueue"),
    ],
)
def test_lambda_may_keep_an_event_that_failed_with_the_functions_role(
    iam: Iam, role: str, queue: str, other: str
) -> None:
    queues = f"arn:aws:sqs:{REGION}:{ACCOUNT}:quantum-pipeline"
    assert iam.allows(role, "sqs:SendMessage", f"{queues}-{queue}")
    assert not iam.allows(role, "sqs:SendMessage", f"{queues}-{other}")


USERS_OF_THE_KEY = {
    "s3": ["PrepareFunction", "SubmitFunction", "PostProcessFunction", "CancelFunction",
           "SweepFunction", "Job"],
    "sns": ["PostProcessFunction", "CancelFunction"],
    "sqs": ["CancelFunction", "SweepFunction", "SweepSchedule"],
}  # fmt: skip
"""Roles that use the key, by the service through which they do."""


def test_nobody_may_use_a_key_that_no_service_asks_for(iam: Iam) -> None:
    """None where the stack has none, nor another, nor directly."""
    without = Iam(read_stack())
    for role in {f"{each}Role" for users in USERS_OF_THE_KEY.values() for each in users}:
        via: Context = {"kms:ViaService": f"s3.{REGION}.amazonaws.com"}
        for action in ("kms:Decrypt", "kms:GenerateDataKey"):
            assert not without.decides(role, action, KEY, via)
            assert not iam.decides(role, action, KEY.replace("1234", "5678"), via)
            assert not iam.allows(role, action, KEY)
    for role in ("MonitorFunctionRole", "StateMachineRole"):
        assert not iam.decides(role, "kms:Decrypt", KEY, via)


@pytest.mark.parametrize(
    ("action", "key_action"),
    [("s3:GetObject", "kms:Decrypt"), ("s3:PutObject", "kms:GenerateDataKey")],
)
def test_an_object_of_a_bucket_with_a_key_is_out_of_reach_without_the_key(
    iam: Iam, action: str, key_action: str
) -> None:
    policies = replace(iam.stack.policies, roles=read_stack().policies.roles)
    bucket = iam.stack.outputs["OutputBucketName"]
    asked = Asked(action, f"arn:aws:s3:::{bucket}/runs/r/job.json")
    role = f"arn:aws:iam::{ACCOUNT}:role/quantum-pipeline-SubmitFunctionRole"
    with pytest.raises(AccessDenied, match=f"perform: {key_action} on resource: {KEY} because no"):
        Authority(policies, ACCOUNT, REGION).check(role, "test", [asked])


Context = dict[str, Any]
CONDITIONS: list[tuple[str, str, str, Context, Context]] = [
    *(
        (role, action, JOB, {f"aws:ResourceTag/{STACK}": OURS}, {f"aws:ResourceTag/{STACK}": "x"})
        for role, action in [
            ("SubmitFunctionRole", "braket:GetJob"),
            ("SubmitFunctionRole", "braket:CancelJob"),
            ("MonitorFunctionRole", "braket:GetJob"),
            ("PostProcessFunctionRole", "braket:GetJob"),
            ("CancelFunctionRole", "braket:GetJob"),
            ("CancelFunctionRole", "braket:CancelJob"),
        ]
    ),
    *(
        (role, "braket:CancelQuantumTask", TASK, {f"aws:ResourceTag/{RUN_ID}": "any"}, {})
        for role in ("PostProcessFunctionRole", "CancelFunctionRole")
    ),
    *(
        (
            "SubmitFunctionRole",
            action,
            resource,
            {f"aws:RequestTag/{STACK}": OURS},
            {f"aws:RequestTag/{STACK}": "x"},
        )
        for action, resource in [("braket:CreateJob", "*"), ("braket:TagResource", JOB)]
    ),
    (
        "SubmitFunctionRole",
        "iam:PassRole",
        JOB_ROLE,
        {"iam:PassedToService": "braket.amazonaws.com"},
        {"iam:PassedToService": "lambda.amazonaws.com"},
    ),
    *(
        (
            "JobRole",
            action,
            resource,
            {"aws:RequestedRegion": REGION},
            {"aws:RequestedRegion": "eu-west-2"},
        )
        for action, resource in [
            ("braket:CreateQuantumTask", SV1),
            ("braket:GetQuantumTask", TASK),
            ("braket:CancelQuantumTask", TASK),
        ]
    ),
    (
        "JobRole",
        "braket:TagResource",
        TASK,
        {f"aws:RequestTag/{RUN_ID}": "run"},
        {f"aws:RequestTag/{BATCH}": "run"},
    ),
    *(
        (
            f"{role}Role",
            action,
            KEY,
            {"kms:ViaService": f"{service}.{REGION}.amazonaws.com"},
            {"kms:ViaService": f"ec2.{REGION}.amazonaws.com"},
        )
        for service, users in USERS_OF_THE_KEY.items()
        for role in users
        for action in ("kms:Decrypt", "kms:GenerateDataKey")
    ),
    (
        "JobRole",
        "cloudwatch:PutMetricData",
        "*",
        {"cloudwatch:namespace": "/aws/braket"},
        {"cloudwatch:namespace": "QuantumPipeline"},
    ),
]


@pytest.mark.parametrize("case", CONDITIONS)
def test_a_condition_decides(iam: Iam, case: tuple[str, str, str, Context, Context]) -> None:
    role, action, resource, good, bad = case
    assert iam.decides(role, action, resource, good)
    assert not iam.decides(role, action, resource, bad)


def test_roles_are_for_this_accounts_jobs_and_schedules(iam: Iam) -> None:
    braket, scheduler = "braket.amazonaws.com", "scheduler.amazonaws.com"
    group = f"arn:aws:scheduler:{REGION}:{ACCOUNT}:schedule-group/default"
    assert iam.trusts(braket, "JobRole", JOB)
    assert not iam.trusts(braket, "JobRole", JOB.replace(":job/", ":quantum-task/"))
    assert not iam.trusts(scheduler, "JobRole", JOB)
    assert iam.trusts(scheduler, "SweepScheduleRole", group)
    elsewhere = Iam(read_stack())
    elsewhere.authority = Authority(elsewhere.stack.policies, "210987654321", REGION)
    assert not elsewhere.trusts(braket, "JobRole", JOB)
    assert not elsewhere.trusts(scheduler, "SweepScheduleRole", group)


@pytest.mark.parametrize("name", ["Prepare", "Submit", "Monitor", "PostProcess", "Cancel", "Sweep"])
def test_lambda_alone_takes_on_the_roles_of_functions(iam: Iam, name: str) -> None:
    function = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:quantum-pipeline-{name}Function"
    assert iam.trusts("lambda.amazonaws.com", f"{name}FunctionRole", function)
    assert not iam.trusts("braket.amazonaws.com", f"{name}FunctionRole", JOB)


def test_the_rule_of_stopped_executions_alone_calls_cancel(iam: Iam) -> None:
    function = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:quantum-pipeline-CancelFunction"
    rules = f"arn:aws:events:{REGION}:{ACCOUNT}:rule/quantum-pipeline"
    may = iam.authority.service_may
    for service, rule, allowed in [
        ("events.amazonaws.com", "StoppedExecutionRule", True),
        ("events.amazonaws.com", "AnotherRule", False),
        ("s3.amazonaws.com", "StoppedExecutionRule", False),
    ]:
        source = f"{rules}-{rule}"
        assert may(service, "lambda:InvokeFunction", function, source) is allowed


@pytest.mark.parametrize("bucket", ["InputBucket", "OutputBucket", "CodeBucket"])
def test_nothing_is_read_from_a_bucket_without_tls(iam: Iam, bucket: str) -> None:
    name = iam.stack.outputs[f"{bucket}Name"]
    key = {"InputBucket": "problem.json", "OutputBucket": "runs/r/prepared.json"}.get(bucket)
    role = "SubmitFunctionRole" if bucket == "CodeBucket" else "PrepareFunctionRole"
    arn = f"arn:aws:s3:::{name}"
    for secure in ("true", "false"):
        context = {"aws:SecureTransport": secure}
        read = iam.decides(role, "s3:GetObject", f"{arn}/{key or 'source/x.tar.gz'}", context)
        listed = iam.decides(role, "s3:ListBucket", arn, context)
        assert read is listed is (secure == "true")
