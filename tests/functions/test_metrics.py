"""Metrics in the log: one line for each set of dimensions, none for what is unknown."""

from __future__ import annotations

import json
from typing import Any

import pytest

from quantum_pipeline.aws.metrics import record


@pytest.fixture(autouse=True)
def stack(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POWERTOOLS_SERVICE_NAME", "a-stack")
    monkeypatch.setenv("POWERTOOLS_METRICS_NAMESPACE", "QuantumPipeline")


def lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_values_with_the_same_dimensions_are_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    record({"RunsSucceeded": 1, "Polls": 3, "CostRatio": None})
    (line,) = lines(capsys)
    assert (line["service"], line["RunsSucceeded"], line["Polls"]) == ("a-stack", [1.0], [3.0])
    assert "CostRatio" not in line


def test_a_metric_is_published_once_for_each_set_of_its_dimensions(
    capsys: pytest.CaptureFixture[str],
) -> None:
    record({"RunsFailed": 1}, ErrorName="JobFailed")
    directives = [line["_aws"]["CloudWatchMetrics"][0] for line in lines(capsys)]
    found = [set(dimensions) for each in directives for dimensions in each["Dimensions"]]
    assert found == [{"service"}, {"service", "ErrorName"}]


def test_what_is_unknown_alone_is_no_line(capsys: pytest.CaptureFixture[str]) -> None:
    record({"CostRatio": None})
    assert lines(capsys) == []


def test_a_metric_that_is_not_defined_is_refused() -> None:
    with pytest.raises(KeyError, match="RunsInvented"):
        record({"RunsInvented": 1})
