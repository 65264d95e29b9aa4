"""Bytes as they come: unpacks what is compressed, and names what is no text in UTF-8."""

from __future__ import annotations

import bz2
import re
import zlib
from codecs import BOM_UTF16_BE, BOM_UTF16_LE
from pathlib import PurePath

from quantum_pipeline.wording import memory_size

_PACKED = {b"\x1f\x8b": ("gzip", ".gz"), b"BZh": ("bzip2", ".bz2")}
_OTHER = {
    b"PK\x03\x04": "a zip archive; unpack it first",
    b"\xfd7zXZ\x00": "compressed by xz; unpack it first, or use gzip or bzip2",
    b"\x28\xb5\x2f\xfd": "compressed by zstd; unpack it first, or use gzip or bzip2",
    b"%PDF": "a PDF",
    b"\x89PNG": "a PNG picture",
    b"\xff\xd8\xff": "a JPEG picture",
    b"\x89HDF": "an HDF5 file",
    b"MATLAB 5.0": "a MATLAB file",
    b"\x7fELF": "a program",
    b"SQLite format": "a database",
}
_PICKLE = re.compile(rb"\x80[\x02-\x05]")
BINARY_MARKS = (b"\x93NUMPY", b"DIMODBQM", b"DIMODCQM", b"DIMODDQM")
"""How those files begin that are read, and are no text."""


def unpacked(data: bytes, name: str, most: int) -> tuple[bytes, str]:
    """Return the content of a file without compression, and its name without.

    Raises:
        ValueError: damaged, more than ``most`` bytes, or no text and none of BINARY_MARKS.
    """
    for mark, (kind, suffix) in _PACKED.items():
        if data.startswith(mark):
            data = _decompressed(data, kind, most)
            if PurePath(name).suffix.lower() == suffix:
                name = name[: -len(suffix)]
            break
    if not data.startswith(BINARY_MARKS):
        _check_text(data)
    return data, name


def _decompressed(data: bytes, kind: str, most: int) -> bytes:
    """Return what is compressed, all members of it, and never more than it may be."""
    parts: list[bytes] = []
    room = most + 1
    while data and room > 0:
        try:
            part, data, whole = _member(data, kind, room)
        except (zlib.error, OSError, EOFError, ValueError):
            raise ValueError(f"damaged {kind}; allowed: a file that {kind} unpacks") from None
        if not whole and len(part) < room:
            raise ValueError(f"{kind} that breaks off; allowed: the whole file")
        parts.append(part)
        room -= len(part)
    if room <= 0:
        allowed = f"up to {memory_size(most)} when unpacked"
        raise ValueError(f"got {kind} of more than {memory_size(most)}; allowed: {allowed}")
    return b"".join(parts)


def _member(data: bytes, kind: str, room: int) -> tuple[bytes, bytes, bool]:
    """Return the next member as far as there is room, what follows it, and whether it ended."""
    if kind == "gzip":
        gzip = zlib.decompressobj(wbits=31)
        part = gzip.decompress(data, room)
        return part, gzip.unused_data.lstrip(b"\0"), gzip.eof
    bzip2 = bz2.BZ2Decompressor()
    part = bzip2.decompress(data, room)
    return part, bzip2.unused_data, bzip2.eof


def _check_text(data: bytes) -> None:
    """Name what is no text in an encoding that has ASCII in it; the rest is for its reader."""
    allowed = "a text file in UTF-8, or one that `qpipe run --help` names"
    for mark, kind in _OTHER.items():
        if data.startswith(mark):
            raise ValueError(f"{kind}; allowed: {allowed}")
    if _PICKLE.match(data) and data.rstrip().endswith(b"."):
        raise ValueError(f"a pickle of Python, which could run anything; allowed: {allowed}")
    if data.startswith((BOM_UTF16_LE, BOM_UTF16_BE)) or _looks_like_utf16(data):
        how = "save it in UTF-8, as by: iconv -f UTF-16 -t UTF-8"
        raise ValueError(f"text in UTF-16; allowed: UTF-8; {how}")
    head = data[:4096]
    if head and head.count(0) > len(head) // 8:
        raise ValueError(f"a binary file of a kind that is not known; allowed: {allowed}")


def _looks_like_utf16(data: bytes) -> bool:
    head = data[:200]
    even, odd = head[::2], head[1::2]
    one, other = even.count(0), odd.count(0)
    return len(head) >= 4 and max(one, other) > 0.9 * len(odd) and min(one, other) == 0


def text_of(data: bytes) -> str:
    """Return a text in UTF-8.

    Raises:
        ValueError: names the first byte that is not, and Latin-1 where it is that.
    """
    try:
        return data.decode().removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        raise not_utf8(data, error.start) from None


def not_utf8(data: bytes, start: int, before: int = 0) -> ValueError:
    """Return the refusal of a byte; ``before`` it are as many more."""
    around = data[max(0, start - 20) : start + 20].decode("latin-1")
    latin = "; it looks like Latin-1: iconv -f LATIN1 -t UTF-8" if around.isprintable() else ""
    return ValueError(f"byte {before + start + 1} is not UTF-8; allowed: text in UTF-8{latin}")
