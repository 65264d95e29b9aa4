"""Reads template.yaml: the one source of names, code and settings for the local AWS.

Only what this machine needs is read: functions, state machines, buckets, tables, topics, rules and
schedules of EventBridge, spending limits, policies and outputs. Alarms, dashboard, logging and
tracing mean nothing here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from quantum_pipeline.local.iam.roles import Policies, role_of
from quantum_pipeline.local.iam.roles import read as read_policies
from quantum_pipeline.local.intrinsics import Intrinsics, TemplateError, read_template


@dataclass(frozen=True)
class Function:
    """One Lambda function."""

    logical_id: str
    name: str
    arn: str
    runtime: str
    handler: str
    code_folder: Path
    timeout_seconds: float
    memory_mb: int
    environment: Mapping[str, str]
    log_group: str
    event_retries: int  # of an asynchronous invocation
    role_arn: str
    reserved_concurrency: int | None = None  # calls at once; None: what the account has left


@dataclass(frozen=True)
class StateMachine:
    """One state machine, with its definition's substitutions made."""

    name: str
    arn: str
    definition: str
    role_arn: str


@dataclass(frozen=True)
class Rule:
    """One rule on EventBridge's default bus."""

    name: str
    pattern: Mapping[str, Any]
    enabled: bool
    targets: list[dict[str, Any]]


@dataclass(frozen=True)
class Schedule:
    """One schedule of EventBridge Scheduler, and the function that it calls."""

    every_seconds: float
    function_arn: str
    payload: str
    role_arn: str
    arn: str


@dataclass(frozen=True)
class Stack:
    """A template, resolved for one stack."""

    name: str
    region: str
    account: str
    functions: tuple[Function, ...]
    state_machines: tuple[StateMachine, ...]
    buckets: tuple[str, ...]
    tables: tuple[Mapping[str, Any], ...]
    topics: tuple[str, ...]
    rules: tuple[Rule, ...]
    schedules: tuple[Schedule, ...]
    spending_limits: tuple[Mapping[str, Any], ...]
    policies: Policies
    outputs: Mapping[str, str]

    @classmethod
    def read(
        cls,
        path: Path,
        *,
        name: str,
        region: str,
        account: str,
        parameters: Mapping[str, str] | None = None,
    ) -> Stack:
        """Return the stack that a template file describes.

        Args:
            path: the template; files that it names are found from its folder.
            parameters: values in place of the template's defaults, as --parameter-overrides gives.

        Raises:
            TemplateError: a name, a parameter or an intrinsic function is not known.
        """
        template = read_template(path)
        intrinsics = Intrinsics(
            template, parameters or {}, stack_name=name, region=region, account=account
        )
        reader = _Reader(template, intrinsics, path.parent)
        return cls(
            name=name,
            region=region,
            account=account,
            functions=tuple(map(reader.function, reader.of_type("AWS::Serverless::Function"))),
            state_machines=tuple(
                map(reader.state_machine, reader.of_type("AWS::Serverless::StateMachine"))
            ),
            buckets=tuple(map(intrinsics.name, reader.of_type("AWS::S3::Bucket"))),
            tables=tuple(map(reader.table, reader.of_type("AWS::DynamoDB::Table"))),
            topics=tuple(map(intrinsics.name, reader.of_type("AWS::SNS::Topic"))),
            rules=tuple(map(reader.rule, reader.of_type("AWS::Events::Rule"))),
            schedules=tuple(map(reader.schedule, reader.of_type("AWS::Scheduler::Schedule"))),
            spending_limits=tuple(
                map(reader.spending_limit, reader.of_type("AWS::Braket::SpendingLimit"))
            ),
            policies=read_policies(reader.resources(), intrinsics),
            outputs=reader.outputs(),
        )


