"""The policies for people: that for deploying against what CloudFormation's registry asks for."""

from __future__ import annotations

import fnmatch
import json
from collections.abc import Iterator
from typing import Any

import botocore.session
import pytest

from quantum_pipeline.local.aws import ACCOUNT, REGION, read_stack
from quantum_pipeline.local.iam.policies import Asked, Decision, Statement, decide
from quantum_pipeline.local.places import APPLICATION as PROJECT
from tests.policies import WORD, filled

Json = dict[str, Any]

LARGEST_MANAGED_POLICY = 6144
"""Characters, white space apart. https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html"""

OF_THE_SAM_CLI = {
    "cloudformation:CreateChangeSet",
    "cloudformation:DeleteStack",  # where the first deployment failed
    "cloudformation:DescribeChangeSet",
    "cloudformation:DescribeStackEvents",
    "cloudformation:DescribeStacks",
    "cloudformation:ExecuteChangeSet",
    "cloudformation:GetTemplateSummary",
    "s3:PutObject",  # of what it has packaged
}
"""What `sam deploy` calls itself."""

LEFT_OUT = {
    "dynamodb:*Item": "the table is neither imported nor replicated",
    "dynamodb:*TableReplica": "as above",
    "dynamodb:ImportTable": "as above",
    "dynamodb:Query": "as above",
    "dynamodb:Scan": "as above",
    "iam:CreateServiceLinkedRole": "as above",
    "logs:*LogStream*": "as above",
    "logs:PutLogEvents": "as above",
    "s3:GetObjectMetadata": "as above",
    "dynamodb:*KinesisStreamingDestination": "the template sets none of these of the table",
    "dynamodb:*ResourcePolicy": "as above",
    "dynamodb:UpdateContributorInsights": "as above",
    "dynamodb:UpdateTimeToLive": "as above",
    "kinesis:*": "as above",
    "elasticfilesystem:Describe*": "functions have no file systems",
    "s3files:*": "as above",
    "firehose:*": "logs are delivered nowhere",
    "logs:CreateLogDelivery": "as above",
    "s3:REST.PUT.OBJECT": "as above",
    "iam:*GroupPolicy": "policies are attached to roles alone",
    "iam:*UserPolicy": "as above",
    "kms:*": "functions and state machine have no key; log groups and buckets need none of these",
    "lambda:*CodeSigningConfig": "code is not signed",
    "lambda:AssociateRuntimeAlias": "runtimes are updated as Lambda does it by itself",
    "lambda:PutRuntimeManagementConfig": "as above",
    "lambda:PassCapacityProvider": "functions run on Lambda's own instances",
    "lambda:PutFunctionScalingConfig": "as above",
    "lambda:PublishVersion": "there are no versions",
    "lambda:PutFunctionRecursionConfig": "recursion is what it is by default",
    "logs:*DataProtectionPolicy": "the template sets none of these of a log group",
    "logs:*IndexPolicy": "as above",
    "logs:*ResourcePolicy": "as above",
    "logs:PutBearerTokenAuthentication": "as above",
    "logs:PutLogGroupDeletionProtection": "as above",
    "s3:*MetadataTableConfiguration": "the template sets none of these of a bucket",
    "s3:UpdateBucketMetadata*": "as above",
    "s3tables:*": "as above",
    "s3:*AnalyticsConfiguration": "as above",
    "s3:*MetricsConfiguration": "as above",
    "s3:*Cors": "as above",
    "s3:PutBucketCORS": "as above",
    "s3:*Replication*": "as above",
    "s3:*Website": "as above",
    "s3:Put*Acl": "as above",
    "s3:Put*ObjectLockConfiguration": "as above",
    "s3:PutAccelerateConfiguration": "as above",
    "s3:PutBucketAbac": "as above",
    "s3:PutBucketNotification": "as above",
    "s3:PutBucketOwnershipControls": "as above",
    "s3:PutIntelligentTieringConfiguration": "as above",
    "s3:PutInventoryConfiguration": "as above",
    "s3:DeleteBucketEncryption": "what the template sets is replaced, not removed",
    "s3:DeleteBucketLifecycle": "as above",
    "s3:DeleteObject": "CloudFormation empties no bucket",
    "sns:PutDataProtectionPolicy": "the topic has none",
}
"""What handlers of the registry may ask for beyond what this template makes them do."""

MODELS = {"states": "stepfunctions"}
"""botocore's names of services, where they are not those of IAM."""


def actions(policy: Json) -> set[str]:
    listed = (each["Action"] for each in policy["Statement"])
    return {each for one in listed for each in ([one] if isinstance(one, str) else one)}


