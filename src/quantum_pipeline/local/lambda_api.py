"""The REST interface of Lambda, limited to what runs functions: Invoke."""

from __future__ import annotations

import json
import re
import uuid
from typing import TYPE_CHECKING

from werkzeug.wrappers import Request, Response

from quantum_pipeline.local.lambdas import Functions, TooManyRequests, UnknownFunction

if TYPE_CHECKING:
    from collections.abc import Iterable

    from _typeshed.wsgi import StartResponse, WSGIEnvironment

_INVOCATIONS = re.compile(r"/2015-03-31/functions/([^/]+)/invocations/?")


class LambdaApi:
    """A WSGI application that answers Invoke."""

    def __init__(self, functions: Functions) -> None:
        self._functions = functions

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request that was signed for Lambda."""
        request = Request(environ)
        try:
            response = self._answer(request)
        except UnknownFunction as error:
            response = _refusal(404, "ResourceNotFoundException", str(error))
        except TooManyRequests as error:
            response = _refusal(
                429, "TooManyRequestsException", "Rate Exceeded.", Reason=str(error)
            )
        response.headers["x-amzn-RequestId"] = str(uuid.uuid4())
        return response(environ, start_response)

    def _answer(self, request: Request) -> Response:
        path = _INVOCATIONS.fullmatch(request.path)
        if path is None or request.method != "POST":
            asked = f"{request.method} {request.path}"
            return _refusal(
                400, "InvalidRequestContentException", f"only Invoke is answered here: {asked}"
            )
        name, payload = path[1], request.get_data() or b"{}"
        try:
            json.loads(payload)
        except ValueError as error:
            message = f"Could not parse request body into json: {error}"
            return _refusal(400, "InvalidRequestContentException", message)
        match request.headers.get("X-Amz-Invocation-Type", "RequestResponse"):
            case "DryRun":
                self._functions.find(name)
                return Response(status=204)
            case "Event":
                self._functions.invoke_later(name, payload)
                return Response(status=202)
        answer = self._functions.invoke(name, payload)
        response = Response(answer.payload, content_type="application/json")
        response.headers["X-Amz-Executed-Version"] = "$LATEST"
        if answer.failed:
            response.headers["X-Amz-Function-Error"] = "Unhandled"
        return response


def _refusal(status: int, kind: str, message: str, **more: str) -> Response:
    body = json.dumps({"Type": "User", "message": message, **more})
    return Response(
        body, status, headers={"x-amzn-ErrorType": kind}, content_type="application/json"
    )
