"""CloudWatch Logs for the functions' output, and metrics from lines in the embedded metric format.

Lines are taken at once and written in the background, so nobody waits for it.
Format: https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
"""

from __future__ import annotations

import json
import queue
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, NamedTuple


class _Line(NamedTuple):
    group: str
    stream: str
    time_ms: int
    text: str


class LogWriter:
    """Writes lines to moto's CloudWatch of one account and region."""

    def __init__(self, account: str, region: str) -> None:
        self._scope = account, region
        self._lines: queue.Queue[_Line | None] = queue.Queue()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin to write; lines that came before have waited. Needs moto to be imported."""
        self._thread = threading.Thread(target=self._write_all, name="logs", daemon=True)
        self._thread.start()

    def put(self, group: str, stream: str, text: str) -> None:
        """Take one line."""
        self._lines.put(_Line(group, stream, time.time_ns() // 1_000_000, text))

    def flush(self) -> None:
        """Return when every line taken so far is written."""
        self._lines.join()

    def close(self) -> None:
        """Write what is left, and stop."""
        self._lines.put(None)
        if self._thread is not None:
            self._thread.join()

    def _write_all(self) -> None:
        while (line := self._lines.get()) is not None:
            try:
                self._write(line)
            finally:
                self._lines.task_done()

    def _write(self, line: _Line) -> None:
        from moto.cloudwatch.models import cloudwatch_backends  # noqa: PLC0415
        from moto.logs.models import logs_backends  # noqa: PLC0415

        account, region = self._scope
        logs = logs_backends[account][region]
        if line.group not in logs.groups:
            logs.create_log_group(line.group, {})
        logs.ensure_log_stream(line.group, line.stream)
        if line.text:  # CloudWatch has no empty events
            event = {"timestamp": line.time_ms, "message": line.text}
            logs.put_log_events(line.group, line.stream, [event])
        for namespace, data in metric_data(line.text):
            cloudwatch_backends[account][region].put_metric_data(namespace, data)


def metric_data(line: str) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """Return namespace and data, as PutMetricData takes them, for each directive in a line.

    >>> line = '''{"_aws": {"Timestamp": 0, "CloudWatchMetrics": [{"Namespace": "N",
    ...     "Dimensions": [["service"]], "Metrics": [{"Name": "Polls", "Unit": "Count"}]}]},
    ...     "service": "s", "Polls": [3.0]}'''
    >>> ((namespace, (datum,)),) = metric_data(line)
    >>> namespace, datum["MetricName"], datum["Values"], datum["Dimensions"]
    ('N', 'Polls', [3.0], [{'Name': 'service', 'Value': 's'}])
    """
    if not line.startswith("{") or '"_aws"' not in line:
        return
    try:
        record = json.loads(line)
        when = datetime.fromtimestamp(record["_aws"]["Timestamp"] / 1000, UTC)
        when = when.replace(tzinfo=None)  # as moto keeps times
        for directive in record["_aws"]["CloudWatchMetrics"]:
            yield directive["Namespace"], list(_data(record, directive, when))
    except (ValueError, TypeError, KeyError):  # CloudWatch, too, keeps such a line as text
        return


def _data(
    record: dict[str, Any], directive: dict[str, Any], when: datetime
) -> Iterator[dict[str, Any]]:
    for dimensions in directive["Dimensions"]:
        for metric in directive["Metrics"]:
            value = record[metric["Name"]]
            yield {
                "MetricName": metric["Name"],
                "Values": value if isinstance(value, list) else [value],
                "Unit": metric.get("Unit", "None"),
                "Timestamp": when,
                "Dimensions": [{"Name": name, "Value": str(record[name])} for name in dimensions],
            }