def asked_by_the_registry(transformed: Json) -> set[str]:
    return {
        action
        for handlers in transformed["permissions"].values()
        for name, permissions in handlers.items()
        if name != "list"  # of all that there is in an account
        for action in permissions
    }


def matching(patterns: set[str], names: set[str]) -> set[str]:
    return {
        each for each in names if any(fnmatch.fnmatchcase(each, pattern) for pattern in patterns)
    }


@pytest.fixture(scope="module")
def deploy() -> Json:
    return filled("deploy", read_stack().outputs)


def test_every_type_of_the_template_is_in_the_registry(transformed: Json) -> None:
    types = {each["Type"] for each in transformed["template"]["Resources"].values()}
    assert types == transformed["permissions"].keys()
    assert all({"create", "delete"} <= each.keys() for each in transformed["permissions"].values())


def test_who_deploys_may_do_what_the_registry_asks_for_but_what_is_explained(
    transformed: Json, deploy: Json
) -> None:
    needed = asked_by_the_registry(transformed)
    left_out = needed - matching(actions(deploy), needed)
    assert left_out == matching(set(LEFT_OUT), left_out)
    assert all(matching({pattern}, left_out) for pattern in LEFT_OUT)


def test_who_deploys_may_do_nothing_else(transformed: Json, deploy: Json) -> None:
    needed = asked_by_the_registry(transformed) | OF_THE_SAM_CLI
    assert all(matching({pattern}, needed) for pattern in actions(deploy))
    patterns = {each for each in actions(deploy) if "*" in each}
    allowed = matching(patterns, set(_operations(patterns))) - needed
    how_it_is_set_up = ("s3:Get", "dynamodb:Describe")  # of a bucket, of the table
    assert all(each.startswith(how_it_is_set_up) for each in allowed), allowed
    assert "s3:GetObject" not in allowed


def _operations(patterns: set[str]) -> Iterator[str]:
    """Yield the operations of the services that patterns are of, which are named as actions are."""
    session = botocore.session.get_session()
    for prefix in {each.partition(":")[0] for each in patterns}:
        model = session.get_service_model(MODELS.get(prefix, prefix))
        yield from (f"{prefix}:{name}" for name in model.operation_names)


