"""Announces on the stack's topic the end of a run or a study, and that a budget is nearly spent."""

from __future__ import annotations

import json
from typing import Any

from quantum_pipeline.aws.clients import client

BUDGET = "BUDGET"
"""The status of a message that is of no run, but of a month's budget."""


def publish(topic_arn: str, run_id: str, status: str, details: dict[str, Any]) -> None:
    """Notify the topic's subscribers how a run ended."""
    _publish(topic_arn, f"{run_id} {status}", {"run_id": run_id, "status": status, **details})


def publish_study(topic_arn: str, study: str, status: str, details: dict[str, Any]) -> None:
    """Notify the topic's subscribers how an execution of a study ended."""
    _publish(topic_arn, f"study {study} {status}", {"study": study, "status": status, **details})


def warn_of_budget(topic_arn: str, month: str, counted_usd: float, budget_usd: float) -> None:
    """Notify the topic's subscribers that most of a month's budget is spent or reserved."""
    _publish(
        topic_arn,
        f"{counted_usd / budget_usd:.0%} of the budget of {month}",
        {
            "month": month,
            "status": BUDGET,
            "counted_usd": counted_usd,
            "monthly_budget_usd": budget_usd,
        },
    )


def _publish(topic_arn: str, subject: str, message: dict[str, Any]) -> None:
    client("sns").publish(
        TopicArn=topic_arn,
        Subject=f"Quantum Pipeline: {subject}"[:100],
        Message=json.dumps(message, indent=2),
        MessageAttributes={"status": {"DataType": "String", "StringValue": message["status"]}},
    )
