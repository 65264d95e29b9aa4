"""Braket on this machine, as a job in its container reaches it."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache, partial

import botocore.session
import pytest
from botocore.retries.standard import ExponentialBackoff

from hybrid_job import job
from hybrid_job.on_device import cancelling, executor, spending, waiting
from hybrid_job.on_device.compilation import circuits, placing, plans, qaoa
from hybrid_job.on_device.compilation.reference import best_transpiled
from tests.clock import Clock, clock_of
from tests.job import braket_job
from tests.job.braket_job import enter
from tests.job.several_devices import EMERALD
from tests.local.braket.server import Server


@pytest.fixture(scope="session", autouse=True)
def services_read_once() -> Iterator[None]:
    """What botocore reads of services, megabytes for each session, of which each executor has one.

    No session changes what it has read.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(botocore.session, "create_loader", cache(botocore.session.create_loader))
        yield


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    server = Server(tmp_path_factory.mktemp("braket"))
    yield server
    server.close()


@pytest.fixture
def braket(server: Server, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    """The server, named in the environment of this process as in that of the job's container."""
    enter(monkeypatch, server)
    yield server
    server.service.intercept = None


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the SDKs attempt again without the pause that they make."""
    monkeypatch.setattr(ExponentialBackoff, "delay_amount", lambda *_: 0.0)
    monkeypatch.setattr("backoff._sync._next_wait", lambda *_: 0.0)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """What a job on a device has as its time: it passes while the job pauses, and takes none."""
    return clock_of(monkeypatch, job, executor, spending, waiting, cancelling, braket_job)


@pytest.fixture
def braket_on(braket: Server) -> Iterator[Server]:
    """Braket with Garnet and Emerald there, whatever a test does to them."""
    yield braket
    braket.service.devices.set(EMERALD, status="ONLINE")


@pytest.fixture
def few_tries(monkeypatch: pytest.MonkeyPatch) -> None:
    """Compile the better of few circuits, for a test that any of them is right for."""
    monkeypatch.setattr(placing, "MOVES_PER_VARIABLE", 40)
    monkeypatch.setattr(plans, "_by_size", lambda _n, _small, large: large)
    monkeypatch.setattr(qaoa, "best_transpiled", partial(best_transpiled, tries=1))
    monkeypatch.setattr(circuits, "TRIES", 2)
