"""Waiting for what must come, on a machine of any speed: only what would never come ends a test."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, TypeVar

import pytest

T = TypeVar("T")

PATIENCE_SECONDS = 300.0
"""Many times what a busy machine takes: whoever waits in vain so long has found something."""


def wait_for(condition: Callable[[], T | None], told: Callable[[], object] = str) -> T:
    """Return the condition's first true value; where none comes, fail with what is ``told``."""
    deadline, pause = time.monotonic() + PATIENCE_SECONDS, 0.01
    while not (value := condition()):
        assert time.monotonic() < deadline, f"not within {PATIENCE_SECONDS:.0f} s: {told()}"
        time.sleep(pause)
        pause = min(0.1, 1.2 * pause)  # what waits long need not be looked at so often
    return value


def wait_less(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let executions wait for a fifth of a second at most between two looks."""
    from moto.stepfunctions.parser.asl.component.state.wait.wait_function.wait_function import (
        WaitFunction,
    )

    def wait(_: WaitFunction, *, env: Any, wait_seconds: int) -> None:
        time.sleep(min(0.2, wait_seconds))

    monkeypatch.setattr(WaitFunction, "_wait_interval", wait)
