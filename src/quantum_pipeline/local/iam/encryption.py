"""What is needed of a key of KMS that encrypts a bucket, a topic or a queue.

These services use the key with the rights of whoever asks them: beside an action of their own, one
on the key has to be allowed, which they name themselves for in ``kms:ViaService``. Log groups are
encrypted with the rights of CloudWatch Logs itself. The key's own policy is not followed: it is
taken for one that leaves the account's roles to IAM.

Sources: https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingKMSEncryption.html,
https://docs.aws.amazon.com/sns/latest/dg/sns-key-management.html,
https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-key-management.html
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from quantum_pipeline.local.iam.policies import Asked
from quantum_pipeline.local.intrinsics import Intrinsics

_USES = {
    "s3:GetObject": ("kms:Decrypt",),
    "s3:PutObject": ("kms:GenerateDataKey",),
    "sns:Publish": ("kms:GenerateDataKey", "kms:Decrypt"),
    "sqs:SendMessage": ("kms:GenerateDataKey", "kms:Decrypt"),
}


def keys_of(resources: Mapping[str, Mapping[str, Any]], intrinsics: Intrinsics) -> dict[str, str]:
    """Return the ARN of the key that encrypts each resource that has one, by the resource's ARN.

    Raises:
        TemplateError: a property cannot be resolved.
    """
    found = {}
    for logical_id, body in resources.items():
        if key := _key(body, intrinsics):
            found[intrinsics.arn(logical_id)] = key
    return found


def _key(body: Mapping[str, Any], intrinsics: Intrinsics) -> str | None:
    properties = body.get("Properties", {})
    given = None
    match body["Type"]:
        case "AWS::S3::Bucket" if "BucketEncryption" in properties:
            [rule] = properties["BucketEncryption"]["ServerSideEncryptionConfiguration"]
            given = intrinsics.resolve(rule["ServerSideEncryptionByDefault"]).get("KMSMasterKeyID")
        case "AWS::SNS::Topic" | "AWS::SQS::Queue":
            given = properties.get("KmsMasterKeyId")
    found: dict[str, str | None] = intrinsics.resolve({"key": given})
    return found.get("key")


def uses_of_keys(asked: Asked, keys: Mapping[str, str], region: str) -> Iterator[Asked]:
    """Yield what is asked of the key of a resource, where it has one."""
    service, _, _ = asked.action.partition(":")
    resource = asked.resource.partition("/")[0] if service == "s3" else asked.resource
    if key := keys.get(resource):
        via = {"kms:viaservice": (f"{service}.{region}.amazonaws.com",)}
        for action in _USES.get(asked.action, ()):
            yield Asked(action, key, {**asked.context, **via})
