"""The catalogue of this machine: ``catalogue.jsonl`` in the folder of runs, a record a line.

Lines stand in the order of the ends, so that the newest runs are read without the others. Who
writes holds a lock, which all processes of the machine share. Who reads holds none: the line that
is being written has no end yet, and is passed over. Nothing is imported that takes its time.
"""

from __future__ import annotations

import json
import os
import re
import secrets
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO

NAME = "catalogue.jsonl"
LOCK_SECONDS = 30.0
"""How long a writer waits for another, whose write takes milliseconds."""

_PACK = "pack.json"

_BLOCK_BYTES = 2**16
_RUN_ID = re.compile(rb'^\{"run_id":("(?:[^"\\]|\\.)*")', re.MULTILINE)
_ENDS = ("completed.json", "failure.json", "cancelled.json", "report.json")
"""One of these is in the folder of a run that has ended; the last alone in very old ones."""


class CatalogueFile:
    """The records of the runs in one folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.path = folder / NAME

    def newest_first(self) -> Iterator[bytes]:
        """Yield the records as JSON, one a run; cost: what is read of them.

        A name that two runs had, of two stacks on this machine, is the newer one's.
        """
        seen = set()
        try:
            file = self.path.open("rb")
        except FileNotFoundError:
            return
        with file:
            for line in _reversed_lines(file):
                found = _RUN_ID.match(line)
                if found and found[1] not in seen:
                    seen.add(found[1])
                    yield line

    def add(self, record: str) -> None:
        """Write a record, unless it is there.

        Raises:
            OSError: the disk is full or read-only, or another process holds the lock for long.
        """
        self.add_all([record])

    def add_all(self, records: Iterable[str]) -> None:
        """Write records, those that are not there; each is a line of JSON.

        Cost: O(size of the file) to look for them, some milliseconds for 10,000 runs.

        Raises:
            OSError: as ``add``.
        """
        with self._locked():
            content = self._whole_lines()
            lines = (each.encode() + b"\n" for each in records)
            new = sorted((each for each in lines if _start(each) not in content), key=_when)
            if new:
                self._insert(content, new)
            if self.path.exists():
                os.utime(self.path)  # newer than the folder: nothing is to be read in

    def unread(self) -> list[Path]:
        """Return the folders of runs that ended and have no record.

        They are looked for only if the folder of runs has changed since the last record.
        """
        try:
            changed = self.folder.stat().st_mtime_ns
            if self.path.exists() and self.path.stat().st_mtime_ns >= changed:
                return []
            known = set(map(json.loads, _RUN_ID.findall(self._read())))
            return sorted(
                Path(each.path)
                for each in os.scandir(self.folder)
                if each.name not in known and not each.name.startswith(".") and _has_ended(each)
            )
        except FileNotFoundError:
            return []

    def read_in(self) -> None:
        """Write the records of runs that ended and have none.

        Raises:
            OSError: as ``add``.
        """
        unread = self.unread()
        if unread:
            from quantum_pipeline.local.run_folder import record_of_folder  # noqa: PLC0415

            self.add_all(filter(None, map(record_of_folder, unread)))

    @contextmanager
    def _locked(self) -> Iterator[None]:
        from filelock import FileLock  # noqa: PLC0415 - who reads needs none

        self.folder.mkdir(parents=True, exist_ok=True)
        with FileLock(self.folder / ".catalogue.lock", timeout=LOCK_SECONDS):
            yield

    def _read(self) -> bytes:
        return self.path.read_bytes() if self.path.exists() else b""

    def _whole_lines(self) -> bytes:
        """Return the file, less a line that a writer died over."""
        content = self._read()
        whole = content[: content.rfind(b"\n") + 1]
        if len(whole) < len(content):
            os.truncate(self.path, len(whole))
        return whole

    def _insert(self, content: bytes, new: Sequence[bytes]) -> None:
        if not content or _when(_last(content)) <= _when(new[0]):
            self._append(new)
        else:
            self._replace(sorted([*content.splitlines(keepends=True), *new], key=_when))

    def _append(self, lines: Iterable[bytes]) -> None:
        with self.path.open("ab") as file:
            _write(file, lines)

    def _replace(self, lines: Iterable[bytes]) -> None:
        part = self.folder / f".{NAME}.{secrets.token_hex(4)}"
        try:
            with part.open("wb") as file:
                _write(file, lines)
            part.replace(self.path)
        finally:
            part.unlink(missing_ok=True)


def _write(file: IO[bytes], lines: Iterable[bytes]) -> None:
    file.write(b"".join(lines))
    file.flush()
    os.fsync(file.fileno())


def _start(line: bytes) -> bytes:
    """Return how the line of a record begins: the run, and when it ended."""
    return line[: line.index(b'"status"')]


def _last(content: bytes) -> bytes:
    return content[content.rfind(b"\n", 0, -1) + 1 :]


def _when(line: bytes) -> str:
    """Return the time of a record's end, as text that sorts."""
    ended_at: str = json.loads(line)["ended_at"]
    return ended_at.removesuffix("Z")


def _has_ended(entry: os.DirEntry[str]) -> bool:
    if not entry.is_dir() or Path(entry.path, _PACK).exists():  # a pack is no run
        return False
    return any(Path(entry.path, name).exists() for name in _ENDS)


def _reversed_lines(file: IO[bytes]) -> Iterator[bytes]:
    """Yield the whole lines of a file, the last first; what follows the last end is no line."""
    position, tail, ended = file.seek(0, os.SEEK_END), b"", False
    while position:
        size = min(_BLOCK_BYTES, position)
        position = file.seek(position - size)
        tail, *whole = (file.read(size) + tail).split(b"\n")
        if whole and not ended:
            ended = True
            whole.pop()
        yield from reversed(whole)
    if ended and tail:
        yield tail
