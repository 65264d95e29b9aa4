"""EventBridge: the events that Step Functions sends, delivered to the rules that wait for them."""

from __future__ import annotations

import json
import logging
import time
import uuid
from collections.abc import Iterable
from contextlib import suppress
from datetime import datetime
from typing import Any

from moto.events.models import Rule
from moto.events.utils import EventMessageType, EventTemplateParser

from quantum_pipeline.local.iam.authority import Authority
from quantum_pipeline.local.lambdas import Functions, UnknownFunction


def status_change(execution: Any) -> EventMessageType:
    """Return the event of an execution's end.

    Source: https://docs.aws.amazon.com/step-functions/latest/dg/eventbridge-integration.html
    """
    output = execution.output
    return {
        "version": "0",
        "id": str(uuid.uuid4()),
        "detail-type": "Step Functions Execution Status Change",
        "source": "aws.states",
        "account": execution.account_id,
        "time": execution.stop_date.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "region": execution.region_name,
        "resources": [execution.execution_arn],
        "detail": {
            "executionArn": execution.execution_arn,
            "stateMachineArn": execution.state_machine_arn,
            "name": execution.name,
            "status": execution.status,
            "startDate": _milliseconds(execution.start_date),
            "stopDate": _milliseconds(execution.stop_date),
            "input": execution.execution_input,
            "inputDetails": {"included": True},
            "output": None if output is None else json.dumps(output),
            "outputDetails": None if output is None else {"included": True},
            "error": execution.error,
            "cause": execution.cause,
        },
    }


_log = logging.getLogger(__name__)
EVENTBRIDGE = "events.amazonaws.com"


def deliver(
    event: EventMessageType, rules: Iterable[Rule], functions: Functions, authority: Authority
) -> None:
    """Invoke the functions that are targets of the rules matching an event, where they allow it."""
    for rule in rules:
        if rule.state == "ENABLED" and rule.event_pattern.matches_event(event):
            for target in rule.targets:
                with suppress(UnknownFunction):  # nothing but functions is a target here
                    _invoke(functions, authority, rule, target, event)


def _invoke(
    functions: Functions,
    authority: Authority,
    rule: Rule,
    target: dict[str, Any],
    event: EventMessageType,
) -> None:
    function = functions.find(target["Arn"])
    if authority.service_may(EVENTBRIDGE, "lambda:InvokeFunction", function.arn, rule.arn):
        functions.invoke_later(function.arn, _input(target, event).encode())
    else:  # on AWS the event lands in the target's queue
        _log.warning("%s may not be invoked by %s", function.name, rule.name)


def _input(target: dict[str, Any], event: EventMessageType) -> str:
    if "Input" in target:
        return str(target["Input"])
    if transformer := target.get("InputTransformer"):
        template, paths = transformer["InputTemplate"], transformer.get("InputPathsMap", {})
        arrived: EventMessageType = {**event, "ingestion-time": time.time()}
        return json.dumps(EventTemplateParser.parse(template, paths, arrived))
    return json.dumps(event)


def _milliseconds(when: datetime) -> int:
    return int(when.timestamp() * 1000)
