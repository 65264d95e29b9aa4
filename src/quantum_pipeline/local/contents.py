"""Reads the content of a request so that it can be read again."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment


def content(environ: WSGIEnvironment) -> bytes:
    """Return the content of a request, which stays in it."""
    stream = environ["wsgi.input"]
    ends_itself = environ.get("wsgi.input_terminated", False)
    length = int(environ.get("CONTENT_LENGTH") or 0)
    found: bytes = stream.read() if ends_itself else stream.read(length)
    environ["wsgi.input"] = io.BytesIO(found)
    environ["CONTENT_LENGTH"] = str(len(found))
    return found
