"""A plugin of pytest that writes down what IAM on this machine decided in each test.

    pytest -p scripts.iam_recorder --iam-verdicts FILE

One line of JSON a verdict: test, principal, action, resource, values of condition keys, allowed.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from quantum_pipeline.local.iam.authority import Authority, Verdict


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option that names the file."""
    parser.addoption("--iam-verdicts", type=Path, required=True, help="where verdicts are written")


class Recorder:
    """Writes each verdict of each test once."""

    def __init__(self, file: Path) -> None:
        """Begin an empty file."""
        file.parent.mkdir(parents=True, exist_ok=True)
        self._file = file.open("w", encoding="utf-8")
        self._test = ""
        self._seen: set[str] = set()
        self._lock = threading.Lock()  # verdicts come from the server's threads

    def __call__(self, verdict: Verdict) -> None:
        """Take a verdict."""
        asked = verdict.asked
        context = {name: list(values) for name, values in asked.context.items()}
        with self._lock:
            told = [self._test, verdict.principal, asked.action, asked.resource, context]
            line = json.dumps([*told, verdict.allowed])
            if line not in self._seen:
                self._seen.add(line)
                print(line, file=self._file, flush=True)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Iterator[None]:
        """Know which test runs."""
        self._test = item.nodeid
        return (yield)

    def pytest_unconfigure(self) -> None:
        """Close the file."""
        Authority.observers.remove(self)
        self._file.close()


def pytest_configure(config: pytest.Config) -> None:
    """Begin to listen."""
    recorder = Recorder(config.getoption("--iam-verdicts"))
    config.pluginmanager.register(recorder)
    Authority.observers.append(recorder)
