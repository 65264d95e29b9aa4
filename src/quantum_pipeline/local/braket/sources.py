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

KEPT_SECONDS = 86_400.0
"""How long a source is kept that no new job has."""


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
            tarfile.TarError: it is no archive, or would write outside of the folder.
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
        shutil.copytree(kept, target, dirs_exist_ok=True)

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
    with tarfile.open(archive) as tar:
        tar.extractall(target, filter="data")
