"""The AWS clients with which the service does what Braket does in a user's account."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

import boto3
from botocore.config import Config

if TYPE_CHECKING:
    from mypy_boto3_logs.client import CloudWatchLogsClient
    from mypy_boto3_s3.client import S3Client

_CONFIG = Config(retries={"max_attempts": 2}, connect_timeout=5, max_pool_connections=50)


class Clients:
    """Clients of the endpoint that an environment names, made on first use, shared by threads."""

    def __init__(self, environment: Callable[[], Mapping[str, str]]) -> None:
        self._environment = environment
        self._lock = threading.Lock()
        self._session: boto3.Session | None = None
        self._s3: S3Client | None = None
        self._logs: dict[str, CloudWatchLogsClient] = {}

    def s3(self) -> S3Client:
        """Return the S3 client."""
        with self._lock:
            if self._s3 is None:
                self._s3 = self._open().client("s3", endpoint_url=self._endpoint(), config=_CONFIG)
            return self._s3

    def logs(self, region: str) -> CloudWatchLogsClient:
        """Return the CloudWatch Logs client of a region."""
        with self._lock:
            if region not in self._logs:
                self._logs[region] = self._open().client(
                    "logs", region, endpoint_url=self._endpoint(), config=_CONFIG
                )
            return self._logs[region]

    def _endpoint(self) -> str | None:
        return self._environment().get("AWS_ENDPOINT_URL")

    def _open(self) -> boto3.Session:
        if self._session is None:
            environment = self._environment()
            self._session = boto3.Session(
                environment["AWS_ACCESS_KEY_ID"],
                environment["AWS_SECRET_ACCESS_KEY"],
                environment.get("AWS_SESSION_TOKEN"),
                region_name=environment["AWS_REGION"],
            )
        return self._session
