"""Calls of the local stack's functions, as they end, whoever makes them; any can be held up."""

from __future__ import annotations

import json
import threading
from collections import Counter
from itertools import count

import pytest

from quantum_pipeline.local.runtime_api import Answer
from tests.stack import Stack
from tests.waiting import PATIENCE_SECONDS, wait_for


class Calls:
    """The functions' calls that have ended, whoever made them."""

    def __init__(self, stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
        self._payloads: list[tuple[str, bytes]] = []
        self._held: dict[str, tuple[bytes, count[int], threading.Event]] = {}
        self._lock = threading.Lock()  # held to change what follows
        self._working = 0
        functions = stack.aws.functions
        invoke = functions.invoke

        def noted(name: str, payload: bytes) -> Answer:
            function = functions.find(name).logical_id
            self._count(1)
            try:
                self._wait_where_held(function, payload)
                answer = invoke(name, payload)
                self._payloads.append((function, payload))
                return answer
            finally:
                self._count(-1)

        monkeypatch.setattr(functions, "invoke", noted)

    def _count(self, change: int) -> None:
        with self._lock:
            self._working += change

    def hold(self, name: str, run_id: str) -> threading.Event:
        """Let no call of a function for a run but the first begin until the event is set."""
        go = threading.Event()
        self._held[f"{name}Function"] = (_named(run_id), count(), go)
        return go

    def _wait_where_held(self, function: str, payload: bytes) -> None:
        if function in self._held:
            named, calls, go = self._held[function]
            assert named not in payload or next(calls) == 0 or go.wait(PATIENCE_SECONDS)

    @property
    def working(self) -> bool:
        """Whether a function is being called."""
        return self._working > 0

    @property
    def all_ended(self) -> int:
        """How many calls of any function have ended."""
        return len(self._payloads)

    def ended_for(self, name: str, run_id: str, since: int) -> bool:
        """Return whether a call of a function for a run has ended, after so many of any."""
        return (f"{name}Function", True) in (
            (function, _named(run_id) in payload) for function, payload in self._payloads[since:]
        )

    def wait_for_run(self, run_id: str, *names: str) -> None:
        """Return once so many calls of functions for a run have ended, whatever others end late."""
        wanted, named = Counter(f"{name}Function" for name in names), _named(run_id)

        def come() -> bool:
            return Counter(each for each, payload in self._payloads if named in payload) >= wanted

        wait_for(come, told=lambda: self._payloads)


def _named(run_id: str) -> bytes:
    """Return what stands in the payloads of a run."""
    return json.dumps(run_id).encode()
