"""One execution environment of a Lambda function: a process, and the Runtime API it asks for work.

The process is started once and kept for many invocations, one at a time. It talks to a small HTTP
server that is its own, as on Lambda: it gets an invocation from `next`, and posts the answer or the
error (https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html).
"""

from __future__ import annotations

import importlib.util
import json
import os
import queue
import signal
import socket
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

from quantum_pipeline.local.template import Function

INIT_SECONDS = (
    10.0  # Lambda gives the start of a process this long, and then the function's timeout
)
_RUNTIME = "/2018-06-01/runtime/"


@dataclass(frozen=True)
class Answer:
    """What an invocation ends with: the handler's JSON, or an error's."""

    payload: bytes
    failed: bool = False

    @classmethod
    def error(cls, kind: str, message: str) -> Answer:
        """Return the answer of an invocation that no handler could answer."""
        return cls(json.dumps({"errorType": kind, "errorMessage": message}).encode(), failed=True)


@dataclass
class _Invocation:
    payload: bytes
    request_id: str = field(default_factory=lambda: str(uuid.uuid4()))
    taken: threading.Event = field(default_factory=threading.Event)
    answer: Future[Answer] = field(default_factory=Future)

    def end(self, answer: Answer) -> None:
        """Answer it, if nothing else has."""
        self.taken.set()
        if not self.answer.done():
            self.answer.set_result(answer)


