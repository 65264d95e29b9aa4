"""The command that removes permissions in turn removes each, and knows who would notice."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from quantum_pipeline.local.aws import ACCOUNT
from scripts.iam_mutations import Mutation, mutations, noticing, recorded

ROLE = f"arn:aws:iam::{ACCOUNT}:role/quantum-pipeline-Role"
TEMPLATE: dict[str, Any] = {
    "Parameters": {"KmsKeyArn": {"Type": "String"}},
    "Resources": {
        "Queues": {
            "Type": "AWS::IAM::Policy",
            "Properties": {
                "Roles": [{"Ref": "Role"}],
                "PolicyDocument": {
                    "Statement": [
                        {
                            "Sid": "Send",
                            "Effect": "Allow",
                            "Action": "sqs:SendMessage",
                            "Resource": "*",
                        }
                    ]
                },
            },
        },
        "Role": {
            "Type": "AWS::IAM::Role",
            "Properties": {
                "AssumeRolePolicyDocument": {
                    "Statement": [
                        {
                            "Effect": "Allow",
                            "Principal": {"Service": "braket.amazonaws.com"},
                            "Action": "sts:AssumeRole",
                            "Condition": {"StringEquals": {"aws:SourceAccount": ACCOUNT}},
                        }
                    ]
                },
                "Policies": [
                    {
                        "PolicyDocument": {
                            "Statement": [
                                {
                                    "Sid": "Store",
                                    "Effect": "Allow",
                                    "Action": ["s3:GetObject", "s3:PutObject"],
                                    "Resource": ["arn:aws:s3:::a/*", "arn:aws:s3:::b/*"],
                                }
                            ]
                        }
                    }
                ],
            },
        },
    },
}
WRITES = ["writes", ROLE, "s3:PutObject", "arn:aws:s3:::b/k", {}, True]
READS = ["reads", ROLE, "s3:GetObject", "arn:aws:s3:::a/k", {}, True]
SENDS = ["sends", ROLE, "sqs:SendMessage", "arn:aws:sqs:us-east-1:1:q", {}, True]
SOURCE = {"aws:sourceaccount": ["other"]}
TRUSTS_NO_OTHER = ["trusts", "braket.amazonaws.com", "sts:AssumeRole", ROLE, SOURCE, False]


@pytest.fixture
def found(tmp_path: Path) -> dict[tuple[str, str], list[str]]:
    """Which tests notice each removal."""
    file = tmp_path / "verdicts.jsonl"
    file.write_text("\n".join(map(json.dumps, (WRITES, READS, SENDS, TRUSTS_NO_OTHER))))
    by_action = {each.asked.action: [each] for each in recorded(file)}

    def seen(mutation: Mutation) -> list[str]:
        return noticing(mutation, by_action)

    return {(each.where, each.what): seen(each) for each in mutations(TEMPLATE)}


def test_each_removal_is_noticed_by_who_made_or_feared_the_call(
    found: dict[tuple[str, str], list[str]],
) -> None:
    assert found == {
        ("Queues", "role Role"): ["sends"],
        ("Queues.Send", "action sqs:SendMessage"): ["sends"],
        ("Role.trust", "action sts:AssumeRole"): [],  # no test here wants it allowed
        ("Role.trust", "condition StringEquals aws:SourceAccount"): ["trusts"],
        ("Role.Store", "action s3:GetObject"): ["reads"],
        ("Role.Store", "action s3:PutObject"): ["writes"],
        ("Role.Store", "resource arn:aws:s3:::a/*"): ["reads"],
        ("Role.Store", "resource arn:aws:s3:::b/*"): ["writes"],
    }


def test_the_template_itself_is_left_as_it_is() -> None:
    before = json.dumps(TEMPLATE)
    assert len(list(mutations(TEMPLATE))) == 8
    assert json.dumps(TEMPLATE) == before