class _Reader:
    def __init__(self, template: dict[str, Any], intrinsics: Intrinsics, folder: Path) -> None:
        self._template = template
        self._intrinsics = intrinsics
        self._folder = folder

    def of_type(self, kind: str) -> Iterator[str]:
        for logical_id, body in self.resources().items():
            if body["Type"] == kind:
                yield logical_id

    def resources(self) -> dict[str, Any]:
        return {
            logical_id: body
            for logical_id, body in self._template["Resources"].items()
            if self._exists(body)
        }

    def _exists(self, body: Mapping[str, Any]) -> bool:
        return "Condition" not in body or self._intrinsics.holds(body["Condition"])

    def _properties(self, logical_id: str) -> dict[str, Any]:
        properties: dict[str, Any] = self._template["Resources"][logical_id].get("Properties", {})
        return properties

    def function(self, logical_id: str) -> Function:
        shared = self._template.get("Globals", {}).get("Function", {})
        own = self._properties(logical_id)
        properties = {**shared, **own}
        if "Events" in properties:
            raise TemplateError(
                f"{logical_id}: Events are not followed here, only AWS::Events::Rule"
            )
        environment = {
            name: value
            for source in (shared, own)
            for name, value in source.get("Environment", {}).get("Variables", {}).items()
        }
        resolve = self._intrinsics.resolve
        name = self._intrinsics.name(logical_id)
        logging = resolve(properties.get("LoggingConfig", {}))
        reserved = resolve({"it": properties.get("ReservedConcurrentExecutions")}).get("it")
        return Function(
            logical_id=logical_id,
            name=name,
            arn=self._intrinsics.arn(logical_id),
            runtime=resolve(properties["Runtime"]),
            handler=resolve(properties["Handler"]),
            code_folder=self._folder / resolve(properties["CodeUri"]),
            timeout_seconds=float(resolve(properties.get("Timeout", 3))),
            memory_mb=int(resolve(properties.get("MemorySize", 128))),
            environment={name: str(value) for name, value in resolve(environment).items()},
            log_group=logging.get("LogGroup", f"/aws/lambda/{name}"),
            event_retries=properties.get("EventInvokeConfig", {}).get("MaximumRetryAttempts", 2),
            role_arn=role_of(logical_id, properties, self._intrinsics),
            reserved_concurrency=None if reserved is None else int(reserved),
        )

    def state_machine(self, logical_id: str) -> StateMachine:
        properties = self._properties(logical_id)
        path = self._folder / properties["DefinitionUri"]
        substitutions = self._intrinsics.resolve(properties.get("DefinitionSubstitutions", {}))

        def value(match: re.Match[str]) -> str:
            if match[1] not in substitutions:
                raise TemplateError(f"{path.name}: nothing is substituted for {match[0]}")
            return str(substitutions[match[1]])

        name = self._intrinsics.name(logical_id)
        return StateMachine(
            name=name,
            arn=self._intrinsics.arn(logical_id),
            definition=re.sub(r"\$\{([^}]+)\}", value, path.read_text(encoding="utf-8")),
            role_arn=role_of(logical_id, properties, self._intrinsics),
        )

    def table(self, logical_id: str) -> dict[str, Any]:
        """Return the parameters of CreateTable, as far as they change what is answered."""
        properties = self._intrinsics.resolve(self._properties(logical_id))
        shape = ("AttributeDefinitions", "KeySchema", "BillingMode", "GlobalSecondaryIndexes")
        given = {name: properties[name] for name in shape if name in properties}
        return {"TableName": self._intrinsics.name(logical_id), **given}

    def rule(self, logical_id: str) -> Rule:
        properties = self._intrinsics.resolve(self._properties(logical_id))
        if "EventPattern" not in properties or "EventBusName" in properties:
            raise TemplateError(f"{logical_id}: only patterns on the default bus are followed here")
        return Rule(
            name=self._intrinsics.name(logical_id),
            pattern=properties["EventPattern"],
            enabled=properties.get("State", "ENABLED") == "ENABLED",
            targets=properties.get("Targets", []),
        )

    def schedule(self, logical_id: str) -> Schedule:
        properties = self._intrinsics.resolve(self._properties(logical_id))
        rate = re.fullmatch(r"rate\((\d+) minutes\)", properties["ScheduleExpression"])
        if rate is None:
            raise TemplateError(f"{logical_id}: only rates in minutes are followed here")
        target = properties["Target"]
        return Schedule(
            60.0 * int(rate[1]),
            target["Arn"],
            target.get("Input", "{}"),
            target["RoleArn"],
            self._intrinsics.arn(logical_id),
        )

    def spending_limit(self, logical_id: str) -> dict[str, Any]:
        """Return the parameters of CreateSpendingLimit."""
        properties = self._intrinsics.resolve(self._properties(logical_id))
        return {name[0].lower() + name[1:]: value for name, value in properties.items()}

    def outputs(self) -> dict[str, str]:
        return {
            name: self._intrinsics.resolve(body["Value"])
            for name, body in self._template.get("Outputs", {}).items()
            if self._exists(body)
        }
