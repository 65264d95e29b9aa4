"""Makes the ARNs of the resources that the service creates."""

from __future__ import annotations

import uuid

ACCOUNT = "123456789012"
"""The account that moto plays."""


def new_arn(kind: str, region: str) -> str:
    """Return the ARN of a new resource: a job, quantum-task or spending-limit."""
    return f"arn:aws:braket:{region}:{ACCOUNT}:{kind}/{uuid.uuid4()}"
