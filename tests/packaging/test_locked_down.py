"""What locked-down accounts ask for: what each parameter changes of the template, and what not."""

from __future__ import annotations

import re
from typing import Any

import pytest

from functions import sweep
from quantum_pipeline.local.aws import read_stack
from quantum_pipeline.local.intrinsics import Intrinsics
from tests.stack import KEY, LOCKED_DOWN

Json = dict[str, Any]


def resolved(template: Json, name: str, **parameters: str) -> Json:
    """Return the properties of a resource in a stack with these parameters."""
    intrinsics = Intrinsics(
        template, parameters, stack_name="Stack", region="us-east-1", account="123456789012"
    )
    properties: Json = intrinsics.resolve(template["Resources"][name]["Properties"])
    return properties


def of_type(template: Json, kind: str) -> list[str]:
    return [name for name, body in template["Resources"].items() if body["Type"] == kind]


def test_every_role_has_the_boundary_also_those_that_sam_makes(transformed: Json) -> None:
    template = transformed["template"]
    roles = of_type(template, "AWS::IAM::Role")
    assert {"StateMachineRole", "StudyMachineRole"} <= set(roles)
    assert len(roles) == 13
    given = {"PermissionsBoundaryArn": "arn:aws:iam::123456789012:policy/limits/Boundary"}
    for role in roles:
        body = template["Resources"][role]["Properties"]["PermissionsBoundary"]
        alone = {**template, "Resources": {"Role": {"Properties": {"it": body}}}}
        assert resolved(alone, "Role", **given) == {"it": given["PermissionsBoundaryArn"]}
        assert resolved(alone, "Role") == {}


