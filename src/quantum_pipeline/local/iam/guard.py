"""Stands behind the door: lets a request pass if the role whose key signed it may make it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace
from http import HTTPStatus
from typing import TYPE_CHECKING

from werkzeug.wrappers import Response

from quantum_pipeline.local.iam import operations
from quantum_pipeline.local.iam.authority import AccessDenied, Authority
from quantum_pipeline.local.iam.policies import Asked
from quantum_pipeline.local.iam.requests import Tags, asked_of
from quantum_pipeline.local.keys import Session
from quantum_pipeline.local.refusals import OF_JSON, refusal

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

SESSION = "quantum_pipeline.session"
"""Where the door says in a request's environment whose key has signed it; nothing: the server's."""
SCOPE = re.compile(r"Credential=[^/]+/\d{8}/([^/]*)/([^/]+)/aws4_request")


class Guard:
    """The WSGI application between the door and the services."""

    def __init__(self, authority: Authority, tags: Tags, inside: WSGIApplication) -> None:
        """Take who decides, and what is behind.

        Args:
            tags: returns the tags of Braket's jobs and tasks, which policies have conditions on.
        """
        self._authority = authority
        self._tags = tags
        self._inside = inside

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Hand on a request that is allowed; refuse another in the form of its service."""
        session: Session | None = environ.get(SESSION)
        if session is None:
            return self._inside(environ, start_response)
        region, service = _scope(environ)
        operation = operations.read(environ, service, region)
        asked = asked_of(operation, self._authority.account, self._tags)
        if service == "braket":
            asked = [self._at_home(each) for each in asked]
        try:
            self._authority.check(session.role_arn, session.name, asked)
        except AccessDenied as denied:
            return _denial(denied, environ, service)(environ, start_response)
        if asked and asked[0].action == "s3:GetObject":
            return self._get_object(session, asked[0], environ)(environ, start_response)
        return self._inside(environ, start_response)

    def _at_home(self, asked: Asked) -> Asked:
        """Return what is asked of Braket as if the stack stood in the region that is asked.

        On AWS it does: the stack here, which is in one, rehearses runs on the QPUs of all.
        """
        here, parts = self._authority.region, asked.resource.split(":", 5)
        if parts[2:3] == ["braket"] and parts[4] == self._authority.account:
            parts[3] = here
        return replace(
            asked,
            resource=":".join(parts),
            context={**asked.context, "aws:requestedregion": (here,)},
        )

    def _get_object(self, session: Session, asked: Asked, environ: WSGIEnvironment) -> Response:
        """Return what S3 answers: that there is no such object only to who may list the bucket."""
        response = Response.from_app(self._inside, environ)
        if response.status_code == HTTPStatus.NOT_FOUND:
            listing = replace(asked, action="s3:ListBucket", resource=asked.resource.split("/")[0])
            try:
                self._authority.check(session.role_arn, session.name, [listing])
            except AccessDenied as denied:
                return _denial(denied, environ, "s3")
        return response


def _scope(environ: WSGIEnvironment) -> tuple[str, str]:
    """Return the region and the service that a request is signed for; the door has read them."""
    found = SCOPE.search(environ.get("HTTP_AUTHORIZATION", ""))
    return (found[1], found[2]) if found else ("", "s3")  # a URL that was signed beforehand


def _denial(denied: AccessDenied, environ: WSGIEnvironment, service: str) -> Response:
    return refusal(_code(environ, service), str(denied), environ, service)


def _code(environ: WSGIEnvironment, service: str) -> str:
    """Return the code of a refusal: that of the protocol, but for SNS, which has one of its own."""
    if service == "sns":
        return "AuthorizationError"
    in_json = "json" in environ.get("CONTENT_TYPE", "") or service in OF_JSON
    return "AccessDeniedException" if in_json and service != "s3" else "AccessDenied"
