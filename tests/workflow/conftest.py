"""States of the local stack that whole runs begin in, and leave as they were."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.stack import Stack
from tests.waiting import wait_less


@pytest.fixture
def quick_and_not_intercepted(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Executions that wait for a moment only; afterwards no job is in a queue."""
    wait_less(monkeypatch)
    yield
    stack.aws.braket.queue_seconds = 0
    stack.aws.braket.intercept = stack.aws.router.intercept = None


@pytest.fixture
def queued(stack: Stack) -> Iterator[None]:
    """Jobs that wait in the queue, and would run if nobody cancelled them."""
    stack.aws.braket.queue_seconds = 3600
    yield
    stack.aws.braket.queue_seconds = 0
    stack.aws.braket.intercept = stack.aws.router.intercept = None
