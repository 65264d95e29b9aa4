"""One endpoint for every service: Braket and Lambda are ours, the rest is moto's.

Services are told apart as AWS signs requests: by the credential scope. What moto leaves out of
Step Functions is done on the way (see `executions`), calls that it would fail on are refused as by
AWS (see `malformed`), and conditions on writes to S3 are kept.
"""

from __future__ import annotations

import io
import json
import re
import threading
import uuid
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from functools import cache
from typing import TYPE_CHECKING, Any

from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from werkzeug.wrappers import Request, Response

from quantum_pipeline.local import malformed
from quantum_pipeline.local.executions import Executions, UnknownExecution
from quantum_pipeline.local.refusals import refusal
from quantum_pipeline.local.start_execution import Refusal, not_valid, too_long

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

_UNKNOWN = "com.amazon.coral.service#UnknownOperationException"
_SCOPE = re.compile(r"Credential=[^/]+/\d{8}/[^/]*/([^/]+)/aws4_request")


class Router:
    """The WSGI application that answers for all of AWS.

    Attributes:
        intercept: called with the service and the request before anything else; a response that it
            returns is the answer. Tests set it to make a service fail.
    """

    def __init__(
        self,
        services: Mapping[str, WSGIApplication],
        executions: Executions,
        guard: Callable[[WSGIApplication], WSGIApplication],
    ) -> None:
        """Take the applications of services by the names that requests are signed for.

        Args:
            guard: puts what refuses requests before the application that answers them.
        """
        self.intercept: Callable[[str, Request], Response | None] | None = None
        self._services = services
        self._executions = executions
        self._one_condition_at_a_time = threading.Lock()
        moto = DomainDispatcherApplication(create_backend_app)
        # It would go through all services for each request.
        moto.get_backend_for_host = cache(moto.get_backend_for_host)  # type: ignore[method-assign]
        self._moto: WSGIApplication = moto
        self._guarded = guard(self._serve)

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Hand one request to its service."""
        if self.intercept is not None:
            answer = self.intercept(_service(environ), Request(environ, populate_request=False))
            if answer is not None:
                return answer(environ, start_response)
        return self._guarded(environ, start_response)

    def _serve(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        service = _service(environ)
        application = self._services.get(service, self._rest)
        if service == "s3" and environ.keys() & {"HTTP_IF_MATCH", "HTTP_IF_NONE_MATCH"}:
            application = self._conditionally
        if service == "states":
            application = self._states
        if environ.get("HTTP_X_AMZ_TARGET", "").endswith(".FilterLogEvents"):
            application = self._filtered_log
        return application(environ, start_response)

    def _rest(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Let moto answer; refuse a service of which it needs libraries that are not here."""
        try:
            return self._moto(environ, start_response)
        except ModuleNotFoundError:  # of CloudFormation; clients would call again, as of a fault
            message = f"the AWS on this machine has no {_service(environ)}"
            return refusal("InvalidAction", message, environ)(environ, start_response)

    def _conditionally(
        self, environ: WSGIEnvironment, start_response: StartResponse
    ) -> Iterable[bytes]:
        """Let moto look and write with no other condition between, as S3 does."""
        with self._one_condition_at_a_time:
            return self._moto(environ, start_response)

    def _filtered_log(
        self, environ: WSGIEnvironment, start_response: StartResponse
    ) -> Iterable[bytes]:
        """Leave out the streams that were not asked for: moto passes over a prefix of names."""
        parameters = _parameters(environ)
        _set_parameters(environ, parameters)
        response = Response.from_app(self._moto, environ)
        if (prefix := parameters.get("logStreamNamePrefix")) and response.status_code == 200:
            content = json.loads(response.get_data())
            content["events"] = [
                event for event in content["events"] if event["logStreamName"].startswith(prefix)
            ]
            response.set_data(json.dumps(content))
        return response(environ, start_response)

    def _states(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer a call of Step Functions; what fails inside is an error of AWS's form, too."""
        operation = environ.get("HTTP_X_AMZ_TARGET", "").partition(".")[2]
        body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        environ["wsgi.input"] = io.BytesIO(body)
        if refused := malformed.refusal(operation, body):
            return _refusal(refused)(environ, start_response)
        try:
            response = Response.from_app(self._operation(operation), environ)
        except NotImplementedError as error:
            response = _refusal(Refusal(_UNKNOWN, f"{operation} is not answered here: {error}"))
        except Exception as error:  # noqa: BLE001 - whatever it is, the caller is told by a code
            failed = Refusal("InternalFailure", f"{type(error).__name__}: {error}")
            response = _refusal(failed, status=500)
        return response(environ, start_response)

    def _operation(self, operation: str) -> WSGIApplication:
        match operation:
            case "StartExecution":
                return self._start_execution
            case "StopExecution":
                return self._stop_execution
            case "GetExecutionHistory":
                return self._history
            case "DescribeExecution" | "ListExecutions":
                return self._with_stop_dates
        return self._moto

    def _start_execution(
        self, environ: WSGIEnvironment, start_response: StartResponse
    ) -> Iterable[bytes]:
        """Give the execution a name where none is given, and watch it; refuse what AWS refuses."""
        parameters = _parameters(environ)
        refused = too_long(parameters)
        if refused is None and self._executions.has_machine(parameters.get("stateMachineArn", "")):
            refused = not_valid(parameters)
        if refused is not None:
            return _refusal(refused)(environ, start_response)
        _set_parameters(environ, {"name": str(uuid.uuid4()), **parameters})
        response = Response.from_app(self._moto, environ)
        if response.status_code == 200:
            self._executions.watch(json.loads(response.get_data())["executionArn"])
        return response(environ, start_response)

    def _stop_execution(
        self, environ: WSGIEnvironment, start_response: StartResponse
    ) -> Iterable[bytes]:
        parameters = _parameters(environ)
        try:
            stopped = self._executions.stop(
                parameters["executionArn"], parameters.get("error"), parameters.get("cause")
            )
        except (KeyError, UnknownExecution):  # moto knows how to refuse it
            _set_parameters(environ, parameters)
            return self._moto(environ, start_response)
        return _answer({"stopDate": stopped})(environ, start_response)

    def _history(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer whoever asks for the newest events alone, which moto would send all of them."""
        parameters = _parameters(environ)
        _set_parameters(environ, parameters)
        if not parameters.get("reverseOrder"):
            return self._moto(environ, start_response)
        try:
            newest = parameters.get("maxResults") or None
            events = self._executions.newest_events(parameters["executionArn"], newest)
        except UnknownExecution:  # moto knows how to refuse it
            return self._moto(environ, start_response)
        return _answer({"events": events})(environ, start_response)

    def _with_stop_dates(
        self, environ: WSGIEnvironment, start_response: StartResponse
    ) -> Iterable[bytes]:
        """Say when an execution timed out, which moto does of all others."""
        response = Response.from_app(self._moto, environ)
        if b"TIMED_OUT" in response.get_data():
            content = json.loads(response.get_data())
            for each in content.get("executions", [content]):
                if each["status"] == "TIMED_OUT":
                    stopped = self._executions.stopped_at(each["executionArn"])
                    each["stopDate"] = _milliseconds(stopped)
            response = _answer(content)
        return response(environ, start_response)


def _service(environ: WSGIEnvironment) -> str:
    """Return the name of the service that a request is signed for."""
    scope = _SCOPE.search(environ.get("HTTP_AUTHORIZATION", ""))
    return scope[1] if scope else ""


def _refusal(refused: Refusal, status: int = 400) -> Response:
    return _answer({"__type": refused.type, "message": refused.message}, status)


def _answer(content: Mapping[str, Any], status: int = 200) -> Response:
    """Return an answer as Step Functions writes it: times in seconds, to the millisecond."""
    body = json.dumps(content, default=_milliseconds)
    return Response(body, status, content_type="application/x-amz-json-1.0")


def _milliseconds(time: datetime) -> float:
    return int(time.timestamp() * 1000) / 1000


def _parameters(environ: WSGIEnvironment) -> dict[str, Any]:
    parameters: dict[str, Any] = json.loads(
        environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"]))
    )
    return parameters


def _set_parameters(environ: WSGIEnvironment, parameters: dict[str, Any]) -> None:
    body = json.dumps(parameters).encode()
    environ["wsgi.input"] = io.BytesIO(body)
    environ["CONTENT_LENGTH"] = str(len(body))
