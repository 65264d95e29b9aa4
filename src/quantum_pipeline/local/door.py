"""Lets in nobody but those who know the key of this server, as AWS lets in nobody else.

Whoever may use the port of a server can reach it: every user of this machine, and every page in a
browser. So each server has a key of its own, made at random, and each request is to be signed with
it, or with one that it has made for a role, by Signature Version 4, which botocore computes here
again. A page could not sign, and is refused beforehand: browsers name its origin, and one that took
over the name of its own server (DNS rebinding) asks for a host of that name.
"""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import re
import time
from calendar import timegm
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import parse_qs

from botocore.auth import S3SigV4Auth, SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.compat import HTTPHeaders
from botocore.credentials import Credentials
from werkzeug.datastructures import EnvironHeaders

from quantum_pipeline.local.contents import content
from quantum_pipeline.local.iam.guard import SESSION
from quantum_pipeline.local.keys import Key, Keys, Session
from quantum_pipeline.local.refusals import refusal

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

SKEW_SECONDS = 900
"""How far a request's time may be from this machine's, as on AWS."""
CLOSED = "/moto-api"
"""moto's own pages, which show and change all there is, and belong to no service of AWS."""
_AUTHORIZATION = re.compile(
    r"AWS4-HMAC-SHA256 Credential=([^/]+)/(\d{8})/([^/]+)/([^/]+)/aws4_request, ?"
    r"SignedHeaders=([^,]+), ?Signature=([0-9a-f]{64})"
)


class Refused(Exception):
    """A request that does not get in: a code of AWS, and what is wrong."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class Door:
    """The WSGI application before all others."""

    def __init__(self, keys: Keys, inside: WSGIApplication) -> None:
        """Take the keys that let in, and what is behind the door."""
        self._keys = keys
        self._inside = inside

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Hand on a request that was signed with a key, and say whose; refuse any other."""
        service = ""
        try:
            _check_place(environ)
            signed = _Signed.of(environ)
            service = signed.service
            environ[SESSION] = self._whose(signed, environ)
        except Refused as refused:
            answer = refusal(refused.code, str(refused), environ, service)
            return answer(environ, start_response)

        def start(status: str, headers: list[tuple[str, str]], *error: Any) -> Any:
            # moto lets any page read what it answers.
            kept = [each for each in headers if not each[0].lower().startswith("access-control-")]
            return start_response(status, kept, *error)

        return self._inside(environ, start)

    def _whose(self, signed: _Signed, environ: WSGIEnvironment) -> Session | None:
        """Return whose key has signed; None is the server's own."""
        found = self._keys.find(signed.access_key_id)
        if found is None:
            raise Refused("InvalidClientTokenId", "the access key is not this server's")
        key, session = found
        if not hmac.compare_digest(signed.token.encode(), key.session_token.encode()):
            raise Refused("InvalidToken", "the session token is not that of the access key")
        _check(signed, key, environ)
        return session


def is_safe_host(host: str) -> bool:
    """Return whether a Host header names this machine in a way that no page can take over.

    An address cannot be taken over, and these names are no one's to give: localhost, those below
    it, and that under which containers know this machine.

    >>> [is_safe_host(each) for each in ("127.0.0.1:5055", "[::1]", "bucket.localhost:80")]
    [True, True, True]
    >>> [is_safe_host(each) for each in ("", "example.com:5055", "localhost.example.com")]
    [False, False, False]
    """
    name = re.sub(r":\d+$", "", host).strip("[]").lower()
    if name in ("localhost", "host.docker.internal") or name.endswith(".localhost"):
        return True
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def _check_place(environ: WSGIEnvironment) -> None:
    if "HTTP_ORIGIN" in environ:
        raise Refused("AccessDenied", "requests of pages are not answered")
    if not is_safe_host(environ.get("HTTP_HOST", "")):
        raise Refused("AccessDenied", "the host is none of this machine's names")
    if environ["PATH_INFO"].startswith(CLOSED):
        raise Refused("AccessDenied", f"{CLOSED} is closed")


