"""Evaluates CloudFormation's intrinsic functions, as far as this project's template uses them.

A template is read into plain dictionaries (`!Sub x` becomes `{"Fn::Sub": x}`) and resolved piece by
piece, so what local AWS has no use for may use any function. Names and ARNs of resources are made
up the way CloudFormation does, without its random suffix.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import yaml

# The C loader reads the template ten times faster; some builds of PyYAML lack it.
_BaseLoader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

_REMOVED = object()  # what AWS::NoValue resolves to


class TemplateError(ValueError):
    """The template cannot be resolved: a name is unknown, or a function not supported here."""


class _ResourceType(NamedTuple):
    name_property: str
    arn: str  # with {name}, and {scope} for region:account
    ref: str = "{name}"  # what Ref gives


_RESOURCE_TYPES = {
    "AWS::Serverless::Function": _ResourceType("FunctionName", "lambda:{scope}:function:{name}"),
    "AWS::Serverless::StateMachine": _ResourceType(
        "Name", "states:{scope}:stateMachine:{name}", "{arn}"
    ),
    "AWS::S3::Bucket": _ResourceType("BucketName", "s3:::{name}"),
    "AWS::DynamoDB::Table": _ResourceType("TableName", "dynamodb:{scope}:table/{name}"),
    "AWS::SNS::Topic": _ResourceType("TopicName", "sns:{scope}:{name}", "{arn}"),
    "AWS::SQS::Queue": _ResourceType("QueueName", "sqs:{scope}:{name}"),
    "AWS::IAM::Role": _ResourceType("RoleName", "iam::{account}:role/{name}"),
    "AWS::Logs::LogGroup": _ResourceType("LogGroupName", "logs:{scope}:log-group:{name}:*"),
    "AWS::Events::Rule": _ResourceType("Name", "events:{scope}:rule/{name}"),
    "AWS::Scheduler::Schedule": _ResourceType("Name", "scheduler:{scope}:schedule/default/{name}"),
    "AWS::CloudWatch::Dashboard": _ResourceType(
        "DashboardName", "cloudwatch::{account}:dashboard/{name}"
    ),
}


class _Loader(_BaseLoader):  # type: ignore[misc]
    """YAML with CloudFormation's short tags."""


def _construct_tag(loader: Any, suffix: str, node: yaml.Node) -> dict[str, Any]:
    value: Any
    if isinstance(node, yaml.ScalarNode):
        value = loader.construct_scalar(node)
        if suffix == "GetAtt":
            value = value.split(".", 1)
    elif isinstance(node, yaml.SequenceNode):
        value = loader.construct_sequence(node, deep=True)
    else:
        value = loader.construct_mapping(node, deep=True)
    return {suffix if suffix in ("Ref", "Condition") else f"Fn::{suffix}": value}


_Loader.add_multi_constructor("!", _construct_tag)


def read_template(path: Path) -> dict[str, Any]:
    """Return a template with its short tags written out: ``!Ref X`` is ``{"Ref": "X"}``."""
    template = yaml.load(path.read_text(encoding="utf-8"), Loader=_Loader)
    if not isinstance(template, dict) or "Resources" not in template:
        raise TemplateError(f"{path}: not a template, it has no Resources")
    return template


def _text(value: Any) -> str:
    """Return a scalar as CloudFormation passes it on: always a string."""
    return str(value).lower() if isinstance(value, bool) else str(value)


