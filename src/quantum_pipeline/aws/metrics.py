"""Defines each metric once: its name, unit and dimensions.

They are written to the log in CloudWatch's embedded metric format, so that publishing one costs no
call. The dimension ``service``, the stack's name, is on all of them and keeps stacks apart.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from aws_lambda_powertools.metrics import Metrics, MetricUnit


@dataclass(frozen=True)
class Metric:
    """Unit, and the sets of dimensions (besides ``service``) that the metric is published with."""

    unit: MetricUnit
    dimension_sets: tuple[tuple[str, ...], ...] = ((),)


METRICS = {
    "RunsStarted": Metric(MetricUnit.Count),
    "RunsSucceeded": Metric(MetricUnit.Count),
    "RunsFailed": Metric(MetricUnit.Count, ((), ("ErrorName",))),
    "RunsSwept": Metric(MetricUnit.Count),
    "JobsSubmitted": Metric(MetricUnit.Count, (("DeviceType", "ProblemType"),)),
    "QueueSeconds": Metric(MetricUnit.Seconds),
    "JobSeconds": Metric(MetricUnit.Seconds),
    "Polls": Metric(MetricUnit.Count),
    "EstimatedCost": Metric(MetricUnit.NoUnit),
    "ActualCost": Metric(MetricUnit.NoUnit),
    "CostRatio": Metric(MetricUnit.NoUnit),
    "ApproximationRatio": Metric(MetricUnit.NoUnit),
    "ExpectedRatio": Metric(MetricUnit.NoUnit),
    "FinalEnergy": Metric(MetricUnit.NoUnit),
    "TestAccuracy": Metric(MetricUnit.NoUnit),
    "ConvergenceRate": Metric(MetricUnit.NoUnit),
    "Efficiency": Metric(MetricUnit.NoUnit),
}


def record(values: Mapping[str, float | None], **dimensions: str) -> None:
    """Publish values by their metrics' names, each dimension set of them as one line of the log.

    None is not published.

    Raises:
        KeyError: a metric is not defined, or one of its dimensions is not given.
    """
    known = {name: value for name, value in values.items() if value is not None}
    sets = dict.fromkeys(each for name in values for each in METRICS[name].dimension_sets)
    for names in sets:
        metrics = Metrics()
        for name, value in known.items():
            if names in METRICS[name].dimension_sets:
                metrics.add_metric(name=name, unit=METRICS[name].unit, value=value)
        if not metrics.metric_set:
            continue
        for dimension in names:
            metrics.add_dimension(name=dimension, value=dimensions[dimension])
        metrics.flush_metrics()
