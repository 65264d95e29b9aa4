"""What ended runs leave in the server, on the disk instead of in its memory.

moto keeps the content of S3's objects and all that an execution was made of. A run has about 2 MB
of both, of which next to nothing is ever read again.
"""

from __future__ import annotations

import json
import uuid
import zlib
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from moto.stepfunctions.parser.asl.utils.encoding import to_json_str

KEPT_BYTES = 2048
"""Content up to this size stays in memory: it is not more than its file would be."""


def bodies(folder: Path) -> Callable[..., Body]:
    """Return what makes the content of S3's objects, as moto makes its ``SpooledTemporaryFile``."""
    folder.mkdir(parents=True, exist_ok=True)
    return lambda *_, **__: Body(folder / uuid.uuid4().hex)


class Body:
    """The content of an object: a file that is open only while it is read or written."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._content: bytes | None = b""
        self._at = 0

    def seek(self, position: int) -> None:
        """Read or write from there on."""
        self._at = position

    def truncate(self) -> None:
        """Leave out all from there on."""
        self._put(self._get()[: self._at])

    def write(self, content: bytes) -> None:
        """Write it there, over what there is."""
        before = self._get()
        self._put(before[: self._at] + content + before[self._at + len(content) :])
        self._at += len(content)

    def read(self, size: int = -1) -> bytes:
        """Return so many bytes from there on; all without a size."""
        if self._content is None:
            with self._path.open("rb") as file:
                file.seek(self._at)
                found = file.read(size)
        else:
            found = self._content[self._at : None if size < 0 else self._at + size]
        self._at += len(found)
        return found

    def close(self) -> None:
        """Forget it all."""
        self._put(b"")

    def _get(self) -> bytes:
        return self._path.read_bytes() if self._content is None else self._content

    def _put(self, content: bytes) -> None:
        if len(content) > KEPT_BYTES:
            self._path.write_bytes(content)
            self._content = None
            return
        if self._content is None:
            self._path.unlink(missing_ok=True)
        self._content = content


class EndedExecution:
    """An execution that has ended, as moto reads it; input, output and history are in a file."""

    def __init__(self, execution: Any, path: Path) -> None:
        """Take over what moto's own object has, which is not needed any more."""
        path.parent.mkdir(parents=True, exist_ok=True)
        self.name: str = execution.name
        self.execution_arn: str = execution.execution_arn
        self.state_machine_arn: str = execution.state_machine_arn
        self.account_id: str = execution.account_id
        self.region_name: str = execution.region_name
        self.status: str = execution.status
        self.start_date: datetime = execution.start_date
        self.stop_date: datetime = execution.stop_date
        self.error: str | None = execution.error
        self.cause: str | None = execution.cause
        self.output_details = execution.output_details
        environment = execution.exec_worker.env
        # Whoever reports on a task, or asks for the runs of a Map, looks through all executions.
        self.exec_worker = SimpleNamespace(
            env=SimpleNamespace(
                callback_pool_manager=environment.callback_pool_manager,
                map_run_record_pool_manager=environment.map_run_record_pool_manager,
            )
        )
        self._path = path
        kept = {
            "execution_input": execution.execution_input,
            "output": execution.output,
            **execution.to_history_output(),
        }
        path.write_bytes(zlib.compress(to_json_str(kept).encode(), level=1))

    @property
    def execution_input(self) -> str:
        """The input, as it came."""
        return str(self._kept["execution_input"])

    @property
    def output(self) -> Any:
        """What the execution came to; None unless it succeeded."""
        return self._kept["output"]

    def to_history_output(self) -> dict[str, Any]:
        """Return its events, the oldest first."""
        return {"events": self._kept["events"]}

    @property
    def _kept(self) -> dict[str, Any]:
        kept: dict[str, Any] = json.loads(zlib.decompress(self._path.read_bytes()))
        return kept
