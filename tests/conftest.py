"""What all tests share: how cases are generated, the option that runs on AWS, a local AWS."""

from __future__ import annotations

import gc
import json
import logging
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from quantum_pipeline.local import functions_python, lambdas
from quantum_pipeline.local.aws import LocalAws
from quantum_pipeline.local.bootstrap import LOOKED_FOR
from tests.stack import PARAMETERS, REQUEST, Stack, Subscriber, with_room

gc.disable()  # until all is imported: a third of that time would go into looking for garbage

os.environ.pop("COLUMNS", None)  # of pytest's own terminal, which its workers are given

logging.getLogger("moto").setLevel(logging.CRITICAL)  # it logs each failure that a test provokes


# Generated cases are the same in every run, and take the time they take.
settings.register_profile(
    "repeatable",
    max_examples=50,
    derandomize=True,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("repeatable")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--aws", action="store_true", help="also run tests that need an AWS account")


PROJECT = Path(__file__).resolve().parents[1]
UNDRAWN = "tests.undrawn"
"""The module that takes from functions what makes images of their figures."""

WHOLE_RUNS = ("workflow", "e2e", "functions", "faults", "local")
"""Folders whose files take longest. They go first, so that no worker waits for another's last."""


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: item.path.parent.name not in WHOLE_RUNS)
    if not config.getoption("--aws"):
        for item in items:
            if "aws" in item.keywords:
                item.add_marker(pytest.mark.skip(reason="needs an AWS account; run with --aws"))


def pytest_collection_finish() -> None:
    gc.freeze()  # what was imported stays: a collection of all generations need not look at it
    gc.set_threshold(*LOOKED_FOR)
    gc.enable()


@pytest.fixture(scope="module", autouse=True)
def clients_of_the_process() -> Iterator[None]:
    """What a process keeps of AWS: credentials and clients, which are those of one server alone."""
    yield
    if "boto3" in sys.modules:
        sys.modules["boto3"].DEFAULT_SESSION = None  # type: ignore[attr-defined]
    if "quantum_pipeline.aws.clients" in sys.modules:
        sys.modules["quantum_pipeline.aws.clients"].client.cache_clear()


@pytest.fixture(scope="module", autouse=True)
def functions_draw_nothing(request: pytest.FixtureRequest) -> Iterator[None]:
    """Functions of a stack that is not the first of its process leave images blank.

    A file whose tests look at them says ``DRAWN = True``; of `qpipe` all are drawn.
    """
    with pytest.MonkeyPatch.context() as patch:
        if not getattr(request.module, "DRAWN", False):
            starts_with = functions_python.STARTS_WITH | {"PYTHONPATH": str(PROJECT)}
            patch.setattr(lambdas, "STARTS_WITH", starts_with)
            patch.setattr(lambdas, "MORE_IMPORTS", (*lambdas.MORE_IMPORTS, UNDRAWN))
        yield


@pytest.fixture(scope="module")
def stack() -> Iterator[Stack]:
    """The deployed stack, on this machine."""
    with LocalAws(parameters=PARAMETERS, braket=with_room) as aws:
        yield Stack(aws)
    assert not aws.authority.refused  # but for what a test provoked, and took out


@pytest.fixture(scope="module")
def told(stack: Stack) -> Callable[[], list[dict[str, Any]]]:
    """A function that returns what the topic's subscribers were told since it was last called."""
    return Subscriber(stack)


@pytest.fixture
def request_data() -> dict[str, Any]:
    """A request, to be changed at will."""
    copy: dict[str, Any] = json.loads(json.dumps(REQUEST))
    return copy
