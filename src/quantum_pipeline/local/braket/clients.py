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
    """Clients of the endpoint that an environment names, made on first use, shared by threads.

    Attributes:
        key_of: called with the ARN of a role; returns the environment variables that hold its key,
            or none: then it acts with the key of the environment.
    """

    def __init__(self, environment: Callable[[], Mapping[str, str]]) -> None:
        self.key_of: Callable[[str], Mapping[str, str]] = lambda _: {}
        self._environment = environment
        self._lock = threading.Lock()
        self._session = Session(session_vars=_NO_SETTINGS_OF_THE_USER)
        self._clients: dict[tuple[str, str, str], Any] = {}

    def environment(self, role: str | None) -> dict[str, str]:
        """Return the variables with which AWS clients act in a role, or as the service itself."""
        return {**self._environment(), **(self.key_of(role) if role else {})}

    def s3(self, role: str | None = None) -> S3Client:
        """Return the S3 client of a role, or of the service itself."""
        environment = self.environment(role)
        return cast("S3Client", self._client("s3", environment["AWS_REGION"], environment))

    def logs(self, region: str, role: str) -> CloudWatchLogsClient:
        """Return the CloudWatch Logs client of a role in a region."""
        return cast("CloudWatchLogsClient", self._client("logs", region, self.environment(role)))

    def _client(self, service: str, region: str, environment: Mapping[str, str]) -> Any:
        which = service, region, environment["AWS_ACCESS_KEY_ID"]
        with self._lock:
            if which not in self._clients:
                self._clients[which] = self._session.create_client(
                    service,
                    region,
                    endpoint_url=environment["AWS_ENDPOINT_URL"],
                    aws_access_key_id=environment["AWS_ACCESS_KEY_ID"],
                    aws_secret_access_key=environment["AWS_SECRET_ACCESS_KEY"],
                    aws_session_token=environment.get("AWS_SESSION_TOKEN"),
                    config=_CONFIG,
                )
            return self._clients[which]
