"""Refusals in the form of the protocol that a service speaks."""

from __future__ import annotations

import json
from http import HTTPStatus
from typing import TYPE_CHECKING
from xml.sax.saxutils import escape

from werkzeug.wrappers import Response

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

OF_JSON = frozenset({"braket", "lambda"})
"""Services that answer in JSON whatever was sent, by the names that requests are signed for."""


def refusal(code: str, message: str, environ: WSGIEnvironment, service: str = "") -> Response:
    """Return the response to a request that is not let in."""
    kind = environ.get("CONTENT_TYPE", "")
    headers = {"x-amzn-ErrorType": code}
    # Of the JSON protocols that name their operation in a header every refusal is a 400.
    status = HTTPStatus.BAD_REQUEST if "HTTP_X_AMZ_TARGET" in environ else HTTPStatus.FORBIDDEN
    if "json" in kind or service in OF_JSON:
        content = json.dumps({"__type": code, "message": message})
        kind = "application/json"
    else:
        error = f"<Code>{escape(code)}</Code><Message>{escape(message)}</Message>"
        if "form" in kind:
            error = f"<Error><Type>Sender</Type>{error}</Error>"
        name = "ErrorResponse" if "form" in kind else "Error"
        content, kind = f"<{name}>{error}</{name}>", "application/xml"
    return Response(content, status, headers, content_type=kind)