class Environment:
    """A process that runs one function's handler under AWS's runtime client."""

    def __init__(
        self,
        function: Function,
        variables: Mapping[str, str],
        folder: Path,
        on_line: Callable[[str, str, str], None],
    ) -> None:
        """Start the process; it gets ready in the background.

        Args:
            variables: environment variables beside the function's own: endpoint, credentials.
            folder: made, and used as the function's temporary folder.
            on_line: called with log group, log stream and each line that the process prints.
        """
        self.function = function
        self.ready = threading.Event()  # set when the handler is loaded, or the process has ended
        self._on_line = on_line
        self._lock = threading.Lock()
        self._next: queue.SimpleQueue[_Invocation | None] = queue.SimpleQueue()
        self._current: _Invocation | None = None
        self._ended = False
        self._log_stream = f"{time.strftime('%Y/%m/%d')}/[$LATEST]{uuid.uuid4().hex}"
        self._listener = socket.create_server(("127.0.0.1", 0))
        folder.mkdir(parents=True)
        self._process = self._start(variables, folder)
        self._threads = [
            threading.Thread(target=work, name=f"{function.name} {work.__name__}", daemon=True)
            for work in (self._serve, self._read)
        ]
        for thread in self._threads:
            thread.start()

    @property
    def process_id(self) -> int:
        """The process that the handler runs in."""
        return self._process.pid

    @property
    def alive(self) -> bool:
        """Whether the process still runs."""
        return not self._ended and self._process.poll() is None

    def invoke(self, payload: bytes) -> Answer:
        """Run the handler once and return its answer; one call at a time.

        A process that takes longer than the function's timeout is ended, and so is one that does
        not get ready in time.
        """
        invocation = _Invocation(payload)
        with self._lock:
            self._current = invocation
            if self._ended:
                self._fail_current()
        self._next.put(invocation)
        timeout = self.function.timeout_seconds
        try:
            if invocation.taken.wait(INIT_SECONDS + timeout):
                return invocation.answer.result(timeout)
        except TimeoutError:
            pass
        message = (
            f"RequestId: {invocation.request_id} Error: Task timed out after {timeout:.2f} seconds"
        )
        invocation.end(Answer.error("Sandbox.Timedout", message))
        self._log(message)
        self.close()
        return invocation.answer.result()

    def kill(self) -> None:
        """End the process now; what it was doing fails."""
        if self._process.returncode is None:  # else its id may be another's by now
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, signal.SIGKILL)

    def close(self) -> None:
        """End the process and wait until nothing of it is left."""
        self.kill()
        for thread in self._threads:
            thread.join(1)

    # The process ---------------------------------------------------------------------------------

    def _start(self, variables: Mapping[str, str], folder: Path) -> subprocess.Popen[bytes]:
        function = self.function
        has_aws_client = importlib.util.find_spec("awslambdaric") is not None
        client = "awslambdaric" if has_aws_client else "quantum_pipeline.local.runtime_client"
        host, port = self._listener.getsockname()
        environment = {
            "PATH": os.environ.get("PATH", os.defpath),
            "LANG": "en_US.UTF-8",
            "TZ": ":UTC",
            "HOME": str(folder),
            "TMPDIR": str(folder),
            **variables,
            **function.environment,
            "AWS_EXECUTION_ENV": f"AWS_Lambda_{function.runtime}",
            "AWS_LAMBDA_RUNTIME_API": f"{host}:{port}",
            "AWS_LAMBDA_FUNCTION_NAME": function.name,
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(function.memory_mb),
            "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
            "AWS_LAMBDA_LOG_GROUP_NAME": function.log_group,
            "AWS_LAMBDA_LOG_STREAM_NAME": self._log_stream,
            "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
            "LAMBDA_TASK_ROOT": str(function.code_folder),
            "PYTHONPATH": str(function.code_folder),
            "PYTHONIOENCODING": "utf-8",
            "_HANDLER": function.handler,
        }
        return subprocess.Popen(
            [sys.executable, "-m", "quantum_pipeline.local.bootstrap", client, function.handler],
            cwd=function.code_folder,
            env=environment,
            stdin=subprocess.PIPE,  # kept open: the process ends when it closes
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # Ctrl-C in a terminal is for the server to handle
        )

    def _read(self) -> None:
        """Pass on what the process prints; at its end, tell why it ended."""
        assert self._process.stdout and self._process.stdin
        with self._process.stdout as lines:
            for line in lines:
                self._log(line.decode("utf-8", "replace"))
        self._process.wait()
        self._process.stdin.close()
        with self._lock:
            self._ended = True
            self._fail_current()
        self.ready.set()
        self._next.put(None)
        # The server may be waiting for a connection rather than for an invocation.
        with suppress(OSError), socket.create_connection(self._listener.getsockname(), 1):
            pass

    def _fail_current(self) -> None:
        invocation = self._current
        if invocation is None or invocation.answer.done():
            return
        code = self._process.returncode
        reason = f"signal: {signal.Signals(-code).name}" if code < 0 else f"exit status {code}"
        message = f"RequestId: {invocation.request_id} Error: Runtime exited with error: {reason}"
        self._log(message)
        invocation.end(Answer.error("Runtime.ExitError", message))

    def _log(self, line: str) -> None:
        # The runtime client writes a traceback as one line, with returns in it.
        self._on_line(
            self.function.log_group, self._log_stream, line.rstrip("\n").replace("\r", "\n")
        )

    # The Runtime API -----------------------------------------------------------------------------

    def _serve(self) -> None:
        handler = type("Handler", (_RuntimeApi,), {"environment": self})
        with self._listener:
            while not self._ended:
                connection, address = self._listener.accept()
                with connection, suppress(OSError):
                    handler(connection, address, None)

    def next_invocation(self) -> tuple[bytes, dict[str, str]] | None:
        """Wait for an invocation; return its payload and headers, or None at the process's end."""
        self.ready.set()
        invocation = self._next.get()
        if invocation is None:
            return None
        deadline = time.time() + self.function.timeout_seconds
        invocation.taken.set()
        return invocation.payload, {
            "Content-Type": "application/json",
            "Lambda-Runtime-Aws-Request-Id": invocation.request_id,
            "Lambda-Runtime-Deadline-Ms": str(int(deadline * 1000)),
            "Lambda-Runtime-Invoked-Function-Arn": self.function.arn,
        }

    def post(self, action: str, body: bytes) -> bool:
        """Take what the process posts; tell whether it was expected."""
        invocation = self._current
        if action == "init/error":
            # The process ends now. Where nobody waits for it, the next invocation starts another.
            if invocation is not None:
                invocation.end(Answer(body, failed=True))
            return True
        request_id, _, outcome = action.removeprefix("invocation/").partition("/")
        if invocation is None or invocation.request_id != request_id:
            return False
        invocation.end(Answer(body, failed=outcome == "error"))
        return True


class _RuntimeApi(BaseHTTPRequestHandler):
    environment: Environment

    def do_GET(self) -> None:
        found = self.environment.next_invocation()
        if found is not None:
            payload, headers = found
            self._answer(200, payload, headers)

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        expected = self.environment.post(self.path.removeprefix(_RUNTIME), body)
        self._answer(202 if expected else 400, b"{}", {"Content-Type": "application/json"})

    def _answer(self, status: int, body: bytes, headers: Mapping[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        pass