class _Signed(NamedTuple):
    """What a request says of its signature."""

    access_key_id: str
    date: str
    region: str
    service: str
    headers: tuple[str, ...]
    signature: str
    time: str
    seconds: int
    """How long it holds."""
    query: str
    """The query that was signed."""
    presigned: bool
    token: str
    """Of the session that the key is of, if it is one's."""

    @classmethod
    def of(cls, environ: WSGIEnvironment) -> _Signed:
        """Read the Authorization header, or the query of a URL that was signed beforehand."""
        query = environ.get("QUERY_STRING", "")
        if "X-Amz-Signature=" in query:
            return cls._of_query(query)
        authorization = environ.get("HTTP_AUTHORIZATION", "")
        if not authorization:
            raise Refused("MissingAuthenticationToken", "the request is not signed")
        found = _AUTHORIZATION.fullmatch(authorization)
        if found is None:
            raise Refused("IncompleteSignature", "the request is not signed by Signature Version 4")
        access_key_id, date, region, service, headers, signature = found.groups()
        return cls(
            access_key_id,
            date,
            region,
            service,
            headers=tuple(headers.split(";")),
            signature=signature,
            time=environ.get("HTTP_X_AMZ_DATE", ""),
            seconds=SKEW_SECONDS,
            query=query,
            presigned=False,
            token=environ.get("HTTP_X_AMZ_SECURITY_TOKEN", ""),
        )

    @classmethod
    def _of_query(cls, query: str) -> _Signed:
        given = {name: values[0] for name, values in parse_qs(query).items()}
        try:
            access_key_id, date, region, service, _ = given["X-Amz-Credential"].split("/")
            return cls(
                access_key_id,
                date,
                region,
                service,
                headers=tuple(given["X-Amz-SignedHeaders"].split(";")),
                signature=given["X-Amz-Signature"],
                time=given["X-Amz-Date"],
                seconds=int(given["X-Amz-Expires"]),
                query="&".join(
                    each for each in query.split("&") if not each.startswith("X-Amz-Signature=")
                ),
                presigned=True,
                token=given.get("X-Amz-Security-Token", ""),
            )
        except (KeyError, ValueError) as error:
            raise Refused("IncompleteSignature", "the URL is not signed as a whole") from error


def _check(signed: _Signed, key: Key, environ: WSGIEnvironment) -> None:
    """Refuse a request whose signature is not that of this key, now, for what it asks."""
    try:
        when = timegm(time.strptime(signed.time, "%Y%m%dT%H%M%SZ"))
    except ValueError as error:
        raise Refused("IncompleteSignature", f"X-Amz-Date is {signed.time!r}") from error
    age = time.time() - when
    if not -SKEW_SECONDS <= age <= signed.seconds or signed.date != signed.time[:8]:
        raise Refused("RequestExpired", f"signed for {signed.time}")
    if "host" not in signed.headers:
        raise Refused("IncompleteSignature", "the host is not signed")
    if not hmac.compare_digest(_signature(signed, key, environ), signed.signature):
        raise Refused("SignatureDoesNotMatch", "the signature is not that of the key")


def _signature(signed: _Signed, key: Key, environ: WSGIEnvironment) -> str:
    """Return the signature that the request must have."""
    given = EnvironHeaders(environ)
    headers = {name: given.get(name, "") for name in signed.headers}
    path = environ["REQUEST_URI"].partition("?")[0]
    request = AWSRequest(
        method=environ["REQUEST_METHOD"],
        url=f"http://{environ['HTTP_HOST']}{path}?{signed.query}",
        headers={**headers, "X-Amz-Content-SHA256": _digest(signed, given, environ)},
    )
    request.context["timestamp"] = signed.time
    kind = _ForS3 if signed.service == "s3" else _ForOthers
    credentials = Credentials(key.access_key_id, key.secret_access_key)
    auth = kind(credentials, signed.service, signed.region)
    auth.names = signed.headers
    found: str = auth.signature(
        auth.string_to_sign(request, auth.canonical_request(request)), request
    )
    return found


class _OfHeaders(SigV4Auth):
    """Signs the headers that the request names, no others."""

    names: tuple[str, ...] = ()

    def headers_to_sign(self, request: AWSRequest) -> HTTPHeaders:
        chosen = HTTPHeaders()
        for name in self.names:
            chosen[name] = request.headers[name]
        return chosen


class _ForOthers(_OfHeaders):
    pass


class _ForS3(_OfHeaders, S3SigV4Auth):
    pass


def _digest(signed: _Signed, given: EnvironHeaders, environ: WSGIEnvironment) -> str:
    """Return what stands for the content in the signature, and hold the content to it.

    S3 may be sent content that is not signed, and says so then.
    """
    claimed = given.get("X-Amz-Content-SHA256", "")
    if signed.service == "s3" and (signed.presigned or not re.fullmatch("[0-9a-f]{64}", claimed)):
        return claimed or "UNSIGNED-PAYLOAD"
    found = hashlib.sha256(content(environ)).hexdigest()
    if claimed not in ("", found):
        raise Refused("SignatureDoesNotMatch", "the content is not what was signed")
    return found
