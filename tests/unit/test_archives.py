"""Archives that a job has saved, or somebody has made: what is in them, or a refusal by name."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Callable

import pytest

from quantum_pipeline.aws import archive
from quantum_pipeline.errors import InvalidResult

SAVED = b'{"dataDictionary": 7}'
MEBIBYTE = 2**20


@pytest.fixture(autouse=True)
def small_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive, "MAX_BYTES", MEBIBYTE)
    monkeypatch.setattr(archive, "MAX_UNPACKED_BYTES", 4 * MEBIBYTE)
    monkeypatch.setattr(archive, "MAX_MEMBERS", 20)


def packed(*members: tuple[tarfile.TarInfo, bytes]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz", format=tarfile.PAX_FORMAT) as tar:
        for member, content in members:
            tar.addfile(member, io.BytesIO(content))
    return buffer.getvalue()


def file(
    name: str, content: bytes, kind: bytes = tarfile.REGTYPE, **headers: str
) -> tuple[tarfile.TarInfo, bytes]:
    member = tarfile.TarInfo(name)
    member.type, member.size, member.pax_headers = kind, len(content), headers
    return member, content


def other(name: str, kind: bytes, target: str = "") -> tuple[tarfile.TarInfo, bytes]:
    member = tarfile.TarInfo(name)
    member.type, member.linkname = kind, target
    return member, b""


def test_the_results_are_found_among_other_files() -> None:
    content = packed(file("plot.png", b"0" * MEBIBYTE), file("results.json", SAVED))
    assert archive.saved_data(content, "here") == 7


BIG = b" " * (MEBIBYTE + 1)
REFUSED: dict[str, tuple[Callable[[], bytes], str]] = {
    "nothing": (lambda: b"", "not a readable archive"),
    "no archive": (lambda: b"results", "not a readable archive"),
    "cut short": (lambda: packed(file("results.json", SAVED))[:60], "not a readable archive"),
    "no results": (lambda: packed(file("other.json", SAVED)), "no results.json in it"),
    "results elsewhere": (lambda: packed(file("../results.json", SAVED)), "no results.json in it"),
    "a folder": (lambda: packed(other("results.json", tarfile.DIRTYPE)), "is no file"),
    "a pipe": (lambda: packed(other("results.json", tarfile.FIFOTYPE)), "is no file"),
    "a link to itself": (
        lambda: packed(other("results.json", tarfile.SYMTYPE, "results.json")),
        "is no file",
    ),
    "a hard link to itself": (
        lambda: packed(other("results.json", tarfile.LNKTYPE, "results.json")),
        "is no file",
    ),
    "links in a loop": (
        lambda: packed(
            other("a", tarfile.SYMTYPE, "results.json"), other("results.json", tarfile.SYMTYPE, "a")
        ),
        "is no file",
    ),
    "a link to a large file": (
        lambda: packed(file("a", BIG), other("results.json", tarfile.LNKTYPE, "a")),
        "is no file",
    ),
    "large results": (lambda: packed(file("results.json", BIG)), "allowed: 1048576"),
    "much before them": (
        lambda: packed(file("a", 4 * BIG), file("results.json", SAVED)),
        "more than 4194304 bytes unpacked",
    ),
    "a large header": (
        lambda: packed(file("results.json", SAVED, comment="x" * MEBIBYTE)),
        "a header of 10485.. bytes; allowed: 1048576",
    ),
    "a long name": (
        lambda: packed(file("././@LongLink", BIG, kind=tarfile.GNUTYPE_LONGNAME)),
        "a header of 1048577 bytes; allowed: 1048576",
    ),
    "files without number": (
        lambda: packed(*(file(str(number), b"") for number in range(21))),
        "no results.json in its first 20 members",
    ),
    "no JSON": (lambda: packed(file("results.json", b"{")), "not JSON"),
    "no data": (lambda: packed(file("results.json", b"[1]")), "no dataDictionary"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_no_archive_of_results_is_refused_by_name(name: str) -> None:
    make, said = REFUSED[name]
    with pytest.raises(InvalidResult, match=f"^here: .*{said}"):
        archive.saved_data(make(), "here")
