"""Announces the end of a run on the stack's SNS topic."""

from __future__ import annotations

import json
from typing import Any

from quantum_pipeline.aws.clients import client


def publish(topic_arn: str, run_id: str, status: str, details: dict[str, Any]) -> None:
    """Notify the topic's subscribers how a run ended."""
    client("sns").publish(
        TopicArn=topic_arn,
        Subject=f"Quantum Pipeline: {run_id} {status}"[:100],
        Message=json.dumps({"run_id": run_id, "status": status, **details}, indent=2),
        MessageAttributes={"status": {"DataType": "String", "StringValue": status}},
    )