ROLE = f"arn:aws:iam::{ACCOUNT}:role/quantum-pipeline-JobRole-1ABC"
OURS = "quantum-pipeline"
# As CloudFormation names them: it begins with the stack's name where the type's handler does so.
CREATED = [
    ("braket:CreateSpendingLimit", "*", None),
    ("cloudwatch:PutMetricAlarm", f"arn:aws:cloudwatch:{REGION}:{ACCOUNT}:alarm:{OURS}-A-1", None),
    ("cloudwatch:PutDashboard", f"arn:aws:cloudwatch::{ACCOUNT}:dashboard/{OURS}-{REGION}", None),
    ("dynamodb:CreateTable",
     f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/{OURS}-CatalogueTable-1", None),
    ("events:PutRule", f"arn:aws:events:{REGION}:{ACCOUNT}:rule/{OURS}-StoppedRule-1", None),
    ("iam:CreateRole", ROLE, None),
    ("iam:PutRolePolicy", ROLE, None),
    ("lambda:CreateFunction", f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{OURS}-Prepare-1", None),
    ("lambda:PutFunctionEventInvokeConfig",
     f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{OURS}-CancelFunction-1", None),
    ("lambda:AddPermission", f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{OURS}-Cancel-1", None),
    ("lambda:PublishLayerVersion", f"arn:aws:lambda:{REGION}:{ACCOUNT}:layer:SharedLayer",
     f"arn:aws:lambda:{REGION}:{ACCOUNT}:layer:Other"),
    ("lambda:GetLayerVersion", f"arn:aws:lambda:{REGION}:{ACCOUNT}:layer:PlottingLayer:3",
     f"arn:aws:lambda:{REGION}:{ACCOUNT}:layer:Other:3"),
    ("logs:CreateLogGroup",
     f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:/aws/lambda/{OURS}/prepare", None),
    ("logs:CreateLogGroup",
     f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:/aws/vendedlogs/states/{OURS}", None),
    ("s3:CreateBucket", "arn:aws:s3:::amazon-braket-output-6f2c1d5e",
     f"arn:aws:s3:::amazon-braket-{REGION}-{ACCOUNT}"),
    ("s3:PutBucketPolicy", "arn:aws:s3:::aws-sam-cli-managed-default-x", "arn:aws:s3:::other"),
    ("scheduler:CreateSchedule",
     f"arn:aws:scheduler:{REGION}:{ACCOUNT}:schedule/default/{OURS}-SweepSchedule-1", None),
    ("sns:CreateTopic", f"arn:aws:sns:{REGION}:{ACCOUNT}:{OURS}-NotificationTopic-1", None),
    ("sns:Subscribe", f"arn:aws:sns:{REGION}:{ACCOUNT}:{OURS}-NotificationTopic-1", None),
    ("sqs:CreateQueue", f"arn:aws:sqs:{REGION}:{ACCOUNT}:{OURS}-FailedSweepQueue-1", None),
    ("sqs:SetQueueAttributes", f"arn:aws:sqs:{REGION}:{ACCOUNT}:{OURS}-FailedSweepQueue-1", None),
    ("states:CreateStateMachine",
     f"arn:aws:states:{REGION}:{ACCOUNT}:stateMachine:StateMachine-1a2B",
     f"arn:aws:states:{REGION}:{ACCOUNT}:stateMachine:Other-1a2B"),
]  # fmt: skip
"""Action and resource of each creation, and another's where this stack's name is not in it."""


def test_who_deploys_makes_each_type_under_this_stacks_names_alone(
    transformed: Json, deploy: Json
) -> None:
    statements = [Statement.read(each) for each in deploy["Statement"]]
    for action, ours, other in CREATED:
        assert decide(statements, Asked(action, ours)) is Decision.ALLOWED, action
        foreign = other or ours.replace(OURS, "other-stack")
        if foreign != "*":
            assert decide(statements, Asked(action, foreign)) is Decision.NOT_ALLOWED, action
    made = {action for action, _, _ in CREATED}
    for kind, handlers in transformed["permissions"].items():
        assert made & set(handlers["create"]), kind


@pytest.mark.parametrize(
    ("action", "key", "good", "bad"),
    [
        ("iam:PassRole", "iam:passedtoservice", "scheduler.amazonaws.com", "ec2.amazonaws.com"),
        (
            "iam:AttachRolePolicy",
            "iam:policyarn",
            "arn:aws:iam::aws:policy/service-role/AWSLambdaVPCAccessExecutionRole",
            "arn:aws:iam::aws:policy/AdministratorAccess",
        ),
    ],
)
def test_who_deploys_gives_roles_no_more_than_they_have_in_the_template(
    deploy: Json, action: str, key: str, good: str, bad: str
) -> None:
    statements = [Statement.read(each) for each in deploy["Statement"]]
    assert decide(statements, Asked(action, ROLE, {key: (good,)})) is Decision.ALLOWED
    assert decide(statements, Asked(action, ROLE, {key: (bad,)})) is Decision.NOT_ALLOWED


def test_roles_are_attached_the_managed_policies_that_the_template_names(
    transformed: Json, deploy: Json
) -> None:
    attach = next(each for each in deploy["Statement"] if "iam:AttachRolePolicy" in each["Action"])
    listed = set(attach["Condition"]["ArnEquals"]["iam:PolicyARN"])
    text = json.dumps(transformed["template"]).replace("${AWS::Partition}", "aws")
    assert listed == {
        each for each in text.split('"') if each.startswith("arn:aws:iam::aws:policy")
    }


@pytest.mark.parametrize("name", ["deploy", "run", "delete"])
def test_a_policy_fits_into_a_managed_one(name: str) -> None:
    policy = filled(name, read_stack().outputs)
    assert len(json.dumps(policy, separators=(",", ":"))) <= LARGEST_MANAGED_POLICY


def test_the_keys_policy_lets_the_services_that_ask_for_it_themselves(resources: Json) -> None:
    policy = filled("key", read_stack().outputs)
    services = {
        each["Principal"]["Service"]
        for each in policy["Statement"]
        if "Service" in each["Principal"]
    }
    assert services == {
        "cloudwatch.amazonaws.com",
        "events.amazonaws.com",
        f"logs.{REGION}.amazonaws.com",
    }
    [logs] = [each for each in policy["Statement"] if each["Sid"] == "LogGroups"]
    [patterns] = logs["Condition"]["ArnLike"].values()
    for body in resources.values():
        if body["Type"] == "AWS::Logs::LogGroup":
            name = body["Properties"]["LogGroupName"]["Fn::Sub"].replace("${AWS::StackName}", OURS)
            arn = f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:{name}"
            assert matching(set(patterns), {arn})


def test_the_words_to_be_replaced_are_explained() -> None:
    page = (PROJECT / "docs" / "accounts.md").read_text("utf-8")
    for file in (PROJECT / "policies").glob("*.json"):
        assert f"`policies/{file.name}`" in page
        for word in WORD.findall(file.read_text("utf-8")):
            assert f"`{word}`" in page