class Intrinsics:
    """Resolves the parts of one template for one stack."""

    def __init__(
        self,
        template: Mapping[str, Any],
        parameters: Mapping[str, str],
        *,
        stack_name: str,
        region: str,
        account: str,
    ) -> None:
        self._template = template
        self._stack_name = stack_name
        self._scope = {"scope": f"{region}:{account}", "account": account}
        # Fixed, so that a stack's names are the same each time.
        stack_id = f"stack/{stack_name}/6f2c1d5e-0000-4000-8000-{account}"
        self._values: dict[str, Any] = {
            "AWS::AccountId": account,
            "AWS::NoValue": _REMOVED,
            "AWS::Partition": "aws",
            "AWS::Region": region,
            "AWS::StackId": f"arn:aws:cloudformation:{region}:{account}:{stack_id}",
            "AWS::StackName": stack_name,
            "AWS::URLSuffix": "amazonaws.com",
            **self._parameters(parameters),
        }

    def _parameters(self, overrides: Mapping[str, str]) -> dict[str, str]:
        declared = self._template.get("Parameters", {})
        if unknown := sorted(overrides.keys() - declared.keys()):
            raise TemplateError(f"no such parameter: {', '.join(unknown)}")
        values = {name: body["Default"] for name, body in declared.items() if "Default" in body}
        values |= overrides
        if missing := sorted(declared.keys() - values.keys()):
            raise TemplateError(f"parameter without a value: {', '.join(missing)}")
        return {name: _text(value) for name, value in values.items()}

    def resolve(self, node: Any) -> Any:
        """Return ``node`` with every intrinsic function in it replaced by its value."""
        if isinstance(node, list):
            return [value for item in node if (value := self.resolve(item)) is not _REMOVED]
        if not isinstance(node, dict):
            return node
        if len(node) == 1:
            (function, argument), *_ = node.items()
            if function == "Ref":
                return self.ref(argument)
            if function.startswith("Fn::"):
                return self._call(function, argument)
        resolved = {key: self.resolve(value) for key, value in node.items()}
        return {key: value for key, value in resolved.items() if value is not _REMOVED}

    def ref(self, name: str) -> Any:
        """Return what ``!Ref name`` gives: a parameter's value or a resource's identifier."""
        if name in self._values:
            return self._values[name]
        kind, physical = self._resource(name)
        return kind.ref.format(name=physical, arn=self.arn(name))

    def name(self, logical_id: str) -> str:
        """Return the name of a resource."""
        return self._resource(logical_id)[1]

    def arn(self, logical_id: str) -> str:
        """Return the ARN of a resource."""
        kind, physical = self._resource(logical_id)
        return "arn:aws:" + kind.arn.format(name=physical, **self._scope)

    def holds(self, condition: str) -> bool:
        """Return whether a condition of the template is true."""
        try:
            node = self._template.get("Conditions", {})[condition]
        except KeyError:
            raise TemplateError(f"no such condition: {condition}") from None
        return self._test(node)

    def _resource(self, logical_id: str) -> tuple[_ResourceType, str]:
        body = self._template["Resources"].get(logical_id)
        if body is None:
            raise TemplateError(f"no such parameter or resource: {logical_id}")
        kind = _RESOURCE_TYPES.get(body["Type"])
        if kind is None:
            raise TemplateError(f"{logical_id}: {body['Type']} has no name or ARN here")
        name = self.resolve(body.get("Properties", {}).get(kind.name_property))
        if name is None:
            name = f"{self._stack_name}-{logical_id}"
            name = name.lower() if body["Type"] == "AWS::S3::Bucket" else name
        return kind, name

    def _call(self, function: str, argument: Any) -> Any:
        match function:
            case "Fn::GetAtt":
                return self._get_att(*argument)
            case "Fn::Sub":
                return self._sub(argument)
            case "Fn::Join":
                separator, items = argument
                return separator.join(map(_text, self.resolve(items)))
            case "Fn::Split":
                separator, text = argument
                return self.resolve(text).split(separator)
            case "Fn::Select":
                index, items = argument
                return self.resolve(items)[int(self.resolve(index))]
            case "Fn::If":
                condition, yes, no = argument
                return self.resolve(yes if self.holds(condition) else no)
        raise TemplateError(f"{function} is not supported here: {argument!r}")

    def _get_att(self, logical_id: str, attribute: str) -> str:
        if attribute == "Arn":
            return self.arn(logical_id)
        if attribute in ("Name", "TopicName", "QueueName"):
            return self.name(logical_id)
        raise TemplateError(f"attribute {attribute} of {logical_id} is not known here")

    def _sub(self, argument: str | list[Any]) -> str:
        text, variables = (argument, {}) if isinstance(argument, str) else argument

        def value(match: re.Match[str]) -> str:
            name = match[1]
            if name.startswith("!"):  # ${!Literal}
                return f"${{{name[1:]}}}"
            if name in variables:
                return _text(self.resolve(variables[name]))
            logical_id, _, attribute = name.partition(".")
            return _text(self._get_att(logical_id, attribute) if attribute else self.ref(name))

        return re.sub(r"\$\{([^}]+)\}", value, text)

    def _test(self, node: Any) -> bool:
        (function, argument), *_ = node.items()
        match function:
            case "Condition":
                return self.holds(argument)
            case "Fn::Equals":
                left, right = self.resolve(argument)
                return _text(left) == _text(right)
            case "Fn::Not":
                return not self._test(argument[0])
            case "Fn::And":
                return all(map(self._test, argument))
            case "Fn::Or":
                return any(map(self._test, argument))
        raise TemplateError(f"{function} is not supported in conditions here: {argument!r}")
