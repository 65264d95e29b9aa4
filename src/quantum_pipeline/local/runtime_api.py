"""Lambda's Runtime API for one process, which polls it for invocations and posts their results.

Each process has a server of its own, since nothing in the protocol tells who asks
(https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html). For the same reason it answers
processes of this user alone.
"""

from __future__ import annotations

import queue
import select
import socket
import threading
import time
import uuid
from collections.abc import Mapping
from concurrent.futures import Future, InvalidStateError
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import Any

from quantum_pipeline.local.peers import is_ours
from quantum_pipeline.local.template import Function

_RUNTIME = "/2018-06-01/runtime/"


@dataclass(frozen=True)
class Answer:
    """What an invocation ends with: the handler's JSON, or an error's."""

    payload: bytes
    failed: bool = False


class Exited(Exception):
    """The process ended before it answered; the message says how."""


class IdleExit(Exited):
    """The process ended while it waited for work: the invocation has not begun."""


@dataclass
class Invocation:
    """One event on its way through a process."""

    payload: bytes
    request_id: str = field(default_factory=lambda: str(uuid.uuid4()))
    taken: threading.Event = field(default_factory=threading.Event)  # or failed before that
    answer: Future[Answer] = field(default_factory=Future)

    def end(self, outcome: Answer | Exited) -> None:
        """Set the outcome, unless there is one."""
        with suppress(InvalidStateError):
            if isinstance(outcome, Answer):
                self.answer.set_result(outcome)
            else:
                self.answer.set_exception(outcome)
        self.taken.set()


class RuntimeApi:
    """The server of one process.

    Attributes:
        address: what the process finds in AWS_LAMBDA_RUNTIME_API.
        ready: set when the process has first asked for work, or has ended.
        broken: whether the process has said that its handler cannot be loaded.
    """

    def __init__(self, function: Function) -> None:
        self._function = function
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.address = "{}:{}".format(*self._listener.getsockname())
        self.ready = threading.Event()
        self.broken = False
        self._next: queue.SimpleQueue[Invocation | None] = queue.SimpleQueue()
        self._lock = threading.Lock()  # held to read or change what follows
        self._current: Invocation | None = None
        self._reason = ""  # why the process has ended
        self._idle_exits = False  # whether what it has not taken may go to another process
        self._thread = threading.Thread(target=self._serve, name="runtime API", daemon=True)
        self._thread.start()

    def offer(self, invocation: Invocation) -> None:
        """Let the process have an invocation; the one before has been answered."""
        with self._lock:
            self._current = invocation
            self._fail_current()
        self._next.put(invocation)

    def close(self, reason: str) -> None:
        """Stop, since the process has ended; what it has not answered fails."""
        with self._lock:
            self._reason = reason
            self._idle_exits = self.ready.is_set() or self.broken
            self._fail_current()
        self.ready.set()
        # The server waits for an invocation to hand out, or for a connection.
        self._next.put(None)
        with suppress(OSError), socket.create_connection(self._listener.getsockname(), 1):
            pass
        self._thread.join()

    def _fail_current(self) -> None:
        if self._reason and self._current is not None:
            idle = self._idle_exits and not self._current.taken.is_set()
            self._current.end((IdleExit if idle else Exited)(self._reason))

    def _serve(self) -> None:
        handler = type("Handler", (_RequestHandler,), {"api": self})
        with self._listener:
            while not self._reason:
                connection, address = self._listener.accept()
                with connection, suppress(OSError):
                    if is_ours(connection):
                        handler(connection, address, None)

    def take(self) -> Invocation | None:
        """Wait for the next invocation; None when there will be none."""
        self.ready.set()
        return self._next.get()

    def headers(self, invocation: Invocation) -> dict[str, str]:
        """Return what the process is told beside the event; the timeout begins now."""
        deadline = time.time() + self._function.timeout_seconds
        return {
            "Content-Type": "application/json",
            "Lambda-Runtime-Aws-Request-Id": invocation.request_id,
            "Lambda-Runtime-Deadline-Ms": str(int(deadline * 1000)),
            "Lambda-Runtime-Invoked-Function-Arn": self._function.arn,
        }

    def post(self, path: str, body: bytes) -> bool:
        """Take what the process posts; tell whether it was expected."""
        invocation = self._current
        if path == "init/error":
            # Nobody may be waiting for it yet: another process will say the same then.
            self.broken = True
            if invocation is not None:
                invocation.end(Answer(body, failed=True))
            return True
        request_id, _, outcome = path.removeprefix("invocation/").partition("/")
        if invocation is None or invocation.request_id != request_id:
            return False
        invocation.end(Answer(body, failed=outcome == "error"))
        return True


class _RequestHandler(BaseHTTPRequestHandler):
    api: RuntimeApi

    def parse_request(self) -> bool:
        """Read the request line and headers; what a page in a browser asks is not answered."""
        return super().parse_request() and "Origin" not in self.headers

    def do_GET(self) -> None:
        invocation = self.api.take()
        if invocation is None or self._has_left():
            return
        invocation.taken.set()
        self._answer(200, invocation.payload, self.api.headers(invocation))

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        expected = self.api.post(self.path.removeprefix(_RUNTIME), body)
        self._answer(202 if expected else 400, b"{}", {"Content-Type": "application/json"})

    def _has_left(self) -> bool:
        """Tell whether the process that asked is gone: its end of the connection is closed."""
        readable, _, _ = select.select([self.connection], [], [], 0)
        return bool(readable) and not self.connection.recv(1, socket.MSG_PEEK)

    def _answer(self, status: int, body: bytes, headers: Mapping[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        pass