def test_a_key_encrypts_buckets_topic_queues_and_logs_in_place_of_those_of_the_services(
    template: Json,
) -> None:
    for name in of_type(template, "AWS::S3::Bucket"):
        for given, encryption in [
            ({}, {"ServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}),
            (
                {"KmsKeyArn": KEY},
                {
                    "ServerSideEncryptionByDefault": {
                        "SSEAlgorithm": "aws:kms",
                        "KMSMasterKeyID": KEY,
                    },
                    "BucketKeyEnabled": True,
                },
            ),
        ]:
            found = resolved(template, name, **given)["BucketEncryption"]
            assert found == {"ServerSideEncryptionConfiguration": [encryption]}
    for kind, key in [
        ("AWS::SNS::Topic", "KmsMasterKeyId"),
        ("AWS::SQS::Queue", "KmsMasterKeyId"),
        ("AWS::Logs::LogGroup", "KmsKeyId"),
    ]:
        for name in of_type(template, kind):
            assert key not in resolved(template, name)
            assert resolved(template, name, KmsKeyArn=KEY)[key] == KEY
    for name in of_type(template, "AWS::SQS::Queue"):
        assert resolved(template, name)["SqsManagedSseEnabled"] is True
        assert resolved(template, name, KmsKeyArn=KEY)["SqsManagedSseEnabled"] is False


def test_functions_are_in_a_vpc_and_may_be_where_one_is_given(transformed: Json) -> None:
    template = transformed["template"]
    subnets, groups = "subnet-0a1b2c3d,subnet-4e5f6071", "sg-0a1b2c3d"
    vpc = {"VpcSubnetIds": subnets, "VpcSecurityGroupIds": groups}
    for name in of_type(template, "AWS::Lambda::Function"):
        properties = template["Resources"][name]["Properties"]
        role = template["Resources"][f"{name}Role"]["Properties"]
        body = {"vpc": properties["VpcConfig"], "policies": role["ManagedPolicyArns"]}
        alone = {**template, "Resources": {"It": {"Properties": body}}}
        inside, outside = resolved(alone, "It", **vpc), resolved(alone, "It")
        assert inside["vpc"] == {
            "SubnetIds": ["subnet-0a1b2c3d", "subnet-4e5f6071"],
            "SecurityGroupIds": ["sg-0a1b2c3d"],
        }
        assert "vpc" not in outside
        added = set(inside["policies"]) - set(outside["policies"])
        assert added == {"arn:aws:iam::aws:policy/service-role/AWSLambdaVPCAccessExecutionRole"}


def test_subnets_and_security_groups_are_given_together(template: Json) -> None:
    both = {"VpcSubnetIds", "VpcSecurityGroupIds"}
    rules = [template["Rules"][name] for name in template["Rules"] if name != "RegionHasBraket"]
    asked = set()
    for rule in rules:
        [assertion] = rule["Assertions"]
        [given, needed] = [
            each["Fn::Not"][0]["Fn::Equals"]
            for each in (rule["RuleCondition"], assertion["Assert"])
        ]
        assert given[1] == needed[1] == ""
        asked.add((given[0]["Ref"], needed[0]["Ref"]))
    assert asked == {tuple(sorted(both)), tuple(sorted(both, reverse=True))}


@pytest.mark.parametrize(("given", "logged"), [({}, True), ({"LogExecutionData": "false"}, False)])
def test_execution_data_is_logged_unless_it_is_not_to_be(
    template: Json, given: dict[str, str], logged: bool
) -> None:
    logging = resolved(template, "StateMachine", **given)["Logging"]
    assert logging["IncludeExecutionData"] is logged
    assert logging["Level"] == "ALL"


def test_each_bucket_logs_its_accesses_under_a_prefix_of_its_own(template: Json) -> None:
    buckets = of_type(template, "AWS::S3::Bucket")
    assert not any("LoggingConfiguration" in resolved(template, name) for name in buckets)
    found = {
        name: resolved(template, name, AccessLogBucket="logs-of-all")["LoggingConfiguration"]
        for name in buckets
    }
    assert found == {
        f"{name.capitalize()}Bucket": {
            "DestinationBucketName": "logs-of-all",
            "LogFilePrefix": f"Stack/{name}/",
        }
        for name in ("input", "output", "code")
    }


def test_what_runs_and_studies_leave_expires_where_it_is_not_to_be_kept(template: Json) -> None:
    def expire(bucket: str, **given: str) -> dict[str, Any]:
        rules = resolved(template, bucket, **given)["LifecycleConfiguration"]["Rules"]
        return {each["Prefix"]: each["ExpirationInDays"] for each in rules if "Prefix" in each}

    assert expire("OutputBucket") == {"line/": 1}
    of_days = dict.fromkeys(("runs/", "studies/", "jobs/"), "90")
    assert expire("OutputBucket", ReportRetentionDays="90") == {"line/": 1} | of_days
    assert expire("InputBucket") == {}
    assert expire("InputBucket", ReportRetentionDays="90") == {"studies/": "90"}


def test_no_run_expires_that_the_sweep_may_look_at(template: Json) -> None:
    pattern = template["Parameters"]["ReportRetentionDays"]["AllowedPattern"]
    allowed = [days for days in range(10_001) if re.fullmatch(pattern, str(days))]
    assert allowed == [0, *range(30, 10_000)]
    assert allowed[1] > (sweep.LONGEST + sweep.GIVE_UP).days


@pytest.mark.parametrize("name", LOCKED_DOWN)
def test_each_of_them_alone_leaves_a_stack_with_the_same_functions_and_roles(name: str) -> None:
    plain, changed = read_stack(), read_stack(parameters={name: LOCKED_DOWN[name]})
    assert changed.functions == plain.functions
    assert changed.outputs == plain.outputs
    assert changed.policies.roles.keys() == plain.policies.roles.keys()
    assert (changed.policies == plain.policies) is (name != "KmsKeyArn")


def test_all_of_them_are_tried_together(template: Json) -> None:
    groups = template["Metadata"]["AWS::CloudFormation::Interface"]["ParameterGroups"]
    [group] = [each for each in groups if each["Label"]["default"].startswith("What locked-down")]
    assert sorted(group["Parameters"]) == sorted(LOCKED_DOWN)
    for name, value in LOCKED_DOWN.items():
        parameter = template["Parameters"][name]
        assert value != parameter["Default"]
        if "AllowedPattern" in parameter:
            assert re.fullmatch(parameter["AllowedPattern"], value)
        else:
            assert value in parameter["AllowedValues"]
