"""Announces on the stack's SNS topic that a run has ended, and that a budget is nearly spent."""

from __future__ import annotations

import json
from typing import Any

from quantum_pipeline.aws.clients import client

BUDGET = "BUDGET"
"""The status of a message that is of no run, but of a month's budget."""


def publish(topic_arn: str, run_id: str, status: str, details: dict[str, Any]) -> None:
    """Notify the topic's subscribers how a run ended."""
    client("sns").publish(
        TopicArn=topic_arn,
        Subject=f"Quantum Pipeline: {run_id} {status}"[:100],
        Message=json.dumps({"run_id": run_id, "status": status, **details}, indent=2),
        MessageAttributes={"status": {"DataType": "String", "StringValue": status}},
    )


def warn_of_budget(topic_arn: str, month: str, counted_usd: float, budget_usd: float) -> None:
    """Notify the topic's subscribers that most of a month's budget is spent or reserved."""
    client("sns").publish(
        TopicArn=topic_arn,
        Subject=f"Quantum Pipeline: {counted_usd / budget_usd:.0%} of the budget of {month}",
        Message=json.dumps(
            {
                "month": month,
                "status": BUDGET,
                "counted_usd": counted_usd,
                "monthly_budget_usd": budget_usd,
            },
            indent=2,
        ),
        MessageAttributes={"status": {"DataType": "String", "StringValue": BUDGET}},
    )
