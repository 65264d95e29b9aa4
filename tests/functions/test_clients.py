"""A service that does not answer is an error of ours before the function's own time-out."""

from __future__ import annotations

from typing import Any

from quantum_pipeline.aws.clients import CONFIG
from quantum_pipeline.local.aws import read_stack


def test_a_call_that_is_never_answered_ends_before_every_functions_time_out() -> None:
    config: Any = CONFIG
    attempts = config.retries["total_max_attempts"]
    # A retry waits up to 20 seconds at the most, one second before the first.
    worst = attempts * (config.connect_timeout + config.read_timeout) + (attempts - 1) * 1
    assert worst < min(function.timeout_seconds for function in read_stack().functions)
