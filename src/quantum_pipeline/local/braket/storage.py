"""Copies files between S3 and a folder."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from quantum_pipeline.local.paths import below

if TYPE_CHECKING:
    from mypy_boto3_s3.client import S3Client


def split(uri: str) -> tuple[str, str]:
    """Return bucket and key of an S3 URI.

    >>> split("s3://bucket/runs/7/prepared.json")
    ('bucket', 'runs/7/prepared.json')
    """
    parts = urlsplit(uri, allow_fragments=False)
    return parts.netloc, parts.path.strip("/")


def fetch(s3: S3Client, uri: str, path: Path) -> None:
    """Write an object to a file."""
    bucket, key = split(uri)
    _fetch(s3, bucket, key, path)


def fetch_all(s3: S3Client, uri: str, folder: Path) -> int:
    """Write every object below a prefix into a folder; return how many there were.

    A prefix that names a folder gives the folder's content; any other gives the objects whose keys
    begin with it, under their names in its parent.

    Raises:
        InvalidResult: a key would lead out of the folder.
    """
    bucket, prefix = split(uri)
    keys = list(_keys(s3, bucket, prefix))
    is_folder = all(key.startswith(f"{prefix}/") for key in keys)
    top = f"{prefix}/" if is_folder else "".join(prefix.rpartition("/")[:2])
    for key in keys:
        _fetch(s3, bucket, key, below(folder, key.removeprefix(top)))
    return len(keys)


def store(s3: S3Client, path: Path, uri: str) -> None:
    """Write a file to an object."""
    bucket, key = split(uri)
    with path.open("rb") as body:
        s3.put_object(Bucket=bucket, Key=key, Body=body)


class Mirror:
    """A folder whose changed files go to an S3 prefix each time `sync` is called."""

    def __init__(self, s3: S3Client, folder: Path, uri: str) -> None:
        self._s3 = s3
        self._folder = folder
        self._uri = uri.rstrip("/")
        self._seen = dict(self._files())

    def sync(self) -> None:
        """Upload what is new or changed since the last call."""
        for path, version in self._files():
            if self._seen.get(path) != version:
                # The job may replace a file at any moment: what is gone is no longer wanted.
                with contextlib.suppress(FileNotFoundError):
                    bucket, prefix = split(self._uri)
                    key = f"{prefix}/{path.relative_to(self._folder).as_posix()}".lstrip("/")
                    self._s3.put_object(Bucket=bucket, Key=key, Body=path.read_bytes())
                    self._seen[path] = version

    def _files(self) -> Iterator[tuple[Path, tuple[int, int]]]:
        for path in sorted(self._folder.rglob("*")):
            with contextlib.suppress(FileNotFoundError):
                if path.is_file():
                    stat = path.stat()
                    yield path, (stat.st_mtime_ns, stat.st_size)


def _keys(s3: S3Client, bucket: str, prefix: str) -> Iterator[str]:
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix):
        for item in page.get("Contents", ()):
            if not item["Key"].endswith("/"):
                yield item["Key"]


def _fetch(s3: S3Client, bucket: str, key: str, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    body = s3.get_object(Bucket=bucket, Key=key)["Body"]
    with path.open("wb") as file:
        shutil.copyfileobj(body, file)
