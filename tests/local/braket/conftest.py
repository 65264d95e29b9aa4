"""Braket on this machine: one service a module, and what its tests ask it by."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import boto3
import pytest
from braket.aws import AwsSession

from quantum_pipeline.local.braket import BraketService
from tests.local.braket.server import BUCKET, ROLE, Server, service_of, tarball


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    server = Server(tmp_path_factory.mktemp("jobs"))
    yield server
    server.close()


@pytest.fixture(scope="module")
def service(server: Server) -> Iterator[BraketService]:
    """One service, and so one worker, for this module."""
    with service_of(server) as service:
        yield service


@pytest.fixture
def braket(server: Server, service: BraketService) -> Any:
    server.service = service
    return server.braket()


@pytest.fixture
def session(server: Server, braket: Any, monkeypatch: pytest.MonkeyPatch) -> AwsSession:
    """A session of the SDK that finds the server as any program would: by the environment."""
    for name, value in server.environment().items():
        monkeypatch.setenv(name, value)
    return AwsSession(boto3.Session(), default_bucket=BUCKET)


@pytest.fixture
def job_request(server: Server) -> Callable[..., dict[str, Any]]:
    """Return a function that publishes a module's source and makes the CreateJob request for it."""

    def request(source: str = "def run(): pass", name: str = "job", **more: Any) -> dict[str, Any]:
        key = f"{name}/source.tar.gz"
        server.s3.put_object(Bucket=BUCKET, Key=key, Body=tarball({"work.py": source}))
        return {
            "jobName": name,
            "clientToken": f"token-of-{name}",
            "roleArn": ROLE,
            "algorithmSpecification": {
                "scriptModeConfig": {
                    "entryPoint": "work:run",
                    "s3Uri": f"s3://{BUCKET}/{key}",
                    "compressionType": "GZIP",
                }
            },
            "outputDataConfig": {"s3Path": f"s3://{BUCKET}/{name}/out"},
            "instanceConfig": {"instanceType": "ml.m5.large", "volumeSizeInGb": 30},
            "deviceConfig": {"device": "local:quantum-pipeline/statevector"},
        } | more

    return request
