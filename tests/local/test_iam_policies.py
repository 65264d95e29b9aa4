"""Policies are decided as AWS documents it, rule by rule of its guide to IAM."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from quantum_pipeline.local.iam.policies import Asked, Decision, Statement, decide
from quantum_pipeline.local.intrinsics import TemplateError

ALLOW = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::b/*"}
DENY = ALLOW | {"Effect": "Deny", "Resource": "arn:aws:s3:::b/secret/*"}
OBJECT = "arn:aws:s3:::b/key"


def decided(
    *statements: dict[str, Any],
    action: str = "s3:GetObject",
    resource: str = OBJECT,
    context: Mapping[str, list[str]] | None = None,
) -> Decision:
    return decide(map(Statement.read, statements), Asked(action, resource, context or {}))


def test_what_no_statement_allows_is_denied_and_a_deny_wins() -> None:
    assert decided() is Decision.NOT_ALLOWED
    assert decided(ALLOW) is Decision.ALLOWED
    for statements in ([ALLOW, DENY], [DENY, ALLOW]):
        assert decided(*statements) is Decision.ALLOWED
        secret = "arn:aws:s3:::b/secret/key"
        assert decided(*statements, resource=secret) is Decision.DENIED


@pytest.mark.parametrize(
    ("pattern", "action", "applies"),
    [
        ("s3:*", "s3:PutObject", True),
        ("s3:Get*", "s3:GetObject", True),
        ("s3:get*", "s3:GetObject", True),  # actions have no case
        ("s3:GetObjec?", "s3:GetObject", True),
        ("s3:GetObject?", "s3:GetObject", False),
        ("*", "sns:Publish", True),
        ("s3:Get", "s3:GetObject", False),
        ("s3.GetObject", "s3:GetObject", False),
    ],
)
def test_wildcards_in_actions(pattern: str, action: str, applies: bool) -> None:
    statement = {"Effect": "Allow", "Action": ["x:y", pattern], "Resource": "*"}
    assert (decided(statement, action=action) is Decision.ALLOWED) is applies


@pytest.mark.parametrize(
    ("pattern", "resource", "applies"),
    [
        ("*", "*", True),
        ("*", OBJECT, True),
        ("arn:aws:s3:::b/*", "arn:aws:s3:::b/a/b:c", True),
        ("arn:aws:s3:::b/*", "arn:aws:s3:::b", False),
        ("arn:aws:s3:::b/runs/*/job/*", "arn:aws:s3:::b/runs/r/job/1/output/model.tar.gz", True),
        ("arn:aws:s3:::b/runs/*/job/*", "arn:aws:s3:::b/runs/r/job.json", False),
        ("arn:aws:s3:::B/*", OBJECT, False),  # resources have case
        ("arn:aws:braket:*:*:device/*", "arn:aws:braket:::device/qpu/x", True),
        ("arn:aws:braket:*:1:job/*", "arn:aws:braket:r:2:job/1", False),
        ("arn:*:job/1", "arn:aws:braket:r:1:job/1", False),  # none reaches beyond its part
        ("arn:aws:s3:::b/k?y", OBJECT, True),
        ("arn:aws:s3:::b/[k]ey", OBJECT, False),  # nothing else is a pattern
    ],
)
def test_wildcards_in_resources(pattern: str, resource: str, applies: bool) -> None:
    statement = {"Effect": "Allow", "Action": "*", "Resource": [pattern]}
    assert (decided(statement, resource=resource) is Decision.ALLOWED) is applies


@pytest.mark.parametrize(
    ("operator", "wanted", "given", "holds"),
    [
        ("StringEquals", "a", ["a"], True),
        ("StringEquals", "a", ["A"], False),
        ("StringEquals", "a*", ["ab"], False),
        ("StringEquals", ["a", "b"], ["b"], True),  # values are alternatives
        ("StringEquals", "a", None, False),
        ("StringEqualsIfExists", "a", None, True),
        ("StringEqualsIfExists", "a", ["b"], False),
        ("StringEqualsIgnoreCase", "a", ["A"], True),
        ("StringLike", "a*", ["ab"], True),
        ("StringNotEquals", ["a", "b"], ["b"], False),
        ("StringNotEquals", ["a", "b"], ["c"], True),
        ("StringNotEquals", "a", None, True),  # negated ones hold without the key
        ("StringNotLike", "a*", ["ab"], False),
        ("ArnLike", "arn:aws:braket:*:1:job/*", ["arn:aws:braket:r:1:job/7"], True),
        ("ArnEquals", "arn:aws:braket:*:1:job/*", ["arn:aws:braket:r:1:job/7"], True),
        ("ArnLike", "arn:aws:braket:*:1:job/*", ["arn:aws:braket:r:2:job/7"], False),
        ("ArnNotLike", "arn:aws:s3:::*", ["arn:aws:s3:::b"], False),
        ("ArnLikeIfExists", "arn:aws:s3:::*", None, True),
        ("Bool", False, ["false"], True),
        ("Bool", "true", ["false"], False),
        ("Bool", "false", None, False),
        ("Null", "true", None, True),
        ("Null", "true", ["a"], False),
        ("Null", "false", ["a"], True),
        ("Null", False, None, False),
        ("ForAllValues:StringEquals", ["a", "b"], ["a"], True),
        ("ForAllValues:StringEquals", ["a", "b"], ["a", "c"], False),
        ("ForAllValues:StringEquals", ["a", "b"], None, True),  # nothing is among anything
        ("ForAnyValue:StringEquals", ["a", "b"], ["a", "c"], True),
        ("ForAnyValue:StringEquals", ["a", "b"], ["c"], False),
        ("ForAnyValue:StringEquals", ["a", "b"], None, False),
        ("StringEquals", ["a", "b"], ["a", "b"], False),  # several need a set operator
    ],
)
def test_operators_of_conditions(
    operator: str, wanted: Any, given: list[str] | None, holds: bool
) -> None:
    statement = ALLOW | {"Condition": {operator: {"aws:TagKeys": wanted}}}
    context = {} if given is None else {"aws:tagkeys": given}
    assert (decided(statement, context=context) is Decision.ALLOWED) is holds


def test_all_conditions_of_a_statement_have_to_hold() -> None:
    conditions = {"StringEquals": {"aws:a": "1", "aws:b": "2"}, "Bool": {"aws:c": True}}
    statement = ALLOW | {"Condition": conditions}
    good = {"aws:a": ["1"], "aws:b": ["2"], "aws:c": ["true"]}
    assert decided(statement, context=good) is Decision.ALLOWED
    for key in good:
        assert decided(statement, context=good | {key: ["x"]}) is Decision.NOT_ALLOWED


def test_variables_stand_for_values_of_the_request_and_for_no_patterns() -> None:
    home = ALLOW | {"Resource": "arn:aws:s3:::b/${aws:username}/*"}
    hers = {"aws:username": ["ann"]}
    assert decided(home, resource="arn:aws:s3:::b/ann/x", context=hers) is Decision.ALLOWED
    assert decided(home, resource="arn:aws:s3:::b/bob/x", context={"aws:username": ["ann"]}) is (
        Decision.NOT_ALLOWED
    )
    assert decided(home, resource="arn:aws:s3:::b/bob/x", context={"aws:username": ["*"]}) is (
        Decision.NOT_ALLOWED
    )
    assert decided(home, resource="arn:aws:s3:::b//x") is Decision.NOT_ALLOWED
    star = ALLOW | {"Resource": "arn:aws:s3:::b/${*}"}
    assert decided(star) is Decision.NOT_ALLOWED
    equal = ALLOW | {"Condition": {"StringEquals": {"aws:a": "${aws:b}"}}}
    assert decided(equal, context={"aws:a": ["*"], "aws:b": ["*"]}) is Decision.ALLOWED
    assert decided(equal, context={"aws:a": ["x"], "aws:b": ["*"]}) is Decision.NOT_ALLOWED


@pytest.mark.parametrize(
    "change",
    [
        {"NotAction": "s3:*"},
        {"NotResource": "*"},
        {"Condition": {"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}}},
        {"Condition": {"NullIfExists": {"aws:a": "true"}}},
    ],
)
def test_what_is_not_followed_is_refused_when_it_is_read(change: dict[str, Any]) -> None:
    with pytest.raises(TemplateError, match="not followed here"):
        Statement.read(ALLOW | change)
