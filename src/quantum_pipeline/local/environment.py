"""One execution environment of a Lambda function: a process that is kept for many invocations."""

from __future__ import annotations

import importlib.util
import json
import shutil
import signal
import time
import uuid
from collections.abc import Callable, Mapping
from pathlib import Path

from quantum_pipeline.local.functions_python import STARTS_WITH
from quantum_pipeline.local.interpreter import Interpreter
from quantum_pipeline.local.runtime_api import Answer, Exited, IdleExit, Invocation, RuntimeApi
from quantum_pipeline.local.template import Function

INIT_SECONDS = 10.0  # Lambda lets a process start for so long, and then for the function's timeout

# AWS's own runtime client has wheels for Linux only.
RUNTIME_CLIENT = (
    "awslambdaric"
    if importlib.util.find_spec("awslambdaric")
    else "quantum_pipeline.local.runtime_client"
)


class Environment:
    """A process that runs one function's handler under the runtime client.

    Attributes:
        function: whose handler it is.
        idle_since: when it was last given back, or started, by the monotonic clock.
    """

    def __init__(
        self,
        function: Function,
        interpreter: Interpreter,
        variables: Mapping[str, str],
        folder: Path,
        on_line: Callable[[str, str, str], None],
    ) -> None:
        """Start the process; it gets ready in the background.

        Args:
            interpreter: starts the process.
            variables: environment variables beside the function's own: endpoint, credentials.
            folder: made, and used as the function's temporary folder.
            on_line: called with log group, log stream and each line that the process prints.
        """
        self.function = function
        self.idle_since = time.monotonic()
        self._folder = folder
        self._on_line = on_line
        self._log_stream = f"{time.strftime('%Y/%m/%d')}/[$LATEST]{uuid.uuid4().hex}"
        self._api = RuntimeApi(function)
        folder.mkdir(parents=True)
        self._program = interpreter.run(
            [RUNTIME_CLIENT, function.handler],
            function.code_folder,
            self._environment(variables, folder),
            on_line=self._log,
            on_end=self._ended,
        )

    @property
    def process_id(self) -> int:
        """The process that the handler runs in."""
        return self._program.process_id

    @property
    def alive(self) -> bool:
        """Whether the process can take an invocation, now or when it is ready."""
        return not self._api.broken and self._program.exit_status is None

    def wait_until_ready(self) -> None:
        """Return when the handler is loaded, or cannot be."""
        self._api.ready.wait(INIT_SECONDS)

    def invoke(self, payload: bytes) -> Answer:
        """Run the handler once and return its answer; one call at a time.

        A process that takes longer than the function's timeout is ended, and so is one that does
        not get ready in time.

        Raises:
            IdleExit: the process had ended before it saw the invocation.
        """
        invocation = Invocation(payload)
        self._api.offer(invocation)
        timeout = self.function.timeout_seconds
        try:
            if not invocation.taken.wait(INIT_SECONDS + timeout):
                raise TimeoutError
            return invocation.answer.result(timeout)
        except TimeoutError:
            self.close()
            kind, message = "Sandbox.Timedout", f"Task timed out after {timeout:.2f} seconds"
        except IdleExit:
            raise
        except Exited as exited:
            kind, message = "Runtime.ExitError", f"Runtime exited with error: {exited}"
        message = f"RequestId: {invocation.request_id} Error: {message}"
        self._log(message)
        report = {"errorType": kind, "errorMessage": message}
        return Answer(json.dumps(report).encode(), failed=True)

    def kill(self) -> None:
        """End the process now; what it was doing fails."""
        self._program.signal(signal.SIGKILL)

    def close(self) -> None:
        """End the process and wait until nothing of it is left."""
        self._program.close()

    def _environment(self, variables: Mapping[str, str], folder: Path) -> dict[str, str]:
        function = self.function
        code_folder = str(function.code_folder)
        return {
            **STARTS_WITH,
            "HOME": str(folder),
            "TMPDIR": str(folder),
            **variables,
            **function.environment,
            "AWS_EXECUTION_ENV": f"AWS_Lambda_{function.runtime}",
            "AWS_LAMBDA_RUNTIME_API": self._api.address,
            "AWS_SDK_UA_APP_ID": function.logical_id,  # its requests say whose they are
            "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
            "AWS_LAMBDA_FUNCTION_NAME": function.name,
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(function.memory_mb),
            "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
            "AWS_LAMBDA_LOG_GROUP_NAME": function.log_group,
            "AWS_LAMBDA_LOG_STREAM_NAME": self._log_stream,
            "LAMBDA_TASK_ROOT": code_folder,
            "PYTHONPATH": code_folder,
            "_HANDLER": function.handler,
        }

    def _ended(self, status: int) -> None:
        self._api.close(
            f"signal: {signal.Signals(-status).name}" if status < 0 else f"exit status {status}"
        )
        shutil.rmtree(self._folder, ignore_errors=True)

    def _log(self, line: str) -> None:
        # The runtime client writes a traceback as one line, with returns in it.
        text = line.rstrip("\n").replace("\r", "\n")
        self._on_line(self.function.log_group, self._log_stream, text)
