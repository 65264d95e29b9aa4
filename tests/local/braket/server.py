"""A server with Braket as ours and the rest as moto's, and what tests do with it."""

from __future__ import annotations

import gzip
import io
import json
import tarfile
import textwrap
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from functools import cache, partial
from pathlib import Path
from typing import Any

import boto3
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import WSGIRequestHandler, make_server

from quantum_pipeline.local.braket import BraketService
from tests.waiting import wait_for

HOME = "us-east-1"
ROLE = "arn:aws:iam::123456789012:role/job-role"
BUCKET = "amazon-braket-tests"
ENDED = {"COMPLETED", "FAILED", "CANCELLED"}
SV1 = "arn:aws:braket:::device/quantum-simulator/amazon/sv1"
DM1 = "arn:aws:braket:::device/quantum-simulator/amazon/dm1"
GARNET = "arn:aws:braket:eu-north-1::device/qpu/iqm/Garnet"
IBEX = "arn:aws:braket:eu-north-1::device/qpu/aqt/Ibex-Q1"
BELL = "OPENQASM 3.0; qubit[2] q; h q[0]; cnot q[0], q[1];"


class InEveryRegion:
    """A client of Braket that makes each task in the region of its device, as the SDK does."""

    def __init__(self, server: Server) -> None:
        self._client = cache(partial(server.client, "braket"))
        self._client()  # while the environment is as it is

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client(), name)

    def create_quantum_task(self, **request: Any) -> Any:
        region = request["deviceArn"].split(":")[3] or HOME
        return self._client(region=region).create_quantum_task(**request)


class RequestHandler(WSGIRequestHandler):
    def send_response(self, code: int, message: str | None = None) -> None:
        """Leave the Date header to the application."""
        self.send_response_only(code, message)

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        pass


class Server:
    """A dispatcher in front of moto and a BraketService; the service may be replaced."""

    def __init__(self, work_folder: Path) -> None:
        self._moto = DomainDispatcherApplication(create_backend_app)
        self._server = make_server(
            "127.0.0.1", 0, self, threaded=True, request_handler=RequestHandler
        )
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()
        self._session = boto3.Session("testing", "testing", region_name=HOME)
        self.work_folder = work_folder
        self.service = BraketService(self.environment, work_folder)
        self.s3 = self.client("s3")
        self.s3.create_bucket(Bucket=BUCKET)

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        braket = "/braket/aws4_request" in environ.get("HTTP_AUTHORIZATION", "")
        return (self.service if braket else self._moto)(environ, start_response)

    def environment(self) -> dict[str, str]:
        return {
            "AWS_ENDPOINT_URL": f"http://127.0.0.1:{self._server.port}",
            "AWS_REGION": HOME,
            "AWS_DEFAULT_REGION": HOME,
            "AWS_ACCESS_KEY_ID": "testing",
            "AWS_SECRET_ACCESS_KEY": "testing",
        }

    def client(self, name: Any, region: str = HOME) -> Any:
        endpoint = self.environment()["AWS_ENDPOINT_URL"]
        return self._session.client(name, region_name=region, endpoint_url=endpoint)

    def braket(self) -> Any:
        return InEveryRegion(self)

    def close(self) -> None:
        self.service.close()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


@contextmanager
def service_of(server: Server, **settings: Any) -> Iterator[BraketService]:
    """A service where the jobs of one test do not stand in the way of the next."""
    service = BraketService(server.environment, server.work_folder, concurrent_jobs=100, **settings)
    with closing(service):
        yield service


def tarball(files: dict[str, str]) -> bytes:
    """Return an archive of files: of the same, the same one."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for name, text in files.items():
            data = textwrap.dedent(text).encode()
            info = tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    return gzip.compress(buffer.getvalue(), mtime=0)


def ended(client: Any, arn: str) -> dict[str, Any]:
    """Return what GetJob says once the job has ended."""

    def look() -> dict[str, Any] | None:
        job: dict[str, Any] = client.get_job(jobArn=arn)
        return job if job["status"] in ENDED else None

    return wait_for(look, told=lambda: client.get_job(jobArn=arn)["events"])


def program(source: str) -> str:
    """The action of an OpenQASM program."""
    header = {"name": "braket.ir.openqasm.program", "version": "1"}
    return json.dumps({"braketSchemaHeader": header, "source": source})


def task(**change: Any) -> dict[str, Any]:
    """A CreateQuantumTask request."""
    return {
        "clientToken": f"{time.monotonic_ns()}",
        "deviceArn": SV1,
        "shots": 10,
        "outputS3Bucket": BUCKET,
        "outputS3KeyPrefix": "tasks",
        "action": program(BELL),
    } | change


def finished(client: Any, arn: str) -> dict[str, Any]:
    """Return what GetQuantumTask says once the task has ended."""

    def look() -> dict[str, Any] | None:
        task: dict[str, Any] = client.get_quantum_task(quantumTaskArn=arn)
        return task if task["status"] in ENDED else None

    return wait_for(look)


def events(job: dict[str, Any]) -> list[str]:
    return [event["eventType"] for event in job["events"]]


def log_lines(server: Server, job: dict[str, Any]) -> list[str]:
    logs = server.client("logs")
    group, prefix = "/aws/braket/jobs", f"{job['jobName']}/"
    streams = logs.describe_log_streams(logGroupName=group, logStreamNamePrefix=prefix)
    (stream,) = streams["logStreams"]
    found = logs.get_log_events(logGroupName=group, logStreamName=stream["logStreamName"])
    return [event["message"] for event in found["events"]]
