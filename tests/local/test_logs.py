"""What functions print, as metrics and as logs."""

from __future__ import annotations

import json
from typing import Any

import pytest

from quantum_pipeline.local.logs import metric_data

RECORD: dict[str, Any] = {
    "_aws": {
        "Timestamp": 1_700_000_000_000,
        "CloudWatchMetrics": [
            {
                "Namespace": "QuantumPipeline",
                "Dimensions": [["service"], ["service", "ErrorName"]],
                "Metrics": [{"Name": "RunsFailed", "Unit": "Count"}, {"Name": "Ratio"}],
            }
        ],
    },
    "service": "qp",
    "ErrorName": "JobFailed",
    "RunsFailed": [1.0, 1.0],
    "Ratio": 0.75,
}


def test_each_metric_is_given_under_each_set_of_dimensions() -> None:
    ((namespace, data),) = metric_data(json.dumps(RECORD))
    assert namespace == "QuantumPipeline"
    found = [(d["MetricName"], d["Values"], d["Unit"], len(d["Dimensions"])) for d in data]
    assert found == [
        ("RunsFailed", [1.0, 1.0], "Count", 1),
        ("Ratio", [0.75], "None", 1),
        ("RunsFailed", [1.0, 1.0], "Count", 2),
        ("Ratio", [0.75], "None", 2),
    ]
    assert data[2]["Dimensions"][1] == {"Name": "ErrorName", "Value": "JobFailed"}
    assert data[0]["Timestamp"].isoformat() == "2023-11-14T22:13:20"


@pytest.mark.parametrize(
    "line",
    [
        "",
        "plain text",
        '{"level": "INFO"}',
        '{"_aws": "broken',
        '{"_aws": {}}',
        json.dumps({**RECORD, "_aws": {**RECORD["_aws"], "Timestamp": "now"}}),
        json.dumps({key: value for key, value in RECORD.items() if key != "Ratio"}),
    ],
)
def test_a_line_that_is_no_metric_gives_none(line: str) -> None:
    assert list(metric_data(line)) == []
