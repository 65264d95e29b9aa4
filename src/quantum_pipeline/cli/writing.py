"""Files that a command writes where its user says."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from quantum_pipeline.errors import InvalidRequest

FILE = "a file that can be written"
FOLDER = "a folder that can be written to"


@contextmanager
def writing(field: str, path: Path, allowed: str = FILE) -> Iterator[None]:
    """Refuse the path that an option or a variable names if it cannot be written.

    Raises:
        InvalidRequest: it cannot; says why.
    """
    try:
        yield
    except OSError as error:
        raise InvalidRequest.of(field, str(path), f"{allowed} ({error.strerror})") from None
