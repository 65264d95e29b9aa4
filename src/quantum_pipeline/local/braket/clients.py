"""The AWS clients with which the service does what Braket does in a user's account."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, cast

from botocore.config import Config
from botocore.session import Session

if TYPE_CHECKING:
    from mypy_boto3_logs.client import CloudWatchLogsClient
    from mypy_boto3_s3.client import S3Client

_CONFIG = Config(retries={"max_attempts": 2}, connect_timeout=5, max_pool_connections=50)
_NO_SETTINGS_OF_THE_USER: Any = {
    "profile": (None, None, None, None),
    "config_file": (None, None, os.devnull, None),
}


class Clients:
    """Clients of the endpoint that an environment names, made on first use, shared by threads."""

    def __init__(self, environment: Callable[[], Mapping[str, str]]) -> None:
        self._environment = environment
        self._lock = threading.Lock()
        self._session = Session(session_vars=_NO_SETTINGS_OF_THE_USER)
        self._clients: dict[tuple[str, str], Any] = {}

    def s3(self) -> S3Client:
        """Return the S3 client."""
        return cast("S3Client", self._client("s3", self._environment()["AWS_REGION"]))

    def logs(self, region: str) -> CloudWatchLogsClient:
        """Return the CloudWatch Logs client of a region."""
        return cast("CloudWatchLogsClient", self._client("logs", region))

    def _client(self, service: str, region: str) -> Any:
        with self._lock:
            if (service, region) not in self._clients:
                environment = self._environment()
                self._clients[service, region] = self._session.create_client(
                    service,
                    region,
                    endpoint_url=environment["AWS_ENDPOINT_URL"],
                    aws_access_key_id=environment["AWS_ACCESS_KEY_ID"],
                    aws_secret_access_key=environment["AWS_SECRET_ACCESS_KEY"],
                    config=_CONFIG,
                )
            return self._clients[service, region]
