"""A job's output in CloudWatch Logs."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

if TYPE_CHECKING:
    from mypy_boto3_logs.client import CloudWatchLogsClient
    from mypy_boto3_logs.type_defs import InputLogEventTypeDef

GROUP = "/aws/braket/jobs"
_BATCH = 1000
_LONGEST = 200_000
"""Characters of a line; an event has at most 256 KiB."""


class LogStream:
    """One stream: `write` takes a line at once, `flush` sends what has come."""

    def __init__(self, client: CloudWatchLogsClient, name: str) -> None:
        self._client = client
        self._name = name
        self._pending: list[InputLogEventTypeDef] = []
        self._lock = threading.Lock()
        try:
            client.create_log_group(logGroupName=GROUP)
        except ClientError as error:  # client.exceptions are not safe to make in two threads
            if error.response["Error"]["Code"] != "ResourceAlreadyExistsException":
                raise
        client.create_log_stream(logGroupName=GROUP, logStreamName=name)

    def write(self, line: str) -> None:
        """Take a line; blank ones are left out, as CloudWatch has no empty events."""
        text = line.rstrip("\r\n")[:_LONGEST]
        if text.strip():
            with self._lock:
                self._pending.append({"timestamp": int(time.time() * 1000), "message": text})

    def flush(self) -> None:
        """Send the lines taken since the last call."""
        with self._lock:
            events, self._pending = self._pending, []
        for start in range(0, len(events), _BATCH):
            self._client.put_log_events(
                logGroupName=GROUP,
                logStreamName=self._name,
                logEvents=events[start : start + _BATCH],
            )
