"""The metrics, defined once: name, unit and the dimensions they are published with.

They are written to the log in CloudWatch's embedded metric format, so that publishing one costs no
call. The dimension ``service``, the stack's name, is on all of them and keeps stacks apart.
"""

from __future__ import annotations

from dataclasses import dataclass

from aws_lambda_powertools.metrics import MetricUnit, single_metric


@dataclass(frozen=True)
class Metric:
    """Unit, and the sets of dimensions (besides ``service``) that the metric is published with."""

    unit: MetricUnit
    dimension_sets: tuple[tuple[str, ...], ...] = ((),)


METRICS = {
    "RunsStarted": Metric(MetricUnit.Count),
    "RunsSucceeded": Metric(MetricUnit.Count),
    "RunsFailed": Metric(MetricUnit.Count, ((), ("ErrorName",))),
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
    "ConvergenceRate": Metric(MetricUnit.NoUnit),
    "Efficiency": Metric(MetricUnit.NoUnit),
}


def record(name: str, value: float | None, **dimensions: str) -> None:
    """Publish a value, once for each of the metric's dimension sets; None is not published.

    Raises:
        KeyError: the metric is not defined, or one of its dimensions is not given.
    """
    metric = METRICS[name]
    if value is None:
        return
    for names in metric.dimension_sets:
        with single_metric(name=name, unit=metric.unit, value=value) as published:
            for dimension in names:
                published.add_dimension(name=dimension, value=dimensions[dimension])
