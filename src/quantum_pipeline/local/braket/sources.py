"""The unpacked source of jobs: unpacked anew for each, or kept by its hash, compiled."""

from __future__ import annotations

import compileall
import hashlib
import os
import shutil
import tarfile
import tempfile
import time
from contextlib import suppress
from pathlib import Path

from quantum_pipeline.aws.archive import Header

KEPT_SECONDS = 86_400.0
"""How long a source is kept that no new job has."""
MAX_FILES = 10_000
MAX_BYTES = 2**30
"""Of one source, unpacked."""


class Sources:
    """Unpacks archives, and keeps what they hold where there is a folder for it.

    A job gets copies, with their times, by which Python knows that what is compiled still holds.
    So whatever a job does to its files is its own affair, as on AWS.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder

    def unpack(self, archive: Path, target: Path) -> None:
        """Fill an empty folder from an archive.

        Raises:
            tarfile.TarError: it is no archive, would write outside of the folder, or more than is
                allowed into it.
        """
        if self._folder is None:
            _extract(archive, target)
            return
        self._folder.mkdir(parents=True, exist_ok=True)
        kept = self._folder / hashlib.sha256(archive.read_bytes()).hexdigest()
        if not kept.exists():
            self._forget()
            self._keep(archive, kept)
        os.utime(kept)
        shutil.copytree(kept, target, symlinks=True, dirs_exist_ok=True)

    def _keep(self, archive: Path, kept: Path) -> None:
        with tempfile.TemporaryDirectory(dir=self._folder) as new:
            _extract(archive, Path(new, "source"))
            compileall.compile_dir(Path(new, "source"), quiet=2)
            with suppress(OSError):  # another process has just made it
                Path(new, "source").rename(kept)

    def _forget(self) -> None:
        assert self._folder is not None
        for kept in self._folder.iterdir():
            with suppress(FileNotFoundError):  # another process has just forgotten it
                if kept.stat().st_mtime < time.time() - KEPT_SECONDS:
                    shutil.rmtree(kept, ignore_errors=True)


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
