"""Replaces AWS's Lambda runtime client where it has no wheel: everywhere but on Linux.

    python -m quantum_pipeline.local.runtime_client HANDLER

asks the Runtime API for invocations and answers them as `awslambdaric` does: a test holds the two
together. Only the standard library is used.
"""

from __future__ import annotations

import http.client
import importlib
import json
import logging
import os
import sys
import time
import traceback
from collections.abc import Callable
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

_RUNTIME = "/2018-06-01/runtime/"


class Fault(Exception):
    """The handler cannot be loaded, or what goes in or out is not JSON."""

    def __init__(self, kind: str, message: str, trace: list[str] | None = None) -> None:
        super().__init__(message)
        self.kind = kind
        self.trace = trace or []


class Context:
    """What a handler can read about its invocation."""

    def __init__(self, headers: http.client.HTTPMessage) -> None:
        self.aws_request_id = headers["Lambda-Runtime-Aws-Request-Id"]
        self.invoked_function_arn = headers["Lambda-Runtime-Invoked-Function-Arn"]
        self.function_name = os.environ.get("AWS_LAMBDA_FUNCTION_NAME")
        self.function_version = os.environ.get("AWS_LAMBDA_FUNCTION_VERSION")
        self.memory_limit_in_mb = os.environ.get("AWS_LAMBDA_FUNCTION_MEMORY_SIZE")
        self.log_group_name = os.environ.get("AWS_LAMBDA_LOG_GROUP_NAME")
        self.log_stream_name = os.environ.get("AWS_LAMBDA_LOG_STREAM_NAME")
        self.client_context = None
        self.identity = SimpleNamespace(cognito_identity_id=None, cognito_identity_pool_id=None)
        self._deadline_ms = int(headers["Lambda-Runtime-Deadline-Ms"])

    def get_remaining_time_in_millis(self) -> int:
        """Return the milliseconds until the function's timeout."""
        return max(0, self._deadline_ms - int(time.time() * 1000))


class _RequestId(logging.Filter):
    """Puts the invocation's id into log records."""

    value = ""

    def filter(self, record: logging.LogRecord) -> bool:
        record.aws_request_id = self.value
        return True


def main() -> None:
    """Answer invocations until the server ends this process."""
    request_id = _set_up_logging()
    try:
        handler = _load(sys.argv[1])
    except Exception as error:  # noqa: BLE001  # the user's module may raise anything
        _call("POST", "init/error", _report(error, ""))
        sys.exit(1)
    while True:
        response, body = _call("GET", "invocation/next")
        context = Context(response.headers)
        request_id.value = context.aws_request_id
        outcome, answer = _answer(handler, body, context)
        _call("POST", f"invocation/{context.aws_request_id}/{outcome}", answer)


def _answer(handler: Callable[..., Any], body: bytes, context: Context) -> tuple[str, bytes]:
    try:
        return "response", _encode(handler(_decode(body), context))
    except Exception as error:  # noqa: BLE001  # whatever it is becomes the invocation's error
        return "error", _report(error, context.aws_request_id)


def _load(name: str) -> Callable[..., Any]:
    module_name, _, function = name.rpartition(".")
    if not module_name:
        cause = "not enough values to unpack (expected 2, got 1)"
        raise Fault("Runtime.MalformedHandlerName", f"Bad handler '{name}': {cause}")
    if module_name.partition(".")[0] in sys.builtin_module_names:
        message = f"Cannot use built-in module {module_name} as a handler module"
        raise Fault("Runtime.BuiltInModuleConflict", message)
    try:
        module = importlib.import_module(module_name.replace("/", "."))
    except ImportError as error:
        message = f"Unable to import module '{module_name}': {error}"
        raise Fault("Runtime.ImportModuleError", message) from error
    except SyntaxError as error:
        message = f"Syntax error in module '{module_name}': {error}"
        trace = [f'  File "{error.filename}" Line {error.lineno}\n    {error.text}']
        raise Fault("Runtime.UserCodeSyntaxError", message, trace) from error
    try:
        handler: Callable[..., Any] = getattr(module, function)
    except AttributeError as error:
        message = f"Handler '{function}' missing on module '{module_name}'"
        raise Fault("Runtime.HandlerNotFound", message) from error
    return handler


def _decode(body: bytes) -> Any:
    try:
        return json.loads(body, parse_constant=_refuse)
    except ValueError as error:
        raise Fault("Runtime.UnmarshalError", f"Unable to unmarshal input: {error}") from error


def _refuse(constant: str) -> float:
    raise ValueError(f"{constant} is not JSON")


def _encode(result: Any) -> bytes:
    if isinstance(result, bytes):
        return result
    try:
        return json.dumps(result, ensure_ascii=False, default=_number).encode()
    except (TypeError, ValueError) as error:
        raise Fault("Runtime.MarshalError", f"Unable to marshal response: {error}") from error


def _number(value: object) -> float:
    if isinstance(value, Decimal):
        return float(value)
    raise TypeError(f"Object of type {type(value).__name__} is not JSON serializable")


def _report(error: Exception, request_id: str) -> bytes:
    """Return the error as Lambda reports it, and log it as Lambda does."""
    if isinstance(error, Fault):
        kind, trace = error.kind, error.trace
    else:
        kind = type(error).__name__
        frames = traceback.extract_tb(error.__traceback__)
        # As tuples, which are printed without the carets that newer Pythons add.
        rows = [
            (frame.filename, frame.lineno or 0, frame.name, frame.line)
            for frame in frames
            if frame.filename != __file__
        ]
        trace = traceback.format_list(rows)
    lines = [f"[ERROR] {kind}: {error}", "Traceback (most recent call last):", *trace]
    print("\r".join(line for text in lines for line in text.splitlines()), flush=True)
    report = {
        "errorMessage": str(error),
        "errorType": kind,
        "requestId": request_id,
        "stackTrace": trace,
    }
    return json.dumps(report, ensure_ascii=False).encode()


def _call(
    method: str, path: str, body: bytes | None = None
) -> tuple[http.client.HTTPResponse, bytes]:
    connection = http.client.HTTPConnection(os.environ["AWS_LAMBDA_RUNTIME_API"])
    try:
        connection.request(method, _RUNTIME + path, body)
        response = connection.getresponse()
        return response, response.read()
    finally:
        connection.close()


def _set_up_logging() -> _RequestId:
    sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]
    request_id = _RequestId()
    handler = logging.StreamHandler(sys.stdout)
    handler.addFilter(request_id)
    form = "[%(levelname)s]\t%(asctime)s.%(msecs)03dZ\t%(aws_request_id)s\t%(message)s"
    handler.setFormatter(logging.Formatter(form, "%Y-%m-%dT%H:%M:%S"))
    logging.Formatter.converter = time.gmtime
    logging.getLogger().addHandler(handler)
    return request_id


if __name__ == "__main__":
    main()
