"""Where an object of S3 goes on the disk: its key is chosen by whoever wrote it."""

from __future__ import annotations

from pathlib import Path, PurePosixPath

from quantum_pipeline.errors import InvalidResult
from quantum_pipeline.wording import refusal


def below(folder: Path, key: str) -> Path:
    """Return the path of a key below a folder, links in it followed.

    >>> below(Path("/runs/7"), "plots/a.png").as_posix()
    '/runs/7/plots/a.png'

    Raises:
        InvalidResult: the key names no file that lies below the folder.
    """
    parts = key.split("/")
    path = folder.joinpath(PurePosixPath(key))
    if "" in parts or "\0" in key or not path.resolve().is_relative_to(folder.resolve()):
        raise InvalidResult(refusal("key", key, f"one of a file below {folder}"))
    if ".." in parts or "." in parts:  # the same file by another name, so by two keys
        raise InvalidResult(refusal("key", key, "one without . and .. in its path"))
    return path
