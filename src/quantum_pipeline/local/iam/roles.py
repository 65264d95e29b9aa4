"""Reads from the template who may do what: roles with their policies, and policies of resources."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from quantum_pipeline.local.iam.encryption import keys_of
from quantum_pipeline.local.iam.policies import Statement
from quantum_pipeline.local.intrinsics import Intrinsics, TemplateError


@dataclass(frozen=True)
class Role:
    """One role.

    Attributes:
        statements: of all its policies.
        trust: who may take it on: statements that allow sts:AssumeRole.
    """

    arn: str
    statements: tuple[Statement, ...]
    trust: tuple[Statement, ...]


@dataclass(frozen=True)
class Policies:
    """All policies of a stack."""

    roles: dict[str, Role]
    """By their ARNs."""
    resources: tuple[Statement, ...]
    """Those that belong to functions, buckets and queues; each names its resource."""
    keys: Mapping[str, str]
    """ARNs of the keys that encrypt buckets, topics and queues, by the ARNs of these."""


def role_of(logical_id: str, properties: Mapping[str, Any], intrinsics: Intrinsics) -> str:
    """Return the ARN of the role of a function or a state machine: its own, or that SAM makes.

    CloudFormation adds a random suffix to the name, as to all others.
    """
    if "Role" in properties:
        return str(intrinsics.resolve(properties["Role"]))
    name = f"{intrinsics.name(logical_id)}Role"
    return str(intrinsics.resolve({"Fn::Sub": f"arn:aws:iam::${{AWS::AccountId}}:role/{name}"}))


_TRUST_OF_SAM = {
    "AWS::Serverless::Function": "lambda.amazonaws.com",
    "AWS::Serverless::StateMachine": "states.amazonaws.com",
}


def read(resources: Mapping[str, Mapping[str, Any]], intrinsics: Intrinsics) -> Policies:
    """Return the policies of a template's resources.

    Raises:
        TemplateError: a policy names a managed one, a template of SAM's, or what IAM has and is not
            rehearsed here.
    """
    roles: dict[str, Role] = {}
    of_resources: list[Statement] = []
    attached = _attached(resources, intrinsics)
    for logical_id, body in resources.items():
        made_by_sam = body["Type"] in _TRUST_OF_SAM and "Role" not in body.get("Properties", {})
        if made_by_sam or body["Type"] == "AWS::IAM::Role":
            role = _role(logical_id, body, attached, intrinsics)
            roles[role.arn] = role
        of_resources += _of_resource(body, intrinsics)
    return Policies(roles, tuple(of_resources), keys_of(resources, intrinsics))


def _attached(
    resources: Mapping[str, Mapping[str, Any]], intrinsics: Intrinsics
) -> Mapping[str, list[Statement]]:
    """Return the statements of policies that are resources of their own, by names of roles."""
    found: dict[str, list[Statement]] = defaultdict(list)
    for logical_id, body in resources.items():
        if body["Type"] == "AWS::IAM::Policy":
            properties = intrinsics.resolve(body["Properties"])
            for role in properties["Roles"]:
                found[role] += _statements(logical_id, properties)
    return found


def _role(
    logical_id: str,
    body: Mapping[str, Any],
    attached: Mapping[str, list[Statement]],
    intrinsics: Intrinsics,
) -> Role:
    properties = body.get("Properties", {})
    policies = intrinsics.resolve(properties.get("Policies", []))
    if service := _TRUST_OF_SAM.get(body["Type"]):
        trust = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": service}}
        arn, trusted = role_of(logical_id, properties, intrinsics), [trust]
    else:
        trusted = intrinsics.resolve(properties["AssumeRolePolicyDocument"])["Statement"]
        arn = intrinsics.arn(logical_id)
    return Role(
        arn,
        (
            *(each for policy in policies for each in _statements(logical_id, policy)),
            *attached.get(arn.rpartition("/")[2], ()),
        ),
        tuple(Statement.read(each, arn) for each in trusted),
    )


def _statements(logical_id: str, policy: Any) -> Iterator[Statement]:
    document = policy.get("PolicyDocument", policy) if isinstance(policy, Mapping) else {}
    if "Statement" not in document:
        raise TemplateError(f"{logical_id}: only policies with statements are followed: {policy}")
    yield from map(Statement.read, document["Statement"])


def _of_resource(body: Mapping[str, Any], intrinsics: Intrinsics) -> Iterator[Statement]:
    match body["Type"]:
        case "AWS::S3::BucketPolicy" | "AWS::SQS::QueuePolicy":
            document = intrinsics.resolve(body["Properties"]["PolicyDocument"])
            yield from map(Statement.read, document["Statement"])
        case "AWS::Lambda::Permission":
            yield _permission(intrinsics.resolve(body["Properties"]), intrinsics)


def _permission(properties: Mapping[str, str], intrinsics: Intrinsics) -> Statement:
    """Return what AddPermission makes of it: a statement of the function's own policy."""
    keys = {
        "SourceArn": ("ArnLike", "aws:SourceArn"),
        "SourceAccount": ("StringEquals", "aws:SourceAccount"),
    }
    conditions: dict[str, dict[str, str]] = {}
    for name, (operator, key) in keys.items():
        if name in properties:
            conditions.setdefault(operator, {})[key] = properties[name]
    name = properties["FunctionName"]
    function = "arn:${AWS::Partition}:lambda:${AWS::Region}:${AWS::AccountId}:function:" + name
    return Statement.read(
        {
            "Effect": "Allow",
            "Principal": {"Service": properties["Principal"]},
            "Action": properties["Action"],
            "Resource": name
            if name.startswith("arn:")
            else intrinsics.resolve({"Fn::Sub": function}),
            "Condition": conditions,
        }
    )
