"""Progress of the job as lines on stdout: metrics, which Braket makes of them, and phases.

The line of a metric is the one of ``braket.jobs.metrics.log_metric``, to which a test holds it:
importing the SDK takes seconds, this job is often done in less.
"""

from __future__ import annotations

import time

from quantum_pipeline.progress import Phase, PhaseReached


def log_metric(name: str, value: float, iteration_number: int) -> None:
    """Print one value of a metric; flushed, so that progress is seen while the job runs."""
    print(
        f"Metrics - timestamp={time.time()}; {name}={value}; iteration_number={iteration_number};",
        flush=True,
    )


def log_phase(phase: Phase, done: int = 0, of: int = 0) -> None:
    """Print what the job does now, and how much of it is done."""
    print(PhaseReached(phase, done, of).line, flush=True)
