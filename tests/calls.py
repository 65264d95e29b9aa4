"""Calls of the local stack's functions, as they end, whoever makes them; any can be held up."""

from __future__ import annotations

import json
import threading
from collections import Counter

import pytest

from quantum_pipeline.local.runtime_api import Answer
from tests.stack import Stack
from tests.waiting import PATIENCE_SECONDS, wait_for


class Calls:
    """The functions' calls that have ended, whoever made them."""

    def __init__(self, stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
        self._ended: Counter[str] = Counter()
        self._began: Counter[str] = Counter()
        self._held: dict[str, threading.Event] = {}
        self._payloads: list[tuple[str, bytes]] = []
        functions = stack.aws.functions
        invoke = functions.invoke

        def noted(name: str, payload: bytes) -> Answer:
            function = functions.find(name).logical_id
            self._began[function] += 1
            if self._began[function] > 1 and function in self._held:
                assert self._held[function].wait(PATIENCE_SECONDS)
            try:
                return invoke(name, payload)
            finally:
                self._payloads.append((function, payload))
                self._ended[function] += 1

        monkeypatch.setattr(functions, "invoke", noted)

    def hold(self, name: str) -> threading.Event:
        """Let no call of a function but the first begin until the event is set."""
        return self._held.setdefault(f"{name}Function", threading.Event())

    @property
    def working(self) -> bool:
        """Whether a function is being called."""
        return self._began != self._ended

    def ended(self, name: str) -> int:
        """Return how many calls of a function have ended."""
        return self._ended[f"{name}Function"]

    def ended_for(self, name: str, run_id: str, since: int) -> bool:
        """Return whether a call of a function for a run has ended, after so many of any."""
        named = json.dumps(run_id).encode()
        ended = self._payloads[since:]
        return any(each == f"{name}Function" and named in payload for each, payload in ended)

    @property
    def all_ended(self) -> int:
        """How many calls of any function have ended."""
        return len(self._payloads)

    def wait_for_run(self, run_id: str, *names: str) -> None:
        """Return once a call of each function for a run has ended, whatever others end late."""
        wait_for(
            lambda: all(self.ended_for(name, run_id, 0) for name in names),
            told=lambda: self._payloads,
        )

    def wait_for(self, *names: str) -> None:
        """Return once there were that many calls, and each has ended."""
        wanted = Counter(f"{name}Function" for name in names)
        wait_for(lambda: self._ended >= wanted, told=lambda: self._ended)
