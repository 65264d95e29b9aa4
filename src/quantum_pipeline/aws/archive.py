"""Reads what a job has saved from its archive, which whoever can write to the bucket may have made.

Of the archive one ordinary file is read, in a single pass: links are not followed, and neither what
comes before the file nor the file itself can take more memory or time than the limits allow.
"""

from __future__ import annotations

import gzip
import io
import tarfile
import zlib
from typing import Any, Self

from quantum_pipeline.errors import InvalidRequest, InvalidResult
from quantum_pipeline.requests.json_text import parse_json

RESULTS = "results.json"
MAX_BYTES = 64 * 2**20
"""Of the archive, and of the results in it."""
MAX_UNPACKED_BYTES = 4 * MAX_BYTES
"""Of all that is unpacked until the results are found."""
MAX_MEMBERS = 10_000
"""Of the archive, until the results are found: tarfile remembers each."""
MAX_HEADER_BYTES = 2**20
"""Of what stands before a member and belongs to its header: a long name, or anything in pax's."""


class Header(tarfile.TarInfo):
    """A member's header, for ``tarfile.open(tarinfo=Header)``; none is read that has no end.

    Raises:
        tarfile.ReadError: it is larger than is allowed. tarfile itself takes it all into memory.
    """

    _EXTENDED = (
        tarfile.GNUTYPE_LONGNAME,
        tarfile.GNUTYPE_LONGLINK,
        tarfile.XHDTYPE,
        tarfile.XGLTYPE,
        tarfile.SOLARIS_XHDTYPE,
    )

    @classmethod
    def frombuf(cls, buf: bytes | bytearray, encoding: str, errors: str) -> Self:
        """Return the header that a block of the archive holds."""
        header = super().frombuf(buf, encoding, errors)
        if header.type in cls._EXTENDED and header.size > MAX_HEADER_BYTES:
            raise tarfile.ReadError(f"a header of {header.size} bytes; allowed: {MAX_HEADER_BYTES}")
        return header


def saved_data(archive: bytes, where: str) -> Any:
    """Return the data that a job saved: dataDictionary in the archive's results.json.

    Args:
        archive: a tar archive compressed by gzip, as Braket stores it.
        where: its place, for messages.

    Raises:
        InvalidResult: not an archive, no results in it or no file, not JSON, or too large.
    """
    try:
        saved = parse_json(_results(archive, where), f"{where}: {RESULTS}")
    except InvalidRequest as error:
        raise InvalidResult(str(error)) from error
    if not isinstance(saved, dict) or "dataDictionary" not in saved:
        raise InvalidResult(f"{where}: {RESULTS} has no dataDictionary")
    return saved["dataDictionary"]


def _results(archive: bytes, where: str) -> bytes:
    try:
        with (
            gzip.GzipFile(fileobj=io.BytesIO(archive)) as unpacked,
            tarfile.open(fileobj=_Bounded(unpacked), mode="r|", tarinfo=Header) as tar,
        ):
            for number, member in enumerate(tar):
                if number == MAX_MEMBERS:
                    raise tarfile.ReadError(f"no {RESULTS} in its first {MAX_MEMBERS} members")
                if member.name == RESULTS:
                    return _content(tar, member, where)
    except (tarfile.TarError, EOFError, OSError, zlib.error) as error:
        raise InvalidResult(f"{where}: not a readable archive ({error})") from error
    raise InvalidResult(f"{where}: no {RESULTS} in it")


def _content(tar: tarfile.TarFile, member: tarfile.TarInfo, where: str) -> bytes:
    if member.size > MAX_BYTES:
        raise InvalidResult(f"{where}: {RESULTS} has {member.size} bytes; allowed: {MAX_BYTES}")
    file = tar.extractfile(member) if member.isreg() else None
    if file is None:
        raise InvalidResult(f"{where}: {RESULTS} is no file")
    return file.read()


class _Bounded(io.RawIOBase):
    """A stream that ends with an error when more is read of it than is allowed."""

    def __init__(self, stream: gzip.GzipFile) -> None:
        self._stream = stream
        self._left = MAX_UNPACKED_BYTES

    def read(self, size: int = -1, /) -> bytes:
        content = self._stream.read(min(size, self._left + 1) if size >= 0 else self._left + 1)
        self._left -= len(content)
        if self._left < 0:
            raise tarfile.ReadError(f"more than {MAX_UNPACKED_BYTES} bytes unpacked")
        return content
