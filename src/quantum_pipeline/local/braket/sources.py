"""The unpacked source of jobs: unpacked anew for each, or kept by its hash, compiled.

A kept one is held by the process that has used it, and forgotten when nobody has held it for long.
"""

from __future__ import annotations

import compileall
import fcntl
import hashlib
import os
import shutil
import tarfile
import tempfile
import threading
import time
from contextlib import suppress
from pathlib import Path

from quantum_pipeline.aws.archive import Header

KEPT_SECONDS = 86_400.0
"""How long a source is kept that no new job has."""
_HASH = 2 * hashlib.sha256().digest_size
"""Characters of the name of one that is kept."""
MAX_FILES = 10_000
MAX_BYTES = 2**30
"""Of one source, unpacked."""


class Sources:
    """Unpacks archives, and keeps what they hold where there is a folder for it.

    A job gets copies, with their times, by which Python knows that what is compiled still holds.
    So whatever a job does to its files is its own affair, as on AWS. Who only reads them may have
    the very files.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder
        self._held: dict[Path, int] = {}
        self._lock = threading.Lock()

    def unpack(self, archive: Path, target: Path) -> None:
        """Fill an empty folder from an archive.

        Raises:
            tarfile.TarError: it is no archive, would write outside of the folder, or more than is
                allowed into it.
        """
        kept = self.kept(archive)
        if kept is None:
            _extract(archive, target)
        else:
            shutil.copytree(kept, target, symlinks=True, dirs_exist_ok=True)

    def kept(self, archive: Path) -> Path | None:
        """Return the folder that has what an archive holds, for reading; None if none is kept.

        Raises:
            tarfile.TarError: as `unpack`.
        """
        if self._folder is None:
            return None
        self._folder.mkdir(parents=True, exist_ok=True)
        kept = self._folder / hashlib.sha256(archive.read_bytes()).hexdigest()
        with self._lock:
            while not self._hold(kept):
                self._forget()
                self._keep(archive, kept)
        return kept

    def newest(self) -> Path | None:
        """Return the one that was used last: the next job is likely to have it."""
        with self._lock, suppress(OSError):
            if self._folder is not None:
                found = (path for path in self._folder.iterdir() if len(path.name) == _HASH)
                newest = max(found, key=lambda path: path.stat().st_mtime, default=None)
                return newest if newest is not None and self._hold(newest) else None
        return None

    def close(self) -> None:
        """Let go of those that are held."""
        with self._lock:
            for file in self._held.values():
                os.close(file)
            self._held.clear()

    def _hold(self, kept: Path) -> bool:
        """Keep others from forgetting one, if it is there."""
        if kept not in self._held:
            try:
                file = os.open(kept, os.O_RDONLY)
            except FileNotFoundError:
                return False
            fcntl.flock(file, fcntl.LOCK_SH)
            self._held[kept] = file
        with suppress(FileNotFoundError):
            if os.path.samestat(kept.stat(), os.fstat(self._held[kept])):
                os.utime(kept)
                return True
        os.close(self._held.pop(kept))  # forgotten before it was held
        return False

    def _keep(self, archive: Path, kept: Path) -> None:
        with tempfile.TemporaryDirectory(dir=self._folder) as new:
            _extract(archive, Path(new, "source"))
            compileall.compile_dir(Path(new, "source"), quiet=2)
            try:
                Path(new, "source").rename(kept)
            except OSError:
                if not kept.is_dir():  # else another process has just made it
                    raise

    def _forget(self) -> None:
        assert self._folder is not None
        for kept in self._folder.iterdir():
            with suppress(FileNotFoundError):  # another process has just forgotten it
                if kept.stat().st_mtime < time.time() - KEPT_SECONDS and kept not in self._held:
                    _remove(kept)


def _remove(kept: Path) -> None:
    """Remove a folder unless a process holds it."""
    file = os.open(kept, os.O_RDONLY)
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        shutil.rmtree(kept, ignore_errors=True)
    except OSError:  # another one holds it, or its file system has no such locks
        return
    finally:
        os.close(file)


def _extract(archive: Path, target: Path) -> None:
    left = MAX_BYTES
    with tarfile.open(archive, "r|*", tarinfo=Header) as tar:
        for files, member in enumerate(tar, 1):
            left -= member.size
            if files > MAX_FILES or left < 0:
                allowed = f"{MAX_FILES} files and {MAX_BYTES} bytes"
                raise tarfile.ReadError(f"{archive.name}: allowed: up to {allowed}")
            try:
                tar.extract(member, target, filter="data")
            except (RecursionError, KeyError) as error:  # of links in a loop, and to nothing
                raise tarfile.ReadError(f"{archive.name}: {member.name} links nowhere") from error
