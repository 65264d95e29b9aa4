"""Progress of the job, as lines on stdout that Braket turns into metrics.

The line is the one of ``braket.jobs.metrics.log_metric``, to which a test holds it: importing the
SDK takes seconds, this job is often done in less.
"""

from __future__ import annotations

import time


def log_metric(name: str, value: float, iteration_number: int) -> None:
    """Print one value of a metric; flushed, so that progress is seen while the job runs."""
    print(
        f"Metrics - timestamp={time.time()}; {name}={value}; iteration_number={iteration_number};",
        flush=True,
    )
