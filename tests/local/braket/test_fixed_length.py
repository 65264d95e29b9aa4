"""Jobs of a fixed length, which compute nothing: their course, their output, and how they end."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from quantum_pipeline.local.braket.clients import Clients
from quantum_pipeline.local.braket.fixed_length import FixedLength
from tests.local.braket.server import BUCKET, Server, ended, service_of
from tests.waiting import wait_for

Make = Callable[..., dict[str, Any]]


def test_a_job_ends_so_long_after_its_creation_with_the_output_that_was_made(
    server: Server, job_request: Make
) -> None:
    now = 1_800_000_000.0
    runner = FixedLength(Clients(server.environment), 5.0, lambda job: job.name.encode())
    with service_of(server, runner=runner, clock=lambda: now) as service:
        server.service = service
        braket = server.braket()
        arn = braket.create_job(**job_request(name="fixed"))["jobArn"]
        wait_for(service._jobs.find(arn).ended.is_set)
        assert braket.get_job(jobArn=arn)["status"] == "RUNNING"
        now += 5
        job = braket.get_job(jobArn=arn)
    assert job["status"] == "COMPLETED"
    assert (job["endedAt"] - job["createdAt"]).total_seconds() == 5
    stored = server.s3.get_object(Bucket=BUCKET, Key="fixed/out/output/model.tar.gz")
    assert stored["Body"].read() == b"fixed"


def test_a_job_that_is_cancelled_is_no_success(server: Server, job_request: Make) -> None:
    go = threading.Event()

    def output(_: Any) -> bytes:
        go.wait()
        return b""

    with service_of(server, runner=FixedLength(Clients(server.environment), 60, output)) as service:
        server.service = service
        braket = server.braket()
        early, late = (
            braket.create_job(**job_request(name=name))["jobArn"] for name in ("early", "late")
        )
        braket.cancel_job(jobArn=early)  # before its output is stored
        go.set()
        wait_for(service._jobs.find(late).ended.is_set)
        braket.cancel_job(jobArn=late)  # its end is written already
        assert [ended(braket, arn)["status"] for arn in (early, late)] == ["CANCELLED"] * 2
