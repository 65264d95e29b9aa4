"""Objects of a stack's output bucket: read, listed, put, and fetched into folders, whole or not."""

from __future__ import annotations

import secrets
import shutil
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from quantum_pipeline.error_codes import Meaning, meaning_of
from quantum_pipeline.errors import PipelineError
from quantum_pipeline.local.paths import below


class OutputNotWritten(PipelineError):
    """The run's files could not be written on this machine; they are still where they were."""

    exit_code = 73


class Bucket:
    """One bucket, by a client of S3."""

    def __init__(self, s3: Any, name: str) -> None:
        self._s3, self.name = s3, name

    def get(self, key: str) -> bytes:
        """Return what is under a key."""
        content: bytes = self._s3.get_object(Bucket=self.name, Key=key)["Body"].read()
        return content

    def content(self, key: str) -> bytes | None:
        """Return what is under a key, None where nothing is."""
        try:
            return self.get(key)
        except ClientError as error:
            if meaning_of(error.response) is not Meaning.NO_OBJECT:
                raise
            return None

    def put(self, key: str, content: bytes) -> None:
        """Put an object."""
        self._s3.put_object(Bucket=self.name, Key=key, Body=content)

    def listed(self, prefix: str) -> Iterator[str]:
        """Yield the names of the objects whose keys have a prefix, less it."""
        for page in self._pages(Prefix=prefix):
            for item in page.get("Contents", []):
                yield item["Key"].removeprefix(prefix)

    def folders(self, prefix: str) -> Iterator[str]:
        """Yield the names of what is a folder below a prefix."""
        for page in self._pages(Prefix=prefix, Delimiter="/"):
            for item in page.get("CommonPrefixes", []):
                yield item["Prefix"].removeprefix(prefix).removesuffix("/")

    def _pages(self, **which: str) -> Iterable[Any]:
        pages: Iterable[Any] = self._s3.get_paginator("list_objects_v2").paginate(
            Bucket=self.name, **which
        )
        return pages

    def fetch(
        self,
        prefix: str,
        names: Iterable[str],
        folder: Path,
        add: Callable[[Path], None] = lambda _: None,
    ) -> Path:
        """Download objects below a prefix into a folder, and return it.

        All of them are there, with what ``add`` puts beside them, or nothing.

        Raises:
            InvalidResult: the name of an object would lead out of that folder.
            OutputNotWritten: the disk is full, read-only or the like.
        """
        with _whole(folder) as part:
            for name in names:
                path = below(part, name)
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(self.get(f"{prefix}{name}"))
            add(part)
        return folder


@contextmanager
def _whole(folder: Path) -> Iterator[Path]:
    """Yield a folder of another name, which replaces one once all is in it."""
    part = folder.with_name(f".{folder.name}.{secrets.token_hex(4)}")
    try:
        part.mkdir(parents=True)
        yield part
        if folder.exists():  # from an earlier time
            shutil.rmtree(folder)
        part.rename(folder)
    except OSError as error:
        where = folder.parent
        raise OutputNotWritten(f"--output: {where}: {error.strerror or error}") from error
    finally:
        shutil.rmtree(part, ignore_errors=True)
