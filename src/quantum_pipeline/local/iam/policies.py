"""Evaluates policies as IAM does: what a list of statements says to one action on one resource.

An explicit Deny wins over every Allow, and what no statement allows is denied. Of the language
there is what policies of stacks use; anything else is refused when a policy is read.

Sources: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html,
reference_policies_elements_condition_operators.html,
reference_policies_condition-single-vs-multi-valued-context-keys.html in the same guide.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from functools import cache
from typing import Any

from quantum_pipeline.local.intrinsics import TemplateError

Context = Mapping[str, Sequence[str]]
"""Values of condition keys, whose names are in small letters: IAM tells no case apart in them."""


class Decision(Enum):
    """What policies say; the value is how AWS names the reason of a refusal."""

    ALLOWED = "allowed"
    NOT_ALLOWED = "because no {kind} policy allows the {action} action"
    DENIED = "with an explicit deny in a {kind} policy"


@dataclass(frozen=True)
class Asked:
    """One thing that a request needs to be allowed.

    Attributes:
        action: such as ``s3:GetObject``.
        resource: an ARN, or ``*`` where the action has none.
        context: values of condition keys.
    """

    action: str
    resource: str
    context: Context = field(default_factory=dict)


@dataclass(frozen=True)
class Statement:
    """One statement of a policy; the principal is whom it speaks of, in policies of resources."""

    allows: bool
    actions: tuple[str, ...]
    resources: tuple[str, ...]
    conditions: tuple[tuple[str, str, tuple[str, ...]], ...]
    """Operator, key and values of each."""
    services: tuple[str, ...] = ()
    """Services that are principals; ``*`` stands for everybody."""

    @classmethod
    def read(cls, statement: Mapping[str, Any], resource: str = "*") -> Statement:
        """Return the statement of a policy in which every intrinsic function is resolved.

        Args:
            resource: what the policy belongs to, for a statement that names no resource.

        Raises:
            TemplateError: it uses what is not rehearsed here.
        """
        known = {"Sid", "Effect", "Action", "Resource", "Condition", "Principal"}
        if unknown := statement.keys() - known:
            raise TemplateError(f"policies with {', '.join(sorted(unknown))} are not followed here")
        conditions = tuple(
            (operator, key.lower(), tuple(_text(each) for each in _list(values)))
            for operator, keys in statement.get("Condition", {}).items()
            for key, values in keys.items()
        )
        for operator, _, _ in conditions:
            _comparison(operator)
        principal = statement.get("Principal", {})
        return cls(
            allows=statement["Effect"] == "Allow",
            actions=tuple(_list(statement["Action"])),
            resources=tuple(_list(statement.get("Resource", resource))),
            conditions=conditions,
            services=("*",) if principal == "*" else tuple(_list(principal.get("Service", []))),
        )

    def speaks_of(self, asked: Asked) -> bool:
        """Return whether the statement applies: action, resource and all conditions."""
        return (
            any(_glob(each, ignore_case=True).fullmatch(asked.action) for each in self.actions)
            and any(_is_arn_like(asked.resource, each, asked.context) for each in self.resources)
            and all(_holds(*each, asked.context) for each in self.conditions)
        )


def decide(statements: Iterable[Statement], asked: Asked) -> Decision:
    """Return what statements say together.

    Cost: O(statements); some microseconds each.
    """
    decision = Decision.NOT_ALLOWED
    for statement in statements:
        if statement.speaks_of(asked):
            if not statement.allows:
                return Decision.DENIED
            decision = Decision.ALLOWED
    return decision


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


_AS_THEY_ARE = str.maketrans("*?", "\ue000\ue001")
"""What stands for these characters where they are no patterns."""
_IN_EXPRESSIONS = {"*": ".*", "?": ".", "\ue000": r"\*", "\ue001": r"\?"}
_VARIABLE = re.compile(r"\$\{([^}]+)\}")


@cache
def _glob(pattern: str, *, ignore_case: bool = False) -> re.Pattern[str]:
    """Return the expression of a pattern, where * is any text and ? any character."""
    expression = "".join(_IN_EXPRESSIONS.get(each) or re.escape(each) for each in pattern)
    return re.compile(expression, re.DOTALL | (re.IGNORECASE if ignore_case else 0))


def _filled_in(pattern: str, context: Context) -> str | None:
    """Return a value with its policy variables replaced; None where the request has none for one.

    Patterns in what is filled in are none, and ``${*}``, ``${?}`` and ``${$}`` are characters.
    """
    if "${" not in pattern:
        return pattern
    values = {
        name: (name,) if name in "*?$" else context.get(name.lower(), ())
        for name in _VARIABLE.findall(pattern)
    }
    if any(len(each) != 1 for each in values.values()):
        return None
    return _VARIABLE.sub(lambda found: values[found[1]][0].translate(_AS_THEY_ARE), pattern)


def _is_arn_like(value: str, pattern: str, context: Context) -> bool:
    """Return whether an ARN is like a pattern: each of its six parts like that of the pattern."""
    filled = _filled_in(pattern, context)
    if filled is None:
        return False
    if filled == "*":
        return True
    parts, patterns = value.split(":", 5), filled.split(":", 5)
    return len(parts) == len(patterns) and all(
        _glob(each).fullmatch(part) for part, each in zip(parts, patterns, strict=True)
    )


def _is_equal(value: str, wanted: str, context: Context) -> bool:
    filled = _filled_in(wanted, context)
    return filled is not None and value.translate(_AS_THEY_ARE) == filled.translate(_AS_THEY_ARE)


def _is_like(value: str, wanted: str, context: Context) -> bool:
    filled = _filled_in(wanted, context)
    return filled is not None and bool(_glob(filled).fullmatch(value))


def _is_same_text(value: str, wanted: str, context: Context) -> bool:
    filled = _filled_in(wanted, context)
    return filled is not None and _is_equal(value.lower(), filled.lower(), context)


_Comparison = Callable[[str, str, Context], bool]
_COMPARISONS: Mapping[str, _Comparison] = {
    "StringEquals": _is_equal,
    "StringEqualsIgnoreCase": _is_same_text,
    "StringLike": _is_like,
    "ArnEquals": _is_arn_like,  # IAM takes them for the same
    "ArnLike": _is_arn_like,
    "Bool": _is_same_text,
}
_NEGATED = {
    "StringNotEquals": "StringEquals",
    "StringNotEqualsIgnoreCase": "StringEqualsIgnoreCase",
    "StringNotLike": "StringLike",
    "ArnNotEquals": "ArnEquals",
    "ArnNotLike": "ArnLike",
}
_OPERATOR = re.compile(r"(?:(ForAllValues|ForAnyValue):)?(\w+?)(IfExists)?")


@cache
def _comparison(operator: str) -> tuple[str | None, _Comparison | None, bool, bool]:
    """Return the set operator, the comparison (None: Null), if it is negated, and if IfExists.

    Raises:
        TemplateError: the operator is not one of these.
    """
    read = _OPERATOR.fullmatch(operator)
    of_set, name, if_exists = read.groups() if read else (None, operator, None)
    if name == "Null" and not if_exists:
        return of_set, None, False, False
    compare = _COMPARISONS.get(_NEGATED.get(name, name))
    if compare is None:
        raise TemplateError(f"conditions with {operator} are not followed here")
    return of_set, compare, name in _NEGATED, bool(if_exists)


def _holds(operator: str, key: str, wanted: Sequence[str], context: Context) -> bool:
    of_set, compare, negated, if_exists = _comparison(operator)
    given = context.get(key)
    if compare is None:
        return (given is None) is (wanted[0] == "true")
    if given is None:
        return if_exists or (of_set == "ForAllValues") or (negated and of_set is None)

    def matches(value: str) -> bool:
        return any(compare(value, each, context) for each in wanted) is not negated

    if of_set == "ForAllValues":
        return all(map(matches, given))
    if of_set == "ForAnyValue":
        return any(map(matches, given))
    return len(given) == 1 and matches(given[0])  # several need a set operator
